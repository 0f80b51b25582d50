#include "topic/SubscriptionIndex.h"

#include "TopicSupport.h"

#include <algorithm>
#include <map>
#include <set>

namespace nanomq
{

namespace
{

constexpr SubscriptionOptions kQoS1{QoS::AtLeastOnce};

SubscriptionOptions randomOptions(RandomTopics& topics)
{
    return SubscriptionOptions(static_cast<QoS>(topics.below(3)))
        .setNoLocal(topics.oneIn(2))
        .setRetainAsPublished(topics.oneIn(2))
        .setSubscriptionIdentifier(static_cast<std::uint32_t>(topics.below(268'435'456)));
}

using Members = std::multiset<std::uint64_t>; // Subscriber::word()

void collect(const SubscriberSpan& span, Members& into)
{
    for (const Subscriber subscriber : span)
        if (subscriber.id != kNoSubscriber) into.insert(subscriber.word());
}

/// What a Topic Name should match, and what it does.
struct Outcome
{
    Members subscribers;
    std::multimap<std::string, Members> groups; // by ShareName
    bool operator==(const Outcome&) const = default;
};

} // namespace

class SubscriptionIndexTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(SubscriptionIndexTest);
    CPPUNIT_TEST(packsOptionsInto32Bits);
    CPPUNIT_TEST(tellsFirstAndLastSubscriberOfAFilter);
    CPPUNIT_TEST(replacesOptionsOfAnExistingSubscription);
    CPPUNIT_TEST(keepsSharedAndPlainSubscriptionsOfAFilterApart);
    CPPUNIT_TEST(givesEachMemberOfAGroupItsTurn);
    CPPUNIT_TEST(handlesTheDeepestAndLongestTopics);
    CPPUNIT_TEST(agreesWithTheNaiveMatcher);
    CPPUNIT_TEST(listsEveryFilterOnceInSlices);
    CPPUNIT_TEST(growsAndGivesTheMemoryBack);
    CPPUNIT_TEST(doesNotGrowWhenFiltersComeAndGo);
    CPPUNIT_TEST(takesAndLosesManySubscribersOfOneFilterInAnyOrder);
    CPPUNIT_TEST(takesAndLosesManyGroupsOfOneFilter);
    CPPUNIT_TEST(doesNotAllocateToMatch);
    CPPUNIT_TEST_SUITE_END();

    Quiescence _quiescence;
    Reader _reader{_quiescence};
    SubscriptionIndex _index{_quiescence};
    MatchSet _matched;

    std::multiset<SubscriberId> idsFor(std::string_view topicName)
    {
        const Reader::Turn turn(_reader);
        std::multiset<SubscriberId> ids;
        _matched.clear();
        _index.match(topicName, _matched);
        for (const auto& list : _matched.lists())
            for (const Subscriber subscriber : list)
                if (subscriber.id != kNoSubscriber) ids.insert(subscriber.id);
        return ids;
    }

    Outcome outcomeFor(std::string_view topicName)
    {
        const Reader::Turn turn(_reader);
        Outcome outcome;
        _matched.clear();
        _index.match(topicName, _matched);
        for (const auto& list : _matched.lists()) collect(list, outcome.subscribers);
        for (const SharedGroup* group : _matched.groups())
        {
            Members members;
            collect(group->members(), members);
            outcome.groups.emplace(group->shareName(), members);
        }
        return outcome;
    }

    std::size_t subscribersFor(std::string_view topicName)
    {
        const Reader::Turn turn(_reader);
        std::size_t count = 0;
        _matched.clear();
        _index.match(topicName, _matched);
        for (const auto& list : _matched.lists())
            for (const Subscriber subscriber : list) count += subscriber.id != kNoSubscriber;
        for (const SharedGroup* group : _matched.groups())
            for (const Subscriber member : group->members()) count += member.id != kNoSubscriber;
        return count;
    }

