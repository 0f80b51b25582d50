#include "LineReader.h"

#include <Poco/Exception.h>

#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace nanomq::ctl
{

std::optional<std::string> LineReader::next()
{
    const std::size_t end = _buffer.find('\n', _scanned);
    if (end == std::string::npos)
    {
        _scanned = _buffer.size();
        if (!_isAtEnd || _begin == _buffer.size()) return {};
        std::string last = _buffer.substr(_begin);
        _begin = _buffer.size();
        return last;
    }
    std::string line = _buffer.substr(_begin, end - _begin);
    _begin = _scanned = end + 1;
    return line;
}

void LineReader::read()
{
    constexpr std::size_t kPiece = std::size_t{64} << 10;
    _buffer.erase(0, _begin);
    _scanned -= _begin;
    _begin = 0;
    if (_buffer.size() > kMaximumBytes) throw Poco::IOException("a line of the input is too long");

    const std::size_t filled = _buffer.size();
    _buffer.resize(filled + kPiece);
    const ssize_t count = ::read(_descriptor, _buffer.data() + filled, kPiece);
    const int error = errno;
    _buffer.resize(filled + static_cast<std::size_t>(count > 0 ? count : 0));
    if (count == 0) _isAtEnd = true;
    if (count < 0 && error != EINTR && error != EAGAIN)
        throw Poco::IOException(std::string("the input cannot be read: ") + std::strerror(error));
}

} // namespace nanomq::ctl
