#include "BrokerFixture.h"

#include <cppunit/extensions/HelperMacros.h>

namespace nanomq::test
{

/// Hooks that answer later, from another thread, while the client goes on sending.
class DeferredHookTest : public BrokerFixture
{
    CPPUNIT_TEST_SUITE(DeferredHookTest);
    CPPUNIT_TEST(connectsWhenTheAnswerIsThere);
    CPPUNIT_TEST(refusesWhenTheAnswerIsNo);
    CPPUNIT_TEST(refusesWhenNoAnswerComesInTime);
    CPPUNIT_TEST(movesToTheWorkerOfAnIdentifierSetLater);
    CPPUNIT_TEST(packetsBehindAParkedPublishKeepTheirOrder);
    CPPUNIT_TEST(aParkedClientDelaysNobodyElse);
    CPPUNIT_TEST(oneRefusedPublishAmongMany);
    CPPUNIT_TEST(everyMessageMayBeDeferred);
    CPPUNIT_TEST(aParkedClientThatIsResetIsForgotten);
    CPPUNIT_TEST(aParkedClientThatHasGoneIsHandledUpToItsEnd);
    CPPUNIT_TEST(aParkedClientMayBeTakenOver);
    CPPUNIT_TEST(aWillMayWait);
    CPPUNIT_TEST(manyMessagesOfAPluginMayWait);
    CPPUNIT_TEST_SUITE_END();

public:
    void connectsWhenTheAnswerIsThere()
    {
        defer(sdk::HookPoint::ClientAuthenticate);
        for (const unsigned worker : {0u, 1u})
        {
            ScriptedClient client(port());
            // Nobody has to wait for CONNACK before going on [MQTT-3.1.4-5].
            client.sendConnect({.clientId = idOn(worker, "early")});
            client.send(subscribeTo("t"));
            client.sendPublish("t", "x", {.qos = QoS::AtLeastOnce}, 8);
            CPPUNIT_ASSERT(_answers.asked(worker + 1));
            answer(sdk::Verdict::Allow);
            client.expectConnack();
            client.expect<Suback>();
            client.expectPublish("t", "x");
            client.expectPuback(8);
        }
    }

    void refusesWhenTheAnswerIsNo()
    {
        defer(sdk::HookPoint::ClientAuthenticate);
        ScriptedClient client(port());
        client.sendConnect({.clientId = "no"});
        client.send(subscribeTo("t"));
        CPPUNIT_ASSERT(_answers.asked(1));
        answer(sdk::Verdict::Deny, ReasonCode::Banned);
        client.expectConnack(ReasonCode::Banned);
        client.expectClosed();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker().figures().sessions);
    }

    void refusesWhenNoAnswerComesInTime()
    {
        _answers.timeoutMs = 1;
        defer(sdk::HookPoint::ClientAuthenticate);
        ScriptedClient client(port());
        client.sendConnect({.clientId = "late"});
        client.expectConnack(ReasonCode::NotAuthorized);
        client.expectClosed();
        answer(sdk::Verdict::Allow); // comes too late, and changes nothing
        CPPUNIT_ASSERT(eventually([&] { return _plugin->set().statistics().lateAnswers == 1; }));
    }

    void movesToTheWorkerOfAnIdentifierSetLater()
    {
        // The identifier changes, the answer comes later: the connection moves when it is resumed.
        start();
        const std::string targets[] = {idOn(0, "renamed"), idOn(1, "renamed")};
        _plugin = &plugin();
        auto later = _answers.hook();
        std::atomic<std::size_t> turn{0};
        _plugin->on(sdk::HookPoint::ClientConnect,
                    [&, later](const sdk::EventHeader& event, sdk::HookContext& context) {
                        context.setClientId(targets[turn]);
                        return later(event, context);
                    });
        load(*_plugin);
        for (std::size_t round = 0; round < 10; ++round)
        {
            turn = round % 2;
            ScriptedClient client(port());
            client.sendConnect({.clientId = idOn(round / 2 % 2, "named")});
            client.sendPublish("t", "x", {.qos = QoS::AtLeastOnce}, 3);
            CPPUNIT_ASSERT(_answers.asked(round + 1));
            answer(sdk::Verdict::Next);
            const auto connack = client.expectConnack();
            CPPUNIT_ASSERT_EQUAL(std::string(targets[turn]),
                                 std::string(connack->properties.assignedClientIdentifier));
            client.expectPuback(3, ReasonCode::NoMatchingSubscribers);
            const auto session = broker().listing().session(targets[turn]);
            CPPUNIT_ASSERT(session && session->connected);
            CPPUNIT_ASSERT_EQUAL(static_cast<unsigned>(turn), session->worker);
            client.disconnect();
        }
    }

