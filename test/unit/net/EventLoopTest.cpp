#include "NetFixture.h"

#include <Poco/Exception.h>
#include <cppunit/extensions/HelperMacros.h>

#include <stdexcept>

namespace nanomq::test
{

namespace
{

class Alarm final : public Timer
{
public:
    explicit Alarm(std::function<void()> then) : _then(std::move(then)) {}

private:
    void expired(MonotonicMs) override { _then(); }
    std::function<void()> _then;
};

} // namespace

class EventLoopTest : public NetFixture
{
    CPPUNIT_TEST_SUITE(EventLoopTest);
    CPPUNIT_TEST(firesTimersWhileNothingElseHappens);
    CPPUNIT_TEST(runsTheEndOfTurnBeforeItSends);
    CPPUNIT_TEST(turnsAgainWithoutWaiting);
    CPPUNIT_TEST(sendsEarlyWhenMuchHasComeTogether);
    CPPUNIT_TEST(survivesTasksTimersAndEndsOfTurnThatThrow);
    CPPUNIT_TEST(survivesAFailureThatCannotBeTold);
    CPPUNIT_TEST(freesWhatWasRetired);
    CPPUNIT_TEST_SUITE_END();

public:
    void firesTimersWhileNothingElseHappens()
    {
        std::promise<MonotonicMs> fired;
        Alarm alarm([&] { fired.set_value(monotonicNow()); });
        const auto deadline = _first.run([&] {
            const auto at = _first.loop().now() + 50;
            _first.loop().timers().schedule(alarm, at);
            return at;
        });
        auto when = fired.get_future();
        CPPUNIT_ASSERT(when.wait_for(kPatience) == std::future_status::ready);
        CPPUNIT_ASSERT(when.get() >= deadline);
    }

    void runsTheEndOfTurnBeforeItSends()
    {
        auto& link = this->link();
        Worker worker(2, _quiescence);
        bool once = true;
        worker.run([&] {
            worker.loop().onEndOfTurn([&] {
                if (std::exchange(once, false))
                    append(*link.connection, worker.loop(), "at the end");
            });
        });
        CPPUNIT_ASSERT_EQUAL(std::string("at the end"), link.peer.receiveMessage());
    }

    void turnsAgainWithoutWaiting()
    {
        std::atomic<int> turns{0};
        Worker worker(2, _quiescence);
        worker.run([&] {
            worker.loop().onEndOfTurn([&] {
                if (++turns < 1000) worker.loop().turnAgain();
            });
        });
        CPPUNIT_ASSERT(eventually([&] { return turns == 1000; }));
    }

    void sendsEarlyWhenMuchHasComeTogether()
    {
        auto& link = this->link();
        const std::string large(EventLoop::kEarlyFlushBytes, 'x');
        std::promise<void> release;
        _first.post([&, released = release.get_future().share()] {
            append(*link.connection, _first.loop(), "little");
            _first.loop().flushIfMuch();
            appendBytes(*link.connection, _first.loop(), large);
            _first.loop().flushIfMuch();
            released.wait();
        });
        const std::string got = link.peer.receiveMessage();
        release.set_value();
        CPPUNIT_ASSERT_EQUAL(std::string("little"), got);
        CPPUNIT_ASSERT(large == link.peer.receive(large.size()));
    }

    void survivesTasksTimersAndEndsOfTurnThatThrow()
    {
        Quiescence quiescence;
        EventLoop loop(0, quiescence);
        std::vector<std::string> told;
        loop.onFailure([&](std::string_view what) { told.emplace_back(what); });
        bool once = true;
        loop.onEndOfTurn([&] {
            if (std::exchange(once, false)) throw std::runtime_error("end of turn");
        });
        int ran = 0;
        Alarm bad([] { throw Poco::NotFoundException("timer"); });
        Alarm good([&] {
            ++ran;
            loop.stop();
        });
        loop.mailbox().post([] { throw std::runtime_error("task"); });
        loop.mailbox().post([] { throw 7; });
        loop.mailbox().post([&] { ++ran; });
        loop.timers().schedule(bad, loop.now());
        loop.timers().schedule(good, loop.now());
        loop.run();
        CPPUNIT_ASSERT_EQUAL(2, ran);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{4}, loop.failures());
        CPPUNIT_ASSERT_EQUAL(std::size_t{4}, told.size());
        CPPUNIT_ASSERT_EQUAL(std::string("task"), told[0]);
        for (const char* expected :
             {"an exception of unknown type", "Not found: timer", "end of turn"})
            CPPUNIT_ASSERT(std::find(told.begin(), told.end(), expected) != told.end());
    }

    void survivesAFailureThatCannotBeTold()
    {
        Quiescence quiescence;
        EventLoop loop(0, quiescence);
        loop.onFailure([](std::string_view) { throw std::runtime_error("no log"); });
        CPPUNIT_ASSERT(!loop.attempt([] { throw std::runtime_error("work"); }));
        CPPUNIT_ASSERT(loop.attempt([] {}));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, loop.failures());
    }

    void freesWhatWasRetired()
    {
        auto object = std::make_shared<int>(1);
        const auto hold = [](std::shared_ptr<int> held) {
            return std::make_unique<std::shared_ptr<int>>(std::move(held)).release();
        };
        _first.run([&] { _quiescence.retire(hold(object)); });
        CPPUNIT_ASSERT(eventually([&] {
            _first.turn();
            return object.use_count() == 1;
        }));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(EventLoopTest);

} // namespace nanomq::test
