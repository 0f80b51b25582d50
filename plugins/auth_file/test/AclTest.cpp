#include "Acl.h"
#include "nanomq/testing.h"

#include <Poco/Exception.h>

#include <cppunit/extensions/HelperMacros.h>


namespace
{

using namespace auth_file;
using nanomq::sdk::Access;
using nanomq::sdk::testing::FakeClient;

Acl aclOf(std::initializer_list<const char*> rules)
{
    std::map<std::uint32_t, Acl::Source> sources;
    std::uint32_t number = 0;
    for (const char* rule : rules)
    {
        ++number;
        sources[number] = {rule, "acl.conf:" + std::to_string(number) + ": acl.rule"};
    }
    return Acl(sources);
}

/// "allow 1", "deny 3", "no rule".
std::string decide(const Acl& acl, const FakeClient& client, Access access, const char* topic)
{
    const auto decision = acl.decide(*client.get(), access, topic);
    if (decision.permit == Permit::NoRule) return "no rule";
    return (decision.permit == Permit::Allow ? "allow " : "deny ") +
           decision.rule->name.substr(std::string("acl.rule.").size());
}

class AclTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(AclTest);
    CPPUNIT_TEST(firstRuleThatFitsDecides);
    CPPUNIT_TEST(denyingRulesReachWhatAFilterWouldShow);
    CPPUNIT_TEST(keepsTheOrderAcrossUsersAndFirstLevels);
    CPPUNIT_TEST(rulesAreAboutWhomTheySay);
    CPPUNIT_TEST(refusesRulesThatCannotBeMeant);
    CPPUNIT_TEST(tellsAllThatIsWrong);
    CPPUNIT_TEST_SUITE_END();

public:
    void firstRuleThatFitsDecides()
    {
        // NanoMQ's own example, with its older form of a literal topic.
        const Acl acl = aclOf({
            R"({"permit": "allow", "username": "dashboard", "action": "subscribe", "topics": ["$SYS/#"]})",
            R"({"permit": "allow", "ipaddr": "127.0.0.1", "action": "pubsub", "topics": ["$SYS/#", "#"]})",
            R"({"permit": "deny", "username": "#", "action": "subscribe", "topics": ["$SYS/#", {"eq": "#"}]})",
            R"({"permit": "allow"})",
        });
        const FakeClient other("c1", "alice");
        const FakeClient dashboard("c2", "dashboard");
        FakeClient local("c3");
        local.info().peerAddress = "127.0.0.1";
        struct Case
        {
            const FakeClient& client;
            Access access;
            const char* topic;
            const char* decision;
        };
        const Case cases[] = {
            {dashboard, Access::Subscribe, "$SYS/brokers", "allow 1"},
            {dashboard, Access::Publish, "$SYS/brokers", "allow 4"},
            {dashboard, Access::Subscribe, "#", "deny 3"},
            {local, Access::Subscribe, "$SYS/#", "allow 2"},
            {local, Access::Subscribe, "#", "allow 2"},
            {other, Access::Subscribe, "$SYS/#", "deny 3"},
            {other, Access::Receive, "$SYS/#", "deny 3"},
            {other, Access::Subscribe, "$share/g/$SYS/#", "deny 3"},
            {other, Access::Subscribe, "#", "deny 3"},
            {other, Access::Subscribe, "a/#", "allow 4"},
            {other, Access::Publish, "a", "allow 4"},
            {other, Access::Will, "a", "allow 4"},
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.topic, std::string(c.decision),
                                         decide(acl, c.client, c.access, c.topic));
    }

    void denyingRulesReachWhatAFilterWouldShow()
    {
        const Acl acl = aclOf({
            R"({"permit": "allow", "topics": ["dev/%c/#"]})",
            R"({"permit": "deny", "topics": ["dev/#"]})",
            R"({"permit": "allow", "action": "publish", "topics": ["in/#"]})",
        });
        const FakeClient client("c1");
        CPPUNIT_ASSERT_EQUAL(std::string("allow 1"), decide(acl, client, Access::Subscribe, "dev/c1/#"));
        for (const char* filter : {"dev/#", "dev/+/x", "#", "+/c2", "dev/c2/x", "$share/g/dev/#"})
            CPPUNIT_ASSERT_EQUAL_MESSAGE(filter, std::string("deny 2"),
                                         decide(acl, client, Access::Subscribe, filter));
        CPPUNIT_ASSERT_EQUAL(std::string("no rule"), decide(acl, client, Access::Subscribe, "in/x"));
        CPPUNIT_ASSERT_EQUAL(std::string("allow 3"), decide(acl, client, Access::Publish, "in/x"));
        CPPUNIT_ASSERT_EQUAL(std::string("deny 2"),
                             decide(acl, FakeClient("#"), Access::Publish, "dev/#x"));
    }

    void keepsTheOrderAcrossUsersAndFirstLevels()
    {
        const Acl acl = aclOf({
            R"({"permit": "allow", "username": "alice", "topics": ["a/x", "b/x", "a/y"]})",
            R"({"permit": "deny", "topics": ["a/#"]})",
            R"({"permit": "allow", "username": "alice"})",
            R"({"permit": "deny", "topics": ["b/#", "+/z"]})",
            R"({"permit": "allow", "topics": ["@b/+", "%c/z"]})",
            R"({"permit": "deny", "topics": ["c/#"]})",
        });
        const FakeClient alice("c1", "alice");
        const FakeClient bob("c", "bob");
        struct Case
        {
            const FakeClient& client;
            const char* topic;
            const char* decision;
        };
        const Case cases[] = {
            {alice, "a/x", "allow 1"}, {alice, "a/y", "allow 1"}, {alice, "a/z", "deny 2"},
            {alice, "b/x", "allow 1"}, {alice, "b/z", "allow 3"}, {alice, "c/z", "allow 3"},
            {bob, "a/x", "deny 2"},    {bob, "b/x", "deny 4"},    {bob, "b/+", "deny 4"},
            {bob, "c/z", "deny 4"},    {bob, "c/x", "deny 6"},    {bob, "d/x", "no rule"},
            {bob, "#", "deny 2"},      {bob, "+/x", "deny 2"},    {alice, "#", "deny 2"},
            {alice, "+", "deny 2"},   {bob, "+", "deny 2"},
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.topic, std::string(c.decision),
                                         decide(acl, c.client, Access::Subscribe, c.topic));
    }

