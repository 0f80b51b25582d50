#include "base/FutexLock.h"

#include <cppunit/extensions/HelperMacros.h>

#include <mutex>
#include <thread>
#include <vector>

namespace nanomq
{

class FutexLockTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(FutexLockTest);
    CPPUNIT_TEST(isTakenOnce);
    CPPUNIT_TEST(letsOneInAtATimeUnderContention);
    CPPUNIT_TEST_SUITE_END();

public:
    void isTakenOnce()
    {
        FutexLock lock;
        CPPUNIT_ASSERT(lock.try_lock());
        CPPUNIT_ASSERT(!lock.try_lock());
        lock.unlock();
        CPPUNIT_ASSERT(lock.try_lock());
        lock.unlock();
    }

    /// A lost wake-up would leave a thread asleep for ever, and two holders would lose counts.
    void letsOneInAtATimeUnderContention()
    {
        constexpr int kThreads = 4, kRounds = 20'000;
        FutexLock lock;
        long count = 0;
        std::vector<std::thread> threads;
        for (int t = 0; t < kThreads; ++t)
            threads.emplace_back([&] {
                for (int round = 0; round < kRounds; ++round)
                {
                    std::lock_guard guard(lock);
                    // Now and then held for long, so that the others go to sleep.
                    if (round % 64 == 0) std::this_thread::yield();
                    ++count;
                }
            });
        for (auto& thread : threads) thread.join();
        CPPUNIT_ASSERT_EQUAL(long{kThreads} * kRounds, count);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(FutexLockTest);

} // namespace nanomq
