#include "broker/BanList.h"
#include "broker/RecentCounts.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

namespace nanomq::test
{

class BanListTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(BanListTest);
    CPPUNIT_TEST(bansAddressesAndNetworks);
    CPPUNIT_TEST(refusesWhatIsNoAddress);
    CPPUNIT_TEST(writesNetworksInOneWay);
    CPPUNIT_TEST(bansNamesByTheirKind);
    CPPUNIT_TEST(forgetsBansThatAreOver);
    CPPUNIT_TEST(takesBansBack);
    CPPUNIT_TEST(tellsOfChanges);
    CPPUNIT_TEST(countsWithinAWindow);
    CPPUNIT_TEST(countsForABoundedNumber);
    CPPUNIT_TEST_SUITE_END();

    static constexpr UnixMs kNow = 1'000'000;

    static BanList::Added add(BanList& bans, BanKind kind, const std::string& who)
    {
        return bans.add({kind, who, "why", "test"});
    }

public:
    void bansAddressesAndNetworks()
    {
        struct Case
        {
            const char* ban;
            const char* address;
            bool banned;
        };
        static constexpr Case kCases[] = {
            {"192.0.2.7", "192.0.2.7", true},
            {"192.0.2.7", "192.0.2.8", false},
            {"192.0.2.0/24", "192.0.2.255", true},
            {"192.0.2.0/24", "192.0.3.0", false},
            {"192.0.2.128/25", "192.0.2.127", false},
            {"10.0.0.0/9", "10.127.0.1", true},
            {"10.0.0.0/9", "10.128.0.1", false},
            {"0.0.0.0/0", "203.0.113.9", true},
            {"0.0.0.0/0", "2001:db8::1", false},
            {"192.0.2.7", "::ffff:192.0.2.7", true},
            {"2001:db8::/32", "2001:db8:ffff::1", true},
            {"2001:db8::/32", "2001:db9::1", false},
            {"::/0", "2001:db8::1", true},
            {"192.0.2.7", "/run/mqtt.sock", false},
        };
        for (const auto& c : kCases)
        {
            BanList bans;
            CPPUNIT_ASSERT(add(bans, BanKind::Address, c.ban) == BanList::Added::Done);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(c.ban) + " and " + c.address, c.banned,
                                         bans.bansAddress(c.address, kNow));
        }
    }

    void refusesWhatIsNoAddress()
    {
        BanList bans;
        for (const char* who : {"", "x", "192.0.2", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/a",
                                "192.0.2.0/24 ", "2001:db8::/129", "/24", "192.0.2.0/-1"})
            CPPUNIT_ASSERT_MESSAGE(who,
                                   add(bans, BanKind::Address, who) == BanList::Added::Invalid);
        CPPUNIT_ASSERT(add(bans, BanKind::ClientId, "") == BanList::Added::Invalid);
        CPPUNIT_ASSERT(bans.empty());
    }

    void writesNetworksInOneWay()
    {
        BanList bans;
        add(bans, BanKind::Address, "192.0.2.99/24");
        add(bans, BanKind::Address, "192.0.2.1/24");
        add(bans, BanKind::Address, "192.0.2.1/32");
        add(bans, BanKind::Address, "2001:DB8:0::5/32");
        std::string all;
        for (const auto& ban : bans.list()) all += ban.who + ' ';
        CPPUNIT_ASSERT_EQUAL(std::string("192.0.2.0/24 192.0.2.1 2001:db8::/32 "), all);
    }

    void bansNamesByTheirKind()
    {
        BanList bans;
        add(bans, BanKind::ClientId, "a");
        add(bans, BanKind::UserName, "b");
        CPPUNIT_ASSERT(bans.bansClientId("a", kNow) && !bans.bansClientId("b", kNow));
        CPPUNIT_ASSERT(bans.bansUserName("b", kNow) && !bans.bansUserName("a", kNow));
        CPPUNIT_ASSERT(!bans.bansClientId("aa", kNow));
    }

    void forgetsBansThatAreOver()
    {
        BanList bans;
        bans.add({BanKind::ClientId, "a", "", "", 1, kNow});
        CPPUNIT_ASSERT(bans.bansClientId("a", kNow - 1));
        CPPUNIT_ASSERT(!bans.bansClientId("a", kNow));
        CPPUNIT_ASSERT(bans.list().empty()); // 1970 is over
    }

    void takesBansBack()
    {
        BanList bans;
        add(bans, BanKind::Address, "192.0.2.0/24");
        CPPUNIT_ASSERT(!bans.remove(BanKind::Address, "192.0.2.0"));
        CPPUNIT_ASSERT(bans.remove(BanKind::Address, "192.0.2.77/24"));
        CPPUNIT_ASSERT(!bans.remove(BanKind::Address, "192.0.2.0/24"));
        CPPUNIT_ASSERT(!bans.bansAddress("192.0.2.1", kNow) && bans.empty());
        add(bans, BanKind::UserName, "u");
        CPPUNIT_ASSERT(!bans.remove(BanKind::ClientId, "u") && bans.remove(BanKind::UserName, "u"));
    }

    void tellsOfChanges()
    {
        BanList bans;
        int told = 0;
        bans.onChange([&] { ++told; });
        const auto before = bans.changes();
        add(bans, BanKind::ClientId, "a");
        CPPUNIT_ASSERT_EQUAL(1, told);
        CPPUNIT_ASSERT(bans.changes() != before);
        add(bans, BanKind::Address, "nobody");
        bans.remove(BanKind::ClientId, "b");
        CPPUNIT_ASSERT_EQUAL(1, told);
        bans.remove(BanKind::ClientId, "a");
        CPPUNIT_ASSERT_EQUAL(2, told);
    }

    void countsWithinAWindow()
    {
        RecentCounts counts({3, std::chrono::seconds(10), {}});
        CPPUNIT_ASSERT(!counts.add("a", 0) && !counts.add("a", 9'000) && !counts.add("b", 9'000));
        CPPUNIT_ASSERT(counts.add("a", 10'000));
        CPPUNIT_ASSERT_MESSAGE("it begins anew", !counts.add("a", 10'001));
        CPPUNIT_ASSERT_MESSAGE("a new window", !counts.add("b", 19'001) && !counts.add("b", 19'002));
        RecentCounts none{AutoBan{}};
        CPPUNIT_ASSERT(!none.counts() && !none.add("a", 0) && !none.add("a", 0));
    }

    void countsForABoundedNumber()
    {
        RecentCounts counts({2, std::chrono::seconds(10), {}});
        CPPUNIT_ASSERT(!counts.add("first", 0));
        for (std::size_t i = 0; i < RecentCounts::kMaximum; ++i)
            counts.add(std::to_string(i), 1);
        CPPUNIT_ASSERT_MESSAGE("it was forgotten", !counts.add("first", 2));
        CPPUNIT_ASSERT_MESSAGE("and is watched again", counts.add("first", 3));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(BanListTest);

} // namespace nanomq::test
