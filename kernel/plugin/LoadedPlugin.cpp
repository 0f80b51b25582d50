#include "plugin/LoadedPlugin.h"

#include "plugin/KeptForGood.h"

#include <Poco/Exception.h>

#include <cstring>
#include <exception>
#include <utility>

namespace nanomq
{

namespace
{

class StateText final : public sdk::Handover::Sink
{
public:
    static constexpr std::size_t kMaxSize = std::size_t{1} << 30;

    void write(sdk::Bytes bytes) override
    {
        if (bytes.size > kMaxSize - text.size()) tooLarge = true;
        else text += bytes.view();
    }
    std::string text;
    bool tooLarge = false;
};

std::string statusText(sdk::Status status)
{
    return std::string(std::strerror(status < 0 ? -status : status)) + " (" +
           std::to_string(status) + ')';
}

} // namespace

LoadedPlugin::LoadedPlugin(PluginFacts facts, PluginCopy copy, HostThread& thread,
                           Deadlines deadlines,
                           std::optional<sandbox::SandboxedPlugin::Settings> sandbox)
    : _facts(std::move(facts)),
      _thread(thread),
      _deadlines(deadlines),
      _sandbox(std::move(sandbox)),
      _copy(std::move(copy))
{
}

PluginStep LoadedPlugin::call(const char* what, std::chrono::milliseconds deadline,
                              std::function<void()> function)
{
    // Shared: after a missed deadline the call still writes into it.
    const auto thrown = std::make_shared<std::optional<std::string>>();
    const bool returned = _thread.run(
        [thrown, function = std::move(function)] {
            try
            {
                function();
            }
            catch (const Poco::Exception& error)
            {
                *thrown = error.displayText();
            }
            catch (const std::exception& error)
            {
                *thrown = error.what();
            }
            catch (...)
            {
                *thrown = "an exception of unknown type";
            }
        },
        deadline);
    if (!returned)
        return PluginStep::stuck(std::string(what) + " has not returned within " +
                                 std::to_string(deadline.count()) + " ms");
    if (*thrown) return PluginStep::failed(std::string(what) + ": " + **thrown);
    return {};
}

PluginStep LoadedPlugin::open()
{
    if (_sandbox) return {};
    return call("loading", _deadlines.call,
                [this] { _library = std::make_unique<PluginLibrary>(_copy.path()); });
}

std::unique_ptr<sdk::Plugin> LoadedPlugin::makeInstance()
{
    if (!_sandbox) return _library->create(_facts.className);
    return std::make_unique<sandbox::SandboxedPlugin>(
        sandbox::SandboxedCode{_copy.path(), _copy.descriptor(), _facts.className}, *_sandbox);
}

PluginStep LoadedPlugin::init(std::shared_ptr<PluginSide> side)
{
    _side = std::move(side);
    const auto status = std::make_shared<sdk::Status>(0);
    PluginStep step = call("init()", _deadlines.call, [this, status] {
        _instance = makeInstance();
        _side->beginInit();
        *status = _instance->init(_side.get());
    });
    _side->endInit();
    if (step.done() && *status == 0) return checkHealth();
    if (step.end == PluginStep::End::Stuck) return step;
    if (step.done())
    {
        const std::string told = _side->lastError();
        step = PluginStep::failed(told.empty() ? "init() returned " + statusText(*status) : told);
    }
    // Destroyed without quiesce(); but not while something it has started runs.
    if (PluginStep stopped = stopTasks(); !stopped.done()) return stopped;
    if (PluginStep destroyed = destroy(); destroyed.end == PluginStep::End::Stuck) return destroyed;
    return step;
}

PluginStep LoadedPlugin::checkHealth()
{
    const auto status = std::make_shared<sdk::Status>(0);
    PluginStep step = call("its health check", _deadlines.call, [this, status] {
        auto* health = static_cast<sdk::Health*>(_instance->query(sdk::Health::kInterface));
        if (health) *status = health->check();
    });
    if (step.end == PluginStep::End::Stuck || (step.done() && *status == 0)) return step;
    if (step.done())
    {
        const std::string told = _side->lastError();
        step = PluginStep::failed("its health check says " + statusText(*status) +
                                  (told.empty() ? "" : ": " + told));
    }
    // As after an init() that failed, but what init() has begun is ended in order.
    if (PluginStep quiesced = quiesce(); quiesced.end == PluginStep::End::Stuck) return quiesced;
    if (PluginStep destroyed = destroy(); destroyed.end == PluginStep::End::Stuck) return destroyed;
    return step;
}

PluginStep LoadedPlugin::start()
{
    const auto status = std::make_shared<sdk::Status>(0);
    PluginStep step =
        call("start()", _deadlines.call, [this, status] { *status = _instance->start(); });
    if (!step.done() || *status == 0) return step;
    const std::string told = _side->lastError();
    return PluginStep::failed(told.empty() ? "start() returned " + statusText(*status) : told);
}

PluginStep LoadedPlugin::stopTasks()
{
    if (_side->tasks().stop(_deadlines.quiesce)) return {};
    return PluginStep::stuck("a thread of it has not ended within " +
                             std::to_string(_deadlines.quiesce.count()) + " ms");
}

PluginStep LoadedPlugin::quiesce()
{
    if (!_side->withdrawVerbs(_deadlines.quiesce))
        return PluginStep::stuck("a control verb of it still runs after " +
                                 std::to_string(_deadlines.quiesce.count()) + " ms");
    if (!_side->routes().withdraw(_deadlines.quiesce))
        return PluginStep::stuck("an HTTP route of it still runs after " +
                                 std::to_string(_deadlines.quiesce.count()) + " ms");
    const auto deadlineMs = static_cast<std::uint32_t>(_deadlines.quiesce.count());
    // It is told the deadline; a moment more is given to one that keeps to it.
    const PluginStep step = call(
        "quiesce()", _deadlines.quiesce + _deadlines.quiesce / 4 + std::chrono::milliseconds(100),
        [this, deadlineMs] { _instance->quiesce(deadlineMs); });
    if (step.end == PluginStep::End::Stuck) return step;
    if (PluginStep stopped = stopTasks(); !stopped.done()) return stopped;
    return step;
}

std::optional<std::string> LoadedPlugin::save(PluginStep& step)
{
    if (!hasState()) return std::nullopt;
    const auto sink = std::make_shared<StateText>();
    const auto status = std::make_shared<sdk::Status>(0);
    step = call("save()", _deadlines.call, [this, sink, status] {
        auto* handover = static_cast<sdk::Handover*>(_instance->query(sdk::Handover::kInterface));
        *status = handover ? handover->save(sink.get()) : -ENOSYS;
    });
    if (!step.done()) return std::nullopt;
    if (sink->tooLarge) step = PluginStep::failed("its state is larger than 1 GiB");
    if (*status != 0) step = PluginStep::failed("save() returned " + statusText(*status));
    if (!step.done()) return std::nullopt;
    return std::move(sink->text);
}

PluginStep LoadedPlugin::adopt(const std::string& state)
{
    const auto status = std::make_shared<sdk::Status>(0);
    const auto text = std::make_shared<const std::string>(state);
    PluginStep step = call("adopt()", _deadlines.call, [this, text, status] {
        auto* handover = static_cast<sdk::Handover*>(_instance->query(sdk::Handover::kInterface));
        *status = handover ? handover->adopt({text->data(), text->size()}) : -ENOSYS;
    });
    if (step.done() && *status != 0)
        step = PluginStep::failed("adopt() returned " + statusText(*status));
    return step;
}

PluginStep LoadedPlugin::destroy()
{
    PluginStep step = call("its destructor", _deadlines.call, [this] { _instance.reset(); });
    if (step.end != PluginStep::End::Stuck) _side->releaseServices();
    return step;
}

std::string LoadedPlugin::unmap()
{
    if (!_library) return {};
    if (!_facts.residentReasons.empty())
    {
        keepForGood(std::shared_ptr<const PluginLibrary>(std::move(_library)));
        return _facts.residentReasons.front();
    }
    // Shared: a destructor of the library that does not return goes on in it.
    const std::shared_ptr<PluginLibrary> library = std::move(_library);
    const auto gone = std::make_shared<bool>(false);
    const PluginStep step =
        call("unloading", _deadlines.call, [library, gone] { *gone = library->close(); });
    if (step.end == PluginStep::End::Stuck) keepForGood(library);
    if (!step.done()) return step.reason;
    return *gone ? std::string() : "the dynamic loader keeps it mapped";
}

} // namespace nanomq
