#include "session/InflightWindow.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace nanomq
{

class InflightWindowTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(InflightWindowTest);
    CPPUNIT_TEST(givesIdentifiersInSequenceFromOne);
    CPPUNIT_TEST(findsNothingForIdentifiersNotInUse);
    CPPUNIT_TEST(givesTheMessageOutWhenItIsFinished);
    CPPUNIT_TEST(acknowledgementsMayComeInAnyOrder);
    CPPUNIT_TEST(identifiersGoOnAt1Behind65535);
    CPPUNIT_TEST(holdsAll65535AtOnce);
    CPPUNIT_TEST(anIdentifierIsNotGivenOutTwiceWhileTheOldestIsOpen);
    CPPUNIT_TEST(keepsItsOrderThroughGrowth);
    CPPUNIT_TEST(goesOnAfterABurst);
    CPPUNIT_TEST_SUITE_END();

public:
    void givesIdentifiersInSequenceFromOne()
    {
        for (PacketIdentifier expected = 1; expected <= 20; ++expected)
            CPPUNIT_ASSERT_EQUAL(expected, add());
        CPPUNIT_ASSERT_EQUAL(std::size_t{20}, _window.size());
    }

    void findsNothingForIdentifiersNotInUse()
    {
        CPPUNIT_ASSERT(!_window.find(1));
        add();
        CPPUNIT_ASSERT(_window.find(1));
        CPPUNIT_ASSERT(!_window.find(0));
        CPPUNIT_ASSERT(!_window.find(2));
        CPPUNIT_ASSERT(!_window.find(65'535));
        finish(1);
        CPPUNIT_ASSERT(!_window.find(1));
    }

    void givesTheMessageOutWhenItIsFinished()
    {
        _window.add({message("a"), {QoS::AtLeastOnce}});
        _window.add({message("b"), {QoS::ExactlyOnce}});
        using State = InflightWindow::State;
        CPPUNIT_ASSERT(_window.at(*_window.find(1)).state == State::AwaitsPuback);
        CPPUNIT_ASSERT(_window.at(*_window.find(2)).state == State::AwaitsPubrec);
        CPPUNIT_ASSERT_EQUAL(std::string("b"), finish(2));
        CPPUNIT_ASSERT_EQUAL(std::string("a"), finish(1));
        CPPUNIT_ASSERT(_window.empty());
    }

    void acknowledgementsMayComeInAnyOrder()
    {
        for (int i = 0; i < 50; ++i) add();
        std::vector<PacketIdentifier> identifiers(50);
        for (std::size_t i = 0; i < 50; ++i) identifiers[i] = static_cast<PacketIdentifier>(i + 1);
        std::mt19937 random(1);
        std::shuffle(identifiers.begin(), identifiers.end(), random);
        for (const auto identifier : identifiers)
        {
            CPPUNIT_ASSERT(_window.find(identifier));
            finish(identifier);
            CPPUNIT_ASSERT(!_window.find(identifier));
        }
        CPPUNIT_ASSERT(_window.empty());
        CPPUNIT_ASSERT_EQUAL(_window.first(), _window.next());
    }

    void identifiersGoOnAt1Behind65535()
    {
        for (int i = 0; i < 65'530; ++i) finish(add());
        std::vector<PacketIdentifier> open;
        for (int i = 0; i < 10; ++i) open.push_back(add());
        const std::vector<PacketIdentifier> expected{65'531, 65'532, 65'533, 65'534, 65'535,
                                                     1,      2,      3,      4,      5};
        CPPUNIT_ASSERT(open == expected);
        for (const auto identifier : {PacketIdentifier{3}, PacketIdentifier{65'535}})
        {
            CPPUNIT_ASSERT_EQUAL(InflightWindow::identifierOf(*_window.find(identifier)),
                                 identifier);
            finish(identifier);
        }
        CPPUNIT_ASSERT(!_window.find(65'530) && !_window.find(6));
        CPPUNIT_ASSERT_EQUAL(std::size_t{8}, _window.size());
    }

    void holdsAll65535AtOnce()
    {
        for (int i = 0; i < 65'535; ++i)
        {
            CPPUNIT_ASSERT(!_window.full());
            add();
        }
        CPPUNIT_ASSERT(_window.full());
        for (unsigned identifier = 1; identifier <= 65'535; ++identifier)
            CPPUNIT_ASSERT(_window.find(static_cast<PacketIdentifier>(identifier)));
        finish(1);
        CPPUNIT_ASSERT(!_window.full());
        CPPUNIT_ASSERT_EQUAL(PacketIdentifier{1}, add());
    }

    void anIdentifierIsNotGivenOutTwiceWhileTheOldestIsOpen()
    {
        add();
        for (int i = 0; i < 65'534; ++i) finish(add());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, _window.size());
        CPPUNIT_ASSERT_MESSAGE("the next would be 1, which is in use", _window.full());
        finish(1);
        CPPUNIT_ASSERT_EQUAL(PacketIdentifier{1}, add());
    }

    void keepsItsOrderThroughGrowth()
    {
        for (int i = 0; i < 5; ++i) finish(add());
        for (int i = 0; i < 1000; ++i)
            _window.add({message(std::to_string(i)), {QoS::AtLeastOnce}});
        int i = 0;
        for (auto sequence = _window.first(); sequence < _window.next(); ++sequence, ++i)
            CPPUNIT_ASSERT_EQUAL(std::to_string(i),
                                 std::string(_window.at(sequence).delivery.message->topicName()));
        CPPUNIT_ASSERT_EQUAL(1000, i);
    }

    void goesOnAfterABurst()
    {
        for (int i = 0; i < 500; ++i) add();
        for (PacketIdentifier identifier = 500; identifier >= 1; --identifier) finish(identifier);
        CPPUNIT_ASSERT(_window.empty());
        CPPUNIT_ASSERT_EQUAL(PacketIdentifier{501}, add());
        CPPUNIT_ASSERT(_window.find(501));
        CPPUNIT_ASSERT(!_window.find(500));
    }

private:
    static MessageRef message(std::string_view topicName)
    {
        return Message::make({.topicName = topicName, .payload = {}});
    }
    PacketIdentifier add() { return _window.add({message("t"), {QoS::AtLeastOnce}}); }
    std::string finish(PacketIdentifier identifier)
    {
        return std::string(_window.finish(*_window.find(identifier))->topicName());
    }

    InflightWindow _window;
};

CPPUNIT_TEST_SUITE_REGISTRATION(InflightWindowTest);

} // namespace nanomq
