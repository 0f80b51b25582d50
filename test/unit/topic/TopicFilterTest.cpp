#include "TopicSupport.h"

namespace nanomq
{

class TopicFilterTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(TopicFilterTest);
    CPPUNIT_TEST(matchesAsSection_4_7_says);
    CPPUNIT_TEST(parsesAsSection_4_7_and_4_8_2_say);
    CPPUNIT_TEST(takesASharedSubscriptionApart);
    CPPUNIT_TEST(limitsLengthAndLevels);
    CPPUNIT_TEST(acceptsTopicNamesWithoutWildcards);
    CPPUNIT_TEST_SUITE_END();

public:
    void matchesAsSection_4_7_says()
    {
        struct Case
        {
            const char* filter;
            const char* name;
            bool match;
            const char* clause;
        };
        static constexpr Case cases[] = {
            {"sport/tennis/player1/#", "sport/tennis/player1", true, "4.7.1.2 parent level"},
            {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true, "4.7.1.2 child"},
            {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true, "4.7.1.2"},
            {"sport/tennis/player1/#", "sport/tennis/player11", false, "4.7.1.2 another level"},
            {"sport/#", "sport", true, "4.7.1.2 '#' includes the parent level"},
            {"sport/#", "sports", false, "4.7.1.2 levels are whole"},
            {"#", "sport", true, "4.7.1.2 everything"},
            {"#", "/", true, "4.7.1.2 everything, empty levels too"},
            {"sport/tennis/+", "sport/tennis/player1", true, "4.7.1.3"},
            {"sport/tennis/+", "sport/tennis/player1/ranking", false, "4.7.1.3 one level only"},
            {"sport/+", "sport", false, "4.7.1.3 '+' stands for exactly one level"},
            {"sport/+", "sport/", true, "4.7.1.3 and a level may be empty"},
            {"+", "finance", true, "4.7.1.3"},
            {"+", "/finance", false, "4.7.1.3 two levels"},
            {"+/+", "/finance", true, "4.7.1.3"},
            {"/+", "/finance", true, "4.7.1.3"},
            {"+/tennis/#", "sport/tennis", true, "4.7.1.3 with '#'"},
            {"+/#", "sport", true, "4.7.1.2 parent of '+'"},
            {"sport/+/player1", "sport/tennis/player1", true, "4.7.1.3 in the middle"},
            {"sport/+/player1", "sport/tennis/player2", false, "4.7.1.3 in the middle"},
            {"sport/+/#", "sport", false, "4.7.1.3 '+' takes a level first"},
            {"#", "$SYS/uptime", false, "MQTT-4.7.2-1"},
            {"+/monitor/Clients", "$SYS/monitor/Clients", false, "MQTT-4.7.2-1"},
            {"+", "$", false, "MQTT-4.7.2-1"},
            {"$SYS/#", "$SYS/uptime", true, "4.7.2 asked for by name"},
            {"$SYS/monitor/+", "$SYS/monitor/Clients", true, "4.7.2 asked for by name"},
            {"a/+", "a/$b", true, "4.7.2 only the first level is special"},
            {"a/#", "a/$b/c", true, "4.7.2 only the first level is special"},
            {"ACCOUNTS", "Accounts", false, "4.7.3 case sensitive"},
            {"a b", "a b", true, "4.7.3 spaces are characters"},
            {"/finance", "finance", false, "4.7.3 a leading '/' makes a level"},
            {"finance/", "finance", false, "4.7.3 a trailing '/' makes a level"},
            {"a//b", "a//b", true, "4.7.1.1 empty levels"},
            {"a/+/b", "a//b", true, "4.7.1.3 empty levels"},
            {"/", "/", true, "4.7.3 a single '/' is allowed"},
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(c.clause) + ": " + c.filter + " / " + c.name,
                                         c.match, matches(filter(c.filter), c.name));
    }

