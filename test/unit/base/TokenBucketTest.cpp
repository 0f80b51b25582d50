#include "base/TokenBucket.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

namespace nanomq::test
{

class TokenBucketTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(TokenBucketTest);
    CPPUNIT_TEST(givesOneSecondsWorthAtOnce);
    CPPUNIT_TEST(tellsHowLongToWait);
    CPPUNIT_TEST(paysForWhatWasTooMuch);
    CPPUNIT_TEST(savesNoMoreThanASecond);
    CPPUNIT_TEST(knowsNoLimitForZero);
    CPPUNIT_TEST_SUITE_END();

public:
    void givesOneSecondsWorthAtOnce()
    {
        TokenBucket bucket(10);
        int taken = 0;
        for (; bucket.wait(5'000) == 0; ++taken) bucket.take(1, 5'000);
        CPPUNIT_ASSERT_EQUAL(10, taken);
    }

    void tellsHowLongToWait()
    {
        TokenBucket bucket(10);
        bucket.take(10, 0);
        const auto wait = bucket.wait(0);
        CPPUNIT_ASSERT(wait >= 1 && wait <= 100);
        CPPUNIT_ASSERT_EQUAL(MonotonicMs{0}, bucket.wait(wait));
        bucket.take(1, wait);
        CPPUNIT_ASSERT(bucket.wait(wait) >= 99);
    }

    void paysForWhatWasTooMuch()
    {
        TokenBucket bucket(1'000);
        bucket.take(5'000, 0); // five seconds' worth: four are to be paid
        CPPUNIT_ASSERT_EQUAL(MonotonicMs{4'001}, bucket.wait(0));
        CPPUNIT_ASSERT_EQUAL(MonotonicMs{1}, bucket.wait(4'000));
        CPPUNIT_ASSERT_EQUAL(MonotonicMs{0}, bucket.wait(4'001));
        TokenBucket slow(1);
        slow.take(std::uint64_t{1} << 32, 0);
        CPPUNIT_ASSERT(slow.wait(0) > MonotonicMs{4'000'000'000'000});
    }

    void savesNoMoreThanASecond()
    {
        TokenBucket bucket(10);
        bucket.take(1, 0);
        int taken = 0;
        for (; bucket.wait(3'600'000) == 0; ++taken) bucket.take(1, 3'600'000);
        CPPUNIT_ASSERT_EQUAL(10, taken);
    }

    void knowsNoLimitForZero()
    {
        TokenBucket bucket(0);
        for (int i = 0; i < 100; ++i) bucket.take(1'000'000, 0);
        CPPUNIT_ASSERT(!bucket.limits() && bucket.wait(0) == 0);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(TokenBucketTest);

} // namespace nanomq::test
