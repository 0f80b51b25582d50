#include "TopicPattern.h"
#include "nanomq/testing.h"

#include <Poco/Exception.h>

#include <cppunit/extensions/HelperMacros.h>

namespace
{

using auth_file::TopicPattern;
using nanomq::sdk::testing::FakeClient;

class TopicPatternTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(TopicPatternTest);
    CPPUNIT_TEST(coversAndOverlaps);
    CPPUNIT_TEST(namesAreTakenLiterallyAndNeverWidenARight);
    CPPUNIT_TEST(anonymousClientsHaveNoUserNameToPutIn);
    CPPUNIT_TEST(refusesWhatIsNoTopicFilter);
    CPPUNIT_TEST(takesTopicsOfManyLevels);
    CPPUNIT_TEST_SUITE_END();

public:
    void coversAndOverlaps()
    {
        struct Case
        {
            const char* pattern;
            const char* asked;
            bool covers, overlaps;
        };
        static constexpr Case cases[] = {
            // Topic Names: both are a plain match.
            {"a/b", "a/b", true, true},
            {"a/b", "a/c", false, false},
            {"a/b", "a", false, false},
            {"a/b", "a/b/c", false, false},
            {"a/b", "a/b/", false, false},
            {"a/+", "a/b", true, true},
            {"a/+", "a/", true, true},
            {"a/+", "a", false, false},
            {"a/#", "a", true, true},
            {"a/#", "a/b/c", true, true},
            {"a/#", "ab", false, false},
            {"#", "a/b", true, true},
            {"+/b", "a/b", true, true},
            {"/a", "/a", true, true},
            {"/a", "a", false, false},
            // Topic Filters: covering all of it, touching some of it.
            {"a/b", "a/+", false, true},
            {"a/b", "a/#", false, true},
            {"a/b", "#", false, true},
            {"a/b", "+/b", false, true},
            {"a/b", "+/c", false, false},
            {"a/b", "+", false, false},
            {"a/+", "a/+", true, true},
            {"a/+", "a/#", false, true},
            {"a/+", "+/+", false, true},
            {"a/#", "a/+", true, true},
            {"a/#", "a/#", true, true},
            {"a/#", "a/+/c", true, true},
            {"a/#", "+/b", false, true},
            {"a/#", "#", false, true},
            {"a/#", "b/#", false, false},
            {"a", "a/#", false, true}, // '#' includes the level above it
            {"a/b", "a/b/#", false, true},
            {"a/b", "a/b/c/#", false, false},
            {"#", "#", true, true},
            {"#", "+", true, true},
            {"+", "#", false, true},
            {"+/#", "+/+", true, true},
            {"a/+/c", "a/b/#", false, true},
            // '$' in front (§4.7.2).
            {"#", "$SYS/uptime", false, false},
            {"+/uptime", "$SYS/uptime", false, false},
            {"#", "$SYS/#", false, false},
            {"$SYS/#", "$SYS/uptime", true, true},
            {"$SYS/#", "$SYS/#", true, true},
            {"$SYS/#", "#", false, false},
            {"$SYS/uptime", "+/uptime", false, false},
            {"$SYS/+", "$SYS/#", false, true},
            // Literal ones.
            {"@#", "#", true, true},
            {"@#", "a/#", false, false},
            {"@#", "a", false, false},
            {"@a/+", "a/+", true, true},
            {"@a/+", "a/b", false, false},
        };
        const FakeClient client("c1", "alice");
        for (const auto& c : cases)
        {
            const TopicPattern pattern(c.pattern);
            const std::string name = std::string(c.pattern) + " and " + c.asked;
            CPPUNIT_ASSERT_EQUAL_MESSAGE("covers: " + name, c.covers,
                                         pattern.covers(c.asked, *client.get()));
            CPPUNIT_ASSERT_EQUAL_MESSAGE("overlaps: " + name, c.overlaps,
                                         pattern.overlaps(c.asked, *client.get()));
        }
    }

