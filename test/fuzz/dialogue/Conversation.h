#pragma once

#include "PacketSource.h"

#include <cstdint>
#include <deque>
#include <string>

namespace nanomq::test
{

/// One connection that says anything, over TCP or WebSocket. Does not block.
///
/// A plain one that began with a sound CONNECT also checks that all it gets are whole packets of
/// its version, such as servers send.
class Conversation
{
public:
    /// Opens it. @param number  with the seed, decides on all that is said.
    Conversation(std::uint64_t seed, std::uint64_t number, std::uint16_t tcpPort,
                 std::uint16_t webSocketPort);
    ~Conversation();
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;

    int descriptor() const noexcept { return _socket; }
    /// What poll(2) should wait for.
    short events() const noexcept;
    /// Goes on; false when it is over. @param events  from poll(2); 0: nothing came for a while.
    bool proceed(short events);
    /// What the broker did that no server may do; empty: nothing.
    const std::string& complaint() const noexcept { return _complaint; }

private:
    void script(PacketSource& source);
    void say(PacketSource& source, const Octets& bytes);
    bool sendSome();
    bool receiveSome();
    void checkAnswers();

    int _socket = -1;
    bool _webSocket = false;
    bool _checks = false; // the answers
    ProtocolVersion _version;
    std::deque<Octets> _unsent;
    std::size_t _idleRounds = 0;
    std::size_t _patience = 1;
    Octets _answers;
    std::string _complaint;
};

} // namespace nanomq::test
