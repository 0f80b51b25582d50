#include "AnswerCache.h"
#include "Breaker.h"

#include <cppunit/extensions/HelperMacros.h>

namespace
{

using namespace auth_http;
using namespace std::chrono_literals;
using Time = std::chrono::steady_clock::time_point;

constexpr Time kStart = Time() + 1h;

Decision decision(const char* text)
{
    Decision result;
    result.kind = Decision::Kind::Allow;
    result.text = text;
    return result;
}

class DeskPartsTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(DeskPartsTest);
    CPPUNIT_TEST(answersAreFreshThenStaleThenGone);
    CPPUNIT_TEST(whatWasAskedLeastLatelyMakesRoom);
    CPPUNIT_TEST(lateAnswersAreUsedOnce);
    CPPUNIT_TEST(cacheWithoutRoomKeepsNothing);
    CPPUNIT_TEST(breakerOpensAfterFailuresInARow);
    CPPUNIT_TEST(breakerPausesLongerAndLonger);
    CPPUNIT_TEST(whatWasAskedBeforeTheBreakerOpenedSaysNothing);
    CPPUNIT_TEST(bucketKeepsTheRate);
    CPPUNIT_TEST_SUITE_END();

public:
    void answersAreFreshThenStaleThenGone()
    {
        AnswerCache cache(10);
        cache.put("q", decision("1"), kStart + 10s, kStart + 30s, AnswerCache::Use::Often);
        CPPUNIT_ASSERT_EQUAL(std::string("1"), cache.fresh("q", kStart + 9s)->text);
        CPPUNIT_ASSERT(!cache.fresh("q", kStart + 10s));
        CPPUNIT_ASSERT_EQUAL(std::string("1"), cache.stale("q", kStart + 29s)->text);
        CPPUNIT_ASSERT(!cache.stale("q", kStart + 30s));
        cache.put("q", decision("2"), kStart + 40s, kStart + 40s, AnswerCache::Use::Often);
        CPPUNIT_ASSERT_EQUAL(std::string("2"), cache.fresh("q", kStart + 39s)->text);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, cache.size());
        cache.drop("q");
        CPPUNIT_ASSERT(!cache.fresh("q", kStart));
    }

    void whatWasAskedLeastLatelyMakesRoom()
    {
        AnswerCache cache(2);
        const auto put = [&cache](const char* question) {
            cache.put(question, decision(question), kStart + 10s, kStart + 10s,
                      AnswerCache::Use::Often);
        };
        put("a");
        put("b");
        CPPUNIT_ASSERT(cache.fresh("a", kStart));
        put("c");
        CPPUNIT_ASSERT(cache.fresh("a", kStart));
        CPPUNIT_ASSERT(!cache.fresh("b", kStart));
        CPPUNIT_ASSERT(cache.fresh("c", kStart));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, cache.size());
    }

    void lateAnswersAreUsedOnce()
    {
        AnswerCache cache(2);
        cache.put("q", decision("late"), kStart + 10s, kStart + 10s, AnswerCache::Use::Once);
        CPPUNIT_ASSERT_EQUAL(std::string("late"), cache.fresh("q", kStart)->text);
        CPPUNIT_ASSERT(!cache.fresh("q", kStart));
    }

    void cacheWithoutRoomKeepsNothing()
    {
        AnswerCache cache(0);
        cache.put("q", decision("1"), kStart + 10s, kStart + 10s, AnswerCache::Use::Often);
        CPPUNIT_ASSERT(!cache.fresh("q", kStart));
    }

    void breakerOpensAfterFailuresInARow()
    {
        Breaker breaker(3, 1s, 8s);
        CPPUNIT_ASSERT(!breaker.failed(kStart, kStart));
        CPPUNIT_ASSERT(!breaker.failed(kStart, kStart));
        breaker.succeeded();
        CPPUNIT_ASSERT(!breaker.failed(kStart, kStart));
        CPPUNIT_ASSERT(!breaker.failed(kStart, kStart));
        CPPUNIT_ASSERT(breaker.state(kStart) == Breaker::State::Closed);
        CPPUNIT_ASSERT(breaker.failed(kStart, kStart));
        CPPUNIT_ASSERT(breaker.state(kStart) == Breaker::State::Open);
        CPPUNIT_ASSERT(breaker.state(kStart + 1s) == Breaker::State::Trying);
        breaker.succeeded();
        CPPUNIT_ASSERT(breaker.state(kStart) == Breaker::State::Closed);
    }

    void breakerPausesLongerAndLonger()
    {
        Breaker breaker(1, 1s, 3s);
        Time now = kStart;
        for (const auto longest : {1s, 2s, 3s, 3s})
        {
            CPPUNIT_ASSERT(breaker.failed(now, now));
            CPPUNIT_ASSERT(breaker.until() - now <= longest);
            CPPUNIT_ASSERT(breaker.until() - now >= longest / 2);
            now = breaker.until();
        }
    }

    void whatWasAskedBeforeTheBreakerOpenedSaysNothing()
    {
        Breaker breaker(1, 1s, 8s);
        CPPUNIT_ASSERT(breaker.failed(kStart, kStart));
        const Time later = breaker.until() + 5s;
        CPPUNIT_ASSERT(!breaker.failed(kStart, later));
        CPPUNIT_ASSERT(breaker.state(later) == Breaker::State::Trying);
        CPPUNIT_ASSERT(breaker.failed(later, later));
    }

    void bucketKeepsTheRate()
    {
        TokenBucket unlimited(0);
        for (int i = 0; i < 1'000; ++i) CPPUNIT_ASSERT(unlimited.take(kStart) == 0ms);

        TokenBucket bucket(10);
        for (int i = 0; i < 10; ++i) CPPUNIT_ASSERT(bucket.take(kStart) == 0ms);
        const auto whole = bucket.take(kStart);
        CPPUNIT_ASSERT(whole >= 100ms && whole <= 101ms);
        const auto half = bucket.take(kStart + 50ms);
        CPPUNIT_ASSERT(half >= 50ms && half <= 51ms);
        CPPUNIT_ASSERT(bucket.take(kStart + 101ms) == 0ms);
        CPPUNIT_ASSERT(bucket.take(kStart + 101ms) > 0ms);
        for (int i = 0; i < 10; ++i) CPPUNIT_ASSERT(bucket.take(kStart + 60s) == 0ms);
        CPPUNIT_ASSERT(bucket.take(kStart + 60s) > 0ms);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(DeskPartsTest);

} // namespace
