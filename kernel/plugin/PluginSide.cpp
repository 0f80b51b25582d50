#include "plugin/PluginSide.h"

#include "hook/KeptMessage.h"

#include <Poco/Logger.h>

#include <cerrno>
#include <utility>

namespace nanomq
{

namespace
{

constexpr MonotonicMs kLogEveryMs = 1'000;

/// What a verb of a plugin answers into.
class ReplyText final : public sdk::Control::Reply
{
public:
    void json(sdk::Str text) override { result = {std::string(text.view()), {}, {}}; }
    void error(sdk::Str code, sdk::Str message) override
    {
        result = {{}, std::string(code.view()), std::string(message.view())};
        if (result.code.empty()) result.code = "failed";
    }
    VerbResult result{"null", {}, {}};
};

Poco::Message::Priority priorityOf(sdk::LogLevel level) noexcept
{
    switch (level)
    {
    case sdk::LogLevel::Error: return Poco::Message::PRIO_ERROR;
    case sdk::LogLevel::Warning: return Poco::Message::PRIO_WARNING;
    case sdk::LogLevel::Debug: return Poco::Message::PRIO_DEBUG;
    case sdk::LogLevel::Trace: return Poco::Message::PRIO_TRACE;
    default: return Poco::Message::PRIO_INFORMATION;
    }
}

} // namespace

PluginSide::PluginSide(std::string name, std::uint64_t version, Configuration configuration,
                       const std::string& stateDir, HookBus& bus, PluginServices& services,
                       PluginMetrics& metrics, ServiceRegistry& serviceRegistry)
    : _name(std::move(name)),
      _version(version),
      _config(std::move(configuration), _name),
      _routes(_name, version, services.routes()),
      _storage(stateDir, _name),
      _serviceRegistry(serviceRegistry),
      _registry(_name, version, serviceRegistry, _inInit),
      _bus(bus),
      _services(services),
      _metrics(metrics),
      _logger(services.logger(_name))
{
    if (auto* const alarms = services.alarms())
        _alarms = std::make_unique<PluginAlarms>(*alarms, _name);
}

void PluginSide::useSet(Ref<HookSet> set)
{
    _set = std::move(set);
    PluginTasks::Failures& failures = *this;
    _tasks = std::make_unique<PluginTasks>(_set->executor(), failures);
}

std::uint32_t PluginSide::version() const
{
    return std::uint32_t{NANOMQ_ABI_MAJOR} << 16 | NANOMQ_ABI_MINOR;
}

void* PluginSide::query(const char* interfaceId)
{
    if (!interfaceId) return nullptr;
    const std::string_view id(interfaceId);
    // To the interface first: with several bases the addresses differ.
    if (id == sdk::Config::kInterface) return static_cast<sdk::Config*>(&_config);
    if (id == sdk::Tasks::kInterface) return static_cast<sdk::Tasks*>(_tasks.get());
    if (id == sdk::Metrics::kInterface) return static_cast<sdk::Metrics*>(&_metrics);
    if (id == sdk::MetricsReader::kInterface) return static_cast<sdk::MetricsReader*>(&_metrics);
    if (id == sdk::Control::kInterface) return static_cast<sdk::Control*>(this);
    if (id == sdk::HttpRoutes::kInterface) return static_cast<sdk::HttpRoutes*>(&_routes);
    if (id == sdk::Registry::kInterface) return static_cast<sdk::Registry*>(&_registry);
    if (id == sdk::Storage::kInterface) return static_cast<sdk::Storage*>(&_storage);
    if (id == sdk::Broker::kInterface) return _services.broker(_name);
    if (id == sdk::Bans::kInterface) return _services.bans(_name);
    if (id == sdk::Alarms::kInterface) return static_cast<sdk::Alarms*>(_alarms.get());
    return _services.find(id);
}

sdk::Status PluginSide::subscribe(const sdk::HookSpec* spec)
{
    if (!_inInit) return -EPERM;
    return spec ? _set->add(*spec) : -EINVAL;
}

void PluginSide::complete(sdk::Deferral deferral, sdk::Verdict verdict, sdk::ReasonCode reason,
                          sdk::Str text)
{
    _bus.complete(*_set, deferral.token, verdict, reason, text.view());
}

void PluginSide::release(sdk::Message* message)
{
    if (const Counted* kept = keptMessage(message)) kept->release();
}

void PluginSide::error(sdk::Str where, sdk::Str what)
{
    note(where.view(), what.view());
}

void PluginSide::failed(std::string_view where, std::string_view what) noexcept
{
    try
    {
        note(where, what);
    }
    catch (const std::exception&)
    {
        // Counted already; a line less in the log is all that no memory may cost here.
    }
}

void PluginSide::threadFailed(std::string_view what) noexcept
{
    failed("thread", what);
}

void PluginSide::note(std::string_view where, std::string_view what)
{
    _errors.fetch_add(1, std::memory_order_relaxed);
    std::string line = std::string(where) + ": " + std::string(what);
    {
        std::lock_guard lock(_mutex);
        _lastError = line;
        const MonotonicMs now = monotonicNow();
        if (now - _lastLogged < kLogEveryMs)
        {
            ++_notLogged;
            return;
        }
        _lastLogged = now;
        if (_notLogged > 0)
            line += " (" + std::to_string(std::exchange(_notLogged, 0)) + " more before)";
    }
    _logger.error(line);
}

std::string PluginSide::lastError() const
{
    std::lock_guard lock(_mutex);
    return _lastError;
}

void PluginSide::log(sdk::LogLevel level, sdk::Str text)
{
    const auto priority = priorityOf(level);
    if (_logger.is(priority))
        _logger.log(Poco::Message(_logger.name(), std::string(text.view()), priority));
}

sdk::Status PluginSide::command(sdk::Str path, sdk::Str help, void (*run)(void*, sdk::Str, Reply*),
                                void* self)
{
    if (!run || path.size == 0 || path.size > 100) return -EINVAL;
    ControlVerbs::Verb verb{_name + ' ' + std::string(path.view()), std::string(help.view()),
                            [run, self](std::string_view arguments) {
                                ReplyText reply;
                                run(self, arguments, &reply);
                                return reply.result;
                            }};
    std::lock_guard lock(_mutex);
    if (++_verbCount > kMaxVerbs) return -E2BIG;
    if (_verbsPublished) _services.verbs().add(_version, std::move(verb));
    else _stagedVerbs.push_back(std::move(verb));
    return 0;
}

void PluginSide::publishVerbs()
{
    std::lock_guard lock(_mutex);
    _verbsPublished = true;
    for (auto& verb : _stagedVerbs) _services.verbs().add(_version, std::move(verb));
    _stagedVerbs.clear();
}

void PluginSide::publishRoutes()
{
    for (const auto& route : _routes.publish())
        note("http routes", "another plugin serves " + route);
}

bool PluginSide::withdrawVerbs(std::chrono::milliseconds deadline)
{
    return _services.verbs().withdraw(_version, deadline);
}

void PluginSide::releaseServices()
{
    _serviceRegistry.releaseAll(_version);
}

} // namespace nanomq
