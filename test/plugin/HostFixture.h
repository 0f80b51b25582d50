#pragma once

#include "TestFiles.h"

#include "hook/HookBus.h"
#include "plugin/PluginHost.h"

#include <Poco/Logger.h>

#include <atomic>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>
#include <future>
#include <mutex>
#include <optional>
#include <set>
#include <sys/stat.h>
#include <thread>

/// A plugin host with everything around it but a broker: one worker that turns and turns.
class HostFixture : public CppUnit::TestFixture
{
public:
    void setUp() override
    {
        for (const char* folder : {"plugins", "conf.d", "state"})
            std::filesystem::create_directory(_folder.path / folder);
        CPPUNIT_ASSERT_EQUAL(0, ::mkfifo(gate().c_str(), 0600));
        const nanomq::HookBus::Worker workers[] = {{&_mailbox, &_wheel}};
        _bus.attach(workers, _filters);
        _worker = std::thread([this] { work(); });
        makeHost();
    }
    void tearDown() override
    {
        openGate();
        _host.reset();
        _stop = true;
        _worker.join();
        _bus.detach();
    }

protected:
    using State = nanomq::PluginState;

    void makeHost()
    {
        _host.reset(); // two hosts of one process would share their folder of copies
        _host =
            std::make_unique<nanomq::PluginHost>(_options(), _bus, _services, nanomq::Overrides());
    }
    nanomq::PluginHost& host() { return *_host; }

    void install(const std::string& built, const std::string& name = "sample")
    {
        writeBytes(libraryOf(name), readBytes(testPlugin(built)));
    }
    std::filesystem::path libraryOf(const std::string& name) const
    {
        return _folder.path / "plugins" / (name + ".so");
    }
    void configure(const std::string& name, const std::string& text)
    {
        std::ofstream(_folder.path / "conf.d" / (name + ".conf")) << text;
    }
    /// A FIFO: whoever opens it to read waits until openGate().
    std::string gate() const { return (_folder.path / "gate").string(); }
    void openGate() { _gate.open(gate(), std::ios::in | std::ios::out); } // never waits itself

    /// Loads, and fails the test with the host's words when it does not.
    nanomq::PluginInfo mustLoad(const std::string& name = "sample")
    {
        auto result = host().load(name);
        CPPUNIT_ASSERT_MESSAGE(result ? "" : result.error().message, bool(result));
        return *result;
    }
    State stateOf(const std::string& name = "sample") { return host().info(name).value().state; }

    /// What `message.publish` hooks say to a topic, asked on the worker; an answer that comes
    /// later is waited for.
    nanomq::HookOutcome ask(const std::string& topic, const std::string& payload = {})
    {
        return askLater(topic, payload).get();
    }
    std::future<nanomq::HookOutcome> askLater(const std::string& topic,
                                              const std::string& payload = {})
    {
        auto question = std::make_shared<Question>(*this, topic);
        question->payload = payload;
        auto answer = question->answer.get_future();
        _mailbox.post([question] { question->ask(nullptr); });
        return answer;
    }
    /// What `client.authenticate` hooks say to a password.
    nanomq::HookOutcome authenticate(const std::string& password)
    {
        auto question = std::make_shared<Question>(*this, "");
        question->password = password;
        auto answer = question->answer.get_future();
        _mailbox.post([question] { question->ask(nullptr); });
        return answer.get();
    }
    /// What `client.connect` hooks say.
    nanomq::HookOutcome connect()
    {
        std::promise<nanomq::HookOutcome> answer;
        _mailbox.post([&] {
            nanomq::sdk::ClientConnect event{};
            nanomq::HookOutcome outcome;
            _bus.ask(_bus.table(), 0, event, {}, outcome);
            answer.set_value(std::move(outcome));
        });
        return answer.get_future().get();
    }
    std::string versionByHook() { return ask("version").reasonText; }
    /// Tells `message.published` of a topic.
    void tell(const std::string& topic)
    {
        std::promise<void> done;
        _mailbox.post([&] {
            nanomq::sdk::MessagePublished event{};
            event.topic = topic;
            _bus.tellPublished(_bus.table(), 0, event, {}, _filters.find(topic));
            done.set_value();
        });
        done.get_future().wait();
    }
    std::string verb(const std::string& path)
    {
        const auto result = _services.controlVerbs.run(path, "{}");
        return result ? result->json : "none";
    }
    /// Is code of this test's host in memory?
    bool mapped(const std::string& name) const
    {
        std::ifstream maps("/proc/self/maps");
        for (std::string line; std::getline(maps, line);)
            if (line.find(_folder.path.string() + "/state/") != std::string::npos &&
                line.find('/' + name + '.') != std::string::npos)
                return true;
        return false;
    }
    template <class Condition> static bool eventually(Condition condition)
    {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!condition())
        {
            if (std::chrono::steady_clock::now() > end) return false;
            std::this_thread::yield();
        }
        return true;
    }

    struct Services final : nanomq::PluginServices
    {
        nanomq::sdk::Broker* broker(const std::string&) override { return nullptr; }
        nanomq::Metrics& metrics() override { return registry; }
        nanomq::ControlVerbs& verbs() override { return controlVerbs; }
        nanomq::HttpRouteTable& routes() override { return routeTable; }
        void* find(std::string_view) override { return nullptr; }
        Poco::Logger& logger(const std::string& plugin) override
        {
            return Poco::Logger::get("plugin." + plugin);
        }
        nanomq::Metrics registry;
        nanomq::ControlVerbs controlVerbs;
        nanomq::HttpRouteTable routeTable;
    };

    TestFolder _folder;
    Services _services;
    nanomq::PluginHost::Options _overridden;

