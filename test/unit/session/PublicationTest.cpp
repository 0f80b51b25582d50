#include "SentPackets.h"

#include "session/Publication.h"
#include "wire/Encoder.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>
#include <vector>

namespace nanomq
{

namespace
{

constexpr MonotonicMs kNow = 5'000'000;

struct Case
{
    ProtocolVersion version;
    QoS qos;
    bool retain;
    std::uint32_t subscriptionIdentifier; // 0: none
    MonotonicMs expiresAfter;             // ms; kNever: not
    std::size_t payloadSize;
    std::size_t topicSize;
    bool withProperties;
    std::uint16_t topicAlias;

    std::string text() const
    {
        return "v" + std::to_string(static_cast<int>(version)) + " q" +
               std::to_string(static_cast<int>(qos)) + (retain ? " retain" : "") + " identifier " +
               std::to_string(subscriptionIdentifier) + " expires " + std::to_string(expiresAfter) +
               " payload " + std::to_string(payloadSize) + " topic " + std::to_string(topicSize) +
               (withProperties ? " properties" : "") + " alias " + std::to_string(topicAlias);
    }
};

/// Every combination that makes sense for the version.
template <class Visit> void forEachCase(Visit visit)
{
    for (const auto version :
         {ProtocolVersion::v3_1, ProtocolVersion::v3_1_1, ProtocolVersion::v5_0})
        for (const auto qos : {QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce})
            for (const bool retain : {false, true})
                for (const std::uint32_t identifier : {0u, 1u, 128u, 268'435'455u})
                    for (const MonotonicMs expires : {kNever, MonotonicMs{0}, MonotonicMs{90'500}})
                        for (const std::size_t payload :
                             {std::size_t{0}, std::size_t{100}, kCopiedPayload, kCopiedPayload + 1,
                              std::size_t{70'000}})
                            for (const std::size_t topic :
                                 {std::size_t{1}, std::size_t{2100}, std::size_t{65'535}})
                            {
                                const bool v5 = version == ProtocolVersion::v5_0;
                                if (!v5 && identifier != 0) continue;
                                visit(Case{version, qos, retain, identifier, expires, payload,
                                           topic, v5 && topic != 1, 0});
                                if (v5)
                                    visit(Case{version, qos, retain, identifier, expires, payload,
                                               topic, true, 9});
                            }
}

} // namespace

class PublicationTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(PublicationTest);
    CPPUNIT_TEST(writesWhatTheEncoderWrites);
    CPPUNIT_TEST(leavesTheTopicNameOutBehindAnAlias);
    CPPUNIT_TEST(oneMessageGoesOutInEveryForm);
    CPPUNIT_TEST(startedSecondsCountWhole);
    CPPUNIT_TEST(sharesALargePayloadAmongRecipients);
    CPPUNIT_TEST(becomesAMessageOnce);
    CPPUNIT_TEST_SUITE_END();

public:
    PublicationTest() { _turn.begin(kNow); }

    void writesWhatTheEncoderWrites()
    {
        int cases = 0;
        forEachCase([&](const Case& c) {
            Publication publication(viewOf(c), nullptr, 7, _frames);
            publication.appendTo(_output, c.version, optionsOf(c), identifierOf(c), _turn,
                                 {c.topicAlias, false});
            CPPUNIT_ASSERT_MESSAGE(c.text(), encoded(c) == _output.takeBytes());
            ++cases;
        });
        CPPUNIT_ASSERT(cases > 1000);
    }

    void leavesTheTopicNameOutBehindAnAlias()
    {
        Case c{ProtocolVersion::v5_0, QoS::AtLeastOnce, false, 0, kNever, 10, 50, false, 3};
        Publication publication(viewOf(c), nullptr, 7, _frames);
        publication.appendTo(_output, c.version, optionsOf(c), identifierOf(c), _turn, {3, true});
        CPPUNIT_ASSERT(encoded(c, "") == _output.takeBytes());
    }

    /// Encoded forms are kept from recipient to recipient: none may get another's.
    void oneMessageGoesOutInEveryForm()
    {
        Case c{ProtocolVersion::v3_1_1, QoS::AtMostOnce, false, 0, 4000, 100, 20, true, 0};
        Publication publication(viewOf(c), nullptr, 7, _frames);
        for (int round = 0; round < 2; ++round)
            for (const auto version : {ProtocolVersion::v3_1_1, ProtocolVersion::v5_0})
                for (const auto qos : {QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce})
                    for (const bool retain : {false, true})
                        for (const std::uint32_t identifier : {0u, 5u})
                        {
                            c.version = version;
                            c.qos = qos;
                            c.retain = retain;
                            c.subscriptionIdentifier =
                                version == ProtocolVersion::v5_0 ? identifier : 0;
                            ++_packetIdentifier;
                            publication.appendTo(_output, version, optionsOf(c), identifierOf(c),
                                                 _turn);
                            CPPUNIT_ASSERT_MESSAGE(c.text(), encoded(c) == _output.takeBytes());
                        }
    }

    void startedSecondsCountWhole()
    {
        const struct
        {
            MonotonicMs left;
            std::uint32_t seconds;
        } cases[] = {{-5000, 0}, {0, 0},    {1, 1},
                     {1000, 1},  {1001, 2}, {4'294'967'295'000, 4'294'967'295}};
        for (const auto& c : cases)
        {
            MessageView view{.topicName = "t", .payload = {}};
            view.expiresAt = kNow + c.left;
            Publication publication(view, nullptr, 7, _frames);
            publication.appendTo(_output, ProtocolVersion::v5_0, {}, 0, _turn);
            const auto bytes = _output.takeBytes();
            const auto header = readFixedHeader(bytes);
            const auto publish = decodePublish(**header, ByteView(bytes).subspan((*header)->size),
                                               ProtocolVersion::v5_0);
            CPPUNIT_ASSERT_EQUAL(c.seconds, publish->properties.messageExpiryInterval);
        }
    }

    void sharesALargePayloadAmongRecipients()
    {
        const std::vector<std::uint8_t> payload(kCopiedPayload + 1, 'x');
        Publication publication({.topicName = "t", .payload = payload}, nullptr, 7, _frames);
        for (int i = 0; i < 3; ++i)
            publication.appendTo(_output, ProtocolVersion::v3_1_1, {}, 0, _turn);
        CPPUNIT_ASSERT_EQUAL_MESSAGE("the publication and three outputs", 4U,
                                     publication.freeze()->owners());
        _output.takeBytes();
        CPPUNIT_ASSERT_EQUAL(1U, publication.freeze()->owners());
    }

    void becomesAMessageOnce()
    {
        Publication publication({.topicName = "t", .payload = asBytes("x")}, nullptr, 7, _frames);
        const Message* const first = publication.freeze().get();
        CPPUNIT_ASSERT(first == publication.freeze().get());
        CPPUNIT_ASSERT_EQUAL(std::string("t"), std::string(first->topicName()));
        Publication again(publication.freeze(), _frames);
        CPPUNIT_ASSERT(first == again.freeze().get());
    }

private:
    MessageView viewOf(const Case& c)
    {
        _topic.assign(c.topicSize, 't');
        _payload.assign(c.payloadSize, 'p');
        MessageView view;
        view.topicName = _topic;
        view.payload = asBytes(_payload);
        if (c.withProperties) view.properties = _properties;
        if (c.expiresAfter != kNever) view.expiresAt = kNow + c.expiresAfter;
        return view;
    }
    static DeliveryOptions optionsOf(const Case& c)
    {
        DeliveryOptions options;
        options.qos = c.qos;
        options.retain = c.retain;
        options.subscriptionIdentifier = c.subscriptionIdentifier;
        return options;
    }
    PacketIdentifier identifierOf(const Case& c) const
    {
        return c.qos == QoS::AtMostOnce ? 0 : _packetIdentifier;
    }
    std::vector<std::uint8_t> encoded(const Case& c) { return encoded(c, viewOf(c).topicName); }
    std::vector<std::uint8_t> encoded(const Case& c, std::string_view topicName)
    {
        const MessageView view = viewOf(c);
        PropertyWriter properties;
        if (c.expiresAfter != kNever)
            properties.add(PropertyId::MessageExpiryInterval,
                           static_cast<std::uint32_t>((c.expiresAfter + 999) / 1000));
        if (c.topicAlias != 0) properties.add(PropertyId::TopicAlias, c.topicAlias);
        if (c.subscriptionIdentifier != 0)
            properties.add(PropertyId::SubscriptionIdentifier, c.subscriptionIdentifier);
        std::vector<std::uint8_t> raw(properties.raw().begin(), properties.raw().end());
        raw.insert(raw.end(), view.properties.begin(), view.properties.end());

        Publish publish;
        publish.qos = c.qos;
        publish.retain = c.retain;
        publish.topicName = topicName;
        publish.packetIdentifier = identifierOf(c);
        publish.payload = view.payload;
        publish.properties.raw = raw;
        std::vector<std::uint8_t> bytes;
        encode(publish, c.version, bytes);
        return bytes;
    }
    static std::vector<std::uint8_t> someProperties()
    {
        PropertyWriter writer;
        writer.add(PropertyId::ContentType, std::string_view("text/plain"));
        writer.add(UserProperty{"name", "value"});
        return {writer.raw().begin(), writer.raw().end()};
    }

    const std::vector<std::uint8_t> _properties = someProperties();
    std::string _topic;
    std::string _payload;
    PacketIdentifier _packetIdentifier = 0x1234;
    Publication::Frames _frames;
    OutputTurn _turn{0};
    test::SentPackets _output{_turn};
};

CPPUNIT_TEST_SUITE_REGISTRATION(PublicationTest);

} // namespace nanomq