    void packetsBehindAParkedPublishKeepTheirOrder()
    {
        defer(sdk::HookPoint::MessagePublish, "slow");
        auto subscriber = client("subscriber");
        subscriber.subscribe("#", QoS::AtLeastOnce);
        auto publisher = client("publisher");
        publisher.sendPublish("fast", "1", {.qos = QoS::AtLeastOnce}, 1);
        publisher.sendPublish("slow", "2", {.qos = QoS::AtLeastOnce}, 2);
        publisher.sendPublish("fast", "3");
        publisher.sendPublish("slow", "4", {.qos = QoS::ExactlyOnce}, 4);
        publisher.sendPublish("fast", "5", {.qos = QoS::AtLeastOnce}, 5);
        publisher.expectPuback(1);
        CPPUNIT_ASSERT(_answers.asked(1));
        // More comes while it waits; it is not even read.
        publisher.sendPublish("fast", std::string(300'000, '6'), {.qos = QoS::AtLeastOnce}, 6);
        answer(sdk::Verdict::Next);
        publisher.expectPuback(2);
        CPPUNIT_ASSERT(_answers.asked(2));
        answer(sdk::Verdict::Next);
        publisher.expectPubrec(4).expectPuback(5).expectPuback(6);
        for (const char* payload : {"1", "2", "3", "4", "5", "6"})
        {
            const auto message = subscriber.receiveMessage();
            CPPUNIT_ASSERT_EQUAL(std::string(payload),
                                 std::string(asText(message->payload).substr(0, 1)));
        }
    }

    void aParkedClientDelaysNobodyElse()
    {
        defer(sdk::HookPoint::MessagePublish, "slow");
        auto parked = client(idOn(0, "parked"));
        parked.sendPublish("slow", "x", {.qos = QoS::AtLeastOnce}, 1);
        CPPUNIT_ASSERT(_answers.asked(1));
        auto other = client(idOn(0, "other"));
        other.subscribe("fast");
        for (int i = 0; i < 100; ++i)
        {
            other.sendPublish("fast", std::to_string(i));
            other.expectPublish("fast", std::to_string(i));
        }
        // What others publish reaches a parked client all the same.
        answer(sdk::Verdict::Next);
        parked.expectPuback(1, ReasonCode::NoMatchingSubscribers);
    }

    void oneRefusedPublishAmongMany()
    {
        defer(sdk::HookPoint::ClientAuthorize, "slow");
        auto subscriber = client("subscriber");
        subscriber.subscribe("+", QoS::AtLeastOnce);
        auto publisher = client("publisher");
        for (PacketIdentifier identifier = 1; identifier <= 3; ++identifier)
            publisher.sendPublish(identifier == 2 ? "slow" : "fast", std::to_string(identifier),
                                  {.qos = QoS::AtLeastOnce}, identifier);
        publisher.expectPuback(1);
        CPPUNIT_ASSERT(_answers.asked(1));
        answer(sdk::Verdict::Deny);
        publisher.expectPuback(2, ReasonCode::NotAuthorized).expectPuback(3);
        CPPUNIT_ASSERT_EQUAL(std::string("1"), payloadOf(subscriber.receiveMessage()));
        CPPUNIT_ASSERT_EQUAL(std::string("3"), payloadOf(subscriber.receiveMessage()));
    }

    void everyMessageMayBeDeferred()
    {
        constexpr int kMessages = 300;
        defer(sdk::HookPoint::MessagePublish);
        auto subscriber = client(idOn(0, "subscriber"));
        subscriber.subscribe("t", QoS::AtLeastOnce);
        auto publisher = client(idOn(1, "publisher"));
        std::thread answering([&] {
            for (int i = 1; i <= kMessages; ++i)
                if (_answers.asked(static_cast<std::size_t>(i))) answer(sdk::Verdict::Next);
        });
        for (int i = 1; i <= kMessages; ++i)
            publisher.sendPublish("t", std::to_string(i), {.qos = QoS::AtLeastOnce},
                                  static_cast<PacketIdentifier>(i));
        for (int i = 1; i <= kMessages; ++i)
        {
            publisher.expectPuback(static_cast<PacketIdentifier>(i));
            CPPUNIT_ASSERT_EQUAL(std::to_string(i), payloadOf(subscriber.receiveMessage()));
        }
        answering.join();
    }

    void aParkedClientThatIsResetIsForgotten()
    {
        defer(sdk::HookPoint::MessagePublish);
        auto parked = std::make_unique<ScriptedClient>(port());
        parked->connect({.clientId = "parked"});
        parked->sendPublish("t", "x");
        CPPUNIT_ASSERT(_answers.asked(1));
        // A PINGREQ that nobody reads makes the system end the connection with RST.
        parked->send(Pingreq{});
        broker().plugins().kick("parked", 0x98);
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().connections == 0; }));
        CPPUNIT_ASSERT(eventually([&] { return _plugin->set().openDeferrals() == 0; }));
        answer(sdk::Verdict::Next);
        CPPUNIT_ASSERT(eventually([&] { return _plugin->set().statistics().lateAnswers == 1; }));
    }

    void aParkedClientThatHasGoneIsHandledUpToItsEnd()
    {
        defer(sdk::HookPoint::MessagePublish, "slow");
        auto subscriber = client("subscriber");
        subscriber.subscribe("#");
        {
            auto parked = client("parked");
            parked.sendPublish("slow", "1");
            parked.sendPublish("fast", "2");
            CPPUNIT_ASSERT(_answers.asked(1));
            parked.send(Disconnect{});
            parked.drop();
        }
        answer(sdk::Verdict::Next);
        subscriber.expectPublish("slow", "1");
        subscriber.expectPublish("fast", "2");
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().connections == 1; }));
    }

    void aParkedClientMayBeTakenOver()
    {
        defer(sdk::HookPoint::MessagePublish);
        auto parked = lasting("both", false);
        parked.sendPublish("t", "x", {.qos = QoS::AtLeastOnce}, 1);
        CPPUNIT_ASSERT(_answers.asked(1));
        auto next = lasting("both", true);
        parked.expectDisconnect(ReasonCode::SessionTakenOver);
        answer(sdk::Verdict::Next);
        CPPUNIT_ASSERT(eventually([&] { return _plugin->set().statistics().lateAnswers == 1; }));
        next.expectNothingBeforePingresp();
        next.sendPublish("t", "x", {.qos = QoS::AtLeastOnce}, 1, true);
        CPPUNIT_ASSERT(_answers.asked(2));
        answer(sdk::Verdict::Next);
        next.expectPuback(1, ReasonCode::NoMatchingSubscribers);
    }

    void aWillMayWait()
    {
        defer(sdk::HookPoint::MessagePublish);
        auto subscriber = client("subscriber");
        subscriber.subscribe("will");
        ScriptedClient dying(port());
        Will will;
        will.topicName = "will";
        will.payload = asBytes("gone");
        dying.connect({.clientId = "dying", .will = will});
        dying.drop();
        CPPUNIT_ASSERT(_answers.asked(1));
        subscriber.expectNothingBeforePingresp();
        answer(sdk::Verdict::Next);
        subscriber.expectPublish("will", "gone");
    }

    void manyMessagesOfAPluginMayWait()
    {
        constexpr std::size_t kMessages = 2000;
        defer(sdk::HookPoint::MessagePublish);
        auto subscriber = client("subscriber");
        subscriber.subscribe("t");
        for (std::size_t i = 0; i < kMessages; ++i)
        {
            sdk::Broker::Publication publication{};
            publication.size = sizeof publication;
            publication.topic = "t";
            publication.expirySeconds = 0xFFFFFFFF;
            CPPUNIT_ASSERT_EQUAL(0, broker().plugins().publish(&publication));
        }
        CPPUNIT_ASSERT(_answers.asked(kMessages));
        for (std::size_t i = 0; i < kMessages; ++i) answer(sdk::Verdict::Next);
        for (std::size_t i = 0; i < kMessages; ++i) subscriber.expectPublish("t", "");
    }

