#include "ExchangeTest.h"

namespace nanomq::test
{

/// What is wrong in a packet after CONNECT: DISCONNECT with the Reason Code in 5.0, the plain end
/// of the Network Connection in 3.x (§4.13, v3.1.1 §4.8).
class MalformedTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(MalformedTest);
    CPPUNIT_TEST(isToldWithItsReasonCodeIn5_0);
    CPPUNIT_TEST(endsTheConnectionOf3_1_1);
    CPPUNIT_TEST(keepsWhatCameBeforeIt);
    CPPUNIT_TEST(waitsForTheRestOfAPacket);
    CPPUNIT_TEST(survivesEveryBeginningOfAPacket);
    CPPUNIT_TEST_SUITE_END();

public:
    void isToldWithItsReasonCodeIn5_0()
    {
        struct Case
        {
            const char* name;
            const char* bytes;
            ReasonCode reason;
        };
        using enum ReasonCode;
        static constexpr Case cases[] = {
            {"2.1.2 type 0 is reserved", "00 00", MalformedPacket},
            {"1.5.5 Remaining Length of five bytes", "30 FF FF FF FF 01", MalformedPacket},
            {"1.5.5-1 Remaining Length not in its shortest form", "C0 80 00", MalformedPacket},
            {"2.1.3-1 PINGREQ with flags", "C1 00", MalformedPacket},
            {"2.1.3-1 SUBSCRIBE without its flags", "80 07 00 01 00 00 01 't' 00", MalformedPacket},
            {"PINGREQ with a body", "C0 01 00", MalformedPacket},
            {"3.3.1-4 QoS 3", "36 06 00 01 't' 00 01 00", MalformedPacket},
            {"3.3.1-2 DUP with QoS 0", "38 04 00 01 't' 00", MalformedPacket},
            {"1.5.4-1 not UTF-8", "30 04 00 01 FF 00", MalformedPacket},
            {"1.5.4-1 a surrogate", "30 06 00 03 ED A0 80 00", MalformedPacket},
            {"1.5.4-2 U+0000", "30 04 00 01 00 00", MalformedPacket},
            {"the topic is longer than the packet", "30 04 00 09 't' 00", MalformedPacket},
            {"the properties are longer than the packet", "30 04 00 01 't' 05", MalformedPacket},
            {"2.2.2.2 a property that is none", "30 06 00 01 't' 02 7F 00", MalformedPacket},
            {"3.3.2-2 a wildcard in a Topic Name", "30 04 00 01 '#' 00", TopicNameInvalid},
            {"3.3.2.1 no topic and no alias", "30 03 00 00 00", ProtocolError},
            {"2.2.1-3 identifier 0", "32 06 00 01 't' 00 00 00", ProtocolError},
            {"3.3.2.3.2 Payload Format Indicator twice", "30 08 00 01 't' 04 01 01 01 01",
             ProtocolError},
            {"3.8.3-2 SUBSCRIBE without a filter", "82 03 00 01 00", ProtocolError},
            {"3.8.3-5 reserved Subscription Options", "82 07 00 01 00 00 01 't' C0",
             MalformedPacket},
            {"3.8.3.1 Retain Handling 3", "82 07 00 01 00 00 01 't' 30", ProtocolError},
            {"3.8.3-4 No Local on a shared subscription", "82 10 00 01 00 00 0A '$share/g/t' 04",
             ProtocolError},
            {"3.8.2.1.2 Subscription Identifier 0", "82 09 00 01 02 0B 00 00 01 't' 00",
             ProtocolError},
            {"3.10.3-2 UNSUBSCRIBE without a filter", "A2 03 00 01 00", ProtocolError},
            {"4.12.0 AUTH without a method in CONNECT", "F0 00", ProtocolError},
            {"CONNACK from a client", "20 03 00 00 00", ProtocolError},
            {"SUBACK from a client", "90 04 00 01 00 00", ProtocolError},
            {"PINGRESP from a client", "D0 00", ProtocolError},
            {"UNSUBACK from a client", "B0 04 00 01 00 00", ProtocolError},
            {"3.14.2.1 DISCONNECT: server shutting down", "E0 01 8B", ProtocolError},
            {"3.14.2.1 DISCONNECT: session taken over", "E0 01 8E", ProtocolError},
            {"3.14.2.1 DISCONNECT: wildcards not supported", "E0 01 A2", ProtocolError},
            {"3.14.2.2.5 Server Reference from a client", "E0 06 00 04 1C 00 01 's'", ProtocolError},
            {"3.15.2.1 AUTH: success", "F0 06 00 04 15 00 01 'x'", ProtocolError},
        };
        for (const auto& c : cases)
        {
            auto client = this->client("a");
            client.sendBytes(hex(c.bytes));
            const auto answer = client.expect<Disconnect>();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.name, static_cast<int>(c.reason),
                                         static_cast<int>(answer->reason));
            client.expectClosed();
        }
    }

    void endsTheConnectionOf3_1_1()
    {
        struct Case
        {
            const char* name;
            const char* bytes;
        };
        static constexpr Case cases[] = {
            {"type 0", "00 00"},
            {"type 15 is of 5.0", "F0 00"},
            {"Remaining Length of five bytes", "30 FF FF FF FF 01"},
            {"2.2.2-2 PINGREQ with flags", "C1 00"},
            {"3.3.1-4 QoS 3", "36 05 00 01 't' 00 01"},
            {"3.3.2-2 a wildcard in a Topic Name", "30 03 00 01 '+'"},
            {"1.5.3-1 not UTF-8", "30 03 00 01 FF"},
            {"4.7.3-1 an empty Topic Name", "30 02 00 00"},
            {"2.3.1-1 identifier 0", "32 05 00 01 't' 00 00"},
            {"3.8.3-3 SUBSCRIBE without a filter", "82 02 00 01"},
            {"3-8.3-4 reserved bits of the requested QoS", "82 06 00 01 00 01 't' 04"},
            {"QoS 3 requested", "82 06 00 01 00 01 't' 03"},
            {"3.10.3-2 UNSUBSCRIBE without a filter", "A2 02 00 01"},
            {"PUBACK of three bytes", "40 03 00 01 00"},
            {"SUBACK from a client", "90 03 00 01 00"},
        };
        for (const auto& c : cases)
        {
            auto client = this->client("a", ProtocolVersion::v3_1_1);
            CPPUNIT_ASSERT_MESSAGE(c.name, client.sendBytes(hex(c.bytes)).readToEnd().empty());
        }
    }

    void keepsWhatCameBeforeIt()
    {
        auto subscriber = client("subscriber");
        subscriber.subscribe("t");
        // In one segment: the first packet is whole, so it counts.
        client("publisher").sendBytes(hex("30 05 00 01 't' 00 'x' 00 00")).expect<Disconnect>();
        subscriber.expectPublish("t", "x");
    }

    void waitsForTheRestOfAPacket()
    {
        auto subscriber = client("subscriber");
        subscriber.subscribe("t");
        auto publisher = client("publisher");
        for (const auto byte : hex("30 05 00 01 't' 00 'x'"))
        {
            subscriber.expectNothingBeforePingresp();
            publisher.sendBytes({byte});
        }
        subscriber.expectPublish("t", "x");
    }

    void survivesEveryBeginningOfAPacket()
    {
        const auto connect = hex("10 1C 00 04 'MQTT' 05 06 00 00 00 00 01 'a' 00 00 04 'will' "
                                 "00 04 'gone'");
        for (std::size_t size = 0; size < connect.size(); ++size)
            open().sendBytes(
                {connect.begin(), connect.begin() + static_cast<std::ptrdiff_t>(size)});
        const auto publish = hex("32 0B 00 03 't/u' 00 01 02 01 01 'x'");
        for (std::size_t size = 0; size < publish.size(); ++size)
        {
            auto client = this->client("b");
            client.sendBytes(
                {publish.begin(), publish.begin() + static_cast<std::ptrdiff_t>(size)});
        }
        client("still there").expectNothingBeforePingresp();
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(MalformedTest);

} // namespace nanomq::test
