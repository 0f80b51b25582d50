#include "topic/RetainedStore.h"

#include "TopicSupport.h"

#include <map>
#include <set>

namespace nanomq
{

namespace
{

std::string payloadOf(const Message& message)
{
    return std::string(asText(message.payload()));
}

} // namespace

class RetainedStoreTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(RetainedStoreTest);
    CPPUNIT_TEST(keepsTheLastMessageOfATopic);
    CPPUNIT_TEST(anEmptyPayloadErases);
    CPPUNIT_TEST(scansInTheOrderOfLevels);
    CPPUNIT_TEST(anExactFilterIsOneStep);
    CPPUNIT_TEST(visitsOnlyTheMatchingPart);
    CPPUNIT_TEST(agreesWithTheNaiveMatcherWhileTheStoreChanges);
    CPPUNIT_TEST(expiresTheEarliestFirstAndNoMoreThanAsked);
    CPPUNIT_TEST(aReplacedOrErasedMessageLosesItsDeadline);
    CPPUNIT_TEST(expiryAgreesWithAModel);
    CPPUNIT_TEST(givesTheMemoryBack);
    CPPUNIT_TEST(aSharedMessageOutlivesItsPlaceInTheStore);
    CPPUNIT_TEST_SUITE_END();

    using Stored = RetainedStore::Stored;

    Quiescence _quiescence;
    Reader _reader{_quiescence};
    RetainedStore _store{_quiescence};

    std::string find(std::string_view topicName)
    {
        const Reader::Turn turn(_reader);
        const auto found = _store.find(topicName);
        return found ? payloadOf(*found) : std::string();
    }

    std::vector<std::string> scan(std::string_view text, std::size_t slice = 1000)
    {
        std::vector<std::string> seen;
        RetainedScan scan(filter(text));
        for (bool more = true; more;)
        {
            const Reader::Turn turn(_reader);
            more = scan.next(_store, slice, [&seen](const Message& message) {
                seen.emplace_back(message.topicName());
            });
        }
        return seen;
    }

