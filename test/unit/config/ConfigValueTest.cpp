#include "config/ConfigValue.h"

#include <cppunit/extensions/HelperMacros.h>

#include <limits>
#include <optional>

namespace nanomq::test
{

class ConfigValueTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(ConfigValueTest);
    CPPUNIT_TEST(readsBooleansInTheirManyForms);
    CPPUNIT_TEST(readsWholeNumbersInTheirRange);
    CPPUNIT_TEST(readsNumbersWithFractions);
    CPPUNIT_TEST(readsDurations);
    CPPUNIT_TEST(readsSizes);
    CPPUNIT_TEST(readsChoicesInAnyCase);
    CPPUNIT_TEST(readsLists);
    CPPUNIT_TEST(saysWhatWasExpected);
    CPPUNIT_TEST(showsDurationsAndSizesInTheirLargestUnit);
    CPPUNIT_TEST_SUITE_END();

    static constexpr std::int64_t kRefused = -1;

    static std::int64_t milliseconds(const char* text, const char* unit)
    {
        const auto value =
            parseDuration(text, unit, std::chrono::milliseconds(0), kUnlimitedDuration);
        return value ? (*value).count() : kRefused;
    }

    static std::int64_t bytes(const char* text, const char* unit)
    {
        const auto value = parseSize(text, unit, 0, INT64_MAX);
        return value ? static_cast<std::int64_t>(*value) : kRefused;
    }

public:
    void readsBooleansInTheirManyForms()
    {
        for (const char* text : {"true", "on", "yes", "1", "enable", "enabled", "TRUE", "On"})
            CPPUNIT_ASSERT_MESSAGE(text, parseBoolean(text) && *parseBoolean(text));
        for (const char* text : {"false", "off", "no", "0", "disable", "disabled", "FALSE", "Off"})
            CPPUNIT_ASSERT_MESSAGE(text, parseBoolean(text) && !*parseBoolean(text));
        for (const char* text : {"", "2", "tru", "true ", "ja"})
            CPPUNIT_ASSERT_MESSAGE(text, !parseBoolean(text));
    }

