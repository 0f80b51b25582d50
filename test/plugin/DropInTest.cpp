#include "HostFixture.h"

using namespace nanomq;

/// A host that acts by itself when files come, change and go.
class DropInTest : public HostFixture
{
    CPPUNIT_TEST_SUITE(DropInTest);
    CPPUNIT_TEST(libraryAndConfThatArePutThereBecomeActive);
    CPPUNIT_TEST(confMayComeFirst);
    CPPUNIT_TEST(libraryWithoutConfStaysUnloaded);
    CPPUNIT_TEST(removingTheConfUnloads);
    CPPUNIT_TEST(newLibraryIsTakenUpByAReload);
    CPPUNIT_TEST(changedConfIsTakenUpByAReload);
    CPPUNIT_TEST(confThatSwitchesOffUnloads);
    CPPUNIT_TEST(halfACopyIsNotLookedAt);
    CPPUNIT_TEST(badLibraryFailsAndTheNextIsTried);
    CPPUNIT_TEST(badLibraryKeepsTheOldVersionGoing);
    CPPUNIT_TEST(whatWasUnloadedByHandStaysSoUntilAFileChanges);
    CPPUNIT_TEST(whatWasLoadedByHandAgainstItsSwitchStaysLoaded);
    CPPUNIT_TEST(symbolicLinkIsAFileLikeOthers);
    CPPUNIT_TEST(folderThatIsNotThereIsNoTrouble);
    CPPUNIT_TEST_SUITE_END();

    bool becomes(State state, const std::string& name = "sample")
    {
        return eventually([&] {
            const auto info = host().info(name);
            return info && info->state == state;
        });
    }
    /// Whatever changed before has been acted upon, or never will be: another plugin comes, and
    /// has become active.
    void letTheHostAct()
    {
        install("alone_one", "alone");
        configure("alone", "");
        CPPUNIT_ASSERT(becomes(State::Active, "alone"));
    }
    std::uint64_t generation() { return host().info("sample")->generation; }

public:
    void setUp() override
    {
        HostFixture::setUp();
        _overridden.watchFolders = true;
        _overridden.settle = std::chrono::milliseconds(20);
        makeHost();
    }

    void libraryAndConfThatArePutThereBecomeActive()
    {
        install("sample_one");
        configure("sample", "");
        CPPUNIT_ASSERT(becomes(State::Active));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, generation());
    }

    void confMayComeFirst()
    {
        configure("sample", "");
        letTheHostAct();
        CPPUNIT_ASSERT(!host().info("sample"));
        install("sample_one");
        CPPUNIT_ASSERT(becomes(State::Active));
    }

    void libraryWithoutConfStaysUnloaded()
    {
        install("sample_one");
        letTheHostAct();
        CPPUNIT_ASSERT(stateOf() == State::Absent);
    }

    void removingTheConfUnloads()
    {
        install("sample_one");
        configure("sample", "");
        CPPUNIT_ASSERT(becomes(State::Active));
        std::filesystem::remove(_folder.path / "conf.d" / "sample.conf");
        CPPUNIT_ASSERT(becomes(State::Gone));
        CPPUNIT_ASSERT(!mapped("sample"));
    }

    void newLibraryIsTakenUpByAReload()
    {
        install("sample_one");
        configure("sample", "");
        CPPUNIT_ASSERT(becomes(State::Active));
        install("sample_two");
        CPPUNIT_ASSERT(eventually([&] { return versionByHook() == "2.0.0"; }));
    }

    void changedConfIsTakenUpByAReload()
    {
        install("sample_one");
        configure("sample", "");
        CPPUNIT_ASSERT(becomes(State::Active));
        configure("sample", "sample.fail = init\n");
        CPPUNIT_ASSERT(eventually([&] {
            return host().info("sample")->reason.find("version 1.0.0 goes on") != std::string::npos;
        }));
        configure("sample", "sample.x = 1\n");
        CPPUNIT_ASSERT(eventually([&] {
            const auto info = host().info("sample");
            return info->generation == 2 && info->reason.empty();
        }));
    }

    void confThatSwitchesOffUnloads()
    {
        install("sample_one");
        configure("sample", "");
        CPPUNIT_ASSERT(becomes(State::Active));
        configure("sample", "sample.enable = false\n");
        CPPUNIT_ASSERT(becomes(State::Gone));
        configure("sample", "sample.enable = true\n");
        CPPUNIT_ASSERT(becomes(State::Active));
    }

    void halfACopyIsNotLookedAt()
    {
        const auto bytes = readBytes(testPlugin("sample_one"));
        const char* const text = reinterpret_cast<const char*>(bytes.data());
        const auto half = static_cast<std::streamsize>(bytes.size() / 2);
        const auto rest = static_cast<std::streamsize>(bytes.size()) - half;
        configure("sample", "");
        std::ofstream copy(libraryOf("sample"), std::ios::binary);
        copy.write(text, half).flush();
        letTheHostAct();
        CPPUNIT_ASSERT(stateOf() == State::Absent); // not even refused
        copy.write(text + half, rest);
        copy.close();
        CPPUNIT_ASSERT(becomes(State::Active));
    }

    void badLibraryFailsAndTheNextIsTried()
    {
        install("foreign", "sample");
        configure("sample", "");
        CPPUNIT_ASSERT(becomes(State::Failed));
        install("sample_one");
        CPPUNIT_ASSERT(becomes(State::Active));
    }

    void badLibraryKeepsTheOldVersionGoing()
    {
        install("sample_one");
        configure("sample", "");
        CPPUNIT_ASSERT(becomes(State::Active));
        install("foreign", "sample");
        CPPUNIT_ASSERT(eventually([&] { return !host().info("sample")->reason.empty(); }));
        CPPUNIT_ASSERT_EQUAL(std::string("1.0.0"), versionByHook());
    }

    void whatWasUnloadedByHandStaysSoUntilAFileChanges()
    {
        install("sample_one");
        configure("sample", "");
        CPPUNIT_ASSERT(becomes(State::Active));
        CPPUNIT_ASSERT(host().unload("sample"));
        letTheHostAct();
        CPPUNIT_ASSERT(stateOf() == State::Gone);
        install("sample_two");
        CPPUNIT_ASSERT(becomes(State::Active));
        CPPUNIT_ASSERT_EQUAL(std::string("2.0.0"), host().info("sample")->version);
    }

    void whatWasLoadedByHandAgainstItsSwitchStaysLoaded()
    {
        install("sample_one");
        configure("sample", "sample.enable = false\n");
        letTheHostAct();
        CPPUNIT_ASSERT(stateOf() == State::Absent);
        mustLoad();
        configure("sample", "sample.enable = false\nsample.x = 1\n");
        CPPUNIT_ASSERT(eventually([&] { return generation() == 2; }));
        CPPUNIT_ASSERT(stateOf() == State::Active);
    }

    void symbolicLinkIsAFileLikeOthers()
    {
        configure("sample", "");
        std::filesystem::create_symlink(testPlugin("sample_one"), libraryOf("sample"));
        CPPUNIT_ASSERT(becomes(State::Active));
    }

    void folderThatIsNotThereIsNoTrouble()
    {
        std::filesystem::remove_all(_folder.path / "plugins");
        makeHost();
        configure("sample", "");
        CPPUNIT_ASSERT(!host().load("sample"));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(DropInTest);
