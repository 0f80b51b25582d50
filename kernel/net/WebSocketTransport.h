#pragma once

#include "base/FutexLock.h"
#include "net/Transport.h"
#include "net/WebSocketFrames.h"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace nanomq
{

/// The server's side of a WebSocket (RFC 6455), over a socket or TLS: answers the request for it,
/// takes frames apart, and packs what is sent by one flush into one binary frame. Extensions are
/// never agreed on.
class WebSocketTransport final : public Transport
{
public:
    /// @param path  what clients have to ask for; lives as long as the transport.
    WebSocketTransport(std::unique_ptr<Transport> below, std::string_view path,
                       TransportCounters& counters) noexcept
        : _below(std::move(below)), _path(path), _counters(counters)
    {
    }

    std::int64_t receive(std::uint8_t* buffer, std::size_t size,
                         HandshakeBudget& handshakes) override;
    std::int64_t send(const iovec* parts, int count) override;
    bool pending() const noexcept override;
    void finish() override;
    bool established() const noexcept override { return _upgraded; }
    bool ended() const noexcept override { return _refused || _frames.ended() || _below->ended(); }
    std::string_view failure() const noexcept override
    {
        return _failure.empty() ? _below->failure() : _failure;
    }
    void describe(PeerFacts& facts) const override { _below->describe(facts); }

private:
    std::size_t upgrade(const std::uint8_t* bytes, std::size_t size);
    void refuse(std::string_view problem);
    void answer(ByteView bytes);
    void answerPing();
    void answerEnd();
    void queueClose(std::uint16_t code);
    bool sendControl();

    const std::unique_ptr<Transport> _below;
    const std::string_view _path;
    TransportCounters& _counters;

    // The owner's.
    std::unique_ptr<std::string> _head; // of the request, while it is unfinished
    WebSocketFrames _frames;
    std::string _failure;
    bool _upgraded = false;
    bool _refused = false;
    bool _closing = false; // our Close frame is under way

    // What the owner hands to whoever sends next.
    FutexLock _lock; // guards the two
    std::vector<std::uint8_t> _answers; // the response to the request, a Close frame
    std::vector<std::uint8_t> _pong;    // only to the latest Ping (§5.5.3), so never more than one
    std::atomic<bool> _hasAnswers{false};

    // The sender's; one at a time.
    std::vector<std::uint8_t> _control;
    std::size_t _controlSent = 0;
    WebSocketHeader _header{{}, 0}; // of the frame that is being sent
    std::uint8_t _headerSent = 0;
    std::size_t _left = 0; // of its payload
};

} // namespace nanomq
