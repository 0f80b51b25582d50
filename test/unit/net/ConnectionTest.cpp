#include "NetFixture.h"

#include <cppunit/extensions/HelperMacros.h>

#include <stdexcept>

namespace nanomq::test
{

/// What a connection reads, how it pauses, moves and ends.
class ConnectionTest : public NetFixture
{
    CPPUNIT_TEST_SUITE(ConnectionTest);
    CPPUNIT_TEST(takesMessagesCutAnywhere);
    CPPUNIT_TEST(takesMessagesThatComeByteByByte);
    CPPUNIT_TEST(takesLargeMessages);
    CPPUNIT_TEST(takesWhatStandsBehindALargeMessage);
    CPPUNIT_TEST(takesWhatStandsBeforeTheEnd);
    CPPUNIT_TEST(doesNotReadWhilePaused);
    CPPUNIT_TEST(mayPauseAgainWhenItIsResumed);
    CPPUNIT_TEST(keepsTheRestOfALargeReadWhilePaused);
    CPPUNIT_TEST(movesWithWhatIsLeft);
    CPPUNIT_TEST(movesWhenItIsResumed);
    CPPUNIT_TEST(movesToAndFro);
    CPPUNIT_TEST(movesWithItsOutput);
    CPPUNIT_TEST(tellsWhyItEnded);
    CPPUNIT_TEST(aHangUpEndsAPausedConnection);
    CPPUNIT_TEST(anExceptionClosesThisConnectionOnly);
    CPPUNIT_TEST(anExceptionAfterAMoveOrResumeClosesIt);
    CPPUNIT_TEST(staysInMemoryWhileAnotherTurnMayHoldIt);
    CPPUNIT_TEST_SUITE_END();

public:
    void takesMessagesCutAnywhere()
    {
        auto& link = this->link();
        const std::vector<std::string> texts{"a", "", "bcd", std::string(300, 'x')};
        std::string stream;
        for (const auto& text : texts) stream += Peer::framed(text);
        std::vector<std::string> expected;
        for (std::size_t cut = 1; cut < stream.size(); ++cut)
        {
            link.peer.send(std::string_view(stream).substr(0, cut));
            CPPUNIT_ASSERT(link.peer.waitUntilRead());
            link.peer.send(std::string_view(stream).substr(cut));
            expected.insert(expected.end(), texts.begin(), texts.end());
            CPPUNIT_ASSERT(received(link, expected.size()));
        }
        CPPUNIT_ASSERT(expected == link.record->messages());
    }

    void takesMessagesThatComeByteByByte()
    {
        auto& link = this->link();
        const std::string text(2000, 'b');
        for (const char byte : Peer::framed(text))
        {
            link.peer.send({&byte, 1});
            CPPUNIT_ASSERT(link.peer.waitUntilRead());
        }
        CPPUNIT_ASSERT(received(link, 1));
        CPPUNIT_ASSERT(text == link.record->messages().front());
    }

    void takesLargeMessages()
    {
        auto& link = this->link();
        std::size_t count = 0;
        for (const std::size_t size :
             {EventLoop::kReadHeadroom - 4, EventLoop::kReadHeadroom - 3, EventLoop::kReadSize - 4,
              EventLoop::kReadSize - 3, EventLoop::kReadSize + EventLoop::kReadHeadroom + 1,
              std::size_t{5'000'000}})
        {
            const std::string text = pattern(size);
            link.peer.sendMessage(text);
            CPPUNIT_ASSERT(received(link, ++count));
            CPPUNIT_ASSERT(text == link.record->messages().back());
        }
    }

    void takesWhatStandsBehindALargeMessage()
    {
        auto& link = this->link();
        const std::string large = pattern(700'001);
        link.peer.send(Peer::framed("a") + Peer::framed(large) + Peer::framed("b") +
                       Peer::framed(large) + Peer::framed("c"));
        CPPUNIT_ASSERT(received(link, 5));
        CPPUNIT_ASSERT((std::vector<std::string>{"a", large, "b", large, "c"}) ==
                       link.record->messages());
    }

    void takesWhatStandsBeforeTheEnd()
    {
        auto& link = this->link();
        link.peer.send(Peer::framed("a") + Peer::framed("last"));
        link.peer.close();
        CPPUNIT_ASSERT(eventually([&] { return link.record->closings == 1; }));
        CPPUNIT_ASSERT((std::vector<std::string>{"a", "last"}) == link.record->messages());
    }

    void doesNotReadWhilePaused()
    {
        auto& link = this->link(parkingOn("park"));
        link.peer.send(Peer::framed("a") + Peer::framed("park") + Peer::framed("b"));
        CPPUNIT_ASSERT(eventually([&] { return _parked == 1; }));
        link.peer.sendMessage("c");
        _first.turn();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, link.record->count());
        CPPUNIT_ASSERT(_first.run([&] { return link.connection->readingPaused(); }));

        _mayPass = 1;
        _first.run([&] { link.connection->resumeReading(); });
        CPPUNIT_ASSERT(received(link, 4));
        CPPUNIT_ASSERT((std::vector<std::string>{"a", "park", "b", "c"}) ==
                       link.record->messages());
    }

