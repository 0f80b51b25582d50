#include "RestFixture.h"
#include "Routes.h"
#include "support/ScriptedClient.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cerrno>
#include <filesystem>
#include <thread>

namespace rest_api::test
{

using namespace nanomq;
using nanomq::test::Deadline;
using nanomq::test::kPatience;
using nanomq::test::ScriptedClient;

/// /api/v4/banned and /api/v4/alarms.
class GuardRoutesTest : public RestFixture
{
    CPPUNIT_TEST_SUITE(GuardRoutesTest);
    CPPUNIT_TEST(bansAClientAndLetsItInAgain);
    CPPUNIT_TEST(listsBansInTheWordsOfTheFamily);
    CPPUNIT_TEST(refusesBansThatCannotBeMeant);
    CPPUNIT_TEST(showsAlarmsThatStandAndThoseThatAreOver);
    CPPUNIT_TEST(onlyOperatorsBan);
    CPPUNIT_TEST(tellsThatTheListIsFull);
    CPPUNIT_TEST(hasNoSuchPathsWithoutTheServices);
    CPPUNIT_TEST_SUITE_END();

    using Object = Poco::JSON::Object;

    class FullBans final : public sdk::Bans
    {
    public:
        sdk::Status add(const Ban*) override { return -ENOSPC; }
        sdk::Status remove(Kind, sdk::Str) override { return -ENOENT; }
        void list(Visitor*) override {}
    };
    class Nowhere final : public Reply::Sink
    {
    public:
        void begin(int, const Reply::Headers&, std::optional<std::size_t>) override {}
        void send(std::string_view) override {}
    };
    /// Status and code of an answer by these routes alone; "200/0" when all is well.
    static std::string answerOf(sdk::Bans& bans, sdk::HttpRole role, const std::string& method,
                                const std::string& path, const std::string& body = {})
    {
        Router router(nullptr);
        addBanRoutes(router, &bans);
        Request request(method, path, {}, body, "192.0.2.7");
        Nowhere nowhere;
        Reply reply(nowhere);
        try
        {
            router.serve(request, path, reply,
                         [role](Request& caller) { caller.setCaller("somebody", role); });
        }
        catch (const ApiError& error)
        {
            return std::to_string(error.status) + "/" +
                   std::to_string(static_cast<int>(error.code));
        }
        return "200/0";
    }

    template <class Condition> static void waitUntil(const char* what, Condition condition)
    {
        for (const Deadline deadline(kPatience); !condition(); std::this_thread::yield())
            CPPUNIT_ASSERT_MESSAGE(what, deadline.remainingMs() > 0);
    }
    Object::Ptr ban(const std::string& body)
    {
        const auto answer = post("/api/v4/banned", body);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(answer.body, 200, answer.status);
        CPPUNIT_ASSERT_EQUAL(0, answer.code());
        return answer.json()->getObject("data");
    }
    std::string unban(const std::string& asAndWho)
    {
        return refusal({.method = "DELETE", .path = "/api/v4/banned/" + asAndWho});
    }
    Poco::JSON::Array::Ptr alarms(const std::string& which)
    {
        const auto data = get("/api/v4/alarms" + which).data();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, data->size());
        return data->getObject(0)->getArray("alarms");
    }

public:
    void bansAClientAndLetsItInAgain()
    {
        start();
        ScriptedClient one(broker().port());
        one.connect({.clientId = "plant/one"});
        const auto made = ban(R"({"who":"plant/one","as":"clientid","reason":"floods"})");
        one.expectDisconnect(ReasonCode::AdministrativeAction);
        ScriptedClient refused(broker().port());
        refused.sendConnect({.clientId = "plant/one"});
        refused.expectConnack(ReasonCode::Banned);
        CPPUNIT_ASSERT_EQUAL(std::string("admin"), made->getValue<std::string>("by"));
        CPPUNIT_ASSERT_EQUAL_MESSAGE("five minutes", 300,
                                     made->getValue<int>("until") - made->getValue<int>("at"));
        CPPUNIT_ASSERT_EQUAL(std::string("200/0"), unban("clientid/plant%2Fone"));
        CPPUNIT_ASSERT_EQUAL(std::string("404/102"), unban("clientid/plant%2Fone"));
        ScriptedClient again(broker().port());
        again.connect({.clientId = "plant/one"});
    }

