#include "load/Histogram.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cmath>

namespace nanomq::load
{

class HistogramTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(HistogramTest);
    CPPUNIT_TEST(quantilesAreWithinTwoPercent);
    CPPUNIT_TEST(smallValuesAreExact);
    CPPUNIT_TEST(longOnesCountAsTheLongest);
    CPPUNIT_TEST(isEmptyAtFirstAndWhenCleared);
    CPPUNIT_TEST_SUITE_END();

public:
    void quantilesAreWithinTwoPercent()
    {
        for (const std::uint64_t scale : {1'000ULL, 1'000'000ULL, 100'000'000ULL})
        {
            Histogram histogram;
            for (std::uint64_t n = 1; n <= 1000; ++n) histogram.add(n * scale);
            for (const double share : {0.1, 0.5, 0.9, 0.99})
            {
                const double wanted = share * 1000 * static_cast<double>(scale);
                const auto got = static_cast<double>(histogram.quantile(share));
                CPPUNIT_ASSERT(std::abs(got - wanted) / wanted < 0.02);
            }
            CPPUNIT_ASSERT_EQUAL(1000 * scale, histogram.maximum());
            CPPUNIT_ASSERT_EQUAL(500.5 * static_cast<double>(scale), histogram.mean());
        }
    }

    void smallValuesAreExact()
    {
        Histogram histogram;
        for (std::uint64_t n = 0; n < 100; ++n) histogram.add(n);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{25}, histogram.quantile(0.25));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{90}, histogram.quantile(0.9));
    }

    void longOnesCountAsTheLongest()
    {
        Histogram histogram;
        histogram.add(UINT64_MAX);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, histogram.count());
        CPPUNIT_ASSERT(histogram.quantile(0.5) > std::uint64_t{1} << 39);
    }

    void isEmptyAtFirstAndWhenCleared()
    {
        Histogram histogram;
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, histogram.quantile(0.5));
        histogram.add(7);
        histogram.clear();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, histogram.count());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, histogram.quantile(0.99));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HistogramTest);

} // namespace nanomq::load