    /// Lets what was retired go, and what waited for it be used again.
    void settle()
    {
        for (int n = 0; n < 2000; ++n)
        {
            const auto inserted = _index.insert(filter(n % 2 ? "settle" : "settle/+"), 1, kQoS1);
            _quiescence.reclaim();
            _index.remove(inserted.filter, 1);
            _quiescence.reclaim();
        }
    }

public:
    void packsOptionsInto32Bits()
    {
        static_assert(sizeof(Subscriber) == 8);
        auto options = SubscriptionOptions(QoS::ExactlyOnce)
                           .setRetainAsPublished(true)
                           .setSubscriptionIdentifier(268'435'455);
        CPPUNIT_ASSERT(options.maximumQoS() == QoS::ExactlyOnce);
        CPPUNIT_ASSERT(!options.noLocal() && options.retainAsPublished());
        CPPUNIT_ASSERT_EQUAL(268'435'455u, options.subscriptionIdentifier());
        options.setNoLocal(true).setRetainAsPublished(false).setSubscriptionIdentifier(0);
        CPPUNIT_ASSERT(options.noLocal() && !options.retainAsPublished());
        CPPUNIT_ASSERT_EQUAL(0u, options.subscriptionIdentifier());
        CPPUNIT_ASSERT(options.maximumQoS() == QoS::ExactlyOnce);
    }