    void mayPauseAgainWhenItIsResumed()
    {
        auto& link = this->link(parkingOn("park"));
        link.peer.send(Peer::framed("park") + Peer::framed("a") + Peer::framed("park") +
                       Peer::framed("b"));
        for (int pass = 1; pass <= 2; ++pass)
        {
            CPPUNIT_ASSERT(eventually([&] { return _parked == pass; }));
            _first.turn();
            _mayPass = pass;
            _first.run([&] { link.connection->resumeReading(); });
        }
        CPPUNIT_ASSERT(received(link, 4));
        CPPUNIT_ASSERT((std::vector<std::string>{"park", "a", "park", "b"}) ==
                       link.record->messages());
    }

    void keepsTheRestOfALargeReadWhilePaused()
    {
        auto& link = this->link(parkingOn("park"));
        std::string stream = Peer::framed("park");
        std::vector<std::string> expected{"park"};
        for (int i = 0; i < 3000; ++i)
        {
            expected.push_back(std::to_string(i) + std::string(100, '-'));
            stream += Peer::framed(expected.back());
        }
        link.peer.send(std::string_view(stream).substr(0, 100'000));
        CPPUNIT_ASSERT(eventually([&] { return _parked == 1; }));
        _mayPass = 1;
        _first.run([&] { link.connection->resumeReading(); });
        link.peer.send(std::string_view(stream).substr(100'000));
        CPPUNIT_ASSERT(received(link, expected.size()));
        CPPUNIT_ASSERT(expected == link.record->messages());
    }

    void movesWithWhatIsLeft()
    {
        auto& link = this->link(movingOn("move"));
        link.peer.send(Peer::framed("a") + Peer::framed("move") + Peer::framed("b") +
                       Peer::framed("cut").substr(0, 5));
        CPPUNIT_ASSERT(received(link, 3));
        CPPUNIT_ASSERT_EQUAL(1, link.record->moves.load());
        CPPUNIT_ASSERT(link.record->loop == &_second.loop());
        link.peer.send(Peer::framed("cut").substr(5));
        CPPUNIT_ASSERT(received(link, 4));
        CPPUNIT_ASSERT((std::vector<std::string>{"a", "move", "b", "cut"}) ==
                       link.record->messages());
    }

    void movesWhenItIsResumed()
    {
        // As when a hook has answered that a client is somebody else's.
        auto park = parkingOn("both");
        auto move = movingOn("both");
        auto& link = this->link([=](Connection& connection, const std::string& text) {
            const Then then = park(connection, text);
            return then == Then::Next ? move(connection, text) : then;
        });
        link.peer.send(Peer::framed("both") + Peer::framed("a"));
        CPPUNIT_ASSERT(eventually([&] { return _parked == 1; }));
        _mayPass = 2;
        _first.run([&] { link.connection->resumeReading(); });
        CPPUNIT_ASSERT(received(link, 2));
        for (int i = 0; i < 100; ++i) link.peer.sendMessage("more");
        CPPUNIT_ASSERT(received(link, 102));
        CPPUNIT_ASSERT(link.record->loop == &_second.loop());
    }

    void movesToAndFro()
    {
        auto& link = this->link([moved = 0](Connection&, const std::string& text) mutable {
            if (text != "move" || moved++ % 2 == 1) return Then::Next;
            return Then::Move;
        });
        std::string stream;
        for (int i = 0; i < 200; ++i) stream += Peer::framed("move") + Peer::framed("stay");
        link.peer.send(stream);
        CPPUNIT_ASSERT(received(link, 400));
        CPPUNIT_ASSERT_EQUAL(200, link.record->moves.load());
    }

    void movesWithItsOutput()
    {
        const std::string large = pattern(3'000'000);
        auto& link =
            this->link([&, moved = false](Connection& connection, const std::string& text) mutable {
                append(connection, connection.loop(), text);
                if (text != "move" || moved) return Then::Next;
                moved = true;
                append(connection, connection.loop(), large);
                return Then::Move;
            });
        link.peer.send(Peer::framed("a") + Peer::framed("move") + Peer::framed("b"));
        for (const std::string& expected :
             {std::string("a"), std::string("move"), large, std::string("move"), std::string("b")})
            CPPUNIT_ASSERT(expected == link.peer.receiveMessage());
    }

    void tellsWhyItEnded()
    {
        auto& byClient = link();
        byClient.peer.close();
        auto& reset = tcpLink();
        reset.peer.reset();
        auto& byUs = link();
        _first.run([&] {
            byUs.connection->close("enough");
            byUs.connection->close("not told");
        });
        for (auto* link : {&byClient, &reset, &byUs})
            CPPUNIT_ASSERT(eventually([&] { return link->record->closings == 1; }));
        CPPUNIT_ASSERT_EQUAL(std::string("closed by client"), byClient.record->reason());
        CPPUNIT_ASSERT_EQUAL(std::string("connection reset by client"), reset.record->reason());
        CPPUNIT_ASSERT_EQUAL(std::string("enough"), byUs.record->reason());
        CPPUNIT_ASSERT(byUs.peer.atEnd());
    }

    void aHangUpEndsAPausedConnection()
    {
        auto& link = this->link(parkingOn("park"));
        link.peer.sendMessage("park");
        CPPUNIT_ASSERT(eventually([&] { return _parked == 1; }));
        link.peer.close();
        CPPUNIT_ASSERT(eventually([&] { return link.record->closings == 1; }));
        CPPUNIT_ASSERT_EQUAL(std::string("connection lost"), link.record->reason());
    }

    void anExceptionClosesThisConnectionOnly()
    {
        const auto throwing = [](Connection&, const std::string& text) {
            if (text == "throw") throw std::runtime_error("a bad message");
            return Then::Next;
        };
        auto& bad = link(throwing);
        auto& good = link(throwing);
        bad.peer.send(Peer::framed("a") + Peer::framed("throw") + Peer::framed("b"));
        CPPUNIT_ASSERT(eventually([&] { return bad.record->closings == 1; }));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, bad.record->count());
        CPPUNIT_ASSERT_EQUAL(std::string("internal error"), bad.record->reason());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, _first.loop().failures());
        good.peer.sendMessage("a");
        CPPUNIT_ASSERT(received(good, 1));
    }

    void anExceptionAfterAMoveOrResumeClosesIt()
    {
        auto move = movingOn("both");
        auto& moving = link([=](Connection& connection, const std::string& text) {
            if (move(connection, text) == Then::Move) return Then::Move;
            throw std::runtime_error("over there");
        });
        moving.peer.sendMessage("both");
        auto park = parkingOn("park");
        auto& parking = link([=](Connection& connection, const std::string& text) {
            if (park(connection, text) == Then::Park) return Then::Park;
            throw std::runtime_error("the second time");
        });
        parking.peer.sendMessage("park");
        CPPUNIT_ASSERT(eventually([&] { return _parked == 1; }));
        _mayPass = 1;
        _first.run([&] { parking.connection->resumeReading(); });
        for (auto* link : {&moving, &parking})
        {
            CPPUNIT_ASSERT(eventually([&] { return link->record->closings == 1; }));
            CPPUNIT_ASSERT_EQUAL(std::string("internal error"), link->record->reason());
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, _second.loop().failures());
    }

    void staysInMemoryWhileAnotherTurnMayHoldIt()
    {
        auto& link = this->link();
        std::promise<void> inTurn, mayEnd;
        _second.post([&, ends = mayEnd.get_future().share()] {
            append(*link.connection, _second.loop(), "from the second worker");
            inTurn.set_value();
            ends.wait();
        });
        inTurn.get_future().wait();
        _first.run([&] { link.connection->close("early"); });
        for (int turns = 0; turns < 20; ++turns) _first.turn();
        CPPUNIT_ASSERT(!link.record->destroyed);
        mayEnd.set_value();
        CPPUNIT_ASSERT(eventually([&] {
            _first.turn();
            return link.record->destroyed.load();
        }));
    }

private:
    static std::string pattern(std::size_t size)
    {
        std::string text(size, ' ');
        for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23);
        return text;
    }
    /// Parks on a text until the test has let as many pass.
    OnMessage parkingOn(std::string text)
    {
        return [this, text, passed = 0](Connection&, const std::string& message) mutable {
            if (message != text) return Then::Next;
            if (_mayPass > passed)
            {
                ++passed;
                return Then::Next;
            }
            ++_parked;
            return Then::Park;
        };
    }
    /// Moves on a text, once.
    static OnMessage movingOn(std::string text)
    {
        return
            [text, moved = std::make_shared<bool>(false)](Connection&, const std::string& message) {
                if (message != text || *moved) return Then::Next;
                *moved = true;
                return Then::Move;
            };
    }

    std::atomic<int> _parked{0};
    std::atomic<int> _mayPass{0};
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConnectionTest);

} // namespace nanomq::test
