#include "topic/RetainedStore.h"
#include "topic/SubscriptionIndex.h"

#include "TopicSupport.h"

#include <atomic>
#include <functional>
#include <map>
#include <thread>

namespace nanomq
{

/// Readers and writers at the same time; what matters most here is that ThreadSanitizer agrees.
class TopicConcurrencyTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(TopicConcurrencyTest);
    CPPUNIT_TEST(aLastingSubscriberIsSeenInEveryMatchWhileOthersComeAndGo);
    CPPUNIT_TEST(everyScanSeesLastingMessagesOnceWhileOthersComeAndGo);
    CPPUNIT_TEST(nothingFallsBetweenRetainedAndLive);
    CPPUNIT_TEST_SUITE_END();

    static constexpr SubscriptionOptions kQoS1{QoS::AtLeastOnce};
    static constexpr SubscriberId kLasting = 1'000'000; // and the numbers behind it
    static constexpr SubscriberId kNever_ = 2'000'000;

    Quiescence _quiescence;
    std::atomic<bool> _done{false};
    std::atomic<std::size_t> _wrong{0};

    void expect(bool holds) { _wrong.fetch_add(!holds, std::memory_order_relaxed); }

    /// Two readers, each online for one call of `read` at a time, while `write` runs here.
    void readWhile(const std::function<void()>& read, const std::function<void()>& write)
    {
        std::atomic<int> reading{0};
        const auto loop = [&] {
            Reader reader(_quiescence);
            for (bool started = false; !_done.load(std::memory_order_acquire); started = true)
            {
                {
                    const Reader::Turn turn(reader);
                    read();
                }
                if (!started) reading.fetch_add(1);
                _quiescence.reclaim();
            }
        };
        std::thread one(loop);
        std::thread two(loop);
        while (reading.load() < 2) std::this_thread::yield();
        write();
        _done.store(true, std::memory_order_release);
        one.join();
        two.join();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _wrong.load());
    }

