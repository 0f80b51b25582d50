#pragma once

#include "load/Loop.h"
#include "load/Stream.h"
#include "wire/Decoder.h"
#include "wire/Encoder.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nanomq::load
{

class Client;

/// How a Client introduces itself.
struct ClientTerms
{
    ProtocolVersion version = ProtocolVersion::v5_0;
    std::optional<std::string> userName{};
    std::optional<std::string> password{};
    std::uint16_t keepAliveSeconds = 300; // 0: none
    bool cleanStart = true;
    std::uint32_t sessionExpirySeconds = 0; // 5.0 only; 3.x keeps a session that is not clean
};

/// What its owner does with what a Client hears. Each may send, and may end the client.
class ClientOwner
{
public:
    /// CONNACK has accepted it.
    virtual void connected(Client& client) = 0;
    /// @param publish  its views are valid until the call returns. It is acknowledged by itself.
    virtual void received(Client& client, const Publish& publish) = 0;
    /// A PUBLISH with QoS 1 or 2 is done.
    virtual void acknowledged(Client&, ReasonCode) {}
    /// SUBACK or UNSUBACK.
    virtual void subscribed(Client&, std::span<const ReasonCode>) {}
    /// It could not connect, or is not connected any more, and was not asked to.
    virtual void failed(Client& client, const std::string& why) = 0;

protected:
    ~ClientOwner() = default;
};

/// One MQTT client of a load: non-blocking, answers by itself, keeps nothing.
///
/// What is sent is gathered and written once at the end of the loop's turn. QoS 2 is answered by
/// Packet Identifier only: whether something came twice is the owner's to find out. Thread: the
/// loop's.
class Client
{
public:
    Client(Loop& loop, std::string clientId, const ClientTerms& terms, ClientOwner& owner);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Begins to connect. Requires: closed, and not from within a call of ClientOwner.
    void connect(Dialer& dialer);
    bool isConnected() const noexcept { return _connected; }
    std::uint64_t connectBeganNs() const noexcept { return _beganNs; }
    const std::string& clientId() const noexcept { return _clientId; }
    std::uint32_t number = 0; ///< its owner's, for finding what belongs to it
    ProtocolVersion version() const noexcept { return _terms.version; }
    /// From CONNACK: how many PUBLISH with QoS 1 and 2 the broker takes at a time.
    std::uint16_t sendQuota() const noexcept { return _sendQuota; }

    void subscribe(std::span<const std::string> filters, QoS qos);
    void unsubscribe(std::span<const std::string> filters);

    /// Room for one packet of the caller's, to be filled before the next call.
    std::uint8_t* append(std::size_t size);
    /// Bytes that wait because the socket takes no more.
    std::size_t unsent() const noexcept { return _out.size() - _outBegin; }
    /// For PUBLISH with QoS 1 and 2; never 0.
    PacketIdentifier nextIdentifier() noexcept;

    /// Stops reading, or goes on: what a slow client does.
    void setReading(bool reads);

    /// Sends DISCONNECT and closes.
    void disconnect();
    /// Closes without a word. @param reset  with RST.
    void close(bool reset = false);

private:
    friend class Loop;

    void ready(std::uint32_t events);
    void flush();
    void ping(std::uint64_t nowNs);

    void attempt(void (Client::*step)());
    void begin();
    void readAll();
    std::size_t handlePackets(ByteView bytes);
    void handle(const FixedHeader& header, ByteView body);
    void handlePublish(const FixedHeader& header, ByteView body);
    void handleAnswer(const FixedHeader& header, ByteView body);
    void handleConnack(const FixedHeader& header, ByteView body);
    void answer(std::uint8_t firstByte, PacketIdentifier identifier);
    void watch();

    Loop& _loop;
    std::size_t _place = 0; // in the loop's list
    const std::string _clientId;
    const ClientTerms& _terms;
    ClientOwner& _owner;
    std::unique_ptr<Stream> _stream;
    std::vector<std::uint8_t> _out;
    std::size_t _outBegin = 0;
    std::vector<std::uint8_t> _rest; // of a packet that has not come whole
    std::size_t _wanted = 0;         // bytes of that packet
    Publish _publish;
    std::uint64_t _beganNs = 0;
    std::uint64_t _lastSentNs = 0;
    std::uint32_t _watched = 0; // epoll events
    PacketIdentifier _lastIdentifier = 0;
    std::uint16_t _sendQuota = 65'535;
    bool _established = false;
    bool _connected = false;
    bool _reads = true;
    bool _dirty = false;
};

} // namespace nanomq::load
