#include "plugin/PluginTasks.h"
#include "nanomq/testing.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cerrno>

namespace
{

using namespace nanomq;
using namespace std::chrono_literals;

/// A plugin's tasks without a plugin; stopped at the end.
class Tasks final : private ExecutorSource, private PluginTasks::Failures
{
public:
    Tasks() : _executor("test", *this), tasks(_executor, *this) {}
    ~Tasks() { CPPUNIT_ASSERT(tasks.stop(30s)); }

    sdk::Status run(void (*run)(void*, sdk::Tasks::Stop*)) { return tasks.thread("t", run, this); }

    std::atomic<unsigned> ended{0};

private:
    bool drainSome() override { return false; }
    bool drained() const noexcept override { return true; }
    void taskFailed(std::string_view) noexcept override {}
    void threadFailed(std::string_view) noexcept override {}

    Executor _executor;

public:
    PluginTasks tasks;
};

class PluginTasksTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(PluginTasksTest);
    CPPUNIT_TEST(threadsAreLimitedAtATime);
    CPPUNIT_TEST(threadsThatHaveEndedMakeRoom);
    CPPUNIT_TEST_SUITE_END();

public:
    void threadsAreLimitedAtATime()
    {
        Tasks tasks;
        const auto wait = [](void*, sdk::Tasks::Stop* stop) {
            while (!stop->requested()) stop->wait(60'000);
        };
        for (std::size_t i = 0; i < PluginTasks::kMaxThreads; ++i)
            CPPUNIT_ASSERT_EQUAL(sdk::Status{0}, tasks.run(wait));
        CPPUNIT_ASSERT_EQUAL(sdk::Status{-EAGAIN}, tasks.run(wait));
    }

    void threadsThatHaveEndedMakeRoom()
    {
        Tasks tasks;
        const auto end = [](void* self, sdk::Tasks::Stop*) { ++static_cast<Tasks*>(self)->ended; };
        for (unsigned i = 0; i < 2 * PluginTasks::kMaxThreads; ++i)
            CPPUNIT_ASSERT(sdk::testing::eventually([&] { return tasks.run(end) == 0; }));
        CPPUNIT_ASSERT(
            sdk::testing::eventually([&] { return tasks.ended == 2 * PluginTasks::kMaxThreads; }));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PluginTasksTest);

} // namespace
