#pragma once

#include "config/Configuration.h"
#include "config/ListenerConfig.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace nanomq
{

/// What conf.d/nanomq.conf may hold: the kernel's keys, and NanoMQ's that have no effect here.
Schema kernelSchema();

/// When the broker bans somebody by itself: ban.failed_logins.*, ban.flapping.*.
struct AutoBanConfig
{
    unsigned count = 0; // 0: never
    std::chrono::milliseconds window{};
    std::chrono::milliseconds duration{};
};

struct LogConfig
{
    bool toFile = false;
    bool toConsole = true;
    bool toSyslog = false;
    std::string level; // Poco's: fatal critical error warning notice information debug trace
    std::string dir;   // empty: the folder of the broker's state
    std::string file;
    std::uint64_t rotationSizeBytes = 0;
    unsigned rotationCount = 0;
};

/// How plugins are looked after.
struct PluginCareConfig
{
    bool watchFolders = true;
    bool ignoresMissing = false; // plugin.missing = ignore
    std::chrono::milliseconds reportAfter{};
    std::chrono::milliseconds abortAfter{}; // 0: never
    std::uint64_t breakerFailures = 0;      // 0: no breaker
    unsigned breakerSharePercent = 0;
    std::chrono::milliseconds breakerWindow{};
    std::chrono::milliseconds breakerPause{};
};

/// The kernel's settings, with their units and defaults. Keys and texts: conf.d/nanomq.conf.
struct KernelConfig
{
    std::vector<ListenerConfig> listeners; // at least one
    std::optional<bool> allowAnonymous;    // nothing: not written out, which means true
    enum class SystemReaders : std::uint8_t
    {
        Nobody,
        Loopback,
        Everybody,
    };
    SystemReaders systemReaders = SystemReaders::Loopback; // sys.readable_by

    unsigned workers = 1;                       // num_taskq_thread, resolved: at least 1
    unsigned maxConnections = 0;                // 0: no limit
    std::chrono::milliseconds connectTimeout{}; // from accepting to a whole CONNECT
    std::uint32_t maxPacketSizeBytes = 0;       // max_packet_size: of any packet, either way
    std::uint32_t clientMaxPacketSizeBytes = 0; // taken from a client; at most the former
    unsigned keepAliveFactorThousandths = 1500; // of Keep Alive, after which a client is gone
    std::uint16_t keepAliveMaximumSeconds = 0;  // of 5.0 clients; 0: no limit
    unsigned maximumQoS = 2;                    // of what clients publish
    bool retainAvailable = true;
    std::string responseInformation;            // what it begins with; empty: none
    std::uint16_t receiveMaximum = 0;           // announced to 5.0 clients (§3.2.2.3.3)
    std::uint16_t topicAliasMaximum = 0;        // announced (§3.2.2.3.8); 0: no aliases
    std::uint16_t maxInflightWindow = 0;        // towards 3.x clients, and at most towards 5.0 ones
    unsigned maxTopicLevels = 0;
    std::uint32_t maxSessionExpirySeconds = 0xFFFFFFFF; // the highest that is granted

    std::size_t sessionQueueMessages = 0;  // msq_len
    std::size_t sessionQueueBytes = 0;     // session.queue.max_bytes
    std::size_t connectionOutputBytes = 0; // connection.output.max_bytes
    std::size_t retainedMaxCount = 0;      // 0: no limit
    std::size_t retainedMaxBytes = 0;      // 0: no limit
    std::size_t connectMemoryBytes = 0;    // limit.connect_memory; 0: no limit
    std::size_t memoryLimitBytes = 0;      // memory.limit; 0: a share of the machine's
    AutoBanConfig failedLogins;
    AutoBanConfig flapping;

    PluginCareConfig plugins;
    LogConfig log;
    bool daemon = false;
    std::string pluginDir; // empty: not set

    /// Reads the settings; what is wrong beyond single values is added to `errors`: listener
    /// URLs, the same address twice, the rule of checkAnonymous().
    static KernelConfig load(const Configuration& configuration, std::vector<ConfigError>& errors);
};

/// The rule about strangers: a listener beyond loopback that lets anonymous clients in needs
/// allow_anonymous = true written out. Nothing when it is kept, else the sentence that says so.
std::optional<ConfigError> checkAnonymous(const KernelConfig& config);

} // namespace nanomq
