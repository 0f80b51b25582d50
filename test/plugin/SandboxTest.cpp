#include "HostFixture.h"

using namespace nanomq;

/// Plugins that run in a process of their own. Libraries and tests are those of the others.
class SandboxTest : public HostFixture
{
    CPPUNIT_TEST_SUITE(SandboxTest);
    CPPUNIT_TEST(isAPluginLikeOthersToTheBroker);
    CPPUNIT_TEST(handsItsStateOver);
    CPPUNIT_TEST(anEventThatKillsItCostsNoOther);
    CPPUNIT_TEST(aQuestionThatKillsItIsAnsweredAtOnce);
    CPPUNIT_TEST(aQuestionIsAnsweredByItsDeadline);
    CPPUNIT_TEST(failsAsOthersFail);
    CPPUNIT_TEST(mayNotDoWhatNoPluginNeeds);
    CPPUNIT_TEST(eventsThatItDoesNotTakeAreCounted);
    CPPUNIT_TEST_SUITE_END();

    PluginInfo load(const std::string& more = {})
    {
        install("sample_one");
        configure("sample", "sample.sandbox = true\n" + more);
        return mustLoad();
    }
    std::string seen(int count) const
    {
        return "{\"version\":\"1.0.0\",\"seen\":" + std::to_string(count) + "}";
    }
    std::uint64_t restarts()
    {
        return _services.registry.counter("nanomq_sandbox_restarts_total", "", "").value();
    }

public:
    void isAPluginLikeOthersToTheBroker()
    {
        const PluginInfo info = load();
        CPPUNIT_ASSERT(info.state == State::Active);
        CPPUNIT_ASSERT(info.sandboxed);
        CPPUNIT_ASSERT(!mapped("sample"));
        CPPUNIT_ASSERT_EQUAL(std::string("1.0.0"), versionByHook());
        CPPUNIT_ASSERT_EQUAL(0x99, int{ask("later").reason});
        CPPUNIT_ASSERT(ask("throw").verdict == sdk::Verdict::Deny); // fails closed
        CPPUNIT_ASSERT(eventually([&] {
            return host().info("sample")->lastError == "message.publish: told to throw";
        }));
        tell("a/b");
        tell("other");
        CPPUNIT_ASSERT(eventually([&] { return verb("sample status") == seen(1); }));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1},
                             _services.registry.counter("sample_events_total", "", "").value());
        CPPUNIT_ASSERT(host().unload("sample"));
        CPPUNIT_ASSERT(stateOf() == State::Gone);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _filters.size());
        CPPUNIT_ASSERT_EQUAL(std::string("none"), verb("sample status"));
    }

    void handsItsStateOver()
    {
        load();
        tell("a/1");
        tell("a/2");
        install("sample_two");
        const auto result = host().reload("sample");
        CPPUNIT_ASSERT_MESSAGE(result ? "" : result.error().message, bool(result));
        CPPUNIT_ASSERT_EQUAL(std::string(), result->reason);
        CPPUNIT_ASSERT_EQUAL(std::string("{\"version\":\"2.0.0\",\"seen\":2}"),
                             verb("sample status"));
        // Out of its process and into this one.
        configure("sample", "");
        CPPUNIT_ASSERT(host().reload("sample"));
        CPPUNIT_ASSERT(mapped("sample"));
        CPPUNIT_ASSERT_EQUAL(std::string("{\"version\":\"2.0.0\",\"seen\":2}"),
                             verb("sample status"));
    }

    void anEventThatKillsItCostsNoOther()
    {
        load();
        tell("a/1");
        CPPUNIT_ASSERT(eventually([&] { return verb("sample status") == seen(1); }));
        tell("a/crash");
        for (int i = 0; i < 100; ++i) tell("a/later");
        // The next process begins at zero, and is told all but the event that killed the first.
        const bool told = eventually([&] { return verb("sample status") == seen(100); });
        CPPUNIT_ASSERT_MESSAGE(verb("sample status"), told);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(host().info("sample")->lastError, std::uint64_t{1}, restarts());
        CPPUNIT_ASSERT_EQUAL(std::string("1.0.0"), versionByHook());
        CPPUNIT_ASSERT(host().info("sample")->state == State::Active);
        CPPUNIT_ASSERT(host().info("sample")->lastError.find("its process ended with") !=
                       std::string::npos); // by a signal, or as a sanitizer ends it
    }

    void aQuestionThatKillsItIsAnsweredAtOnce()
    {
        load("sample.sandbox.deadline = 60s\n");
        auto later = askLater("crash");
        CPPUNIT_ASSERT(later.get().verdict == sdk::Verdict::Deny); // fails closed
        CPPUNIT_ASSERT(eventually([&] { return versionByHook() == "1.0.0"; }));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, restarts());
    }

    void aQuestionIsAnsweredByItsDeadline()
    {
        load("sample.sandbox.deadline = 50ms\nsample.hang = hook\nsample.gate = " + gate() + '\n');
        CPPUNIT_ASSERT(ask("any").verdict == sdk::Verdict::Deny);
        openGate();
        CPPUNIT_ASSERT(eventually([&] { return versionByHook() == "1.0.0"; }));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, restarts());
    }

    void failsAsOthersFail()
    {
        install("sample_one");
        for (const auto& [what, sentence] :
             {std::pair<std::string, std::string>{"init", "init: told to fail"},
              {"health", "health: told to be unwell"},
              {"start", "start: told to fail at the start"}})
        {
            configure("sample", "sample.sandbox = true\nsample.fail = " + what + '\n');
            const auto result = host().load("sample");
            CPPUNIT_ASSERT(!result);
            CPPUNIT_ASSERT_EQUAL(sentence, result.error().message);
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _filters.size());
    }

    void mayNotDoWhatNoPluginNeeds()
    {
        load();
        CPPUNIT_ASSERT_EQUAL(std::string("network"), ask("forbidden").reasonText);
        configure("sample", "sample.sandbox = true\nsample.sandbox.network = false\n");
        CPPUNIT_ASSERT(host().reload("sample"));
        CPPUNIT_ASSERT_EQUAL(std::string("alone"), ask("forbidden").reasonText);
    }

    void eventsThatItDoesNotTakeAreCounted()
    {
        load("sample.hang = observer\nsample.gate = " + gate() + '\n');
        // Two fill the ring's memory: the third finds no room.
        const std::string topic = "a/" + std::string((3u << 20) + (7u << 17), 'x');
        for (std::uint64_t told = 1; told <= 3; ++told)
        {
            tell(topic);
            CPPUNIT_ASSERT(
                eventually([&] { return host().info("sample")->hooks.delivered == told; }));
        }
        CPPUNIT_ASSERT_EQUAL(
            std::uint64_t{1},
            _services.registry.counter("nanomq_sandbox_events_lost_total", "", "").value());
        CPPUNIT_ASSERT_EQUAL(std::string("1.0.0"), versionByHook()); // asked on another thread
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SandboxTest);
