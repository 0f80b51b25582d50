#include "session/TopicAliases.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

namespace nanomq
{

class TopicAliasesTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(TopicAliasesTest);
    CPPUNIT_TEST(setsAnAliasOnceAndThenUsesIt);
    CPPUNIT_TEST(setsNoneWhereThePacketMayNotGrow);
    CPPUNIT_TEST(leavesShortAndVeryLongNamesAlone);
    CPPUNIT_TEST(givesNoMoreThanTheClientTakes);
    CPPUNIT_TEST_SUITE_END();

public:
    void setsAnAliasOnceAndThenUsesIt()
    {
        TopicAliases aliases(10);
        const auto first = aliases.use(_name, true);
        CPPUNIT_ASSERT_EQUAL(std::uint16_t{1}, first.alias);
        CPPUNIT_ASSERT(!first.isSet);
        const auto second = aliases.use(_name, true);
        CPPUNIT_ASSERT_EQUAL(std::uint16_t{1}, second.alias);
        CPPUNIT_ASSERT(second.isSet);
        CPPUNIT_ASSERT_EQUAL(std::uint16_t{2}, aliases.use(_name + "/2", true).alias);
    }

    void setsNoneWhereThePacketMayNotGrow()
    {
        TopicAliases aliases(10);
        CPPUNIT_ASSERT_EQUAL(std::uint16_t{0}, aliases.use(_name, false).alias);
        aliases.use(_name, true);
        CPPUNIT_ASSERT_MESSAGE("one that is set makes it shorter", aliases.use(_name, false).isSet);
    }

    void leavesShortAndVeryLongNamesAlone()
    {
        TopicAliases aliases(10);
        CPPUNIT_ASSERT_EQUAL(std::uint16_t{0}, aliases.use("a/b", true).alias);
        const std::string longName(TopicAliases::kLongestName + 1, 'x');
        CPPUNIT_ASSERT_EQUAL(std::uint16_t{0}, aliases.use(longName, true).alias);
    }

    void givesNoMoreThanTheClientTakes()
    {
        TopicAliases aliases(2);
        for (const char* end : {"1", "2"})
            CPPUNIT_ASSERT(aliases.use(_name + end, true).alias != 0);
        CPPUNIT_ASSERT_EQUAL(std::uint16_t{0}, aliases.use(_name + "3", true).alias);
        CPPUNIT_ASSERT(aliases.use(_name + "1", true).isSet);
    }

private:
    const std::string _name = "a/topic/name/that/is/long/enough";
};

CPPUNIT_TEST_SUITE_REGISTRATION(TopicAliasesTest);

} // namespace nanomq
