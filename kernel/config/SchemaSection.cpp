#include "config/SchemaSection.h"

#include "config/Schema.h"

#include <Poco/Exception.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <elf.h>
#include <fstream>
#include <string_view>
#include <vector>

namespace nanomq
{

namespace
{

/// The bytes of a file at given places. Every read is checked against the file's end.
class ElfFile
{
public:
    explicit ElfFile(const std::string& path) : _path(path), _stream(path, std::ios::binary)
    {
        if (!_stream) throw Poco::OpenFileException(path);
        _stream.seekg(0, std::ios::end);
        _size = static_cast<std::uint64_t>(std::max<std::streamoff>(_stream.tellg(), 0));
    }

    template <class T> T at(std::uint64_t offset)
    {
        T record;
        read(offset, &record, sizeof record);
        return record;
    }

    std::string bytes(std::uint64_t offset, std::uint64_t size, std::uint64_t limit)
    {
        if (size > limit) unsound("a section of " + std::to_string(size) + " bytes");
        std::string all(size, '\0');
        read(offset, all.data(), size);
        return all;
    }

    [[noreturn]] void unsound(const std::string& why) const
    {
        throw Poco::DataFormatException(_path + " is not a sound plugin file: " + why);
    }

private:
    void read(std::uint64_t offset, void* to, std::uint64_t size)
    {
        if (offset > _size || size > _size - offset) unsound("it ends before its contents");
        _stream.seekg(static_cast<std::streamoff>(offset));
        _stream.read(static_cast<char*>(to), static_cast<std::streamsize>(size));
        if (!_stream) throw Poco::ReadFileException(_path);
    }

    const std::string _path;
    std::ifstream _stream;
    std::uint64_t _size = 0;
};

} // namespace

std::optional<std::string> readSchemaSection(const std::string& path)
{
    constexpr unsigned kMaximumSections = 4'096;
    constexpr std::uint64_t kMaximumNames = std::uint64_t{1} << 20;

    ElfFile file(path);
    const auto header = file.at<Elf64_Ehdr>(0);
    constexpr unsigned char byteOrder =
        std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != byteOrder)
        file.unsound("no 64-bit ELF file of this machine");
    if (header.e_shnum == 0) return {};
    if (header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shnum > kMaximumSections ||
        header.e_shstrndx >= header.e_shnum)
        file.unsound("its table of sections makes no sense");

    std::vector<Elf64_Shdr> sections;
    for (unsigned i = 0; i < header.e_shnum; ++i)
        sections.push_back(file.at<Elf64_Shdr>(header.e_shoff + i * sizeof(Elf64_Shdr)));
    const Elf64_Shdr& nameTable = sections[header.e_shstrndx];
    const std::string names = file.bytes(nameTable.sh_offset, nameTable.sh_size, kMaximumNames);

    for (const Elf64_Shdr& section : sections)
    {
        if (section.sh_name >= names.size() ||
            names.c_str() + section.sh_name != std::string_view(kSchemaSection))
            continue;
        if (section.sh_type != SHT_PROGBITS) file.unsound("its schema has no contents");
        return file.bytes(section.sh_offset, section.sh_size, Schema::kMaximumJsonBytes);
    }
    return {};
}

} // namespace nanomq
