#include "app/Startup.h"

#include "app/MachineMemory.h"
#include "config/ConfigEdit.h"
#include "config/SchemaSection.h"
#include "control/ControlPath.h"
#include "plugin/PluginSwitches.h"

#include <Poco/Exception.h>
#include <Poco/File.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <sstream>

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

constexpr const char* kInstalledConfDir = "/etc/nanomq/conf.d";

ConfigFile kernelFile(const BrokerArguments& arguments, const std::string& confDir,
                      ConfigReport& report)
{
    if (arguments.confFile) return ConfigFile::read(*arguments.confFile, report);
    // A broker that nobody has configured starts with the defaults.
    if (!arguments.confDir && !Poco::File(confDir).exists()) return ConfigFile("nanomq.conf");
    return ConfDir(confDir, report).kernelFile(report);
}

Schema schemaOf(const std::string& plugin, const std::string& library, bool present)
{
    const auto json = present ? readSchemaSection(library) : std::nullopt;
    return json ? Schema::fromJson(plugin, *json) : Schema::openFor(plugin);
}

SystemReaders systemReaders(KernelConfig::SystemReaders readers) noexcept
{
    switch (readers)
    {
    case KernelConfig::SystemReaders::Nobody: return SystemReaders::Nobody;
    case KernelConfig::SystemReaders::Everybody: return SystemReaders::Everybody;
    case KernelConfig::SystemReaders::Loopback: break;
    }
    return SystemReaders::Loopback;
}

/// Without a library there is no schema that would say what holds when the switch is absent.
bool isOn(const std::string& plugin, const Configuration& configuration, const Schema& schema,
          bool present)
{
    if (present) return isSwitchedOn(configuration, schema);
    const auto own = PluginSwitch::of(plugin);
    const auto text = configuration.text(own.key);
    const auto value = text ? parseBoolean(*text) : ConfigValue<bool>(own.whenAbsent);
    return !value || *value;
}

} // namespace

Startup::Startup(const BrokerArguments& arguments, ConfigReport& report)
    : _arguments(arguments),
      _overrides(Overrides::processEnvironment(), arguments.settings),
      _confDir(arguments.confDir.value_or(kInstalledConfDir)),
      _stateDir(arguments.stateDir.value_or(defaultStateDir())),
      _controlPath(arguments.controlPath.value_or(defaultControlPath())),
      _schema(kernelSchema()),
      _configuration(Configuration::load(kernelFile(arguments, _confDir, report), _schema,
                                         _overrides, report)),
      _kernel(KernelConfig::load(_configuration, report.errors))
{
    _pluginDir = _kernel.pluginDir.empty() ? defaultPluginDir() : _kernel.pluginDir;
}

std::vector<Startup::Plugin> Startup::plugins(ConfigReport& report) const
{
    std::vector<Plugin> plugins;
    const ConfDir folder(_confDir, report);
    for (const auto& file : folder.plugins())
    {
        const std::string library = libraryOf(file.name);
        const bool present = Poco::File(library).exists();
        Plugin plugin{file.name, file.path, false, {}, {}};
        try
        {
            plugin.schema = schemaOf(file.name, library, present);
            plugin.configuration = Configuration::load(ConfigFile::read(file.path, report),
                                                       *plugin.schema, _overrides, report);
            plugin.on = isOn(file.name, *plugin.configuration, *plugin.schema, present);
            if (plugin.on && !present)
                report.errors.push_back({file.path, "", "there is no library " + library});
        }
        catch (const Poco::Exception& error)
        {
            report.errors.push_back({library, "", error.displayText()});
        }
        plugins.push_back(std::move(plugin));
    }
    return plugins;
}

void Startup::reportUnclaimed(ConfigReport& report) const
{
    std::deque<Schema> schemas{_schema}; // they stay in place
    ConfigReport toldElsewhere;
    const ConfDir folder(_confDir, toldElsewhere);
    for (const auto& file : folder.plugins())
    {
        const std::string library = libraryOf(file.name);
        try
        {
            schemas.push_back(schemaOf(file.name, library, Poco::File(library).exists()));
        }
        catch (const Poco::Exception&)
        {
            schemas.push_back(Schema::openFor(file.name)); // told by plugins()
        }
    }
    std::vector<const Schema*> all;
    for (const auto& schema : schemas) all.push_back(&schema);
    _overrides.reportUnclaimed(all, report);
}