private:
    /// Starts a broker with a plugin that answers later, about one topic or about all.
    void defer(sdk::HookPoint point, std::string topic = {})
    {
        start();
        _plugin = &plugin();
        _plugin->on(point, _answers.hook([topic](const sdk::EventHeader& event) {
            if (topic.empty()) return true;
            if (event.point == sdk::HookPoint::ClientAuthorize)
                return reinterpret_cast<const sdk::ClientAuthorize&>(event).topic.view() == topic;
            return reinterpret_cast<const sdk::MessagePublish&>(event).topic.view() == topic;
        }));
        load(*_plugin);
    }
    void answer(sdk::Verdict verdict, ReasonCode reason = ReasonCode::Success)
    {
        _answers.answer(hooks(), _plugin->set(), verdict, static_cast<sdk::ReasonCode>(reason));
    }
    static Subscribe subscribeTo(std::string_view topicFilter)
    {
        Subscribe subscribe;
        subscribe.packetIdentifier = 7;
        subscribe.requests.push_back({.topicFilter = topicFilter});
        return subscribe;
    }
    static std::string payloadOf(const Received<Publish>& message)
    {
        return std::string(asText(message->payload));
    }

    LaterAnswers _answers;
    FakePlugin* _plugin = nullptr;
};

CPPUNIT_TEST_SUITE_REGISTRATION(DeferredHookTest);

} // namespace nanomq::test
