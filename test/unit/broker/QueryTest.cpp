#include "BrokerFixture.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

namespace nanomq::test
{

/// The interface nanomq.query/1.
class QueryTest : public BrokerFixture
{
    CPPUNIT_TEST_SUITE(QueryTest);
    CPPUNIT_TEST(listsClientsInOrderAndFiltered);
    CPPUNIT_TEST(showsWhoAClientIs);
    CPPUNIT_TEST(listsSubscriptionsBeyondASliceOnce);
    CPPUNIT_TEST(listsSubscriptionsOfTheClientsThatAreMeant);
    CPPUNIT_TEST(endsWhenTheVisitorHasEnough);
    CPPUNIT_TEST(listsRoutesAndRetainedMessages);
    CPPUNIT_TEST(countsConnectionsOfListeners);
    CPPUNIT_TEST(saysSoWhenTheBrokerDoesNotRun);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { start(); }

    void listsClientsInOrderAndFiltered()
    {
        auto away = idOn(0, "away");
        lasting(away, false).disconnect();
        CPPUNIT_ASSERT(eventually([&] { return !broker().listing().session(away)->connected; }));
        auto c = client("c");
        auto b = client("b");
        auto a = client("a");
        CPPUNIT_ASSERT((ids({}) == Ids{"a", away, "b", "c"}));
        CPPUNIT_ASSERT((ids({.connected = 1}) == Ids{"a", "b", "c"}));
        CPPUNIT_ASSERT((ids({.connected = 2}) == Ids{away}));
        CPPUNIT_ASSERT((ids({.after = "b"}) == Ids{"c"}));
        CPPUNIT_ASSERT((ids({.clientId = "b"}) == Ids{"b"}));
        CPPUNIT_ASSERT((ids({.clientIdPart = "wa"}) == Ids{away}));
        CPPUNIT_ASSERT((ids({.clientId = "nobody"}).empty()));
        CPPUNIT_ASSERT((ids({.userName = "nobody"}).empty()));
    }

    void showsWhoAClientIs()
    {
        auto publisher = client("publisher", ProtocolVersion::v3_1_1);
        publisher.publish("t", "x", {.qos = QoS::AtLeastOnce});
        struct Visitor final : sdk::Query::ClientVisitor
        {
            bool client(const sdk::Query::Client& shown) override
            {
                CPPUNIT_ASSERT_EQUAL(std::string("publisher"), std::string(shown.clientId.view()));
                CPPUNIT_ASSERT_EQUAL(std::uint8_t{1}, shown.connected);
                CPPUNIT_ASSERT_EQUAL(std::uint8_t{4}, shown.protocolVersion);
                CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, shown.received);
                CPPUNIT_ASSERT_EQUAL(std::string("127.0.0.1"),
                                     std::string(shown.peerAddress.view()));
                CPPUNIT_ASSERT(shown.listener.view().starts_with("nmq-tcp://"));
                CPPUNIT_ASSERT(shown.connectedAtMs > 0);
                ++seen;
                return true;
            }
            int seen = 0;
        } visitor;
        CPPUNIT_ASSERT_EQUAL(0, broker().query().clients(nullptr, &visitor));
        CPPUNIT_ASSERT_EQUAL(1, visitor.seen);
    }

    void listsSubscriptionsBeyondASliceOnce()
    {
        constexpr int kMany = 1'000; // of one session: more than a slice takes
        auto many = client("many");
        auto before = client("before");
        auto behind = client("zzz");
        before.subscribe("t/before");
        behind.subscribe("t/behind", QoS::AtLeastOnce);
        for (int i = 0; i < kMany; ++i) many.subscribe("t/" + std::to_string(i));
        const auto found = subscriptions({});
        CPPUNIT_ASSERT_EQUAL(std::size_t{kMany + 2}, found.size());
        CPPUNIT_ASSERT_EQUAL(std::string("before t/before 0"), found.front());
        CPPUNIT_ASSERT_EQUAL(std::string("zzz t/behind 1"), found.back());
        CPPUNIT_ASSERT_EQUAL(found.size(), std::set<std::string>(found.begin(), found.end()).size());
    }

    void listsSubscriptionsOfTheClientsThatAreMeant()
    {
        auto a = client("a");
        auto b = client("b");
        a.subscribe("$share/g/x");
        b.subscribe("y");
        CPPUNIT_ASSERT((subscriptions({.clientId = "a"}) == Ids{"a $share/g/x 0"}));
        CPPUNIT_ASSERT((subscriptions({.after = "a"}) == Ids{"b y 0"}));
        CPPUNIT_ASSERT((subscriptions({.clientIdPart = "b"}) == Ids{"b y 0"}));
        CPPUNIT_ASSERT((subscriptions({.clientId = "nobody"}).empty()));
    }

