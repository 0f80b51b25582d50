#include "BrokerFixture.h"

#include "base/HeldMemory.h"
#include "broker/MemoryBudget.h"

#include <cppunit/extensions/HelperMacros.h>

namespace nanomq::test
{

/// What the broker does when its memory is short.
class MemoryTest : public BrokerFixture
{
    CPPUNIT_TEST_SUITE(MemoryTest);
    CPPUNIT_TEST(hasLevelsThatEndBelowTheirMarks);
    CPPUNIT_TEST(isNeverShortWithoutALimit);
    CPPUNIT_TEST(countsMessagesOnceHoweverManyWaitForThem);
    CPPUNIT_TEST(shedsLoadStepByStepAndRecovers);
    CPPUNIT_TEST(losesNothingThatWasAcknowledged);
    CPPUNIT_TEST_SUITE_END();

    static constexpr std::size_t kMessage = 500'000;

    /// A client that takes one message and acknowledges nothing: the others wait for it.
    ScriptedClient holder()
    {
        ScriptedClient client(port());
        client.connect({.clientId = "holder", .properties = with(PropertyId::ReceiveMaximum, 1)});
        client.subscribe("held", QoS::AtLeastOnce);
        return client;
    }
    /// Publishes to it up to a level.
    void fill(ScriptedClient& publisher, MemoryLevel level)
    {
        const std::string payload(kMessage, 'x');
        while (broker().figures().memoryLevel < static_cast<std::uint64_t>(level))
        {
            const auto reason = publisher.publish("held", payload, {.qos = QoS::AtLeastOnce});
            if (reason == ReasonCode::QuotaExceeded) return;
            ++_accepted;
            CPPUNIT_ASSERT_MESSAGE("the level is never reached", _accepted < 1'000);
        }
    }

    std::size_t _accepted = 0;

public:
    void hasLevelsThatEndBelowTheirMarks()
    {
        MemoryBudget budget(1'000);
        const auto at = [&](std::size_t used) {
            budget.update(used);
            return budget.level();
        };
        CPPUNIT_ASSERT(at(799) == MemoryLevel::Fine);
        CPPUNIT_ASSERT(at(800) == MemoryLevel::NoNewcomers);
        CPPUNIT_ASSERT(at(760) == MemoryLevel::NoNewcomers);
        CPPUNIT_ASSERT(at(749) == MemoryLevel::Fine);
        CPPUNIT_ASSERT(at(850) == MemoryLevel::NoExtras);
        CPPUNIT_ASSERT(at(900) == MemoryLevel::Wait);
        CPPUNIT_ASSERT(at(2'000) == MemoryLevel::Refuse);
        CPPUNIT_ASSERT(at(910) == MemoryLevel::Refuse);
        CPPUNIT_ASSERT(at(899) == MemoryLevel::Wait);
        CPPUNIT_ASSERT(at(0) == MemoryLevel::Fine);
    }

    void isNeverShortWithoutALimit()
    {
        MemoryBudget budget(0);
        budget.update(SIZE_MAX);
        CPPUNIT_ASSERT(budget.level() == MemoryLevel::Fine);
    }

    void countsMessagesOnceHoweverManyWaitForThem()
    {
        start();
        for (int i = 0; i < 20; ++i)
        {
            auto away = lasting("away-" + std::to_string(i), false);
            away.subscribe("away", QoS::AtLeastOnce);
        }
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().connections == 0; }));
        auto publisher = client("p");
        const std::size_t before = HeldMemory::bytes();
        publisher.publish("away", std::string(1'000'000, 'x'), {.qos = QoS::AtLeastOnce});
        const std::size_t grown = HeldMemory::bytes() - before;
        CPPUNIT_ASSERT(grown > 900'000 && grown < 1'500'000);
    }

    void shedsLoadStepByStepAndRecovers()
    {
        _settings.memoryLimit = HeldMemory::bytes() + 20'000'000;
        _settings.queue.bytes = 100'000'000;
        start();
        auto holding = holder();
        auto publisher = client("p");
        auto older = client("o", ProtocolVersion::v3_1_1);
        auto subscriber = client("s");
        subscriber.subscribe("t");

        fill(publisher, MemoryLevel::NoExtras);
        broker().listing().sessions("", 1); // every worker has heard of it
        // A newcomer waits at the door. QoS 0 goes on where it can go at once.
        ScriptedClient newcomer(port());
        newcomer.sendConnect({.clientId = "newcomer"});
        publisher.sendPublish("t", "still");
        subscriber.expectPublish("t", "still");
        CPPUNIT_ASSERT(publisher.publish("new", "1", {.qos = QoS::AtLeastOnce, .retain = true}) ==
                       ReasonCode::QuotaExceeded);

        fill(publisher, MemoryLevel::Refuse);
        CPPUNIT_ASSERT(publisher.publish("held", "x", {.qos = QoS::AtLeastOnce}) ==
                       ReasonCode::QuotaExceeded);
        Subscribe more;
        more.packetIdentifier = 9;
        more.requests.push_back({.topicFilter = "more"});
        subscriber.send(more);
        CPPUNIT_ASSERT(subscriber.expect<Suback>()->reasons.front() == ReasonCode::QuotaExceeded);
        publisher.sendPublish("t", "still");
        subscriber.expectPublish("t", "still");
        older.sendPublish("held", "x", {.qos = QoS::AtLeastOnce}, 1);
        older.expectClosed(); // without PUBACK: the message is the client's still
        newcomer.expectNothing(std::chrono::milliseconds(1));
        CPPUNIT_ASSERT_EQUAL(std::string("memory"), broker().alarms().active().front().name);

        holding.drop(); // its session ends, and what it holds is free
        newcomer.expectConnack();
        CPPUNIT_ASSERT(eventually([&] { return broker().alarms().activeCount() == 0; }));
        CPPUNIT_ASSERT(publisher.publish("t", "x", {.qos = QoS::AtLeastOnce}) ==
                       ReasonCode::Success);
        const auto ended = static_cast<std::size_t>(DeliveryResult::SessionEnded);
        CPPUNIT_ASSERT_EQUAL(_accepted - 1, broker().figures().dropped[ended]);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker().figures().messagesUnacknowledged);
    }

    void losesNothingThatWasAcknowledged()
    {
        _settings.memoryLimit = HeldMemory::bytes() + 20'000'000;
        _settings.queue.bytes = 100'000'000;
        start();
        auto holding = holder();
        auto publisher = client("p");
        fill(publisher, MemoryLevel::Refuse);
        CPPUNIT_ASSERT(_accepted > 30);
        for (std::size_t got = 0; got < _accepted; ++got) holding.receiveMessage();
        holding.expectNothingBeforePingresp();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, dropped());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(MemoryTest);

} // namespace nanomq::test
