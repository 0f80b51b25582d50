#include "Storm.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include <iostream>

namespace nanomq::test
{

/// The short form of scripts/storm.
class StormTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(StormTest);
    CPPUNIT_TEST(pluginsComeAndGoUnderLoadAndNothingIsLost);
    CPPUNIT_TEST_SUITE_END();

public:
    void pluginsComeAndGoUnderLoadAndNothingIsLost()
    {
        Storm storm({.rounds = 60 / kSlowness, .bad = 150 / kSlowness});
        const Storm::Report report = storm.run();
        CPPUNIT_ASSERT(report.published > 0);
        CPPUNIT_ASSERT_EQUAL(2 * (report.published), report.received);
        report.print(std::cout);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(StormTest);

} // namespace nanomq::test
