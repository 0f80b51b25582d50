// Builds every object of the broker and hands it down; read this first.

#include "app/BanFile.h"
#include "app/BrokerAdministration.h"
#include "app/BrokerMetrics.h"
#include "app/Commands.h"
#include "app/ConfCommands.h"
#include "app/ConfHistory.h"
#include "app/Decisions.h"
#include "app/ExplainCommand.h"
#include "app/GuardCommands.h"
#include "app/KernelServices.h"
#include "app/Listening.h"
#include "app/Logging.h"
#include "app/PluginCommands.h"
#include "app/PluginInspection.h"
#include "app/Readiness.h"
#include "app/Startup.h"
#include "app/Trace.h"
#include "broker/Broker.h"
#include "config/CommandLine.h"
#include "control/ControlClient.h"
#include "control/ControlPath.h"
#include "control/ControlServer.h"
#include "plugin/PluginAdministration.h"
#include "plugin/PluginHost.h"
#include "plugin/PluginProbe.h"
#include "plugin/SandboxChild.h"

#include <Poco/Exception.h>
#include <Poco/Logger.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <pthread.h>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

namespace nanomq
{

namespace
{

enum class Ending
{
    Stop,
    Restart,
};

/// The signals that end or restart the broker: blocked in every thread, and taken one by one.
class Signals
{
public:
    /// Restart travels as a signal, so that the control socket's threads only have to raise it.
    static constexpr int kRestart = SIGUSR1;

    Signals()
    {
        std::signal(SIGPIPE, SIG_IGN);
        sigemptyset(&_set);
        for (const int signal : {SIGINT, SIGTERM, SIGHUP, kRestart}) sigaddset(&_set, signal);
        ::pthread_sigmask(SIG_BLOCK, &_set, nullptr);
    }

