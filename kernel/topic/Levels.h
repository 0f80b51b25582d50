#pragma once

#include <cstddef>
#include <string_view>

namespace nanomq
{

/// Takes a Topic Name or Topic Filter apart, level by level (§4.7.1.1). There is always a first
/// level; any may be empty. Thread: the owner's.
class Levels
{
public:
    explicit Levels(std::string_view text) noexcept : _text(text) { take(0); }

    /// No level is left.
    bool atEnd() const noexcept { return _begin > _text.size(); }
    /// The current level. Requires: not atEnd().
    std::string_view level() const noexcept { return _text.substr(_begin, _end - _begin); }
    /// Where it begins and ends in the text.
    std::size_t begin() const noexcept { return _begin; }
    std::size_t end() const noexcept { return _end; }
    void next() noexcept { take(_end + 1); }

private:
    void take(std::size_t begin) noexcept
    {
        _begin = begin;
        if (atEnd()) return;
        const std::size_t slash = _text.find('/', begin);
        _end = slash == std::string_view::npos ? _text.size() : slash;
    }

    std::string_view _text;
    std::size_t _begin = 0;
    std::size_t _end = 0;
};

} // namespace nanomq
