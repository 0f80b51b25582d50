#include "config/ConfigFile.h"
#include "Reports.h"
#include "support/TemporaryFolder.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>

namespace nanomq::test
{

class ConfigFileTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(ConfigFileTest);
    CPPUNIT_TEST(takesTheValueAsItStandsBehindTheFirstEqualsSign);
    CPPUNIT_TEST(skipsCommentsAndEmptyLines);
    CPPUNIT_TEST(keepsOrderAndLines);
    CPPUNIT_TEST(dropsByteOrderMarkAndCarriageReturns);
    CPPUNIT_TEST(tellsEveryBadLineAtOnce);
    CPPUNIT_TEST(refusesTheSecondOfTwoEqualKeysAndKeepsTheFirst);
    CPPUNIT_TEST(readsALastLineWithoutItsEnd);
    CPPUNIT_TEST(stopsAtTheMaximumOfLines);
    CPPUNIT_TEST(reportsAFileThatIsNotThere);
    CPPUNIT_TEST(reportsAFolderInPlaceOfAFile);
    CPPUNIT_TEST(reportsAFileThatIsTooLarge);
    CPPUNIT_TEST_SUITE_END();

public:
    void takesTheValueAsItStandsBehindTheFirstEqualsSign()
    {
        struct Case
        {
            const char* line;
            const char* key;
            const char* value;
        };
        static constexpr Case cases[] = {
            {"a=b", "a", "b"},
            {"  a \t=\t b c  ", "a", "b c"},
            {"a=", "a", ""},
            {"a=b=c==", "a", "b=c=="},
            {"url=nmq-tcp://[::1]:1883", "url", "nmq-tcp://[::1]:1883"},
            {R"(web.hook.rule.client.connack.1={"action": "on_client_connack"})",
             "web.hook.rule.client.connack.1", R"({"action": "on_client_connack"})"},
            {R"(path=C:\new\table\)", "path", R"(C:\new\table\)"},
            {"x=${HOME} # not a comment", "x", "${HOME} # not a comment"},
            {"x=\"quoted\"", "x", "\"quoted\""},
            {"web.hook.headers.content-type=a/b; c=\"d\"", "web.hook.headers.content-type",
             "a/b; c=\"d\""},
            {"grüße=1", nullptr, nullptr},
            {"name=grüße", "name", "grüße"},
        };
        for (const auto& c : cases)
        {
            const ConfigFile file = ConfigFile::parse("f", c.line, _report);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.line, c.key == nullptr, file.entries().empty());
            if (c.key == nullptr) continue;
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.line, std::string(c.key), file.entries()[0].key);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.line, std::string(c.value), file.entries()[0].value);
        }
    }

    void skipsCommentsAndEmptyLines()
    {
        const ConfigFile file = ConfigFile::parse("f", "\n# a=1\n  \t# b=2\n\t\n#\n", _report);
        CPPUNIT_ASSERT(file.entries().empty());
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(_report.errors));
    }

    void keepsOrderAndLines()
    {
        const ConfigFile file = ConfigFile::parse("conf.d/x.conf", "b=1\n\n# c\na=2\n", _report);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, file.entries().size());
        CPPUNIT_ASSERT_EQUAL(std::string("b"), file.entries()[0].key);
        CPPUNIT_ASSERT_EQUAL(4U, file.find("a")->line);
        CPPUNIT_ASSERT_EQUAL(std::string("conf.d/x.conf:4"), file.where(file.find("a")->line));
        CPPUNIT_ASSERT(file.find("c") == nullptr);
    }

    void dropsByteOrderMarkAndCarriageReturns()
    {
        const ConfigFile file = ConfigFile::parse("f",
                                                  "\xEF\xBB\xBF"
                                                  "a=1\r\n\r\nb=2\r\n",
                                                  _report);
        CPPUNIT_ASSERT_EQUAL(std::string("1"), file.find("a")->value);
        CPPUNIT_ASSERT_EQUAL(std::string("2"), file.find("b")->value);
        CPPUNIT_ASSERT(_report.ok());
    }

    void tellsEveryBadLineAtOnce()
    {
        const ConfigFile file = ConfigFile::parse("f",
                                                  "one\n"
                                                  "=two\n"
                                                  "thr ee=3\n"
                                                  "four=a\x01z\n"
                                                  "five=5\n"
                                                  "  \t = \n",
                                                  _report);
        CPPUNIT_ASSERT_EQUAL(
            std::string("f:1: expected 'key = value', found no '='\n"
                        "f:2: expected a key before the '='\n"
                        "f:3: expected a key without blanks and special characters before the '='\n"
                        "f:4: four: the value has a control character in it\n"
                        "f:6: expected a key before the '='\n"),
            lines(_report.errors));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, file.entries().size());
    }

    void refusesTheSecondOfTwoEqualKeysAndKeepsTheFirst()
    {
        const ConfigFile file = ConfigFile::parse("f", "a=1\nb=2\na=3\n", _report);
        CPPUNIT_ASSERT_EQUAL(
            std::string("f:3: a: stands here for the second time; the first is line 1\n"),
            lines(_report.errors));
        CPPUNIT_ASSERT_EQUAL(std::string("1"), file.find("a")->value);
    }

    void readsALastLineWithoutItsEnd()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("2"),
                             ConfigFile::parse("f", "a=1\nb=2", _report).find("b")->value);
    }

    void stopsAtTheMaximumOfLines()
    {
        ConfigFile::parse("f", std::string(ConfigFile::kMaximumLines, '\n'), _report);
        CPPUNIT_ASSERT(_report.ok());
        ConfigFile::parse("f", std::string(ConfigFile::kMaximumLines, '\n') + "a=1", _report);
        CPPUNIT_ASSERT_EQUAL(std::string("f: more than 65536 lines\n"), lines(_report.errors));
    }

    void reportsAFileThatIsNotThere()
    {
        const std::string path = _folder / "no.conf";
        const ConfigFile file = ConfigFile::read(path, _report);
        CPPUNIT_ASSERT_EQUAL(path + ": cannot be opened: No such file or directory\n",
                             lines(_report.errors));
        CPPUNIT_ASSERT(file.entries().empty());
    }

    void reportsAFolderInPlaceOfAFile()
    {
        ConfigFile::read(_folder.path(), _report);
        CPPUNIT_ASSERT_EQUAL(_folder.path().string() + ": cannot be read\n", lines(_report.errors));
    }

    void reportsAFileThatIsTooLarge()
    {
        const std::string path = _folder / "large.conf";
        writeFile(path, std::string(ConfigFile::kMaximumBytes, '#'));
        ConfigFile::read(path, _report);
        CPPUNIT_ASSERT(_report.ok());
        writeFile(path, std::string(ConfigFile::kMaximumBytes + 1, '#'));
        ConfigFile::read(path, _report);
        CPPUNIT_ASSERT_EQUAL(path + ": is larger than 4MB, which no configuration is\n",
                             lines(_report.errors));
    }

private:
    ConfigReport _report;
    TemporaryFolder _folder;
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConfigFileTest);

} // namespace nanomq::test
