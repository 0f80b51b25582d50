#include "TestFiles.h"

#include "nanomq/plugin_base.h"
#include "plugin/Gate.h"

#include <algorithm>
#include <cppunit/extensions/HelperMacros.h>
#include <cstring>
#include <elf.h>
#include <functional>
#include <random>
#include <string_view>
#include <sys/stat.h>

using namespace nanomq;

/// What the gate lets through, and the sentences it refuses with.
class GateTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(GateTest);
    CPPUNIT_TEST(readsWhatAPluginSaysOfItself);
    CPPUNIT_TEST(refusesWhatDoesNotFitAndSaysWhy);
    CPPUNIT_TEST(refusesEveryTruncationThatTheLoaderWouldTripOver);
    CPPUNIT_TEST(survivesDamagedFiles);
    CPPUNIT_TEST(refusesFilesThatAreNoPlugins);
    CPPUNIT_TEST(refusesExportsBesidesTheManifest);
    CPPUNIT_TEST(refusesRunPathsRelativeToTheFile);
    CPPUNIT_TEST(tellsWhyCodeMustStay);
    CPPUNIT_TEST(refusesFilesThatOthersCouldHaveWritten);
    CPPUNIT_TEST_SUITE_END();

    const HostAbi _abi = HostAbi::ofThisProgram();

    std::string refusal(const std::vector<std::uint8_t>& file, const std::string& name = "sample",
                        const HostAbi* abi = nullptr)
    {
        const auto result = inspectPlugin(file, "x.so", name, abi ? *abi : _abi);
        return result ? std::string() : result.error();
    }
    /// The note's description inside of a file's bytes.
    static nanomq_plugin_description& noteOf(std::vector<std::uint8_t>& file)
    {
        const std::uint8_t begin[] = {7,    0,    0,   0,    sizeof(nanomq_plugin_description),
                                      0,    0,    0,   0x4E, 0x51,
                                      0x4D, 0x31, 'N', 'a',  'n',
                                      'o',  'M',  'Q'};
        const auto found =
            std::search(file.begin(), file.end(), std::begin(begin), std::end(begin));
        CPPUNIT_ASSERT(found != file.end());
        return reinterpret_cast<nanomq_plugin_note&>(*found).description;
    }

