#include "app/Startup.h"

#include "control/ControlPath.h"

#include <Poco/File.h>
#include <Poco/Path.h>

#include <filesystem>

namespace nanomq
{

namespace
{

/// Where an installed broker, or one in its build tree, has its plugins: beside its own folder.
std::string defaultPluginDir()
{
    std::error_code unreadable;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", unreadable);
    const auto prefix = self.parent_path().parent_path();
    const auto installed = prefix / "lib" / "nanomq" / "plugins";
    return std::filesystem::exists(installed, unreadable) ? installed.string()
                                                          : (prefix / "plugins").string();
}

ConfigFile kernelFile(const BrokerArguments& arguments, const std::string& confDir,
                      ConfigReport& report)
{
    if (arguments.confFile) return ConfigFile::read(*arguments.confFile, report);
    return ConfDir(confDir, report).kernelFile(report);
}

} // namespace

Startup::Startup(const BrokerArguments& arguments, ConfigReport& report)
    : _overrides(Overrides::processEnvironment(), arguments.settings),
      _confDir(arguments.confDir.value_or("/etc/nanomq/conf.d")),
      _stateDir(arguments.stateDir.value_or(defaultStateDir())),
      _controlPath(arguments.controlPath.value_or(defaultControlPath()))
{
    // A broker that nobody has configured starts with the defaults.
    const bool configured = arguments.confDir || arguments.confFile || Poco::File(_confDir).exists();
    const Schema schema = kernelSchema();
    const ConfigFile file = configured ? kernelFile(arguments, _confDir, report)
                                       : ConfigFile::parse("nanomq.conf", "", report);
    const auto configuration = Configuration::load(file, schema, _overrides, report);
    _kernel = KernelConfig::load(configuration, report.errors);
    _pluginDir = _kernel.pluginDir.empty() ? defaultPluginDir() : _kernel.pluginDir;
}

BrokerSettings Startup::brokerSettings() const noexcept
{
    BrokerSettings settings;
    settings.workers = _kernel.workers;
    settings.allowAnonymous = _kernel.allowAnonymous.value_or(true);
    settings.maximumPacketSize = _kernel.clientMaxPacketSizeBytes;
    settings.receiveMaximum = _kernel.receiveMaximum;
    settings.topicAliasMaximum = _kernel.topicAliasMaximum;
    settings.inflightWindow = _kernel.maxInflightWindow;
    settings.maximumTopicLevels = _kernel.maxTopicLevels;
    settings.maximumSessionExpiry = _kernel.maxSessionExpirySeconds;
    settings.keepAliveFactorPermille = _kernel.keepAliveFactorThousandths;
    settings.connectTimeout = _kernel.connectTimeout;
    settings.maximumConnections = _kernel.maxConnections;
    settings.queue = {_kernel.sessionQueueMessages, _kernel.sessionQueueBytes};
    settings.maximumUnsent = _kernel.connectionOutputBytes;
    settings.retainedMessages = _kernel.retainedMaxCount;
    settings.retainedBytes = _kernel.retainedMaxBytes;
    return settings;
}

} // namespace nanomq
