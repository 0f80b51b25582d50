#pragma once

#include "hook/Executor.h"
#include "nanomq/services.h"
#include "plugin/PluginTasks.h"
#include "sandbox/Channel.h"
#include "sandbox/SharedRing.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <semaphore>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nanomq
{

/// The broker as a plugin sees it in a process of its own. What it asks for goes through the
/// channel; hooks are called with what comes out of the rings.
///
/// Thread: as the SDK's headers say; the rest [main], which is the plugin's [host].
class SandboxHost final : public sdk::Host,
                          private sdk::Config,
                          private sdk::Broker,
                          private sdk::Metrics,
                          private sdk::Control,
                          private sdk::Storage,
                          private PluginTasks::Failures,
                          private ExecutorSource
{
public:
    struct Key
    {
        std::string key, value, where;
    };

    SandboxHost(sandbox::Channel& channel, SharedRing& events, SharedRing& questions,
                std::string folder, std::vector<Key> keys);
    SandboxHost(const SandboxHost&) = delete;
    SandboxHost& operator=(const SandboxHost&) = delete;

    /// Hooks and verbs, in the form that SandboxedPlugin reads.
    std::string registrations() const;
    /// Begins to tell events and to ask. After init().
    void open();
    /// Waits until the events that came are told, or the deadline.
    void tellAll(std::chrono::milliseconds deadline);
    /// Ends what the plugin has begun. False at the deadline.
    bool stopTasks(std::chrono::milliseconds deadline) { return _tasks.stop(deadline); }
    void runVerb(std::uint32_t index, std::string_view arguments, Reply& reply);
    /// Sends figures that have changed, and answers that are due by their deadline.
    void tick();

    std::uint32_t version() const override;
    void* query(const char* interfaceId) override;
    sdk::Status subscribe(const sdk::HookSpec* spec) override;
    void complete(sdk::Deferral deferral, sdk::Verdict verdict, sdk::ReasonCode reason,
                  sdk::Str text) override;
    void release(sdk::Message* message) override;
    void error(sdk::Str where, sdk::Str what) override;
    void log(sdk::LogLevel level, sdk::Str text) override;

private:
    class Context;
    using Clock = std::chrono::steady_clock;

    struct Hook
    {
        sdk::HookSpec spec;
        std::vector<std::string> filters;
    };
    struct Verb
    {
        std::string path, help;
        void (*run)(void*, sdk::Str, Reply*);
        void* self;
    };
    struct Wait
    {
        sdk::Verdict onTimeout;
        Clock::time_point due;
    };
    class Figure final : public Counter
    {
    public:
        void add(std::int64_t by) override { _value.fetch_add(by, std::memory_order_relaxed); }
        void set(std::int64_t value) override { _value.store(value, std::memory_order_relaxed); }
        std::int64_t value() const override { return _value.load(std::memory_order_relaxed); }

        std::string help;
        std::int64_t told = 0;

    private:
        std::atomic<std::int64_t> _value{0};
    };
    struct FigureName
    {
        bool gauge;
        std::string name, labels;
        auto operator<=>(const FigureName&) const = default;
    };

    bool text(sdk::Str key, sdk::Str* value) override;
    sdk::Str where(sdk::Str key) override;
    void keys(sdk::Str prefix, Visitor* visitor) override;
    sdk::Status publish(const Publication* publication) override;
    sdk::Status kick(sdk::Str clientId, sdk::ReasonCode reason) override;
    sdk::Status message(const sdk::Message* message, sdk::MessagePublished* view) override;
    sdk::Status reauthorize(sdk::Str clientId) override;
    Counter* counter(sdk::Str name, sdk::Str labels, sdk::Str help) override;
    Counter* gauge(sdk::Str name, sdk::Str labels, sdk::Str help) override;
    sdk::Status command(sdk::Str path, sdk::Str help, void (*run)(void*, sdk::Str, Reply*),
                        void* self) override;
    sdk::Status folder(sdk::Str* path) override;
    void threadFailed(std::string_view what) noexcept override;
    bool drainSome() override;
    bool drained() const noexcept override;
    void taskFailed(std::string_view what) noexcept override;

    Figure& figure(bool gauge, sdk::Str name, sdk::Str labels, sdk::Str help);
    void tell(ByteView record);
    void ask(ByteView record);
    void answer(std::uint64_t question, sdk::Verdict verdict, sdk::ReasonCode reason,
                std::string_view text);

    sandbox::Channel& _channel;
    SharedRing& _events;
    SharedRing& _questions;
    const std::string _folder;
    const std::vector<Key> _keys;
    std::deque<Hook> _hooks;
    std::deque<Verb> _verbs;
    bool _open = false;
    std::atomic<bool> _telling{false}; // the executor has been woken for the ring
    std::counting_semaphore<> _told{0};

    std::mutex _mutex; // guards all below
    std::condition_variable _quiet; // all events that came are told
    std::map<FigureName, Figure> _figures; // addresses stay
    std::map<std::uint64_t, Wait> _deferred;

    Executor _executor;
    PluginTasks _tasks; // goes first
};

} // namespace nanomq
