#pragma once

#include "nanomq/testing/fake_config.h"
#include "nanomq/testing/fake_context.h"
#include "nanomq/testing/fake_control.h"
#include "nanomq/testing/fake_events.h"
#include "nanomq/testing/fake_metrics.h"
#include "nanomq/testing/fake_registry.h"
#include "nanomq/testing/fake_storage.h"
#include "nanomq/testing/fake_tasks.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nanomq::sdk::testing
{

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
    FakeRegistry registry;
    FakeTasks tasks;
    FakeStorage storage;

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
        if (id == MetricsReader::kInterface) return static_cast<MetricsReader*>(metrics.get());
        if (id == Registry::kInterface) return static_cast<Registry*>(&registry);
        if (id == Control::kInterface) return static_cast<Control*>(&control);
        if (id == Storage::kInterface) return static_cast<Storage*>(&storage);
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
