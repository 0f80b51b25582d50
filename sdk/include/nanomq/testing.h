#pragma once

#include "nanomq/services.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

/// The test kit: a broker that is none, so that a plugin is tested without one. Header only.
///
///     FakeHost host("web.hook.url=http://127.0.0.1:1\n");
///     Webhook plugin;
///     CPPUNIT_ASSERT_EQUAL(0, host.load(plugin));
///     const FakeClient client("c1", "alice");
///     host.fire(event<ClientConnected>(client));
///     CPPUNIT_ASSERT(eventually([&] { return server.requests() == 1; }));
///     host.unload(plugin);
///
/// Differences from the broker: hooks run on the thread that calls fire(), also offloaded ones;
/// one thread is the executor; nothing has budgets or a breaker.
namespace nanomq::sdk::testing
{

using namespace std::chrono_literals;

/// Waits until `condition()` holds, looking every millisecond. False when the time was over first.
template <class Condition>
bool eventually(Condition condition, std::chrono::milliseconds limit = 10s)
{
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!condition())
    {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

/// A ClientInfo with the texts it shows.
class FakeClient
{
public:
    explicit FakeClient(std::string clientId) : _clientId(std::move(clientId))
    {
        _info.size = sizeof _info;
        _info.protocolVersion = 4;
        _info.cleanStart = 1;
        _info.keepAliveSeconds = 60;
        _info.peerPort = 50'000;
        _info.connectedAtMs = 1'650'609'266'000;
        _info.clientId = _clientId;
        _info.peerAddress = "192.0.2.7";
        _info.listener = "nmq-tcp://127.0.0.1:1883";
    }
    FakeClient(std::string clientId, std::string userName) : FakeClient(std::move(clientId))
    {
        _userName = std::move(userName);
        _info.hasUserName = 1;
        _info.userName = _userName;
    }
    FakeClient(const FakeClient&) = delete;
    FakeClient& operator=(const FakeClient&) = delete;

    ClientInfo& info() noexcept { return _info; } ///< to be changed before use
    const ClientInfo* get() const noexcept { return &_info; }

private:
    std::string _clientId;
    std::string _userName;
    ClientInfo _info{};
};

/// An event with its header filled in; its own fields are zero.
template <class Event> Event event()
{
    Event result{};
    result.header.size = sizeof result;
    result.header.point = Event::kPoint;
    result.header.timeMs = 1'650'609'267'123;
    result.header.id = 1;
    return result;
}
template <class Event> Event event(const FakeClient& client)
{
    Event result = event<Event>();
    result.client = client.get();
    return result;
}

/// A plugin's configuration from text, one `key = value` a line, `#` for comments.
class FakeConfig final : public Config
{
public:
    /// @param file  the name that where() gives.
    explicit FakeConfig(std::string_view text, std::string file = "test.conf")
        : _file(std::move(file))
    {
        for (unsigned line = 1; !text.empty(); ++line)
        {
            const auto end = text.find('\n');
            add(text.substr(0, end), line);
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        }
    }

    bool text(Str key, Str* value) override
    {
        const Entry* found = find(key);
        if (found) *value = found->value;
        return found != nullptr;
    }
    Str where(Str key) override
    {
        const Entry* found = find(key);
        return found ? found->where : _file;
    }
    void keys(Str prefix, Visitor* visitor) override
    {
        for (const Entry& entry : _entries)
            if (entry.key.starts_with(prefix.view()))
                visitor->key(entry.key, entry.value, entry.where);
    }

private:
    struct Entry
    {
        std::string key, value, where;
    };

    static std::string trimmed(std::string_view text)
    {
        const auto first = text.find_first_not_of(" \t\r");
        if (first == std::string_view::npos) return {};
        return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
    }
    void add(std::string_view line, unsigned number)
    {
        const std::string text = trimmed(line);
        const auto equals = text.find('=');
        if (text.empty() || text[0] == '#' || equals == std::string::npos) return;
        _entries.push_back({trimmed(std::string_view(text).substr(0, equals)),
                            trimmed(std::string_view(text).substr(equals + 1)),
                            _file + ":" + std::to_string(number)});
    }
    const Entry* find(Str key) const
    {
        for (const Entry& entry : _entries)
            if (entry.key == key.view()) return &entry;
        return nullptr;
    }

    const std::string _file;
    std::list<Entry> _entries; // addresses stay
};

/// Real threads, and one executor thread that runs posted functions and timers in real time.
class FakeTasks final : public Tasks
{
public:
    FakeTasks() : _executor([this] { execute(); }) {}
    ~FakeTasks() { stop(); }
    FakeTasks(const FakeTasks&) = delete;
    FakeTasks& operator=(const FakeTasks&) = delete;

    /// As the broker does after quiesce(): nothing posted runs any more, threads are asked to stop
    /// and joined. Nothing can be started afterwards.
    void stop()
    {
        {
            const std::lock_guard lock(_mutex);
            _stopped = true;
            _jobs.clear();
            _changed.notify_all();
        }
        if (_executor.joinable()) _executor.join();
        for (Thread& thread : _threads) thread.stop.request();
        for (Thread& thread : _threads) thread.thread.join();
        _threads.clear();
    }

    /// How many threads were started so far.
    std::size_t threadsStarted() const
    {
        const std::lock_guard lock(_mutex);
        return _started;
    }
    /// From now on thread() fails with this error (0: no longer), as a system without resources.
    void failThreadsWith(Status error)
    {
        const std::lock_guard lock(_mutex);
        _threadError = error;
    }

    Status thread(Str, void (*run)(void*, Stop*), void* self) override
    {
        const std::lock_guard lock(_mutex);
        if (_stopped) return -ECANCELED;
        if (_threadError != 0) return _threadError;
        ++_started;
        Thread& thread = _threads.emplace_back();
        thread.thread = std::thread([&thread, run, self] { run(self, &thread.stop); });
        return 0;
    }
    Status post(void (*run)(void*), void* self) override
    {
        std::uint64_t id = 0;
        return schedule(0ms, 0ms, run, self, id);
    }
    Status timer(std::uint32_t firstMs, std::uint32_t periodMs, void (*run)(void*), void* self,
                 std::uint64_t* id) override
    {
        std::uint64_t given = 0;
        const Status status = schedule(std::chrono::milliseconds(firstMs),
                                       std::chrono::milliseconds(periodMs), run, self, given);
        if (id) *id = given;
        return status;
    }
    void cancel(std::uint64_t id) override
    {
        std::unique_lock lock(_mutex);
        std::erase_if(_jobs, [id](const auto& job) { return job.second.id == id; });
        if (_running != id) return;
        _cancelled = true;
        if (std::this_thread::get_id() != _executor.get_id())
            _changed.wait(lock, [this, id] { return _running != id; });
    }

private:
    using Time = std::chrono::steady_clock::time_point;

    /// notify() is remembered until the next wait().
    class LatchedStop final : public Stop
    {
    public:
        bool requested() const override { return _requested.load(); }
        void wait(std::uint32_t milliseconds) override
        {
            std::unique_lock lock(_mutex);
            _wakeUp.wait_for(lock, std::chrono::milliseconds(milliseconds),
                             [this] { return _notified || _requested; });
            _notified = false;
        }
        void notify() override
        {
            const std::lock_guard lock(_mutex);
            _notified = true;
            _wakeUp.notify_all();
        }
        void request()
        {
            _requested = true;
            notify();
        }

    private:
        std::mutex _mutex;
        std::condition_variable _wakeUp;
        bool _notified = false;
        std::atomic<bool> _requested{false};
    };

    struct Thread
    {
        LatchedStop stop;
        std::thread thread;
    };
    struct Job
    {
        std::uint64_t id;
        std::chrono::milliseconds period;
        void (*run)(void*);
        void* self;
    };

    Status schedule(std::chrono::milliseconds first, std::chrono::milliseconds period,
                    void (*run)(void*), void* self, std::uint64_t& id)
    {
        const std::lock_guard lock(_mutex);
        if (_stopped) return -ECANCELED;
        id = ++_lastId;
        _jobs.emplace(std::chrono::steady_clock::now() + first, Job{id, period, run, self});
        _changed.notify_all();
        return 0;
    }
    void execute()
    {
        std::unique_lock lock(_mutex);
        while (!_stopped)
        {
            if (_jobs.empty()) _changed.wait(lock);
            else if (const Time due = _jobs.begin()->first; due > std::chrono::steady_clock::now())
                _changed.wait_until(lock, due);
            else runFirst(lock);
        }
    }
    void runFirst(std::unique_lock<std::mutex>& lock)
    {
        const auto [due, job] = *_jobs.begin();
        _jobs.erase(_jobs.begin());
        _running = job.id;
        _cancelled = false;
        lock.unlock();
        job.run(job.self);
        lock.lock();
        if (job.period > 0ms && !_cancelled && !_stopped) _jobs.emplace(due + job.period, job);
        _running = 0;
        _changed.notify_all();
    }

    mutable std::mutex _mutex; // guards all below but the executor
    std::condition_variable _changed;
    std::multimap<Time, Job> _jobs;
    std::list<Thread> _threads; // addresses stay
    std::size_t _started = 0;
    std::uint64_t _lastId = 0;
    std::uint64_t _running = 0;
    Status _threadError = 0;
    bool _cancelled = false;
    bool _stopped = false;
    std::thread _executor; // last: uses all above
};

class FakeMetrics final : public Metrics
{
public:
    Counter* counter(Str name, Str labels, Str) override { return &series(name, labels); }
    Counter* gauge(Str name, Str labels, Str) override { return &series(name, labels); }

    /// 0 for a series that nobody made.
    std::int64_t value(std::string_view name, std::string_view labels = {}) const
    {
        const std::lock_guard lock(_mutex);
        const auto found = _series.find({std::string(name), std::string(labels)});
        return found == _series.end() ? 0 : found->second.value();
    }

private:
    class Figure final : public Counter
    {
    public:
        void add(std::int64_t by) override { _value.fetch_add(by, std::memory_order_relaxed); }
        void set(std::int64_t value) override { _value = value; }
        std::int64_t value() const override { return _value; }

    private:
        std::atomic<std::int64_t> _value{0};
    };

    Counter& series(Str name, Str labels)
    {
        const std::lock_guard lock(_mutex);
        return _series[{std::string(name.view()), std::string(labels.view())}];
    }

    mutable std::mutex _mutex;
    std::map<std::pair<std::string, std::string>, Figure> _series; // addresses stay
};

class FakeControl final : public Control
{
public:
    struct Result
    {
        bool found = false; ///< whether the plugin has that verb
        std::string json;
        std::string errorCode;
        std::string errorText;
    };

    Status command(Str path, Str, void (*run)(void*, Str, Reply*), void* self) override
    {
        const auto [place, isNew] = _verbs.emplace(std::string(path.view()), Verb{run, self});
        return isNew ? 0 : -EEXIST;
    }
    /// What `nanomqctl PLUGIN path` would get.
    Result call(std::string_view path, std::string_view argumentsJson = "{}")
    {
        const auto verb = _verbs.find(path);
        Answer answer;
        if (verb == _verbs.end()) return answer.result;
        answer.result.found = true;
        verb->second.run(verb->second.self, argumentsJson, &answer);
        return answer.result;
    }

private:
    struct Verb
    {
        void (*run)(void*, Str, Reply*);
        void* self;
    };
    struct Answer final : Reply
    {
        void json(Str text) override { result.json = text.view(); }
        void error(Str code, Str message) override
        {
            result.errorCode = code.view();
            result.errorText = message.view();
        }
        Result result;
    };

    std::map<std::string, Verb, std::less<>> _verbs;
};

/// What hooks did with an event.
class FakeContext final : public HookContext
{
public:
    explicit FakeContext(std::atomic<int>& retained) : _retained(retained) {}

    std::map<std::string, std::string> set; ///< "topic", "payload", "qos", "clientId", …
    ReasonCode reason = 0;
    std::string reasonText;
    std::uint64_t deferral = 0; ///< 0: none

    Deferral defer(std::uint32_t, Verdict) override
    {
        deferral = 1;
        return {deferral};
    }
    Status setTopic(Str topic) override { return put("topic", topic.view()); }
    Status setPayload(Bytes payload) override { return put("payload", payload.view()); }
    Status setQoS(std::uint8_t qos) override { return put("qos", std::to_string(qos)); }
    Status addUserProperty(Str name, Str value) override
    {
        return put("userProperty." + std::string(name.view()), value.view());
    }
    Status setClientId(Str clientId) override { return put("clientId", clientId.view()); }
    Status setUserName(Str userName) override { return put("userName", userName.view()); }
    Status setAuthenticationData(Bytes data) override
    {
        return put("authenticationData", data.view());
    }
    void setReason(ReasonCode code, Str text) override
    {
        reason = code;
        reasonText = text.view();
    }
    Message* retain() override
    {
        ++_retained;
        return reinterpret_cast<Message*>(&_retained); // no more than a name
    }
    Status setAuthenticationState(Bytes state) override
    {
        return put("authenticationState", state.view());
    }
    Status setServerReference(Str reference) override
    {
        return put("serverReference", reference.view());
    }

private:
    Status put(const std::string& what, std::string_view value)
    {
        set[what] = value;
        return 0;
    }

    std::atomic<int>& _retained;
};

/// The broker, as one plugin sees it.
class FakeHost final : public Host
{
public:
    explicit FakeHost(std::string_view configuration = {}, std::string file = "test.conf")
        : config(configuration, std::move(file)),
          metrics(std::make_shared<FakeMetrics>())
    {
    }
    /// With the metrics of an earlier one, as after a reload.
    FakeHost(std::string_view configuration, std::shared_ptr<FakeMetrics> shared)
        : config(configuration),
          metrics(std::move(shared))
    {
    }

    FakeConfig config;
    std::shared_ptr<FakeMetrics> metrics;
    FakeControl control;
    FakeTasks tasks;

    /// init() and start(). Returns the first Status that is not 0.
    Status load(Plugin& plugin)
    {
        const Status status = plugin.init(this);
        return status == 0 ? plugin.start() : status;
    }
    /// quiesce(), and the end of all tasks.
    void unload(Plugin& plugin, std::chrono::milliseconds deadline = 5s)
    {
        plugin.quiesce(static_cast<std::uint32_t>(deadline.count()));
        tasks.stop();
    }
    /// What an old plugin, unloaded already, gives to a new one that init() has run for: the
    /// broker's reload. Returns save()'s or adopt()'s Status.
    static Status handOver(Plugin& old, Plugin& fresh)
    {
        struct Text final : Handover::Sink
        {
            void write(Bytes bytes) override { all += bytes.view(); }
            std::string all;
        } state;
        auto* from = static_cast<Handover*>(old.query(Handover::kInterface));
        auto* to = static_cast<Handover*>(fresh.query(Handover::kInterface));
        if (!from || !to) return -ENOSYS;
        const Status saved = from->save(&state);
        return saved == 0 ? to->adopt({state.all.data(), state.all.size()}) : saved;
    }

    /// Calls the hooks of the event's point, by priority, on this thread. An intercept or decide
    /// chain ends with the first verdict that is not Next. Topic filters are not looked at: they
    /// stand in hooks() to be checked.
    template <class Event> Verdict fire(const Event& event, FakeContext& context)
    {
        std::vector<Hook> hooks;
        {
            const std::lock_guard lock(_mutex);
            hooks = _hooks;
        }
        for (const Hook& hook : hooks)
        {
            if (hook.spec.point != Event::kPoint) continue;
            const Verdict verdict = hook.spec.function(hook.spec.self, &event.header, &context);
            if (hookKind(Event::kPoint) != HookKind::Observe && verdict != Verdict::Next)
                return verdict;
        }
        return Verdict::Next;
    }
    template <class Event> Verdict fire(const Event& event)
    {
        FakeContext context(_retained);
        return fire(event, context);
    }

    /// One registration, with its own copy of the filters.
    struct Hook
    {
        HookSpec spec;
        std::vector<std::string> topicFilters;
    };
    std::vector<Hook> hooks() const { return copy(_hooks); }
    std::vector<std::pair<LogLevel, std::string>> logLines() const { return copy(_log); }
    /// "where: what".
    std::vector<std::string> errors() const { return copy(_errors); }
    std::string allErrors() const
    {
        std::string all;
        for (const std::string& error : errors()) all += error + "\n";
        return all;
    }
    /// How many log lines contain that text.
    std::size_t logged(std::string_view text) const
    {
        std::size_t count = 0;
        for (const auto& line : logLines()) count += line.second.find(text) != std::string::npos;
        return count;
    }
    struct Completion
    {
        std::uint64_t token;
        Verdict verdict;
        ReasonCode reason;
        std::string text;
    };
    std::vector<Completion> completions() const { return copy(_completions); }
    /// Messages that were retained and not released.
    int retained() const { return _retained; }
    std::atomic<int>& retainCount() { return _retained; } ///< for a FakeContext

    std::uint32_t version() const override { return NANOMQ_ABI_MAJOR << 16 | NANOMQ_ABI_MINOR; }
    void* query(const char* interfaceId) override
    {
        const std::string_view id(interfaceId);
        if (id == Config::kInterface) return static_cast<Config*>(&config);
        if (id == Tasks::kInterface) return static_cast<Tasks*>(&tasks);
        if (id == Metrics::kInterface) return static_cast<Metrics*>(metrics.get());
        if (id == Control::kInterface) return static_cast<Control*>(&control);
        const auto other = _interfaces.find(id);
        return other == _interfaces.end() ? nullptr : other->second;
    }
    /// Another interface, such as a broker of the test's own.
    void offer(const char* interfaceId, void* implementation)
    {
        _interfaces[interfaceId] = implementation;
    }
    Status subscribe(const HookSpec* spec) override
    {
        if (spec->size < sizeof(HookSpec) || !spec->function || hookPointName(spec->point).empty())
            return -EINVAL;
        Hook hook{*spec, {}};
        for (std::uint32_t i = 0; i < spec->filterCount; ++i)
            hook.topicFilters.emplace_back(spec->topicFilters[i].view());
        hook.spec.topicFilters = nullptr;
        const std::lock_guard lock(_mutex);
        const auto place =
            std::upper_bound(_hooks.begin(), _hooks.end(), hook, [](const Hook& a, const Hook& b) {
                return a.spec.priority > b.spec.priority;
            });
        _hooks.insert(place, std::move(hook));
        return 0;
    }
    void complete(Deferral deferral, Verdict verdict, ReasonCode reason, Str text) override
    {
        const std::lock_guard lock(_mutex);
        _completions.push_back({deferral.token, verdict, reason, std::string(text.view())});
    }
    void release(Message*) override { --_retained; }
    void error(Str where, Str what) override
    {
        const std::lock_guard lock(_mutex);
        _errors.push_back(std::string(where.view()) + ": " + std::string(what.view()));
    }
    void log(LogLevel level, Str text) override
    {
        const std::lock_guard lock(_mutex);
        _log.emplace_back(level, text.view());
    }

private:
    template <class Container> Container copy(const Container& container) const
    {
        const std::lock_guard lock(_mutex);
        return container;
    }

    mutable std::mutex _mutex; // guards the containers below
    std::vector<Hook> _hooks;
    std::vector<std::pair<LogLevel, std::string>> _log;
    std::vector<std::string> _errors;
    std::vector<Completion> _completions;
    std::map<std::string, void*, std::less<>> _interfaces;
    std::atomic<int> _retained{0};
};

} // namespace nanomq::sdk::testing