private:
    /// Compares filters one by one, and only as far as the tests need it: "#", "a/#", "a".
    class Filters final : public nanomq::TopicFilters
    {
    public:
        bool insert(std::string_view filter, std::uint32_t observer) override
        {
            std::lock_guard lock(_mutex);
            return _filters.emplace(filter, observer).second;
        }
        void remove(std::string_view filter, std::uint32_t observer) override
        {
            std::lock_guard lock(_mutex);
            _filters.erase({std::string(filter), observer});
        }
        bool matches(std::string_view filter, std::string_view topic) const override
        {
            if (filter == "#") return true;
            if (!filter.ends_with("/#")) return filter == topic;
            filter.remove_suffix(1);
            return topic.starts_with(filter);
        }
        std::vector<std::uint32_t> find(std::string_view topic) const
        {
            std::lock_guard lock(_mutex);
            std::vector<std::uint32_t> found;
            for (const auto& [filter, observer] : _filters)
                if (matches(filter, topic)) found.push_back(observer);
            return found;
        }
        std::size_t size() const
        {
            std::lock_guard lock(_mutex);
            return _filters.size();
        }

    private:
        mutable std::mutex _mutex;
        std::set<std::pair<std::string, std::uint32_t>> _filters;
    };

    /// A publish or an authentication that waits, if need be, like a broker's.
    struct Question final : nanomq::Parked, std::enable_shared_from_this<Question>
    {
        Question(HostFixture& f, std::string t) : fixture(f), topic(std::move(t)) {}

        void ask(const nanomq::HookPosition* after)
        {
            if (password)
            {
                nanomq::sdk::ClientAuthenticate event{};
                event.password = {password->data(), password->size()};
                event.hasPassword = 1;
                fixture._bus.ask(fixture._bus.table(), 0, event, {}, outcome, after);
            }
            else
            {
                nanomq::sdk::MessagePublish event{};
                event.topic = topic;
                event.payload = {payload.data(), payload.size()};
                fixture._bus.ask(fixture._bus.table(), 0, event, {}, outcome, after);
            }
            if (outcome.verdict != nanomq::sdk::Verdict::Pending) return answer.set_value(outcome);
            self = shared_from_this();
            fixture._bus.park(outcome.deferral, *this);
        }
        void resume(const nanomq::HookAnswer& later) override
        {
            const auto keep = std::move(self);
            if (later.verdict == nanomq::sdk::Verdict::Next) return ask(&later.position);
            outcome.verdict = later.verdict;
            outcome.reason = later.reason;
            outcome.reasonText = later.reasonText;
            answer.set_value(outcome);
        }

        HostFixture& fixture;
        const std::string topic;
        std::string payload;
        std::optional<std::string> password; // set: a question of client.authenticate
        nanomq::HookOutcome outcome;
        std::promise<nanomq::HookOutcome> answer;
        std::shared_ptr<Question> self; // while it is parked
    };

    nanomq::PluginHost::Options _options() const
    {
        auto options = _overridden;
        options.pluginDir = (_folder.path / "plugins").string();
        options.confDir = (_folder.path / "conf.d").string();
        options.stateDir = (_folder.path / "state").string();
        options.probeProgram = TEST_PROBE;
        options.probeDeadline = std::chrono::seconds(30); // the machine may be busy
        return options;
    }
    void work()
    {
        const auto reader = _quiescence.join();
        while (!_stop)
        {
            _quiescence.online(reader);
            _mailbox.drain();
            _wheel.advance(nanomq::monotonicNow());
            _bus.endOfTurn(0);
            _quiescence.offline(reader);
            _quiescence.reclaim();
            std::this_thread::yield();
        }
        _quiescence.leave(reader);
    }

protected:
    Filters _filters;

private:
    nanomq::Quiescence _quiescence;
    nanomq::Mailbox _mailbox;
    nanomq::TimerWheel _wheel{nanomq::monotonicNow()};
    nanomq::HookBus _bus{_quiescence};
    std::fstream _gate;
    std::atomic<bool> _stop{false};
    std::thread _worker;
    std::unique_ptr<nanomq::PluginHost> _host;
};