    /// Steps that a scan takes until it is done.
    std::size_t stepsOf(std::string_view text, std::size_t& matched)
    {
        const Reader::Turn turn(_reader);
        RetainedScan scan(filter(text));
        std::size_t steps = 1;
        while (scan.next(_store, 1, [&matched](const Message&) { ++matched; })) ++steps;
        return steps;
    }

public:
    void keepsTheLastMessageOfATopic()
    {
        CPPUNIT_ASSERT(_store.store(message("a/b", "one")) == Stored::Added);
        CPPUNIT_ASSERT(_store.store(message("a/b", "two")) == Stored::Replaced);
        CPPUNIT_ASSERT(_store.store(message("a/c", "other")) == Stored::Added);
        CPPUNIT_ASSERT_EQUAL(std::string("two"), find("a/b"));
        CPPUNIT_ASSERT_EQUAL(std::string(), find("a"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, _store.count());
    }

    void anEmptyPayloadErases()
    {
        _store.store(message("a/b", "one"));
        CPPUNIT_ASSERT(_store.store(message("a/b", "")) == Stored::Erased);
        CPPUNIT_ASSERT(_store.store(message("a/b", "")) == Stored::Nothing);
        CPPUNIT_ASSERT_EQUAL(std::string(), find("a/b"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _store.count());
        CPPUNIT_ASSERT(scan("#").empty());
    }

    void scansInTheOrderOfLevels()
    {
        for (const char* name : {"b", "a!", "a/b", "a", "a/b/c", "$SYS/x", "/", "a!/b", "a//b"})
            _store.store(message(name, "x"));
        using Names = std::vector<std::string>;
        for (const std::size_t slice : {1, 2, 1000})
        {
            CPPUNIT_ASSERT(
                (scan("#", slice) == Names{"/", "a", "a//b", "a/b", "a/b/c", "a!", "a!/b", "b"}));
            CPPUNIT_ASSERT((scan("+", slice) == Names{"a", "a!", "b"}));
            CPPUNIT_ASSERT((scan("a/#", slice) == Names{"a", "a//b", "a/b", "a/b/c"}));
            CPPUNIT_ASSERT((scan("+/b", slice) == Names{"a/b", "a!/b"}));
            CPPUNIT_ASSERT((scan("+/+", slice) == Names{"/", "a/b", "a!/b"}));
            CPPUNIT_ASSERT((scan("$SYS/#", slice) == Names{"$SYS/x"}));
            CPPUNIT_ASSERT((scan("$SYS/x", slice) == Names{"$SYS/x"}));
            CPPUNIT_ASSERT(scan("+/b/+/d", slice).empty());
        }
    }

    void anExactFilterIsOneStep()
    {
        for (int n = 0; n < 100; ++n) _store.store(message("a/" + std::to_string(n), "x"));
        std::size_t matched = 0;
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, stepsOf("a/50", matched));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, matched);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, stepsOf("a/100", matched));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, matched);
    }

    void visitsOnlyTheMatchingPart()
    {
        for (int first = 0; first < 100; ++first)
            for (int second = 0; second < 100; ++second)
            {
                const auto name = std::to_string(first) + '/' + std::to_string(second);
                _store.store(message(name, "x"));
                if (second % 50 == 0) _store.store(message(name + "/below/it", "x"));
            }
        struct Case
        {
            const char* filter;
            std::size_t matches;
            std::size_t steps;
        };
        static constexpr Case cases[] = {
            {"#", 10'200, 10'201},      {"42/+", 100, 105},     {"42/#", 102, 104},
            {"+/42", 100, 301},         {"+/none", 0, 301},     {"none/+", 0, 2},
            {"+/0/below/it", 100, 401}, {"+/0/+/it", 100, 501}, {"7/0/#", 2, 4},
        };
        for (const auto& c : cases)
        {
            std::size_t matched = 0;
            const std::size_t steps = stepsOf(c.filter, matched);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.filter, c.matches, matched);
            CPPUNIT_ASSERT_MESSAGE(std::string(c.filter) + " took " + std::to_string(steps),
                                   steps <= c.steps);
        }
    }

    void agreesWithTheNaiveMatcherWhileTheStoreChanges()
    {
        for (std::uint32_t seed = 1; seed <= 300; ++seed) checkScanAgainstModel(seed);
    }

    void expiresTheEarliestFirstAndNoMoreThanAsked()
    {
        _store.store(message("never", "x"));
        for (int n = 0; n < 10; ++n)
            _store.store(message("t/" + std::to_string(n), "x", 1000 + (n * 7 % 10)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _store.expire(999, 100));
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, _store.expire(1004, 3));
        for (int n = 0; n < 10; ++n)
            CPPUNIT_ASSERT_EQUAL(n * 7 % 10 < 3, find("t/" + std::to_string(n)).empty());
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, _store.expire(1004, 100));
        CPPUNIT_ASSERT_EQUAL(std::size_t{5}, _store.expire(kNever - 1, 100));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, _store.count());
        CPPUNIT_ASSERT_EQUAL(std::string("x"), find("never"));
    }

    void aReplacedOrErasedMessageLosesItsDeadline()
    {
        _store.store(message("sooner", "x", 2000));
        _store.store(message("sooner", "x", 1000));
        _store.store(message("later", "x", 1000));
        _store.store(message("later", "x", 2000));
        _store.store(message("kept", "x", 1000));
        _store.store(message("kept", "x"));
        _store.store(message("erased", "x", 1000));
        _store.store(message("erased", ""));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, _store.expire(1000, 100));
        CPPUNIT_ASSERT_EQUAL(std::string(), find("sooner"));
        CPPUNIT_ASSERT_EQUAL(std::string("x"), find("later"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, _store.expire(2000, 100));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _store.expire(kNever - 1, 100));
        CPPUNIT_ASSERT_EQUAL(std::string("x"), find("kept"));
    }

    void expiryAgreesWithAModel()
    {
        RandomTopics random(17);
        std::map<std::string, MonotonicMs> model;
        MonotonicMs now = 0;
        for (int step = 0; step < 20'000; ++step, now += random.below(4))
        {
            const auto name = "t/" + std::to_string(random.below(500));
            if (random.oneIn(4))
            {
                _store.store(message(name, ""));
                model.erase(name);
            }
            else
            {
                model[name] = random.oneIn(5) ? kNever : now + MonotonicMs(random.below(2000));
                _store.store(message(name, "x", model[name]));
            }
            if (!random.oneIn(10)) continue;
            _store.expire(now, SIZE_MAX);
            std::erase_if(model, [now](const auto& entry) { return entry.second <= now; });
            _quiescence.reclaim();
            CPPUNIT_ASSERT_EQUAL(model.size(), _store.count());
        }
        const auto left = scan("#", 10);
        CPPUNIT_ASSERT_EQUAL(model.size(), left.size());
        for (const auto& name : left) CPPUNIT_ASSERT_MESSAGE(name, model.contains(name));
    }

    void givesTheMemoryBack()
    {
        const std::size_t start = _store.bytes();
        for (int round = 0; round < 3; ++round)
        {
            for (int n = 0; n < 20'000; ++n)
                _store.store(message("some/topic/" + std::to_string(n), "payload",
                                     n % 2 ? kNever : 1000 + n));
            CPPUNIT_ASSERT(_store.bytes() > start + 20'000 * sizeof(Message));
            CPPUNIT_ASSERT_EQUAL(std::size_t{10'000}, _store.expire(1'000'000, 1'000'000));
            for (int n = 1; n < 20'000; n += 2)
                _store.store(message("some/topic/" + std::to_string(n), ""));
            _quiescence.reclaim();
            CPPUNIT_ASSERT_MESSAGE(std::to_string(_store.bytes()), _store.bytes() < start + 8192);
            CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _quiescence.retiredBytes());
        }
    }

    void aSharedMessageOutlivesItsPlaceInTheStore()
    {
        _store.store(message("a", "kept"));
        MessageRef found;
        {
            const Reader::Turn turn(_reader);
            found = _store.find("a");
        }
        _store.store(message("a", "new"));
        _quiescence.reclaim();
        CPPUNIT_ASSERT_EQUAL(std::string("kept"), payloadOf(*found));
        CPPUNIT_ASSERT_EQUAL(1u, found->owners());
    }

private:
    void checkScanAgainstModel(std::uint32_t seed)
    {
        const std::string seedText = "seed " + std::to_string(seed);
        Quiescence quiescence;
        Reader reader(quiescence);
        RetainedStore store(quiescence);
        RandomTopics topics(seed);
        std::set<std::string> model;
        const auto change = [&](std::set<std::string>& changed) {
            const auto name = topics.name();
            const bool erase = topics.oneIn(2);
            store.store(message(name, erase ? "" : "x"));
            if (erase) model.erase(name);
            else model.insert(name);
            changed.insert(name);
        };
        std::set<std::string> ignored;
        for (std::size_t n = topics.below(400); n > 0; --n) change(ignored);

        for (int round = 0; round < 20; ++round)
        {
            const auto text = topics.plainFilter();
            const std::string where = seedText + ", filter " + text;
            RetainedScan scan(filter(text));
            std::set<std::string> changed;
            std::map<std::string, int> seen;
            const auto before = model;
            const bool still = topics.oneIn(2);
            for (bool more = true; more;)
            {
                {
                    const Reader::Turn turn(reader);
                    more = scan.next(store, 1 + topics.below(20), [&seen](const Message& message) {
                        ++seen[std::string(message.topicName())];
                    });
                }
                for (std::size_t n = still ? 0 : topics.below(10); n > 0; --n) change(changed);
                quiescence.reclaim();
            }
            for (const auto& name : before)
            {
                const int expected = matches(text, name) ? 1 : 0;
                if (!changed.contains(name) || expected == 0)
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(where + ", " + name, expected, seen[name]);
            }
            for (const auto& [name, times] : seen)
            {
                CPPUNIT_ASSERT_MESSAGE(where + ", " + name, times <= 1);
                CPPUNIT_ASSERT_MESSAGE(where + ", " + name,
                                       before.contains(name) || changed.contains(name));
                if (times > 0) CPPUNIT_ASSERT_MESSAGE(where + ", " + name, matches(text, name));
            }
            CPPUNIT_ASSERT_EQUAL_MESSAGE(where, model.size(), store.count());
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RetainedStoreTest);

} // namespace nanomq
