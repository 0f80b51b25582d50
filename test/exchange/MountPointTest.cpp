#include "ExchangeTest.h"

namespace nanomq::test
{

/// listener.NAME.mount_point: clients of one listener among themselves.
class MountPointTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(MountPointTest);
    CPPUNIT_TEST(putsTopicsBehindThePointAndTakesThemOff);
    CPPUNIT_TEST(holdsForSharedSubscriptionsAndUnsubscribe);
    CPPUNIT_TEST(holdsForWillsAndRetainedMessages);
    CPPUNIT_TEST(holdsForWhatWaitedAndForAliases);
    CPPUNIT_TEST(countsForTheLimitsOfTopics);
    CPPUNIT_TEST_SUITE_END();

public:
    void putsTopicsBehindThePointAndTakesThemOff()
    {
        for (const auto version : kVersions)
        {
            auto inside = mounted("inside", version);
            auto outside = client("outside", version);
            inside.subscribe("#", QoS::ExactlyOnce);
            outside.subscribe("#", QoS::AtLeastOnce);
            auto publisher = mounted("publisher", version);
            publisher.publish("a/b", "x", {.qos = QoS::AtLeastOnce});
            inside.expectPublish("a/b", "x", QoS::AtLeastOnce);
            outside.expectPublish("plant/a/b", "x", QoS::AtLeastOnce);
            client("other", version).publish("a/b", "y");
            outside.expectPublish("a/b", "y");
            inside.expectNothingBeforePingresp();
            client("third", version).publish("plant/c", "z");
            inside.expectPublish("c", "z");
        }
    }

    void holdsForSharedSubscriptionsAndUnsubscribe()
    {
        auto inside = mounted("inside");
        inside.subscribe("$share/g/a/+");
        auto publisher = client("publisher");
        publisher.publish("plant/a/b", "x");
        inside.expectPublish("a/b", "x");
        CPPUNIT_ASSERT(inside.unsubscribe({"$share/g/a/+", "a/+"}) ==
                       (std::vector{ReasonCode::Success, ReasonCode::NoSubscriptionExisted}));
        CPPUNIT_ASSERT(publisher.publish("plant/a/b", "x", {.qos = QoS::AtLeastOnce}) ==
                       ReasonCode::NoMatchingSubscribers);
    }

    void holdsForWillsAndRetainedMessages()
    {
        auto outside = client("outside");
        outside.subscribe("plant/#");
        {
            ScriptedClient dying(mountedPort());
            Will will;
            will.topicName = "gone";
            const auto payload = hex("'x'"); // an empty one would not be retained
            will.payload = payload;
            will.retain = true;
            dying.connect({.clientId = "dying", .will = will});
            dying.drop();
        }
        CPPUNIT_ASSERT_EQUAL(std::string("plant/gone"),
                             std::string(outside.receiveMessage()->topicName));
        auto inside = mounted("inside");
        inside.subscribe("+");
        const auto retained = inside.receiveMessage();
        CPPUNIT_ASSERT_EQUAL(std::string("gone"), std::string(retained->topicName));
        CPPUNIT_ASSERT(retained->retain);
    }

    void holdsForWhatWaitedAndForAliases()
    {
        ConnectOptions lasting{.clientId = "inside", .cleanStart = false};
        lasting.properties.add(PropertyId::SessionExpiryInterval, kLong);
        lasting.properties.add(PropertyId::TopicAliasMaximum, 10);
        const std::string topic(100, 't'), large(5'000, 'x');
        {
            ScriptedClient inside(mountedPort());
            inside.connect(lasting);
            inside.subscribe("#", QoS::AtLeastOnce);
            inside.drop();
        }
        auto publisher = client("publisher");
        publisher.publish("plant/" + topic, "first", {.qos = QoS::AtLeastOnce});
        publisher.publish("plant/b", large, {.qos = QoS::AtLeastOnce});
        ScriptedClient inside(mountedPort());
        inside.connect(lasting, true);
        const auto first = inside.receiveMessage();
        CPPUNIT_ASSERT_EQUAL(topic, std::string(first->topicName));
        CPPUNIT_ASSERT(first->properties.has(PropertyId::TopicAlias));
        inside.expectPublish("b", large, QoS::AtLeastOnce); // not acknowledged
        publisher.publish("plant/" + topic, "again");
        CPPUNIT_ASSERT_EQUAL(std::string(), std::string(inside.receiveMessage()->topicName));
        inside.drop();
        ScriptedClient back(mountedPort());
        back.connect(lasting, true);
        back.expectPublish("b", large, QoS::AtLeastOnce);
    }

    void countsForTheLimitsOfTopics()
    {
        auto inside = mounted("inside");
        inside.publish(std::string(65'535 - 6, 'x'), "fits");
        inside.sendPublish(std::string(65'535 - 5, 'x'), "does not");
        inside.expectDisconnect(ReasonCode::TopicNameInvalid);
    }

private:
    BrokerOptions options() const override
    {
        return {.conf = {{"nanomq.conf", "listener.plant.url = nmq-tcp://127.0.0.1:0\n"
                                         "listener.plant.mount_point = plant/\n"}}};
    }
    std::uint16_t mountedPort()
    {
        const std::string& url = broker().listeners().at(1);
        return static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
    }
    ScriptedClient mounted(std::string_view clientId,
                           ProtocolVersion version = ProtocolVersion::v5_0)
    {
        ScriptedClient client(mountedPort(), version);
        client.connect({.clientId = clientId});
        return client;
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(MountPointTest);

} // namespace nanomq::test
