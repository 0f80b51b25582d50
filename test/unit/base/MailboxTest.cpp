#include "base/Mailbox.h"
#include "support/Patience.h"

#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace nanomq
{

class MailboxTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(MailboxTest);
    CPPUNIT_TEST(runsTasksInTheOrderPosted);
    CPPUNIT_TEST(leavesWhatTasksPostForTheNextTime);
    CPPUNIT_TEST(runsTheTasksBehindOneThatThrows);
    CPPUNIT_TEST(doesNotSleepOnAPostedTask);
    CPPUNIT_TEST(wakesOnlyASleeper);
    CPPUNIT_TEST(freesTasksThatNobodyRan);
    CPPUNIT_TEST(losesNoWakeUpBetweenThreads);
    CPPUNIT_TEST_SUITE_END();

public:
    void runsTasksInTheOrderPosted()
    {
        for (const char letter : {'a', 'b', 'c'}) note(letter);
        _mailbox.drain();
        CPPUNIT_ASSERT_EQUAL(std::string("abc"), _run);
    }

    void leavesWhatTasksPostForTheNextTime()
    {
        _mailbox.post([this] {
            _run += 'a';
            note('b');
        });
        _mailbox.drain();
        CPPUNIT_ASSERT_EQUAL(std::string("a"), _run);
        _mailbox.drain();
        CPPUNIT_ASSERT_EQUAL(std::string("ab"), _run);
    }

    void runsTheTasksBehindOneThatThrows()
    {
        note('a');
        _mailbox.post([] { throw std::runtime_error("task"); });
        note('b');
        CPPUNIT_ASSERT_THROW(_mailbox.drain(), std::runtime_error);
        CPPUNIT_ASSERT_EQUAL(std::string("a"), _run);
        note('c');
        _mailbox.drain();
        CPPUNIT_ASSERT_EQUAL_MESSAGE("each once", std::string("ab"), _run);
        _mailbox.drain();
        CPPUNIT_ASSERT_EQUAL(std::string("abc"), _run);
    }

    void doesNotSleepOnAPostedTask()
    {
        note('a');
        CPPUNIT_ASSERT(!_mailbox.prepareToSleep());
        _mailbox.drain();
        CPPUNIT_ASSERT(_mailbox.prepareToSleep());
    }

    void wakesOnlyASleeper()
    {
        note('a');
        CPPUNIT_ASSERT_MESSAGE("the owner is awake", !readable(0));
        _mailbox.drain();
        CPPUNIT_ASSERT(_mailbox.prepareToSleep());
        CPPUNIT_ASSERT(!readable(0));
        note('b');
        note('c');
        CPPUNIT_ASSERT(readable(0));
        _mailbox.wokeUp();
        _mailbox.acknowledge();
        CPPUNIT_ASSERT(!readable(0));
        _mailbox.drain();
        CPPUNIT_ASSERT_EQUAL(std::string("abc"), _run);
    }

    void freesTasksThatNobodyRan()
    {
        const auto held = std::make_shared<int>(1);
        {
            Mailbox mailbox;
            mailbox.post([held] {});
        }
        CPPUNIT_ASSERT_EQUAL(1L, held.use_count());
    }

    /// The owner sleeps whenever it may, without a time limit of its own: a lost wake-up shows as
    /// a sleep that does not end.
    void losesNoWakeUpBetweenThreads()
    {
        constexpr int kPosters = 2, kPosts = 20'000;
        std::atomic<int> run{0};
        std::vector<std::thread> posters;
        for (int p = 0; p < kPosters; ++p)
            posters.emplace_back([&] {
                for (int i = 0; i < kPosts; ++i)
                {
                    _mailbox.post([&run] { run.fetch_add(1, std::memory_order_relaxed); });
                    if (i % 16 == 0) std::this_thread::yield();
                }
            });
        const int patience = static_cast<int>(test::kPatience.count());
        bool awake = true;
        while (run.load(std::memory_order_relaxed) < kPosters * kPosts && awake)
        {
            if (_mailbox.prepareToSleep())
            {
                awake = readable(patience);
                _mailbox.wokeUp();
                _mailbox.acknowledge();
            }
            _mailbox.drain();
        }
        for (auto& poster : posters) poster.join();
        CPPUNIT_ASSERT(awake);
        CPPUNIT_ASSERT_EQUAL(kPosters * kPosts, run.load());
    }

private:
    void note(char letter)
    {
        _mailbox.post([this, letter] { _run += letter; });
    }
    bool readable(int patienceMs)
    {
        pollfd descriptor{_mailbox.descriptor(), POLLIN, 0};
        return ::poll(&descriptor, 1, patienceMs) == 1;
    }

    Mailbox _mailbox;
    std::string _run;
};

CPPUNIT_TEST_SUITE_REGISTRATION(MailboxTest);

} // namespace nanomq
