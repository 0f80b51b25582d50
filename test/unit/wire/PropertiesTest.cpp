#include "PacketText.h"
#include "wire/Decoder.h"
#include "wire/Encoder.h"
#include "wire/ForwardedProperties.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <iterator>
#include <functional>
#include <string>

namespace nanomq::test
{

namespace
{

using Id = PropertyId;

/// A property as Table 2-4 has it: a valid encoding, and where it belongs.
struct Sample
{
    Id id;
    const char* text;
    const char* places; // names of Host, between blanks
};

constexpr Sample kSamples[] = {
    {Id::PayloadFormatIndicator, "01 01", " PUBLISH will "},
    {Id::MessageExpiryInterval, "02 00000001", " PUBLISH will "},
    {Id::ContentType, "03 <c>", " PUBLISH will "},
    {Id::ResponseTopic, "08 <r>", " PUBLISH will "},
    {Id::CorrelationData, "09 <d>", " PUBLISH will "},
    {Id::SubscriptionIdentifier, "0B 01", " PUBLISH SUBSCRIBE "},
    {Id::SessionExpiryInterval, "11 00000001", " CONNECT CONNACK DISCONNECT "},
    {Id::AssignedClientIdentifier, "12 <i>", " CONNACK "},
    {Id::ServerKeepAlive, "13 0001", " CONNACK "},
    {Id::AuthenticationMethod, "15 <m>", " CONNECT CONNACK AUTH "},
    {Id::AuthenticationData, "16 <d>", " CONNECT CONNACK AUTH "},
    {Id::RequestProblemInformation, "17 01", " CONNECT "},
    {Id::WillDelayInterval, "18 00000001", " will "},
    {Id::RequestResponseInformation, "19 01", " CONNECT "},
    {Id::ResponseInformation, "1A <r>", " CONNACK "},
    {Id::ServerReference, "1C <s>", " CONNACK DISCONNECT "},
    {Id::ReasonString, "1F <r>",
     " CONNACK PUBACK PUBREC PUBREL PUBCOMP SUBACK UNSUBACK DISCONNECT AUTH "},
    {Id::ReceiveMaximum, "21 0001", " CONNECT CONNACK "},
    {Id::TopicAliasMaximum, "22 0001", " CONNECT CONNACK "},
    {Id::TopicAlias, "23 0001", " PUBLISH "},
    {Id::MaximumQoS, "24 01", " CONNACK "},
    {Id::RetainAvailable, "25 01", " CONNACK "},
    {Id::UserProperty, "26 <k> <v>",
     " CONNECT will CONNACK PUBLISH PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE"
     " UNSUBACK DISCONNECT AUTH "},
    {Id::MaximumPacketSize, "27 00000001", " CONNECT CONNACK "},
    {Id::WildcardSubscriptionAvailable, "28 01", " CONNACK "},
    {Id::SubscriptionIdentifierAvailable, "29 01", " CONNACK "},
    {Id::SharedSubscriptionAvailable, "2A 01", " CONNACK "},
};

/// A packet around properties.
struct Host
{
    const char* name;
    const char* before;
    const char* after;
};

constexpr Host kHosts[] = {
    {"CONNECT", "10 (<MQTT> 05 02 0000 (", ") <id>)"},
    {"will", "10 (<MQTT> 05 06 0000 () <id> (", ") <t> <m>)"},
    {"CONNACK", "20 (00 00 (", "))"},
    {"PUBLISH", "30 (<t> (", ") 'payload')"},
    {"PUBACK", "40 (0001 00 (", "))"},
    {"PUBREC", "50 (0001 00 (", "))"},
    {"PUBREL", "62 (0001 00 (", "))"},
    {"PUBCOMP", "70 (0001 00 (", "))"},
    {"SUBSCRIBE", "82 (0001 (", ") <f> 00)"},
    {"SUBACK", "90 (0001 (", ") 00)"},
    {"UNSUBSCRIBE", "A2 (0001 (", ") <f>)"},
    {"UNSUBACK", "B0 (0001 (", ") 00)"},
    {"DISCONNECT", "E0 (00 (", "))"},
    {"AUTH", "F0 (18 (", "))"},
};

/// What a method is to data in CONNECT, CONNACK and AUTH.
constexpr const char* kMethod = "15 <m> ";

/// The outcome of a packet with these properties in it.
ReasonCode outcome(const Host& host, const std::string& properties)
{
    const auto packet = bytesOf(host.before + properties + host.after);
    const auto header = readFixedHeader(packet);
    const auto decoded =
        decodePacket(**header, ByteView(packet).subspan((*header)->size), ProtocolVersion::v5_0);
    return decoded ? ReasonCode::Success : decoded.error();
}

/// The properties of a PUBLISH, and the memory they view.
struct Published
{
    explicit Published(const std::string& properties)
        : packet(bytesOf("30 (<t> (" + properties + ") 'x')"))
    {
        const auto header = readFixedHeader(packet);
        const auto decoded = decodePublish(**header, ByteView(packet).subspan((*header)->size),
                                           ProtocolVersion::v5_0);
        CPPUNIT_ASSERT(decoded);
        publish = *decoded;
    }
    std::vector<std::uint8_t> packet;
    Publish publish;
};

bool equal(ByteView a, ByteView b)
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

} // namespace

class PropertiesTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(PropertiesTest);
    CPPUNIT_TEST(acceptsEachPropertyWhereTable2_4HasItAndNowhereElse);
    CPPUNIT_TEST(refusesASecondOneOfItsKind);
    CPPUNIT_TEST(letsUserPropertiesRepeatEverywhere);
    CPPUNIT_TEST(letsSubscriptionIdentifiersRepeatInPublish);
    CPPUNIT_TEST(readsUserPropertiesInTheirOrder);
    CPPUNIT_TEST(readsNumbersOfEverySize);
    CPPUNIT_TEST(stopsAtTheEndOfNothing);
    CPPUNIT_TEST(writesEveryKindOfProperty);
    CPPUNIT_TEST(forwardsPropertiesWithoutACopyWhereItCan);
    CPPUNIT_TEST(leavesOutWhatBelongsToOneConnection);
    CPPUNIT_TEST(forwardsNothingWhenNothingIsLeft);
    CPPUNIT_TEST(leavesOutTheDelayOfAWill);
    CPPUNIT_TEST_SUITE_END();

public:
    void acceptsEachPropertyWhereTable2_4HasItAndNowhereElse()
    {
        for (const auto& host : kHosts)
        {
            for (const auto& sample : kSamples)
            {
                const std::string name = std::string(host.name) + " with " + sample.text;
                const bool belongs =
                    std::string_view(sample.places).find(" " + std::string(host.name) + " ") !=
                    std::string_view::npos;
                const ReasonCode expected =
                    belongs ? ReasonCode::Success : ReasonCode::MalformedPacket;
                CPPUNIT_ASSERT_EQUAL_MESSAGE(name, static_cast<int>(expected),
                                             static_cast<int>(outcome(host, once(host, sample))));
            }
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{27}, std::size(kSamples)); // as many as Table 2-4 has
    }

