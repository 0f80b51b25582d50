#include "ExchangeTest.h"

#include <algorithm>
#include <map>
#include <set>

namespace nanomq::test
{

/// Shared Subscriptions (§4.8.2).
class ConformanceSharedTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(ConformanceSharedTest);
    CPPUNIT_TEST(givesEachMemberItsShare);
    CPPUNIT_TEST(keepsToTheQoSOfTheMember);
    CPPUNIT_TEST(passesOverAMemberWhoseWindowIsFull);
    CPPUNIT_TEST(passesOverAMemberForWhomTheMessageIsTooLarge);
    CPPUNIT_TEST(passesOverAMemberWhoseQueueIsFull);
    CPPUNIT_TEST(handsBackWhatAMemberLeaves);
    CPPUNIT_TEST(handsNothingBackToAnotherGroup);
    CPPUNIT_TEST(keepsQoS2ThatAMemberHasBegun);
    CPPUNIT_TEST(dropsWhatAMemberRefuses);
    CPPUNIT_TEST(lastsUntilItsLastMemberLeaves);
    CPPUNIT_TEST(carriesTheIdentifierOfTheReceiverOnly);
    CPPUNIT_TEST_SUITE_END();

public:
    void givesEachMemberItsShare() // fair: in turn, as long as all keep up
    {
        std::vector<ScriptedClient> members;
        for (const char* id : {"1", "2", "3", "4"})
        {
            members.push_back(client(id));
            members.back().subscribe(kShared, QoS::AtLeastOnce);
        }
        auto publisher = client("publisher");
        for (int message = 0; message < 40; ++message)
            publisher.publish("t", "x", {.qos = QoS::AtLeastOnce});
        for (auto& member : members)
            CPPUNIT_ASSERT_EQUAL(std::size_t{10}, member.receiveMessagesBeforePingresp().size());
    }

    void keepsToTheQoSOfTheMember() // [MQTT-4.8.2-3]
    {
        auto zero = client("zero");
        auto one = client("one");
        zero.subscribe(kShared, QoS::AtMostOnce);
        one.subscribe(kShared, QoS::AtLeastOnce);
        auto publisher = client("publisher");
        for (int message = 0; message < 4; ++message)
            publisher.publish("t", "x", {.qos = QoS::ExactlyOnce});
        for (int message = 0; message < 2; ++message)
        {
            zero.expectPublish("t", "x", QoS::AtMostOnce);
            one.expectPublish("t", "x", QoS::AtLeastOnce);
        }
    }

    void passesOverAMemberWhoseWindowIsFull()
    {
        auto full = member("full", with(PropertyId::ReceiveMaximum, 1));
        auto free = client("free");
        free.subscribe(kShared, QoS::AtLeastOnce);
        auto publisher = client("publisher");
        for (int message = 0; message < 20; ++message)
            publisher.publish("t", "x", {.qos = QoS::AtLeastOnce});
        full.expectPublish("t", "x", QoS::AtLeastOnce);
        CPPUNIT_ASSERT_EQUAL(std::size_t{19}, free.receiveMessagesBeforePingresp().size());
    }

    void passesOverAMemberForWhomTheMessageIsTooLarge() // §3.1.2.11.4
    {
        auto narrow = member("narrow", with(PropertyId::MaximumPacketSize, 50));
        auto wide = client("wide");
        wide.subscribe(kShared, QoS::AtLeastOnce);
        auto publisher = client("publisher");
        for (int message = 0; message < 6; ++message)
            publisher.publish("t", std::string(100, 'x'), {.qos = QoS::AtLeastOnce});
        CPPUNIT_ASSERT_EQUAL(std::size_t{6}, wide.receiveMessagesBeforePingresp().size());
        narrow.expectNothingBeforePingresp();
    }

