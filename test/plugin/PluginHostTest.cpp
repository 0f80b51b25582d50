#include "HostFixture.h"

#include "plugin/PluginCopies.h"
#include "plugin/PluginProbe.h"

using namespace nanomq;

/// Loading, unloading and exchanging real libraries.
class PluginHostTest : public HostFixture
{
    CPPUNIT_TEST_SUITE(PluginHostTest);
    CPPUNIT_TEST(loadsAPluginWithAllThatBelongsToIt);
    CPPUNIT_TEST(unloadLeavesNothingMapped);
    CPPUNIT_TEST(unloadAnswersWhatThePluginHasPromised);
    CPPUNIT_TEST(reloadExchangesVersionsAndHandsStateOver);
    CPPUNIT_TEST(reloadOfAPluginThatMustBeAloneParksWhoAsks);
    CPPUNIT_TEST(failedReloadOfAPluginThatMustBeAloneSaysHowFarItCame);
    CPPUNIT_TEST(failedReloadKeepsTheOldVersionGoing);
    CPPUNIT_TEST(refusesBrokenLibrariesWithASentence);
    CPPUNIT_TEST(probeCatchesWhatTheGateCannotSee);
    CPPUNIT_TEST(probeEndsWhatHangs);
    CPPUNIT_TEST(failingInitLeavesNothingBehind);
    CPPUNIT_TEST(failingHealthCheckLeavesNothingBehind);
    CPPUNIT_TEST(failingStartUnloadsAgain);
    CPPUNIT_TEST(libraryMayBeOverwrittenWhileItRuns);
    CPPUNIT_TEST(hookThatDoesNotReturnMakesThePluginStuckAndItsCodeStay);
    CPPUNIT_TEST(observerThatDoesNotReturnMakesThePluginStuck);
    CPPUNIT_TEST(quiesceThatDoesNotReturnMakesThePluginStuckAndOthersGoOn);
    CPPUNIT_TEST(threadThatDoesNotEndMakesThePluginStuck);
    CPPUNIT_TEST(residentPluginStaysMappedAndMayBeLoadedAgain);
    CPPUNIT_TEST(loadsWhatTheConfigurationSwitchesOn);
    CPPUNIT_TEST(badConfigurationFailsThatPluginOnly);
    CPPUNIT_TEST(listsLibrariesThatAreNotLoaded);
    CPPUNIT_TEST(unloadAllWorksWithoutWorkers);
    CPPUNIT_TEST(copiesOfDeadBrokersAreRemoved);
    CPPUNIT_TEST(copiesAreKeptInMemoryWhereNoneCanBeWritten);
    CPPUNIT_TEST(manyReloadsUnderTrafficLoseNothing);
    CPPUNIT_TEST_SUITE_END();