    void refusesASecondOneOfItsKind()
    {
        eachFit([](const Host& host, const Sample& sample) {
            const bool repeats =
                sample.id == Id::UserProperty || (sample.id == Id::SubscriptionIdentifier &&
                                                  std::string_view(host.name) == "PUBLISH");
            if (repeats) return;
            const std::string name = std::string(host.name) + " with two of " + sample.text;
            CPPUNIT_ASSERT_EQUAL_MESSAGE(
                name, 0x82, static_cast<int>(outcome(host, once(host, sample) + sample.text)));
        });
    }

    void letsUserPropertiesRepeatEverywhere()
    {
        for (const auto& host : kHosts)
        {
            const std::string two = "26 <k> <v> 26 <k> <v>";
            CPPUNIT_ASSERT_MESSAGE(host.name,
                                   outcome(host, needed(host) + two) == ReasonCode::Success);
        }
    }

    void letsSubscriptionIdentifiersRepeatInPublish()
    {
        const Published published("0B 05 0B 8001 0B 05");
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{5}, // the first
                             published.publish.properties.subscriptionIdentifier);
        std::vector<std::uint32_t> identifiers;
        for (PropertyReader property(published.publish.properties.raw); property.next();)
            identifiers.push_back(property.number());
        CPPUNIT_ASSERT(identifiers == (std::vector<std::uint32_t>{5, 128, 5}));
    }

    void readsUserPropertiesInTheirOrder()
    {
        const Published published("26 <b> <1> 03 <type> 26 <a> <2> 26 <b> <>");
        std::vector<UserProperty> found;
        for (PropertyReader property(published.publish.properties.raw); property.next();)
            if (property.id() == Id::UserProperty) found.push_back(property.userProperty());
        CPPUNIT_ASSERT(found == (std::vector<UserProperty>{{"b", "1"}, {"a", "2"}, {"b", ""}}));
    }

    void readsNumbersOfEverySize()
    {
        const auto raw = bytesOf("01 01 23 FFFE 02 FFFFFFFF 0B FFFFFF7F 03 <t>");
        PropertyReader property(raw);
        for (const std::uint32_t expected : {1U, 0xFFFEU, 0xFFFFFFFFU, 268'435'455U})
        {
            CPPUNIT_ASSERT(property.next());
            CPPUNIT_ASSERT_EQUAL(expected, property.number());
        }
        CPPUNIT_ASSERT(property.next());
        CPPUNIT_ASSERT(property.id() == Id::ContentType);
        CPPUNIT_ASSERT(equal(property.encoded(), bytesOf("03 <t>")));
        CPPUNIT_ASSERT(!property.next());
        CPPUNIT_ASSERT(!property.next());
    }

    void stopsAtTheEndOfNothing()
    {
        PropertyReader property{ByteView()};
        CPPUNIT_ASSERT(!property.next());
    }

    void writesEveryKindOfProperty()
    {
        PropertyWriter writer;
        writer.add(Id::PayloadFormatIndicator, 1)
            .add(Id::TopicAlias, 0x0102)
            .add(Id::MessageExpiryInterval, 0x01020304)
            .add(Id::SubscriptionIdentifier, 128)
            .add(Id::ContentType, "text/plain")
            .add(Id::CorrelationData, asBytes("data"))
            .add({"k", "v"});
        CPPUNIT_ASSERT(equal(writer.raw(), bytesOf("01 01 23 0102 02 01020304 0B 8001"
                                                   "03 <text/plain> 09 <data> 26 <k> <v>")));
        writer.clear();
        CPPUNIT_ASSERT(writer.raw().empty());
    }

    void forwardsPropertiesWithoutACopyWhereItCan()
    {
        std::vector<std::uint8_t> scratch;
        const Published published("01 01 03 <c> 08 <r> 09 <d> 26 <k> <v>");
        const ByteView forwarded = forwardedProperties(published.publish.properties, scratch);
        CPPUNIT_ASSERT(forwarded.data() == published.publish.properties.raw.data());
        CPPUNIT_ASSERT_EQUAL(published.publish.properties.raw.size(), forwarded.size());
        CPPUNIT_ASSERT(scratch.empty());

        const Published without("");
        CPPUNIT_ASSERT(forwardedProperties(without.publish.properties, scratch).empty());
    }

    void leavesOutWhatBelongsToOneConnection()
    {
        std::vector<std::uint8_t> scratch = bytesOf("'from before'");
        const Published published("26 <b> <1> 23 0007 01 01 02 00000001 26 <a> <2> 0B 01 09 <d>"
                                  "0B 8001 26 <b> <1>");
        const ByteView forwarded = forwardedProperties(published.publish.properties, scratch);
        CPPUNIT_ASSERT(equal(forwarded, bytesOf("26 <b> <1> 01 01 26 <a> <2> 09 <d> 26 <b> <1>")));
    }

    void forwardsNothingWhenNothingIsLeft()
    {
        std::vector<std::uint8_t> scratch;
        const Published published("23 0007 02 00000001");
        CPPUNIT_ASSERT(forwardedProperties(published.publish.properties, scratch).empty());
    }

    void leavesOutTheDelayOfAWill()
    {
        const auto packet =
            bytesOf("10 (<MQTT> 05 06 0000 () <id> (18 00000005 03 <c> 02 00000001) <t> <m>)");
        const auto header = readFixedHeader(packet);
        const auto connect = decodeConnect(**header, ByteView(packet).subspan((*header)->size));
        CPPUNIT_ASSERT(connect && connect->will);
        std::vector<std::uint8_t> scratch;
        CPPUNIT_ASSERT(
            equal(forwardedProperties(connect->will->properties, scratch), bytesOf("03 <c>")));
    }

private:
    static std::string needed(const Host& host)
    {
        return std::string_view(host.name) == "AUTH" ? kMethod : "";
    }

    /// The sample, and the method that it may need beside it.
    static std::string once(const Host& host, const Sample& sample)
    {
        if (sample.id == Id::AuthenticationMethod) return sample.text;
        const bool needsMethod = sample.id == Id::AuthenticationData &&
                                 (std::string_view(host.name).substr(0, 4) == "CONN");
        return (needsMethod ? kMethod : needed(host)) + std::string(sample.text) + " ";
    }

    static void eachFit(const std::function<void(const Host&, const Sample&)>& visit)
    {
        for (const auto& host : kHosts)
            for (const auto& sample : kSamples)
                if (std::string(sample.places).find(" " + std::string(host.name) + " ") !=
                    std::string::npos)
                    visit(host, sample);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PropertiesTest);

} // namespace nanomq::test
