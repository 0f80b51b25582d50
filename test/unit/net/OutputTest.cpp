#include "NetFixture.h"

#include <cppunit/extensions/HelperMacros.h>

#include <map>

namespace nanomq::test
{

namespace
{

/// A session's queue, as a connection sees it.
class Queue final : public OutputSource
{
public:
    Queue(Connection& connection, int messages, std::size_t size)
        : _connection(connection),
          _left(messages),
          _size(size)
    {
    }
    void refill(OutputTurn& turn) override
    {
        while (_left > 0 && _connection.unsent() < 256 * 1024)
            _connection.append(
                asBytes(Peer::framed(std::to_string(_left--) + std::string(_size, 'q'))), turn);
    }
    int left() const noexcept { return _left; }

private:
    Connection& _connection;
    std::atomic<int> _left;
    const std::size_t _size;
};

} // namespace

/// What a connection sends, and who sends it.
class OutputTest : public NetFixture
{
    CPPUNIT_TEST_SUITE(OutputTest);
    CPPUNIT_TEST(sendsAtTheEndOfTheTurn);
    CPPUNIT_TEST(aSlowReaderGetsEverything);
    CPPUNIT_TEST(aForeignWorkerSendsWithoutTheOwner);
    CPPUNIT_TEST(aForeignFlushLeavesNothingInItsList);
    CPPUNIT_TEST(manyWorkersAppendWhileTheOwnerReads);
    CPPUNIT_TEST(aQueueRefillsTheOutput);
    CPPUNIT_TEST(lastWordsArriveThoughTheClientGoesOnSending);
    CPPUNIT_TEST(nothingFollowsTheLastWords);
    CPPUNIT_TEST(closingBesideAForeignFlushIsSafe);
    CPPUNIT_TEST(aClientThatReadsNothingIsNotReadFrom);
    CPPUNIT_TEST(oneSlowReaderDelaysNobody);
    CPPUNIT_TEST_SUITE_END();

public:
    void sendsAtTheEndOfTheTurn()
    {
        auto& link = this->link([](Connection& connection, const std::string& text) {
            append(connection, connection.loop(), "echo " + text);
            return Then::Next;
        });
        link.peer.send(Peer::framed("a") + Peer::framed("b"));
        CPPUNIT_ASSERT_EQUAL(std::string("echo a"), link.peer.receiveMessage());
        CPPUNIT_ASSERT_EQUAL(std::string("echo b"), link.peer.receiveMessage());
    }

    void aSlowReaderGetsEverything()
    {
        auto& link = tcpLink();
        std::string all;
        for (int i = 0; all.size() < 12'000'000; ++i) all += std::to_string(i) + ' ';
        _first.run([&] { appendBytes(*link.connection, _first.loop(), all); });
        CPPUNIT_ASSERT_MESSAGE("more than the system takes", blocked(link));
        std::string received;
        while (received.size() < all.size())
            received +=
                link.peer.receive(std::min<std::size_t>(all.size() - received.size(), 50'000));
        CPPUNIT_ASSERT(all == received);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, unsent(link));
    }

    void aForeignWorkerSendsWithoutTheOwner()
    {
        auto& link = this->link();
        std::promise<void> busy, release;
        _first.post([&busy, released = release.get_future().share()] {
            busy.set_value();
            released.wait();
        });
        busy.get_future().wait();
        _second.run([&] { append(*link.connection, _second.loop(), "while the owner is busy"); });
        const std::string got = link.peer.receiveMessage();
        release.set_value();
        CPPUNIT_ASSERT_EQUAL(std::string("while the owner is busy"), got);
    }

    void aForeignFlushLeavesNothingInItsList()
    {
        auto& link = this->link();
        const std::string large(3'000'000, 'x');
        const auto left = _second.run([&] {
            appendBytes(*link.connection, _second.loop(), large);
            _second.loop().flush();
            return _second.loop().turn().dirty().size();
        });
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, left);
        CPPUNIT_ASSERT_MESSAGE("the owner goes on", large == link.peer.receive(large.size()));
    }

    void manyWorkersAppendWhileTheOwnerReads()
    {
        auto& link = tcpLink([](Connection& connection, const std::string& text) {
            append(connection, connection.loop(), "owner " + text);
            return Then::Next;
        });
        constexpr int kMessages = 3000;
        Worker third(2, _quiescence);
        const auto produce = [&](Worker& worker, const std::string& name) {
            for (int i = 0; i < kMessages; ++i)
                worker.post([&, name, i] {
                    append(*link.connection, worker.loop(),
                           name + ' ' + std::to_string(i) +
                               std::string(static_cast<std::size_t>(i) % 400, '.'));
                });
        };
        produce(_second, "second");
        produce(third, "third");
        std::thread client([&] {
            for (int i = 0; i < kMessages; ++i) link.peer.sendMessage(std::to_string(i));
        });
        std::map<std::string, int> next;
        for (int i = 0; i < 3 * kMessages; ++i)
        {
            const std::string message = link.peer.receiveMessage();
            const auto space = message.find(' ');
            const std::string name = message.substr(0, space);
            CPPUNIT_ASSERT_EQUAL(next[name]++, std::stoi(message.substr(space + 1)));
        }
        client.join();
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, next.size());
    }

    void aQueueRefillsTheOutput()
    {
        auto& link = this->link();
        Queue queue(*link.connection, 2000, 5000);
        _first.run([&] {
            std::lock_guard guard(link.connection->lock());
            link.connection->setSource(&queue);
            queue.refill(_first.loop().turn());
        });
        for (int left = 2000; left > 0; --left)
            CPPUNIT_ASSERT_EQUAL(std::to_string(left) + std::string(5000, 'q'),
                                 link.peer.receiveMessage());
        CPPUNIT_ASSERT_EQUAL(0, queue.left());
        _first.run([&] {
            std::lock_guard guard(link.connection->lock());
            link.connection->setSource(nullptr);
        });
    }

