#include "Outbox.h"
#include "State.h"
#include "nanomq/testing.h"

#include <cppunit/extensions/HelperMacros.h>

namespace
{

using namespace nanomq::sdk::testing;
using namespace webhook;

Event eventOf(std::uint64_t client, std::string body)
{
    Event result;
    result.kind = EventKind::MessagePublish;
    result.client = client;
    result.acceptedAt = SteadyTime(7s);
    result.body = std::move(body);
    return result;
}

/// Bodies separated by blanks.
std::string bodies(const std::vector<Event>& events)
{
    std::string all;
    for (const Event& event : events) all += (all.empty() ? "" : " ") + event.body;
    return all;
}

constexpr Outbox::Batching kSingle{};

/// The first event of the lane's next request, or null.
const Event* begin(Outbox& outbox, std::size_t lane)
{
    SteadyTime due;
    const auto* batch = outbox.begin(lane, std::chrono::steady_clock::now(), due);
    return batch ? &batch->front() : nullptr;
}

struct CountingStop final : nanomq::sdk::Tasks::Stop
{
    bool requested() const override { return false; }
    void wait(std::uint32_t) override {}
    void notify() override { ++notified; }
    int notified = 0;
};

class OutboxTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(OutboxTest);
    CPPUNIT_TEST(countsAddUpAfterEveryStep);
    CPPUNIT_TEST(limitOfEventsCoversThoseInFlight);
    CPPUNIT_TEST(limitOfBytesHoldsToTheByte);
    CPPUNIT_TEST(laneIsFirstInFirstOut);
    CPPUNIT_TEST(asksOnceForASenderAndOnlyWhenOpen);
    CPPUNIT_TEST(notifiesASenderWhenItsLaneGetsWork);
    CPPUNIT_TEST(senderThatEndsLeavesItsRequestWaiting);
    CPPUNIT_TEST(adoptedRequestsComeBeforeNewOnes);
    CPPUNIT_TEST(adoptionKeepsOrderPerClientWithAnotherPoolSize);
    CPPUNIT_TEST(adoptionAboveTheLimitDropsOnlyNewEvents);
    CPPUNIT_TEST(stateIsTheSameAfterWritingAndReading);
    CPPUNIT_TEST(damagedStateIsRefused);
    CPPUNIT_TEST_SUITE_END();

public:
    void countsAddUpAfterEveryStep()
    {
        FakeMetrics metrics;
        Outbox outbox("e", 2, {3, 1'000}, kSingle, &metrics);
        outbox.open();
        const auto check = [&](const char* step, std::uint64_t accepted, std::uint64_t delivered,
                               std::uint64_t inFlight, std::uint64_t queued,
                               std::uint64_t dropped) {
            const Counts c = outbox.counts();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(step, accepted, c.accepted);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(step, delivered, c.delivered);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(step, inFlight, c.at(Place::InFlight));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(step, queued, c.at(Place::Queued));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(step, dropped, c.dropped());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(step, c.accepted,
                                         c.delivered + c.at(Place::InFlight) + c.at(Place::Queued) + c.dropped());
            const auto metric = [&](const char* name) {
                return static_cast<std::uint64_t>(metrics.value(name, "endpoint=\"e\""));
            };
            CPPUNIT_ASSERT_EQUAL_MESSAGE(step, accepted, metric("webhook_accepted_total"));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(step, delivered, metric("webhook_delivered_total"));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(step, inFlight, metric("webhook_in_flight"));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(step, queued, metric("webhook_queued"));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(step, c.memoryBytes, metric("webhook_queued_bytes"));
        };
        check("new", 0, 0, 0, 0, 0);
        add(outbox, 0, "a");
        check("a waits", 1, 0, 0, 1, 0);
        add(outbox, 1, "b");
        add(outbox, 0, "c");
        check("three wait", 3, 0, 0, 3, 0);
        add(outbox, 0, "d");
        check("d finds no room", 4, 0, 0, 3, 1);
        outbox.refuse(1);
        check("and e neither", 5, 0, 0, 3, 2);
        begin(outbox, 0);
        check("a in flight", 5, 0, 1, 2, 2);
        begin(outbox, 1);
        check("b in flight", 5, 0, 2, 1, 2);
        outbox.putBack(0, Outbox::Blame::Event);
        check("a again", 5, 0, 1, 2, 2);
        outbox.delivered(1);
        check("b delivered", 5, 1, 0, 2, 2);
        begin(outbox, 0);
        CPPUNIT_ASSERT(!outbox.giveUp(0, DropReason::GaveUp, "no"));
        check("a dropped", 5, 1, 0, 1, 3);
        const std::vector<Event> left = outbox.takeMemory();
        CPPUNIT_ASSERT_EQUAL(std::string("c"), bodies(left));
        outbox.memoryDropped(left, DropReason::Unloaded);
        check("c unloaded", 5, 1, 0, 0, 4);

        const Counts end = outbox.counts();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, end.failedAttempts);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, end.memoryBytes);
        for (const auto& [reason, count] :
             {std::pair("queue_full", 2), {"gave_up", 1}, {"unloaded", 1}, {"refused", 0}})
            CPPUNIT_ASSERT_EQUAL_MESSAGE(
                reason, std::int64_t{count},
                metrics.value("webhook_dropped_total", "endpoint=\"e\",reason=\"" + std::string(reason) + "\""));
    }

