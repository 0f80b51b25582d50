#include "Settings.h"

#include <Poco/Exception.h>

#include <charconv>
#include <string>
#include <string_view>

namespace sys_topics
{

namespace sdk = nanomq::sdk;

namespace
{

constexpr std::chrono::milliseconds kShortest{100};
constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24);

struct Unit
{
    std::string_view name;
    std::int64_t milliseconds;
};
constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}};

[[noreturn]] void refuse(sdk::Config& config, const char* key, std::string_view expected)
{
    throw Poco::InvalidArgumentException(std::string(config.where(key).view()) + ": " + key +
                                         ": expected " + std::string(expected));
}

std::chrono::milliseconds intervalOf(sdk::Config& config, std::string_view text)
{
    std::int64_t amount = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
    const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
    for (const auto& known : kUnits)
    {
        if (error != std::errc() || unit != known.name || amount < 0) continue;
        if (amount > kLongest.count() / known.milliseconds) break;
        const std::chrono::milliseconds result(amount * known.milliseconds);
        if (result.count() == 0 || result >= kShortest) return result;
    }
    refuse(config, "sys.interval", "0s, or a duration of 100ms to 24h");
}

} // namespace

Settings Settings::read(sdk::Config& config)
{
    Settings settings;
    sdk::Str value;
    if (config.text("sys.interval", &value)) settings.interval = intervalOf(config, value.view());
    if (config.text("sys.presence", &value))
    {
        const std::string_view word = value.view();
        if (word != "off" && word != "connected" && word != "client_status" && word != "both")
            refuse(config, "sys.presence", "off, connected, client_status or both");
        settings.tellsConnected = word == "connected" || word == "both";
        settings.tellsStatus = word == "client_status" || word == "both";
    }
    return settings;
}

} // namespace sys_topics
