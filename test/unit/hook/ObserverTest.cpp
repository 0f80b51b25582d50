#include "HookFixture.h"

#include <atomic>
#include <future>
#include <optional>

using namespace nanomq;

namespace
{

/// Something that events point into; tells when it goes.
class Owner final : public Counted
{
public:
    static Ref<Owner> make(std::string text)
    {
        return Ref<Owner>::adopt(new Owner(std::move(text)));
    }
    const std::string text;

private:
    explicit Owner(std::string t) : text(std::move(t)) {}
};

} // namespace

/// Observers: at once, or from the ring by the plugin's executor.
class ObserverTest : public HookFixture
{
    CPPUNIT_TEST_SUITE(ObserverTest);
    CPPUNIT_TEST(inlineObserverRunsAtOnce);
    CPPUNIT_TEST(offloadedEventsComeInOrderAndKeepWhatTheyShow);
    CPPUNIT_TEST(textThatNobodyOwnsIsCopied);
    CPPUNIT_TEST(messageThatNobodyOwnsIsCopiedAndItsClientLeftOut);
    CPPUNIT_TEST(ringTakesItsNumberOfEventsThenDropsAndCounts);
    CPPUNIT_TEST(ringTakesItsNumberOfBytesThenDropsAndCounts);
    CPPUNIT_TEST(ringGoesRoundWithoutLosingAnything);
    CPPUNIT_TEST(publishedIsToldOnceHoweverManyFiltersMatch);
    CPPUNIT_TEST(filtersOfOtherPointsAreComparedWithTheTopic);
    CPPUNIT_TEST(executorIsWokenAtTheEndOfTheTurn);
    CPPUNIT_TEST(keptMessageOutlivesItsEvent);
    CPPUNIT_TEST(drainTellsWhatWasAccepted);
    CPPUNIT_TEST(drainFailsWhenAnObserverDoesNotReturn);
    CPPUNIT_TEST(unloadTakesTheFiltersOutOfTheIndex);
    CPPUNIT_TEST_SUITE_END();

    std::mutex _mutex;
    std::vector<std::string> _seen;

    std::size_t seen()
    {
        std::lock_guard lock(_mutex);
        return _seen.size();
    }
    void see(std::string text)
    {
        std::lock_guard lock(_mutex);
        _seen.push_back(std::move(text));
    }
    FakePlugin& notingPublished(std::uint32_t number, HookOptions options = {})
    {
        return plugin(number).on(
            Point::MessagePublished,
            [this](const Header& header, Context&) {
                const auto& event = reinterpret_cast<const sdk::MessagePublished&>(header);
                see(std::string(event.topic.view()) + '=' + std::string(event.payload.view()));
                return Verdict::Next;
            },
            options);
    }
    /// Tells worker 0's observers of a message whose text lives in an Owner of its own.
    void published(const std::string& topic, const std::string& payload = "")
    {
        const auto owner = Owner::make(topic + payload);
        sdk::MessagePublished event{};
        event.topic = std::string_view(owner->text).substr(0, topic.size());
        event.payload = {owner->text.data() + topic.size(), payload.size()};
        EventOwners owners;
        owners.message = owner.get();
        const auto found = _filters.find(topic);
        _bus.tellPublished(_bus.table(), 0, event, owners, found);
    }
    /// Holds a plugin's executor, so that nothing leaves its ring, until it is destroyed.
    class Hold
    {
    public:
        explicit Hold(FakePlugin& plugin)
        {
            CPPUNIT_ASSERT(plugin.set().executor().post(
                [](void* self) {
                    auto& hold = *static_cast<Hold*>(self);
                    hold._entered.set_value();
                    hold._open.get_future().wait();
                    hold._left.set_value();
                },
                this));
            _entered.get_future().wait();
        }
        ~Hold()
        {
            _open.set_value();
            _left.get_future().wait();
        }

    private:
        std::promise<void> _entered, _open, _left;
    };

public:
    void inlineObserverRunsAtOnce()
    {
        load(notingPublished(1, {.flags = sdk::kInline}));
        CPPUNIT_ASSERT(!_bus.table().offloads(Point::MessagePublished));
        published("a", "1");
        CPPUNIT_ASSERT(_seen == std::vector<std::string>{"a=1"});
    }

