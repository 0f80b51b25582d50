#include "base/AlarmList.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

namespace nanomq::test
{

class AlarmListTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(AlarmListTest);
    CPPUNIT_TEST(standsOnceAndCounts);
    CPPUNIT_TEST(remembersWhatIsOverTheLatestFirst);
    CPPUNIT_TEST(clearsByItselfWhatIsNotRaisedAgain);
    CPPUNIT_TEST(clearsAllOfAName);
    CPPUNIT_TEST(isBounded);
    CPPUNIT_TEST_SUITE_END();

    static constexpr auto kWarning = AlarmSeverity::Warning;

public:
    void standsOnceAndCounts()
    {
        AlarmList alarms;
        std::string told;
        alarms.onChange([&](const Alarm& alarm) {
            told += alarm.name + (alarm.clearedAt == 0 ? "+" : "-");
        });
        CPPUNIT_ASSERT(alarms.raise("a", kWarning, "one"));
        CPPUNIT_ASSERT(!alarms.raise("a", AlarmSeverity::Error, "two"));
        const auto active = alarms.active();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, active.size());
        CPPUNIT_ASSERT_EQUAL(std::string("two"), active[0].details);
        CPPUNIT_ASSERT(active[0].raised == 2 && active[0].severity == AlarmSeverity::Error);
        CPPUNIT_ASSERT(active[0].raisedAt > 0 && active[0].clearedAt == 0);
        CPPUNIT_ASSERT(alarms.clear("a") && !alarms.clear("a"));
        CPPUNIT_ASSERT_EQUAL(std::string("a+a-"), told);
    }

    void remembersWhatIsOverTheLatestFirst()
    {
        AlarmList alarms;
        for (const char* name : {"a", "b"})
        {
            alarms.raise(name, kWarning, "");
            alarms.clear(name);
        }
        const auto history = alarms.history();
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, history.size());
        CPPUNIT_ASSERT(history[0].name == "b" && history[1].name == "a");
        CPPUNIT_ASSERT(history[0].clearedAt >= history[0].raisedAt);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, alarms.activeCount());
    }

    void clearsByItselfWhatIsNotRaisedAgain()
    {
        AlarmList alarms;
        const MonotonicMs now = monotonicNow();
        alarms.raise("stays", kWarning, "");
        alarms.raiseFor(std::chrono::hours(1), "passes", kWarning, "");
        alarms.expire(now + 3'000'000);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, alarms.activeCount());
        alarms.raiseFor(std::chrono::hours(2), "passes", kWarning, "");
        alarms.expire(now + 4'000'000);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, alarms.activeCount());
        alarms.expire(now + 8'000'000);
        CPPUNIT_ASSERT_EQUAL(std::string("stays"), alarms.active().at(0).name);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, alarms.history().size());
    }

    void clearsAllOfAName()
    {
        AlarmList alarms;
        for (const char* name : {"a.x", "a.y", "ab", "b"}) alarms.raise(name, kWarning, "");
        alarms.clearAll("a.");
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, alarms.activeCount());
    }

    void isBounded()
    {
        AlarmList alarms;
        for (std::size_t i = 0; i < AlarmList::kMaximumActive + 10; ++i)
            alarms.raise("a" + std::to_string(i), kWarning, std::string(5'000, 'x'));
        CPPUNIT_ASSERT_EQUAL(AlarmList::kMaximumActive, alarms.activeCount());
        CPPUNIT_ASSERT_EQUAL(AlarmList::kMaximumDetails, alarms.active()[0].details.size());
        alarms.clearAll("a");
        CPPUNIT_ASSERT_EQUAL(AlarmList::kMaximumHistory, alarms.history().size());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AlarmListTest);

} // namespace nanomq::test