    void listsBansInTheWordsOfTheFamily()
    {
        start();
        CPPUNIT_ASSERT_EQUAL(std::string("{\"code\":0,\"data\":[]}"), get("/api/v4/banned").body);
        ban(R"({"who":"192.0.2.0/24","as":"peerhost","until":"infinity","by":"ops","at":1})");
        ban(R"({"who":"bob","as":"username","until":4102444800,"reason":null})");
        const auto list = get("/api/v4/banned").data();
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, list->size());
        const auto network = list->getObject(0);
        CPPUNIT_ASSERT_EQUAL(std::string("192.0.2.0/24"), network->getValue<std::string>("who"));
        CPPUNIT_ASSERT_EQUAL(std::string("peerhost"), network->getValue<std::string>("as"));
        CPPUNIT_ASSERT_EQUAL(std::string("infinity"), network->getValue<std::string>("until"));
        CPPUNIT_ASSERT_EQUAL(std::string("ops"), network->getValue<std::string>("by"));
        CPPUNIT_ASSERT_MESSAGE("when it was made", network->getValue<Poco::Int64>("at") > 1);
        const auto bob = list->getObject(1);
        CPPUNIT_ASSERT_EQUAL(std::string("username"), bob->getValue<std::string>("as"));
        CPPUNIT_ASSERT_EQUAL(Poco::Int64{4'102'444'800}, bob->getValue<Poco::Int64>("until"));
        const auto page = get("/api/v4/banned?_page=2&_limit=1").json();
        CPPUNIT_ASSERT_EQUAL(std::string("bob"),
                             page->getArray("data")->getObject(0)->getValue<std::string>("who"));
        CPPUNIT_ASSERT_EQUAL(2, page->getObject("meta")->getValue<int>("count"));
        CPPUNIT_ASSERT_EQUAL(std::string("200/0"), unban("peerhost/192.0.2.0%2F24"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, get("/api/v4/banned").data()->size());
    }

    void refusesBansThatCannotBeMeant()
    {
        start();
        struct Case
        {
            const char* body;
            const char* refusal;
        };
        static constexpr Case cases[] = {
            {R"({"as":"clientid"})", "400/107"},
            {R"({"who":"x"})", "400/107"},
            {R"({"who":"","as":"clientid"})", "400/107"},
            {R"({"who":7,"as":"clientid"})", "400/108"},
            {R"({"who":"x","as":"client"})", "400/108"},
            {R"({"who":"x","as":"peerhost"})", "400/108"},
            {R"({"who":"192.0.2.0/33","as":"peerhost"})", "400/108"},
            {R"({"who":"x","as":"clientid","reason":{}})", "400/108"},
            {R"({"who":"x","as":"clientid","until":1})", "400/108"},
            {R"({"who":"x","as":"clientid","until":0})", "400/108"},
            {R"({"who":"x","as":"clientid","until":-1})", "400/108"},
            {R"({"who":"x","as":"clientid","until":18446744073709551615})", "400/108"},
            {R"({"who":"x","as":"clientid","until":9223372036854775807})", "400/108"},
            {R"({"who":"x","as":"clientid","until":4102444800.5})", "400/108"},
            {R"({"who":"x","as":"clientid","until":"tomorrow"})", "400/108"},
            {R"(["x"])", "400/109"},
            {"", "400/109"},
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(
                c.body, std::string(c.refusal),
                refusal({.method = "POST", .path = "/api/v4/banned", .body = c.body}));
        const std::string tooLong(65'536, 'x');
        CPPUNIT_ASSERT_EQUAL(
            std::string("400/108"),
            refusal({.method = "POST", .path = "/api/v4/banned",
                     .body = R"({"as":"clientid","who":")" + tooLong + "\"}"}));
        CPPUNIT_ASSERT_EQUAL(std::string("400/108"), unban("client/x"));
        CPPUNIT_ASSERT_EQUAL(std::string("400/108"), refusal({.path = "/api/v4/banned?who=x"}));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, get("/api/v4/banned").data()->size());
    }

    void showsAlarmsThatStandAndThoseThatAreOver()
    {
        start("http_server.rate_limit = 0\n");
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, alarms("")->size());
        // A folder where the file of bans should be.
        const auto inTheWay = broker().stateFolder() / "bans.json";
        std::filesystem::create_directories(inTheWay / "x");
        ban(R"({"who":"x","as":"clientid"})");
        waitUntil("it stands", [&] { return alarms("/activated")->size() == 1; });
        const auto standing = alarms("")->getObject(0);
        CPPUNIT_ASSERT_EQUAL(std::string("ban_file"), standing->getValue<std::string>("name"));
        CPPUNIT_ASSERT(standing->getValue<bool>("activated"));
        CPPUNIT_ASSERT_EQUAL(std::string("infinity"),
                             standing->getValue<std::string>("deactivate_at"));
        CPPUNIT_ASSERT(!standing->getValue<std::string>("message").empty());
        CPPUNIT_ASSERT_EQUAL(std::string("error"), standing->getObject("details")
                                                       ->getValue<std::string>("severity"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, alarms("/deactivated")->size());

        std::filesystem::remove_all(inTheWay);
        waitUntil("it is over", [&] { return alarms("/deactivated")->size() == 1; });
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, alarms("/activated")->size());
        const auto over = alarms("")->getObject(0);
        CPPUNIT_ASSERT(!over->getValue<bool>("activated"));
        const auto from = over->getValue<Poco::Int64>("activate_at");
        const auto until = over->getValue<Poco::Int64>("deactivate_at");
        CPPUNIT_ASSERT_MESSAGE("microseconds", from > 1'600'000'000'000'000);
        CPPUNIT_ASSERT_EQUAL(until - from, over->getValue<Poco::Int64>("duration"));
        CPPUNIT_ASSERT_EQUAL(std::string("400/108"), refusal({.path = "/api/v4/alarms?node=x"}));
        CPPUNIT_ASSERT_EQUAL_MESSAGE(
            "the broker forgets by itself", std::string("405/102"),
            refusal({.method = "DELETE", .path = "/api/v4/alarms/deactivated"}));
    }

    void onlyOperatorsBan()
    {
        FullBans bans;
        const auto as = [&bans](sdk::HttpRole role, const char* method, const char* path) {
            return answerOf(bans, role, method, path, R"({"who":"x","as":"clientid"})");
        };
        using Role = sdk::HttpRole;
        CPPUNIT_ASSERT_EQUAL(std::string("200/0"), as(Role::Reader, "GET", "/api/v4/banned"));
        CPPUNIT_ASSERT_EQUAL(std::string("403/115"), as(Role::Reader, "POST", "/api/v4/banned"));
        CPPUNIT_ASSERT_EQUAL(std::string("403/115"),
                             as(Role::Reader, "DELETE", "/api/v4/banned/clientid/x"));
        CPPUNIT_ASSERT_EQUAL(std::string("404/102"),
                             as(Role::Operator, "DELETE", "/api/v4/banned/clientid/x"));
    }

    void tellsThatTheListIsFull()
    {
        FullBans bans;
        CPPUNIT_ASSERT_EQUAL(std::string("500/101"),
                             answerOf(bans, sdk::HttpRole::Operator, "POST", "/api/v4/banned",
                                      R"({"who":"x","as":"clientid"})"));
    }

    void hasNoSuchPathsWithoutTheServices()
    {
        Router router(nullptr);
        addBanRoutes(router, nullptr);
        addAlarmRoutes(router, nullptr);
        CPPUNIT_ASSERT(router.operations().empty());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(GuardRoutesTest);

} // namespace rest_api::test
