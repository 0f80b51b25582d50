#include "config/SchemaSection.h"

#include "config/Schema.h"
#include "support/TemporaryFolder.h"

#include <Poco/Exception.h>

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <fstream>
#include <iterator>

namespace nanomq::test
{

class SchemaSectionTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(SchemaSectionTest);
    CPPUNIT_TEST(readsTheSchemaOfALibrary);
    CPPUNIT_TEST(findsNoneInALibraryWithoutSchema);
    CPPUNIT_TEST(refusesAFileThatIsNoLibrary);
    CPPUNIT_TEST(refusesEveryTruncation);
    CPPUNIT_TEST(refusesSectionsBeyondTheEndOfTheFile);
    CPPUNIT_TEST(refusesASchemaThatIsTooLong);
    CPPUNIT_TEST_SUITE_END();

    static std::string contents(const char* path)
    {
        std::ifstream stream(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }

    /// What reading a file with these bytes comes to: "found", "none", "refused".
    std::string outcome(const std::string& bytes)
    {
        const std::string path = _folder / "sample.so";
        writeFile(path, bytes);
        try
        {
            return readSchemaSection(path) ? "found" : "none";
        }
        catch (const Poco::DataFormatException&)
        {
            return "refused";
        }
    }

    /// The library's bytes after a change to the header of its schema section.
    template <class Change> static std::string withSection(Change change)
    {
        std::string bytes = contents(NANOMQ_SAMPLE_with_schema);
        Elf64_Ehdr header;
        std::memcpy(&header, bytes.data(), sizeof header);
        const std::string schema = *readSchemaSection(NANOMQ_SAMPLE_with_schema);
        for (unsigned i = 0; i < header.e_shnum; ++i)
        {
            char* const at = bytes.data() + header.e_shoff + i * sizeof(Elf64_Shdr);
            Elf64_Shdr section;
            std::memcpy(&section, at, sizeof section);
            if (section.sh_size != schema.size()) continue;
            change(section);
            std::memcpy(at, &section, sizeof section);
        }
        return bytes;
    }

public:
    void readsTheSchemaOfALibrary()
    {
        const auto json = readSchemaSection(NANOMQ_SAMPLE_with_schema);
        CPPUNIT_ASSERT(json);
        CPPUNIT_ASSERT(Schema::fromJson("sample", *json).find("sample.url") != nullptr);
    }

    void findsNoneInALibraryWithoutSchema()
    {
        CPPUNIT_ASSERT(!readSchemaSection(NANOMQ_SAMPLE_without_schema));
    }

    void refusesAFileThatIsNoLibrary()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("refused"), outcome(""));
        CPPUNIT_ASSERT_EQUAL(std::string("refused"),
                             outcome("#!/bin/sh\n" + std::string(100, '#')));
        std::string other = contents(NANOMQ_SAMPLE_with_schema);
        other[EI_CLASS] = ELFCLASS32;
        CPPUNIT_ASSERT_EQUAL(std::string("refused"), outcome(other));
        CPPUNIT_ASSERT_THROW(readSchemaSection(_folder / "none.so"), Poco::FileException);
    }

    void refusesEveryTruncation()
    {
        const std::string whole = contents(NANOMQ_SAMPLE_with_schema);
        CPPUNIT_ASSERT_EQUAL(std::string("found"), outcome(whole));
        // The section table stands at the end, so that each of these misses some of it.
        const std::size_t step = std::max<std::size_t>(whole.size() / 50, 1);
        for (std::size_t size = 0; size < whole.size(); size += step)
            CPPUNIT_ASSERT_EQUAL(std::string("refused"), outcome(whole.substr(0, size)));
    }

    void refusesSectionsBeyondTheEndOfTheFile()
    {
        const auto moved = withSection([](Elf64_Shdr& section) { section.sh_offset = 1U << 30; });
        CPPUNIT_ASSERT_EQUAL(std::string("refused"), outcome(moved));
        const auto wrapped =
            withSection([](Elf64_Shdr& section) { section.sh_offset = UINT64_MAX; });
        CPPUNIT_ASSERT_EQUAL(std::string("refused"), outcome(wrapped));
        const auto empty = withSection([](Elf64_Shdr& section) { section.sh_type = SHT_NOBITS; });
        CPPUNIT_ASSERT_EQUAL(std::string("refused"), outcome(empty));
    }

    void refusesASchemaThatIsTooLong()
    {
        const auto grown = withSection(
            [](Elf64_Shdr& section) { section.sh_size = Schema::kMaximumJsonBytes + 1; });
        CPPUNIT_ASSERT_EQUAL(std::string("refused"),
                             outcome(grown + std::string(Schema::kMaximumJsonBytes * 2, '\0')));
    }

private:
    TemporaryFolder _folder;
};

CPPUNIT_TEST_SUITE_REGISTRATION(SchemaSectionTest);

} // namespace nanomq::test