    void tellsFirstAndLastSubscriberOfAFilter()
    {
        for (const char* text : {"a/b", "a/+", "a/#", "#", "$share/g/a/b", "$share/g/+/b"})
        {
            const auto one = _index.insert(filter(text), 1, kQoS1);
            const auto two = _index.insert(filter(text), 2, kQoS1);
            CPPUNIT_ASSERT_MESSAGE(text, one.first && !one.existed);
            CPPUNIT_ASSERT_MESSAGE(text, !two.first && !two.existed);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(text, one.filter, two.filter);
            CPPUNIT_ASSERT_MESSAGE(text, _index.find(filter(text)) == one.filter);
            CPPUNIT_ASSERT_EQUAL(std::string(text), _index.text(one.filter));
            CPPUNIT_ASSERT_MESSAGE(text, !_index.remove(one.filter, 1));
            CPPUNIT_ASSERT_MESSAGE(text, !_index.remove(one.filter, 1)); // not there any more
            CPPUNIT_ASSERT_MESSAGE(text, _index.remove(one.filter, 2));
            CPPUNIT_ASSERT_MESSAGE(text, !_index.remove(one.filter, 2)); // names nothing now
            CPPUNIT_ASSERT_MESSAGE(text, !_index.find(filter(text)));
            CPPUNIT_ASSERT_EQUAL(std::string(), _index.text(one.filter));
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _index.filters());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _index.subscriptions());
    }

    void replacesOptionsOfAnExistingSubscription()
    {
        const auto inserted = _index.insert(filter("a/+"), 7, kQoS1);
        const auto better = SubscriptionOptions(QoS::ExactlyOnce).setSubscriptionIdentifier(5);
        const auto again = _index.insert(filter("a/+"), 7, better);
        CPPUNIT_ASSERT(again.existed && !again.first);
        CPPUNIT_ASSERT(_index.options(inserted.filter, 7) == better);
        CPPUNIT_ASSERT(!_index.options(inserted.filter, 8));
        CPPUNIT_ASSERT(outcomeFor("a/b").subscribers == Members{(Subscriber{7, better}.word())});
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, _index.subscriptions());
    }

    void keepsSharedAndPlainSubscriptionsOfAFilterApart()
    {
        for (const char* text : {"a/b", "a/+"})
        {
            const auto shared = _index.insert(filter("$share/g/" + std::string(text)), 1, kQoS1);
            CPPUNIT_ASSERT(!_index.find(filter(text)));
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, _index.filters());
            CPPUNIT_ASSERT(outcomeFor("a/b").subscribers.empty());
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, outcomeFor("a/b").groups.size());

            const auto plain = _index.insert(filter(text), 1, kQoS1);
            CPPUNIT_ASSERT(plain.first);
            CPPUNIT_ASSERT(plain.filter != shared.filter);
            CPPUNIT_ASSERT(_index.remove(shared.filter, 1));
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, outcomeFor("a/b").subscribers.size());
            CPPUNIT_ASSERT(outcomeFor("a/b").groups.empty());
            CPPUNIT_ASSERT(_index.remove(plain.filter, 1));
            CPPUNIT_ASSERT(outcomeFor("a/b") == Outcome());
        }
    }

    void givesEachMemberOfAGroupItsTurn()
    {
        for (SubscriberId id = 0; id < 3; ++id) _index.insert(filter("$share/g/a"), id, kQoS1);
        std::map<SubscriberId, int> turns;
        const Reader::Turn turn(_reader);
        for (int n = 0; n < 30; ++n)
        {
            _matched.clear();
            _index.match("a", _matched);
            const auto members = _matched.groups().front()->members();
            ++turns[members[_matched.groups().front()->next() % members.size()].id];
        }
        CPPUNIT_ASSERT((turns == std::map<SubscriberId, int>{{0, 10}, {1, 10}, {2, 10}}));
    }

    void handlesTheDeepestAndLongestTopics()
    {
        std::string plus = "+";
        for (std::size_t level = 1; level < kMaxTopicLevels; ++level) plus += "/+";
        const std::string deepest(kMaxTopicLevels - 1, '/');
        const std::string longest(kMaxTopicBytes, 'x');
        _index.insert(filter(plus), 1, kQoS1);
        _index.insert(filter(plus.substr(2) + "/#"), 2, kQoS1);
        _index.insert(filter(deepest), 3, kQoS1);
        _index.insert(filter(longest), 4, kQoS1);
        _index.insert(filter(longest.substr(2) + "/+"), 5, kQoS1);
        CPPUNIT_ASSERT((idsFor(deepest) == std::multiset<SubscriberId>{1, 2, 3}));
        CPPUNIT_ASSERT((idsFor(deepest.substr(1)) == std::multiset<SubscriberId>{2}));
        CPPUNIT_ASSERT((idsFor(longest) == std::multiset<SubscriberId>{4}));
        CPPUNIT_ASSERT((idsFor(longest.substr(2) + '/') == std::multiset<SubscriberId>{5}));
        // Too deep to be published to, yet nothing to be harmed by.
        CPPUNIT_ASSERT((idsFor(deepest + "////") == std::multiset<SubscriberId>{2}));
        CPPUNIT_ASSERT((idsFor(std::string(65'535, '/')) == std::multiset<SubscriberId>{2}));
    }

    void agreesWithTheNaiveMatcher()
    {
        for (std::uint32_t seed = 1; seed <= 8; ++seed) checkAgainstModel(seed);
    }

    void listsEveryFilterOnceInSlices()
    {
        std::map<std::string, std::size_t> expected;
        RandomTopics topics(7);
        for (SubscriberId id = 0; id < 3000; ++id)
        {
            const auto text = topics.anyFilter();
            _index.insert(filter(text), id, kQoS1);
            ++expected[text];
        }
        std::vector<FilterSummary> lines;
        FilterCursor cursor;
        std::size_t before = 0;
        while (_index.list(cursor, 10, lines))
        {
            CPPUNIT_ASSERT(lines.size() - before <= 10);
            before = lines.size();
        }
        CPPUNIT_ASSERT_EQUAL(expected.size(), lines.size());
        CPPUNIT_ASSERT_EQUAL(expected.size(), _index.filters());
        for (const auto& line : lines)
        {
            CPPUNIT_ASSERT_EQUAL_MESSAGE(line.text, expected[line.text], line.subscribers);
            CPPUNIT_ASSERT_EQUAL(line.text, _index.text(line.id));
            expected.erase(line.text);
        }
        CPPUNIT_ASSERT(expected.empty());
    }

    void growsAndGivesTheMemoryBack()
    {
        constexpr SubscriberId kFilters = 50'000;
        settle();
        const std::size_t start = _index.bytes();
        std::vector<FilterId> ids;
        for (SubscriberId n = 0; n < kFilters; ++n)
        {
            ids.push_back(_index.insert(filter(textOf(n)), n, kQoS1).filter);
            if (n % 64 == 0) _quiescence.reclaim();
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{kFilters}, _index.filters());
        const std::size_t full = _index.bytes();
        CPPUNIT_ASSERT(full > start + kFilters * 40);
        CPPUNIT_ASSERT(full < start + kFilters * 200);
        for (SubscriberId n = 0; n < kFilters; n += 997)
            CPPUNIT_ASSERT(idsFor(topicOf(n)).contains(n));

        std::shuffle(ids.begin(), ids.end(), std::mt19937(3));
        for (const FilterId id : ids)
        {
            const auto text = _index.text(id);
            const auto number =
                static_cast<SubscriberId>(std::stoul(text.substr(text.find('-') + 1)));
            CPPUNIT_ASSERT(_index.remove(id, number));
            if (id % 64 == 0) _quiescence.reclaim();
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _index.filters());
        settle();
        CPPUNIT_ASSERT_MESSAGE(std::to_string(start) + " bytes became " +
                                   std::to_string(_index.bytes()),
                               _index.bytes() < start + 64 * 1024);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _quiescence.retiredBytes());
    }

    void doesNotGrowWhenFiltersComeAndGo()
    {
        std::vector<FilterId> ids(256);
        std::size_t afterWarmUp = 0;
        for (SubscriberId n = 0; n < 100'000; ++n)
        {
            if (n >= ids.size())
                CPPUNIT_ASSERT(
                    _index.remove(ids[n % ids.size()], n - static_cast<SubscriberId>(ids.size())));
            ids[n % ids.size()] = _index.insert(filter(textOf(n)), n, kQoS1).filter;
            _quiescence.reclaim();
            if (n == 10'000) afterWarmUp = _index.bytes();
        }
        CPPUNIT_ASSERT_EQUAL(ids.size(), _index.filters());
        CPPUNIT_ASSERT_MESSAGE(std::to_string(afterWarmUp) + " bytes became " +
                                   std::to_string(_index.bytes()),
                               _index.bytes() < afterWarmUp + afterWarmUp / 4);
    }

    void takesAndLosesManySubscribersOfOneFilterInAnyOrder()
    {
        constexpr SubscriberId kMany = 100'000;
        std::vector<SubscriberId> ids(kMany);
        for (SubscriberId n = 0; n < kMany; ++n) ids[n] = n;
        std::mt19937 random(11);
        const std::size_t start = _index.bytes();
        for (const char* text : {"one/topic", "one/#", "$share/g/one/+"})
        {
            std::shuffle(ids.begin(), ids.end(), random);
            FilterId id{};
            for (const auto subscriber : ids)
                id = _index.insert(filter(text), subscriber, kQoS1).filter;
            for (const auto subscriber : ids)
                CPPUNIT_ASSERT(_index.insert(filter(text), subscriber, kQoS1).existed);
            CPPUNIT_ASSERT(_index.bytes() < start + std::size_t{kMany} * 50);
            std::shuffle(ids.begin(), ids.end(), random);
            for (SubscriberId n = 0; n < kMany; ++n)
            {
                CPPUNIT_ASSERT_EQUAL(n + 1 == kMany, _index.remove(id, ids[n]));
                if (n % 1000 != 0) continue;
                _quiescence.reclaim();
                CPPUNIT_ASSERT_EQUAL(std::size_t{kMany - n - 1}, subscribersFor("one/topic"));
            }
            CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _index.filters());
        }
    }

    void takesAndLosesManyGroupsOfOneFilter()
    {
        constexpr SubscriberId kMany = 30'000;
        std::vector<std::pair<FilterId, SubscriberId>> ids;
        for (SubscriberId n = 0; n < kMany; ++n)
        {
            const std::string text = "$share/group" + std::to_string(n) + "/a/+";
            ids.emplace_back(_index.insert(filter(text), n, kQoS1).filter, n);
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{kMany}, outcomeFor("a/b").groups.size());
        std::shuffle(ids.begin(), ids.end(), std::mt19937(5));
        for (const auto& [id, subscriber] : ids)
        {
            CPPUNIT_ASSERT(_index.remove(id, subscriber));
            _quiescence.reclaim();
        }
        CPPUNIT_ASSERT(outcomeFor("a/b") == Outcome());
    }

    void doesNotAllocateToMatch()
    {
        for (SubscriberId id = 0; id < 50; ++id)
        {
            _index.insert(filter("a/b/c"), id, kQoS1);
            _index.insert(filter("a/+/c"), id, kQoS1);
            _index.insert(filter("$share/g/#"), id, kQoS1);
        }
        idsFor("a/b/c");
        const auto* const lists = _matched.lists().data();
        const auto* const groups = _matched.groups().data();
        for (int n = 0; n < 100; ++n)
            CPPUNIT_ASSERT_EQUAL(std::size_t{100}, idsFor("a/b/c").size());
        CPPUNIT_ASSERT(lists == _matched.lists().data() && groups == _matched.groups().data());
    }

private:
    static std::string textOf(SubscriberId n)
    {
        const std::string unique = "device-" + std::to_string(n);
        switch (n % 4)
        {
        case 0: return "site/+/" + unique;
        case 1: return unique + "/#";
        default: return "site/one/" + unique;
        }
    }
    static std::string topicOf(SubscriberId n)
    {
        const std::string unique = "device-" + std::to_string(n);
        return n % 4 == 1 ? unique + "/state" : "site/one/" + unique;
    }

    void checkAgainstModel(std::uint32_t seed)
    {
        const std::string seedText = "seed " + std::to_string(seed);
        Quiescence quiescence;
        Reader reader(quiescence);
        SubscriptionIndex index(quiescence);
        RandomTopics topics(seed);
        struct Entry
        {
            FilterId id;
            std::map<SubscriberId, SubscriptionOptions> subscribers;
        };
        std::map<std::string, Entry> model;
        std::size_t subscriptions = 0;
        const bool longLists = seed % 2 == 0; // and few filters; else the other way round
        const SubscriberId subscribers = longLists ? 200 : 4;
        for (int step = 0; step < 4000; ++step)
        {
            const bool shrinking = step / 800 % 2 == 1;
            if (model.empty() || topics.below(10) < (shrinking ? 3 : 7))
            {
                const bool known =
                    model.size() > 150 || (longLists && !model.empty() && !topics.oneIn(20));
                const auto text = known
                                      ? std::next(model.begin(), topics.below(model.size()))->first
                                      : topics.anyFilter();
                const auto subscriber = static_cast<SubscriberId>(topics.below(subscribers)) |
                                        (topics.oneIn(3) ? kObserverBit : 0);
                const auto options = randomOptions(topics);
                auto& entry = model[text];
                const auto inserted = index.insert(filter(text), subscriber, options);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(seedText, entry.subscribers.empty(), inserted.first);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(seedText, entry.subscribers.contains(subscriber),
                                             inserted.existed);
                if (!inserted.first)
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(seedText, entry.id, inserted.filter);
                entry.id = inserted.filter;
                entry.subscribers[subscriber] = options;
                subscriptions += !inserted.existed;
            }
            else
            {
                const auto at = std::next(model.begin(), topics.below(model.size()));
                auto& entry = at->second;
                const auto gone =
                    std::next(entry.subscribers.begin(), topics.below(entry.subscribers.size()));
                CPPUNIT_ASSERT_MESSAGE(seedText,
                                       index.options(entry.id, gone->first) == gone->second);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(seedText, entry.subscribers.size() == 1,
                                             index.remove(entry.id, gone->first));
                entry.subscribers.erase(gone);
                --subscriptions;
                if (entry.subscribers.empty()) model.erase(at);
            }
            if (topics.oneIn(3)) quiescence.reclaim();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(seedText, model.size(), index.filters());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(seedText, subscriptions, index.subscriptions());

            const auto name = topics.name();
            Outcome expected;
            for (const auto& [text, entry] : model)
            {
                if (!matches(filter(text), name)) continue;
                Members members;
                for (const auto& [id, options] : entry.subscribers)
                    members.insert(Subscriber{id, options}.word());
                if (filter(text).isShared())
                    expected.groups.emplace(filter(text).shareName(), members);
                else expected.subscribers.merge(members);
            }
            Outcome found;
            {
                const Reader::Turn turn(reader);
                _matched.clear();
                index.match(name, _matched);
                for (const auto& list : _matched.lists()) collect(list, found.subscribers);
                for (const SharedGroup* group : _matched.groups())
                {
                    Members members;
                    collect(group->members(), members);
                    found.groups.emplace(group->shareName(), members);
                }
            }
            const std::string where = seedText + ", step " + std::to_string(step) + ", " + name;
            CPPUNIT_ASSERT_MESSAGE(where, expected.subscribers == found.subscribers);
            CPPUNIT_ASSERT_MESSAGE(where, sorted(expected) == sorted(found));
        }
    }

    static std::multiset<std::pair<std::string, Members>> sorted(const Outcome& outcome)
    {
        return {outcome.groups.begin(), outcome.groups.end()};
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SubscriptionIndexTest);

} // namespace nanomq
