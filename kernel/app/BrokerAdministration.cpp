#include "app/BrokerAdministration.h"

#include "app/Logging.h"
#include "config/ConfigEdit.h"

#include <Poco/Exception.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <unistd.h>
#include <utility>

namespace nanomq
{

namespace
{

constexpr std::uint32_t kMaximumSettings = 1'000;

bool isOneLine(std::string_view text) noexcept
{
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; });
}

} // namespace

BrokerAdministration::BrokerAdministration(Broker& broker, const Startup& startup, Action stop,
                                           Action restart)
    : _broker(broker),
      _startup(startup),
      _stop(std::move(stop)),
      _restart(std::move(restart))
{
}

sdk::Status BrokerAdministration::info(Info* info)
{
    info->size = sizeof *info;
    info->workers = _broker.workers();
    info->startedAtMs = static_cast<std::uint64_t>(_startedAt);
    info->processId = static_cast<std::uint64_t>(::getpid());
    info->version = NANOMQ_VERSION;
    return 0;
}

sdk::Status BrokerAdministration::stop()
{
    _stop();
    return 0;
}

sdk::Status BrokerAdministration::restart()
{
    _restart();
    return 0;
}

sdk::Status BrokerAdministration::configure(sdk::Str plugin, const Setting* settings,
                                            std::uint32_t count, Text* problem)
{
    const auto refuse = [problem](const std::string& why) {
        problem->text(why);
        return -EINVAL;
    };
    if (count > kMaximumSettings) return refuse("too many settings at once");
    std::vector<std::pair<std::string, std::string>> changes;
    for (std::uint32_t i = 0; i < count; ++i)
    {
        changes.emplace_back(settings[i].key.view(), settings[i].value.view());
        if (!isOneLine(changes.back().first) || !isOneLine(changes.back().second))
            return refuse(changes.back().first + ": a value cannot go over a line's end");
    }
    try
    {
        std::lock_guard lock(_writing);
        ConfigReport report;
        _startup.configure(std::string(plugin.view()), changes, report);
        if (report.ok()) return 0;
        std::string all;
        for (const auto& error : report.errors) all += (all.empty() ? "" : "; ") + error.text();
        return refuse(all);
    }
    catch (const Poco::Exception& error)
    {
        problem->text(error.displayText());
        return -EIO;
    }
}

sdk::Status BrokerAdministration::settings(SettingVisitor* visitor)
{
    const Configuration& configuration = _startup.configuration();
    for (const auto& key : _startup.schema().keys())
    {
        if (key.isPattern() || key.use == KeyUse::Unused || key.use == KeyUse::Elsewhere) continue;
        const auto set = configuration.text(key.key);
        const std::string_view value = set ? *set : std::string_view(key.defaultText);
        visitor->setting(key.key, key.secret ? std::string_view() : value,
                         configuration.where(key.key), key.secret);
    }
    for (const auto& item : configuration.items())
    {
        const SchemaKey* const key = _startup.schema().find(item.key);
        if (key && key->isPattern())
            visitor->setting(item.key, key->secret ? std::string_view() : item.value, item.where,
                             key->secret);
    }
    return 0;
}

sdk::Status BrokerAdministration::setLogLevel(sdk::Str level)
{
    return nanomq::setLogLevel(std::string(level.view())) ? 0 : -EINVAL;
}

sdk::Str BrokerAdministration::logLevel()
{
    return nanomq::logLevel();
}

} // namespace nanomq
