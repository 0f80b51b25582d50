#pragma once

#include <optional>
#include <string>

namespace nanomq::ctl
{

/// Lines of a descriptor that is waited for with poll(2): never reads more than is there.
class LineReader
{
public:
    /// The longest line; a PUBLISH cannot carry more.
    static constexpr std::size_t kMaximumBytes = 268'435'455;

    explicit LineReader(int descriptor) noexcept : _descriptor(descriptor) {}

    /// The next line that is complete, without its end; at the end of the file also the last one
    /// that has none. Nothing when more has to be read.
    std::optional<std::string> next();
    /// Reads once; call it when the descriptor is readable. Throws Poco::IOException.
    void read();

    bool atEnd() const noexcept { return _isAtEnd && _begin == _buffer.size(); }

private:
    const int _descriptor;
    std::string _buffer;
    std::size_t _begin = 0;   // of the next line
    std::size_t _scanned = 0; // no line end before this
    bool _isAtEnd = false;
};

} // namespace nanomq::ctl
