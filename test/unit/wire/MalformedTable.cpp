#include "PacketTable.h"

namespace nanomq::test
{

namespace
{

constexpr auto v31 = ProtocolVersion::v3_1;
constexpr auto v311 = ProtocolVersion::v3_1_1;
constexpr auto v5 = ProtocolVersion::v5_0;

constexpr auto kMalformed = ReasonCode::MalformedPacket;
constexpr auto kProtocolError = ReasonCode::ProtocolError;
constexpr auto kUnsupported = ReasonCode::UnsupportedProtocolVersion;
constexpr auto kTopicNameInvalid = ReasonCode::TopicNameInvalid;

struct Row
{
    const char* name;
    ProtocolVersion version;
    const char* text;
    ReasonCode reason;
};

constexpr Row kRows[] = {
    // CONNECT
    {"CONNECT, flags set", v311, "11 (<MQTT> 04 02 000A <id>)", kMalformed},
    {"CONNECT, name unknown", v311, "10 (<mqtt> 04 02 000A <id>)", kUnsupported},
    {"CONNECT, name empty", v311, "10 (<> 04 02 000A <id>)", kUnsupported},
    {"CONNECT, name not UTF-8", v311, "10 (0004 'MQT' FF 04 02 000A <id>)", kMalformed},
    {"CONNECT, level 6", v5, "10 (<MQTT> 06 02 000A () <id>)", kUnsupported},
    {"CONNECT, level 0", v311, "10 (<MQTT> 00 02 000A <id>)", kUnsupported},
    {"CONNECT, level 3 with the name of 4", v311, "10 (<MQTT> 03 02 000A <id>)", kUnsupported},
    {"CONNECT, level 4 with the name of 3", v31, "10 (<MQIsdp> 04 02 000A <id>)", kUnsupported},
    {"CONNECT, level 5 with the name of 3", v31, "10 (<MQIsdp> 05 02 000A () <id>)", kUnsupported},
    {"CONNECT, bridge bit in 5.0", v5, "10 (<MQTT> 85 02 000A () <id>)", kUnsupported},
    {"CONNECT, unsupported level wins over what follows", v5, "10 (<MQTT> 63 01)", kUnsupported},
    {"CONNECT, reserved flag [MQTT-3.1.2-3]", v311, "10 (<MQTT> 04 03 000A <id>)", kMalformed},
    {"CONNECT 5.0, reserved flag [MQTT-3.1.2-3]", v5, "10 (<MQTT> 05 03 000A () <id>)", kMalformed},
    {"CONNECT, Will QoS 3 [MQTT-3.1.2-12]", v311, "10 (<MQTT> 04 1E 000A <id> <t> <m>)",
     kMalformed},
    {"CONNECT, Will QoS without will [MQTT-3.1.2-11]", v311, "10 (<MQTT> 04 0A 000A <id>)",
     kMalformed},
    {"CONNECT, Will Retain without will [MQTT-3.1.2-13]", v5, "10 (<MQTT> 05 22 000A () <id>)",
     kMalformed},
    {"CONNECT 3.1.1, password without user name (v3.1.1 MQTT-3.1.2-22)", v311,
     "10 (<MQTT> 04 42 000A <id> <pass>)", kMalformed},
    {"CONNECT 3.1, password without user name", v31, "10 (<MQIsdp> 03 42 000A <id> <pass>)",
     kMalformed},
    {"CONNECT, client identifier missing [MQTT-3.1.3-3]", v311, "10 (<MQTT> 04 02 000A)",
     kMalformed},
    {"CONNECT, client identifier with a surrogate", v311, "10 (<MQTT> 04 02 000A 0003 EDA080)",
     kMalformed},
    {"CONNECT, client identifier with U+0000 [MQTT-1.5.4-2]", v311,
     "10 (<MQTT> 04 02 000A 0003 610062)", kMalformed},
    {"CONNECT, user name announced and missing", v311, "10 (<MQTT> 04 82 000A <id>)", kMalformed},
    {"CONNECT 3.1, user name cut off", v31, "10 (<MQIsdp> 03 82 000A <id> 0004 'us')", kMalformed},
    {"CONNECT, user name not UTF-8 [MQTT-3.1.3-12]", v311, "10 (<MQTT> 04 82 000A <id> 0001 FF)",
     kMalformed},
    {"CONNECT, user name present but not announced [MQTT-3.1.2-16]", v311,
     "10 (<MQTT> 04 02 000A <id> <user>)", kMalformed},
    {"CONNECT, will announced and missing [MQTT-3.1.2-9]", v311, "10 (<MQTT> 04 06 000A <id>)",
     kMalformed},
    {"CONNECT, will topic empty [MQTT-4.7.3-1]", v311, "10 (<MQTT> 04 06 000A <id> <> <m>)",
     kMalformed},
    {"CONNECT, will topic with a wildcard [MQTT-4.7.0-1]", v5,
     "10 (<MQTT> 05 06 000A () <id> () <a/+> <m>)", kTopicNameInvalid},
    {"CONNECT, will topic not UTF-8 [MQTT-3.1.3-11]", v311,
     "10 (<MQTT> 04 06 000A <id> 0002 C080 <m>)", kMalformed},
    {"CONNECT 5.0, no Property Length [MQTT-2.2.2-1]", v5, "10 (<MQTT> 05 02 000A)", kMalformed},
    {"CONNECT 5.0, will without Property Length", v5, "10 (<MQTT> 05 06 000A () <id> <t> <m>)",
     kMalformed},
    {"CONNECT 5.0, Property Length beyond the packet", v5, "10 (<MQTT> 05 02 000A 7F <id>)",
     kMalformed},
    {"CONNECT 5.0, Property Length not in the shortest form [MQTT-1.5.5-1]", v5,
     "10 (<MQTT> 05 02 000A 8000 <id>)", kMalformed},
    {"CONNECT 5.0, Property Length of five bytes", v5, "10 (<MQTT> 05 02 000A 8080808001 <id>)",
     kMalformed},
    {"CONNECT 5.0, data without an authentication method (3.1.2.11.10)", v5,
     "10 (<MQTT> 05 02 000A (16 <data>) <id>)", kProtocolError},
    {"CONNECT 5.0, Receive Maximum 0", v5, "10 (<MQTT> 05 02 000A (21 0000) <id>)", kProtocolError},
    {"CONNECT 5.0, Maximum Packet Size 0", v5, "10 (<MQTT> 05 02 000A (27 00000000) <id>)",
     kProtocolError},
    {"CONNECT 5.0, Request Problem Information 2", v5, "10 (<MQTT> 05 02 000A (17 02) <id>)",
     kProtocolError},
    {"CONNECT 5.0, Request Response Information 2", v5, "10 (<MQTT> 05 02 000A (19 02) <id>)",
     kProtocolError},
    {"CONNECT 5.0, Response Topic of the will with a wildcard [MQTT-3.3.2-14]", v5,
     "10 (<MQTT> 05 06 000A () <id> (08 <a/#>) <t> <m>)", kProtocolError},
    {"CONNECT 5.0, Will Delay Interval outside the will", v5,
     "10 (<MQTT> 05 06 000A (18 00000001) <id> () <t> <m>)", kMalformed},
    {"CONNECT 5.0, unknown property", v5, "10 (<MQTT> 05 02 000A (7E 00) <id>)", kMalformed},
    {"CONNECT 5.0, property identifier 0", v5, "10 (<MQTT> 05 02 000A (00 00) <id>)", kMalformed},
    {"CONNECT 5.0, property identifier of two bytes", v5,
     "10 (<MQTT> 05 02 000A (9101 00000000) <id>)", kMalformed},
    {"CONNECT 5.0, property identifier in an overlong form", v5,
     "10 (<MQTT> 05 02 000A (9100 00000000) <id>)", kMalformed},
    {"CONNECT 5.0, property cut off", v5, "10 (<MQTT> 05 02 000A (11 0000) <id>)", kMalformed},
    {"CONNECT 5.0, User Property without a value", v5, "10 (<MQTT> 05 02 000A (26 <k>) <id>)",
     kMalformed},
    {"CONNECT 5.0, User Property with a bad name [MQTT-1.5.7-1]", v5,
     "10 (<MQTT> 05 02 000A (26 0001 FF <v>) <id>)", kMalformed},
    {"CONNECT 5.0, User Property with a bad value [MQTT-1.5.7-1]", v5,
     "10 (<MQTT> 05 02 000A (26 <k> 0001 00) <id>)", kMalformed},
    {"CONNECT, bytes behind the last field", v311, "10 (<MQTT> 04 02 000A <id> 00)", kMalformed},

    // CONNACK
    {"CONNACK, flags set", v311, "22 (00 00)", kMalformed},
    {"CONNACK 3.1.1, reserved bit [MQTT-3.2.2-1]", v311, "20 (02 00)", kMalformed},
    {"CONNACK 5.0, reserved bit [MQTT-3.2.2-1]", v5, "20 (80 00 ())", kMalformed},
    {"CONNACK 3.1.1, return code 6", v311, "20 (00 06)", kProtocolError},
    {"CONNACK 5.0, code that is not listed [MQTT-3.2.2-8]", v5, "20 (00 04 ())", kProtocolError},
    {"CONNACK, session present in a refusal [MQTT-3.2.2-6]", v5, "20 (01 87 ())", kProtocolError},
    {"CONNACK 3.1.1, session present in a refusal", v311, "20 (01 05)", kProtocolError},
    {"CONNACK 3.1.1, too long", v311, "20 (00 00 00)", kMalformed},
    {"CONNACK 5.0, without Property Length", v5, "20 (00 00)", kMalformed},
    {"CONNACK 5.0, Maximum QoS 2", v5, "20 (00 00 (24 02))", kProtocolError},
    {"CONNACK 5.0, Retain Available 2", v5, "20 (00 00 (25 02))", kProtocolError},
    {"CONNACK 5.0, Wildcard Subscription Available 2", v5, "20 (00 00 (28 02))", kProtocolError},
    {"CONNACK 5.0, Subscription Identifiers Available 2", v5, "20 (00 00 (29 02))", kProtocolError},
    {"CONNACK 5.0, Shared Subscription Available 2", v5, "20 (00 00 (2A 02))", kProtocolError},
    {"CONNACK 5.0, data without an authentication method", v5, "20 (00 00 (16 <data>))",
     kProtocolError},

    // PUBLISH
    {"PUBLISH, QoS 3 [MQTT-3.3.1-4]", v311, "36 (<a> 0001)", kMalformed},
    {"PUBLISH 5.0, QoS 3 [MQTT-3.3.1-4]", v5, "36 (<a> 0001 ())", kMalformed},
    {"PUBLISH, DUP with QoS 0 [MQTT-3.3.1-2]", v311, "38 (<a>)", kMalformed},
    {"PUBLISH 3.1, DUP with QoS 0", v31, "38 (<a>)", kMalformed},
    {"PUBLISH, no topic at all", v311, "30 ()", kMalformed},
    {"PUBLISH 3.1.1, topic empty [MQTT-4.7.3-1]", v311, "30 (<> 'x')", kMalformed},
    {"PUBLISH 3.1, topic empty", v31, "30 (<> 'x')", kMalformed},
    {"PUBLISH 5.0, topic empty without an alias (3.3.2.1)", v5, "30 (<> () 'x')", kProtocolError},
    {"PUBLISH, topic with '+' [MQTT-3.3.2-2]", v311, "30 (<a/+/c> 'x')", kTopicNameInvalid},
    {"PUBLISH 5.0, topic with '#' [MQTT-3.3.2-2]", v5, "30 (<a/#> () 'x')", kTopicNameInvalid},
    {"PUBLISH, '+' inside a level", v5, "30 (<temperature+humidity> () 'x')", kTopicNameInvalid},
    {"PUBLISH, topic with U+0000 [MQTT-4.7.3-2]", v311, "30 (0003 'a' 00 'b' 'x')", kMalformed},
    {"PUBLISH, topic not UTF-8", v311, "30 (0003 'a' C0AF 'x')", kMalformed},
    {"PUBLISH, packet identifier 0 [MQTT-2.2.1-3]", v311, "32 (<a> 0000 'x')", kProtocolError},
    {"PUBLISH 5.0, packet identifier 0 [MQTT-2.2.1-3]", v5, "34 (<a> 0000 () 'x')", kProtocolError},
    {"PUBLISH 5.0, no Property Length", v5, "30 (<a>)", kMalformed},
    {"PUBLISH 5.0, Payload Format Indicator 2", v5, "30 (<a> (01 02))", kProtocolError},
    {"PUBLISH 5.0, Subscription Identifier 0 (3.3.2.3.8)", v5, "30 (<a> (0B 00))", kProtocolError},
    {"PUBLISH 5.0, second Subscription Identifier 0", v5, "30 (<a> (0B 01 0B 00))", kProtocolError},
    {"PUBLISH 5.0, Subscription Identifier of five bytes", v5, "30 (<a> (0B 8080808001))",
     kMalformed},
    {"PUBLISH 5.0, Response Topic with a wildcard [MQTT-3.3.2-14]", v5, "30 (<a> (08 <b/+>))",
     kProtocolError},
    {"PUBLISH 5.0, Response Topic empty [MQTT-4.7.3-1]", v5, "30 (<a> (08 <>))", kProtocolError},
    {"PUBLISH 5.0, Response Topic not UTF-8 [MQTT-3.3.2-13]", v5, "30 (<a> (08 0001 80))",
     kMalformed},
    {"PUBLISH 5.0, Content Type not UTF-8 [MQTT-3.3.2-19]", v5, "30 (<a> (03 0001 FE))",
     kMalformed},
    {"PUBLISH 5.0, property runs over the Property Length", v5, "30 (<a> 03 02 00000001 'payload')",
     kMalformed},

    // PUBACK, PUBREC, PUBREL, PUBCOMP
    {"PUBACK, flags set", v311, "42 (0001)", kMalformed},
    {"PUBREC, flags set", v311, "51 (0001)", kMalformed},
    {"PUBCOMP, flags set", v5, "78 (0001)", kMalformed},
    {"PUBREL, flags 0000 [MQTT-3.6.1-1]", v311, "60 (0001)", kMalformed},
    {"PUBREL 5.0, flags 0011 [MQTT-3.6.1-1]", v5, "63 (0001)", kMalformed},
    {"PUBREL 3.1.1, flags 1010", v311, "6A (0001)", kMalformed},
    {"PUBREL 3.1, flags 1011", v31, "6B (0001)", kMalformed},
    {"PUBACK, packet identifier 0", v311, "40 (0000)", kProtocolError},
    {"PUBCOMP 5.0, packet identifier 0", v5, "70 (0000)", kProtocolError},
    {"PUBACK, one byte", v311, "40 (00)", kMalformed},
    {"PUBACK, empty", v5, "40 ()", kMalformed},
    {"PUBACK 3.1.1 with a Reason Code", v311, "40 (0001 00)", kMalformed},
    {"PUBACK 3.1 with a Reason Code", v31, "40 (0001 00)", kMalformed},
    {"PUBACK 5.0, code that is not listed [MQTT-3.4.2-1]", v5, "40 (0001 92)", kProtocolError},
    {"PUBREC 5.0, code that is not listed [MQTT-3.5.2-1]", v5, "50 (0001 01)", kProtocolError},
    {"PUBREL 5.0, code that is not listed [MQTT-3.6.2-1]", v5, "62 (0001 10)", kProtocolError},
    {"PUBCOMP 5.0, code that is not listed [MQTT-3.7.2-1]", v5, "70 (0001 80)", kProtocolError},
    {"PUBACK 5.0, code unknown", v5, "40 (0001 FF)", kProtocolError},
    {"PUBACK 5.0, Property Length too short", v5, "40 (0001 00 (1F <why>) 00)", kMalformed},
    {"PUBACK 5.0, Property Length too long", v5, "40 (0001 00 01)", kMalformed},

    // SUBSCRIBE
    {"SUBSCRIBE, flags 0000 [MQTT-3.8.1-1]", v311, "80 (0001 <a> 00)", kMalformed},
    {"SUBSCRIBE 5.0, flags 1010 [MQTT-3.8.1-1]", v5, "8A (0001 () <a> 00)", kMalformed},
    {"SUBSCRIBE, packet identifier 0", v311, "82 (0000 <a> 00)", kProtocolError},
    {"SUBSCRIBE, no filter [MQTT-3.8.3-2]", v311, "82 (0001)", kProtocolError},
    {"SUBSCRIBE 5.0, no filter [MQTT-3.8.3-2]", v5, "82 (0001 ())", kProtocolError},
    {"SUBSCRIBE, filter without options", v311, "82 (0001 <a>)", kMalformed},
    {"SUBSCRIBE, filter not UTF-8 [MQTT-3.8.3-1]", v311, "82 (0001 0001 FF 00)", kMalformed},
    {"SUBSCRIBE 3.1.1, QoS 3", v311, "82 (0001 <a> 03)", kMalformed},
    {"SUBSCRIBE 3.1, QoS 3", v31, "82 (0001 <a> 03)", kMalformed},
    {"SUBSCRIBE 3.1.1, reserved bits", v311, "82 (0001 <a> 04)", kMalformed},
    {"SUBSCRIBE 5.0, QoS 3 (3.8.3.1)", v5, "82 (0001 () <a> 03)", kProtocolError},
    {"SUBSCRIBE 5.0, Retain Handling 3 (3.8.3.1)", v5, "82 (0001 () <a> 30)", kProtocolError},
    {"SUBSCRIBE 5.0, reserved bit 6 [MQTT-3.8.3-5]", v5, "82 (0001 () <a> 40)", kMalformed},
    {"SUBSCRIBE 5.0, reserved bit 7 [MQTT-3.8.3-5]", v5, "82 (0001 () <a> 80)", kMalformed},
    {"SUBSCRIBE 5.0, No Local on a shared subscription [MQTT-3.8.3-4]", v5,
     "82 (0001 () <$share/g/a> 04)", kProtocolError},
    {"SUBSCRIBE, second filter is bad", v311, "82 (0001 <a> 00 <b> 05)", kMalformed},
    {"SUBSCRIBE 5.0, Subscription Identifier 0 (3.8.2.1.2)", v5, "82 (0001 (0B 00) <a> 00)",
     kProtocolError},
    {"SUBSCRIBE 5.0, two Subscription Identifiers (3.8.2.1.2)", v5,
     "82 (0001 (0B 01 0B 02) <a> 00)", kProtocolError},

    // SUBACK
    {"SUBACK, flags set", v311, "92 (0001 00)", kMalformed},
    {"SUBACK, packet identifier 0", v311, "90 (0000 00)", kProtocolError},
    {"SUBACK, no code", v311, "90 (0001)", kProtocolError},
    {"SUBACK 5.0, no code", v5, "90 (0001 ())", kProtocolError},
    {"SUBACK 3.1.1, code that is not listed (v3.1.1 MQTT-3.9.3-2)", v311, "90 (0001 03)",
     kProtocolError},
    {"SUBACK 3.1.1, code of 5.0", v311, "90 (0001 87)", kProtocolError},
    {"SUBACK 5.0, code that is not listed [MQTT-3.9.3-2]", v5, "90 (0001 () 00 03)",
     kProtocolError},

    // UNSUBSCRIBE, UNSUBACK
    {"UNSUBSCRIBE, flags 0000 [MQTT-3.10.1-1]", v311, "A0 (0001 <a>)", kMalformed},
    {"UNSUBSCRIBE 5.0, flags 0110 [MQTT-3.10.1-1]", v5, "A6 (0001 () <a>)", kMalformed},
    {"UNSUBSCRIBE, packet identifier 0", v311, "A2 (0000 <a>)", kProtocolError},
    {"UNSUBSCRIBE, no filter [MQTT-3.10.3-2]", v311, "A2 (0001)", kProtocolError},
    {"UNSUBSCRIBE 5.0, no filter [MQTT-3.10.3-2]", v5, "A2 (0001 ())", kProtocolError},
    {"UNSUBSCRIBE, filter not UTF-8 [MQTT-3.10.3-1]", v311, "A2 (0001 0002 C3 'a')", kMalformed},
    {"UNSUBSCRIBE, filter cut off", v311, "A2 (0001 <a> 0002 'b')", kMalformed},
    {"UNSUBACK, flags set", v311, "B2 (0001)", kMalformed},
    {"UNSUBACK, packet identifier 0", v311, "B0 (0000)", kProtocolError},
    {"UNSUBACK 3.1.1, with codes", v311, "B0 (0001 00)", kMalformed},
    {"UNSUBACK 5.0, no code", v5, "B0 (0001 ())", kProtocolError},
    {"UNSUBACK 5.0, code that is not listed [MQTT-3.11.3-2]", v5, "B0 (0001 () 01)",
     kProtocolError},

    // PINGREQ, PINGRESP, DISCONNECT, AUTH
    {"PINGREQ, flags set", v311, "C1 ()", kMalformed},
    {"PINGREQ, with a body", v5, "C0 (00)", kMalformed},
    {"PINGRESP, flags set", v311, "D8 ()", kMalformed},
    {"PINGRESP, with a body", v311, "D0 (00)", kMalformed},
    {"DISCONNECT 3.1.1, flags set (v3.1.1 MQTT-3.14.1-1)", v311, "E1 ()", kMalformed},
    {"DISCONNECT 5.0, flags set [MQTT-3.14.1-1]", v5, "E2 (00)", kMalformed},
    {"DISCONNECT 3.1.1, with a body", v311, "E0 (00)", kMalformed},
    {"DISCONNECT 3.1, with a body", v31, "E0 (00)", kMalformed},
    {"DISCONNECT 5.0, code that is not listed [MQTT-3.14.2-1]", v5, "E0 (01)", kProtocolError},
    {"DISCONNECT 5.0, bytes behind the properties", v5, "E0 (00 () 00)", kMalformed},
    {"AUTH, flags set [MQTT-3.15.1-1]", v5, "F2 (18 (15 <SCRAM>))", kMalformed},
    {"AUTH, code that is not listed [MQTT-3.15.2-1]", v5, "F0 (87 (15 <SCRAM>))", kProtocolError},
    {"AUTH, no method (3.15.2.2.2)", v5, "F0 (18 ())", kProtocolError},
    {"AUTH, data without a method (3.15.2.2.2)", v5, "F0 (18 (16 <data>))", kProtocolError},
    {"AUTH, nothing at all, so no method either", v5, "F0 ()", kProtocolError},
    {"AUTH, bytes behind the properties", v5, "F0 (18 (15 <SCRAM>) 00)", kMalformed},
    {"AUTH in 3.1.1", v311, "F0 (18 (15 <SCRAM>))", kMalformed},
    {"AUTH in 3.1", v31, "F0 ()", kMalformed},
};

} // namespace

const std::vector<MalformedRow>& malformedTable()
{
    static const std::vector<MalformedRow> table = [] {
        std::vector<MalformedRow> made;
        for (const auto& row : kRows)
            made.push_back({row.name, row.version, bytesOf(row.text), row.reason});
        return made;
    }();
    return table;
}

} // namespace nanomq::test
