#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>

namespace nanomq::fuzz
{

/// Ends the run with a crash, which libFuzzer keeps the input of, unless the condition holds.
inline void require(bool condition, std::string_view what)
{
    if (condition) return;
    std::cerr << "fuzz: " << what << '\n';
    std::abort();
}

/// An input as a program: bytes that choose, and texts.
class Input
{
public:
    Input(const std::uint8_t* data, std::size_t size) noexcept
        : _rest(reinterpret_cast<const char*>(data), size)
    {
    }

    bool done() const noexcept { return _rest.empty(); }
    /// 0 at the end.
    std::uint8_t byte() noexcept
    {
        if (_rest.empty()) return 0;
        const char first = _rest.front();
        _rest.remove_prefix(1);
        return static_cast<std::uint8_t>(first);
    }
    /// Up to the next line end, which is taken and not given.
    std::string_view line() noexcept
    {
        const auto end = _rest.find('\n');
        const auto text = _rest.substr(0, end);
        _rest.remove_prefix(end == std::string_view::npos ? _rest.size() : end + 1);
        return text;
    }
    std::string_view rest() noexcept
    {
        const auto text = _rest;
        _rest = {};
        return text;
    }

private:
    std::string_view _rest;
};

} // namespace nanomq::fuzz
