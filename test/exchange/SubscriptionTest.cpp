#include "ExchangeTest.h"

#include <algorithm>
#include <set>

namespace nanomq::test
{

/// SUBSCRIBE, UNSUBSCRIBE and their options (§3.8 to §3.11, §4.7, §4.8).
class SubscriptionTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(SubscriptionTest);
    CPPUNIT_TEST(matchesAsSection_4_7_says);
    CPPUNIT_TEST(givesTheIdentifiersOfAllThatMatch);
    CPPUNIT_TEST(deliversOverlappingFiltersOfOldClientsWithTheHighestQoS);
    CPPUNIT_TEST(replacesASubscriptionToTheSameFilter);
    CPPUNIT_TEST(endsWithUnsubscribe);
    CPPUNIT_TEST(doesNotSendOwnMessagesWithNoLocal);
    CPPUNIT_TEST(sendsOwnMessagesOtherwise);
    CPPUNIT_TEST(answersEachFilterInItsOrder);
    CPPUNIT_TEST(refusesFiltersThatAreNotWellFormed);
    CPPUNIT_TEST(sharesEachMessageToOneMember);
    CPPUNIT_TEST(givesASharedMessageToGroupsAndSingleSubscribers);
    CPPUNIT_TEST(keepsQoS2WithTheMemberThatGotIt);
    CPPUNIT_TEST_SUITE_END();

public:
    void matchesAsSection_4_7_says()
    {
        struct Case
        {
            const char* filter;
            const char* name;
            bool match;
            const char* clause;
        };
        static constexpr Case cases[] = {
            {"sport/#", "sport", true, "4.7.1.2 '#' includes the parent level"},
            {"sport/#", "sport/a/b", true, "4.7.1.2 and any number of levels"},
            {"sport/+", "sport", false, "4.7.1.3 '+' stands for exactly one level"},
            {"sport/+", "sport/", true, "4.7.1.3 and a level may be empty"},
            {"+/+", "/finance", true, "4.7.1.3"},
            {"/+", "/finance", true, "4.7.1.3"},
            {"+", "/finance", false, "4.7.1.3"},
            {"#", "$private/a", false, "MQTT-4.7.2-1"},
            {"+/a", "$private/a", false, "MQTT-4.7.2-1"},
            {"$private/#", "$private/a", true, "4.7.2"},
            {"ACCOUNTS", "Accounts", false, "4.7.3 case matters"},
            {"a//b", "a//b", true, "4.7.3 empty levels are levels"},
        };
        auto publisher = client("publisher");
        for (const auto& c : cases)
        {
            auto subscriber = client("subscriber");
            subscriber.subscribe(c.filter);
            publisher.publish(c.name, "x");
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.clause, c.match,
                                         !subscriber.receiveMessagesBeforePingresp().empty());
        }
    }

    void givesTheIdentifiersOfAllThatMatch() // [MQTT-3.3.4-2, -3, -4, -5]
    {
        auto subscriber = client("subscriber");
        subscriber.subscribe({{.topicFilter = "a/#"}}, with(PropertyId::SubscriptionIdentifier, 1));
        subscriber.subscribe({{.topicFilter = "a/+", .qos = QoS::AtLeastOnce}},
                             with(PropertyId::SubscriptionIdentifier, 268'435'455));
        subscriber.subscribe({{.topicFilter = "+/b"}});
        subscriber.subscribe({{.topicFilter = "c"}}, with(PropertyId::SubscriptionIdentifier, 4));
        client("publisher").publish("a/b", "x", {.qos = QoS::AtLeastOnce});

        // One message with all identifiers, or one for each subscription: both are allowed.
        std::multiset<std::uint32_t> identifiers;
        QoS highest = QoS::AtMostOnce;
        for (const auto& message : subscriber.receiveMessagesBeforePingresp())
        {
            highest = std::max(highest, message->qos);
            PropertyReader reader(message->properties.raw);
            while (reader.next())
                if (reader.id() == PropertyId::SubscriptionIdentifier)
                    identifiers.insert(reader.number());
        }
        CPPUNIT_ASSERT((identifiers == std::multiset<std::uint32_t>{1, 268'435'455}));
        CPPUNIT_ASSERT(highest == QoS::AtLeastOnce);
    }

    void deliversOverlappingFiltersOfOldClientsWithTheHighestQoS() // v3.1.1 [MQTT-3.3.5-1]
    {
        for (const auto version : {ProtocolVersion::v3_1, ProtocolVersion::v3_1_1})
        {
            auto subscriber = client("subscriber", version);
            subscriber.subscribe("a/#", QoS::AtMostOnce).subscribe("a/b", QoS::AtLeastOnce);
            client("publisher").publish("a/b", "x", {.qos = QoS::ExactlyOnce});
            QoS highest = QoS::AtMostOnce;
            for (const auto& message : subscriber.receiveMessagesBeforePingresp())
                highest = std::max(highest, message->qos);
            CPPUNIT_ASSERT(highest == QoS::AtLeastOnce);
        }
    }

    void replacesASubscriptionToTheSameFilter() // [MQTT-3.8.4-3]
    {
        auto subscriber = client("subscriber");
        subscriber.subscribe("t", QoS::ExactlyOnce).subscribe("t", QoS::AtMostOnce);
        client("publisher").publish("t", "x", {.qos = QoS::ExactlyOnce});
        subscriber.expectPublish("t", "x", QoS::AtMostOnce);
        subscriber.expectNothingBeforePingresp();
    }

    void endsWithUnsubscribe() // [MQTT-3.10.4-1, -6], §3.11.3
    {
        for (const auto version : kVersions)
        {
            auto subscriber = client("subscriber", version);
            subscriber.subscribe("a/+").subscribe("b");
            const auto reasons = subscriber.unsubscribe({"a/+", "a/b"});
            if (version == ProtocolVersion::v5_0)
                CPPUNIT_ASSERT((reasons == std::vector{ReasonCode::Success,
                                                       ReasonCode::NoSubscriptionExisted}));
            auto publisher = client("publisher", version);
            publisher.publish("a/b", "no");
            publisher.publish("b", "yes");
            subscriber.expectPublish("b", "yes");
        }
    }

    void doesNotSendOwnMessagesWithNoLocal() // [MQTT-3.8.3-3]
    {
        auto own = client("own");
        own.subscribe({{.topicFilter = "t", .noLocal = true}});
        own.publish("t", "own"); // fails if the message comes back before PINGRESP
        client("other").publish("t", "other");
        own.expectPublish("t", "other");
    }

    void sendsOwnMessagesOtherwise()
    {
        for (const auto version : kVersions)
        {
            auto own = client("own", version);
            own.subscribe("t").sendPublish("t", "own").expectPublish("t", "own");
        }
    }

    void answersEachFilterInItsOrder() // [MQTT-3.8.4-5, -6]
    {
        auto subscriber = client("subscriber");
        const auto reasons = subscriber.subscribe({{.topicFilter = "a", .qos = QoS::ExactlyOnce},
                                                   {.topicFilter = "b", .qos = QoS::AtMostOnce},
                                                   {.topicFilter = "c", .qos = QoS::AtLeastOnce}});
        CPPUNIT_ASSERT((reasons == std::vector{ReasonCode::GrantedQoS2, ReasonCode::Success,
                                               ReasonCode::GrantedQoS1}));
    }

    void refusesFiltersThatAreNotWellFormed() // [MQTT-4.7.1-1, -2], [MQTT-4.8.2-1, -2]
    {
        for (const char* filter :
             {"a/#/b", "a#", "a+", "+a/b", "$share/group", "$share//t", "$share/gr+up/t"})
        {
            auto subscriber = client("subscriber");
            subscriber.send(Subscribe{1, {{.topicFilter = filter}}, {}});
            // In SUBACK, or by the end of the Network Connection: the standard leaves it open.
            const auto answer = subscriber.receive();
            if (const auto* const suback = std::get_if<Suback>(&*answer))
                CPPUNIT_ASSERT_MESSAGE(filter, isFailure(suback->reasons.at(0)));
            else CPPUNIT_ASSERT_MESSAGE(filter, std::holds_alternative<Disconnect>(*answer));
        }
    }

    void sharesEachMessageToOneMember() // §4.8.2
    {
        auto one = client("one");
        auto other = client("other");
        auto old = client("old", ProtocolVersion::v3_1_1);
        for (auto* const member : {&one, &other, &old})
            member->subscribe("$share/group/t/+", QoS::AtLeastOnce);
        auto publisher = client("publisher");
        std::multiset<std::string> sent, got;
        for (int number = 0; number < 60; ++number)
        {
            sent.insert(std::to_string(number));
            publisher.publish("t/x", std::to_string(number), {.qos = QoS::AtLeastOnce});
        }
        for (auto* const member : {&one, &other, &old})
            for (const auto& message : member->receiveMessagesBeforePingresp())
                got.emplace(asText(message->payload));
        CPPUNIT_ASSERT(sent == got);
    }

    void givesASharedMessageToGroupsAndSingleSubscribers() // §4.8.2
    {
        auto first = client("first");
        auto second = client("second");
        auto single = client("single");
        first.subscribe("$share/a/t");
        second.subscribe("$share/b/t");
        single.subscribe("t");
        client("publisher").publish("t", "x");
        for (auto* const subscriber : {&first, &second, &single})
        {
            subscriber->expectPublish("t", "x");
            subscriber->expectNothingBeforePingresp();
        }
    }

    void keepsQoS2WithTheMemberThatGotIt() // [MQTT-4.8.2-4]
    {
        auto member = lastingClient("member", ProtocolVersion::v5_0, false);
        member.subscribe("$share/group/t", QoS::ExactlyOnce);
        client("publisher").publish("t", "x", {.qos = QoS::ExactlyOnce});
        const auto id = member.expectPublish("t", "x", QoS::ExactlyOnce)->packetIdentifier;
        auto other = client("other");
        other.subscribe("$share/group/t", QoS::ExactlyOnce);
        member.drop();
        other.expectNothingBeforePingresp();
        auto back = lastingClient("member", ProtocolVersion::v5_0, true);
        CPPUNIT_ASSERT_EQUAL(id, back.expectPublish("t", "x", QoS::ExactlyOnce)->packetIdentifier);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SubscriptionTest);

} // namespace nanomq::test
