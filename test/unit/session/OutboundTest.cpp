#include "SentPackets.h"

#include "session/Outbound.h"

#include <cppunit/extensions/HelperMacros.h>

#include <memory>
#include <string>
#include <vector>

namespace nanomq
{

namespace
{

using Packets = std::vector<std::string>;

std::string joined(const Packets& packets)
{
    std::string text;
    for (const auto& packet : packets) text += (text.empty() ? "" : "; ") + packet;
    return text;
}

} // namespace

/// A session's outbound side: the test is publisher, connection and client.
class OutboundTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(OutboundTest);
    CPPUNIT_TEST(sendsAtOnceWhenTheClientIsThere);
    CPPUNIT_TEST(withoutAClientKeepsWhatMustBeKept);
    CPPUNIT_TEST(sendsNoMoreThanReceiveMaximum);
    CPPUNIT_TEST(qos0WaitsBehindWhatWaits);
    CPPUNIT_TEST(acknowledgementsGiveQuotaBack);
    CPPUNIT_TEST(aRefusedQos2MessageGivesQuotaBack);
    CPPUNIT_TEST(completesQos2);
    CPPUNIT_TEST(repeatsPubrelForARepeatedPubrec);
    CPPUNIT_TEST(knowsNothingOfForeignAcknowledgements);
    CPPUNIT_TEST(sendsAgainInOrderWithDupAfterAReconnect);
    CPPUNIT_TEST(sendsPubrelAgainAfterAReconnect);
    CPPUNIT_TEST(sendsAgainNoMoreThanANarrowerReceiveMaximum);
    CPPUNIT_TEST(acknowledgedBeforeItWasSentAgainGivesNoQuotaBack);
    CPPUNIT_TEST(dropsWhatIsTooLargeForNarrowerTerms);
    CPPUNIT_TEST(theLastOfTheWindowMayBeTooLarge);
    CPPUNIT_TEST(dropsPacketsTooLargeForTheClient);
    CPPUNIT_TEST(dropsExpiredMessagesInTheQueue);
    CPPUNIT_TEST(toldToGoDropsQos0Only);
    CPPUNIT_TEST(anUnreadOutputStopsGrowing);
    CPPUNIT_TEST(theQueueFollowsTheOutputInPieces);
    CPPUNIT_TEST(refusesBeyondTheQueuesLimit);
    CPPUNIT_TEST(tellsWhetherItIsReady);
    CPPUNIT_TEST(notesWhatHappensToQueuedMessages);
    CPPUNIT_TEST(notesAreBoundedInBytes);
    CPPUNIT_TEST(pubrelsCountAsAnswers);
    CPPUNIT_TEST(goesThroughAllIdentifiersMoreThanOnce);
    CPPUNIT_TEST(anEndedSessionTakesNothing);
    CPPUNIT_TEST_SUITE_END();

public:
    OutboundTest() { _turn.begin(1'000'000); }

