#include "base/Task.h"

#include <cppunit/extensions/HelperMacros.h>

#include <memory>
#include <vector>

namespace nanomq
{

class TaskTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(TaskTest);
    CPPUNIT_TEST(holdsWhatCannotBeCopied);
    CPPUNIT_TEST(freesWhatItHoldsWithoutBeingRun);
    CPPUNIT_TEST(staysWholeWhenItIsMoved);
    CPPUNIT_TEST_SUITE_END();

public:
    void holdsWhatCannotBeCopied()
    {
        int seen = 0;
        Task task([&seen, held = std::make_unique<int>(7)] { seen = *held; });
        task();
        CPPUNIT_ASSERT_EQUAL(7, seen);
    }

    void freesWhatItHoldsWithoutBeingRun()
    {
        auto held = std::make_shared<int>(1);
        {
            const Task task([held] {});
            CPPUNIT_ASSERT_EQUAL(2L, held.use_count());
        }
        CPPUNIT_ASSERT_EQUAL(1L, held.use_count());
    }

    void staysWholeWhenItIsMoved()
    {
        int runs = 0;
        std::vector<Task> tasks;
        for (int i = 0; i < 100; ++i) tasks.emplace_back([&runs] { ++runs; });
        for (auto& task : tasks) task();
        CPPUNIT_ASSERT_EQUAL(100, runs);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(TaskTest);

} // namespace nanomq
