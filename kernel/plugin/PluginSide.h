#pragma once

#include "base/Counted.h"
#include "hook/HookBus.h"
#include "hook/HookSet.h"
#include "nanomq/services.h"
#include "plugin/ControlVerbs.h"
#include "plugin/PluginAlarms.h"
#include "plugin/PluginConfig.h"
#include "plugin/PluginMetrics.h"
#include "plugin/PluginRegistry.h"
#include "plugin/PluginRoutes.h"
#include "plugin/PluginServices.h"
#include "plugin/PluginStorage.h"
#include "plugin/PluginTasks.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace nanomq
{

/// What of a version's figures is in the registry already; see PluginFigures.
struct ToldFigures
{
    static constexpr std::size_t kCounts = 5;
    std::map<sdk::HookPoint, std::array<std::uint64_t, kCounts>> counts;
    std::uint64_t dropped = 0;
};

/// The broker as one loaded version of a plugin sees it: sdk::Host, and the interfaces behind
/// Host::query(). Everything registered through it belongs to that version, and goes with it.
///
/// Thread: as the SDK's headers say; the rest [host].
class PluginSide final : public sdk::Host,
                         private sdk::Control,
                         private HookErrors,
                         private PluginTasks::Failures
{
public:
    /// @param version   a number no other loaded version has.
    /// @param stateDir  of the broker.
    PluginSide(std::string name, std::uint64_t version, Configuration configuration,
               const std::string& stateDir, HookBus& bus, PluginServices& services,
               PluginMetrics& metrics, ServiceRegistry& serviceRegistry);
    PluginSide(const PluginSide&) = delete;
    PluginSide& operator=(const PluginSide&) = delete;

    const std::string& name() const noexcept { return _name; }
    HookErrors& hookErrors() noexcept { return *this; }
    /// Its hooks; before init().
    void useSet(Ref<HookSet> set);
    HookSet& set() const noexcept { return *_set; }
    PluginTasks& tasks() noexcept { return *_tasks; }
    /// Guarded by PluginFigures.
    ToldFigures& toldFigures() noexcept { return _toldFigures; }

    /// init() begins and ends: only between them hooks are registered.
    void beginInit() noexcept { _inInit = true; }
    void endInit() noexcept { _inInit = false; }
    /// Its hooks are active: its verbs are, too, from now on.
    void publishVerbs();
    [[nodiscard]] bool withdrawVerbs(std::chrono::milliseconds deadline);
    PluginRoutes& routes() noexcept { return _routes; }
    PluginRegistry& registry() noexcept { return _registry; }
    /// The instance is gone: what it has not given back of other plugins' services is taken.
    void releaseServices();
    /// The same for its HTTP routes.
    void publishRoutes();

    std::uint64_t errors() const noexcept
    {
        return _errors.load(std::memory_order_relaxed);
    } ///< [any]
    /// What it told last; empty: nothing.
    std::string lastError() const; ///< [any]

    std::uint32_t version() const override;
    void* query(const char* interfaceId) override;
    sdk::Status subscribe(const sdk::HookSpec* spec) override;
    void complete(sdk::Deferral deferral, sdk::Verdict verdict, sdk::ReasonCode reason,
                  sdk::Str text) override;
    void release(sdk::Message* message) override;
    void error(sdk::Str where, sdk::Str what) override;
    void log(sdk::LogLevel level, sdk::Str text) override;

private:
    sdk::Status command(sdk::Str path, sdk::Str help, void (*run)(void*, sdk::Str, Reply*),
                        void* self) override;
    void failed(std::string_view where, std::string_view what) noexcept override;
    void threadFailed(std::string_view what) noexcept override;
    void note(std::string_view where, std::string_view what);

    static constexpr std::size_t kMaxVerbs = 256;

    const std::string _name;
    const std::uint64_t _version;
    PluginConfig _config;
    PluginRoutes _routes;
    PluginStorage _storage;
    ServiceRegistry& _serviceRegistry;
    PluginRegistry _registry;
    HookBus& _bus;
    PluginServices& _services;
    PluginMetrics& _metrics;
    Poco::Logger& _logger;
    std::unique_ptr<PluginAlarms> _alarms; // null when there is no broker behind
    std::atomic<bool> _inInit{false};
    std::atomic<std::uint64_t> _errors{0};
    ToldFigures _toldFigures;

    mutable std::mutex _mutex; // guards all below
    std::string _lastError;
    MonotonicMs _lastLogged = 0;
    std::uint64_t _notLogged = 0;
    bool _verbsPublished = false;
    std::size_t _verbCount = 0;
    std::vector<ControlVerbs::Verb> _stagedVerbs;

    Ref<HookSet> _set;
    std::unique_ptr<PluginTasks> _tasks;
};

} // namespace nanomq
