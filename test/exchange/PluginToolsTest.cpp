#include "support/Command.h"
#include "support/TemporaryFolder.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace nanomq::test
{

namespace
{

bool contains(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

/// `nanomqctl plugin new` and `plugin check`, which need no running broker. That the written project
/// builds and passes its tests is the test installed_sdk.
class PluginToolsTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(PluginToolsTest);
    CPPUNIT_TEST(writesAProjectThatCarriesTheNameEverywhere);
    CPPUNIT_TEST(leavesAFolderAloneThatIsThere);
    CPPUNIT_TEST(refusesANameThatNoPluginCanHave);
    CPPUNIT_TEST(tellsWhatALibrarySaysOfItself);
    CPPUNIT_TEST(tellsWhatIsWrongWithALibrary);
    CPPUNIT_TEST(tellsALibraryThatDoesNotOpen);
    CPPUNIT_TEST_SUITE_END();

    CommandResult ctl(std::vector<std::string> arguments)
    {
        return runCommand(NANOMQ_CTL_PROGRAM, std::move(arguments));
    }
    CommandResult check(const std::string& file)
    {
        return ctl({"plugin", "check", "--broker", NANOMQ_BROKER_PROGRAM, file});
    }

public:
    void writesAProjectThatCarriesTheNameEverywhere()
    {
        const auto folder = _folder / "project";
        const auto told = ctl({"plugin", "new", "water_meter", "--dir", folder.string()});
        CPPUNIT_ASSERT_EQUAL_MESSAGE(told.errors, 0, told.status);
        for (const char* name :
             {"CMakeLists.txt", "README.md", "water_meter.h", "water_meter.cpp", "water_meter.conf",
              "water_meter.schema.json", "test/CMakeLists.txt", "test/water_meter_test.cpp",
              "test/in_broker_test.cpp"})
        {
            std::ifstream file(folder / name);
            CPPUNIT_ASSERT_MESSAGE(name, file.good());
            const std::string text(std::istreambuf_iterator<char>(file), {});
            for (const char* ofTheTemplate : {"my_plugin", "MyPlugin", "MY_PLUGIN"})
                CPPUNIT_ASSERT_MESSAGE(name, !contains(text, ofTheTemplate));
        }
    }

    void leavesAFolderAloneThatIsThere()
    {
        const auto told = ctl({"plugin", "new", "meter", "--dir", _folder.path().string()});
        CPPUNIT_ASSERT_EQUAL(1, told.status);
        CPPUNIT_ASSERT_MESSAGE(told.errors, contains(told.errors, "is there already"));
    }

    void refusesANameThatNoPluginCanHave()
    {
        const auto told =
            ctl({"plugin", "new", "Water-Meter", "--dir", (_folder / "project").string()});
        CPPUNIT_ASSERT_EQUAL(2, told.status);
        CPPUNIT_ASSERT_MESSAGE(told.errors, contains(told.errors, "'Water-Meter' is no name"));
        CPPUNIT_ASSERT(!std::filesystem::exists(_folder / "project"));
    }

    void tellsWhatALibrarySaysOfItself()
    {
        const auto told = check(TEST_PLUGINS "/doorman.so");
        CPPUNIT_ASSERT_EQUAL_MESSAGE(told.errors, 0, told.status);
        for (const char* fact : {"doorman", "fits", "libPocoFoundation.so"})
            CPPUNIT_ASSERT_MESSAGE(told.output, contains(told.output, fact));
    }

    void tellsWhatIsWrongWithALibrary()
    {
        const auto file = _folder / "other.so";
        std::filesystem::copy_file(TEST_PLUGINS "/doorman.so", file);
        auto told = check(file.string());
        CPPUNIT_ASSERT_EQUAL(1, told.status);
        CPPUNIT_ASSERT_MESSAGE(told.errors, contains(told.errors, "is the plugin 'doorman'"));
        CPPUNIT_ASSERT_MESSAGE(told.output, contains(told.output, "libPocoFoundation.so"));

        told = check(NANOMQ_BROKER_PROGRAM);
        CPPUNIT_ASSERT_EQUAL(1, told.status);
        CPPUNIT_ASSERT_MESSAGE(told.errors, contains(told.errors, "refused:"));
    }

    void tellsALibraryThatDoesNotOpen()
    {
        const auto told = check((_folder / "missing.so").string());
        CPPUNIT_ASSERT_EQUAL(1, told.status);
        CPPUNIT_ASSERT_MESSAGE(told.errors, contains(told.errors, "No such file"));
    }

private:
    TemporaryFolder _folder;
};

CPPUNIT_TEST_SUITE_REGISTRATION(PluginToolsTest);

} // namespace nanomq::test
