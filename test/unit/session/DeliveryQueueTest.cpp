#include "session/DeliveryQueue.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

namespace nanomq
{

class DeliveryQueueTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(DeliveryQueueTest);
    CPPUNIT_TEST(keepsTheOrder);
    CPPUNIT_TEST(refusesMoreMessagesThanItsLimit);
    CPPUNIT_TEST(refusesMoreBytesThanItsLimit);
    CPPUNIT_TEST(qos0TakesNoRoomFromTheOthers);
    CPPUNIT_TEST(dropsQos0Only);
    CPPUNIT_TEST(everyDropHasAReason);
    CPPUNIT_TEST_SUITE_END();

public:
    void keepsTheOrder()
    {
        for (const char* text : {"a", "b", "c"}) CPPUNIT_ASSERT(push(text, QoS::AtLeastOnce));
        for (const char* text : {"a", "b", "c"})
        {
            CPPUNIT_ASSERT_EQUAL(std::string(text),
                                 std::string(_queue.front().message->topicName()));
            CPPUNIT_ASSERT_EQUAL(std::string(text), std::string(_queue.pop().message->topicName()));
        }
        CPPUNIT_ASSERT(_queue.empty());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _queue.bytes());
    }

    void refusesMoreMessagesThanItsLimit()
    {
        _limits.messages = 2;
        CPPUNIT_ASSERT(push("a", QoS::AtLeastOnce));
        CPPUNIT_ASSERT(push("b", QoS::ExactlyOnce));
        CPPUNIT_ASSERT(!push("c", QoS::AtLeastOnce));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, _queue.size());
        _queue.pop();
        CPPUNIT_ASSERT(push("d", QoS::AtLeastOnce));
    }

    void refusesMoreBytesThanItsLimit()
    {
        const std::size_t one = message("a")->footprint();
        _limits.bytes = 3 * one;
        for (const char* text : {"a", "b", "c"}) CPPUNIT_ASSERT(push(text, QoS::AtLeastOnce));
        CPPUNIT_ASSERT_EQUAL(3 * one, _queue.bytes());
        CPPUNIT_ASSERT(!push("d", QoS::AtLeastOnce));
        _queue.pop();
        CPPUNIT_ASSERT_MESSAGE("too long for what is left", !push("longer", QoS::AtLeastOnce));
        CPPUNIT_ASSERT(push("e", QoS::AtLeastOnce));
    }

    void qos0TakesNoRoomFromTheOthers()
    {
        _limits.messages = 2;
        CPPUNIT_ASSERT(push("a", QoS::AtMostOnce));
        CPPUNIT_ASSERT(push("b", QoS::AtMostOnce));
        CPPUNIT_ASSERT(!push("c", QoS::AtMostOnce));
        CPPUNIT_ASSERT(push("d", QoS::AtLeastOnce));
        CPPUNIT_ASSERT(push("e", QoS::AtLeastOnce));
        CPPUNIT_ASSERT(!push("f", QoS::AtLeastOnce));
    }

    void dropsQos0Only()
    {
        push("a", QoS::AtMostOnce);
        push("b", QoS::AtLeastOnce);
        push("c", QoS::AtMostOnce);
        push("d", QoS::ExactlyOnce);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, _queue.dropAtMostOnce());
        CPPUNIT_ASSERT_EQUAL(message("b")->footprint() * 2, _queue.bytes());
        CPPUNIT_ASSERT_EQUAL(std::string("b"), std::string(_queue.pop().message->topicName()));
        CPPUNIT_ASSERT_EQUAL(std::string("d"), std::string(_queue.pop().message->topicName()));
        CPPUNIT_ASSERT(_queue.empty());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _queue.dropAtMostOnce());
    }

    void everyDropHasAReason()
    {
        CPPUNIT_ASSERT(dropReason(DeliveryResult::Sent).empty());
        CPPUNIT_ASSERT(dropReason(DeliveryResult::Queued).empty());
        for (const auto result : {DeliveryResult::NotConnected, DeliveryResult::QueueFull,
                                  DeliveryResult::TooSlow, DeliveryResult::PacketTooLarge})
            CPPUNIT_ASSERT(!dropReason(result).empty());
    }

private:
    static MessageRef message(std::string_view topicName)
    {
        return Message::make({.topicName = topicName, .payload = {}});
    }
    bool push(std::string_view topicName, QoS qos)
    {
        return _queue.push({message(topicName), {qos}}, _limits);
    }

    QueueLimits _limits;
    DeliveryQueue _queue;
};

CPPUNIT_TEST_SUITE_REGISTRATION(DeliveryQueueTest);

} // namespace nanomq