    void namesAreTakenLiterallyAndNeverWidenARight()
    {
        struct Case
        {
            const char* clientId;
            const char* pattern;
            const char* asked;
            bool covers, overlaps;
        };
        static constexpr Case cases[] = {
            {"c1", "dev/%c/#", "dev/c1/x", true, true},
            {"c1", "dev/%c/#", "dev/c1/#", true, true},
            {"c1", "dev/%c/#", "dev/c2/x", false, false},
            {"c1", "dev/%c/#", "dev/+/x", false, true},
            {"c1", "dev/${clientid}", "dev/c1", true, true},
            {"c1", "dev/x-%c-y", "dev/x-c1-y", true, true},
            {"c1", "dev/x-%c-y", "dev/x-c1", false, false},
            {"c1", "%u/%c", "alice/c1", true, true},
            {"c1", "${username}/x", "alice/x", true, true},
            {"c1", "@dev/%c", "dev/c1", true, true},
            // CVE-2017-7650 and its family: wildcards and separators in names.
            {"#", "dev/%c", "dev/#", false, true},
            {"#", "dev/%c", "dev/x", false, true},
            {"+", "dev/%c", "dev/+", false, true},
            {"+", "dev/%c/x", "dev/c1/x", false, true},
            {"a/b", "dev/%c/x", "dev/a/b/x", false, true},
            {"c1/#", "dev/%c", "dev/c1/#", false, true},
            {"a+b", "dev/%c", "dev/a+b", false, true},
            {"#", "@dev/%c", "dev/#", false, true},
            {"#", "other/%c", "dev/x", false, false},
            // A name is no way to what begins with '$'.
            {"$SYS", "%c/#", "$SYS/#", false, true},
            {"$SYS", "%c/#", "$SYS/uptime", false, true},
            {"$edge", "dev/%c", "dev/$edge", true, true},
            // A name that looks like a placeholder stays what it is.
            {"%u", "dev/%c", "dev/alice", false, false},
            {"%u", "dev/%c", "dev/%u", true, true},
        };
        for (const auto& c : cases)
        {
            const FakeClient client(c.clientId, "alice");
            const TopicPattern pattern(c.pattern);
            const std::string name =
                std::string(c.clientId) + ": " + c.pattern + " and " + c.asked;
            CPPUNIT_ASSERT_EQUAL_MESSAGE("covers: " + name, c.covers,
                                         pattern.covers(c.asked, *client.get()));
            CPPUNIT_ASSERT_EQUAL_MESSAGE("overlaps: " + name, c.overlaps,
                                         pattern.overlaps(c.asked, *client.get()));
        }
    }

    void anonymousClientsHaveNoUserNameToPutIn()
    {
        const FakeClient anonymous("c1");
        const TopicPattern pattern("users/%u/x");
        for (const char* asked : {"users//x", "users/a/x", "users/%u/x"})
        {
            CPPUNIT_ASSERT(!pattern.covers(asked, *anonymous.get()));
            CPPUNIT_ASSERT(pattern.overlaps(asked, *anonymous.get()));
        }
    }

    void refusesWhatIsNoTopicFilter()
    {
        for (const char* wrong : {"", "@", "a/#/b", "#/a", "a+", "a/b#", "a/+b/c"})
            CPPUNIT_ASSERT_THROW_MESSAGE(wrong, TopicPattern{wrong}, Poco::DataFormatException);
    }

    void takesTopicsOfManyLevels()
    {
        const FakeClient client("c1");
        const std::string deep(65'535, '/');
        CPPUNIT_ASSERT(!TopicPattern("a/#").covers(deep, *client.get()));
        CPPUNIT_ASSERT(TopicPattern("#").covers(deep, *client.get()));
        CPPUNIT_ASSERT(TopicPattern(deep).covers(deep, *client.get()));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(TopicPatternTest);

} // namespace