    /// @param hangUp  called for each SIGHUP, and waited for.
    template <class Call> Ending wait(Call hangUp)
    {
        for (;;)
        {
            int signal = 0;
            while (sigwait(&_set, &signal) != 0) {}
            if (signal != SIGHUP) return signal == kRestart ? Ending::Restart : Ending::Stop;
            hangUp();
        }
    }

private:
    sigset_t _set;
};

/// As many descriptors as the system gives: each client is one.
void raiseDescriptorLimit()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Prints what is wrong, one line each; whether a start is possible.
bool tell(const ConfigReport& report)
{
    for (const auto& note : report.notes) std::cerr << "note: " << note.text() << '\n';
    for (const auto& error : report.errors) std::cerr << "error: " << error.text() << '\n';
    return report.ok();
}

/// Without a plugin that is to keep somebody out, the broker would be open. One whose library never
/// passed the gate, or is not there, may have been such a plugin.
void requireGuards(const PluginHost& plugins, bool ignoresMissing)
{
    for (const auto& plugin : plugins.list())
    {
        if (plugin.state == PluginState::Active) continue;
        const std::string what = "the plugin " + plugin.name + " is switched on and could not be loaded: ";
        if (plugin.guard) throw Poco::RuntimeException(what + plugin.reason);
        if (plugin.state == PluginState::Failed && plugin.version.empty() && !ignoresMissing)
            throw Poco::RuntimeException(what + plugin.reason +
                                         " (plugin.missing = ignore starts without it)");
    }
}

PluginHost::Options hostingOptions(const Startup& startup)
{
    const PluginCareConfig& care = startup.kernel().plugins;
    PluginHost::Options hosting;
    hosting.pluginDir = startup.pluginDir();
    hosting.confDir = startup.confDir();
    hosting.stateDir = startup.stateDir();
    hosting.watchFolders = care.watchFolders;
    hosting.watchdog.reportAfter = care.reportAfter;
    hosting.watchdog.abortAfter = care.abortAfter;
    HookBreaker::Settings& breaker = hosting.watchdog.breaker;
    breaker.failures = care.breakerFailures;
    breaker.sharePercent = care.breakerSharePercent;
    breaker.windowMs = care.breakerWindow.count();
    breaker.pauseMs = care.breakerPause.count();
    breaker.longestPauseMs = std::max(breaker.longestPauseMs, breaker.pauseMs);
    return hosting;
}

Ending serve(const Startup& startup, Readiness& readiness, Signals& signals)
{
    auto& log = Poco::Logger::get("broker");
    raiseDescriptorLimit();

    Metrics metrics;
    Quiescence quiescence;
    HookBus hooks(quiescence);
    Decisions decisions(Poco::Logger::get("hooks"));
    hooks.setWitness(&decisions);
    Broker broker(startup.brokerSettings(), hooks, quiescence);
    logAlarms(broker.alarms());
    const BanFile banFile(startup.stateDir() + "/bans.json", broker.bans(), broker.alarms());
    for (const auto& listener : startup.kernel().listeners)
        broker.listen(listenerSettings(listener));

    registerBrokerMetrics(metrics, broker);

    ControlVerbs verbs;
    HttpRouteTable routes;
    KernelServices services(broker, metrics, verbs, routes);
    PluginHost plugins(hostingOptions(startup), hooks, services, startup.overrides());

    const auto raise = [](int signal) { return [signal] { ::kill(::getpid(), signal); }; };
    PluginAdministration pluginAdministration(plugins);
    BrokerAdministration brokerAdministration(broker, startup, raise(SIGTERM),
                                              raise(Signals::kRestart));
    services.offer<sdk::Query>(broker.query());
    services.offer<sdk::Transports>(broker.pluginTransports());
    services.offer<sdk::PluginAdmin>(pluginAdministration);
    services.offer<sdk::ClientAdmin>(broker.clientAdmin());
    services.offer<sdk::BrokerAdmin>(brokerAdministration);

    prepareControlFolder(startup.controlPath());
    ControlServer control(startup.controlPath(), Poco::Logger::get("control"));
    registerBrokerCommands(control,
                           {broker, metrics, NANOMQ_VERSION, raise(SIGTERM), raise(Signals::kRestart)});
    registerGuardCommands(control, broker);
    registerExplain(control, broker);
    registerTrace(control, plugins, decisions);
    const auto confReloaded = registerConfCommands(control, plugins, startup);
    registerPluginCommands(control, broker, plugins, verbs, startup, confReloaded);

    control.start();
    plugins.loadConfigured(); // before the first client comes: it may be a plugin that lets it in
    requireGuards(plugins, startup.kernel().plugins.ignoresMissing);
    broker.start();
    std::string urls;
    for (const auto& url : broker.listenerUrls()) urls += (urls.empty() ? "" : " ") + url;
    log.information("nanomq " NANOMQ_VERSION " listens at " + urls);
    readiness.tell(urls);

    const Ending ending = signals.wait([&] {
        const auto result = reloadConfiguration(broker, plugins, startup);
        if (!result) return log.error("SIGHUP: " + result.error().message);
        confReloaded();
        log.information("SIGHUP: reloaded: " + result->toString());
    });
    log.information(ending == Ending::Stop ? "stopping" : "restarting");
    control.stop();
    broker.stop();
    plugins.unloadAll(); // last, so that they hear of every disconnect
    return ending;
}

int start(const BrokerArguments& arguments, char** argv)
{
    ConfigReport report;
    const Startup startup(arguments, report);
    if (!arguments.check && ConfHistory(startup.stateDir(), startup.confDir()).recover())
    {
        std::cerr << "note: " << startup.confDir() << ": put back to what was in force when a change "
                                                      "of it was interrupted\n";
        return start(arguments, argv);
    }
    startup.reportUnclaimed(report);
    if (arguments.check)
    {
        startup.plugins(report);
        checkCertificates(startup.kernel().listeners, report);
        if (!tell(report)) return 1;
        std::cout << "the configuration is fine\n";
        return 0;
    }
    if (!tell(report))
    {
        // All at once: who corrects the kernel's file corrects the plugins', too.
        ConfigReport ofPlugins;
        startup.plugins(ofPlugins);
        tell(ofPlugins);
        return 1;
    }

    Readiness readiness;
    if (startup.kernel().daemon) readiness.goToBackground();
    Signals signals; // before the first thread, which inherits the mask
    startLogging(startup.kernel().log, startup.stateDir());
    Ending ending = Ending::Stop;
    try
    {
        ending = serve(startup, readiness, signals);
    }
    catch (...)
    {
        stopLogging();
        throw;
    }
    stopLogging();
    if (ending == Ending::Stop) return 0;
    ::execv("/proc/self/exe", argv);
    throw Poco::SystemException("cannot start anew", errno);
}

/// `nanomq stop`, `restart` and `reload`: told to the broker that runs.
int tellRunning(const BrokerArguments& arguments, const std::string& command)
{
    constexpr std::chrono::seconds kDeadline{30};
    ControlClient client(arguments.controlPath.value_or(defaultControlPath()), kDeadline);
    const ControlResult result = client.call(command, new Poco::JSON::Object, kDeadline);
    if (!result)
    {
        std::cerr << "nanomq: " << result.error().message << '\n';
        return 1;
    }
    return 0;
}

int run(int argc, char** argv)
{
    const auto parsed = parseBrokerArguments(std::vector<std::string>(argv + 1, argv + argc),
                                             Overrides::processEnvironment());
    if (!parsed)
    {
        std::cerr << "nanomq: " << parsed.error().message << "\n";
        return 2;
    }
    const BrokerArguments& arguments = *parsed;
    if (arguments.probeFile) return probePlugin(arguments.probeFile->c_str());
    if (arguments.sandboxLimits) return runSandbox(*arguments.sandboxLimits);
    if (arguments.inspectFile) return inspectPluginFile(*arguments.inspectFile, std::cout);
    if (arguments.help) return std::cout << brokerHelp(), 0;
    if (arguments.version) return std::cout << "nanomq " NANOMQ_VERSION "\n", 0;
    switch (arguments.verb)
    {
    case BrokerArguments::Verb::Start: return start(arguments, argv);
    case BrokerArguments::Verb::Stop: return tellRunning(arguments, "stop");
    case BrokerArguments::Verb::Restart: return tellRunning(arguments, "restart");
    case BrokerArguments::Verb::Reload: return tellRunning(arguments, "reload");
    }
    return 2;
}

} // namespace

} // namespace nanomq

int main(int argc, char** argv)
{
    try
    {
        return nanomq::run(argc, argv);
    }
    catch (const Poco::Exception& error)
    {
        std::cerr << "nanomq: " << error.displayText() << '\n';
    }
    catch (const std::exception& error)
    {
        std::cerr << "nanomq: " << error.what() << '\n';
    }
    return 1;
}