    void offloadedEventsComeInOrderAndKeepWhatTheyShow()
    {
        FakePlugin& one = notingPublished(1);
        load(one);
        CPPUNIT_ASSERT(_bus.table().offloads(Point::MessagePublished));
        std::vector<std::string> expected;
        for (int i = 0; i < 1000; ++i)
        {
            published("topic/" + std::to_string(i), "x");
            expected.push_back("topic/" + std::to_string(i) + "=x");
        }
        turn();
        CPPUNIT_ASSERT(eventually([&] { return seen() == 1000; }));
        CPPUNIT_ASSERT(expected == _seen);
        CPPUNIT_ASSERT(eventually([&] { return one.set().drained(); }));
        const auto figures = one.set().statistics();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1000}, figures.accepted);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1000}, figures.delivered);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, figures.heldBytes);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1000}, figures.hooks[0].calls);
    }

    void textThatNobodyOwnsIsCopied()
    {
        load(plugin(1)
                 .on(Point::ClientDisconnected,
                     [this](const Header& header, Context&) {
                         const auto& event =
                             reinterpret_cast<const sdk::ClientDisconnected&>(header);
                         see(std::string(event.client->clientId.view()) + ": " +
                             std::string(event.reasonText.view()));
                         return Verdict::Next;
                     })
                 .on(Point::RouteAdded, [this](const Header& header, Context&) {
                     see(std::string(
                         reinterpret_cast<const sdk::RouteAdded&>(header).topicFilter.view()));
                     return Verdict::Next;
                 }));
        struct Client final : Counted
        {
            sdk::ClientInfo info{};
            std::string id = "one";
        };
        {
            const auto client = Ref<Client>::adopt(new Client);
            client->info.clientId = client->id;
            std::string text = "keep alive timeout";
            sdk::ClientDisconnected event{};
            event.client = &client->info;
            event.reasonText = text;
            _bus.tell(_bus.table(), 0, event, EventOwners{client.get(), nullptr, nullptr});
            std::string filter = "a/+";
            sdk::RouteAdded route{};
            route.topicFilter = filter;
            _bus.tell(_bus.table(), 0, route, {}, filter);
            text.assign(text.size(), '?');
            filter.assign(filter.size(), '?');
        }
        turn();
        CPPUNIT_ASSERT(eventually([&] { return seen() == 2; }));
        const std::vector<std::string> expected{"one: keep alive timeout", "a/+"};
        CPPUNIT_ASSERT(expected == _seen);
    }

    void messageThatNobodyOwnsIsCopiedAndItsClientLeftOut()
    {
        load(plugin(1).on(Point::MessageDropped, [this](const Header& header, Context& context) {
            const auto& event = reinterpret_cast<const sdk::MessageDropped&>(header);
            CPPUNIT_ASSERT(!event.client && !event.publisher && !context.retain());
            see(std::string(event.topic.view()) + '=' + std::string(event.payload.view()) + ' ' +
                std::string(event.reasonText.view()));
            return Verdict::Next;
        }));
        {
            std::string all = "atopicpayloadreason";
            sdk::ClientInfo client{};
            sdk::MessageDropped event{};
            event.client = &client;
            event.publisher = &client;
            event.topic = std::string_view(all).substr(0, 6);
            event.payload = {all.data() + 6, 7};
            event.reasonText = std::string_view(all).substr(13);
            _bus.tell(_bus.table(), 0, event, {}, "atopic");
            all.assign(all.size(), '?');
        }
        turn();
        CPPUNIT_ASSERT(eventually([&] { return seen() == 1; }));
        CPPUNIT_ASSERT_EQUAL(std::string("atopic=payload reason"), _seen[0]);
    }

    void ringTakesItsNumberOfEventsThenDropsAndCounts()
    {
        FakePlugin& one = notingPublished(1);
        load(one);
        auto hold = std::make_optional<Hold>(one);
        for (std::uint64_t i = 0; i < OffloadRing::kMaxEvents + 10; ++i) published("a");
        auto figures = one.set().statistics();
        CPPUNIT_ASSERT_EQUAL(OffloadRing::kMaxEvents, figures.accepted);
        CPPUNIT_ASSERT_EQUAL(OffloadRing::kMaxEvents, figures.queued);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{10}, figures.dropped);
        turn();
        hold.reset();
        CPPUNIT_ASSERT(eventually([&] { return one.set().drained(); }));
        figures = one.set().statistics();
        CPPUNIT_ASSERT_EQUAL(figures.accepted, figures.delivered + figures.queued);
        CPPUNIT_ASSERT_EQUAL(OffloadRing::kMaxEvents, figures.delivered);
        CPPUNIT_ASSERT_EQUAL(OffloadRing::kMaxEvents, std::uint64_t{seen()});
    }

    void ringTakesItsNumberOfBytesThenDropsAndCounts()
    {
        FakePlugin& one = notingPublished(1);
        load(one);
        auto hold = std::make_optional<Hold>(one);
        const std::string megabyte(1024 * 1024, 'x');
        for (int i = 0; i < 20; ++i) published("", megabyte);
        auto figures = one.set().statistics();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{16}, figures.accepted);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{4}, figures.dropped);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{OffloadRing::kMaxBytes}, figures.heldBytes);
        turn();
        hold.reset();
        CPPUNIT_ASSERT(eventually([&] { return one.set().drained(); }));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, one.set().statistics().heldBytes);
    }

    void ringGoesRoundWithoutLosingAnything()
    {
        FakePlugin& one = notingPublished(1);
        load(one);
        std::size_t sent = 0;
        // Rests of many sizes against pieces of 64.
        for (int round = 1; round < 200; ++round)
        {
            for (int i = 0; i < round; ++i) published(std::to_string(sent++));
            turn();
            if (round % 3 == 0) CPPUNIT_ASSERT(eventually([&] { return one.set().drained(); }));
        }
        CPPUNIT_ASSERT(eventually([&] { return one.set().drained(); }));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, one.set().statistics().dropped);
        CPPUNIT_ASSERT_EQUAL(sent, seen());
        for (std::size_t i = 0; i < sent; ++i)
            CPPUNIT_ASSERT_EQUAL(std::to_string(i) + "=", _seen[i]);
    }

    void publishedIsToldOnceHoweverManyFiltersMatch()
    {
        load(notingPublished(1, {.filters = {"a/#", "a/b", "c"}, .flags = sdk::kInline}));
        load(notingPublished(2, {.flags = sdk::kInline}));
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, _filters.size());
        published("a/b", "1");
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, seen());
        published("d", "1");
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, seen());
        // An id that the table does not know.
        sdk::MessagePublished event{};
        const std::uint32_t unknown = 0x80000077;
        _bus.tellPublished(_bus.table(), 0, event, {}, {&unknown, 1});
        CPPUNIT_ASSERT_EQUAL(std::size_t{4}, seen());
    }

    void filtersOfOtherPointsAreComparedWithTheTopic()
    {
        FakePlugin& one = plugin(1).says(Point::MessageAcked, Verdict::Next,
                                         {.filters = {"a/+"}, .flags = sdk::kInline});
        load(one);
        sdk::MessageAcked event{};
        _bus.tell(_bus.table(), 1, event, {}, "a/b");
        _bus.tell(_bus.table(), 1, event, {}, "b/b");
        CPPUNIT_ASSERT_EQUAL(1, one.asked);
        CPPUNIT_ASSERT_EQUAL(1, int{event.header.worker});
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{sizeof event}, event.header.size);
        CPPUNIT_ASSERT(event.header.point == Point::MessageAcked);
    }

    void executorIsWokenAtTheEndOfTheTurn()
    {
        FakePlugin& one = notingPublished(1);
        load(one);
        // Many sleeps: each of them must be found by the wake-up of its turn.
        for (std::size_t i = 1; i <= 300; ++i)
        {
            published("a");
            turn();
            CPPUNIT_ASSERT(eventually([&] { return seen() == i && one.set().drained(); }));
        }
    }

    void keptMessageOutlivesItsEvent()
    {
        std::atomic<sdk::Message*> kept{nullptr};
        load(plugin(1).on(Point::MessagePublished, [&](const Header&, Context& context) {
            kept = context.retain();
            return Verdict::Next;
        }));
        const auto owner = Owner::make("text");
        sdk::MessagePublished event{};
        EventOwners owners;
        owners.message = owner.get();
        _bus.tellPublished(_bus.table(), 0, event, owners, {});
        turn();
        CPPUNIT_ASSERT(eventually([&] { return owner->owners() == 2 && kept; }));
        CPPUNIT_ASSERT(reinterpret_cast<const Counted*>(kept.load()) == owner.get());
        reinterpret_cast<const Counted*>(kept.load())->release();
        CPPUNIT_ASSERT_EQUAL(1u, owner->owners());
    }

    void drainTellsWhatWasAccepted()
    {
        FakePlugin& one = notingPublished(1);
        load(one);
        for (int i = 0; i < 500; ++i) published("a");
        turn();
        exchange(&one, nullptr);
        CPPUNIT_ASSERT(_registry.drain(one.set(), std::chrono::seconds(10)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{500}, seen());
    }

    void drainFailsWhenAnObserverDoesNotReturn()
    {
        std::promise<void> open;
        auto gate = open.get_future().share();
        FakePlugin& one = plugin(1).on(Point::MessagePublished, [&](const Header&, Context&) {
            gate.wait();
            return Verdict::Next;
        });
        load(one);
        published("a");
        turn();
        exchange(&one, nullptr);
        CPPUNIT_ASSERT(!_registry.drain(one.set(), std::chrono::milliseconds(20)));
        CPPUNIT_ASSERT(!one.set().executor().stop(std::chrono::milliseconds(20)));
        open.set_value();
        CPPUNIT_ASSERT(one.set().executor().stop(std::chrono::seconds(10)));
    }

    void unloadTakesTheFiltersOutOfTheIndex()
    {
        FakePlugin& one = notingPublished(1, {.filters = {"a/#"}});
        FakePlugin& next = notingPublished(1, {.filters = {"a/#", "b"}});
        load(one);
        exchange(&one, &next);
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, _filters.size());
        _registry.withdrawFilters(one.set());
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, _filters.size());
        published("a/x");
        turn();
        CPPUNIT_ASSERT(eventually([&] { return seen() == 1; }));
        exchange(&next, nullptr);
        _registry.withdrawFilters(next.set());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _filters.size());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ObserverTest);
