#include "BrokerFixture.h"

#include <cppunit/extensions/HelperMacros.h>

#include <filesystem>
#include <new>

namespace nanomq::test
{

/// Bans and alarms, as clients notice them.
class BansTest : public BrokerFixture
{
    CPPUNIT_TEST_SUITE(BansTest);
    CPPUNIT_TEST(refusesABannedClientIdentifier);
    CPPUNIT_TEST(refusesABannedUserName);
    CPPUNIT_TEST(closesConnectionsOfABannedAddressAtOnce);
    CPPUNIT_TEST(disconnectsWhoIsBannedWhileConnected);
    CPPUNIT_TEST(bansAnAddressAfterFailedLogins);
    CPPUNIT_TEST(bansAClientThatFlaps);
    CPPUNIT_TEST(bansNobodyByItselfUnlessToldTo);
    CPPUNIT_TEST(tellsThatAWorkerHasFailed);
    CPPUNIT_TEST_SUITE_END();

    void refused(std::string_view clientId, ReasonCode reason,
                 std::optional<std::string_view> userName = {},
                 ProtocolVersion version = ProtocolVersion::v5_0)
    {
        ScriptedClient client(port(), version);
        client.sendConnect({.clientId = clientId, .userName = userName});
        client.expectConnack(reason);
        client.expectClosed();
    }
    /// Transports that cannot be made.
    class NoMemory final : public TransportFactory
    {
        std::unique_ptr<Transport> make(int) override { throw std::bad_alloc(); }
    };
    static std::size_t descriptors()
    {
        std::size_t count = 0;
        for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
            ++count;
        return count;
    }
    bool stands(std::string_view name)
    {
        for (const auto& alarm : broker().alarms().active())
            if (alarm.name == name) return true;
        return false;
    }
    /// Denies every login.
    void denyAll()
    {
        auto& guard = plugin();
        guard.on(sdk::HookPoint::ClientAuthenticate,
                 [](const sdk::EventHeader&, sdk::HookContext&) { return sdk::Verdict::Deny; });
        load(guard);
    }

public:
    void refusesABannedClientIdentifier()
    {
        start();
        broker().bans().add({BanKind::ClientId, "bad", "", "test"});
        refused("bad", ReasonCode::Banned);
        refused("bad", ReasonCode::NotAuthorized, {}, ProtocolVersion::v3_1_1);
        client("good").disconnect();
        broker().bans().remove(BanKind::ClientId, "bad");
        client("bad").disconnect();
    }

    void refusesABannedUserName()
    {
        start();
        broker().bans().add({BanKind::UserName, "eve", "", "test"});
        refused("a", ReasonCode::Banned, "eve");
        ScriptedClient other(port());
        other.connect({.clientId = "a", .userName = "adam"});
    }

    void closesConnectionsOfABannedAddressAtOnce()
    {
        start();
        broker().bans().add({BanKind::Address, "127.0.0.0/8", "", "test"});
        ScriptedClient banned(port());
        CPPUNIT_ASSERT(banned.closedWithin(kPatience));
        const auto count = static_cast<std::size_t>(Limit::Banned);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker().figures().limits[count]);
    }

    void disconnectsWhoIsBannedWhileConnected()
    {
        start();
        auto byId = client("by-id");
        ScriptedClient byUser(port());
        byUser.connect({.clientId = "by-user", .userName = "eve"});
        auto other = client("other");
        broker().bans().add({BanKind::ClientId, "by-id", "", "test"});
        broker().bans().add({BanKind::UserName, "eve", "", "test"});
        byId.expectDisconnect(ReasonCode::AdministrativeAction);
        byUser.expectDisconnect(ReasonCode::AdministrativeAction);
        other.expectNothingBeforePingresp();
        broker().bans().add({BanKind::Address, "127.0.0.1", "", "test"});
        other.expectDisconnect(ReasonCode::AdministrativeAction);
    }

    void bansAnAddressAfterFailedLogins()
    {
        _settings.failedLogins = {3, std::chrono::minutes(1), std::chrono::hours(1)};
        start();
        denyAll();
        for (int i = 0; i < 3; ++i) refused("x", ReasonCode::BadUserNameOrPassword, "u");
        const auto bans = broker().bans().list();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, bans.size());
        CPPUNIT_ASSERT_EQUAL(std::string("127.0.0.1"), bans.front().who);
        CPPUNIT_ASSERT_EQUAL(std::string("failed logins"), bans.front().by);
        CPPUNIT_ASSERT(bans.front().until > unixNow());
        ScriptedClient again(port());
        CPPUNIT_ASSERT(again.closedWithin(kPatience));
        CPPUNIT_ASSERT(stands("failed_logins"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker().figures().bansMade);
    }

    void bansAClientThatFlaps()
    {
        _settings.flapping = {3, std::chrono::minutes(1), std::chrono::hours(1)};
        start();
        for (int i = 0; i < 2; ++i) client("f").disconnect();
        client("f").expectDisconnect(ReasonCode::AdministrativeAction);
        refused("f", ReasonCode::Banned);
        CPPUNIT_ASSERT_EQUAL(std::string("flapping"), broker().bans().list().front().by);
        CPPUNIT_ASSERT(stands("flapping"));
        client("g").disconnect();
    }

    void bansNobodyByItselfUnlessToldTo()
    {
        start();
        denyAll();
        for (int i = 0; i < 30; ++i) refused("x", ReasonCode::BadUserNameOrPassword, "u");
        CPPUNIT_ASSERT(broker().bans().empty());
    }

    void tellsThatAWorkerHasFailed()
    {
        _prepare = [](Broker& broker) {
            broker.transports().add("nmq-tcp", [](const ListenerSettings&) {
                return std::make_unique<NoMemory>();
            });
        };
        start();
        const std::size_t before = descriptors();
        for (int i = 0; i < 5; ++i)
        {
            ScriptedClient unlucky(port());
            CPPUNIT_ASSERT(unlucky.closedWithin(kPatience));
        }
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().workerFailures == 5; }));
        CPPUNIT_ASSERT(stands("worker"));
        CPPUNIT_ASSERT_EQUAL_MESSAGE("no descriptor is left behind", before, descriptors());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker().figures().connectMemory);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(BansTest);

} // namespace nanomq::test
