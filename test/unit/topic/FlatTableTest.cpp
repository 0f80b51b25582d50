#include "topic/FlatTable.h"

#include "TopicSupport.h"

#include <map>

namespace nanomq
{

class FlatTableTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(FlatTableTest);
    CPPUNIT_TEST(findsWhatMovesIntoTheNewTableDuringTheSearch);
    CPPUNIT_TEST_SUITE_END();

    /// Values whose hashes the test chooses.
    struct ChosenHash
    {
        const std::map<std::uint64_t, std::uint64_t>* hashes;
        std::uint64_t operator()(std::uint64_t value) const { return hashes->at(value); }
    };

    Quiescence _quiescence;
    TrackedMemory _memory{_quiescence};
    std::map<std::uint64_t, std::uint64_t> _hashes;
    FlatTable<ChosenHash> _table{_memory, ChosenHash{&_hashes}};

    /// @param home  0 to 63: the slot of a table of 64 that it belongs to.
    std::uint64_t insert(std::uint64_t home, std::uint64_t tag)
    {
        const std::uint64_t value = (_hashes.size() + 1) << 4;
        _hashes[value] = home << 58 | tag;
        _table.insert(_hashes[value], value);
        return value;
    }

public:
    void findsWhatMovesIntoTheNewTableDuringTheSearch()
    {
        std::uint64_t filler = 0;
        const auto fill = [&] { insert(4 + filler % 50, 1000 + filler), ++filler; };
        while (filler < 30) fill();        // now the table has 64 slots
        const auto wanted = insert(63, 7); // in slot 63
        const auto erased = insert(63, 8); // has to stand in slot 0
        const auto alike = insert(63, 7);  // in slot 1, with the hash of the wanted one
        while (_table.size() < 49) fill(); // the last one makes a table of 128, half moved

        // In the new table there are now a hole and, behind it, `alike`.
        _table.erase(_hashes[erased], erased);
        bool moved = false;
        const auto found = _table.find(_hashes[wanted], [&](std::uint64_t value) {
            if (value == alike && !moved)
            {
                // While the reader looks at it, the rest moves: `wanted` comes to stand in the
                // hole, which the reader has passed, and the old table is taken away.
                moved = true;
                fill();
            }
            return value == wanted;
        });
        CPPUNIT_ASSERT(moved);
        CPPUNIT_ASSERT_EQUAL(wanted, found);
        CPPUNIT_ASSERT_MESSAGE("the old table was not there any more",
                               _quiescence.retiredBytes() > 0);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(FlatTableTest);

} // namespace nanomq