void Startup::configure(const std::string& plugin,
                        const std::vector<std::pair<std::string, std::string>>& settings,
                        ConfigReport& report) const
{
    if (!plugin.empty() && !isPluginName(plugin))
        return report.errors.push_back({plugin, "", "is no plugin's name"});
    const bool ofKernel = plugin.empty();
    const std::string path = ofKernel && _arguments.confFile
                                 ? *_arguments.confFile
                                 : _confDir + "/" + (ofKernel ? "nanomq" : plugin) + ".conf";
    std::ostringstream before;
    if (std::ifstream file(path); file) before << file.rdbuf();
    std::string text = std::move(before).str();
    for (const auto& [key, value] : settings) text = withSetting(text, key, value);

    const ConfigFile file = ConfigFile::parse(path, text, report);
    const std::string library = libraryOf(plugin);
    const Schema schema =
        ofKernel ? kernelSchema() : schemaOf(plugin, library, Poco::File(library).exists());
    const auto configuration = Configuration::load(file, schema, _overrides, report);
    if (ofKernel) KernelConfig::load(configuration, report.errors);
    if (report.ok()) replaceFile(path, text);
}

std::vector<std::string> Startup::changedKeys(const Startup& before) const
{
    std::vector<std::string> keys;
    const auto compare = [&keys](const Configuration& with, const Configuration& without) {
        for (const auto& item : with.items())
            if (without.text(item.key) != item.value && std::find(keys.begin(), keys.end(), item.key) == keys.end())
                keys.push_back(item.key);
    };
    compare(_configuration, before._configuration);
    compare(before._configuration, _configuration);
    return keys;
}

BrokerSettings Startup::brokerSettings() const
{
    BrokerSettings settings;
    settings.workers = _kernel.workers;
    settings.allowAnonymous = _kernel.allowAnonymous;
    settings.systemReaders = systemReaders(_kernel.systemReaders);
    settings.maximumPacketSize = _kernel.clientMaxPacketSizeBytes;
    settings.receiveMaximum = _kernel.receiveMaximum;
    settings.topicAliasMaximum = _kernel.topicAliasMaximum;
    settings.inflightWindow = _kernel.maxInflightWindow;
    settings.maximumTopicLevels = _kernel.maxTopicLevels;
    settings.maximumSessionExpiry = _kernel.maxSessionExpirySeconds;
    settings.keepAliveFactorPermille = _kernel.keepAliveFactorThousandths;
    settings.keepAliveMaximum = _kernel.keepAliveMaximumSeconds;
    settings.maximumQoS = static_cast<QoS>(_kernel.maximumQoS);
    settings.retainAvailable = _kernel.retainAvailable;
    settings.responseInformation = _kernel.responseInformation;
    settings.connectTimeout = _kernel.connectTimeout;
    settings.maximumConnections = _kernel.maxConnections;
    settings.queue = {_kernel.sessionQueueMessages, _kernel.sessionQueueBytes};
    settings.maximumUnsent = _kernel.connectionOutputBytes;
    settings.retainedMessages = _kernel.retainedMaxCount;
    settings.retainedBytes = _kernel.retainedMaxBytes;
    settings.connectMemory = _kernel.connectMemoryBytes;
    settings.memoryLimit =
        _kernel.memoryLimitBytes > 0 ? _kernel.memoryLimitBytes : shareOfMachineMemory();
    settings.failedLogins = {_kernel.failedLogins.count, _kernel.failedLogins.window,
                             _kernel.failedLogins.duration};
    settings.flapping = {_kernel.flapping.count, _kernel.flapping.window,
                         _kernel.flapping.duration};
    return settings;
}

} // namespace nanomq
