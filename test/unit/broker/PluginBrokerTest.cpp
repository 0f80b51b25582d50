#include "BrokerFixture.h"

#include "wire/Encoder.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cerrno>
#include <future>

namespace nanomq::test
{

/// The interface nanomq.broker/1.
class PluginBrokerTest : public BrokerFixture
{
    CPPUNIT_TEST_SUITE(PluginBrokerTest);
    CPPUNIT_TEST(publishes);
    CPPUNIT_TEST(passesNothingOnThatBelongsToAConnection);
    CPPUNIT_TEST(keepsTheOrderOfATopic);
    CPPUNIT_TEST(refusesWhatMqttDoesNotAllow);
    CPPUNIT_TEST(refusesWhenTooMuchWaits);
    CPPUNIT_TEST(kicksAClientWhereverItIs);
    CPPUNIT_TEST(subscribesForAClientAndUnsubscribes);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { start(); }

    void publishes()
    {
        auto subscriber = client("subscriber");
        subscriber.subscribe("t", QoS::ExactlyOnce);
        PropertyWriter properties;
        properties.add(PropertyId::ContentType, std::string_view("text/plain"));
        auto publication = of("t", "from a plugin", 1);
        publication.properties = {properties.raw().data(), properties.raw().size()};
        publication.expirySeconds = 100;
        CPPUNIT_ASSERT_EQUAL(0, broker().plugins().publish(&publication));
        const auto message = subscriber.expectPublish("t", "from a plugin", QoS::AtLeastOnce);
        CPPUNIT_ASSERT_EQUAL(std::string("text/plain"),
                             std::string(message->properties.contentType));
        CPPUNIT_ASSERT(message->properties.messageExpiryInterval >= 99);

        auto retained = of("kept", "retained", 0);
        retained.retain = 1;
        CPPUNIT_ASSERT_EQUAL(0, broker().plugins().publish(&retained));
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().retained == 1; }));
        subscriber.subscribe("kept");
        subscriber.expectPublish("kept", "retained");
    }

    void passesNothingOnThatBelongsToAConnection()
    {
        auto subscriber = client("subscriber");
        subscriber.subscribe("t");
        PropertyWriter properties;
        properties.add(PropertyId::TopicAlias, 7);
        properties.add(PropertyId::SubscriptionIdentifier, 9);
        properties.add(PropertyId::MessageExpiryInterval, 50);
        properties.add(PropertyId::ContentType, std::string_view("text/plain"));
        auto publication = of("t", "x", 0);
        publication.properties = {properties.raw().data(), properties.raw().size()};
        CPPUNIT_ASSERT_EQUAL(0, broker().plugins().publish(&publication));
        const auto message = subscriber.expectPublish("t", "x");
        CPPUNIT_ASSERT(!message->properties.has(PropertyId::TopicAlias));
        CPPUNIT_ASSERT(!message->properties.has(PropertyId::SubscriptionIdentifier));
        CPPUNIT_ASSERT(message->properties.has(PropertyId::ContentType));
        CPPUNIT_ASSERT(message->properties.messageExpiryInterval >= 49 &&
                       message->properties.messageExpiryInterval <= 50);
    }

    void keepsTheOrderOfATopic()
    {
        auto subscriber = client("subscriber");
        subscriber.subscribe("t", QoS::AtLeastOnce);
        for (int i = 0; i < 1000; ++i)
        {
            const std::string payload = std::to_string(i);
            const auto publication = of("t", payload, 1);
            CPPUNIT_ASSERT_EQUAL(0, broker().plugins().publish(&publication));
        }
        for (int i = 0; i < 1000; ++i)
        {
            const auto message = subscriber.receiveMessage();
            CPPUNIT_ASSERT_EQUAL(std::to_string(i), std::string(asText(message->payload)));
        }
    }

    void refusesWhatMqttDoesNotAllow()
    {
        const char cut[] = {0x03, 0, 9, 'x'};
        const char foreign[] = {0x11, 0, 0, 0, 1}; // Session Expiry Interval
        const std::string tooLong(65'536, 't');
        auto properties = [](const char* bytes, std::size_t size) {
            auto publication = of("t", "x", 0);
            publication.properties = {bytes, size};
            return publication;
        };
        auto tooLarge = of("t", "x", 0);
        tooLarge.payload.size = 268'435'455;
        for (const auto& publication :
             {of("", "x", 0), of("a/+", "x", 0), of(tooLong, "x", 0), of("t", "x", 3),
              properties(cut, sizeof cut), properties(foreign, sizeof foreign), tooLarge})
            CPPUNIT_ASSERT_EQUAL(-EINVAL, broker().plugins().publish(&publication));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker().figures().messagesReceived);
    }

    void refusesWhenTooMuchWaits()
    {
        std::promise<void> release;
        auto released = release.get_future().share();
        auto& blocking = plugin();
        blocking.on(sdk::HookPoint::MessagePublished, [released](const auto&, auto&) {
            released.wait();
            return sdk::Verdict::Next;
        });
        load(blocking);
        const auto publication = of("t", "x", 0);
        std::size_t taken = 0;
        sdk::Status status = 0;
        while (taken < 200'000 && (status = broker().plugins().publish(&publication)) == 0) ++taken;
        release.set_value();
        CPPUNIT_ASSERT_EQUAL(-ENOBUFS, status);
        CPPUNIT_ASSERT(taken >= 100'000);
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().messagesReceived == taken; }));
        CPPUNIT_ASSERT_EQUAL(0, broker().plugins().publish(&publication));
    }

    void kicksAClientWhereverItIs()
    {
        for (const unsigned worker : {0u, 1u})
        {
            const std::string id = idOn(worker, "kicked");
            auto kicked = client(id);
            broker().plugins().kick(id,
                                    static_cast<sdk::ReasonCode>(ReasonCode::AdministrativeAction));
            kicked.expectDisconnect(ReasonCode::AdministrativeAction);
        }
        CPPUNIT_ASSERT_EQUAL_MESSAGE("nobody", 0, broker().plugins().kick("nobody", 0x98));
    }

    void subscribesForAClientAndUnsubscribes()
    {
        auto publisher = client("publisher");
        publisher.publish("t", "kept", {.qos = QoS::AtLeastOnce, .retain = true});
        auto subscriber = client("subscriber");
        auto& plugins = broker().clientAdmin();
        CPPUNIT_ASSERT_EQUAL(-EINVAL, plugins.subscribe("subscriber", "a/#/b", 0));
        CPPUNIT_ASSERT_EQUAL(-EINVAL, plugins.subscribe("subscriber", "t", 3));
        CPPUNIT_ASSERT_EQUAL(0, plugins.subscribe("nobody", "t", 1));
        CPPUNIT_ASSERT_EQUAL(0, plugins.subscribe("subscriber", "t", 1));
        subscriber.expectPublish("t", "kept", QoS::AtLeastOnce);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker().figures().subscriptions);
        CPPUNIT_ASSERT_EQUAL(0, plugins.unsubscribe("subscriber", "t"));
        CPPUNIT_ASSERT(eventually([&] { return broker().figures().subscriptions == 0; }));
    }

private:
    static sdk::Broker::Publication of(std::string_view topic, std::string_view payload,
                                       std::uint8_t qos)
    {
        sdk::Broker::Publication publication{};
        publication.size = sizeof publication;
        publication.qos = qos;
        publication.topic = topic;
        publication.payload = {payload.data(), payload.size()};
        publication.expirySeconds = 0xFFFFFFFF;
        return publication;
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PluginBrokerTest);

} // namespace nanomq::test
