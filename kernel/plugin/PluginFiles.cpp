#include "plugin/PluginFiles.h"

#include "config/ConfDir.h"
#include "config/SchemaSection.h"
#include "plugin/PluginSwitches.h"

#include <Poco/Exception.h>

#include <algorithm>
#include <filesystem>
#include <sys/stat.h>
#include <utility>

namespace nanomq
{

namespace fs = std::filesystem;

namespace
{

std::string texts(const std::vector<ConfigError>& errors)
{
    std::string all;
    for (const auto& error : errors) all += (all.empty() ? "" : "; ") + error.text();
    return all;
}

Schema schemaOf(const std::string& name, const std::string& library)
{
    const auto json = readSchemaSection(library);
    return json ? Schema::fromJson(name, *json) : Schema::openFor(name);
}

std::optional<PluginFiles::Mark> markOf(const std::string& path)
{
    struct stat status = {};
    if (::stat(path.c_str(), &status) != 0) return std::nullopt;
    const auto ns = [](const timespec& time) {
        return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
    };
    return PluginFiles::Mark{status.st_dev, status.st_ino,
                             static_cast<std::uint64_t>(status.st_size), ns(status.st_mtim),
                             ns(status.st_ctim)};
}

} // namespace

PluginFiles::PluginFiles(std::string pluginDir, std::string confDir, Overrides overrides)
    : _pluginDir(std::move(pluginDir)),
      _confDir(std::move(confDir)),
      _overrides(std::move(overrides))
{
}

std::string PluginFiles::libraryOf(const std::string& name) const
{
    return (fs::path(_pluginDir) / (name + std::string(kLibraryEnding))).string();
}

std::string PluginFiles::confFileOf(const std::string& name) const
{
    return (fs::path(_confDir) / (name + std::string(kConfEnding))).string();
}

PluginFiles::Marks PluginFiles::marksOf(const std::string& name) const
{
    return {markOf(libraryOf(name)), markOf(confFileOf(name))};
}

std::vector<std::string> PluginFiles::libraries() const
{
    std::vector<std::string> names;
    std::error_code unreadable;
    for (const auto& entry : fs::directory_iterator(_pluginDir, unreadable))
    {
        std::string name = entry.path().stem();
        if (entry.path().extension() == kLibraryEnding && isPluginName(name))
            names.push_back(std::move(name));
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<std::string> PluginFiles::configured(ConfigReport& report) const
{
    std::vector<std::string> names;
    const ConfDir folder(_confDir, report);
    for (const auto& file : folder.plugins()) names.push_back(file.name);
    return names;
}

Result<Configuration, std::string> PluginFiles::read(const std::string& name,
                                                     const std::string& library,
                                                     std::vector<ConfigError>& notes) const
{
    const std::string path = confFileOf(name);
    try
    {
        ConfigReport report;
        const Schema schema = schemaOf(name, library);
        const ConfigFile file =
            fs::exists(path) ? ConfigFile::read(path, report) : ConfigFile(path);
        auto configuration = Configuration::load(file, schema, _overrides, report);
        notes = std::move(report.notes);
        if (!report.ok()) return texts(report.errors);
        return configuration;
    }
    catch (const Poco::Exception& error)
    {
        return error.displayText();
    }
}

std::optional<sandbox::SandboxedPlugin::Settings>
PluginFiles::sandboxOf(const std::string& name, const std::string& library) const
{
    std::vector<ConfigError> notes;
    const auto configuration = read(name, library, notes);
    if (!configuration) return std::nullopt;
    const Schema schema = schemaOf(name, library);
    const Settings settings(*configuration, schema);
    if (!settings.boolean(name + ".sandbox")) return std::nullopt;
    sandbox::SandboxedPlugin::Settings sandbox{};
    sandbox.limits.memoryBytes = settings.size(name + ".sandbox.memory");
    sandbox.limits.network = settings.boolean(name + ".sandbox.network");
    sandbox.deadline = settings.duration(name + ".sandbox.deadline");
    return sandbox;
}

std::optional<std::string> PluginFiles::switchedOff(const std::string& name) const
{
    const std::string library = libraryOf(name);
    const bool present = fs::exists(library);
    const PluginSwitch own = PluginSwitch::of(name);
    ConfigReport report;
    const ConfigFile file = ConfigFile::read(confFileOf(name), report);
    if (present)
    {
        try
        {
            if (const auto json = readSchemaSection(library))
            {
                const Schema schema = Schema::fromJson(name, *json);
                ConfigReport unused;
                const auto configuration = Configuration::load(file, schema, _overrides, unused);
                if (isSwitchedOn(configuration, schema)) return std::nullopt;
                return std::string();
            }
        }
        catch (const Poco::Exception&)
        {
            return std::nullopt;
        }
    }
    ConfigReport unused;
    const Schema schema = Schema::openFor(name);
    const auto configuration = Configuration::load(file, schema, _overrides, unused);
    const auto text = configuration.text(own.key);
    const auto value = text ? parseBoolean(*text) : ConfigValue<bool>(own.whenAbsent);
    const bool on = !value || *value;
    if (!on) return std::string();
    if (present) return std::nullopt;
    return configuration.where(own.key) + ": " + own.key + " switches the plugin " + name +
           " on, but there is no library " + library;
}

} // namespace nanomq
