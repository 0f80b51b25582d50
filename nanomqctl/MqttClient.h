#pragma once

#include "Shell.h"
#include "base/Clock.h"
#include "wire/Decoder.h"
#include "wire/Encoder.h"

#include <Poco/Net/StreamSocket.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace nanomq::ctl
{

/// How to connect.
struct MqttOptions
{
    struct Will
    {
        std::string topic;
        std::string payload;
        QoS qos = QoS::AtMostOnce;
        bool retain = false;
    };

    std::string host = "127.0.0.1";
    std::uint16_t port = 1883;
    ProtocolVersion version = ProtocolVersion::v5_0;
    std::string clientId; // empty: one is made up for 3.x, and the broker assigns one for 5.0
    std::optional<std::string> userName;
    std::optional<std::string> password;
    std::chrono::seconds keepAlive{60}; // 0: none
    bool cleanStart = true;             // false also asks a 5.0 broker to keep the session
    std::optional<Will> will;
    std::chrono::milliseconds patience{20'000}; // for each answer of the broker
};

/// A message as it came.
struct ReceivedMessage
{
    std::string topic;
    std::string payload;
    QoS qos = QoS::AtMostOnce;
    bool retain = false;
    bool dup = false;
};

/// An MQTT client that blocks: one connection, QoS 0 to 2, no reconnecting. Throws Failure with a
/// sentence for whatever goes wrong, with the Reason Code's text where there is one.
class MqttClient
{
public:
    /// Connects, and waits for CONNACK.
    explicit MqttClient(const MqttOptions& options);

    /// Sends a message, and waits until the broker has it: PUBACK, or PUBCOMP.
    void publish(std::string_view topic, std::string_view payload, QoS qos, bool retain);
    /// Subscribes to all filters, and waits for SUBACK. Returns its codes, one a filter.
    std::vector<ReasonCode> subscribe(const std::vector<std::string>& filters, QoS qos);

    enum class Event
    {
        Message, // take() has one
        Input,   // the other descriptor is readable
        Interrupted,
    };
    /// Waits for a message, or until one of these descriptors is readable (-1: none); keeps the
    /// connection alive meanwhile.
    Event wait(int input, int interrupt);
    /// The oldest message that came. Requires: wait() told of one.
    ReceivedMessage take();

    /// Says goodbye, and waits shortly for the broker to close: so all that was sent has arrived,
    /// and if the broker objects to any of it, that is thrown.
    void disconnect();

private:
    struct Answer
    {
        ReasonCode reason = ReasonCode::Success;
        std::string reasonString;
        std::vector<ReasonCode> reasons; // of SUBACK
    };

    void connect();
    void send(const std::vector<std::uint8_t>& packet);
    /// Waits for the answer of this type, and handles all that comes before it.
    Answer await(PacketType type, PacketIdentifier identifier);
    /// Handles what came, up to the first answer that is waited for.
    bool handleOne();
    void receive(MonotonicMs until);
    void handle(const FixedHeader& header, ByteView body);
    void handle(const Connack& connack);
    void handle(const Publish& publish);
    void handle(const Acknowledgement& acknowledgement);
    void handle(const Suback& suback);
    void handle(const Disconnect& disconnect);
    void acknowledge(PacketType type, PacketIdentifier identifier);
    void keepAlive();
    MonotonicMs nextPing() const noexcept;
    PacketIdentifier newIdentifier() noexcept;

    const MqttOptions _options;
    const std::string _clientId;
    Poco::Net::StreamSocket _socket;
    std::vector<std::uint8_t> _buffer;
    std::size_t _begin = 0; // of the next packet
    std::deque<ReceivedMessage> _messages;
    std::set<PacketIdentifier> _unreleased; // QoS 2 messages that were taken and not yet released
    PacketIdentifier _lastIdentifier = 0;
    MonotonicMs _lastSent = 0;
    MonotonicMs _pingedAt = 0; // 0: no PINGRESP is due

    bool _isClosing = false;
    PacketType _awaitedType{};
    PacketIdentifier _awaitedIdentifier = 0;
    std::optional<Answer> _answer;
};

} // namespace nanomq::ctl
