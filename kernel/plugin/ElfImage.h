#pragma once

#include "base/Bytes.h"
#include "base/Result.h"

#include <cstdint>
#include <elf.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nanomq
{

/// The parts of a shared library's file that the dynamic loader goes by.
///
/// Made of bytes that may be anything: every read is checked against their end, and what does not
/// fit is an error. A value; holds a view of the bytes. Thread: [any].
class ElfImage
{
public:
    struct Symbol
    {
        std::string name;
        bool defined;
        bool visible; // to other libraries
        bool unique;  // STB_GNU_UNIQUE: one in the process, and its library stays mapped
    };

    /// A 64-bit shared library for this processor, all of whose segments are in the file. The
    /// error says what it is instead.
    static Result<ElfImage, std::string> parse(ByteView file);

    /// The contents of the note with that owner and type. Valid as long as the file's bytes.
    std::optional<ByteView> note(std::string_view owner, std::uint32_t type) const;

    const std::vector<std::string>& needed() const noexcept { return _needed; }
    const std::vector<std::string>& runPaths() const noexcept { return _runPaths; }
    const std::vector<Symbol>& symbols() const noexcept { return _symbols; }
    bool noDelete() const noexcept { return _noDelete; }

private:
    struct Dynamic;

    explicit ElfImage(ByteView file) noexcept : _file(file) {}

    std::optional<std::string> readHeader();
    std::optional<std::string> readDynamic();
    bool readSymbols(const Dynamic& dynamic);
    std::optional<std::uint64_t> symbolCount(const Dynamic& dynamic) const;
    std::optional<std::uint64_t> countByGnuHash(std::uint64_t table) const;
    std::optional<std::string> text(const Dynamic& dynamic, std::uint64_t offset) const;

    template <class T> std::optional<T> at(std::uint64_t offset) const;
    /// Where in the file stands what is mapped at `address`?
    std::optional<std::uint64_t> offsetOf(std::uint64_t address) const;

    ByteView _file;
    std::vector<Elf64_Phdr> _segments;
    std::vector<std::string> _needed;
    std::vector<std::string> _runPaths;
    std::vector<Symbol> _symbols;
    bool _noDelete = false;
};

} // namespace nanomq
