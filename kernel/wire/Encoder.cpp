#include "wire/Encoder.h"

#include "wire/PropertyShape.h"

#include <algorithm>
#include <cassert>

namespace nanomq
{

namespace
{

/// Counts the bytes that a Writer would write: fields are described once, see frame().
class Counter
{
public:
    std::size_t size() const noexcept { return _size; }

    void byte(unsigned) noexcept { _size += 1; }
    void twoByteInteger(unsigned) noexcept { _size += 2; }
    void fourByteInteger(std::uint32_t) noexcept { _size += 4; }
    void variableByteInteger(std::size_t value) noexcept
    {
        _size += variableByteSize(static_cast<std::uint32_t>(value));
    }
    void bytes(ByteView bytes) noexcept { _size += bytes.size(); }

private:
    std::size_t _size = 0;
};

/// Writes fields into memory that is large enough for them.
class Writer
{
public:
    explicit Writer(std::uint8_t* at) noexcept : _at(at) {}
    const std::uint8_t* at() const noexcept { return _at; }

    void byte(unsigned value) noexcept { *_at++ = static_cast<std::uint8_t>(value); }
    void twoByteInteger(unsigned value) noexcept
    {
        byte(value >> 8);
        byte(value);
    }
    void fourByteInteger(std::uint32_t value) noexcept
    {
        twoByteInteger(value >> 16);
        twoByteInteger(value);
    }
    void variableByteInteger(std::size_t value) noexcept
    {
        _at = writeVariableByte(_at, static_cast<std::uint32_t>(value));
    }
    void bytes(ByteView bytes) noexcept { _at = std::copy(bytes.begin(), bytes.end(), _at); }

private:
    std::uint8_t* _at;
};

template <class Out> void binary(Out& out, ByteView bytes)
{
    assert(bytes.size() <= 0xFFFF);
    out.twoByteInteger(static_cast<unsigned>(bytes.size()));
    out.bytes(bytes);
}

template <class Out> void text(Out& out, std::string_view text)
{
    binary(out, asBytes(text));
}

template <class Out> void properties(Out& out, const Properties& properties)
{
    out.variableByteInteger(properties.raw.size());
    out.bytes(properties.raw);
}

template <class Out> void properties(Out& out, const Properties& given, ProtocolVersion version)
{
    if (version == ProtocolVersion::v5_0) properties(out, given);
}

/// A Reason Code and properties, as far as they have to be written (§3.4.2.1, §3.14.2.1).
template <class Out>
void reasonAndProperties(Out& out, ReasonCode reason, const Properties& given,
                         ProtocolVersion version)
{
    if (version != ProtocolVersion::v5_0) return;
    if (reason == ReasonCode::Success && given.raw.empty()) return;
    out.byte(static_cast<unsigned>(reason));
    if (!given.raw.empty()) properties(out, given);
}

template <class Out> void body(Out& out, const Connect& connect, ProtocolVersion version)
{
    text(out, version == ProtocolVersion::v3_1 ? "MQIsdp" : "MQTT");
    out.byte(static_cast<unsigned>(version) | (connect.bridge ? 0x80U : 0U));
    unsigned flags = connect.cleanStart ? 0x02 : 0;
    if (connect.will)
    {
        flags |= 0x04 | static_cast<unsigned>(connect.will->qos) << 3;
        if (connect.will->retain) flags |= 0x20;
    }
    if (connect.password) flags |= 0x40;
    if (connect.userName) flags |= 0x80;
    out.byte(flags);
    out.twoByteInteger(connect.keepAlive);
    properties(out, connect.properties, version);
    text(out, connect.clientId);
    if (connect.will)
    {
        properties(out, connect.will->properties, version);
        text(out, connect.will->topicName);
        binary(out, connect.will->payload);
    }
    if (connect.userName) text(out, *connect.userName);
    if (connect.password) binary(out, *connect.password);
}

template <class Out> void body(Out& out, const Connack& connack, ProtocolVersion version)
{
    out.byte(connack.sessionPresent && version != ProtocolVersion::v3_1);
    out.byte(version == ProtocolVersion::v5_0 ? static_cast<unsigned>(connack.reason)
                                              : connectReturnCode(connack.reason));
    properties(out, connack.properties, version);
}

template <class Out> void body(Out& out, const Publish& publish, ProtocolVersion version)
{
    text(out, publish.topicName);
    if (publish.qos != QoS::AtMostOnce) out.twoByteInteger(publish.packetIdentifier);
    properties(out, publish.properties, version);
    out.bytes(publish.payload);
}

template <class Out>
void body(Out& out, const Acknowledgement& acknowledgement, ProtocolVersion version)
{
    out.twoByteInteger(acknowledgement.packetIdentifier);
    reasonAndProperties(out, acknowledgement.reason, acknowledgement.properties, version);
}

unsigned options(const SubscriptionRequest& request, ProtocolVersion version) noexcept
{
    const auto qos = static_cast<unsigned>(request.qos);
    if (version != ProtocolVersion::v5_0) return qos;
    return qos | (request.noLocal ? 0x04U : 0U) | (request.retainAsPublished ? 0x08U : 0U) |
           static_cast<unsigned>(request.retainHandling) << 4;
}

template <class Out> void body(Out& out, const Subscribe& subscribe, ProtocolVersion version)
{
    out.twoByteInteger(subscribe.packetIdentifier);
    properties(out, subscribe.properties, version);
    for (const auto& request : subscribe.requests)
    {
        text(out, request.topicFilter);
        out.byte(options(request, version));
    }
}

template <class Out> void body(Out& out, const Suback& suback, ProtocolVersion version)
{
    out.twoByteInteger(suback.packetIdentifier);
    properties(out, suback.properties, version);
    for (const ReasonCode reason : suback.reasons)
    {
        const bool known = version == ProtocolVersion::v5_0 || !isFailure(reason);
        out.byte(static_cast<unsigned>(known ? reason : ReasonCode::UnspecifiedError));
    }
}

template <class Out> void body(Out& out, const Unsubscribe& unsubscribe, ProtocolVersion version)
{
    out.twoByteInteger(unsubscribe.packetIdentifier);
    properties(out, unsubscribe.properties, version);
    for (const auto topicFilter : unsubscribe.topicFilters) text(out, topicFilter);
}

template <class Out> void body(Out& out, const Unsuback& unsuback, ProtocolVersion version)
{
    out.twoByteInteger(unsuback.packetIdentifier);
    if (version != ProtocolVersion::v5_0) return;
    properties(out, unsuback.properties);
    for (const ReasonCode reason : unsuback.reasons) out.byte(static_cast<unsigned>(reason));
}

template <class Out> void body(Out& out, const Disconnect& disconnect, ProtocolVersion version)
{
    reasonAndProperties(out, disconnect.reason, disconnect.properties, version);
}

template <class Out> void body(Out& out, const Auth& auth, ProtocolVersion)
{
    out.byte(static_cast<unsigned>(auth.reason));
    properties(out, auth.properties);
}

template <class Out> void body(Out&, const Pingreq&, ProtocolVersion) {}
template <class Out> void body(Out&, const Pingresp&, ProtocolVersion) {}

/// Makes room for `size` bytes at the end.
Writer extend(std::vector<std::uint8_t>& out, std::size_t size)
{
    const std::size_t before = out.size();
    out.resize(before + size);
    return Writer(out.data() + before);
}

/// Appends a packet whose fields body() writes: runs it once to count, once to write.
template <class P>
void frame(PacketType type, unsigned flags, const P& packet, ProtocolVersion version,
           std::vector<std::uint8_t>& out)
{
    Counter counter;
    body(counter, packet, version);
    assert(counter.size() <= 268'435'455);
    const auto remainingLength = static_cast<std::uint32_t>(counter.size());

    Writer writer = extend(out, 1 + variableByteSize(remainingLength) + remainingLength);
    writer.byte(static_cast<unsigned>(type) << 4 | flags);
    writer.variableByteInteger(remainingLength);
    body(writer, packet, version);
    assert(writer.at() == out.data() + out.size());
}

/// Appends what `put` writes: calls it once to count, once to write.
template <class Put> void append(std::vector<std::uint8_t>& out, Put put)
{
    Counter counter;
    put(counter);
    Writer writer = extend(out, counter.size());
    put(writer);
}

} // namespace

PropertyWriter& PropertyWriter::add(PropertyId id, std::uint32_t number)
{
    append(_bytes, [&](auto& out) {
        out.byte(static_cast<unsigned>(id));
        switch (shapeOf(id).encoding)
        {
        case PropertyEncoding::Byte: out.byte(number); break;
        case PropertyEncoding::TwoByteInteger: out.twoByteInteger(number); break;
        case PropertyEncoding::FourByteInteger: out.fourByteInteger(number); break;
        case PropertyEncoding::VariableByteInteger: out.variableByteInteger(number); break;
        default: assert(!"a number for a property that takes none");
        }
    });
    return *this;
}

PropertyWriter& PropertyWriter::add(PropertyId id, std::string_view value)
{
    assert(shapeOf(id).encoding == PropertyEncoding::Text);
    append(_bytes, [&](auto& out) {
        out.byte(static_cast<unsigned>(id));
        text(out, value);
    });
    return *this;
}

PropertyWriter& PropertyWriter::add(PropertyId id, ByteView value)
{
    assert(shapeOf(id).encoding == PropertyEncoding::Binary);
    append(_bytes, [&](auto& out) {
        out.byte(static_cast<unsigned>(id));
        binary(out, value);
    });
    return *this;
}

PropertyWriter& PropertyWriter::add(const UserProperty& property)
{
    append(_bytes, [&](auto& out) {
        out.byte(static_cast<unsigned>(PropertyId::UserProperty));
        text(out, property.name);
        text(out, property.value);
    });
    return *this;
}

void encode(const Connect& packet, std::vector<std::uint8_t>& out)
{
    frame(PacketType::Connect, 0, packet, packet.version, out);
}

void encode(const Connack& packet, ProtocolVersion version, std::vector<std::uint8_t>& out)
{
    frame(PacketType::Connack, 0, packet, version, out);
}

void encode(const Publish& packet, ProtocolVersion version, std::vector<std::uint8_t>& out)
{
    const unsigned flags = (packet.dup ? 0b1000U : 0U) | static_cast<unsigned>(packet.qos) << 1 |
                           (packet.retain ? 0b0001U : 0U);
    frame(PacketType::Publish, flags, packet, version, out);
}

void encode(const Acknowledgement& packet, ProtocolVersion version, std::vector<std::uint8_t>& out)
{
    frame(packet.type, packet.type == PacketType::Pubrel ? 0b0010 : 0, packet, version, out);
}

void encode(const Subscribe& packet, ProtocolVersion version, std::vector<std::uint8_t>& out)
{
    frame(PacketType::Subscribe, 0b0010, packet, version, out);
}

void encode(const Suback& packet, ProtocolVersion version, std::vector<std::uint8_t>& out)
{
    frame(PacketType::Suback, 0, packet, version, out);
}

void encode(const Unsubscribe& packet, ProtocolVersion version, std::vector<std::uint8_t>& out)
{
    frame(PacketType::Unsubscribe, 0b0010, packet, version, out);
}

void encode(const Unsuback& packet, ProtocolVersion version, std::vector<std::uint8_t>& out)
{
    frame(PacketType::Unsuback, 0, packet, version, out);
}

void encode(const Pingreq& packet, std::vector<std::uint8_t>& out)
{
    frame(PacketType::Pingreq, 0, packet, ProtocolVersion::v5_0, out);
}

void encode(const Pingresp& packet, std::vector<std::uint8_t>& out)
{
    frame(PacketType::Pingresp, 0, packet, ProtocolVersion::v5_0, out);
}

void encode(const Disconnect& packet, ProtocolVersion version, std::vector<std::uint8_t>& out)
{
    frame(PacketType::Disconnect, 0, packet, version, out);
}

void encode(const Auth& packet, ProtocolVersion version, std::vector<std::uint8_t>& out)
{
    assert(version == ProtocolVersion::v5_0);
    frame(PacketType::Auth, 0, packet, version, out);
}

void encode(const Packet& packet, ProtocolVersion version, std::vector<std::uint8_t>& out)
{
    std::visit(
        [&](const auto& one) {
            // Asked first, since anything converts to the Packet of this very overload.
            if constexpr (requires { encode(one, out); }) encode(one, out);
            else encode(one, version, out);
        },
        packet);
}

} // namespace nanomq
