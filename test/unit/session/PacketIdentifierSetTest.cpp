#include "session/PacketIdentifierSet.h"

#include <cppunit/extensions/HelperMacros.h>

#include <random>
#include <set>

namespace nanomq
{

class PacketIdentifierSetTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(PacketIdentifierSetTest);
    CPPUNIT_TEST(holdsAnIdentifierOnce);
    CPPUNIT_TEST(knowsTheEdgesOfItsPages);
    CPPUNIT_TEST(holdsAllOfThem);
    CPPUNIT_TEST(agreesWithAPlainSet);
    CPPUNIT_TEST_SUITE_END();

public:
    void holdsAnIdentifierOnce()
    {
        CPPUNIT_ASSERT(_set.insert(7));
        CPPUNIT_ASSERT(!_set.insert(7));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, _set.size());
        CPPUNIT_ASSERT(_set.erase(7));
        CPPUNIT_ASSERT(!_set.erase(7));
        CPPUNIT_ASSERT(!_set.contains(7));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _set.size());
    }

    void knowsTheEdgesOfItsPages()
    {
        for (const PacketIdentifier identifier : {1, 63, 64, 1023, 1024, 1025, 65'535})
        {
            CPPUNIT_ASSERT(!_set.contains(identifier));
            CPPUNIT_ASSERT(_set.insert(identifier));
            CPPUNIT_ASSERT(_set.contains(identifier));
        }
        CPPUNIT_ASSERT(!_set.contains(62) && !_set.contains(65) && !_set.contains(1022));
        CPPUNIT_ASSERT(_set.erase(1024));
        CPPUNIT_ASSERT(_set.contains(1023) && _set.contains(1025));
    }

    void holdsAllOfThem()
    {
        for (unsigned i = 1; i <= 65'535; ++i)
            CPPUNIT_ASSERT(_set.insert(static_cast<PacketIdentifier>(i)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{65'535}, _set.size());
        for (unsigned i = 65'535; i >= 1; --i)
            CPPUNIT_ASSERT(_set.erase(static_cast<PacketIdentifier>(i)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _set.size());
    }

    void agreesWithAPlainSet()
    {
        std::set<PacketIdentifier> plain;
        std::mt19937 random(3);
        for (int step = 0; step < 50'000; ++step)
        {
            const auto identifier = static_cast<PacketIdentifier>(1 + random() % 3000);
            if (random() % 2 == 0)
                CPPUNIT_ASSERT_EQUAL(plain.insert(identifier).second, _set.insert(identifier));
            else CPPUNIT_ASSERT_EQUAL(plain.erase(identifier) == 1, _set.erase(identifier));
            CPPUNIT_ASSERT_EQUAL(plain.size(), _set.size());
        }
    }

private:
    PacketIdentifierSet _set;
};

CPPUNIT_TEST_SUITE_REGISTRATION(PacketIdentifierSetTest);

} // namespace nanomq
