#pragma once

#include "base/Bytes.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace nanomq::load
{

/// A stream has ended or could not be made: why.
class StreamError : public std::runtime_error
{
public:
    using std::runtime_error::runtime_error;
};

/// Where the broker is, and how to speak to it.
struct Endpoint
{
    std::string host = "127.0.0.1";
    std::uint16_t port = 1883;
    bool tls = false;
    std::string caFile{};   // empty: the broker's certificate is not looked at
    std::string certFile{}; // of the client, with keyFile
    std::string keyFile{};
    std::optional<std::string> webSocketPath{};
    /// To a broker on loopback: clients come in turn from this many addresses, from 127.0.0.2 on,
    /// since one has 28,000 ports at most.
    unsigned sources = 1;
};

/// An Endpoint made ready: its address looked up, its certificates read.
class Dialer
{
public:
    /// Throws StreamError that tells what is wrong with the endpoint.
    explicit Dialer(Endpoint endpoint);
    ~Dialer();
    Dialer(const Dialer&) = delete;
    Dialer& operator=(const Dialer&) = delete;

    const Endpoint& endpoint() const noexcept { return _endpoint; }

private:
    friend class Stream;

    const Endpoint _endpoint;
    sockaddr_storage _address{};
    socklen_t _addressSize = 0;
    ssl_ctx_st* _tls = nullptr;
    unsigned _made = 0;
};

/// A non-blocking byte stream to the broker: TCP, with TLS and WebSocket where asked for.
/// Everything throws StreamError when the stream has ended. Thread: the owner's.
class Stream
{
public:
    /// Begins to connect.
    explicit Stream(Dialer& dialer);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    int descriptor() const noexcept { return _descriptor; }

    /// Goes on with connecting as far as it goes. True: bytes can be sent and received.
    bool establish();
    /// Whether it waits to write rather than to read.
    bool wantsToWrite() const noexcept;

    /// Returns how many bytes came; 0: none now.
    std::size_t read(std::uint8_t* into, std::size_t room);
    /// Returns how many bytes were taken.
    std::size_t write(ByteView bytes);

    /// Ends it with RST: no address is kept waiting for it.
    void abort() noexcept;

private:
    enum class Stage : std::uint8_t
    {
        Connecting,
        Encrypting,
        Upgrading,
        Open,
    };

    std::size_t readRaw(std::uint8_t* into, std::size_t room);
    std::size_t writeRaw(ByteView bytes);
    void flushFrames();
    bool upgrade();
    std::size_t takeFrames(std::uint8_t* bytes, std::size_t size);

    const Dialer& _dialer;
    int _descriptor;
    ssl_st* _tls = nullptr;
    Stage _stage = Stage::Connecting;
    bool _wantsToWrite = true;
    // WebSocket only.
    std::vector<std::uint8_t> _frames; // to be written
    std::vector<std::uint8_t> _header; // of a frame, or of the answer to the upgrade
    std::uint64_t _payloadLeft = 0;    // of the frame that is being read
    bool _skipping = false;            // that payload is none of ours
};

} // namespace nanomq::load