    void passesOverAMemberWhoseQueueIsFull() // no message is lost between members
    {
        for (const char* id : {"away 1", "away 2"}) lasting(id, false).drop();
        auto publisher = client("publisher");
        for (int message = 0; message < 2 * kQueue; ++message)
            CPPUNIT_ASSERT(publisher.publish("t", std::to_string(message),
                                             {.qos = QoS::AtLeastOnce}) == ReasonCode::Success);
        CPPUNIT_ASSERT(publisher.publish("t", "one too many", {.qos = QoS::AtLeastOnce}) ==
                       ReasonCode::QuotaExceeded);
        std::set<std::string> got;
        for (const char* id : {"away 1", "away 2"}) collect(lasting(id, true), got);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2 * kQueue}, got.size());
    }

    void handsBackWhatAMemberLeaves()
    {
        // One message is in flight without PUBACK, the others wait in the queue.
        auto leaving = member("leaving", with(PropertyId::ReceiveMaximum, 1));
        auto publisher = client("publisher");
        std::set<std::string> sent, got;
        for (int number = 0; number < kQueue; ++number)
        {
            sent.insert(std::to_string(number));
            publisher.publish("t", std::to_string(number), {.qos = QoS::AtLeastOnce});
        }
        leaving.expectPublish("t", "0", QoS::AtLeastOnce);
        auto staying = client("staying");
        staying.subscribe(kShared, QoS::AtLeastOnce);
        staying.expectNothingBeforePingresp();
        leaving.drop(); // its session ends with its connection
        while (got.size() < sent.size())
        {
            const auto message = staying.receiveMessage();
            CPPUNIT_ASSERT(!message->dup);
            CPPUNIT_ASSERT(got.emplace(asText(message->payload)).second);
        }
        CPPUNIT_ASSERT(sent == got);
        staying.expectNothingBeforePingresp();
    }

    void handsNothingBackToAnotherGroup()
    {
        auto other = client("other");
        other.subscribe("$share/other/t", QoS::AtLeastOnce);
        auto single = client("single");
        single.subscribe("t", QoS::AtLeastOnce);
        auto leaving = client("leaving");
        leaving.subscribe(kShared, QoS::AtLeastOnce);
        client("publisher").publish("t", "x", {.qos = QoS::AtLeastOnce});
        leaving.drop();
        // Its subscription is gone when the same Client Identifier is let in again.
        client("leaving").expectNothingBeforePingresp();
        for (auto* const client : {&other, &single})
        {
            client->receiveMessage();
            client->expectNothingBeforePingresp();
        }
    }

    void keepsQoS2ThatAMemberHasBegun() // [MQTT-4.8.2-5]
    {
        auto leaving = client("leaving");
        leaving.subscribe(kShared, QoS::ExactlyOnce);
        client("publisher").publish("t", "x", {.qos = QoS::ExactlyOnce});
        leaving.expectPublish("t", "x", QoS::ExactlyOnce);
        auto staying = client("staying");
        staying.subscribe(kShared, QoS::ExactlyOnce);
        leaving.disconnect();
        client("leaving").expectNothingBeforePingresp();
        staying.expectNothingBeforePingresp();
    }

    void dropsWhatAMemberRefuses() // [MQTT-4.8.2-6]
    {
        auto refusing = client("refusing");
        refusing.subscribe(kShared, QoS::ExactlyOnce);
        auto publisher = client("publisher");
        publisher.publish("t", "1", {.qos = QoS::AtLeastOnce});
        publisher.publish("t", "2", {.qos = QoS::ExactlyOnce});
        const auto one = refusing.expectPublish("t", "1", QoS::AtLeastOnce)->packetIdentifier;
        const auto two = refusing.expectPublish("t", "2", QoS::ExactlyOnce)->packetIdentifier;
        auto other = client("other");
        other.subscribe(kShared, QoS::ExactlyOnce);
        refusing.sendPuback(one, ReasonCode::QuotaExceeded)
            .sendPubrec(two, ReasonCode::QuotaExceeded)
            .expectNothingBeforePingresp()
            .disconnect();
        client("refusing").expectNothingBeforePingresp();
        other.expectNothingBeforePingresp();
    }

    void lastsUntilItsLastMemberLeaves() // §4.8.2, §3.10.4
    {
        auto first = client("first");
        auto second = client("second");
        for (auto* const member : {&first, &second})
            member->subscribe(kShared).subscribe(kShared); // the second time counts for nothing
        auto publisher = client("publisher");
        first.unsubscribe({kShared});
        publisher.publish("t", "x");
        second.expectPublish("t", "x");
        first.expectNothingBeforePingresp();
        second.unsubscribe({kShared});
        CPPUNIT_ASSERT(publisher.publish("t", "x", {.qos = QoS::AtLeastOnce}) ==
                       ReasonCode::NoMatchingSubscribers);
    }

    void carriesTheIdentifierOfTheReceiverOnly() // §3.3.4
    {
        for (const std::uint32_t identifier : {1, 2})
        {
            auto member = client(std::to_string(identifier));
            member.subscribe({{.topicFilter = kShared}},
                             with(PropertyId::SubscriptionIdentifier, identifier));
            client("publisher").publish("t", "x");
            CPPUNIT_ASSERT_EQUAL(identifier,
                                 member.expectPublish("t", "x")->properties.subscriptionIdentifier);
            member.unsubscribe({kShared});
        }
    }

protected:
    BrokerOptions options() const override
    {
        return {.conf = {{"nanomq.conf",
                          "msq_len = " + std::to_string(kQueue) + "\nnum_taskq_thread = 2\n"}}};
    }

private:
    static constexpr const char* kShared = "$share/group/t";
    static constexpr int kQueue = 50;

    ScriptedClient member(std::string_view id, const PropertyList& properties)
    {
        auto member = open();
        member.connect({.clientId = id, .properties = properties});
        member.subscribe(kShared, QoS::AtLeastOnce);
        return member;
    }

    ScriptedClient lasting(std::string_view id, bool present)
    {
        auto client = lastingClient(id, ProtocolVersion::v5_0, present);
        if (!present) client.subscribe(kShared, QoS::AtLeastOnce);
        return client;
    }

    static void collect(ScriptedClient client, std::set<std::string>& got)
    {
        for (const auto& message : client.receiveMessagesBeforePingresp())
            CPPUNIT_ASSERT(got.emplace(asText(message->payload)).second);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConformanceSharedTest);

} // namespace nanomq::test