    /// Makes the host anew with short deadlines, for what will miss them.
    void expectTrouble()
    {
        _overridden.graceDeadline = _overridden.deferralDeadline = std::chrono::milliseconds(200);
        _overridden.callDeadlines.quiesce = std::chrono::milliseconds(200);
        makeHost();
    }
    void tellAndWait(const std::string& topic, const std::string& status)
    {
        tell(topic);
        CPPUNIT_ASSERT(eventually([&] { return verb("sample status") == status; }));
    }
    std::string refusal(const Result<PluginInfo, PluginError>& result)
    {
        CPPUNIT_ASSERT(!result);
        return result.error().message;
    }

public:
    void loadsAPluginWithAllThatBelongsToIt()
    {
        install("sample_one");
        const PluginInfo info = mustLoad();
        CPPUNIT_ASSERT(info.state == State::Active);
        CPPUNIT_ASSERT_EQUAL(std::string("1.0.0"), info.version);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, info.generation);
        CPPUNIT_ASSERT_EQUAL(std::string("1.0.0"), versionByHook());
        CPPUNIT_ASSERT_EQUAL(0x99, int{ask("later").reason});
        CPPUNIT_ASSERT(ask("throw").verdict == sdk::Verdict::Deny); // fails closed
        CPPUNIT_ASSERT_EQUAL(std::string("message.publish: told to throw"),
                             host().info("sample")->lastError);
        tellAndWait("a/b", "{\"version\":\"1.0.0\",\"seen\":1}");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1},
                             _services.registry.counter("sample_events_total", "", "").value());
        CPPUNIT_ASSERT_EQUAL(std::string("already_loaded"), host().load("sample").error().code);
        CPPUNIT_ASSERT_EQUAL(std::string("not_found"), host().load("nobody").error().code);
        CPPUNIT_ASSERT_EQUAL(std::string("not_found"), host().load("../sample").error().code);
    }

    void unloadLeavesNothingMapped()
    {
        install("sample_one");
        mustLoad();
        CPPUNIT_ASSERT(mapped("sample"));
        const auto result = host().unload("sample");
        CPPUNIT_ASSERT(result);
        CPPUNIT_ASSERT(result->state == State::Gone);
        CPPUNIT_ASSERT(!mapped("sample"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _filters.size());
        CPPUNIT_ASSERT_EQUAL(std::string("none"), verb("sample status"));
        CPPUNIT_ASSERT_EQUAL(std::string(), versionByHook());
        CPPUNIT_ASSERT_EQUAL(std::string("not_loaded"), host().unload("sample").error().code);
        // The series stays, so that no graph jumps; loading again works.
        mustLoad();
        CPPUNIT_ASSERT_EQUAL(std::string("1.0.0"), versionByHook());
    }

    void unloadAnswersWhatThePluginHasPromised()
    {
        install("sample_one");
        mustLoad();
        std::vector<std::future<HookOutcome>> answers;
        for (int i = 0; i < 20; ++i) answers.push_back(askLater("later"));
        // Whoever asked before the unload is answered by the plugin, who asks after it by nobody.
        CPPUNIT_ASSERT(answers.front().get().verdict == sdk::Verdict::Deny);
        CPPUNIT_ASSERT(host().unload("sample"));
        for (std::size_t i = 1; i < answers.size(); ++i)
            CPPUNIT_ASSERT(answers[i].get().verdict != sdk::Verdict::Pending);
        CPPUNIT_ASSERT(!mapped("sample"));
    }

    void reloadExchangesVersionsAndHandsStateOver()
    {
        install("sample_one");
        mustLoad();
        tellAndWait("a/1", "{\"version\":\"1.0.0\",\"seen\":1}");
        tell("a/2");
        install("sample_two");
        const auto result = host().reload("sample");
        CPPUNIT_ASSERT_MESSAGE(result ? "" : result.error().message, bool(result));
        CPPUNIT_ASSERT_EQUAL(std::string("2.0.0"), result->version);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, result->generation);
        CPPUNIT_ASSERT_EQUAL(std::string(), result->reason);
        CPPUNIT_ASSERT_EQUAL(std::string("2.0.0"), versionByHook());
        CPPUNIT_ASSERT_EQUAL(std::string("{\"version\":\"2.0.0\",\"seen\":2}"),
                             verb("sample status"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, _filters.size());
    }

    void reloadOfAPluginThatMustBeAloneParksWhoAsks()
    {
        install("alone_one", "alone");
        mustLoad("alone");
        tell("a/1");
        install("alone_two", "alone");
        // Somebody asks all the time, and is always answered by one of the two.
        std::atomic<bool> stop{false};
        std::atomic<int> asked{0}, wrong{0};
        std::thread client([&] {
            while (!stop)
            {
                const std::string version = versionByHook();
                wrong += version != "1.0.0" && version != "2.0.0";
                ++asked;
            }
        });
        const auto result = host().reload("alone");
        const int during = asked;
        const bool more = eventually([&] { return asked > during + 10; });
        stop = true;
        client.join();
        CPPUNIT_ASSERT_MESSAGE(result ? "" : result.error().message, bool(result));
        CPPUNIT_ASSERT(more);
        CPPUNIT_ASSERT_EQUAL(0, wrong.load());
        CPPUNIT_ASSERT_EQUAL(std::string("2.0.0"), versionByHook());
        CPPUNIT_ASSERT_EQUAL(std::string("{\"version\":\"2.0.0\",\"seen\":1}"),
                             verb("alone status"));
    }

    void failedReloadOfAPluginThatMustBeAloneSaysHowFarItCame()
    {
        install("alone_one", "alone");
        mustLoad("alone");
        tell("a/1");
        install("alone_two", "alone");
        configure("alone", "alone.fail = init\n");
        // The configuration is the new version's fault, and the old one meets it as well.
        const std::string why = refusal(host().reload("alone"));
        CPPUNIT_ASSERT_MESSAGE(why, why.find("told to fail") != std::string::npos);
        CPPUNIT_ASSERT_MESSAGE(why, why.find("does not come up again") != std::string::npos);
        CPPUNIT_ASSERT(stateOf("alone") == State::Failed);
        CPPUNIT_ASSERT(!mapped("alone"));

        install("alone_one", "alone");
        configure("alone", "");
        mustLoad("alone");
        tell("a/1");
        install("alone_two", "alone");
        configure("alone", "alone.fail = start\n");
        // start() is too late to go back: the new version is unloaded again.
        CPPUNIT_ASSERT(!host().reload("alone"));
        CPPUNIT_ASSERT(stateOf("alone") == State::Failed);
        CPPUNIT_ASSERT_EQUAL(std::string(), versionByHook());
    }

    void failedReloadKeepsTheOldVersionGoing()
    {
        install("sample_one");
        mustLoad();
        tellAndWait("a/1", "{\"version\":\"1.0.0\",\"seen\":1}");
        const std::pair<const char*, const char*> cases[] = {
            {"foreign", "no NanoMQ note"},
            {"sample_throws", "out of luck"},
            {"sample_crashes", "in a process of its own ended with"},
            {"sample_unresolved", "undefined symbol"},
            {"exporting", "besides its manifest"},
        };
        for (const auto& [built, words] : cases)
        {
            install(built);
            const std::string why = refusal(host().reload("sample"));
            CPPUNIT_ASSERT_MESSAGE(why, why.find("version 1.0.0 goes on") != std::string::npos);
            CPPUNIT_ASSERT_MESSAGE(why, why.find(words) != std::string::npos);
            CPPUNIT_ASSERT(stateOf() == State::Active);
        }
        install("sample_two");
        configure("sample", "sample.fail = init\n");
        CPPUNIT_ASSERT(refusal(host().reload("sample")).find("told to fail") != std::string::npos);
        configure("sample", "sample.fail = health\n");
        const std::string unwell = refusal(host().reload("sample"));
        CPPUNIT_ASSERT_MESSAGE(unwell, unwell.find("told to be unwell") != std::string::npos);
        CPPUNIT_ASSERT_MESSAGE(unwell, unwell.find("1.0.0 goes on") != std::string::npos);
        std::filesystem::remove(libraryOf("sample"));
        CPPUNIT_ASSERT(!host().reload("sample"));
        CPPUNIT_ASSERT_EQUAL(std::string("1.0.0"), versionByHook());
        tellAndWait("a/2", "{\"version\":\"1.0.0\",\"seen\":2}");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, host().info("sample")->generation);
    }

    void refusesBrokenLibrariesWithASentence()
    {
        install("sample_one");
        auto bytes = readBytes(libraryOf("sample"));
        for (const std::size_t size : {std::size_t{0}, std::size_t{100}, std::size_t{1000},
                                       std::size_t{5000}, std::size_t{20000}})
        {
            writeBytes(libraryOf("sample"),
                       {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)});
            const std::string why = refusal(host().load("sample"));
            CPPUNIT_ASSERT_MESSAGE(why, why.find(libraryOf("sample").string()) == 0);
            CPPUNIT_ASSERT(stateOf() == State::Failed);
            CPPUNIT_ASSERT_EQUAL(why, host().info("sample")->reason);
        }
        // What was wrong before does not matter once it is right.
        install("sample_one");
        mustLoad();
    }

    void probeCatchesWhatTheGateCannotSee()
    {
        install("sample_crashes");
        std::string why = refusal(host().load("sample"));
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
        // A sanitizer turns the signal into a report and an exit status.
        CPPUNIT_ASSERT_MESSAGE(why,
                               why.find("in a process of its own ended with") != std::string::npos);
#else
        CPPUNIT_ASSERT_MESSAGE(why, why.find("signal 11") != std::string::npos);
#endif
        install("sample_throws");
        why = refusal(host().load("sample"));
        CPPUNIT_ASSERT_MESSAGE(why, why.find("its constructor: out of luck") != std::string::npos);
        install("sample_unresolved");
        why = refusal(host().load("sample"));
        CPPUNIT_ASSERT_MESSAGE(why, why.find("undefined symbol") != std::string::npos);
        CPPUNIT_ASSERT(!mapped("sample"));
    }

    void probeEndsWhatHangs()
    {
        PluginCopies copies((_folder.path / "probe").string());
        const std::vector<std::uint8_t> bytes{1};
        const PluginCopy copy = copies.make("x", bytes);
        PluginProbe hanging(TEST_HANGING_PROBE, std::chrono::milliseconds(50));
        CPPUNIT_ASSERT_EQUAL(
            std::string("trying it in a process of its own took longer than 50 ms"),
            hanging.run(copy, bytes).value());
        PluginProbe missing("/nonexistent/nanomq", std::chrono::seconds(1));
        CPPUNIT_ASSERT(missing.run(copy, bytes)->find("No such file") != std::string::npos);
    }

    void failingInitLeavesNothingBehind()
    {
        install("sample_one");
        configure("sample", "sample.fail = init\n");
        CPPUNIT_ASSERT_EQUAL(std::string("init: told to fail"), refusal(host().load("sample")));
        CPPUNIT_ASSERT(!mapped("sample"));
        CPPUNIT_ASSERT_EQUAL(std::string("none"), verb("sample status"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _filters.size());
        configure("sample", "");
        mustLoad();
    }

    void failingHealthCheckLeavesNothingBehind()
    {
        install("sample_one");
        configure("sample", "sample.fail = health\n");
        const std::string why = refusal(host().load("sample"));
        CPPUNIT_ASSERT_MESSAGE(why, why.find("its health check says Host is down") == 0);
        CPPUNIT_ASSERT(!mapped("sample"));
        CPPUNIT_ASSERT_EQUAL(std::string("none"), verb("sample status"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _filters.size());
        configure("sample", "");
        mustLoad();
    }

    void failingStartUnloadsAgain()
    {
        install("sample_one");
        configure("sample", "sample.fail = start\n");
        CPPUNIT_ASSERT_EQUAL(std::string("start: told to fail at the start"),
                             refusal(host().load("sample")));
        CPPUNIT_ASSERT(stateOf() == State::Failed);
        CPPUNIT_ASSERT(!mapped("sample"));
        CPPUNIT_ASSERT_EQUAL(std::string(), versionByHook());
    }

    void libraryMayBeOverwrittenWhileItRuns()
    {
        install("sample_one");
        mustLoad();
        {
            // In place, as `cp` does it, and shorter.
            std::ofstream file(libraryOf("sample"), std::ios::binary | std::ios::trunc);
            file << "rubbish";
        }
        CPPUNIT_ASSERT_EQUAL(std::string("1.0.0"), versionByHook());
        CPPUNIT_ASSERT(!host().reload("sample"));
        CPPUNIT_ASSERT_EQUAL(std::string("1.0.0"), versionByHook());
        CPPUNIT_ASSERT(host().unload("sample"));
    }

    void hookThatDoesNotReturnMakesThePluginStuckAndItsCodeStay()
    {
        expectTrouble();
        install("sample_one");
        configure("sample", "sample.hang = hook\nsample.gate = " + gate() + "\n");
        mustLoad();
        auto answer = askLater("a"); // the worker is inside the hook from now on
        CPPUNIT_ASSERT(
            eventually([&] { return host().info("sample")->hooks.hooks[0].calls == 1; }));
        const auto result = host().unload("sample");
        CPPUNIT_ASSERT_EQUAL(std::string("stuck"), result.error().code);
        CPPUNIT_ASSERT_MESSAGE(result.error().message,
                               result.error().message.find(
                                   "worker 0 has been inside message.publish of sample for") == 0);
        CPPUNIT_ASSERT(stateOf() == State::Stuck);
        CPPUNIT_ASSERT(host().info("sample")->stateSince > 0);
        CPPUNIT_ASSERT(mapped("sample"));
        CPPUNIT_ASSERT_EQUAL(std::string("stuck"), host().load("sample").error().code);
        openGate();
        answer.get();
        CPPUNIT_ASSERT(mapped("sample"));
    }

    void observerThatDoesNotReturnMakesThePluginStuck()
    {
        expectTrouble();
        install("sample_one");
        configure("sample", "sample.hang = observer\nsample.gate = " + gate() + "\n");
        mustLoad();
        tell("a/1");
        const auto result = host().unload("sample");
        CPPUNIT_ASSERT_EQUAL(std::string("stuck"), result.error().code);
        CPPUNIT_ASSERT_MESSAGE(
            result.error().message,
            result.error().message.find("its observer of message.published has not returned") == 0);
        CPPUNIT_ASSERT(mapped("sample"));
    }

    void quiesceThatDoesNotReturnMakesThePluginStuckAndOthersGoOn()
    {
        expectTrouble();
        install("sample_one");
        install("alone_one", "alone");
        configure("sample", "sample.hang = quiesce\nsample.gate = " + gate() + "\n");
        mustLoad();
        const auto result = host().unload("sample");
        CPPUNIT_ASSERT_EQUAL(std::string("stuck"), result.error().code);
        CPPUNIT_ASSERT_MESSAGE(result.error().message,
                               result.error().message.find("quiesce()") != std::string::npos);
        CPPUNIT_ASSERT(mapped("sample"));
        mustLoad("alone");
        CPPUNIT_ASSERT(host().unload("alone"));
        CPPUNIT_ASSERT(!mapped("alone"));
    }

    void threadThatDoesNotEndMakesThePluginStuck()
    {
        expectTrouble();
        install("sample_one");
        configure("sample", "sample.hang = thread\nsample.gate = " + gate() + "\n");
        mustLoad();
        CPPUNIT_ASSERT_EQUAL(std::string("stuck"), host().unload("sample").error().code);
        CPPUNIT_ASSERT(mapped("sample"));
    }

    void residentPluginStaysMappedAndMayBeLoadedAgain()
    {
        install("resident");
        mustLoad();
        const auto result = host().unload("sample");
        CPPUNIT_ASSERT(result);
        CPPUNIT_ASSERT(result->state == State::Resident);
        CPPUNIT_ASSERT_EQUAL(std::string("it asks to stay mapped"), result->reason);
        CPPUNIT_ASSERT(mapped("sample"));
        mustLoad();
        CPPUNIT_ASSERT_EQUAL(std::string("6.0.0"), versionByHook());
    }

    void loadsWhatTheConfigurationSwitchesOn()
    {
        install("sample_one");
        install("alone_one", "alone");
        configure("sample", "sample.enable = false\n");
        configure("alone", ""); // there, and so on
        configure("webhook", "web.hook.enable = true\nweb.hook.url = http://x\n"); // no library
        configure("bridge", ""); // NanoMQ's switch: absent means off
        configure("rule_engine", "rule_option = ON\n");
        host().loadConfigured();
        CPPUNIT_ASSERT(stateOf("alone") == State::Active);
        CPPUNIT_ASSERT(stateOf("sample") == State::Absent);
        CPPUNIT_ASSERT(!host().info("bridge"));
        CPPUNIT_ASSERT(stateOf("rule_engine") == State::Failed);
        const PluginInfo webhook = host().info("webhook").value();
        CPPUNIT_ASSERT(webhook.state == State::Failed);
        CPPUNIT_ASSERT_MESSAGE(webhook.reason,
                               webhook.reason.find("webhook.conf:1: web.hook.enable switches the "
                                                   "plugin webhook on, but there is no library") !=
                                   std::string::npos);
    }

    void badConfigurationFailsThatPluginOnly()
    {
        install("sample_one");
        install("alone_one", "alone");
        configure("sample", "sample.x = 1\nno equals sign\n");
        configure("alone", "");
        host().loadConfigured();
        CPPUNIT_ASSERT(stateOf("alone") == State::Active);
        CPPUNIT_ASSERT(stateOf("sample") == State::Failed);
        const std::string reason = host().info("sample")->reason;
        CPPUNIT_ASSERT_MESSAGE(reason, reason.find("sample.conf:2") != std::string::npos);
        CPPUNIT_ASSERT(!mapped("sample"));
    }

    void listsLibrariesThatAreNotLoaded()
    {
        install("sample_one");
        install("alone_one", "alone");
        install("alone_one", "Not-A-Name");
        mustLoad();
        const auto all = host().list();
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, all.size());
        CPPUNIT_ASSERT_EQUAL(std::string("alone"), all[0].name);
        CPPUNIT_ASSERT(all[0].state == State::Absent);
        CPPUNIT_ASSERT(all[1].state == State::Active);
    }

    void unloadAllWorksWithoutWorkers()
    {
        install("sample_one");
        install("alone_one", "alone");
        mustLoad();
        mustLoad("alone");
        host().unloadAll();
        CPPUNIT_ASSERT(stateOf("sample") == State::Gone);
        CPPUNIT_ASSERT(stateOf("alone") == State::Gone);
        CPPUNIT_ASSERT_EQUAL(std::string("busy"), host().load("sample").error().code);
    }

    void copiesOfDeadBrokersAreRemoved()
    {
        const auto live = _folder.path / "copies" / "plugins-live";
        // Process numbers end at 4,194,304.
        std::filesystem::create_directories(live / "99999999");
        std::filesystem::create_directories(live / "1");
        std::filesystem::create_directories(live / std::to_string(::getpid()));
        std::ofstream(live / std::to_string(::getpid()) / "x.1.so") << "old";
        std::ofstream(live / "99999999" / "x.1.so") << "old";
        std::string path;
        {
            PluginCopies copies((_folder.path / "copies").string());
            CPPUNIT_ASSERT(!std::filesystem::exists(live / "99999999"));
            CPPUNIT_ASSERT(std::filesystem::exists(live / "1"));
            const std::vector<std::uint8_t> bytes{1, 2, 3};
            PluginCopy copy = copies.make("x", bytes);
            path = copy.path();
            CPPUNIT_ASSERT(readBytes(path) == bytes);
            const PluginCopy next = copies.make("x", bytes);
            CPPUNIT_ASSERT(next.path() != path);
        }
        CPPUNIT_ASSERT(!std::filesystem::exists(path));
        CPPUNIT_ASSERT(!std::filesystem::exists(live / std::to_string(::getpid())));
    }

    void copiesAreKeptInMemoryWhereNoneCanBeWritten()
    {
        std::filesystem::remove_all(_folder.path / "state");
        std::ofstream(_folder.path / "state") << "a file in the way";
        makeHost();
        CPPUNIT_ASSERT(!host().copyTrouble().empty());
        install("sample_one");
        mustLoad();
        CPPUNIT_ASSERT_EQUAL(std::string("1.0.0"), versionByHook());
        install("sample_two");
        CPPUNIT_ASSERT(host().reload("sample"));
        CPPUNIT_ASSERT_EQUAL(std::string("2.0.0"), versionByHook());
        install("sample_throws");
        CPPUNIT_ASSERT(refusal(host().reload("sample")).find("out of luck") != std::string::npos);
        CPPUNIT_ASSERT(host().unload("sample"));
    }

    void manyReloadsUnderTrafficLoseNothing()
    {
        install("sample_one");
        mustLoad();
        std::atomic<bool> stop{false};
        std::uint64_t told = 0;
        int wrong = 0;
        std::thread client([&] {
            while (!stop)
            {
                tell("a/b");
                ++told;
                const HookOutcome outcome = ask(told % 2 == 0 ? "version" : "later");
                wrong += outcome.verdict != sdk::Verdict::Deny;
            }
        });
        bool fine = true;
        for (int i = 0; i < 30 && fine; ++i)
        {
            install(i % 2 == 0 ? "sample_two" : "sample_one");
            fine = bool(host().reload("sample"));
        }
        stop = true;
        client.join();
        CPPUNIT_ASSERT(fine);
        CPPUNIT_ASSERT_EQUAL(0, wrong);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{31}, host().info("sample")->generation);
        const std::string all = "{\"version\":\"1.0.0\",\"seen\":" + std::to_string(told) + "}";
        CPPUNIT_ASSERT(eventually([&] { return verb("sample status") == all; }));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PluginHostTest);
