#pragma once

#include "base/Clock.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <sys/un.h>

namespace nanomq
{

/// A descriptor that is closed when its owner goes.
class Descriptor
{
public:
    explicit Descriptor(int number = -1) noexcept : _number(number) {}
    ~Descriptor() { reset(); }
    Descriptor(Descriptor&& other) noexcept : _number(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept
    {
        if (this != &other) reset(other.release());
        return *this;
    }

    int get() const noexcept { return _number; }
    explicit operator bool() const noexcept { return _number >= 0; }
    void reset(int number = -1) noexcept;
    int release() noexcept;

private:
    int _number;
};

/// The address of a Unix socket. Requires: checkControlPath() holds.
sockaddr_un unixAddress(const std::string& path) noexcept;

/// Lines over a connected Unix socket. Thread: one at a time, but for the two that end it.
class UnixStream
{
public:
    enum class Read
    {
        Line,
        End,     // the peer closed, or the connection broke
        TooLong, // the line has more than maximumLine bytes; nothing can be read any more
        Timeout,
    };

    UnixStream(Descriptor socket, std::size_t maximumLine) noexcept;

    /// The next line, without its end. @param until  kNever waits for ever.
    Read readLine(std::string& line, MonotonicMs until);
    /// Whether readLine() would not have to wait: there is something to read, or the end.
    bool hasInput() const noexcept;
    /// Sends all of it, in SO_SNDTIMEO's time a piece. False when the peer is gone or does not
    /// read.
    bool send(std::string_view bytes) noexcept;

    /// Makes a blocked and every later readLine() return End. What is sent still goes out.
    /// Thread: [any].
    void endReading() const noexcept;
    /// Ends both directions; the peer sees it. Thread: [any].
    void end() const noexcept;

private:
    Read receive(MonotonicMs until);

    const Descriptor _socket;
    const std::size_t _maximumLine;
    std::string _buffer;
    std::size_t _begin = 0;   // of what has not been returned
    std::size_t _scanned = 0; // no line end before this
};

} // namespace nanomq