    void readsWholeNumbersInTheirRange()
    {
        CPPUNIT_ASSERT_EQUAL(std::int64_t{-5}, *parseInteger("-5", -5, 5));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{5}, *parseInteger("05", -5, 5));
        for (const char* text :
             {"-6", "6", "", "1.0", "1e0", "0x1", "+1", " 1", "one", "99999999999999999999"})
            CPPUNIT_ASSERT_MESSAGE(text, !parseInteger(text, -5, 5));
    }

    void readsNumbersWithFractions()
    {
        CPPUNIT_ASSERT_EQUAL(1.25, *parseNumber("1.25", 1, 2));
        CPPUNIT_ASSERT_EQUAL(2.0, *parseNumber("2", 1, 2));
        for (const char* text : {"0.99", "2.01", "", "nan", "1,5", "1.5x"})
            CPPUNIT_ASSERT_MESSAGE(text, !parseNumber(text, 1, 2));
    }

    void readsDurations()
    {
        struct Case
        {
            const char* text;
            const char* unit;
            std::int64_t milliseconds;
        };
        static constexpr Case cases[] = {
            {"500ms", "", 500},
            {"10s", "", 10'000},
            {"10 s", "", 10'000},
            {"5m", "ms", 300'000},
            {"1H", "", 3'600'000},
            {"7d", "", 604'800'000},
            {"60", "s", 60'000},
            {"60", "ms", 60},
            {"0", "", 0},
            {"60", "", kRefused}, // which unit?
            {"", "s", kRefused},
            {"s", "s", kRefused},
            {"-1s", "s", kRefused},
            {"1.5s", "s", kRefused},
            {"1y", "s", kRefused},
            {"1m30s", "s", kRefused},
            {"9223372036854775807d", "s", kRefused}, // more milliseconds than there are
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.text, c.milliseconds, milliseconds(c.text, c.unit));
    }

    void readsSizes()
    {
        struct Case
        {
            const char* text;
            const char* unit;
            std::int64_t bytes;
        };
        static constexpr Case cases[] = {
            {"1024", "B", 1024},
            {"1024", "KB", 1'048'576},
            {"64KB", "B", 65'536},
            {"64kb", "B", 65'536},
            {"64K", "B", 65'536},
            {"64KiB", "B", 65'536},
            {"4 MB", "B", 4'194'304},
            {"2GB", "B", 2'147'483'648},
            {"100B", "KB", 100},
            {"4TB", "B", kRefused},
            {"MB", "B", kRefused},
            {"-1MB", "B", kRefused},
            {"9223372036854775807KB", "B", kRefused},
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.text, c.bytes, bytes(c.text, c.unit));
    }

    void readsChoicesInAnyCase()
    {
        const std::vector<std::string> choices = {"plain", "Base64"};
        CPPUNIT_ASSERT_EQUAL(std::string_view("Base64"), *parseChoice("base64", choices));
        CPPUNIT_ASSERT(!parseChoice("base6", choices));
    }

    void readsLists()
    {
        const auto items = parseList(" a, b c ,d");
        CPPUNIT_ASSERT(items);
        CPPUNIT_ASSERT((*items == std::vector<std::string_view>{"a", "b c", "d"}));
        CPPUNIT_ASSERT(parseList(" ") && parseList("")->empty());
        for (const char* text : {",", "a,", ",a", "a,,b"})
            CPPUNIT_ASSERT_MESSAGE(text, !parseList(text));
    }

    void saysWhatWasExpected()
    {
        using std::chrono::milliseconds;
        const std::vector<std::string> choices = {"a", "b", "c"};
        CPPUNIT_ASSERT_EQUAL(std::string("expected true or false"),
                             parseBoolean("x").error().message);
        CPPUNIT_ASSERT_EQUAL(std::string("expected a whole number from 1 to 64"),
                             parseInteger("x", 1, 64).error().message);
        CPPUNIT_ASSERT_EQUAL(std::string("expected a whole number of at least 1"),
                             parseInteger("x", 1, INT64_MAX).error().message);
        CPPUNIT_ASSERT_EQUAL(std::string("expected a number from 1 to 2.5"),
                             parseNumber("x", 1, 2.5).error().message);
        CPPUNIT_ASSERT_EQUAL(
            std::string("expected a duration such as 10s, 5m or 500ms, from 1s to 1h"),
            parseDuration("x", "", milliseconds(1'000), milliseconds(3'600'000)).error().message);
        CPPUNIT_ASSERT_EQUAL(std::string("expected a size such as 64KB or 4MB (a number without a "
                                         "unit counts KB), from 128B to 256MB"),
                             parseSize("x", "KB", 128, 256 << 20).error().message);
        CPPUNIT_ASSERT_EQUAL(std::string("expected a, b or c"),
                             parseChoice("x", choices).error().message);
    }

    void showsDurationsAndSizesInTheirLargestUnit()
    {
        using std::chrono::milliseconds;
        CPPUNIT_ASSERT_EQUAL(std::string("90s"), durationText(milliseconds(90'000)));
        CPPUNIT_ASSERT_EQUAL(std::string("2d"), durationText(milliseconds(172'800'000)));
        CPPUNIT_ASSERT_EQUAL(std::string("1500ms"), durationText(milliseconds(1'500)));
        CPPUNIT_ASSERT_EQUAL(std::string("0s"), durationText(milliseconds(0)));
        CPPUNIT_ASSERT_EQUAL(std::string("unlimited"), durationText(kUnlimitedDuration));
        CPPUNIT_ASSERT_EQUAL(std::string("4MB"), sizeText(4 << 20));
        CPPUNIT_ASSERT_EQUAL(std::string("1000B"), sizeText(1000));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConfigValueTest);

} // namespace nanomq::test
