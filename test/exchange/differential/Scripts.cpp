#include "differential/Scripts.h"

#include <string>

namespace nanomq::test
{

namespace
{

using enum QoS;
constexpr QoS kAll[] = {AtMostOnce, AtLeastOnce, ExactlyOnce};

/// A client whose session outlives its connection.
ConnectOptions lasting(std::string_view clientId)
{
    return {.clientId = clientId, .cleanStart = false};
}

/// The same for 5.0, which says so with a property.
ConnectOptions lasting(const Stage& stage, std::string_view clientId)
{
    auto options = lasting(clientId);
    if (stage.is5_0()) options.properties.add(PropertyId::SessionExpiryInterval, 3600);
    return options;
}

Will will(QoS qos = AtMostOnce, bool retain = false)
{
    Will will;
    will.topicName = "will";
    will.payload = asBytes("gone");
    will.qos = qos;
    will.retain = retain;
    return will;
}

void connects(Stage& stage)
{
    stage.connect({.clientId = "a"}).connect({.clientId = "a"}).disconnect("a");
    stage.connect(lasting(stage, "b")).disconnect("b");
    stage.connect(lasting(stage, "b")).drop("b");
    stage.connect({.clientId = "b"}).disconnect("b");
    stage.connect(lasting(stage, "b")).connect(lasting(stage, "b"));
}

void deliversAtEachQoS(Stage& stage)
{
    stage.connect({.clientId = "sub"}).connect({.clientId = "pub"});
    for (const QoS granted : kAll)
    {
        stage.subscribe("sub", "t", granted);
        for (const QoS published : kAll) stage.publish("pub", "t", "x", {.qos = published});
    }
}

void matches(Stage& stage)
{
    stage.connect({.clientId = "pub"});
    for (const char* filter : {"#", "+", "a/#", "a/+", "+/+", "+/b/#", "/#", "/+", "a//b", "$x/#",
                               "$x/+", "A", "a/b/", "+/+/+"})
    {
        stage.connect({.clientId = "sub"}).subscribe("sub", filter);
        for (const char* topic :
             {"a", "a/b", "a/b/", "a//b", "/a", "a/b/c", "$x/a", "A", "/", " a"})
            stage.publish("pub", topic, topic);
    }
}

void retains(Stage& stage)
{
    stage.connect({.clientId = "pub"}).connect({.clientId = "early"}).subscribe("early", "r/#");
    stage.publish("pub", "r/1", "old", {.retain = true});
    stage.publish("pub", "r/1", "new", {.qos = AtLeastOnce, .retain = true});
    stage.publish("pub", "r/2", "two", {.qos = ExactlyOnce, .retain = true});
    stage.publish("pub", "r/3", "three", {.retain = true});
    stage.publish("pub", "r/3", "", {.retain = true});
    stage.publish("pub", "r/2", "passing");
    stage.connect({.clientId = "late"}).subscribe("late", "r/+", ExactlyOnce);
    stage.subscribe("late", "r/+", AtMostOnce).subscribe("late", "r/none");
    stage.publish("pub", "r/1", "", {.retain = true}).publish("pub", "r/2", "", {.retain = true});
    stage.connect({.clientId = "later"}).subscribe("later", "r/#");
}

void queuesForTheAbsent(Stage& stage)
{
    stage.connect(lasting(stage, "away")).connect({.clientId = "pub"});
    stage.subscribe("away", "q/1", AtLeastOnce).subscribe("away", "q/2", ExactlyOnce).drop("away");
    for (int number = 0; number < 5; ++number)
        for (const QoS qos : {AtLeastOnce, ExactlyOnce})
            stage.publish("pub", qos == AtLeastOnce ? "q/1" : "q/2", std::to_string(number),
                          {.qos = qos});
    stage.connect(lasting(stage, "away")).disconnect("away");
    stage.publish("pub", "q/1", "later", {.qos = AtLeastOnce});
    stage.connect({.clientId = "away"});
}

void sendsAgainWhatWasNotAcknowledged(Stage& stage)
{
    stage.connect(lasting(stage, "away")).connect({.clientId = "pub"});
    stage.subscribe("away", "t", ExactlyOnce);
    stage.publish("pub", "t", "done", {.qos = ExactlyOnce});
    stage.answers("away", false).publish("pub", "t", "1", {.qos = AtLeastOnce});
    stage.publish("pub", "t", "2", {.qos = ExactlyOnce}).drop("away");
    stage.connect(lasting(stage, "away")).drop("away");
    stage.answers("away", true).connect(lasting(stage, "away"));
    stage.drop("away").connect(lasting(stage, "away"));
}

void takesDuplicatesOnce(Stage& stage)
{
    stage.connect({.clientId = "sub"}).subscribe("sub", "t", ExactlyOnce);
    stage.connect({.clientId = "pub"}).answers("pub", false);
    const auto publish = [&](QoS qos, bool dup) {
        Publish packet;
        packet.dup = dup;
        packet.qos = qos;
        packet.topicName = "t";
        packet.payload = asBytes("x");
        packet.packetIdentifier = 9;
        stage.send("pub", packet);
    };
    publish(ExactlyOnce, false);
    publish(ExactlyOnce, true);
    stage.send("pub", Acknowledgement{PacketType::Pubrel, 9, ReasonCode::Success, {}});
    publish(ExactlyOnce, false);
    stage.send("pub", Acknowledgement{PacketType::Pubrel, 9, ReasonCode::Success, {}});
    publish(AtLeastOnce, false);
    publish(AtLeastOnce, true);
}

void givesTheSessionToTheNewerConnection(Stage& stage)
{
    stage.connect({.clientId = "pub"})
        .connect(lasting(stage, "a"))
        .subscribe("a", "t", AtLeastOnce);
    stage.connect(lasting(stage, "a")).publish("pub", "t", "kept", {.qos = AtLeastOnce});
    stage.connect({.clientId = "a"}).publish("pub", "t", "lost", {.qos = AtLeastOnce});
}

void sendsWills(Stage& stage)
{
    stage.connect({.clientId = "sub"}).subscribe("sub", "will", ExactlyOnce);
    for (const QoS qos : kAll)
        for (const bool retain : {false, true})
        {
            stage.connect({.clientId = "mortal", .will = will(qos, retain)}).drop("mortal");
            stage.connect({.clientId = "late"}).subscribe("late", "will").disconnect("late");
        }
    stage.connect({.clientId = "mortal", .will = will()}).disconnect("mortal");
    stage.connect({.clientId = "mortal", .will = will()}).bytes("mortal", hex("00 00"));
    stage.connect({.clientId = "sub"}).publish("sub", "will", "", {.retain = true});
}

void unsubscribes(Stage& stage)
{
    stage.connect({.clientId = "sub"}).connect({.clientId = "pub"});
    stage.subscribe("sub", "a/+").subscribe("sub", "b");
    stage.send("sub", Unsubscribe{7, {"a/+", "none", "a/b"}, {}});
    stage.publish("pub", "a/b", "x").publish("pub", "b", "y");
}

void answersSeveralFilters(Stage& stage)
{
    stage.connect({.clientId = "sub"}).connect({.clientId = "pub"});
    stage.send("sub", Subscribe{9,
                                {{.topicFilter = "a", .qos = ExactlyOnce},
                                 {.topicFilter = "b/+", .qos = AtMostOnce},
                                 {.topicFilter = "c/#", .qos = AtLeastOnce}},
                                {}});
    for (const char* topic : {"a", "b/x", "c"})
        stage.publish("pub", topic, topic, {.qos = ExactlyOnce});
}

void closesOnWhatIsMalformed(Stage& stage)
{
    const bool v5 = stage.is5_0();
    for (const char* bytes : {"00 00", "30 02 00 00", "36 05 00 01 't' 00 01", "20 02 00 00"})
        stage.connect({.clientId = "a"}).bytes("a", hex(bytes));
    stage.connect({.clientId = "a"})
        .bytes("a", v5 ? hex("30 04 00 01 '#' 00") : hex("30 03 00 01 '#'"));
    stage.connect({.clientId = "a"})
        .bytes("a", v5 ? hex("32 06 00 01 't' 00 00 00") : hex("32 05 00 01 't' 00 00"));
    stage.connect({.clientId = "a"})
        .bytes("a", v5 ? hex("82 07 00 01 00 00 01 't' 03") : hex("82 06 00 01 00 01 't' 03"));
    stage.connect({.clientId = "a"})
        .bytes("a", v5 ? hex("30 05 00 02 FF FF 00") : hex("30 04 00 02 FF FF"));
    stage.open("first", hex("C0 00")).open("first", hex("30 03 00 01 't'"));
}

void closesOnWhat3_1LeavesOpen(Stage& stage)
{
    for (const char* bytes :
         {"82 02 00 01", "A2 02 00 01", "80 06 00 01 00 01 't' 00", "60 02 00 01"})
        stage.connect({.clientId = "a"}).bytes("a", hex(bytes));
}

void closesOnFlagsOfPingreq(Stage& stage)
{
    stage.connect({.clientId = "a"}).bytes("a", hex("C1 00"));
}

void closesOnPacketsThatOnlyServersSend(Stage& stage)
{
    for (const char* bytes : {"90 03 00 01 00", "D0 00"})
        stage.connect({.clientId = "a"}).bytes("a", hex(bytes));
}

void sendsNothingRetainedToAGroup(Stage& stage)
{
    stage.connect({.clientId = "pub"}).publish("pub", "t", "kept", {.retain = true});
    stage.connect({.clientId = "member"}).subscribe("member", "$share/g/t");
}

void refusesBadConnects(Stage& stage)
{
    for (const char* bytes :
         {"10 0D 00 04 'MQTX' 04 02 00 00 00 01 'a'", "10 0D 00 04 'MQTT' 04 03 00 00 00 01 'a'",
          "10 0D 00 04 'MQTT' 04 02 00 00 00 00", "10 02 00 00",
          "10 0D 00 04 'MQTT' 04 06 00 00 00 01 'a'"})
        stage.open("a", hex(bytes));
}

void sendsNothingBackWithNoLocal(Stage& stage)
{
    stage.connect({.clientId = "own"}).connect({.clientId = "other"});
    stage.send("own", Subscribe{5, {{.topicFilter = "t", .noLocal = true}}, {}});
    stage.publish("own", "t", "own").publish("other", "t", "other");
}

void obeysTheRetainOptions(Stage& stage)
{
    stage.connect({.clientId = "pub"}).publish("pub", "r", "kept", {.retain = true});
    for (const bool asPublished : {false, true})
        for (std::uint8_t handling = 0; handling < 3; ++handling)
        {
            const Subscribe subscribe{5,
                                      {{.topicFilter = "r",
                                        .retainAsPublished = asPublished,
                                        .retainHandling = handling}},
                                      {}};
            stage.connect({.clientId = "sub"}).send("sub", subscribe).send("sub", subscribe);
            stage.publish("pub", "r", "kept", {.retain = true}).disconnect("sub");
        }
    stage.publish("pub", "r", "", {.retain = true});
}

void forwardsProperties(Stage& stage)
{
    stage.connect({.clientId = "sub"}).connect({.clientId = "pub"});
    const auto identifier = with(PropertyId::SubscriptionIdentifier, 1234);
    stage.send("sub", Subscribe{5, {{.topicFilter = "t"}}, identifier.view()});
    PropertyList properties;
    properties.add(PropertyId::PayloadFormatIndicator, 1)
        .add(PropertyId::ContentType, "text/plain")
        .add(PropertyId::ResponseTopic, "answers")
        .add(PropertyId::CorrelationData, asBytes("\x01\xFF"))
        .add(PropertyId::MessageExpiryInterval, 100'000)
        .add("b", "2")
        .add("a", "1");
    stage.publish("pub", "t", "x", {.properties = properties});
    stage.publish("pub", "t", "x", {.qos = AtLeastOnce});
}

void resolvesAliases(Stage& stage)
{
    stage.connect({.clientId = "sub"}).subscribe("sub", "#").connect({.clientId = "pub"});
    for (const char* topic : {"first", "", "second", ""})
        stage.publish("pub", topic, "x", {.properties = with(PropertyId::TopicAlias, 1)});
    stage.publish("pub", "", "x", {.properties = with(PropertyId::TopicAlias, 2)});
}

void keepsWithinTheReceiveMaximum(Stage& stage)
{
    stage.connect({.clientId = "sub", .properties = with(PropertyId::ReceiveMaximum, 2)});
    stage.subscribe("sub", "t", ExactlyOnce).connect({.clientId = "pub"});
    stage.answers("sub", false);
    for (int number = 0; number < 5; ++number)
        stage.publish("pub", "t", std::to_string(number), {.qos = AtLeastOnce});
    stage.answers("sub", true).send("sub", Acknowledgement{PacketType::Puback, 1, {}, {}});
}

void keepsWithinTheMaximumPacketSize(Stage& stage)
{
    stage.connect({.clientId = "sub", .properties = with(PropertyId::MaximumPacketSize, 50)});
    stage.subscribe("sub", "t", AtLeastOnce).connect({.clientId = "pub"});
    stage.publish("pub", "t", std::string(60, 'x'), {.qos = AtLeastOnce});
    stage.publish("pub", "t", std::string(20, 'x'), {.qos = AtLeastOnce});
}

void sendsTheWillThatDisconnectAsksFor(Stage& stage)
{
    stage.connect({.clientId = "sub"}).subscribe("sub", "will");
    stage.connect({.clientId = "mortal", .will = will()})
        .send("mortal", Disconnect{ReasonCode::DisconnectWithWill, {}});
}

void endsTheSessionThatDisconnectEnds(Stage& stage)
{
    const auto zero = with(PropertyId::SessionExpiryInterval, 0);
    stage.connect(lasting(stage, "a")).send("a", Disconnect{ReasonCode::Success, zero.view()});
    stage.connect(lasting("a")).disconnect("a");
    stage.connect(lasting("a"));
}

void sharesAmongOne(Stage& stage)
{
    stage.connect({.clientId = "member"})
        .connect({.clientId = "single"})
        .connect({.clientId = "pub"});
    stage.subscribe("member", "$share/g/t", AtLeastOnce).subscribe("single", "t", AtLeastOnce);
    for (const QoS qos : kAll) stage.publish("pub", "t", "x", {.qos = qos});
}

constexpr auto v3_1 = ProtocolVersion::v3_1;
constexpr auto v5_0 = ProtocolVersion::v5_0;

constexpr Script kScripts[] = {
    {"connects", v3_1, connects},
    {"deliversAtEachQoS", v3_1, deliversAtEachQoS},
    {"matches", v3_1, matches},
    {"retains", v3_1, retains},
    {"queuesForTheAbsent", v3_1, queuesForTheAbsent},
    {"sendsAgainWhatWasNotAcknowledged", v3_1, sendsAgainWhatWasNotAcknowledged},
    {"takesDuplicatesOnce", v3_1, takesDuplicatesOnce},
    {"givesTheSessionToTheNewerConnection", v3_1, givesTheSessionToTheNewerConnection},
    {"sendsWills", v3_1, sendsWills},
    {"unsubscribes", v3_1, unsubscribes},
    {"answersSeveralFilters", v3_1, answersSeveralFilters},
    {"closesOnWhatIsMalformed", v3_1, closesOnWhatIsMalformed},
    {"closesOnWhat3_1LeavesOpen", ProtocolVersion::v3_1_1, closesOnWhat3_1LeavesOpen},
    {"closesOnFlagsOfPingreq", v3_1, closesOnFlagsOfPingreq},
    {"closesOnPacketsThatOnlyServersSend", v3_1, closesOnPacketsThatOnlyServersSend},
    {"sendsNothingRetainedToAGroup", v5_0, sendsNothingRetainedToAGroup},
    {"refusesBadConnects", v3_1, refusesBadConnects},
    {"sendsNothingBackWithNoLocal", v5_0, sendsNothingBackWithNoLocal},
    {"obeysTheRetainOptions", v5_0, obeysTheRetainOptions},
    {"forwardsProperties", v5_0, forwardsProperties},
    {"resolvesAliases", v5_0, resolvesAliases},
    {"keepsWithinTheReceiveMaximum", v5_0, keepsWithinTheReceiveMaximum},
    {"keepsWithinTheMaximumPacketSize", v5_0, keepsWithinTheMaximumPacketSize},
    {"sendsTheWillThatDisconnectAsksFor", v5_0, sendsTheWillThatDisconnectAsksFor},
    {"endsTheSessionThatDisconnectEnds", v5_0, endsTheSessionThatDisconnectEnds},
    {"sharesAmongOne", v5_0, sharesAmongOne},
};

} // namespace

std::span<const Script> scripts() noexcept
{
    return kScripts;
}

} // namespace nanomq::test
