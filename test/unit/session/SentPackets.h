#pragma once

#include "base/OutputBuffer.h"
#include "wire/Decoder.h"

#include <cppunit/TestAssert.h>

#include <string>
#include <vector>

namespace nanomq::test
{

/// An output buffer whose connection the test plays: what is appended is "sent" by taking it.
class SentPackets final : public OutputBuffer
{
public:
    explicit SentPackets(OutputTurn& turn) noexcept : _turn(turn) {}
    ~SentPackets() { clear(); }

    /// Takes what stands in the buffer now, as bytes.
    std::vector<std::uint8_t> takeBytes()
    {
        std::vector<std::uint8_t> bytes;
        for (auto* chunk = firstChunk(); chunk; chunk = chunk->next)
            bytes.insert(bytes.end(), chunk->data + chunk->begin, chunk->data + chunk->end);
        consume(unsent(), _turn);
        unmark(_turn);
        _turn.dirty().clear();
        return bytes;
    }

    /// Takes everything as the client would read it, letting the queue refill the buffer; in
    /// words: "PUBLISH a/b hello q1 #7 dup retain", "PUBREL #7".
    std::vector<std::string> take(ProtocolVersion version)
    {
        std::vector<std::string> packets;
        while (unsent() > 0)
        {
            const auto bytes = takeBytes();
            for (ByteView rest(bytes); !rest.empty();)
            {
                const auto header = readFixedHeader(rest);
                CPPUNIT_ASSERT_MESSAGE("a fixed header", header && *header);
                CPPUNIT_ASSERT_MESSAGE("a whole packet", rest.size() >= (*header)->packetSize());
                const auto body = rest.subspan((*header)->size, (*header)->remainingLength);
                const auto packet = decodePacket(**header, body, version);
                CPPUNIT_ASSERT_MESSAGE("well formed", static_cast<bool>(packet));
                packets.push_back(textOf(*packet));
                rest = rest.subspan((*header)->packetSize());
            }
            if (_source) _source->refill(_turn);
        }
        return packets;
    }

    using OutputBuffer::answers;

private:
    static std::string textOf(const Packet& packet)
    {
        if (const auto* const acknowledgement = std::get_if<Acknowledgement>(&packet))
            return std::string(packetTypeText(acknowledgement->type)) + " #" +
                   std::to_string(acknowledgement->packetIdentifier);
        const auto* const publish = std::get_if<Publish>(&packet);
        CPPUNIT_ASSERT_MESSAGE("PUBLISH or an acknowledgement", publish != nullptr);
        const std::string payload(asText(publish->payload).substr(0, 20));
        std::string text = "PUBLISH " + std::string(publish->topicName) + " " + payload + " q" +
                           std::to_string(static_cast<int>(publish->qos));
        if (publish->packetIdentifier != 0)
            text += " #" + std::to_string(publish->packetIdentifier);
        if (publish->properties.has(PropertyId::TopicAlias))
            text += " alias " + std::to_string(publish->properties.topicAlias);
        if (publish->dup) text += " dup";
        if (publish->retain) text += " retain";
        return text;
    }

    OutputTurn& _turn;
};

} // namespace nanomq::test