    void parsesAsSection_4_7_and_4_8_2_say()
    {
        struct Case
        {
            std::string_view filter;
            bool valid;
            const char* clause;
        };
        static constexpr Case cases[] = {
            {"", false, "MQTT-4.7.3-1 at least one character"},
            {"a", true, ""},
            {"/", true, "4.7.3"},
            {"#", true, "4.7.1.2"},
            {"+", true, "4.7.1.3"},
            {"a/#", true, "4.7.1.2"},
            {"a#", false, "MQTT-4.7.1-1 '#' alone in its level"},
            {"a/b#", false, "MQTT-4.7.1-1 '#' alone in its level"},
            {"a/#b", false, "MQTT-4.7.1-1 '#' alone in its level"},
            {"a/#/b", false, "MQTT-4.7.1-1 '#' is last"},
            {"#/", false, "MQTT-4.7.1-1 '#' is last"},
            {"##", false, "MQTT-4.7.1-1"},
            {"+#", false, "MQTT-4.7.1-1"},
            {"sport+", false, "MQTT-4.7.1-2 '+' alone in its level"},
            {"+a/b", false, "MQTT-4.7.1-2 '+' alone in its level"},
            {"a/++/b", false, "MQTT-4.7.1-2 '+' alone in its level"},
            {"+/+/+/#", true, "4.7.1.3"},
            {std::string_view("a\0b", 3), false, "MQTT-4.7.3-2 no U+0000"},
            {"$SYS/#", true, "4.7.2"},
            {"$share", true, "4.8.2 no '/', so an ordinary filter"},
            {"$shared/a/b", true, "4.8.2 another level, so an ordinary filter"},
            {"$share/", false, "MQTT-4.8.2-1 no ShareName"},
            {"$share/g", false, "MQTT-4.8.2-2 no filter"},
            {"$share/g/", false, "MQTT-4.8.2-2 an empty filter"},
            {"$share//a", false, "MQTT-4.8.2-1 an empty ShareName"},
            {"$share/g+/a", false, "MQTT-4.8.2-2 a wildcard in the ShareName"},
            {"$share/#/a", false, "MQTT-4.8.2-2 a wildcard in the ShareName"},
            {"$share/+/a", false, "MQTT-4.8.2-2 a wildcard in the ShareName"},
            {"$share/g/#", true, "4.8.2"},
            {"$share/g//", true, "4.8.2 the filter is '/'"},
            {"$share/g/a#", false, "MQTT-4.7.1-1 behind the ShareName, too"},
        };
        for (const auto& c : cases)
        {
            const auto parsed = TopicFilter::parse(c.filter);
            const std::string what = std::string(c.clause) + ": " + std::string(c.filter);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(what, c.valid, static_cast<bool>(parsed));
            if (!parsed)
                CPPUNIT_ASSERT_MESSAGE(what, parsed.error() == ReasonCode::TopicFilterInvalid);
        }
    }

    void takesASharedSubscriptionApart()
    {
        const auto shared = filter("$share/group/sport/+/player1");
        CPPUNIT_ASSERT(shared.isShared());
        CPPUNIT_ASSERT(shared.shareName() == "group");
        CPPUNIT_ASSERT(shared.filter() == "sport/+/player1");
        CPPUNIT_ASSERT(shared.text() == "$share/group/sport/+/player1");
        CPPUNIT_ASSERT(shared.hasWildcard());
        const auto plain = filter("sport/tennis");
        CPPUNIT_ASSERT(!plain.isShared() && plain.shareName().empty() && !plain.hasWildcard());
        CPPUNIT_ASSERT(plain.filter() == "sport/tennis");
    }

    void limitsLengthAndLevels()
    {
        const std::string longest(65'535, 'a');
        CPPUNIT_ASSERT(TopicFilter::parse(longest));
        CPPUNIT_ASSERT(isValidTopicName(longest));
        CPPUNIT_ASSERT(!TopicFilter::parse(longest + 'a'));
        CPPUNIT_ASSERT(!isValidTopicName(longest + 'a'));

        const std::string deepest(127, '/'); // 128 levels
        CPPUNIT_ASSERT(TopicFilter::parse(deepest));
        CPPUNIT_ASSERT(isValidTopicName(deepest));
        CPPUNIT_ASSERT(TopicFilter::parse("$share/g/" + deepest));
        CPPUNIT_ASSERT(!TopicFilter::parse(deepest + '/'));
        CPPUNIT_ASSERT(!isValidTopicName(deepest + '/'));
        CPPUNIT_ASSERT(!TopicFilter::parse(std::string(65'535, '/')));
    }

    void acceptsTopicNamesWithoutWildcards()
    {
        for (const char* valid : {"a", "/", "a/b", "$SYS/x", "a b", " "})
            CPPUNIT_ASSERT_MESSAGE(valid, isValidTopicName(valid));
        for (const auto invalid :
             {std::string_view(""), std::string_view("#"), std::string_view("a/+"),
              std::string_view("a+b"), std::string_view("a/b#"), std::string_view("a\0b", 3)})
            CPPUNIT_ASSERT_MESSAGE(std::string(invalid), !isValidTopicName(invalid));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(TopicFilterTest);

} // namespace nanomq
