#pragma once

#include "support/Patience.h"
#include "wire/Decoder.h"
#include "wire/Encoder.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace nanomq::test
{

/// A packet that was received, with the bytes that it views.
template <class T> class Received
{
public:
    Received(std::vector<std::uint8_t> bytes, T packet)
        : _bytes(std::move(bytes)),
          _packet(std::move(packet))
    {
    }
    Received(Received&&) noexcept = default; // the bytes stay where they are in memory
    Received& operator=(Received&&) noexcept = default;

    const T& operator*() const noexcept { return _packet; }
    const T* operator->() const noexcept { return &_packet; }
    const std::vector<std::uint8_t>& bytes() const noexcept { return _bytes; }
    std::vector<std::uint8_t> takeBytes() && noexcept { return std::move(_bytes); }

private:
    std::vector<std::uint8_t> _bytes;
    T _packet;
};

/// Properties for a packet that is to be sent:
///
///     client.connect({.properties = with(PropertyId::SessionExpiryInterval, 60)});
///
/// They own their encoded form; a packet only views it, so they outlive the send.
class PropertyList
{
public:
    PropertyList() = default;
    template <class V> PropertyList& add(PropertyId id, const V& value)
    {
        if constexpr (std::is_integral_v<V>) _writer.add(id, static_cast<std::uint32_t>(value));
        else _writer.add(id, value);
        return *this;
    }
    PropertyList& add(std::string_view name, std::string_view value)
    {
        _writer.add(UserProperty{name, value});
        return *this;
    }
    /// For encoding: only `raw` is set.
    Properties view() const
    {
        Properties properties;
        properties.raw = _writer.raw();
        return properties;
    }

private:
    PropertyWriter _writer;
};

template <class V> PropertyList with(PropertyId id, const V& value)
{
    PropertyList list;
    list.add(id, value);
    return list;
}

/// What a CONNECT says.
struct ConnectOptions
{
    std::string_view clientId{};
    bool cleanStart = true;
    std::uint16_t keepAlive = 0; // seconds
    PropertyList properties{};
    std::optional<Will> will{};
    std::optional<std::string_view> userName{};
    std::optional<std::string_view> password{};
};

/// What a PUBLISH says beside topic and payload.
struct PublishOptions
{
    QoS qos = QoS::AtMostOnce;
    bool retain = false;
    PropertyList properties{};
};

/// "10 0C 00 04" as bytes; blanks may stand anywhere between, and 'text' stands for its bytes.
std::vector<std::uint8_t> hex(std::string_view digits);

/// An MQTT client that does exactly what the script says, to write dialogues as the standard's
/// figures do:
///
///     ScriptedClient client(broker.port(), ProtocolVersion::v5_0);
///     client.connect({.clientId = "a"});
///     client.sendPublish("t", "x", {.qos = QoS::ExactlyOnce}, 7).expectPubrec(7);
///     client.sendPubrel(7).expectPubcomp(7);
///
/// Each expect…() takes the next packet that comes, whichever that is, and fails the test, with
/// the dialogue so far, if it is another one than it names, or if none comes in time. Nothing is
/// acknowledged, and no PINGREQ is sent, unless a call's comment says so.
///
/// Thread: one at a time; the calls block.
class ScriptedClient
{
public:
    /// Opens a Network Connection to 127.0.0.1; sends nothing yet.
    explicit ScriptedClient(std::uint16_t port, ProtocolVersion version = ProtocolVersion::v5_0);
    /// Leaves its socket behind; the moved-from client can only be destroyed.
    ScriptedClient(ScriptedClient&&) noexcept = default;
    ScriptedClient& operator=(ScriptedClient&&) = delete;
    /// Closes the Network Connection, without DISCONNECT.
    ~ScriptedClient() = default;

    ProtocolVersion version() const noexcept { return _version; }

    // What it sends.

    ScriptedClient& send(const Packet& packet);
    /// Any bytes, for packets that no encoder would write. The peer may have closed meanwhile:
    /// that it did is for expectClosed() to find.
    ScriptedClient& sendBytes(const std::vector<std::uint8_t>& bytes);

    ScriptedClient& sendConnect(const ConnectOptions& options);
    /// @param identifier  0 exactly if QoS 0.
    ScriptedClient& sendPublish(std::string_view topicName, std::string_view payload,
                                const PublishOptions& options = {}, PacketIdentifier identifier = 0,
                                bool dup = false);
    ScriptedClient& sendPuback(PacketIdentifier identifier,
                               ReasonCode reason = ReasonCode::Success);
    ScriptedClient& sendPubrec(PacketIdentifier identifier,
                               ReasonCode reason = ReasonCode::Success);
    ScriptedClient& sendPubrel(PacketIdentifier identifier,
                               ReasonCode reason = ReasonCode::Success);
    ScriptedClient& sendPubcomp(PacketIdentifier identifier,
                                ReasonCode reason = ReasonCode::Success);

    // What must come next.

    /// The next packet, whichever it is.
    Received<Packet> receive(std::chrono::milliseconds patience = kPatience);
    /// The next packet, which must be a T.
    template <class T> Received<T> expect(std::chrono::milliseconds patience = kPatience);

    Received<Connack> expectConnack(ReasonCode reason = ReasonCode::Success,
                                    bool sessionPresent = false);
    ScriptedClient& expectPuback(PacketIdentifier identifier,
                                 ReasonCode reason = ReasonCode::Success);
    ScriptedClient& expectPubrec(PacketIdentifier identifier,
                                 ReasonCode reason = ReasonCode::Success);
    ScriptedClient& expectPubrel(PacketIdentifier identifier,
                                 ReasonCode reason = ReasonCode::Success);
    ScriptedClient& expectPubcomp(PacketIdentifier identifier,
                                  ReasonCode reason = ReasonCode::Success);
    /// The next packet is this message. It is not acknowledged.
    Received<Publish> expectPublish(std::string_view topicName, std::string_view payload,
                                    QoS qos = QoS::AtMostOnce);
    /// Nothing comes for so long. Prefer expectNothingBeforePingresp() where it can do.
    ScriptedClient& expectNothing(std::chrono::milliseconds patience);
    /// Sends PINGREQ, and the next packet is PINGRESP: so nothing came before it. The broker puts
    /// a message into the output of its recipients before it acknowledges it to the publisher;
    /// so when a PUBLISH has been acknowledged, and its recipient gets PINGRESP first, then the
    /// message did not go there.
    ScriptedClient& expectNothingBeforePingresp();
    /// DISCONNECT with this Reason Code, and then the end of the Network Connection.
    void expectDisconnect(ReasonCode reason);
    /// The Network Connection ends, with nothing more coming.
    void expectClosed(std::chrono::milliseconds patience = kPatience);
    /// Whether the Network Connection ended within this time; a DISCONNECT before that is taken.
    bool closedWithin(std::chrono::milliseconds patience);
    /// All bytes up to the end of the Network Connection, for answers to what no version knows.
    std::vector<std::uint8_t> readToEnd();
    /// The Network Connection ends. 5.0: a DISCONNECT before that must have the Reason Code;
    /// 3.x: nothing comes before.
    void expectRefused(ReasonCode reason);

    // Whole exchanges, both ways.

    /// CONNECT, CONNACK with Success.
    Received<Connack> connect(const ConnectOptions& options, bool sessionPresent = false);
    /// SUBSCRIBE, SUBACK; its Reason Codes, which must not be failures.
    std::vector<ReasonCode> subscribe(std::vector<SubscriptionRequest> requests,
                                      const PropertyList& properties = {});
    ScriptedClient& subscribe(std::string_view topicFilter, QoS qos = QoS::AtMostOnce);
    std::vector<ReasonCode> unsubscribe(std::vector<std::string_view> topicFilters);
    /// PUBLISH and its acknowledgements, as its QoS wants; QoS 0 is followed by a PINGREQ and its
    /// PINGRESP, so that the broker has routed it, too. Returns the Reason Code of the
    /// PUBACK or PUBREC. For a client that receives nothing else meanwhile.
    ReasonCode publish(std::string_view topicName, std::string_view payload,
                       const PublishOptions& options = {});
    /// The next packet is a PUBLISH; acknowledges it as its QoS wants, up to PUBCOMP.
    Received<Publish> receiveMessage(std::chrono::milliseconds patience = kPatience);
    /// Sends PINGREQ, and takes and acknowledges (QoS 0 and 1) every message that comes before
    /// the PINGRESP: with expectNothingBeforePingresp()'s reasoning, all that were for it.
    std::vector<Received<Publish>> receiveMessagesBeforePingresp();
    /// DISCONNECT, then the broker closes.
    void disconnect(ReasonCode reason = ReasonCode::Success, const PropertyList& properties = {});
    /// Ends the Network Connection without DISCONNECT, as a network that fails does.
    void drop();

    /// A Packet Identifier that this client has not used for its last 65,534 packets.
    PacketIdentifier nextIdentifier() noexcept;

    /// Fails the test, with the dialogue so far.
    [[noreturn]] void fail(const std::string& what) const;

private:
    enum class Came
    {
        Packet,
        Nothing,
        End
    };
    Came await(std::chrono::milliseconds patience);
    std::optional<FixedHeader> wholePacket() const;
    ScriptedClient& expectAcknowledgement(PacketType type, PacketIdentifier identifier,
                                          ReasonCode reason);
    void remember(char direction, ByteView bytes);

    /// A socket that is closed with its owner.
    class Socket
    {
    public:
        explicit Socket(int descriptor) noexcept : _descriptor(descriptor) {}
        Socket(Socket&& other) noexcept : _descriptor(std::exchange(other._descriptor, -1)) {}
        ~Socket() { close(); }
        operator int() const noexcept { return _descriptor; }
        void close() noexcept;

    private:
        int _descriptor;
    };

    ProtocolVersion _version;
    Socket _socket;
    bool _ended = false;
    std::vector<std::uint8_t> _input; // received, and not yet taken
    std::size_t _inputStart = 0;
    PacketIdentifier _lastIdentifier = 0;
    std::deque<std::string> _dialogue; // the last packets, for failure messages
};

/// The name of a packet's kind, for failure messages: "CONNACK".
std::string_view nameOf(const Packet& packet);

template <class T> Received<T> ScriptedClient::expect(std::chrono::milliseconds patience)
{
    auto received = receive(patience);
    const T* const packet = std::get_if<T>(&*received);
    if (!packet)
        fail("unexpected " + std::string(nameOf(*received)) + " instead of " +
             std::string(nameOf(Packet(T{}))));
    T copy = *packet; // its views stay valid: they point into the bytes, which only change hands
    return {std::move(received).takeBytes(), std::move(copy)};
}

} // namespace nanomq::test
