#include "PacketTable.h"

#include <algorithm>
#include <deque>
#include <utility>

namespace nanomq::test
{

namespace
{

using Id = PropertyId;
using P = Properties;

constexpr auto v31 = ProtocolVersion::v3_1;
constexpr auto v311 = ProtocolVersion::v3_1_1;
constexpr auto v5 = ProtocolVersion::v5_0;

/// Properties as a row expects them.
class Props
{
public:
    explicit Props(ByteView raw) { _properties.raw = raw; }

    template <class Field, class Value>
    Props& has(Id id, Field Properties::*field, const Value& value)
    {
        _properties.mark(id);
        _properties.*field = static_cast<Field>(value);
        return *this;
    }
    Props& hasUserProperties()
    {
        _properties.mark(Id::UserProperty);
        return *this;
    }
    operator Properties() const { return _properties; }

private:
    Properties _properties;
};

/// The rows while they are written down, and the memory that their properties view.
class Table
{
public:
    void add(std::string name, ProtocolVersion version, std::string_view text, Packet packet)
    {
        rows.push_back({std::move(name), version, PacketText::parse(text), std::move(packet)});
    }
    Props props(std::string_view text) { return Props(_kept.emplace_back(bytesOf(text))); }

    std::vector<PacketRow> rows;

private:
    std::deque<std::vector<std::uint8_t>> _kept;
};

void addConnects(Table& table)
{
    Connect plain;
    plain.version = v31;
    plain.keepAlive = 10;
    plain.clientId = "id";
    table.add("CONNECT 3.1", v31, "10 (<MQIsdp> 03 02 000A <id>)", plain);

    plain.version = v311;
    table.add("CONNECT 3.1.1", v311, "10 (<MQTT> 04 02 000A <id>)", plain);

    plain.version = v5;
    table.add("CONNECT 5.0", v5, "10 (<MQTT> 05 02 000A () <id>)", plain);

    Connect bridge;
    bridge.version = v311;
    bridge.bridge = true;
    bridge.cleanStart = false;
    bridge.clientId = "b";
    table.add("CONNECT 3.1.1 of a bridge", v311, "10 (<MQTT> 84 00 0000 <b>)", bridge);
    bridge.version = v31;
    table.add("CONNECT 3.1 of a bridge", v31, "10 (<MQIsdp> 83 00 0000 <b>)", bridge);

    Connect anonymous;
    anonymous.version = v5;
    anonymous.keepAlive = 65'535;
    table.add("CONNECT 5.0 without a client identifier", v5, "10 (<MQTT> 05 02 FFFF () <>)",
              anonymous);

    Connect full;
    full.version = v311;
    full.keepAlive = 60;
    full.clientId = "id";
    full.userName = "user";
    full.password = asBytes("pass");
    full.will.emplace();
    full.will->topicName = "w/t";
    full.will->payload = asBytes("bye");
    full.will->qos = QoS::AtLeastOnce;
    full.will->retain = true;
    table.add("CONNECT 3.1.1 with will and credentials", v311,
              "10 (<MQTT> 04 EE 003C <id> <w/t> <bye> <user> <pass>)", full);
    full.version = v31;
    table.add("CONNECT 3.1 with will and credentials", v31,
              "10 (<MQIsdp> 03 EE 003C <id> <w/t> <bye> | <user> | <pass>)", full);

    full.version = v5;
    full.will->qos = QoS::ExactlyOnce;
    full.will->retain = false;
    full.properties =
        table
            .props("11 0000003C 15 <SCRAM> 16 <data> 17 00 19 01 21 0014 22 000A 27 00100000"
                   "26 <k> <v> 26 <k> <w>")
            .has(Id::SessionExpiryInterval, &P::sessionExpiryInterval, 60)
            .has(Id::AuthenticationMethod, &P::authenticationMethod, "SCRAM")
            .has(Id::AuthenticationData, &P::authenticationData, asBytes("data"))
            .has(Id::RequestProblemInformation, &P::requestProblemInformation, 0)
            .has(Id::RequestResponseInformation, &P::requestResponseInformation, 1)
            .has(Id::ReceiveMaximum, &P::receiveMaximum, 20)
            .has(Id::TopicAliasMaximum, &P::topicAliasMaximum, 10)
            .has(Id::MaximumPacketSize, &P::maximumPacketSize, 0x100000)
            .hasUserProperties();
    full.will->properties =
        table
            .props("18 00000005 01 01 02 00000E10 03 <text/plain> 08 <re/ply> 09 <corr>"
                   "26 <wk> <wv>")
            .has(Id::WillDelayInterval, &P::willDelayInterval, 5)
            .has(Id::PayloadFormatIndicator, &P::payloadFormatIndicator, 1)
            .has(Id::MessageExpiryInterval, &P::messageExpiryInterval, 3600)
            .has(Id::ContentType, &P::contentType, "text/plain")
            .has(Id::ResponseTopic, &P::responseTopic, "re/ply")
            .has(Id::CorrelationData, &P::correlationData, asBytes("corr"))
            .hasUserProperties();
    table.add("CONNECT 5.0 with everything", v5,
              "10 (<MQTT> 05 D6 003C"
              "    (11 0000003C 15 <SCRAM> 16 <data> 17 00 19 01 21 0014 22 000A 27 00100000"
              "     26 <k> <v> 26 <k> <w>)"
              "    <id>"
              "    (18 00000005 01 01 02 00000E10 03 <text/plain> 08 <re/ply> 09 <corr>"
              "     26 <wk> <wv>)"
              "    <w/t> <bye> <user> <pass>)",
              full);

    Connect token;
    token.version = v5;
    token.clientId = "id";
    token.password = asBytes("token");
    table.add("CONNECT 5.0 with a password only", v5, "10 (<MQTT> 05 42 0000 () <id> <token>)",
              token);

    Connect empty;
    empty.version = v311;
    empty.userName = "";
    empty.password = ByteView();
    empty.will.emplace();
    empty.will->topicName = "t";
    table.add("CONNECT 3.1.1 with empty will, user name and password", v311,
              "10 (<MQTT> 04 C6 0000 <> <t> <> <> <>)", empty);
}

void addConnacks(Table& table)
{
    Connack connack;
    table.add("CONNACK 3.1", v31, "20 (00 00)", connack);
    connack.sessionPresent = true;
    table.add("CONNACK 3.1.1, session present", v311, "20 (01 00)", connack);
    table.add("CONNACK 5.0, session present", v5, "20 (01 00 ())", connack);

    connack.sessionPresent = false;
    static constexpr std::pair<const char*, ReasonCode> returnCodes[] = {
        {"20 (00 01)", ReasonCode::UnsupportedProtocolVersion},
        {"20 (00 02)", ReasonCode::ClientIdentifierNotValid},
        {"20 (00 03)", ReasonCode::ServerUnavailable},
        {"20 (00 04)", ReasonCode::BadUserNameOrPassword},
        {"20 (00 05)", ReasonCode::NotAuthorized},
    };
    for (const auto& [text, reason] : returnCodes)
    {
        connack.reason = reason;
        table.add(std::string("CONNACK 3.1.1, ") + text, v311, text, connack);
    }
    connack.reason = ReasonCode::Banned;
    table.add("CONNACK 5.0, refused", v5, "20 (00 8A ())", connack);

    connack.reason = ReasonCode::Success;
    connack.properties =
        table
            .props("11 FFFFFFFF 21 0001 24 01 25 00 27 FFFFFFFF 12 <assigned> 22 FFFF"
                   "1F <why> 26 <k> <v> 28 01 29 00 2A 01 13 0078 1A <info> 1C <other>"
                   "15 <SCRAM> 16 <>")
            .has(Id::SessionExpiryInterval, &P::sessionExpiryInterval, 0xFFFFFFFF)
            .has(Id::ReceiveMaximum, &P::receiveMaximum, 1)
            .has(Id::MaximumQoS, &P::maximumQoS, 1)
            .has(Id::RetainAvailable, &P::retainAvailable, 0)
            .has(Id::MaximumPacketSize, &P::maximumPacketSize, 0xFFFFFFFF)
            .has(Id::AssignedClientIdentifier, &P::assignedClientIdentifier, "assigned")
            .has(Id::TopicAliasMaximum, &P::topicAliasMaximum, 65'535)
            .has(Id::ReasonString, &P::reasonString, "why")
            .has(Id::WildcardSubscriptionAvailable, &P::wildcardSubscriptionAvailable, 1)
            .has(Id::SubscriptionIdentifierAvailable, &P::subscriptionIdentifierAvailable, 0)
            .has(Id::SharedSubscriptionAvailable, &P::sharedSubscriptionAvailable, 1)
            .has(Id::ServerKeepAlive, &P::serverKeepAlive, 120)
            .has(Id::ResponseInformation, &P::responseInformation, "info")
            .has(Id::ServerReference, &P::serverReference, "other")
            .has(Id::AuthenticationMethod, &P::authenticationMethod, "SCRAM")
            .has(Id::AuthenticationData, &P::authenticationData, ByteView())
            .hasUserProperties();
    table.add("CONNACK 5.0 with every property", v5,
              "20 (00 00"
              "    (11 FFFFFFFF 21 0001 24 01 25 00 27 FFFFFFFF 12 <assigned> 22 FFFF"
              "     1F <why> 26 <k> <v> 28 01 29 00 2A 01 13 0078 1A <info> 1C <other>"
              "     15 <SCRAM> 16 <>))",
              connack);
}

void addPublishes(Table& table)
{
    Publish publish;
    publish.topicName = "a/b";
    publish.payload = asBytes("hello");
    table.add("PUBLISH 3.1, QoS 0", v31, "30 (<a/b> 'hello')", publish);
    table.add("PUBLISH 3.1.1, QoS 0", v311, "30 (<a/b> 'hello')", publish);
    table.add("PUBLISH 5.0, QoS 0", v5, "30 (<a/b> () 'hello')", publish);

    publish.qos = QoS::AtLeastOnce;
    publish.packetIdentifier = 1;
    publish.dup = true;
    table.add("PUBLISH 3.1, QoS 1, sent again", v31, "3A (<a/b> 0001 'hello')", publish);
    table.add("PUBLISH 3.1.1, QoS 1, sent again", v311, "3A (<a/b> 0001 'hello')", publish);
    table.add("PUBLISH 5.0, QoS 1, sent again", v5, "3A (<a/b> 0001 () 'hello')", publish);

    publish.qos = QoS::ExactlyOnce;
    publish.packetIdentifier = 65'535;
    publish.dup = false;
    publish.retain = true;
    table.add("PUBLISH 3.1, QoS 2, retained", v31, "35 (<a/b> FFFF 'hello')", publish);
    table.add("PUBLISH 3.1.1, QoS 2, retained", v311, "35 (<a/b> FFFF 'hello')", publish);
    table.add("PUBLISH 5.0, QoS 2, retained", v5, "35 (<a/b> FFFF () 'hello')", publish);

    publish.payload = {};
    table.add("PUBLISH 3.1.1 without a payload", v311, "35 (<a/b> FFFF)", publish);
    table.add("PUBLISH 5.0 without a payload", v5, "35 (<a/b> FFFF ())", publish);

    Publish unicode;
    unicode.topicName = "\xEF\xBB\xBFtemp\xC3\xA9rature/\xF0\x9F\x8C\xA1";
    table.add("PUBLISH with a topic beyond ASCII, U+FEFF kept [MQTT-1.5.4-3]", v311,
              "30 (<\xEF\xBB\xBFtemp\xC3\xA9rature/\xF0\x9F\x8C\xA1>)", unicode);

    Publish full;
    full.topicName = "a";
    full.payload = asBytes("{}");
    full.properties = table
                          .props("01 00 02 00000000 23 0007 08 <re> 09 <> 26 <k> <1> 26 <> <>"
                                 "0B 01 26 <k> <2> 0B FFFFFF7F 03 <json>")
                          .has(Id::PayloadFormatIndicator, &P::payloadFormatIndicator, 0)
                          .has(Id::MessageExpiryInterval, &P::messageExpiryInterval, 0)
                          .has(Id::TopicAlias, &P::topicAlias, 7)
                          .has(Id::ResponseTopic, &P::responseTopic, "re")
                          .has(Id::CorrelationData, &P::correlationData, ByteView())
                          .has(Id::SubscriptionIdentifier, &P::subscriptionIdentifier, 1)
                          .has(Id::ContentType, &P::contentType, "json")
                          .hasUserProperties();
    table.add("PUBLISH 5.0 with every property", v5,
              "30 (<a> (01 00 02 00000000 23 0007 08 <re> 09 <> 26 <k> <1> 26 <> <>"
              "         0B 01 26 <k> <2> 0B FFFFFF7F 03 <json>) '{}')",
              full);

    Publish aliased;
    aliased.payload = asBytes("x");
    aliased.properties = table.props("23 0001").has(Id::TopicAlias, &P::topicAlias, 1);
    table.add("PUBLISH 5.0 with an alias for a topic", v5, "30 (<> (23 0001) 'x')", aliased);
    aliased.properties = table.props("23 0000").has(Id::TopicAlias, &P::topicAlias, 0);
    table.add("PUBLISH 5.0 with the alias 0, which is for the receiver to refuse", v5,
              "30 (<> (23 0000) 'x')", aliased);
}

void addAcknowledgements(Table& table)
{
    struct Kind
    {
        PacketType type;
        const char* header;
        ReasonCode failure;
        const char* code;
    };
    static constexpr Kind kinds[] = {
        {PacketType::Puback, "40", ReasonCode::NoMatchingSubscribers, "10"},
        {PacketType::Pubrec, "50", ReasonCode::QuotaExceeded, "97"},
        {PacketType::Pubrel, "62", ReasonCode::PacketIdentifierNotFound, "92"},
        {PacketType::Pubcomp, "70", ReasonCode::PacketIdentifierNotFound, "92"},
    };
    for (const auto& kind : kinds)
    {
        const std::string name(packetTypeText(kind.type));
        const std::string header(kind.header);
        const std::string code(kind.code);
        Acknowledgement packet;
        packet.type = kind.type;
        packet.packetIdentifier = 0x1234;
        for (const auto version : {v31, v311, v5})
        {
            table.add(name + ", version " + std::to_string(static_cast<int>(version)), version,
                      header + "(1234)", packet);
        }

        packet.reason = kind.failure;
        table.add(name + " 5.0 with a Reason Code", v5, header + "(1234 |" + code + ")", packet);

        packet.properties = table.props("1F <why> 26 <k> <v>")
                                .has(Id::ReasonString, &P::reasonString, "why")
                                .hasUserProperties();
        table.add(name + " 5.0 with properties", v5,
                  header + "(1234 |" + code + "| (1F <why> 26 <k> <v>))", packet);

        packet.reason = ReasonCode::Success;
        table.add(name + " 5.0, Success with properties", v5,
                  header + "(1234 | 00 | (1F <why> 26 <k> <v>))", packet);
    }
}

void addSubscribes(Table& table)
{
    Subscribe subscribe;
    subscribe.packetIdentifier = 10;
    subscribe.requests = {{"a/+", QoS::AtLeastOnce}, {"#", QoS::ExactlyOnce}, {"b"}};
    table.add("SUBSCRIBE 3.1", v31, "82 (000A <a/+> 01 | <#> 02 | <b> 00)", subscribe);
    table.add("SUBSCRIBE 3.1.1", v311, "82 (000A <a/+> 01 | <#> 02 | <b> 00)", subscribe);
    table.add("SUBSCRIBE 5.0", v5, "82 (000A () <a/+> 01 | <#> 02 | <b> 00)", subscribe);

    subscribe.requests = {{"a", QoS::ExactlyOnce, true, true, 2},
                          {"b", QoS::AtMostOnce, true, false, 0},
                          {"$share/g/c", QoS::AtLeastOnce, false, true, 1},
                          {"", QoS::AtMostOnce}};
    subscribe.properties =
        table.props("0B FFFFFF7F 26 <k> <v>")
            .has(Id::SubscriptionIdentifier, &P::subscriptionIdentifier, 268'435'455)
            .hasUserProperties();
    table.add("SUBSCRIBE 5.0 with options and properties", v5,
              "82 (000A (0B FFFFFF7F 26 <k> <v>) <a> 2E | <b> 04 | <$share/g/c> 19 | <> 00)",
              subscribe);
}

void addSubacks(Table& table)
{
    Suback suback;
    suback.packetIdentifier = 10;
    suback.reasons = {ReasonCode::Success, ReasonCode::GrantedQoS1, ReasonCode::GrantedQoS2,
                      ReasonCode::UnspecifiedError};
    table.add("SUBACK 3.1", v31, "90 (000A 00 | 01 | 02 | 80)", suback);
    table.add("SUBACK 3.1.1", v311, "90 (000A 00 | 01 | 02 | 80)", suback);
    table.add("SUBACK 5.0", v5, "90 (000A () 00 | 01 | 02 | 80)", suback);

    suback.reasons = {ReasonCode::WildcardSubscriptionsNotSupported};
    suback.properties = table.props("26 <k> <v> 1F <no #>")
                            .has(Id::ReasonString, &P::reasonString, "no #")
                            .hasUserProperties();
    table.add("SUBACK 5.0 with properties", v5, "90 (000A (26 <k> <v> 1F <no #>) A2)", suback);
}

void addUnsubscribes(Table& table)
{
    Unsubscribe unsubscribe;
    unsubscribe.packetIdentifier = 11;
    unsubscribe.topicFilters = {"a/+", "#"};
    table.add("UNSUBSCRIBE 3.1", v31, "A2 (000B <a/+> | <#>)", unsubscribe);
    table.add("UNSUBSCRIBE 3.1.1", v311, "A2 (000B <a/+> | <#>)", unsubscribe);
    table.add("UNSUBSCRIBE 5.0", v5, "A2 (000B () <a/+> | <#>)", unsubscribe);
    unsubscribe.properties = table.props("26 <k> <v>").hasUserProperties();
    table.add("UNSUBSCRIBE 5.0 with properties", v5, "A2 (000B (26 <k> <v>) <a/+> | <#>)",
              unsubscribe);

    Unsuback unsuback;
    unsuback.packetIdentifier = 11;
    table.add("UNSUBACK 3.1", v31, "B0 (000B)", unsuback);
    table.add("UNSUBACK 3.1.1", v311, "B0 (000B)", unsuback);
    unsuback.reasons = {ReasonCode::Success, ReasonCode::NoSubscriptionExisted};
    table.add("UNSUBACK 5.0", v5, "B0 (000B () 00 | 11)", unsuback);
    unsuback.properties = table.props("1F <why> 26 <k> <v>")
                              .has(Id::ReasonString, &P::reasonString, "why")
                              .hasUserProperties();
    table.add("UNSUBACK 5.0 with properties", v5, "B0 (000B (1F <why> 26 <k> <v>) 00 | 11)",
              unsuback);
}

void addTheRest(Table& table)
{
    for (const auto version : {v31, v311, v5})
    {
        const std::string suffix = ", version " + std::to_string(static_cast<int>(version));
        table.add("PINGREQ" + suffix, version, "C0 ()", Pingreq{});
        table.add("PINGRESP" + suffix, version, "D0 ()", Pingresp{});
        table.add("DISCONNECT" + suffix, version, "E0 ()", Disconnect{});
    }

    Disconnect disconnect;
    disconnect.reason = ReasonCode::DisconnectWithWill;
    table.add("DISCONNECT 5.0 with a Reason Code", v5, "E0 (| 04)", disconnect);
    disconnect.properties = table.props("11 00000000 1F <bye> 26 <k> <v> 1C <there>")
                                .has(Id::SessionExpiryInterval, &P::sessionExpiryInterval, 0)
                                .has(Id::ReasonString, &P::reasonString, "bye")
                                .has(Id::ServerReference, &P::serverReference, "there")
                                .hasUserProperties();
    table.add("DISCONNECT 5.0 with every property", v5,
              "E0 (| 04 | (11 00000000 1F <bye> 26 <k> <v> 1C <there>))", disconnect);

    Auth auth;
    auth.reason = ReasonCode::ContinueAuthentication;
    auth.properties = table.props("15 <SCRAM> 16 <xyz> 1F <go on> 26 <k> <v>")
                          .has(Id::AuthenticationMethod, &P::authenticationMethod, "SCRAM")
                          .has(Id::AuthenticationData, &P::authenticationData, asBytes("xyz"))
                          .has(Id::ReasonString, &P::reasonString, "go on")
                          .hasUserProperties();
    table.add("AUTH with every property", v5, "F0 (18 (15 <SCRAM> 16 <xyz> 1F <go on> 26 <k> <v>))",
              auth);
    auth.reason = ReasonCode::Success;
    auth.properties =
        table.props("15 <SCRAM>").has(Id::AuthenticationMethod, &P::authenticationMethod, "SCRAM");
    table.add("AUTH, Success", v5, "F0 (00 (15 <SCRAM>))", auth);
}

void addTolerated(Table& table)
{
    Connect flagged;
    flagged.version = v31;
    flagged.cleanStart = true;
    flagged.clientId = "id";
    table.add("CONNECT 3.1 whose user name is announced and missing (v3.1 §3.1)", v31,
              "10 (<MQIsdp> 03 C2 0000 <id>)", flagged);
    flagged.userName = "user";
    table.add("CONNECT 3.1 whose password is announced and missing (v3.1 §3.1)", v31,
              "10 (<MQIsdp> 03 C2 0000 <id> | <user>)", flagged);

    Connack connack;
    table.add("CONNACK 3.1, reserved byte set", v31, "20 (01 00)", connack);

    Acknowledgement pubrel;
    pubrel.type = PacketType::Pubrel;
    pubrel.packetIdentifier = 1;
    table.add("PUBREL 3.1, sent again with DUP (v3.1 §3.6)", v31, "6A (0001)", pubrel);
    table.add("PUBREL 5.0, Success written out", v5, "62 (0001 | 00)", pubrel);
    table.add("PUBREL 5.0, Success and Property Length 0 written out", v5, "62 (0001 | 00 | 00)",
              pubrel);

    Subscribe subscribe;
    subscribe.packetIdentifier = 1;
    subscribe.requests = {{"a"}};
    table.add("SUBSCRIBE 3.1, sent again with DUP (v3.1 §3.8)", v31, "8A (0001 <a> 00)", subscribe);

    Unsubscribe unsubscribe;
    unsubscribe.packetIdentifier = 1;
    unsubscribe.topicFilters = {"a"};
    table.add("UNSUBSCRIBE 3.1, sent again with DUP (v3.1 §3.10)", v31, "AA (0001 <a>)",
              unsubscribe);

    table.add("DISCONNECT 5.0, Success written out", v5, "E0 (| 00)", Disconnect{});
    table.add("DISCONNECT 5.0, Success and Property Length 0 written out", v5, "E0 (| 00 | 00)",
              Disconnect{});
}

} // namespace

bool PacketRow::mayEndAt(std::size_t bodySize) const
{
    if (const auto* publish = std::get_if<Publish>(&packet))
        return bodySize + headerSize() + publish->payload.size() >= text.bytes.size();
    return std::find(text.marks.begin(), text.marks.end(), bodySize + headerSize()) !=
           text.marks.end();
}

std::size_t PacketRow::headerSize() const
{
    std::size_t size = 2;
    while (text.bytes[size - 1] & 0x80) ++size;
    return size;
}

const std::vector<PacketRow>& packetTable()
{
    static const Table table = [] {
        Table made;
        addConnects(made);
        addConnacks(made);
        addPublishes(made);
        addAcknowledgements(made);
        addSubscribes(made);
        addSubacks(made);
        addUnsubscribes(made);
        addTheRest(made);
        return made;
    }();
    return table.rows;
}

const std::vector<PacketRow>& toleratedTable()
{
    static const Table table = [] {
        Table made;
        addTolerated(made);
        return made;
    }();
    return table.rows;
}

} // namespace nanomq::test
