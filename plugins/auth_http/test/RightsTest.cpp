#include "Rights.h"
#include "Grants.h"
#include "nanomq/testing.h"

#include <Poco/JSON/Parser.h>
#include <cppunit/extensions/HelperMacros.h>

namespace
{

using namespace auth_http;
using namespace nanomq::sdk;
using namespace nanomq::sdk::testing;
using namespace std::chrono_literals;

Rights rightsOf(const std::string& json)
{
    return Rights(*Poco::JSON::Parser().parse(json).extract<Poco::JSON::Array::Ptr>());
}

class RightsTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(RightsTest);
    CPPUNIT_TEST(patternsCoverAndOverlap);
    CPPUNIT_TEST(firstRuleThatIsAboutItDecides);
    CPPUNIT_TEST(clientsNamesNeverWidenARight);
    CPPUNIT_TEST(qosAndRetainMayMatter);
    CPPUNIT_TEST(grantsBelongToOneConnection);
    CPPUNIT_TEST(clientsExpireOnce);
    CPPUNIT_TEST(grantsOfConnectionsThatNeverWereAreForgotten);
    CPPUNIT_TEST(grantsSurviveAReload);
    CPPUNIT_TEST_SUITE_END();

public:
    void patternsCoverAndOverlap()
    {
        const struct
        {
            const char *pattern, *filter;
            bool covered, touched;
        } cases[] = {
            {"a/b", "a/b", true, true},     {"a/b", "a/c", false, false},
            {"a/#", "a", true, true},       {"a/#", "a/b/c", true, true},
            {"a/#", "a/+/c", true, true},   {"a/+", "a/b", true, true},
            {"a/+", "a/#", false, true},    {"a/+", "a", false, false},
            {"a", "a/#", false, true},      {"#", "a/#", true, true},
            {"#", "$SYS/a", false, false},  {"$SYS/#", "#", false, false},
            {"+/b", "a/+", false, true},    {"a/b", "+/+", false, true},
            {"a/b/c", "a/b", false, false}, {"a/", "a", false, false},
            {"a/+", "a/", true, true},
        };
        for (const auto& c : cases)
        {
            const std::string name = std::string(c.pattern) + " " + c.filter;
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, c.covered, covers(c.pattern, c.filter));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, c.touched, overlaps(c.pattern, c.filter));
        }
    }

    void firstRuleThatIsAboutItDecides()
    {
        const Rights rights = rightsOf(R"([
            {"permission":"deny","action":"subscribe","topic":"secret/#"},
            {"permission":"allow","action":"publish","topic":"dev/${clientid}/#"},
            {"permission":"allow","action":"subscribe","topic":"eq dev/#"},
            {"permission":"deny","action":"all","topic":"dev/#"}])");
        const FakeClient client("c1");
        const auto decide = [&](Access access, const char* topic) {
            auto question = event<ClientAuthorize>(client);
            question.access = access;
            question.topic = topic;
            return rights.decide(question);
        };
        CPPUNIT_ASSERT(decide(Access::Publish, "dev/c1/x") == true);
        CPPUNIT_ASSERT(decide(Access::Will, "dev/c1") == true);
        CPPUNIT_ASSERT(decide(Access::Publish, "dev/c2") == false);
        CPPUNIT_ASSERT(decide(Access::Subscribe, "dev/#") == true);
        CPPUNIT_ASSERT(decide(Access::Subscribe, "dev/+") == false);
        CPPUNIT_ASSERT(decide(Access::Subscribe, "#") == false);
        CPPUNIT_ASSERT(decide(Access::Receive, "$share/g/secret/a") == false);
        CPPUNIT_ASSERT(decide(Access::Publish, "secret/a") == std::nullopt);
    }

    void clientsNamesNeverWidenARight()
    {
        const Rights rights = rightsOf(R"([
            {"permission":"allow","topic":"dev/${username}/#"},
            {"permission":"deny","topic":"own/${username}"}])");
        for (const char* name : {"+", "#", "a/b", ""})
        {
            const FakeClient client("c1", name);
            auto question = event<ClientAuthorize>(client);
            question.access = Access::Subscribe;
            question.topic = "dev/bob/x";
            CPPUNIT_ASSERT_MESSAGE(name, rights.decide(question) == false);
        }
    }

    void qosAndRetainMayMatter()
    {
        const Rights rights = rightsOf(R"([
            {"permission":"allow","action":"publish","topic":"#","qos":[0,1],"retain":false}])");
        const FakeClient client("c1");
        for (int qos = 0; qos < 3; ++qos)
            for (int retain = 0; retain < 2; ++retain)
            {
                auto question = event<ClientAuthorize>(client);
                question.access = Access::Publish;
                question.topic = "a";
                question.qos = static_cast<std::uint8_t>(qos);
                question.retain = static_cast<std::uint8_t>(retain);
                CPPUNIT_ASSERT_EQUAL(qos < 2 && !retain, rights.decide(question).has_value());
            }
    }

    void grantsBelongToOneConnection()
    {
        Grants grants;
        FakeClient client("c1");
        grants.enter("c1", client.info().connectedAtMs, {true, nullptr, 0}, {});
        CPPUNIT_ASSERT(grants.of(client.info())->superuser);
        FakeClient later("c1");
        ++later.info().connectedAtMs;
        CPPUNIT_ASSERT(!grants.of(later.info()));
        grants.disconnected(later.info());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, grants.size());
        grants.enter("c1", later.info().connectedAtMs, {}, {});
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, grants.size());
    }

    void clientsExpireOnce()
    {
        Grants grants;
        grants.enter("c1", 1, {true, nullptr, 100}, {});
        grants.enter("c2", 1, {true, nullptr, 200}, {});
        grants.enter("c2", 2, {true, nullptr, 300}, {}); // came back, with more time
        CPPUNIT_ASSERT(grants.expired(99, {}).empty());
        CPPUNIT_ASSERT(grants.expired(200, {}) == std::vector<std::string>{"c1"});
        CPPUNIT_ASSERT(grants.expired(200, {}).empty());
        CPPUNIT_ASSERT(grants.expired(300, {}) == std::vector<std::string>{"c2"});
    }

    void grantsOfConnectionsThatNeverWereAreForgotten()
    {
        Grants grants;
        const Grants::Time start{};
        const FakeClient stays("stays"), goes("goes");
        for (const FakeClient* client : {&stays, &goes})
            grants.enter(client->get()->clientId.view(), client->get()->connectedAtMs,
                         {true, nullptr, 0}, start);
        grants.connected(*stays.get());
        grants.expired(0, start + 59s);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, grants.size());
        grants.expired(0, start + 61s);
        CPPUNIT_ASSERT(grants.of(*stays.get()));
        CPPUNIT_ASSERT(!grants.of(*goes.get()));
    }

    void grantsSurviveAReload()
    {
        Grants old;
        const FakeClient a("a \"1\""), b("b");
        const auto rights =
            std::make_shared<Rights>(rightsOf(R"([{"permission":"deny","topic":"x"}])"));
        old.enter(a.get()->clientId.view(), a.get()->connectedAtMs, {false, rights, 500}, {});
        old.enter("b", b.get()->connectedAtMs, {true, nullptr, 0}, {});
        Grants fresh;
        fresh.enter("b", b.get()->connectedAtMs + 1, {false, nullptr, 9}, {});
        CPPUNIT_ASSERT(fresh.adopt(old.save()));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, fresh.size());
        auto question = event<ClientAuthorize>(a);
        question.topic = "x";
        question.access = Access::Publish;
        CPPUNIT_ASSERT(fresh.of(*a.get())->rights->decide(question) == false);
        CPPUNIT_ASSERT(!fresh.of(*b.get())); // what came anew meanwhile stays
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, fresh.expired(500, {}).size());
        CPPUNIT_ASSERT(!fresh.adopt("nonsense"));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RightsTest);

} // namespace
