#include "wire/ListedReasons.h"
#include "wire/Packets.h"

#include <cppunit/extensions/HelperMacros.h>

#include <set>
#include <string>

namespace nanomq::test
{

class CodesTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(CodesTest);
    CPPUNIT_TEST(namesEveryReasonCodeDifferently);
    CPPUNIT_TEST(callsOtherNumbersUnknown);
    CPPUNIT_TEST(translatesRefusalsFor3_1_1);
    CPPUNIT_TEST(namesEveryPacketType);
    CPPUNIT_TEST(listsOnlyCodesThatExist);
    CPPUNIT_TEST(listsAsManyCodesAsTheStandardsTables);
    CPPUNIT_TEST_SUITE_END();

public:
    void namesEveryReasonCodeDifferently()
    {
        std::set<std::string_view> names;
        for (int code = 0; code < 256; ++code) names.insert(text(code));
        CPPUNIT_ASSERT_EQUAL(std::size_t{43 + 1}, names.size()); // §2.4, and "Unknown"
        CPPUNIT_ASSERT_EQUAL(std::string_view("Not authorized"), text(0x87));
    }

    void callsOtherNumbersUnknown()
    {
        for (const int code : {0x03, 0x05, 0x7F, 0xA3, 0xFF})
            CPPUNIT_ASSERT_EQUAL(std::string_view("Unknown"), text(code));
    }

    void translatesRefusalsFor3_1_1()
    {
        struct Case
        {
            ReasonCode reason;
            int returnCode;
        };
        static constexpr Case cases[] = {
            {ReasonCode::Success, 0},
            {ReasonCode::UnsupportedProtocolVersion, 1},
            {ReasonCode::ClientIdentifierNotValid, 2},
            {ReasonCode::ServerUnavailable, 3},
            {ReasonCode::BadUserNameOrPassword, 4},
            {ReasonCode::NotAuthorized, 5},
            {ReasonCode::Banned, 5},
            {ReasonCode::ServerBusy, 3},
            {ReasonCode::QuotaExceeded, 3},
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(reasonText(c.reason)), c.returnCode,
                                         int{connectReturnCode(c.reason)});
    }

    void namesEveryPacketType()
    {
        CPPUNIT_ASSERT_EQUAL(std::string_view("PUBLISH"), packetTypeText(PacketType::Publish));
        CPPUNIT_ASSERT_EQUAL(std::string_view("reserved"),
                             packetTypeText(static_cast<PacketType>(0)));
        std::set<std::string_view> names;
        for (int type = 0; type < 16; ++type)
            names.insert(packetTypeText(static_cast<PacketType>(type)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{16}, names.size());
    }

    void listsOnlyCodesThatExist()
    {
        for (int type = 1; type <= 15; ++type)
            for (int code = 0; code < 256; ++code)
                if (listed(code, static_cast<PacketType>(type)))
                    CPPUNIT_ASSERT(text(code) != "Unknown");
    }

    void listsAsManyCodesAsTheStandardsTables()
    {
        struct Case
        {
            PacketType type;
            int codes;
        };
        static constexpr Case cases[] = {
            {PacketType::Connect, 0},     {PacketType::Connack, 22},    {PacketType::Publish, 0},
            {PacketType::Puback, 9},      {PacketType::Pubrec, 9},      {PacketType::Pubrel, 2},
            {PacketType::Pubcomp, 2},     {PacketType::Subscribe, 0},   {PacketType::Suback, 12},
            {PacketType::Unsubscribe, 0}, {PacketType::Unsuback, 7},    {PacketType::Pingreq, 0},
            {PacketType::Pingresp, 0},    {PacketType::Disconnect, 30}, {PacketType::Auth, 3},
        };
        for (const auto& c : cases)
        {
            int codes = 0;
            for (int code = 0; code < 256; ++code) codes += listed(code, c.type);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(packetTypeText(c.type)), c.codes, codes);
        }
    }

private:
    static std::string_view text(int code) { return reasonText(static_cast<ReasonCode>(code)); }
    static bool listed(int code, PacketType type)
    {
        return isListed(static_cast<ReasonCode>(code), type);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CodesTest);

} // namespace nanomq::test
