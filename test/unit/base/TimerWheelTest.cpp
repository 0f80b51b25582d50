#include "base/TimerWheel.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace nanomq
{

namespace
{

constexpr MonotonicMs kStart = 1'000'003; // in the middle of a tick
constexpr MonotonicMs kTick = TimerWheel::kTickMs;
constexpr MonotonicMs kRound = kTick * static_cast<MonotonicMs>(TimerWheel::kSlots);

class Alarm final : public Timer
{
public:
    MonotonicMs firedAt = 0;
    int fired = 0;
    std::function<void(MonotonicMs)> then;

private:
    void expired(MonotonicMs now) override
    {
        firedAt = now;
        ++fired;
        if (then) then(now);
    }
};

} // namespace

class TimerWheelTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(TimerWheelTest);
    CPPUNIT_TEST(firesNeverEarlyAndAtMostOneTickLate);
    CPPUNIT_TEST(firesDeadlinesBeyondOneRoundWhenTheyAreDue);
    CPPUNIT_TEST(firesEverythingThatIsDueAfterALongSleep);
    CPPUNIT_TEST(firesAPastDeadlineWithTheNextTick);
    CPPUNIT_TEST(firesEarlierTicksFirst);
    CPPUNIT_TEST(firesOnce);
    CPPUNIT_TEST(movesWhenItIsScheduledAgain);
    CPPUNIT_TEST(doesNotFireWhatWasCancelled);
    CPPUNIT_TEST(aDestroyedTimerIsOutOfTheWheel);
    CPPUNIT_TEST(mayScheduleItselfAgainWhileItFires);
    CPPUNIT_TEST(scheduledForNowWhileItFiresDoesNotFireForEver);
    CPPUNIT_TEST(mayCancelAnotherOfTheSameTickWhileItFires);
    CPPUNIT_TEST(mayDestroyItselfAndOthersWhileItFires);
    CPPUNIT_TEST(firesAtMostTheLimitAndTheRestNextTime);
    CPPUNIT_TEST(firesTheOthersWhenOneThrows);
    CPPUNIT_TEST(tellsHowLongOneMaySleep);
    CPPUNIT_TEST(agreesWithASortedList);
    CPPUNIT_TEST_SUITE_END();

public:
    void firesNeverEarlyAndAtMostOneTickLate()
    {
        for (MonotonicMs after = 1; after <= 3 * kTick; ++after)
        {
            TimerWheel wheel(kStart);
            Alarm alarm;
            wheel.schedule(alarm, kStart + after);
            for (MonotonicMs now = kStart; alarm.fired == 0; ++now) wheel.advance(now);
            CPPUNIT_ASSERT(alarm.firedAt >= kStart + after);
            CPPUNIT_ASSERT(alarm.firedAt < kStart + after + kTick);
        }
    }

    void firesDeadlinesBeyondOneRoundWhenTheyAreDue()
    {
        for (const MonotonicMs after : {kRound - 1, kRound, kRound + 1, 3 * kRound + 17})
        {
            TimerWheel wheel(kStart);
            Alarm alarm;
            wheel.schedule(alarm, kStart + after);
            MonotonicMs now = kStart;
            for (; alarm.fired == 0; now += kTick) wheel.advance(now);
            CPPUNIT_ASSERT(alarm.firedAt >= kStart + after);
            CPPUNIT_ASSERT(alarm.firedAt < kStart + after + 2 * kTick);
        }
    }

    void firesEverythingThatIsDueAfterALongSleep()
    {
        std::vector<Alarm> alarms(500);
        for (std::size_t i = 0; i < alarms.size(); ++i)
            _wheel.schedule(alarms[i], kStart + static_cast<MonotonicMs>(i) * 997);
        Alarm later;
        _wheel.schedule(later, kStart + 20 * kRound);
        _wheel.advance(kStart + 10 * kRound);
        for (const auto& alarm : alarms) CPPUNIT_ASSERT_EQUAL(1, alarm.fired);
        CPPUNIT_ASSERT_EQUAL(0, later.fired);
    }

    void firesAPastDeadlineWithTheNextTick()
    {
        _wheel.advance(kStart);
        _wheel.schedule(_alarm, 5);
        _wheel.advance(kStart + kTick);
        CPPUNIT_ASSERT_EQUAL(1, _alarm.fired);
    }

    void firesEarlierTicksFirst()
    {
        std::string order;
        std::vector<Alarm> alarms(3);
        for (std::size_t i = 0; i < alarms.size(); ++i)
            alarms[i].then = [&order, i](MonotonicMs) { order += static_cast<char>('a' + i); };
        _wheel.schedule(alarms[2], kStart + 20 * kTick);
        _wheel.schedule(alarms[0], kStart + 2 * kTick);
        _wheel.schedule(alarms[1], kStart + 10 * kTick);
        _wheel.advance(kStart + 30 * kTick);
        CPPUNIT_ASSERT_EQUAL(std::string("abc"), order);
    }

    void firesOnce()
    {
        _wheel.schedule(_alarm, kStart + 1);
        for (MonotonicMs now = kStart; now < kStart + 2 * kRound; now += kTick) _wheel.advance(now);
        CPPUNIT_ASSERT_EQUAL(1, _alarm.fired);
        CPPUNIT_ASSERT(!_alarm.scheduled());
    }

    void movesWhenItIsScheduledAgain()
    {
        _wheel.schedule(_alarm, kStart + 100);
        _wheel.schedule(_alarm, kStart + 1000);
        _wheel.advance(kStart + 500);
        CPPUNIT_ASSERT_EQUAL(0, _alarm.fired);
        _wheel.advance(kStart + 1100);
        CPPUNIT_ASSERT_EQUAL(1, _alarm.fired);
    }

    void doesNotFireWhatWasCancelled()
    {
        _wheel.schedule(_alarm, kStart + 100);
        CPPUNIT_ASSERT(_alarm.scheduled());
        _alarm.cancel();
        _alarm.cancel();
        CPPUNIT_ASSERT(!_alarm.scheduled());
        _wheel.advance(kStart + 200);
        CPPUNIT_ASSERT_EQUAL(0, _alarm.fired);
    }

    void aDestroyedTimerIsOutOfTheWheel()
    {
        auto gone = std::make_unique<Alarm>();
        _wheel.schedule(*gone, kStart + 100);
        _wheel.schedule(_alarm, kStart + 100);
        gone.reset();
        _wheel.advance(kStart + 200);
        CPPUNIT_ASSERT_EQUAL(1, _alarm.fired);
    }

    void mayScheduleItselfAgainWhileItFires()
    {
        _alarm.then = [this](MonotonicMs now) { _wheel.schedule(_alarm, now + 100); };
        _wheel.schedule(_alarm, kStart + 100);
        for (MonotonicMs now = kStart; now <= kStart + 1000; ++now) _wheel.advance(now);
        CPPUNIT_ASSERT(_alarm.fired >= 7 && _alarm.fired <= 10);
    }

    void scheduledForNowWhileItFiresDoesNotFireForEver()
    {
        _alarm.then = [this](MonotonicMs now) { _wheel.schedule(_alarm, now); };
        _wheel.schedule(_alarm, kStart);
        _wheel.advance(kStart + kTick);
        CPPUNIT_ASSERT_EQUAL(1, _alarm.fired);
        _wheel.advance(kStart + 2 * kTick);
        CPPUNIT_ASSERT_EQUAL(2, _alarm.fired);
    }

    void mayCancelAnotherOfTheSameTickWhileItFires()
    {
        Alarm other, last;
        _alarm.then = [&other](MonotonicMs) { other.cancel(); };
        _wheel.schedule(_alarm, kStart + 10);
        _wheel.schedule(other, kStart + 10);
        _wheel.schedule(last, kStart + 10);
        _wheel.advance(kStart + 10 + kTick);
        CPPUNIT_ASSERT_EQUAL(0, other.fired);
        CPPUNIT_ASSERT_EQUAL(1, last.fired);
    }

    void mayDestroyItselfAndOthersWhileItFires()
    {
        auto self = std::make_unique<Alarm>();
        auto other = std::make_unique<Alarm>();
        auto& first = *self;
        first.then = [&](MonotonicMs) {
            other.reset();
            self.reset();
        };
        _wheel.schedule(first, kStart + 10);
        _wheel.schedule(*other, kStart + 10);
        _wheel.schedule(_alarm, kStart + 10);
        _wheel.advance(kStart + 10 + kTick);
        CPPUNIT_ASSERT(!self && !other);
        CPPUNIT_ASSERT_EQUAL(1, _alarm.fired);
    }

    void firesAtMostTheLimitAndTheRestNextTime()
    {
        std::vector<Alarm> alarms(25);
        for (auto& alarm : alarms) _wheel.schedule(alarm, kStart + 10);
        const auto fired = [&] {
            return std::count_if(alarms.begin(), alarms.end(),
                                 [](const Alarm& alarm) { return alarm.fired > 0; });
        };
        const MonotonicMs now = kStart + 10 + kTick;
        _wheel.advance(now, 10);
        CPPUNIT_ASSERT_EQUAL(10L, static_cast<long>(fired()));
        CPPUNIT_ASSERT_EQUAL_MESSAGE("more is due", 0, _wheel.sleepMs(now));
        _wheel.advance(now, 10);
        CPPUNIT_ASSERT_EQUAL(20L, static_cast<long>(fired()));
        _wheel.advance(now, 10);
        CPPUNIT_ASSERT_EQUAL(25L, static_cast<long>(fired()));
        for (const auto& alarm : alarms) CPPUNIT_ASSERT_EQUAL(1, alarm.fired);
    }

    void firesTheOthersWhenOneThrows()
    {
        Alarm first, bad, last, later;
        bad.then = [](MonotonicMs) { throw std::runtime_error("timer"); };
        for (Alarm* const alarm : {&first, &bad, &last}) _wheel.schedule(*alarm, kStart + 10);
        _wheel.schedule(later, kStart + 10 * kTick);
        const MonotonicMs now = kStart + 20 * kTick;
        CPPUNIT_ASSERT_THROW(_wheel.advance(now), std::runtime_error);
        CPPUNIT_ASSERT_EQUAL(0, _wheel.sleepMs(now));
        _wheel.advance(now);
        for (Alarm* const alarm : {&first, &bad, &last, &later})
            CPPUNIT_ASSERT_EQUAL(1, alarm->fired);
    }

    void tellsHowLongOneMaySleep()
    {
        _wheel.advance(kStart);
        CPPUNIT_ASSERT_EQUAL_MESSAGE("for ever", -1, _wheel.sleepMs(kStart));
        _wheel.schedule(_alarm, kStart + 1000);
        const int sleep = _wheel.sleepMs(kStart);
        CPPUNIT_ASSERT(sleep >= 1000 && sleep <= 1000 + kTick);
        Alarm far;
        _wheel.schedule(far, kStart + 10 * kRound);
        CPPUNIT_ASSERT_MESSAGE("no longer than one round",
                               _wheel.sleepMs(kStart) >= 0 && _wheel.sleepMs(kStart) <= kRound);
        // Whoever sleeps as told and comes back finds every timer in time.
        MonotonicMs now = kStart;
        while (far.fired == 0)
        {
            const int ms = _wheel.sleepMs(now);
            CPPUNIT_ASSERT(ms >= 0);
            now += std::max(ms, 1);
            _wheel.advance(now);
        }
        CPPUNIT_ASSERT_EQUAL(1, _alarm.fired);
        CPPUNIT_ASSERT(_alarm.firedAt < kStart + 1000 + 2 * kTick);
        CPPUNIT_ASSERT(far.firedAt >= kStart + 10 * kRound);
        CPPUNIT_ASSERT(far.firedAt < kStart + 10 * kRound + 2 * kTick);
    }

    /// Random deadlines, moves, cancellations and steps of time, against the plain rule.
    void agreesWithASortedList()
    {
        std::mt19937 random(20'250'101);
        const auto upTo = [&random](MonotonicMs most) {
            return static_cast<MonotonicMs>(random() % static_cast<unsigned>(most));
        };
        std::vector<Alarm> alarms(300);
        std::vector<MonotonicMs> deadlines(alarms.size(), kNever);
        MonotonicMs now = kStart;
        for (int step = 0; step < 3000; ++step)
        {
            const auto i = static_cast<std::size_t>(upTo(static_cast<MonotonicMs>(alarms.size())));
            if (upTo(4) == 0)
            {
                alarms[i].cancel();
                deadlines[i] = kNever;
            }
            else
            {
                deadlines[i] = now + upTo(upTo(10) == 0 ? 5 * kRound : 3000);
                _wheel.schedule(alarms[i], deadlines[i]);
            }
            now += upTo(upTo(50) == 0 ? 2 * kRound : 50);
            for (auto& alarm : alarms) alarm.fired = 0;
            _wheel.advance(now);
            for (std::size_t a = 0; a < alarms.size(); ++a)
            {
                const bool due = deadlines[a] <= now;
                if (alarms[a].fired > 0)
                {
                    CPPUNIT_ASSERT_MESSAGE("early", due);
                    deadlines[a] = kNever;
                }
                else CPPUNIT_ASSERT_MESSAGE("late", !due || now - deadlines[a] < kTick);
            }
        }
    }

private:
    TimerWheel _wheel{kStart};
    Alarm _alarm;
};

CPPUNIT_TEST_SUITE_REGISTRATION(TimerWheelTest);

} // namespace nanomq