    void lastWordsArriveThoughTheClientGoesOnSending()
    {
        auto& link = tcpLink([](Connection& connection, const std::string& text) {
            if (text != "end") return Then::Next;
            append(connection, connection.loop(), "last words");
            connection.close("told to");
            return Then::Next;
        });
        link.peer.send(Peer::framed("end") + Peer::framed(std::string(30'000, 'x')));
        CPPUNIT_ASSERT_EQUAL(std::string("last words"), link.peer.receiveMessage());
        CPPUNIT_ASSERT(link.peer.atEnd());
    }

    void nothingFollowsTheLastWords()
    {
        auto& link = this->link();
        Queue queue(*link.connection, 10, 10);
        _first.run([&] {
            append(*link.connection, _first.loop(), "last words");
            {
                std::lock_guard guard(link.connection->lock());
                link.connection->setSource(&queue);
            }
            link.connection->close("told to");
        });
        CPPUNIT_ASSERT_EQUAL(std::string("last words"), link.peer.receiveMessage());
        CPPUNIT_ASSERT(link.peer.atEnd());
        CPPUNIT_ASSERT_EQUAL(10, queue.left());
    }

    void closingBesideAForeignFlushIsSafe()
    {
        for (int round = 0; round < 200; ++round)
        {
            auto& link = this->link();
            // As a session has it: who finds a connection there may append to it, in this turn.
            struct
            {
                FutexLock lock;
                Connection* connection;
            } session{{}, link.connection};
            _first.run([&] { link.connection->shareLock(session.lock); });
            std::atomic<int> appended{0};
            std::function<void()> append = [&] {
                std::lock_guard guard(session.lock);
                if (!session.connection || appended == kMostAppended) return;
                session.connection->append(asBytes(Peer::framed("message")), _second.loop().turn());
                ++appended;
                _second.post(append);
            };
            _second.post(append);
            CPPUNIT_ASSERT(eventually([&] { return appended > round % 7; }));
            _first.run([&] {
                {
                    std::lock_guard guard(session.lock);
                    session.connection = nullptr;
                    link.connection->append(asBytes(Peer::framed("last words")),
                                            _first.loop().turn());
                }
                link.connection->close("told to");
            });
            std::string message;
            while (message != "last words") message = link.peer.receiveMessage();
            CPPUNIT_ASSERT(link.peer.atEnd());
            _first.turn(); // until nobody has the session's lock in hand
            _second.turn();
        }
    }

    void aClientThatReadsNothingIsNotReadFrom()
    {
        auto& link = tcpLink([](Connection& connection, const std::string& text) {
            const std::string answer = Peer::framed(text);
            std::lock_guard guard(connection.lock());
            connection.append(asBytes(answer), connection.loop().turn());
            connection.countAnswer(answer.size());
            return Then::Next;
        });
        // Until neither side takes any more; nobody would if reading did not stop.
        const std::string request = Peer::framed(std::string(60, 'r'));
        std::string batch;
        for (int i = 0; i < 1000; ++i) batch += request;
        std::size_t sent = 0;
        std::size_t idle = 0;
        while (idle < 1000)
        {
            CPPUNIT_ASSERT_MESSAGE("it goes on reading", sent < 100'000'000);
            const auto now =
                link.peer.sendSome(std::string_view(batch).substr(sent % batch.size()));
            sent += now;
            idle = now > 0 ? 0 : idle + 1;
            _first.turn();
        }
        const auto held = unsent(link);
        CPPUNIT_ASSERT(held > Connection::kMaximumAnswers);
        CPPUNIT_ASSERT(held < Connection::kMaximumAnswers + 2 * EventLoop::kReadSize);

        // It reads again: nothing is lost.
        const std::size_t rest = (request.size() - sent % request.size()) % request.size();
        std::thread client(
            [&] { link.peer.send(std::string_view(batch).substr(sent % batch.size(), rest)); });
        for (std::size_t answers = (sent + rest) / request.size(); answers > 0; --answers)
            CPPUNIT_ASSERT_EQUAL(std::size_t{60}, link.peer.receiveMessage().size());
        client.join();
        CPPUNIT_ASSERT_EQUAL((sent + rest) / request.size(), link.record->count());
    }

    void oneSlowReaderDelaysNobody()
    {
        auto& slow = tcpLink();
        auto& fast = link();
        const std::string large(10'000'000, 'x');
        _first.run([&] { appendBytes(*slow.connection, _first.loop(), large); });
        CPPUNIT_ASSERT(blocked(slow));
        for (int i = 0; i < 100; ++i)
        {
            _first.run([&] {
                append(*slow.connection, _first.loop(), "more");
                append(*fast.connection, _first.loop(), "fast");
            });
            CPPUNIT_ASSERT_EQUAL(std::string("fast"), fast.peer.receiveMessage());
        }
    }

private:
    static constexpr int kMostAppended = 100; // few enough for the socket to take them unread

    std::size_t unsent(Link& link)
    {
        return _first.run([&] {
            std::lock_guard guard(link.connection->lock());
            return link.connection->unsent();
        });
    }
    /// Waits until the socket takes no more, and there is more.
    bool blocked(Link& link)
    {
        std::size_t before = unsent(link) + 1;
        return eventually([&] {
            _first.turn();
            const std::size_t now = unsent(link);
            const bool still = now == before && now > 0;
            before = now;
            return still;
        });
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(OutputTest);

} // namespace nanomq::test
