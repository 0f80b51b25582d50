#include "ExchangeTest.h"

namespace nanomq::test
{

/// Enhanced authentication (§3.15, §4.12), with the mechanism of plugins/doorman.cpp.
class ConformanceAuthTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(ConformanceAuthTest);
    CPPUNIT_TEST(asksUntilItIsSatisfied);
    CPPUNIT_TEST(refusesAWrongAnswer);
    CPPUNIT_TEST(refusesAnotherMethodHalfway);
    CPPUNIT_TEST(takesNothingElseHalfway);
    CPPUNIT_TEST(asksAgainWithoutStoppingTheTraffic);
    CPPUNIT_TEST(endsTheConnectionWhenItFailsTheSecondTime);
    CPPUNIT_TEST(refusesAnotherMethodTheSecondTime);
    CPPUNIT_TEST_SUITE_END();

public:
    void asksUntilItIsSatisfied() // [MQTT-4.12.0-2, -5], [MQTT-3.2.0-1]
    {
        auto client = open();
        client.sendConnect({.clientId = "a", .properties = riddle()});
        const auto question = client.expect<Auth>();
        CPPUNIT_ASSERT(question->reason == ReasonCode::ContinueAuthentication);
        CPPUNIT_ASSERT(question->properties.authenticationMethod == "riddle");
        CPPUNIT_ASSERT(asText(question->properties.authenticationData) == "which word?");
        // [MQTT-3.15.2-2, -3]: no more than what belongs to the exchange
        CPPUNIT_ASSERT(!question->properties.has(PropertyId::ReasonString) &&
                       !question->properties.has(PropertyId::UserProperty));
        answer(client, "the word");
        const auto connack = client.expectConnack();
        CPPUNIT_ASSERT(connack->properties.authenticationMethod == "riddle");
        client.expectNothingBeforePingresp().disconnect();
    }

    void refusesAWrongAnswer() // [MQTT-4.12.0-4], [MQTT-3.1.4-2]
    {
        auto client = open();
        client.sendConnect({.clientId = "a", .properties = riddle()}).expect<Auth>();
        answer(client, "no idea");
        client.expectConnack(ReasonCode::NotAuthorized);
        client.expectClosed();
    }

    void refusesAnotherMethodHalfway() // [MQTT-4.12.0-5]
    {
        auto client = open();
        client.sendConnect({.clientId = "a", .properties = riddle()}).expect<Auth>();
        answer(client, "the word", "another");
        client.expectConnack(ReasonCode::ProtocolError);
        client.expectClosed();
    }

    void takesNothingElseHalfway() // [MQTT-3.1.2-30], [MQTT-3.1.4-6]
    {
        auto client = open();
        client.sendConnect({.clientId = "a", .properties = riddle()}).expect<Auth>();
        client.send(Subscribe{1, {{.topicFilter = "t"}}, {}});
        client.expectConnack(ReasonCode::ProtocolError);
        client.expectClosed();
    }

    void asksAgainWithoutStoppingTheTraffic() // §4.12.1
    {
        auto client = authenticated();
        client.subscribe("t");
        answer(client, "", "riddle", ReasonCode::Reauthenticate);
        CPPUNIT_ASSERT(client.expect<Auth>()->reason == ReasonCode::ContinueAuthentication);
        client.sendPublish("t", "x").expectPublish("t", "x");
        answer(client, "the word");
        CPPUNIT_ASSERT(client.expect<Auth>()->reason == ReasonCode::Success);
        client.expectNothingBeforePingresp();
    }

    void endsTheConnectionWhenItFailsTheSecondTime() // [MQTT-4.12.1-2]
    {
        auto client = authenticated();
        answer(client, "", "riddle", ReasonCode::Reauthenticate);
        client.expect<Auth>();
        answer(client, "no idea");
        client.expectDisconnect(ReasonCode::NotAuthorized);
    }

    void refusesAnotherMethodTheSecondTime() // [MQTT-4.12.1-1]
    {
        auto client = authenticated();
        answer(client, "", "another", ReasonCode::Reauthenticate);
        client.expectDisconnect(ReasonCode::ProtocolError);
    }

protected:
    BrokerOptions options() const override
    {
        return {.conf = {{"doorman.conf", "doorman.enable = true\n"}},
                .pluginFolder = NANOMQ_EXCHANGE_PLUGINS};
    }

private:
    static PropertyList riddle() { return with(PropertyId::AuthenticationMethod, "riddle"); }

    static void answer(ScriptedClient& client, std::string_view word,
                       std::string_view method = "riddle",
                       ReasonCode reason = ReasonCode::ContinueAuthentication)
    {
        PropertyList properties;
        properties.add(PropertyId::AuthenticationMethod, method)
            .add(PropertyId::AuthenticationData, asBytes(word));
        client.send(Auth{reason, properties.view()});
    }

    ScriptedClient authenticated()
    {
        auto client = open();
        client.sendConnect({.clientId = "a", .properties = riddle()}).expect<Auth>();
        answer(client, "the word");
        client.expectConnack();
        return client;
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConformanceAuthTest);

} // namespace nanomq::test
