#include "TestFiles.h"
#include "plugin/PluginStorage.h"

#include <cerrno>
#include <cppunit/extensions/HelperMacros.h>

using namespace nanomq;

class StorageTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(StorageTest);
    CPPUNIT_TEST(folderIsMadeForItsOwnerAloneAndStays);
    CPPUNIT_TEST(folderThatCannotBeMadeIsAnError);
    CPPUNIT_TEST_SUITE_END();

    TestFolder _state;

public:
    void folderIsMadeForItsOwnerAloneAndStays()
    {
        namespace fs = std::filesystem;
        PluginStorage first(_state.path / "new", "sample");
        sdk::Str path;
        CPPUNIT_ASSERT_EQUAL(sdk::Status{0}, first.folder(&path));
        CPPUNIT_ASSERT_EQUAL((_state.path / "new/plugins/sample").string(), std::string(path.view()));
        CPPUNIT_ASSERT(fs::status(path.view()).permissions() == fs::perms::owner_all);
        std::ofstream(fs::path(path.view()) / "kept") << "x";

        PluginStorage again(_state.path / "new", "sample");
        sdk::Str same;
        CPPUNIT_ASSERT_EQUAL(sdk::Status{0}, again.folder(&same));
        CPPUNIT_ASSERT_EQUAL(path.view(), same.view());
        CPPUNIT_ASSERT(fs::exists(fs::path(same.view()) / "kept"));
    }

    void folderThatCannotBeMadeIsAnError()
    {
        std::ofstream(_state.path / "plugins") << "a file";
        sdk::Str path;
        CPPUNIT_ASSERT(PluginStorage(_state.path, "sample").folder(&path) < 0);
        CPPUNIT_ASSERT_EQUAL(sdk::Status{-ENOENT}, PluginStorage("", "sample").folder(&path));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(StorageTest);