    void limitOfEventsCoversThoseInFlight()
    {
        Outbox outbox("e", 1, {2, 1'000}, kSingle, nullptr);
        add(outbox, 0, "a");
        begin(outbox, 0);
        CPPUNIT_ASSERT(add(outbox, 0, "b"));
        CPPUNIT_ASSERT(!outbox.hasRoomFor(0));
        CPPUNIT_ASSERT(!add(outbox, 0, "c"));
        outbox.delivered(0);
        CPPUNIT_ASSERT(add(outbox, 0, "d"));
    }

    void limitOfBytesHoldsToTheByte()
    {
        Outbox outbox("e", 1, {100, 10}, kSingle, nullptr);
        CPPUNIT_ASSERT(!outbox.hasRoomFor(11));
        CPPUNIT_ASSERT(!add(outbox, 0, std::string(11, 'x')));
        CPPUNIT_ASSERT(add(outbox, 0, std::string(6, 'x')));
        CPPUNIT_ASSERT(!add(outbox, 0, std::string(5, 'x')));
        CPPUNIT_ASSERT(outbox.hasRoomFor(4));
        CPPUNIT_ASSERT(add(outbox, 0, std::string(4, 'x')));
        CPPUNIT_ASSERT(add(outbox, 0, ""));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{10}, outbox.counts().memoryBytes);
    }

    void laneIsFirstInFirstOut()
    {
        Outbox outbox("e", 4, {100, 1'000}, kSingle, nullptr);
        for (const char* body : {"1", "2", "3"}) add(outbox, 2, body);
        CPPUNIT_ASSERT(!begin(outbox, 0));
        CPPUNIT_ASSERT_EQUAL(std::string("1"), begin(outbox, 2)->body);
        outbox.putBack(2, Outbox::Blame::Event);
        const Event* again = begin(outbox, 2);
        CPPUNIT_ASSERT_EQUAL(std::string("1"), again->body);
        CPPUNIT_ASSERT_EQUAL(1u, again->attempts);
        for (int i = 0; i < 100; ++i) add(outbox, 2, "x"); // the head stays where it is
        CPPUNIT_ASSERT_EQUAL(std::string("1"), again->body);
        outbox.delivered(2);
        CPPUNIT_ASSERT_EQUAL(std::string("2"), begin(outbox, 2)->body);
        outbox.putBack(2, Outbox::Blame::Nobody);
        CPPUNIT_ASSERT_EQUAL(0u, begin(outbox, 2)->attempts);
    }

    void asksOnceForASenderAndOnlyWhenOpen()
    {
        Outbox outbox("e", 4, {100, 1'000}, kSingle, nullptr);
        std::optional<std::size_t> lane;
        outbox.accept(eventOf(1, "x"), lane);
        CPPUNIT_ASSERT(!lane);
        CPPUNIT_ASSERT(outbox.open() == std::vector<std::size_t>{1});
        outbox.accept(eventOf(1, "x"), lane);
        CPPUNIT_ASSERT(!lane);
        outbox.accept(eventOf(7, "x"), lane);
        CPPUNIT_ASSERT(lane == std::optional<std::size_t>(3));
        outbox.accept(eventOf(3, "x"), lane);
        CPPUNIT_ASSERT(!lane);
        CPPUNIT_ASSERT(outbox.claimStart(3));
        CPPUNIT_ASSERT(!outbox.claimStart(3));
        outbox.startFailed(3);
        outbox.accept(eventOf(3, "x"), lane);
        CPPUNIT_ASSERT(lane == std::optional<std::size_t>(3));
        CPPUNIT_ASSERT(outbox.claimStart(1));
        CPPUNIT_ASSERT(outbox.drain() == std::vector<std::size_t>{3}); // asked for and not claimed
        outbox.accept(eventOf(0, "x"), lane);
        CPPUNIT_ASSERT(!lane);
    }

    void notifiesASenderWhenItsLaneGetsWork()
    {
        Outbox outbox("e", 2, {100, 1'000}, kSingle, nullptr);
        CountingStop stop;
        outbox.open();
        add(outbox, 1, "first");
        CPPUNIT_ASSERT(outbox.claimStart(1));
        outbox.attach(1, stop);
        begin(outbox, 1);
        outbox.delivered(1);
        add(outbox, 0, "x");
        CPPUNIT_ASSERT_EQUAL(0, stop.notified);
        add(outbox, 1, "x");
        CPPUNIT_ASSERT_EQUAL(1, stop.notified);
        add(outbox, 1, "x");
        CPPUNIT_ASSERT_EQUAL(1, stop.notified);
        outbox.drain();
        CPPUNIT_ASSERT_EQUAL(2, stop.notified);
        CPPUNIT_ASSERT(!outbox.awaitDetached(std::chrono::steady_clock::now()));
        outbox.detach(1);
        CPPUNIT_ASSERT(outbox.awaitDetached(std::chrono::steady_clock::now()));
    }

    void senderThatEndsLeavesItsRequestWaiting()
    {
        Outbox outbox("e", 1, {100, 1'000}, kSingle, nullptr);
        CountingStop stop;
        outbox.open();
        add(outbox, 0, "x");
        outbox.claimStart(0);
        outbox.attach(0, stop);
        begin(outbox, 0);
        outbox.detach(0);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, outbox.counts().at(Place::InFlight));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, outbox.counts().at(Place::Queued));
        std::optional<std::size_t> lane;
        outbox.accept(eventOf(0, "y"), lane);
        CPPUNIT_ASSERT(lane == std::optional<std::size_t>(0));
        CPPUNIT_ASSERT_EQUAL(std::string("x"), begin(outbox, 0)->body);
    }

    void adoptedRequestsComeBeforeNewOnes()
    {
        FakeMetrics metrics;
        Outbox old("e", 1, {100, 1'000}, kSingle, &metrics);
        for (const char* body : {"1", "2", "3"}) add(old, 0, body);
        begin(old, 0);
        old.delivered(0);
        begin(old, 0);
        old.putBack(0, Outbox::Blame::Event);

        Outbox fresh("e", 1, {100, 1'000}, kSingle, &metrics);
        add(fresh, 0, "4");
        fresh.adopt(old.takeAll());
        for (const char* body : {"2", "3", "4"})
        {
            CPPUNIT_ASSERT_EQUAL(std::string(body), begin(fresh, 0)->body);
            fresh.delivered(0);
        }
        const Counts counts = fresh.counts();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{4}, counts.accepted);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{4}, counts.delivered);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, counts.failedAttempts);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, old.counts().accepted);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{4}, metrics.value("webhook_accepted_total", "endpoint=\"e\""));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, metrics.value("webhook_queued", "endpoint=\"e\""));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, metrics.value("webhook_queued_bytes", "endpoint=\"e\""));
    }

    void adoptionKeepsOrderPerClientWithAnotherPoolSize()
    {
        Outbox old("e", 4, {1'000, 100'000}, kSingle, nullptr);
        for (std::uint64_t i = 0; i < 100; ++i) add(old, i % 10, std::to_string(i));
        Outbox fresh("e", 3, {1'000, 100'000}, kSingle, nullptr);
        fresh.adopt(old.takeAll());
        std::map<std::uint64_t, int> last;
        int seen = 0;
        for (std::size_t lane = 0; lane < 3; ++lane)
            while (const Event* next = begin(fresh, lane))
            {
                CPPUNIT_ASSERT_EQUAL(lane, static_cast<std::size_t>(next->client % 3));
                const int number = std::stoi(next->body);
                CPPUNIT_ASSERT(!last.contains(next->client) || last[next->client] < number);
                last[next->client] = number;
                ++seen;
                fresh.delivered(lane);
            }
        CPPUNIT_ASSERT_EQUAL(100, seen);
    }

    void adoptionAboveTheLimitDropsOnlyNewEvents()
    {
        Outbox old("e", 1, {100, 1'000}, kSingle, nullptr);
        for (int i = 0; i < 10; ++i) add(old, 0, "0123456789");
        Outbox fresh("e", 1, {5, 30}, kSingle, nullptr);
        fresh.adopt(old.takeAll());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{10}, fresh.counts().at(Place::Queued));
        CPPUNIT_ASSERT(!fresh.hasRoomFor(0));
        CPPUNIT_ASSERT(!add(fresh, 0, "x"));
        for (int i = 0; i < 8; ++i)
        {
            begin(fresh, 0);
            fresh.delivered(0);
        }
        CPPUNIT_ASSERT(add(fresh, 0, "x"));
    }

    void stateIsTheSameAfterWritingAndReading()
    {
        Outbox old("e", 2, {100, 1'000}, kSingle, nullptr);
        add(old, 0, "");
        add(old, 1, std::string("a\0b", 3));
        add(old, 0, "last");
        begin(old, 1);
        old.putBack(1, Outbox::Blame::Event);
        const Outbox::Contents before = old.takeAll();
        const auto legacies = readState(bytesOf(written(before)));
        CPPUNIT_ASSERT(legacies.has_value());
        CPPUNIT_ASSERT_EQUAL(std::string("e"), legacies->at(0).endpoint);
        const Outbox::Contents* const after = &legacies->at(0).contents;
        CPPUNIT_ASSERT_EQUAL(bodies(before.events), bodies(after->events));
        for (std::size_t i = 0; i < 3; ++i)
        {
            const Event& was = before.events[i];
            const Event& is = after->events[i];
            CPPUNIT_ASSERT(was.client == is.client && was.attempts == is.attempts &&
                           was.kind == is.kind && was.acceptedAt == is.acceptedAt &&
                           was.id == is.id && was.sequence == is.sequence);
        }
        CPPUNIT_ASSERT_EQUAL(before.counts.accepted, after->counts.accepted);
                CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, after->counts.at(Place::Queued));
    }

    void damagedStateIsRefused()
    {
        Outbox old("e", 1, {100, 1'000}, kSingle, nullptr);
        add(old, 0, "body");
        const std::string whole = written(old.takeAll());
        CPPUNIT_ASSERT(readState(bytesOf(whole)).has_value());
        for (std::size_t length = 0; length < whole.size(); ++length)
            CPPUNIT_ASSERT(!readState(bytesOf(whole.substr(0, length))));
        CPPUNIT_ASSERT(!readState(bytesOf(whole + "x")));
        std::string otherVersion = whole;
        ++otherVersion[7];
        CPPUNIT_ASSERT(!readState(bytesOf(otherVersion)));
    }

private:
    static bool add(Outbox& outbox, std::uint64_t client, std::string body)
    {
        std::optional<std::size_t> lane;
        return outbox.accept(eventOf(client, std::move(body)), lane);
    }
    static std::string written(const Outbox::Contents& contents)
    {
        struct Text final : nanomq::sdk::Handover::Sink
        {
            void write(nanomq::sdk::Bytes bytes) override { all += bytes.view(); }
            std::string all;
        } text;
        writeState({{"e", contents}}, text);
        return text.all;
    }
    /// The view is of the last text given.
    nanomq::sdk::Bytes bytesOf(std::string text)
    {
        _text = std::move(text);
        return {_text.data(), _text.size()};
    }

    std::string _text;
};

CPPUNIT_TEST_SUITE_REGISTRATION(OutboxTest);

} // namespace
