#pragma once

#include "hook/HookRegistry.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include <chrono>
#include <functional>
#include <initializer_list>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

/// Waits for a condition that another thread brings about; false after ten seconds.
template <class Condition> bool eventually(Condition condition)
{
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition())
    {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::yield();
    }
    return true;
}

/// Topic Filters without an index: a list.
class ListedFilters final : public nanomq::TopicFilters
{
public:
    bool insert(std::string_view filter, std::uint32_t observer) override
    {
        std::lock_guard lock(_mutex);
        if (filter == refused) return false;
        _filters.emplace_back(filter, observer);
        return true;
    }
    void remove(std::string_view filter, std::uint32_t observer) override
    {
        std::lock_guard lock(_mutex);
        std::erase(_filters, std::pair(std::string(filter), observer));
    }
    bool matches(std::string_view filter, std::string_view topic) const override
    {
        for (;;)
        {
            const auto level = filter.substr(0, filter.find('/'));
            if (level == "#") return true;
            if (level != "+" && level != topic.substr(0, topic.find('/'))) return false;
            const auto f = filter.find('/');
            const auto t = topic.find('/');
            if (f == std::string_view::npos) return t == std::string_view::npos;
            if (t == std::string_view::npos) return filter.substr(f) == "/#";
            filter.remove_prefix(f + 1);
            topic.remove_prefix(t + 1);
        }
    }
    /// What an index would find; an observer comes once for each filter.
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
    std::string refused; ///< this one is called ill-formed

private:
    mutable std::mutex _mutex;
    std::vector<std::pair<std::string, std::uint32_t>> _filters;
};

struct HookOptions
{
    std::int16_t priority = 0;
    std::vector<std::string_view> filters = {};
    std::uint32_t flags = 0;
};

/// A plugin of functions: `plugin.on(HookPoint::MessagePublish, …)`.
class FakePlugin
{
public:
    using Function = std::function<nanomq::sdk::Verdict(const nanomq::sdk::EventHeader&,
                                                        nanomq::sdk::HookContext&)>;
    using Options = HookOptions;

    explicit FakePlugin(nanomq::Ref<nanomq::HookSet> set) : _set(std::move(set)) {}
    ~FakePlugin() { _set->executor().stop(std::chrono::seconds(10)); }

    nanomq::HookSet& set() { return *_set; }
    FakePlugin& on(nanomq::sdk::HookPoint point, Function function, Options options = {})
    {
        const std::vector<nanomq::sdk::Str> filters(options.filters.begin(), options.filters.end());
        _functions.push_back(std::move(function));
        nanomq::sdk::HookSpec spec{};
        spec.size = sizeof spec;
        spec.point = point;
        spec.priority = options.priority;
        spec.flags = options.flags;
        spec.filterCount = static_cast<std::uint32_t>(filters.size());
        spec.topicFilters = filters.data();
        spec.self = &_functions.back();
        spec.function = [](void* self, const nanomq::sdk::EventHeader* event,
                           nanomq::sdk::HookContext* context) {
            return (*static_cast<Function*>(self))(*event, *context);
        };
        CPPUNIT_ASSERT_EQUAL(0, _set->add(spec));
        return *this;
    }
    /// Says yes, no, … and notes that it was asked.
    FakePlugin& says(nanomq::sdk::HookPoint point, nanomq::sdk::Verdict verdict,
                     Options options = {})
    {
        return on(
            point,
            [this, verdict](const auto&, auto&) {
                ++asked;
                return verdict;
            },
            options);
    }
    int asked = 0;

private:
    nanomq::Ref<nanomq::HookSet> _set;
    std::list<Function> _functions;
};

/// A bus with two workers that the test itself plays.
class HookFixture : public CppUnit::TestFixture
{
public:
    HookFixture() : _registry(_bus)
    {
        const nanomq::HookBus::Worker workers[] = {{&_mailboxes[0], &_wheels[0]},
                                                   {&_mailboxes[1], &_wheels[1]}};
        _bus.attach(workers, _filters);
    }
    ~HookFixture() override { _bus.detach(); }

protected:
    using Verdict = nanomq::sdk::Verdict;
    using Point = nanomq::sdk::HookPoint;
    using Context = nanomq::sdk::HookContext;
    using Header = nanomq::sdk::EventHeader;

    FakePlugin& plugin(std::uint32_t number, const std::string& name = "test")
    {
        return _plugins.emplace_back(_registry.make(number, name, &_errors));
    }
    void load(FakePlugin& plugin) { exchange(nullptr, &plugin); }
    void exchange(FakePlugin* out, FakePlugin* in)
    {
        CPPUNIT_ASSERT(_registry.exchange(out ? &out->set() : nullptr, in ? &in->set() : nullptr));
        CPPUNIT_ASSERT(!_registry.graceful(std::chrono::seconds(5)));
    }

    /// Asks message.publish about a topic, on worker 0.
    nanomq::HookOutcome& publish(std::string_view topic,
                                 const nanomq::HookPosition* after = nullptr)
    {
        _publish = {};
        _publish.topic = topic;
        _publish.payload = {"on", 2};
        _bus.ask(_bus.table(), 0, _publish, {}, _outcome, after);
        return _outcome;
    }
    /// Everything posted to a worker, then the end of its turn.
    void turn(unsigned worker = 0)
    {
        _mailboxes[worker].drain();
        _bus.endOfTurn(worker);
    }
    /// Lets a worker's timers see the time in `ms` from now.
    void pass(nanomq::MonotonicMs ms, unsigned worker = 0)
    {
        _wheels[worker].advance(nanomq::monotonicNow() + ms);
    }

    struct CountedErrors final : nanomq::HookErrors
    {
        void failed(std::string_view where, std::string_view what) noexcept override
        {
            std::lock_guard lock(mutex);
            texts.push_back(std::string(where) + ": " + std::string(what));
        }
        std::mutex mutex;
        std::vector<std::string> texts;
    };
    struct Waiter final : nanomq::Parked
    {
        void resume(const nanomq::HookAnswer& given) override
        {
            ++resumed;
            answer = given;
        }
        int resumed = 0;
        nanomq::HookAnswer answer;
    };

    nanomq::Quiescence _quiescence;
    nanomq::Mailbox _mailboxes[2];
    nanomq::TimerWheel _wheels[2]{nanomq::TimerWheel(nanomq::monotonicNow()),
                                  nanomq::TimerWheel(nanomq::monotonicNow())};
    ListedFilters _filters;
    CountedErrors _errors;
    nanomq::HookBus _bus{_quiescence};
    nanomq::HookRegistry _registry;
    std::list<FakePlugin> _plugins;
    nanomq::sdk::MessagePublish _publish{};
    nanomq::HookOutcome _outcome;
};