public:
    void readsWhatAPluginSaysOfItself()
    {
        const auto facts =
            inspectPlugin(readBytes(testPlugin("sample_one")), "x.so", "sample", _abi);
        CPPUNIT_ASSERT_EQUAL(std::string(), facts ? std::string() : facts.error());
        CPPUNIT_ASSERT_EQUAL(std::string("sample"), facts->name);
        CPPUNIT_ASSERT_EQUAL(std::string("1.0.0"), facts->version);
        CPPUNIT_ASSERT_EQUAL(std::string("sample::Sample"), facts->className);
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{NANOMQ_SDK_VERSION}, facts->sdkVersion);
        CPPUNIT_ASSERT(std::count(facts->needed.begin(), facts->needed.end(), _abi.pocoLibrary) ==
                       1);
        CPPUNIT_ASSERT(facts->residentReasons.empty());
    }

    void refusesWhatDoesNotFitAndSaysWhy()
    {
        const auto good = readBytes(testPlugin("sample_one"));
        struct Case
        {
            const char* sentence;
            std::function<void(nanomq_plugin_description&)> change;
        };
        const Case cases[] = {
            {"x.so: built for plugin ABI 2, this broker has ABI 1",
             [](auto& note) { note.abi_major = 2; }},
            {"x.so: needs plugin ABI 1.7 or later, this broker has 1.0",
             [](auto& note) { note.min_host_minor = 7; }},
            {"x.so: built with Poco 1.12, this broker with Poco 1.11",
             [](auto& note) { note.poco_version = 0x010C0000; }},
            {"x.so: is the plugin 'other'; expected 'sample', as the file is called",
             [](auto& note) { std::strcpy(note.name, "other"); }},
            {"x.so: its NanoMQ note is damaged",
             [](auto& note) { std::memset(note.name, 'a', sizeof note.name); }},
            {"x.so: its NanoMQ note is damaged", [](auto& note) { note.class_name[0] = 0; }},
        };
        for (const Case& c : cases)
        {
            auto file = good;
            c.change(noteOf(file));
            CPPUNIT_ASSERT_EQUAL(std::string(c.sentence), refusal(file));
        }
        auto file = good;
        noteOf(file).build_bits ^= NANOMQ_BUILD_ASAN;
        CPPUNIT_ASSERT(refusal(file).find("AddressSanitizer") != std::string::npos);
        HostAbi other = _abi;
        other.pocoLibrary = "libPocoFoundation.so.71";
        CPPUNIT_ASSERT(refusal(good, "sample", &other).find("libPocoFoundation.so.71") !=
                       std::string::npos);
        // A later SDK's longer description begins like ours; a shorter one is none.
        auto longer = good;
        noteOf(longer).size += 100;
        CPPUNIT_ASSERT_EQUAL(std::string(), refusal(longer));
    }

    void refusesEveryTruncationThatTheLoaderWouldTripOver()
    {
        const auto good = readBytes(testPlugin("sample_one"));
        // The end of the last loaded segment; behind it are sections that nobody needs to run.
        std::size_t needed = 0;
        const auto* header = reinterpret_cast<const Elf64_Ehdr*>(good.data());
        const auto* segments = reinterpret_cast<const Elf64_Phdr*>(good.data() + header->e_phoff);
        for (int i = 0; i < header->e_phnum; ++i)
            if (segments[i].p_type == PT_LOAD)
                needed = std::max<std::size_t>(needed, segments[i].p_offset + segments[i].p_filesz);
        for (std::size_t size = 0; size < good.size(); size += size < 4096 ? 1 : 509)
        {
            const std::vector<std::uint8_t> part(good.begin(),
                                                 good.begin() + static_cast<std::ptrdiff_t>(size));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(std::to_string(size), size < needed,
                                         !refusal(part).empty());
        }
    }

    void survivesDamagedFiles()
    {
        const auto good = readBytes(testPlugin("sample_one"));
        std::mt19937 random(1);
        int refused = 0;
        for (int round = 0; round < 20'000; ++round)
        {
            auto file = good;
            // Headers and dynamic tables at the front, where a parser goes wrong.
            const std::size_t range = round % 2 == 0 ? 4096 : file.size();
            for (int i = 0; i < 8; ++i)
                file[random() % range] = static_cast<std::uint8_t>(random());
            refused += !refusal(file).empty();
            if (round == 0) CPPUNIT_ASSERT(file != good);
        }
        CPPUNIT_ASSERT(refused > 1000);
    }

    void refusesFilesThatAreNoPlugins()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("x.so: is no shared library (no ELF header)"),
                             refusal({'h', 'e', 'l', 'l', 'o'}));
        CPPUNIT_ASSERT_EQUAL(
            std::string("x.so: has no NanoMQ note; it is no plugin, or not of this SDK"),
            refusal(readBytes(testPlugin("foreign"))));
        CPPUNIT_ASSERT_EQUAL(std::string("x.so: is a program, not a shared library"),
                             refusal(readBytes("/proc/self/exe")));
        auto machine = readBytes(testPlugin("sample_one"));
        reinterpret_cast<Elf64_Ehdr*>(machine.data())->e_machine = EM_68K;
        CPPUNIT_ASSERT(refusal(machine).starts_with("x.so: is for another processor"));
    }

    void refusesExportsBesidesTheManifest()
    {
        const auto sentence = refusal(readBytes(testPlugin("exporting")));
        CPPUNIT_ASSERT_MESSAGE(sentence,
                               sentence.find("symbols besides its manifest") != std::string::npos);
    }

    void refusesRunPathsRelativeToTheFile()
    {
        const auto sentence = refusal(readBytes(testPlugin("run_path")));
        CPPUNIT_ASSERT_MESSAGE(sentence, sentence.find("$ORIGIN/lib") != std::string::npos);
    }

    void tellsWhyCodeMustStay()
    {
        const auto facts = inspectPlugin(readBytes(testPlugin("resident")), "x.so", "sample", _abi);
        CPPUNIT_ASSERT(facts);
        CPPUNIT_ASSERT_EQUAL(std::string("it asks to stay mapped"), facts->residentReasons.at(0));
    }

    void refusesFilesThatOthersCouldHaveWritten()
    {
        TestFolder folder;
        const auto file = folder.path / "sample.so";
        writeBytes(file, {1, 2, 3});
        CPPUNIT_ASSERT(readPluginFile(file));
        ::chmod(file.c_str(), 0666);
        CPPUNIT_ASSERT(readPluginFile(file).error().find("everybody may write") !=
                       std::string::npos);
        ::chmod(file.c_str(), 0644);
        ::chmod(folder.path.c_str(), 0777);
        CPPUNIT_ASSERT(readPluginFile(file).error().find("everybody may write") !=
                       std::string::npos);
        ::chmod(folder.path.c_str(), 0700);
        CPPUNIT_ASSERT(readPluginFile(folder.path).error().find("not a regular file") !=
                       std::string::npos);
        CPPUNIT_ASSERT(readPluginFile(folder.path / "none.so").error().find("No such file") !=
                       std::string::npos);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(GateTest);