public:
    void aLastingSubscriberIsSeenInEveryMatchWhileOthersComeAndGo()
    {
        SubscriptionIndex index(_quiescence);
        static constexpr const char* kFilters[] = {"a/b", "a/+", "a/#", "+/b", "#"};
        for (SubscriberId n = 0; n < std::size(kFilters); ++n)
            index.insert(filter(kFilters[n]), kLasting + n, kQoS1);
        index.insert(filter("$share/g/a/b"), kLasting, kQoS1);

        const auto read = [&] {
            thread_local MatchSet matched;
            matched.clear();
            index.match("a/b", matched);
            std::uint32_t seen = 0;
            for (const auto& list : matched.lists())
                for (const Subscriber subscriber : list)
                {
                    if (subscriber.id == kNoSubscriber) continue;
                    expect(subscriber.id != kNever_ && subscriber.options == kQoS1);
                    if (subscriber.id >= kLasting) seen |= 1u << (subscriber.id - kLasting);
                }
            expect(seen == 0b11111);
            bool member = false;
            for (const SharedGroup* group : matched.groups())
            {
                const auto members = group->members();
                const auto chosen = members[group->next() % members.size()];
                expect(chosen.id != kNever_);
                for (const Subscriber subscriber : members)
                    member = member || subscriber.id == kLasting;
            }
            expect(member);
            matched.clear();
            index.match("elsewhere/x17", matched); // only '#'
            for (const auto& list : matched.lists())
                for (const Subscriber subscriber : list)
                    expect(subscriber.id == kNoSubscriber || subscriber.id < kLasting ||
                           subscriber.id == kLasting + 4);
        };
        const auto write = [&] {
            std::mt19937 random(23);
            std::vector<std::pair<FilterId, SubscriberId>> present;
            // Up and down several times, so that lists, tables and slabs grow and shrink.
            for (std::uint32_t step = 0; step < 40'000; ++step)
            {
                const bool growing = step / 5000 % 2 == 0;
                if (present.empty() || random() % 10 < (growing ? 8u : 2u))
                {
                    const SubscriberId id = random() % 500;
                    std::string text = kFilters[random() % std::size(kFilters)];
                    if (random() % 4 == 0) text = "$share/g/a/b";
                    if (random() % 2 == 0)
                        text = (random() % 2 ? "elsewhere/x" : "+/along/er/level/x") +
                               std::to_string(random() % 4000) + (random() % 2 ? "/#" : "");
                    const auto inserted = index.insert(filter(text), id, kQoS1);
                    if (!inserted.existed) present.emplace_back(inserted.filter, id);
                }
                else
                {
                    std::swap(present[random() % present.size()], present.back());
                    index.remove(present.back().first, present.back().second);
                    present.pop_back();
                }
            }
            for (const auto& [id, subscriber] : present) index.remove(id, subscriber);
            CPPUNIT_ASSERT_EQUAL(std::size(kFilters) + 1, index.subscriptions());
        };
        readWhile(read, write);
    }

    void everyScanSeesLastingMessagesOnceWhileOthersComeAndGo()
    {
        RetainedStore store(_quiescence);
        for (int n = 0; n < 20; ++n)
            store.store(message("x/" + std::to_string(n) + "/lasting", "x"));

        const auto read = [&] {
            for (const char* text : {"#", "x/+/lasting", "x/#"})
            {
                RetainedScan scan(filter(text));
                std::map<std::string, int> seen;
                while (scan.next(store, 7, [&seen](const Message& message) {
                    if (message.topicName().ends_with("lasting"))
                        ++seen[std::string(message.topicName())];
                }))
                {
                }
                expect(seen.size() == 20);
                for (const auto& [name, times] : seen) expect(times == 1);
            }
            expect(static_cast<bool>(store.find("x/7/lasting")));
            expect(!store.find("never/stored"));
        };
        const auto write = [&] {
            std::mt19937 random(29);
            for (MonotonicMs step = 0; step < 20'000; ++step)
            {
                std::string name = "x/" + std::to_string(random() % 40);
                if (random() % 2) name += '/' + std::to_string(random() % 10);
                const MonotonicMs expiresAt = random() % 2 ? kNever : step + random() % 1000;
                store.store(message(name, random() % 3 ? "x" : "", expiresAt));
                store.expire(step, 10);
            }
        };
        readWhile(read, write);
    }

    void nothingFallsBetweenRetainedAndLive()
    {
        constexpr int kRounds = 5000;
        SubscriptionIndex index(_quiescence);
        RetainedStore store(_quiescence);
        std::vector<char> sawRetained(kRounds, 0);
        std::vector<char> sawLive(kRounds, 0);
        std::atomic<int> arrived{0};
        const auto meet = [&arrived](int round) {
            arrived.fetch_add(1);
            while (arrived.load() < 2 * (round + 1)) std::this_thread::yield();
        };

        std::thread publisher([&] {
            Reader reader(_quiescence);
            MatchSet matched;
            for (int round = 0; round < kRounds; ++round)
            {
                const auto name = "t/" + std::to_string(round);
                const auto retained = message(name, "x");
                meet(round);
                const Reader::Turn turn(reader);
                store.store(retained);
                matched.clear();
                index.match(name, matched);
                sawLive[round] = !matched.empty();
            }
        });
        std::thread subscriber([&] {
            Reader reader(_quiescence);
            for (int round = 0; round < kRounds; ++round)
            {
                const auto text = (round % 2 ? "t/" : "+/") + std::to_string(round);
                meet(round);
                const Reader::Turn turn(reader);
                index.insert(filter(text), 1, kQoS1);
                RetainedScan scan(filter(text));
                while (scan.next(store, 100, [&](const Message&) { sawRetained[round] = 1; }))
                {
                }
            }
        });
        publisher.join();
        subscriber.join();
        for (int round = 0; round < kRounds; ++round)
            CPPUNIT_ASSERT_MESSAGE("round " + std::to_string(round),
                                   sawRetained[round] || sawLive[round]);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(TopicConcurrencyTest);

} // namespace nanomq
