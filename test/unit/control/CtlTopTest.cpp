#include "Top.h"

#include <Poco/JSON/Parser.h>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include <string>

using namespace nanomq::ctl;
using Poco::JSON::Array;
using Poco::JSON::Object;

/// What `nanomqctl top` makes of two looks at the broker.
class CtlTopTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(CtlTopTest);
    CPPUNIT_TEST(tellsRatesOfTheTimeBetweenTwoLooks);
    CPPUNIT_TEST(hooksThatTakeMostTimeComeFirst);
    CPPUNIT_TEST(pluginThatWasReloadedCountsFromZero);
    CPPUNIT_TEST(tellsWhichWorkersAreHeld);
    CPPUNIT_TEST_SUITE_END();

    static Object::Ptr parse(const std::string& json)
    {
        Poco::JSON::Parser parser;
        return parser.parse(json).extract<Object::Ptr>();
    }
    static TopFigures look(int received, int generation, int calls, int otherCalls = 0)
    {
        const auto hook = [](const char* point, int count, int meanNs) {
            return std::string(R"({"point":")") + point + R"(","calls":)" + std::to_string(count) +
                   R"(,"errors":0,"deferrals":0,"mean_ns":)" + std::to_string(meanNs) + '}';
        };
        return {parse(R"({"version":"1","messages_received":)" + std::to_string(received) + '}'),
                parse(R"({"plugins":[{"name":"guard","events":0,"generation":)" +
                      std::to_string(generation) +
                      R"(,"holds":[{"worker":1,"duration_ms":1500}],"points":[)" +
                      hook("client.connect", calls, 1'000) + ',' +
                      hook("message.publish", otherCalls, 1'000'000) + "]}]}")};
    }
    static Object::Ptr row(const Object::Ptr& shown, const char* table, unsigned index)
    {
        return shown->getArray(table)->getObject(index);
    }

public:
    void tellsRatesOfTheTimeBetweenTwoLooks()
    {
        const auto shown =
            look(1'100, 1, 250).since(look(100, 1, 50), std::chrono::duration<double>(2));
        CPPUNIT_ASSERT_EQUAL(500.0, shown->getValue<double>("received_per_s"));
        CPPUNIT_ASSERT_EQUAL(100.0, row(shown, "hooks", 0)->getValue<double>("calls_per_s"));
    }

    void hooksThatTakeMostTimeComeFirst()
    {
        const auto shown =
            look(0, 1, 500, 100).since(look(0, 1, 0, 0), std::chrono::duration<double>(1));
        CPPUNIT_ASSERT_EQUAL(std::string("message.publish"),
                             row(shown, "hooks", 0)->getValue<std::string>("hook"));
        CPPUNIT_ASSERT_EQUAL(10.0, row(shown, "hooks", 0)->getValue<double>("busy_percent"));
    }

    void pluginThatWasReloadedCountsFromZero()
    {
        const auto shown =
            look(0, 2, 30).since(look(0, 1, 1'000), std::chrono::duration<double>(1));
        CPPUNIT_ASSERT_EQUAL(30.0, row(shown, "hooks", 0)->getValue<double>("calls_per_s"));
    }

    void tellsWhichWorkersAreHeld()
    {
        const auto shown = look(0, 1, 0).since(look(0, 1, 0), std::chrono::duration<double>(1));
        CPPUNIT_ASSERT_EQUAL(std::string("worker 1 1500 ms"),
                             row(shown, "plugins", 0)->getValue<std::string>("holds"));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CtlTopTest);