    void rulesAreAboutWhomTheySay()
    {
        const Acl acl = aclOf({
            R"({"permit": "deny", "username": "alice", "clientid": "c1"})",
            R"({"permit": "allow", "and": [{"username": "bob"}, {"ipaddr": "10.0.0.0/9"}]})",
            R"({"permit": "deny", "or": [{"clientid": "c2"}, {"ipaddr": "2001:db8::/32"}, {"username": "eve", "clientid": "c9"}]})",
            R"({"permit": "allow", "username": "alice"})",
            R"({"permit": "deny", "clientid": "c3"})",
        });
        struct Case
        {
            const char* clientId;
            const char* userName; // null: none
            const char* address;
            const char* decision;
        };
        static constexpr Case cases[] = {
            {"c1", "alice", "192.0.2.7", "deny 1"},
            {"c4", "alice", "192.0.2.7", "allow 4"},
            {"c1", nullptr, "192.0.2.7", "no rule"},
            {"c1", "bob", "10.127.0.1", "allow 2"},
            {"c1", "bob", "::ffff:10.1.2.3", "allow 2"},
            {"c1", "bob", "10.128.0.1", "no rule"},
            {"c1", "bob", "/run/x.sock", "no rule"},
            {"c2", "bob", "192.0.2.7", "deny 3"},
            {"c5", nullptr, "2001:db8:1::1", "deny 3"},
            {"c5", nullptr, "2001:db9::1", "no rule"},
            {"c9", "eve", "192.0.2.7", "deny 3"},
            {"c8", "eve", "192.0.2.7", "no rule"},
            {"c2", "alice", "192.0.2.7", "deny 3"},
            {"c3", "bob", "192.0.2.7", "deny 5"},
        };
        for (const auto& c : cases)
        {
            const auto check = [&](FakeClient& client) {
                client.info().peerAddress = c.address;
                CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(c.clientId) + " " + c.decision,
                                             std::string(c.decision),
                                             decide(acl, client, Access::Publish, "t"));
            };
            FakeClient anonymous(c.clientId);
            FakeClient named(c.clientId, c.userName ? c.userName : "");
            check(c.userName ? named : anonymous);
        }
    }

    void refusesRulesThatCannotBeMeant()
    {
        struct Case
        {
            const char* rule;
            const char* why;
        };
        static constexpr Case cases[] = {
            {"", "no JSON object"},
            {"[]", "no JSON object"},
            {"{\"permit\": \"allow\"", "no JSON object"},
            {"{}", "has no \"permit\""},
            {R"({"permit": "yes"})", "expected allow or deny"},
            {R"({"permit": true})", "\"permit\" is no text"},
            {R"({"permit": "allow", "action": "read"})", "expected publish, subscribe or pubsub"},
            {R"({"permit": "allow", "topics": []})", "\"topics\" is no list"},
            {R"({"permit": "allow", "topics": "a"})", "\"topics\" is no list"},
            {R"({"permit": "allow", "topics": ["a/#/b"]})", "'#' before the last level"},
            {R"({"permit": "allow", "topics": [{"ne": "a"}]})", "without \"eq\""},
            {R"({"permit": "allow", "topic": ["a"]})", "\"topic\" means nothing"},
            {R"({"permit": "allow", "username": ""})", "\"username\" is no text"},
            {R"({"permit": "allow", "ipaddr": "10.0.0"})", "expected one such as"},
            {R"({"permit": "allow", "ipaddr": "10.0.0.0/33"})", "expected a prefix"},
            {R"({"permit": "allow", "ipaddr": "10.0.0.0/"})", "expected a prefix"},
            {R"({"permit": "allow", "and": []})", "\"and\" is no list"},
            {R"({"permit": "allow", "or": [{}]})", "an object without a field"},
            {R"({"permit": "allow", "or": [{"permit": "deny"}]})", "means nothing in \"and\""},
        };
        for (const auto& c : cases)
        {
            std::string told;
            try
            {
                aclOf({c.rule});
            }
            catch (const Poco::DataFormatException& wrong)
            {
                told = wrong.message();
            }
            CPPUNIT_ASSERT_MESSAGE(std::string(c.rule) + ": " + told,
                                   told.find(c.why) != std::string::npos);
            CPPUNIT_ASSERT(told.starts_with("acl.conf:1: "));
        }
    }

    void tellsAllThatIsWrong()
    {
        try
        {
            aclOf({"{}", R"({"permit": "allow"})", "x"});
            CPPUNIT_FAIL("refused nothing");
        }
        catch (const Poco::DataFormatException& wrong)
        {
            CPPUNIT_ASSERT(wrong.message().find("acl.conf:1: ") != std::string::npos);
            CPPUNIT_ASSERT(wrong.message().find("acl.conf:2: ") == std::string::npos);
            CPPUNIT_ASSERT(wrong.message().find("acl.conf:3: ") != std::string::npos);
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AclTest);

} // namespace