    void sendsAtOnceWhenTheClientIsThere()
    {
        connect();
        CPPUNIT_ASSERT(publish("a", QoS::AtMostOnce) == DeliveryResult::Sent);
        CPPUNIT_ASSERT(publish("b", QoS::AtLeastOnce) == DeliveryResult::Sent);
        CPPUNIT_ASSERT(publish("c", QoS::ExactlyOnce) == DeliveryResult::Sent);
        expect("PUBLISH a x q0; PUBLISH b x q1 #1; PUBLISH c x q2 #2");
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, _outbound->load().inFlight);
    }

    void withoutAClientKeepsWhatMustBeKept()
    {
        CPPUNIT_ASSERT(publish("a", QoS::AtMostOnce) == DeliveryResult::NotConnected);
        CPPUNIT_ASSERT(publish("b", QoS::AtLeastOnce) == DeliveryResult::Queued);
        CPPUNIT_ASSERT(publish("c", QoS::ExactlyOnce) == DeliveryResult::Queued);
        connect();
        expect("PUBLISH b x q1 #1; PUBLISH c x q2 #2");
    }

    void sendsNoMoreThanReceiveMaximum()
    {
        connect({.receiveMaximum = 2});
        for (const char* topic : {"a", "b", "c", "d"}) publish(topic, QoS::AtLeastOnce);
        expect("PUBLISH a x q1 #1; PUBLISH b x q1 #2");
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, _outbound->load().queued);
        puback(2);
        expect("PUBLISH c x q1 #3");
        puback(1);
        expect("PUBLISH d x q1 #4");
        puback(3);
        puback(4);
        expect("");
        publish("e", QoS::AtLeastOnce);
        publish("f", QoS::AtLeastOnce);
        publish("g", QoS::AtLeastOnce);
        expect("PUBLISH e x q1 #5; PUBLISH f x q1 #6");
    }

    void qos0WaitsBehindWhatWaits()
    {
        connect({.receiveMaximum = 1});
        publish("a", QoS::AtLeastOnce);
        CPPUNIT_ASSERT(publish("b", QoS::AtMostOnce) == DeliveryResult::Sent);
        publish("c", QoS::AtLeastOnce);
        CPPUNIT_ASSERT(publish("d", QoS::AtMostOnce) == DeliveryResult::Queued);
        publish("e", QoS::AtLeastOnce);
        expect("PUBLISH a x q1 #1; PUBLISH b x q0");
        puback(1);
        expect("PUBLISH c x q1 #2; PUBLISH d x q0");
        puback(2);
        expect("PUBLISH e x q1 #3");
    }

    void acknowledgementsGiveQuotaBack()
    {
        connect({.receiveMaximum = 1});
        for (PacketIdentifier identifier = 1; identifier <= 5; ++identifier)
        {
            CPPUNIT_ASSERT(publish("a", QoS::AtLeastOnce) == DeliveryResult::Sent);
            const auto result = puback(identifier);
            CPPUNIT_ASSERT(result.known && result.settled);
            CPPUNIT_ASSERT_EQUAL(std::string("a"),
                                 std::string(result.delivery.message->topicName()));
            CPPUNIT_ASSERT(!puback(identifier).known);
        }
        // Not even a repeated acknowledgement makes it more than it was.
        publish("b", QoS::AtLeastOnce);
        CPPUNIT_ASSERT(publish("c", QoS::AtLeastOnce) == DeliveryResult::Queued);
    }

    void aRefusedQos2MessageGivesQuotaBack()
    {
        connect({.receiveMaximum = 1});
        publish("a", QoS::ExactlyOnce);
        publish("b", QoS::ExactlyOnce);
        const auto result =
            acknowledge(PacketType::Pubrec, 1, ReasonCode::ImplementationSpecificError);
        CPPUNIT_ASSERT(result.settled);
        expect("PUBLISH a x q2 #1; PUBLISH b x q2 #2");
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, _outbound->load().inFlight);
    }

    void completesQos2()
    {
        connect({.receiveMaximum = 1});
        publish("a", QoS::ExactlyOnce);
        publish("b", QoS::ExactlyOnce);
        expect("PUBLISH a x q2 #1");
        CPPUNIT_ASSERT(!pubrec(1).settled);
        expect("PUBREL #1");
        CPPUNIT_ASSERT_MESSAGE("§4.9: PUBCOMP gives it back", _outbound->load().queued == 1);
        CPPUNIT_ASSERT(pubcomp(1).settled);
        expect("PUBLISH b x q2 #2");
    }

    void repeatsPubrelForARepeatedPubrec()
    {
        connect();
        publish("a", QoS::ExactlyOnce);
        pubrec(1);
        CPPUNIT_ASSERT(pubrec(1).known);
        expect("PUBLISH a x q2 #1; PUBREL #1; PUBREL #1");
        CPPUNIT_ASSERT(pubcomp(1).settled);
        CPPUNIT_ASSERT(!pubcomp(1).known);
    }

    void knowsNothingOfForeignAcknowledgements()
    {
        connect();
        publish("a", QoS::AtLeastOnce);
        publish("b", QoS::ExactlyOnce);
        expect("PUBLISH a x q1 #1; PUBLISH b x q2 #2");
        CPPUNIT_ASSERT(!puback(0).known && !puback(3).known && !puback(65'535).known);
        CPPUNIT_ASSERT_MESSAGE("not at this stage", !pubrec(1).known && !pubcomp(1).known);
        CPPUNIT_ASSERT_MESSAGE("not at this stage", !puback(2).known && !pubcomp(2).known);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, _outbound->load().inFlight);
        expect("");
    }

    void sendsAgainInOrderWithDupAfterAReconnect()
    {
        connect();
        for (const char* topic : {"a", "b", "c", "d"}) publish(topic, QoS::AtLeastOnce);
        puback(2);
        publish("e", QoS::ExactlyOnce);
        drain();
        disconnect();
        publish("f", QoS::AtLeastOnce);
        connect();
        publish("g", QoS::AtLeastOnce);
        expect("PUBLISH a x q1 #1 dup; PUBLISH c x q1 #3 dup; PUBLISH d x q1 #4 dup; "
               "PUBLISH e x q2 #5 dup; PUBLISH f x q1 #6; PUBLISH g x q1 #7");
    }

    void sendsPubrelAgainAfterAReconnect()
    {
        connect();
        publish("a", QoS::ExactlyOnce);
        publish("b", QoS::ExactlyOnce);
        pubrec(1);
        drain();
        disconnect();
        connect();
        expect("PUBREL #1; PUBLISH b x q2 #2 dup");
        CPPUNIT_ASSERT(pubcomp(1).settled);
        pubrec(2);
        CPPUNIT_ASSERT(pubcomp(2).settled);
        expect("PUBREL #2");
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _outbound->load().inFlight);
    }

    void sendsAgainNoMoreThanANarrowerReceiveMaximum()
    {
        connect({.receiveMaximum = 10});
        for (const char* topic : {"a", "b", "c", "d"}) publish(topic, QoS::AtLeastOnce);
        drain();
        disconnect();
        connect({.receiveMaximum = 2});
        publish("e", QoS::AtLeastOnce);
        expect("PUBLISH a x q1 #1 dup; PUBLISH b x q1 #2 dup");
        puback(1);
        expect("PUBLISH c x q1 #3 dup");
        puback(3);
        expect("PUBLISH d x q1 #4 dup");
        puback(2);
        expect("PUBLISH e x q1 #5");
        CPPUNIT_ASSERT(publish("f", QoS::AtLeastOnce) == DeliveryResult::Queued);
    }

    void acknowledgedBeforeItWasSentAgainGivesNoQuotaBack()
    {
        connect({.receiveMaximum = 10});
        for (const char* topic : {"a", "b", "c"}) publish(topic, QoS::AtLeastOnce);
        drain();
        disconnect();
        connect({.receiveMaximum = 1});
        expect("PUBLISH a x q1 #1 dup");
        puback(2);
        puback(3);
        publish("d", QoS::AtLeastOnce);
        expect("");
        puback(1);
        expect("PUBLISH d x q1 #4");
        CPPUNIT_ASSERT(publish("e", QoS::AtLeastOnce) == DeliveryResult::Queued);
    }

    void dropsWhatIsTooLargeForNarrowerTerms()
    {
        const std::string large(500, 'L');
        connect();
        publish("a", QoS::AtLeastOnce);
        publish("b", QoS::AtLeastOnce, large);
        publish("c", QoS::ExactlyOnce, large);
        publish("d", QoS::ExactlyOnce);
        drain();
        disconnect();
        publish("e", QoS::AtLeastOnce, large);
        publish("f", QoS::AtLeastOnce);
        connect({.receiveMaximum = 10, .maximumPacketSize = 100});
        expect("PUBLISH a x q1 #1 dup; PUBLISH d x q2 #4 dup; PUBLISH f x q1 #5");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, _policy.tooLargeInQueue.load());
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, _outbound->load().inFlight);
    }

    void theLastOfTheWindowMayBeTooLarge()
    {
        connect();
        for (int i = 0; i < 100; ++i) publish("a", QoS::AtLeastOnce, std::string(500, 'L'));
        drain();
        for (PacketIdentifier identifier = 2; identifier <= 100; identifier += 2)
            puback(identifier);
        disconnect();
        connect({.maximumPacketSize = 100});
        expect("");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{50}, _policy.tooLargeInQueue.load());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _outbound->load().inFlight);
        publish("b", QoS::AtLeastOnce);
        expect("PUBLISH b x q1 #101");
    }

    void dropsPacketsTooLargeForTheClient()
    {
        connect({.maximumPacketSize = 20});
        CPPUNIT_ASSERT(publish("a", QoS::AtLeastOnce, std::string(50, 'L')) ==
                       DeliveryResult::PacketTooLarge);
        // Fixed Header 2, topic 3, identifier 2: thirteen bytes are left, and fourteen too many.
        CPPUNIT_ASSERT(publish("a", QoS::AtLeastOnce, std::string(13, 'L')) ==
                       DeliveryResult::Sent);
        CPPUNIT_ASSERT(publish("a", QoS::AtLeastOnce, std::string(14, 'L')) ==
                       DeliveryResult::PacketTooLarge);
        CPPUNIT_ASSERT(publish("a", QoS::AtMostOnce, std::string(15, 'L')) == DeliveryResult::Sent);
    }

    void dropsExpiredMessagesInTheQueue()
    {
        publish("a", QoS::AtLeastOnce, "x", _turn.now() + 1000);
        publish("b", QoS::AtLeastOnce, "x", _turn.now() + 5000);
        publish("c", QoS::AtLeastOnce);
        _turn.begin(_turn.now() + 1000);
        connect();
        expect("PUBLISH b x q1 #1; PUBLISH c x q1 #2");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, _policy.expiredInQueue.load());
    }

    void toldToGoDropsQos0Only()
    {
        connect({.receiveMaximum = 1});
        publish("a", QoS::AtLeastOnce);
        publish("b", QoS::AtLeastOnce);
        publish("c", QoS::AtMostOnce);
        publish("d", QoS::ExactlyOnce);
        drain();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, disconnect());
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, _outbound->load().queued);
        connect();
        expect("PUBLISH a x q1 #1 dup; PUBLISH b x q1 #2; PUBLISH d x q2 #3");
    }

    void anUnreadOutputStopsGrowing()
    {
        _policy.maximumUnsent = 100'000;
        connect();
        const std::string payload(1000, 'p');
        int sent = 0;
        while (publish("a", QoS::AtMostOnce, payload) == DeliveryResult::Sent) ++sent;
        CPPUNIT_ASSERT(publish("a", QoS::AtMostOnce, payload) == DeliveryResult::TooSlow);
        CPPUNIT_ASSERT_EQUAL(100'000 / 1006 + 1, sent);
        CPPUNIT_ASSERT(publish("b", QoS::AtLeastOnce) == DeliveryResult::Queued);
        CPPUNIT_ASSERT_MESSAGE("behind it",
                               publish("c", QoS::AtMostOnce) == DeliveryResult::Queued);
        const auto packets = _output->take(_terms.version);
        CPPUNIT_ASSERT_EQUAL(static_cast<std::size_t>(sent) + 2, packets.size());
        CPPUNIT_ASSERT_EQUAL(std::string("PUBLISH c x q0"), packets.back());
    }

    void theQueueFollowsTheOutputInPieces()
    {
        const std::string payload(1000, 'p');
        for (int i = 0; i < 2000; ++i) publish("a", QoS::AtLeastOnce, payload);
        connect();
        CPPUNIT_ASSERT_MESSAGE("not two megabytes at once", _output->unsent() < 300'000);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2000}, _output->take(_terms.version).size());
    }

    void refusesBeyondTheQueuesLimit()
    {
        _policy.queue.messages = 2;
        publish("a", QoS::AtLeastOnce);
        publish("b", QoS::AtLeastOnce);
        CPPUNIT_ASSERT(publish("c", QoS::AtLeastOnce) == DeliveryResult::QueueFull);
        connect();
        expect("PUBLISH a x q1 #1; PUBLISH b x q1 #2");
    }

    void tellsWhetherItIsReady()
    {
        using Standing = Outbound::Standing;
        CPPUNIT_ASSERT(_outbound->standing(QoS::AtMostOnce) == Standing::Away);
        connect({.receiveMaximum = 1});
        CPPUNIT_ASSERT(_outbound->standing(QoS::AtLeastOnce) == Standing::Ready);
        publish("a", QoS::AtLeastOnce);
        CPPUNIT_ASSERT(_outbound->standing(QoS::AtLeastOnce) == Standing::Connected);
        CPPUNIT_ASSERT(_outbound->standing(QoS::AtMostOnce) == Standing::Ready);
        publish("b", QoS::AtLeastOnce);
        CPPUNIT_ASSERT_MESSAGE("others wait before it",
                               _outbound->standing(QoS::AtMostOnce) == Standing::Connected);
        disconnect();
        CPPUNIT_ASSERT(_outbound->standing(QoS::AtMostOnce) == Standing::Away);
    }

    void notesWhatHappensToQueuedMessages()
    {
        _policy.takesNotes = true;
        publish("a", QoS::AtLeastOnce, "x", _turn.now());
        publish("b", QoS::AtLeastOnce, std::string(500, 'L'));
        publish("c", QoS::AtLeastOnce);
        connect({.maximumPacketSize = 100});
        publish("d", QoS::AtLeastOnce);
        const auto notes = _outbound->takeNotes();
        CPPUNIT_ASSERT_EQUAL_MESSAGE("d never waited", std::size_t{3}, notes.size());
        using Kind = OutboundNote::Kind;
        CPPUNIT_ASSERT(notes[0].kind == Kind::Expired && notes[1].kind == Kind::TooLarge &&
                       notes[2].kind == Kind::Delivered);
        CPPUNIT_ASSERT_EQUAL(std::string("c"), std::string(notes[2].delivery.message->topicName()));
        CPPUNIT_ASSERT(_outbound->takeNotes().empty());
    }

    void notesAreBoundedInBytes()
    {
        _policy.takesNotes = true;
        const std::string payload(10'000, 'p');
        std::size_t noted = 0;
        for (int round = 0; round < 10; ++round)
        {
            _policy.queue.bytes = 100'000;
            for (int i = 0; i < 9; ++i) publish("a", QoS::AtLeastOnce, payload);
            connect();
            drain();
            for (int i = 1; i <= 9; ++i) puback(static_cast<PacketIdentifier>(round * 9 + i));
            disconnect();
        }
        for (const auto& note : _outbound->takeNotes()) noted += note.delivery.message->footprint();
        CPPUNIT_ASSERT(noted > 80'000 && noted <= 100'000);
    }

    void pubrelsCountAsAnswers()
    {
        connect();
        publish("a", QoS::ExactlyOnce);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _output->answers());
        pubrec(1);
        pubrec(1);
        CPPUNIT_ASSERT_EQUAL(std::size_t{8}, _output->answers());
    }

    void goesThroughAllIdentifiersMoreThanOnce()
    {
        connect({.receiveMaximum = 4});
        for (unsigned i = 0; i < 140'000; ++i)
        {
            CPPUNIT_ASSERT(publish("a", QoS::AtLeastOnce) == DeliveryResult::Sent);
            const auto identifier = static_cast<PacketIdentifier>(i % 65'535 + 1);
            if (i % 1000 == 0)
                CPPUNIT_ASSERT_EQUAL("PUBLISH a x q1 #" + std::to_string(identifier),
                                     _output->take(_terms.version).back());
            CPPUNIT_ASSERT(puback(identifier).settled);
        }
    }

    void anEndedSessionTakesNothing()
    {
        publish("a", QoS::AtLeastOnce);
        const auto left = _outbound->end();
        CPPUNIT_ASSERT_MESSAGE("nothing of a Shared Subscription", left.shared.empty());
        CPPUNIT_ASSERT(left.queued.size() == 1 && left.unacknowledged == 0);
        CPPUNIT_ASSERT(publish("b", QoS::AtLeastOnce) == DeliveryResult::NotConnected);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _outbound->load().queued);
    }

private:
    void connect(ConnectionTerms terms = {})
    {
        _terms = terms;
        _output = std::make_unique<test::SentPackets>(_turn);
        _outbound->attach(*_output, terms, _turn);
    }
    /// The connection ends; what it had not sent is lost.
    std::size_t disconnect()
    {
        const auto dropped = _outbound->detach();
        _turn.dirty().clear();
        _output.reset();
        return dropped;
    }
    DeliveryResult publish(std::string_view topicName, QoS qos, std::string_view payload = "x",
                           MonotonicMs expiresAt = kNever)
    {
        MessageView view{.topicName = topicName, .payload = asBytes(payload)};
        view.qos = qos;
        view.expiresAt = expiresAt;
        Publication publication(view, nullptr, kNoSubscriber, _frames);
        DeliveryOptions options;
        options.qos = qos;
        return _outbound->deliver(publication, options, _turn);
    }
    Outbound::Acknowledged acknowledge(PacketType type, PacketIdentifier identifier,
                                       ReasonCode reason = ReasonCode::Success)
    {
        return _outbound->acknowledge(type, identifier, reason, _turn);
    }
    Outbound::Acknowledged puback(PacketIdentifier identifier)
    {
        return acknowledge(PacketType::Puback, identifier);
    }
    Outbound::Acknowledged pubrec(PacketIdentifier identifier)
    {
        return acknowledge(PacketType::Pubrec, identifier);
    }
    Outbound::Acknowledged pubcomp(PacketIdentifier identifier)
    {
        return acknowledge(PacketType::Pubcomp, identifier);
    }
    void expect(const std::string& packets)
    {
        CPPUNIT_ASSERT_EQUAL(packets, joined(_output->take(_terms.version)));
    }
    void drain() { _output->take(_terms.version); }

    OutputTurn _turn{0};
    OutboundPolicy _policy;
    Publication::Frames _frames;
    ConnectionTerms _terms;
    std::unique_ptr<test::SentPackets> _output;
    std::unique_ptr<Outbound> _outbound = std::make_unique<Outbound>(1, _policy);
};

CPPUNIT_TEST_SUITE_REGISTRATION(OutboundTest);

} // namespace nanomq
