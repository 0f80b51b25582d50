#include "config/KernelConfig.h"

#include <algorithm>
#include <limits>
#include <thread>
#include <utility>

namespace nanomq
{

namespace
{

constexpr unsigned kMaximumAutomaticWorkers = 8;

unsigned workers(std::int64_t configured)
{
    if (configured > 0) return static_cast<unsigned>(configured);
    return std::clamp(std::thread::hardware_concurrency(), 1U, kMaximumAutomaticWorkers);
}

std::uint32_t expirySeconds(std::chrono::milliseconds duration)
{
    if (duration == kUnlimitedDuration) return std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

/// "info" and "warn" are NanoMQ's names of what Poco calls otherwise.
std::string pocoLevel(std::string level)
{
    if (level == "info") return "information";
    if (level == "warn") return "warning";
    return level;
}

KernelConfig::SystemReaders systemReadersOf(const std::string& word)
{
    if (word == "nobody") return KernelConfig::SystemReaders::Nobody;
    if (word == "everybody") return KernelConfig::SystemReaders::Everybody;
    return KernelConfig::SystemReaders::Loopback;
}

LogConfig logConfig(const Settings& settings)
{
    LogConfig log;
    const std::vector<std::string> channels = settings.list("log.to");
    const auto goesTo = [&channels](const char* channel) {
        return std::find(channels.begin(), channels.end(), channel) != channels.end();
    };
    log.toFile = goesTo("file");
    log.toConsole = goesTo("console");
    log.toSyslog = goesTo("syslog");
    log.level = pocoLevel(settings.text("log.level"));
    log.dir = settings.text("log.dir");
    log.file = settings.text("log.file");
    log.rotationSizeBytes = settings.size("log.rotation.size");
    log.rotationCount = static_cast<unsigned>(settings.integer("log.rotation.count"));
    return log;
}

PluginCareConfig pluginCare(const Settings& settings)
{
    PluginCareConfig care;
    care.watchFolders = settings.boolean("plugin.watch");
    care.ignoresMissing = settings.text("plugin.missing") == "ignore";
    care.reportAfter = settings.duration("watchdog.report_after");
    care.abortAfter = settings.duration("watchdog.abort_after");
    care.breakerFailures = static_cast<std::uint64_t>(settings.integer("breaker.failures"));
    care.breakerSharePercent = static_cast<unsigned>(settings.integer("breaker.share"));
    care.breakerWindow = settings.duration("breaker.window");
    care.breakerPause = settings.duration("breaker.pause");
    return care;
}

AutoBanConfig autoBan(const Settings& settings, const std::string& prefix)
{
    return {static_cast<unsigned>(settings.integer(prefix + "count")),
            settings.duration(prefix + "window"), settings.duration(prefix + "duration")};
}

/// The listeners that are set, or where a broker listens that nobody has told.
std::vector<ListenerConfig> listeners(const Configuration& configuration, const Settings& settings,
                                      std::vector<ConfigError>& errors)
{
    const std::size_t before = errors.size();
    auto listeners = readListeners(configuration, settings, errors);
    if (!listeners.empty() || errors.size() > before) return listeners;
    ListenerConfig standard;
    standard.name = "url";
    standard.url = *parseListenerUrl("nmq-tcp://127.0.0.1:1883");
    standard.where = configuration.where("url");
    standard.limits = readClientLimits(settings, {});
    listeners.push_back(std::move(standard));
    return listeners;
}

} // namespace

KernelConfig KernelConfig::load(const Configuration& configuration,
                                std::vector<ConfigError>& errors)
{
    const Schema schema = kernelSchema();
    const Settings settings(configuration, schema);
    KernelConfig config;

    config.listeners = nanomq::listeners(configuration, settings, errors);
    if (settings.isSet("allow_anonymous"))
        config.allowAnonymous = settings.boolean("allow_anonymous");
    config.systemReaders = systemReadersOf(settings.text("sys.readable_by"));
    config.maxConnections = static_cast<unsigned>(settings.integer("max_connections"));
    config.connectTimeout = settings.duration("connect_timeout");

    config.maxPacketSizeBytes = static_cast<std::uint32_t>(settings.size("max_packet_size"));
    config.clientMaxPacketSizeBytes = config.maxPacketSizeBytes;
    if (settings.isSet("client_max_packet_size"))
        config.clientMaxPacketSizeBytes =
            std::min(config.maxPacketSizeBytes,
                     static_cast<std::uint32_t>(settings.size("client_max_packet_size")));
    config.keepAliveFactorThousandths =
        static_cast<unsigned>(settings.integer("keepalive_backoff"));
    config.keepAliveMaximumSeconds =
        static_cast<std::uint16_t>(expirySeconds(settings.duration("keepalive_maximum")));
    config.maximumQoS = static_cast<unsigned>(settings.integer("maximum_qos"));
    config.retainAvailable = settings.boolean("retain_available");
    config.responseInformation = settings.text("response_information");
    config.receiveMaximum = static_cast<std::uint16_t>(settings.integer("receive_maximum"));
    config.maxInflightWindow = static_cast<std::uint16_t>(settings.integer("max_inflight_window"));
    config.topicAliasMaximum = static_cast<std::uint16_t>(settings.integer("topic_alias_maximum"));
    config.maxTopicLevels = static_cast<unsigned>(settings.integer("max_topic_levels"));
    config.maxSessionExpirySeconds = expirySeconds(settings.duration("max_session_expiry"));

    config.sessionQueueMessages = static_cast<std::size_t>(settings.integer("msq_len"));
    config.sessionQueueBytes = settings.size("session.queue.max_bytes");
    config.connectionOutputBytes = settings.size("connection.output.max_bytes");
    config.retainedMaxCount = static_cast<std::size_t>(settings.integer("retained.max_count"));
    config.retainedMaxBytes = settings.size("retained.max_bytes");

    config.connectMemoryBytes = settings.size("limit.connect_memory");
    config.memoryLimitBytes = settings.size("memory.limit");
    config.failedLogins = autoBan(settings, "ban.failed_logins.");
    config.flapping = autoBan(settings, "ban.flapping.");

    config.workers = nanomq::workers(settings.integer("num_taskq_thread"));
    config.daemon = settings.boolean("daemon");
    config.pluginDir = settings.text("plugin_dir");
    config.plugins = pluginCare(settings);
    config.log = logConfig(settings);

    if (auto refused = checkAnonymous(config)) errors.push_back(std::move(*refused));
    return config;
}

std::optional<ConfigError> checkAnonymous(const KernelConfig& config)
{
    if (config.allowAnonymous) return {};
    for (const ListenerConfig& listener : config.listeners)
    {
        if (listener.url.isLoopback() || listener.allowAnonymous) continue;
        if (listener.tls.requirePeerCertificate) continue; // nobody without one comes in
        return ConfigError{
            listener.where, "allow_anonymous",
            "the listener " + listener.url.text() +
                " can be reached from beyond this machine and would let anybody in; write "
                "'allow_anonymous = true' to have it so, or 'allow_anonymous = false'"};
    }
    return {};
}

} // namespace nanomq
