#include "wire/Utf8.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

namespace nanomq::test
{

namespace
{

/// The encoding of a number as if it were a character, in `size` bytes: the shortest form or not.
std::string encoded(std::uint32_t number, unsigned size)
{
    if (size == 1) return {static_cast<char>(number)};
    std::string bytes(size, '\0');
    for (unsigned i = size - 1; i > 0; --i, number >>= 6)
        bytes[i] = static_cast<char>(0x80 | (number & 0x3F));
    const unsigned marker = 0xF00U >> size & 0xFF;
    bytes[0] = static_cast<char>(marker | number);
    return bytes;
}

unsigned shortest(std::uint32_t number)
{
    return number < 0x80 ? 1 : number < 0x800 ? 2 : number < 0x10000 ? 3 : 4;
}

} // namespace

class Utf8Test : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(Utf8Test);
    CPPUNIT_TEST(acceptsAndRefusesAsSection_1_5_4_says);
    CPPUNIT_TEST(knowsEveryCharacter);
    CPPUNIT_TEST(refusesEveryOverlongForm);
    CPPUNIT_TEST(agreesWithItselfWhereverTheBadByteStands);
    CPPUNIT_TEST(acceptsLongTextOfAllSizes);
    CPPUNIT_TEST(findsWildcardsAnywhere);
    CPPUNIT_TEST_SUITE_END();

public:
    void acceptsAndRefusesAsSection_1_5_4_says()
    {
        using namespace std::string_view_literals;
        struct Case
        {
            std::string_view text;
            bool valid;
            const char* why;
        };
        static constexpr Case cases[] = {
            {""sv, true, "empty"},
            {"a"sv, true, "one letter"},
            {"\x01\x1F\x7F"sv, true, "control characters are left to the receiver"},
            {"A\xF0\xAA\x9B\x94"sv, true, "the example of the standard, U+2A6D4"},
            {"\xEF\xBB\xBF"
             "a"sv,
             true, "MQTT-1.5.4-3: U+FEFF stays"},
            {"\xEF\xBF\xBF"sv, true, "U+FFFF, a non-character"},
            {"\xC2\x80"sv, true, "U+0080, first of two bytes"},
            {"\xDF\xBF"sv, true, "U+07FF, last of two bytes"},
            {"\xE0\xA0\x80"sv, true, "U+0800, first of three bytes"},
            {"\xED\x9F\xBF"sv, true, "U+D7FF, just below the surrogates"},
            {"\xEE\x80\x80"sv, true, "U+E000, just above the surrogates"},
            {"\xF0\x90\x80\x80"sv, true, "U+10000, first of four bytes"},
            {"\xF4\x8F\xBF\xBF"sv, true, "U+10FFFF, the last"},
            {"\0"sv, false, "MQTT-1.5.4-2: U+0000"},
            {"abc\0def"sv, false, "MQTT-1.5.4-2: U+0000 inside"},
            {"\xED\xA0\x80"sv, false, "MQTT-1.5.4-1: U+D800"},
            {"\xED\xBF\xBF"sv, false, "MQTT-1.5.4-1: U+DFFF"},
            {"\xED\xA0\x81\xED\xB0\x80"sv, false, "MQTT-1.5.4-1: a pair of surrogates"},
            {"\xC0\x80"sv, false, "U+0000 in two bytes"},
            {"\xC0\xAF"sv, false, "'/' in two bytes"},
            {"\xC1\xBF"sv, false, "U+007F in two bytes"},
            {"\xE0\x9F\xBF"sv, false, "U+07FF in three bytes"},
            {"\xF0\x8F\xBF\xBF"sv, false, "U+FFFF in four bytes"},
            {"\xF4\x90\x80\x80"sv, false, "U+110000"},
            {"\xF5\x80\x80\x80"sv, false, "a lead byte beyond Unicode"},
            {"\xF8\x88\x80\x80\x80"sv, false, "a form of five bytes"},
            {"\xFE"sv, false, "a byte that is none"},
            {"\xFF"sv, false, "a byte that is none"},
            {"\x80"sv, false, "a continuation without a lead"},
            {"a\xBFz"sv, false, "a continuation inside"},
            {"\xC3"sv, false, "cut off after one of two"},
            {"\xE2\x82"sv, false, "cut off after two of three"},
            {"\xF0\x9F\x8C"sv, false, "cut off after three of four"},
            {"\xE2\x82z"sv, false, "a letter for the third byte"},
            {"\xE2z\xAC"sv, false, "a letter for the second byte"},
            {"\xF0\x9F\x8Cz"sv, false, "a letter for the fourth byte"},
            {"\xC3\xC3\xA9"sv, false, "a lead for the second byte"},
        };
        for (const auto& c : cases)
        {
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.why, c.valid, isUtf8(c.text));
            const std::string longer = "twelve bytes" + std::string(c.text) + "and some more";
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.why, c.valid, isUtf8(longer));
        }
    }

    void knowsEveryCharacter()
    {
        for (std::uint32_t number = 1; number < 0x120000; ++number)
        {
            const bool character = number <= 0x10FFFF && !(number >= 0xD800 && number <= 0xDFFF);
            if (isUtf8(encoded(number, shortest(number))) == character) continue;
            CPPUNIT_FAIL("U+" + std::to_string(number) + " (decimal)");
        }
    }

    void refusesEveryOverlongForm()
    {
        for (std::uint32_t number = 0; number < 0x10000; ++number)
        {
            for (unsigned size = shortest(number) + 1; size <= 4; ++size)
            {
                if (!isUtf8(encoded(number, size))) continue;
                CPPUNIT_FAIL(std::to_string(number) + " in " + std::to_string(size) + " bytes");
            }
        }
    }

    void agreesWithItselfWhereverTheBadByteStands()
    {
        for (std::size_t size = 1; size <= 40; ++size)
        {
            for (std::size_t at = 0; at < size; ++at)
            {
                for (const char bad : {'\0', '\x80', '\xC3', '\xFF'})
                {
                    std::string text(size, 'a');
                    CPPUNIT_ASSERT(isUtf8(text));
                    text[at] = bad;
                    CPPUNIT_ASSERT(!isUtf8(text));
                    if (at + 1 == size) continue;
                    text[at] = '\xC3';
                    text[at + 1] = '\xA9';
                    CPPUNIT_ASSERT(isUtf8(text));
                }
            }
        }
    }

    void acceptsLongTextOfAllSizes()
    {
        std::string text;
        while (text.size() < 65'530)
            text += "gr\xC3\xBC\xC3\x9F"
                    "e \xE2\x82\xAC ";
        CPPUNIT_ASSERT(isUtf8(text));
        text.back() = '\0';
        CPPUNIT_ASSERT(!isUtf8(text));
    }

    void findsWildcardsAnywhere()
    {
        CPPUNIT_ASSERT(!hasWildcard(""));
        for (std::size_t size = 1; size <= 40; ++size)
        {
            for (std::size_t at = 0; at < size; ++at)
            {
                std::string text(size, '/');
                for (unsigned byte = 0; byte < 256; ++byte)
                {
                    text[at] = static_cast<char>(byte);
                    CPPUNIT_ASSERT_EQUAL(byte == '+' || byte == '#', hasWildcard(text));
                }
            }
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(Utf8Test);

} // namespace nanomq::test
