#include "config/ConfigEdit.h"

#include "support/TemporaryFolder.h"

#include <Poco/Exception.h>

#include <cppunit/extensions/HelperMacros.h>

#include <fstream>
#include <sstream>
#include <sys/stat.h>

namespace nanomq::test
{

class ConfigEditTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(ConfigEditTest);
    CPPUNIT_TEST(changesTheLineThatSetsAKeyAndNothingElse);
    CPPUNIT_TEST(replacesAFileWholeAndKeepsItsMode);
    CPPUNIT_TEST(aFileThatCannotBeWrittenStaysAsItIs);
    CPPUNIT_TEST_SUITE_END();

public:
    void changesTheLineThatSetsAKeyAndNothingElse()
    {
        struct Case
        {
            const char* what;
            const char* before;
            const char* after;
        };
        static constexpr Case cases[] = {
            {"empty", "", "k = v\n"},
            {"set", "a = 1\nk=old\nb = 2\n", "a = 1\nk = v\nb = 2\n"},
            {"no line end", "k=old", "k = v\n"},
            {"other keys", "kk = 1\nx.k = 2\n", "kk = 1\nx.k = 2\nk = v\n"},
            {"commented out", "# k = 1\n\nb = 2\n", "# k = 1\nk = v\n\nb = 2\n"},
            {"both", "# k = 1\nk = 2\n", "# k = 1\nk = v\n"},
            {"a text that mentions it", "# k: a key\nb = 2", "# k: a key\nb = 2\nk = v\n"},
            {"blanks and CR", "  k  =  old \r\n", "k = v\n"},
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.what, std::string(c.after),
                                         withSetting(c.before, "k", "v"));
    }

    void replacesAFileWholeAndKeepsItsMode()
    {
        TemporaryFolder folder;
        const std::string path = (folder / "x.conf").string();
        std::ofstream(path) << "old";
        CPPUNIT_ASSERT_EQUAL(0, ::chmod(path.c_str(), 0604));
        replaceFile(path, "new");
        std::ostringstream text;
        text << std::ifstream(path).rdbuf();
        CPPUNIT_ASSERT_EQUAL(std::string("new"), text.str());
        struct stat status{};
        CPPUNIT_ASSERT_EQUAL(0, ::stat(path.c_str(), &status));
        CPPUNIT_ASSERT_EQUAL(0604u, status.st_mode & 0777u);
        CPPUNIT_ASSERT(!std::ifstream(path + ".new"));
    }

    void aFileThatCannotBeWrittenStaysAsItIs()
    {
        TemporaryFolder folder;
        CPPUNIT_ASSERT_THROW(replaceFile((folder / "no" / "x.conf").string(), "new"),
                             Poco::FileException);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConfigEditTest);

} // namespace nanomq::test
