#include "config/ConfDir.h"
#include "Reports.h"
#include "support/TemporaryFolder.h"

#include <cppunit/extensions/HelperMacros.h>

namespace nanomq::test
{

class ConfDirTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(ConfDirTest);
    CPPUNIT_TEST(listsPluginFilesByName);
    CPPUNIT_TEST(refusesNamesThatNoPluginCanHave);
    CPPUNIT_TEST(readsTheKernelsFileOrNone);
    CPPUNIT_TEST(reportsAFolderThatIsNotThere);
    CPPUNIT_TEST(knowsPluginNames);
    CPPUNIT_TEST_SUITE_END();

public:
    void listsPluginFilesByName()
    {
        for (const char* name : {"webhook.conf", "auth_http.conf", "nanomq.conf", "README.md",
                                 "webhook.conf~", "old.conf.bak", ".#webhook.conf"})
            writeFile(_folder / name, "");
        const ConfDir folder(_folder.path().string() + "//", _report);
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(_report.errors));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, folder.plugins().size());
        CPPUNIT_ASSERT_EQUAL(std::string("auth_http"), folder.plugins()[0].name);
        CPPUNIT_ASSERT_EQUAL((_folder / "webhook.conf").string(), folder.plugins()[1].path);
    }

    void refusesNamesThatNoPluginCanHave()
    {
        writeFile(_folder / "Web-Hook.conf", "");
        const ConfDir folder(_folder.path(), _report);
        CPPUNIT_ASSERT(folder.plugins().empty());
        CPPUNIT_ASSERT_EQUAL((_folder / "Web-Hook.conf").string() +
                                 ": expected the name of a plugin before '.conf': small letters, "
                                 "digits and '_', beginning with a letter, at most 31\n",
                             lines(_report.errors));
    }

    void readsTheKernelsFileOrNone()
    {
        CPPUNIT_ASSERT(ConfDir(_folder.path(), _report).kernelFile(_report).entries().empty());
        CPPUNIT_ASSERT(_report.ok());
        writeFile(_folder / "nanomq.conf", "msq_len=1\n");
        const ConfigFile file = ConfDir(_folder.path(), _report).kernelFile(_report);
        CPPUNIT_ASSERT_EQUAL(std::string("1"), file.find("msq_len")->value);
        CPPUNIT_ASSERT_EQUAL((_folder / "nanomq.conf").string() + ":1", file.where(1));
    }

    void reportsAFolderThatIsNotThere()
    {
        ConfDir(_folder / "none", _report);
        CPPUNIT_ASSERT_EQUAL((_folder / "none").string() +
                                 ": cannot be read: No such file or directory\n",
                             lines(_report.errors));
    }

    void knowsPluginNames()
    {
        for (const char* name :
             {"a", "webhook", "auth_http", "a2", "a23456789012345678901234567890"})
            CPPUNIT_ASSERT_MESSAGE(name, isPluginName(name));
        for (const char* name :
             {"", "A", "2a", "_a", "a-b", "a.b", "a/b", "../a", "a2345678901234567890123456789012"})
            CPPUNIT_ASSERT_MESSAGE(name, !isPluginName(name));
    }

private:
    TemporaryFolder _folder;
    ConfigReport _report;
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConfDirTest);

} // namespace nanomq::test