    void endsWhenTheVisitorHasEnough()
    {
        auto a = client("a");
        auto b = client("b");
        struct Visitor final : sdk::Query::ClientVisitor
        {
            bool client(const sdk::Query::Client&) override { return ++seen < 1; }
            int seen = 0;
        } visitor;
        CPPUNIT_ASSERT_EQUAL(0, broker().query().clients(nullptr, &visitor));
        CPPUNIT_ASSERT_EQUAL(1, visitor.seen);
    }

    void listsRoutesAndRetainedMessages()
    {
        auto a = client("a");
        auto b = client("b");
        auto c = client("c");
        b.subscribe("plant/+");
        c.subscribe("plant/+");
        b.subscribe("exact");
        for (int i = 0; i < 300; ++i)
            a.publish("plant/" + std::to_string(i), "kept",
                      {.qos = QoS::AtLeastOnce, .retain = true});
        a.publish("exact", "other", {.qos = QoS::AtLeastOnce, .retain = true});

        struct Routes final : sdk::Query::RouteVisitor
        {
            bool route(const sdk::Query::Route& route) override
            {
                all[std::string(route.topicFilter.view())] = route.subscribers;
                return true;
            }
            std::map<std::string, std::uint64_t> all;
        } routes;
        CPPUNIT_ASSERT_EQUAL(0, broker().query().routes({}, &routes));
        CPPUNIT_ASSERT((routes.all ==
                        std::map<std::string, std::uint64_t>{{"exact", 1}, {"plant/+", 2}}));

        struct Kept final : sdk::Query::RetainedVisitor
        {
            bool retained(const sdk::Query::Retained& message) override
            {
                topics.insert(std::string(message.topic.view()));
                CPPUNIT_ASSERT_EQUAL(std::string("kept"), std::string(message.payload.view()));
                CPPUNIT_ASSERT_EQUAL(std::string("a"), std::string(message.clientId.view()));
                CPPUNIT_ASSERT_EQUAL(0xFFFFFFFFu, message.expirySeconds);
                return true;
            }
            std::set<std::string> topics;
        } kept;
        CPPUNIT_ASSERT_EQUAL(0, broker().query().retained("plant/#", &kept));
        CPPUNIT_ASSERT_EQUAL(std::size_t{300}, kept.topics.size());
        CPPUNIT_ASSERT_EQUAL(-EINVAL, broker().query().retained("plant/#/x", &kept));
    }

    void countsConnectionsOfListeners()
    {
        auto a = client("a");
        struct Visitor final : sdk::Query::ListenerVisitor
        {
            bool listener(const sdk::Query::Listener& listener) override
            {
                CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, listener.connections);
                CPPUNIT_ASSERT(listener.url.view().starts_with("nmq-tcp://127.0.0.1:"));
                ++seen;
                return true;
            }
            int seen = 0;
        } visitor;
        CPPUNIT_ASSERT_EQUAL(0, broker().query().listeners(&visitor));
        CPPUNIT_ASSERT_EQUAL(1, visitor.seen);
    }

    void saysSoWhenTheBrokerDoesNotRun()
    {
        broker().stop();
        struct Visitor final : sdk::Query::ClientVisitor
        {
            bool client(const sdk::Query::Client&) override { return true; }
        } visitor;
        CPPUNIT_ASSERT_EQUAL(-ESHUTDOWN, broker().query().clients(nullptr, &visitor));
    }

private:
    using Ids = std::vector<std::string>;
    struct Wanted
    {
        std::uint8_t connected = 0;
        const char* after = "";
        std::string clientId{};
        const char* clientIdPart = "";
        const char* userName = "";
    };

    static sdk::Query::ClientFilter filterOf(const Wanted& wanted)
    {
        sdk::Query::ClientFilter filter{};
        filter.size = sizeof filter;
        filter.connected = wanted.connected;
        filter.after = wanted.after;
        filter.clientId = wanted.clientId;
        filter.clientIdPart = wanted.clientIdPart;
        filter.userName = wanted.userName;
        return filter;
    }
    Ids ids(const Wanted& wanted)
    {
        struct Visitor final : sdk::Query::ClientVisitor
        {
            bool client(const sdk::Query::Client& client) override
            {
                all.emplace_back(client.clientId.view());
                return true;
            }
            Ids all;
        } visitor;
        const auto filter = filterOf(wanted);
        CPPUNIT_ASSERT_EQUAL(0, broker().query().clients(&filter, &visitor));
        return visitor.all;
    }
    Ids subscriptions(const Wanted& wanted)
    {
        struct Visitor final : sdk::Query::SubscriptionVisitor
        {
            bool subscription(const sdk::Query::Subscription& subscription) override
            {
                all.push_back(std::string(subscription.clientId.view()) + ' ' +
                              std::string(subscription.topicFilter.view()) + ' ' +
                              std::to_string(subscription.qos));
                return true;
            }
            Ids all;
        } visitor;
        const auto filter = filterOf(wanted);
        CPPUNIT_ASSERT_EQUAL(0, broker().query().subscriptions(&filter, &visitor));
        return visitor.all;
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(QueryTest);

} // namespace nanomq::test
