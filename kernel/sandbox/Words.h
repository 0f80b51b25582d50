#pragma once

#include "base/Bytes.h"

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace nanomq::sandbox
{

/// Puts numbers and texts behind one another, for a process of the same program.
class WordWriter
{
public:
    template <class Number>
        requires std::is_arithmetic_v<Number> || std::is_enum_v<Number>
    WordWriter& operator<<(Number number)
    {
        _bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
        return *this;
    }
    WordWriter& operator<<(std::string_view text)
    {
        *this << static_cast<std::uint64_t>(text.size());
        _bytes.append(text);
        return *this;
    }
    void raw(const void* bytes, std::size_t size)
    {
        _bytes.append(static_cast<const char*>(bytes), size);
    }
    const std::string& bytes() const noexcept { return _bytes; }

private:
    std::string _bytes;
};

/// Takes them apart again. Throws std::out_of_range when there is less than is asked for: what
/// comes from a sandbox may be anything.
class WordReader
{
public:
    explicit WordReader(std::string_view bytes) noexcept : _rest(bytes) {}

    template <class Number>
        requires std::is_arithmetic_v<Number> || std::is_enum_v<Number>
    WordReader& operator>>(Number& number)
    {
        std::memcpy(&number, take(sizeof number).data(), sizeof number);
        return *this;
    }
    /// A view into what is read.
    WordReader& operator>>(std::string_view& text)
    {
        std::uint64_t size = 0;
        *this >> size;
        text = take(size);
        return *this;
    }
    WordReader& operator>>(std::string& text)
    {
        std::string_view view;
        *this >> view;
        text = view;
        return *this;
    }
    template <class Number> Number number()
    {
        Number value{};
        *this >> value;
        return value;
    }
    std::string_view text()
    {
        std::string_view view;
        *this >> view;
        return view;
    }
    void raw(void* bytes, std::size_t size) { std::memcpy(bytes, take(size).data(), size); }
    bool atEnd() const noexcept { return _rest.empty(); }

private:
    std::string_view take(std::uint64_t size)
    {
        if (size > _rest.size()) throw std::out_of_range("a message of a sandbox is cut off");
        const auto taken = _rest.substr(0, size);
        _rest.remove_prefix(size);
        return taken;
    }

    std::string_view _rest;
};

} // namespace nanomq::sandbox
