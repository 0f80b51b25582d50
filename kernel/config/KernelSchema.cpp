#include "config/KernelConfig.h"

#include <initializer_list>
#include <utility>

namespace nanomq
{

namespace
{

constexpr std::int64_t kSecond = 1'000;
constexpr std::int64_t kDay = 86'400 * kSecond;
constexpr std::int64_t kKilobyte = 1'024;
constexpr std::int64_t kMegabyte = 1'024 * kKilobyte;
constexpr std::int64_t kGigabyte = 1'024 * kMegabyte;
constexpr std::int64_t kTerabyte = 1'024 * kGigabyte;

SchemaKey text(const char* name, const char* standard, const char* description)
{
    SchemaKey key;
    key.key = name;
    key.defaultText = standard;
    key.description = description;
    return key;
}

SchemaKey boolean(const char* name, const char* standard, const char* description)
{
    SchemaKey key = text(name, standard, description);
    key.type = ConfigType::Boolean;
    return key;
}

SchemaKey ranged(ConfigType type, const char* name, const char* standard, std::int64_t minimum,
                 std::int64_t maximum, const char* description)
{
    SchemaKey key = text(name, standard, description);
    key.type = type;
    key.minimum = minimum;
    key.maximum = maximum;
    return key;
}

SchemaKey integer(const char* name, const char* standard, std::int64_t minimum,
                  std::int64_t maximum, const char* description)
{
    return ranged(ConfigType::Integer, name, standard, minimum, maximum, description);
}

SchemaKey size(const char* name, const char* standard, std::int64_t minimum, std::int64_t maximum,
               const char* unit, const char* description)
{
    SchemaKey key = ranged(ConfigType::Size, name, standard, minimum, maximum, description);
    key.unit = unit;
    return key;
}

SchemaKey duration(const char* name, const char* standard, std::int64_t minimum,
                   std::int64_t maximum, const char* description)
{
    return ranged(ConfigType::Duration, name, standard, minimum, maximum, description);
}

SchemaKey words(ConfigType type, const char* name, const char* standard,
                std::initializer_list<const char*> choices, const char* description)
{
    SchemaKey key = text(name, standard, description);
    key.type = type;
    key.choices.assign(choices.begin(), choices.end());
    return key;
}

SchemaKey but(KeyUse use, SchemaKey key, std::string note)
{
    key.use = use;
    key.note = std::move(note);
    return key;
}

/// The keys of TLS, for all listeners or for one.
void addTls(std::vector<SchemaKey>& keys, const std::string& prefix)
{
    const auto add = [&](const char* name, SchemaKey key) {
        key.key = prefix + name;
        keys.push_back(std::move(key));
    };
    const auto list = [](const char* description) {
        return ranged(ConfigType::List, "", "", 0, 0, description);
    };
    add("certfile", list("PEM files of certificates with their chains; a client that names a host "
                         "gets the first that is for it, else the first of all."));
    add("keyfile", list("PEM files of their keys, in the same order."));
    add("key_password", text("", "", "The password of keys that are encrypted."));
    keys.back().secret = true;
    add("cacertfile", text("", "", "PEM file of the authorities that sign clients' certificates."));
    add("crlfile", text("", "", "PEM file of the revocation lists of these authorities."));
    add("verify_peer", boolean("", "false", "Whether clients are asked for a certificate."));
    add("fail_if_no_peer_cert", boolean("", "false", "Whether they must have one."));
    add("username_from",
        words(ConfigType::Choice, "", "none", {"none", "cn", "san"},
              "Where a client's user name comes from: CONNECT, or its certificate's common name or "
              "first alternative name."));
}

/// What clients may do, for all listeners or for one.
void addClientLimits(std::vector<SchemaKey>& keys, const std::string& prefix)
{
    const auto add = [&](const char* name, SchemaKey key) {
        key.key = prefix + name;
        keys.push_back(std::move(key));
    };
    add("topic_length", integer("", "65535", 1, 65'535, "Bytes that a topic may have."));
    add("user_properties", integer("", "256", 0, 1'000'000,
                                   "User Properties that a packet may have; 0: no limit."));
    add("filters_per_subscribe",
        integer("", "1024", 0, 1'000'000,
                "Topic Filters that one SUBSCRIBE may have, the others are refused; 0: no limit."));
    add("subscriptions", integer("", "0", 0, 10'000'000,
                                 "Subscriptions that a client may have; 0: no limit."));
    add("packet_rate", integer("", "0", 0, 1'000'000'000,
                               "Packets per second that are taken from a client; 0: no limit."));
    add("byte_rate", size("", "0", 0, kTerabyte, "B",
                          "Bytes per second that are taken from a client; 0: no limit."));
    add("slow_timeout", duration("", "30s", 0, kDay,
                                 "A client that takes no byte for so long, while some wait for it, "
                                 "is disconnected; 0s: never."));
    add("connections_per_address", integer("", "0", 0, 10'000'000,
                                           "Connections at a time from one address; 0: no limit."));
    add("connect_rate", integer("", "0", 0, 1'000'000,
                                "Connections per second that are accepted; 0: no limit."));
}

/// When the broker bans somebody by itself.
void addAutoBan(std::vector<SchemaKey>& keys, const std::string& prefix, const char* what)
{
    const auto add = [&](const char* name, SchemaKey key) {
        key.key = prefix + name;
        keys.push_back(std::move(key));
    };
    add("count", integer("", "0", 0, 1'000'000, what));
    add("window", duration("", "1m", kSecond, kDay, "Within so long."));
    add("duration", duration("", "5m", kSecond, 365 * kDay, "How long the ban lasts."));
}

void addListeners(std::vector<SchemaKey>& keys)
{
    keys.push_back(ranged(ConfigType::List, "url", "", 0, 0,
                          "Where to listen; several URLs stand between commas. Port 0 is any free "
                          "one. nmq-tcp://127.0.0.1:1883 when no listener is set."));
    keys.push_back(text("listener.*.url", "", "One more listener, by a name of your own."));
    keys.push_back(boolean("listener.*.allow_anonymous", "true",
                           "The same as allow_anonymous, for this listener."));
    keys.push_back(integer("listener.*.max_connections", "0", 0, 10'000'000,
                           "Connections at a time by this listener; 0: no limit of its own."));
    keys.push_back(text("listener.*.mount_point", "",
                        "What stands in front of all topics of its clients, without their seeing "
                        "it; empty: nothing."));
    keys.push_back(boolean("listener.*.proxy_protocol", "false",
                           "Whether a load balancer puts a PROXY header in front of each "
                           "connection; without one a connection is closed then."));
    keys.push_back(text("listener.*.path", "/mqtt", "Path of a WebSocket, instead of the URL's."));
    keys.push_back(text("listener.*.unix.mode", "0660", "Rights of a Unix socket's file, octal."));
    keys.push_back(text("listener.*.unix.owner", "", "Owner of that file; empty: the broker's."));
    keys.push_back(text("listener.*.unix.group", "", "Group of that file; empty: the broker's."));
    addClientLimits(keys, "listener.*.limit.");
    addTls(keys, "listener.*.tls.");
    addTls(keys, "tls.");
    keys.push_back(boolean("tls.enable", "false", "Whether to listen at tls.url, too."));
    keys.push_back(text("tls.url", "tls+nmq-tcp://0.0.0.0:8883", "Where, for TLS."));
    keys.push_back(
        boolean("websocket.enable", "false",
                "Whether to listen at websocket.url, too, and with tls.enable at websocket.tls_url."));
    keys.push_back(text("websocket.url", "nmq-ws://0.0.0.0:8083/mqtt", "Where, for WebSocket."));
    keys.push_back(text("websocket.tls_url", "nmq-wss://0.0.0.0:8084/mqtt",
                        "Where, for WebSocket over TLS."));
    keys.push_back(boolean("allow_anonymous", "true",
                           "Whether clients without a user name may connect. Must be written out "
                           "for a listener beyond loopback."));
    keys.push_back(words(ConfigType::Choice, "sys.readable_by", "loopback",
                         {"nobody", "loopback", "everybody"},
                         "Who may read topics below $SYS/, when no plugin decides: clients of this "
                         "machine, everybody who is let in, or nobody."));
    keys.push_back(integer("max_connections", "0", 0, 10'000'000,
                           "Connections at a time; 0: as many as there are descriptors."));
    keys.push_back(duration("connect_timeout", "10s", kSecond, 600 * kSecond,
                            "From accepting a connection to its whole CONNECT."));
}

void addProtocol(std::vector<SchemaKey>& keys)
{
    keys.push_back(size("max_packet_size", "10MB", 128, 256 * kMegabyte, "KB",
                        "The largest packet, either way. A number without a unit counts KB."));
    keys.push_back(size("client_max_packet_size", "", 128, 256 * kMegabyte, "KB",
                        "The largest packet taken from a client, if less than max_packet_size. A "
                        "number without a unit counts KB."));
    keys.push_back(integer("keepalive_backoff", "1500", 1'000, 1'500,
                           "A client is gone after this many thousandths of its Keep Alive; the "
                           "standard says 1500."));
    keys.push_back(duration("keepalive_maximum", "0s", 0, 65'535 * kSecond,
                            "The longest Keep Alive of a 5.0 client, which is told; 0s: any."));
    keys.push_back(integer("maximum_qos", "2", 0, 2, "The highest QoS that clients may publish."));
    keys.push_back(boolean("retain_available", "true",
                           "Whether clients may publish retained messages."));
    keys.push_back(text("response_information", "",
                        "What a 5.0 client that asks for Response Information is told to use for "
                        "its responses, with its Client Identifier behind it; empty: nothing."));
    keys.push_back(integer("receive_maximum", "4096", 1, 65'535,
                           "QoS 1 and 2 messages that a client may have under way to the broker."));
    keys.push_back(integer("max_inflight_window", "2048", 1, 65'535,
                           "QoS 1 and 2 messages under way to a client; a 5.0 client may ask for "
                           "fewer."));
    keys.push_back(integer("topic_alias_maximum", "64", 0, 65'535,
                           "Topic aliases that a 5.0 client may use; 0: none."));
    keys.push_back(integer("max_topic_levels", "128", 1, 128, "Levels that a topic may have."));
    keys.push_back(duration("max_session_expiry", "unlimited", 0, 0xFFFFFFFELL * kSecond,
                            "The longest that a session is kept without its client."));
    keys.back().unlimited = true;
}

void addLimits(std::vector<SchemaKey>& keys)
{
    keys.push_back(integer("msq_len", "20000", 1, 100'000'000,
                           "Messages that wait in a session for its client."));
    keys.push_back(size("session.queue.max_bytes", "16MB", 64 * kKilobyte, kTerabyte, "B",
                        "Bytes of these messages."));
    keys.push_back(size("connection.output.max_bytes", "4MB", 64 * kKilobyte, kTerabyte, "B",
                        "Bytes that wait for a client that reads slowly."));
    keys.push_back(
        integer("retained.max_count", "0", 0, 1'000'000'000, "Retained messages; 0: no limit."));
    keys.push_back(size("retained.max_bytes", "0", 0, kTerabyte, "B",
                        "Bytes of retained messages; 0: no limit."));
    addClientLimits(keys, "limit.");
    keys.push_back(size("limit.connect_memory", "16MB", 0, kTerabyte, "B",
                        "Memory of all connections that are not let in yet; 0: no limit."));
    keys.push_back(size("memory.limit", "0", 0, kTerabyte, "B",
                        "Memory of messages, sessions and subscriptions; 0: three quarters of what "
                        "the machine has, or the container."));
    addAutoBan(keys, "ban.failed_logins.",
               "Failed logins from one address after which it is banned; 0: never.");
    addAutoBan(keys, "ban.flapping.",
               "Connects with one Client Identifier after which it is banned; 0: never.");
}

void addProcess(std::vector<SchemaKey>& keys)
{
    keys.push_back(
        integer("num_taskq_thread", "0", 0, 32, "Worker threads; 0: one a core, 8 at most."));
    keys.push_back(boolean("daemon", "false", "Whether to run in the background."));
    keys.push_back(text("plugin_dir", "", "Where the plugins' NAME.so are."));
    keys.push_back(words(ConfigType::List, "log.to", "console", {"file", "console", "syslog"},
                         "Where the log goes; several between commas."));
    keys.push_back(words(ConfigType::Choice, "log.level", "info",
                         {"trace", "debug", "info", "information", "notice", "warn", "warning",
                          "error", "critical", "fatal"},
                         "The least important that is logged."));
    keys.push_back(text("log.dir", "", "Folder of the log file; empty: that of the state."));
    keys.push_back(text("log.file", "nanomq.log", "Name of the log file."));
    keys.push_back(size("log.rotation.size", "10MB", 4 * kKilobyte, kTerabyte, "B",
                        "A log file of this size is set aside."));
    keys.push_back(integer("log.rotation.count", "5", 1, 1'000,
                           "Log files that are kept after being set aside."));
}

void addPlugins(std::vector<SchemaKey>& keys)
{
    keys.push_back(boolean("plugin.watch", "true",
                           "Whether plugins are loaded, exchanged and unloaded when their files "
                           "come, change and go."));
    keys.push_back(words(ConfigType::Choice, "plugin.missing", "refuse", {"refuse", "ignore"},
                         "Whether the broker starts without a plugin that is switched on and whose "
                         "library is not there or does not fit."));
    keys.push_back(duration("watchdog.report_after", "1s", 10, 3'600 * kSecond,
                            "A plugin's hook that holds a worker so long is named in the log."));
    keys.push_back(duration("watchdog.abort_after", "0s", 0, 3'600 * kSecond,
                            "One that holds it so long ends the broker, for a supervisor to start "
                            "it anew; 0s: never."));
    keys.push_back(integer("breaker.failures", "50", 0, 1'000'000'000,
                           "A plugin's hook that fails so many times within breaker.window is "
                           "taken out; 0: never."));
    keys.push_back(integer("breaker.share", "50", 1, 100,
                           "And in so many percent of its calls in that time."));
    keys.push_back(duration("breaker.window", "10s", 100, 3'600 * kSecond,
                            "The time in which failures are counted."));
    keys.push_back(duration("breaker.pause", "10s", 100, 3'600 * kSecond,
                            "How long a hook is out before it is tried; doubled, up to 5 minutes "
                            "or this time, whenever that fails."));
}

/// Keys of NanoMQ's nanomq.conf that have no effect in ours, and why.
void addForeign(std::vector<SchemaKey>& keys)
{
    const auto ignored = [&keys](std::initializer_list<const char*> names, const char* note) {
        for (const char* name : names)
            keys.push_back(but(KeyUse::Unused, text(name, "", "Has no effect."), note));
    };
    const auto refused = [&keys](SchemaKey key, const char* note) {
        keys.push_back(but(KeyUse::Refused, std::move(key), note));
    };

    ignored(
        {"max_taskq_thread", "parallel", "property_size"},
        "has no effect: the number of threads is num_taskq_thread, and nothing else depends on it");
    ignored({"qos_duration"},
            "has no effect: unacknowledged messages are sent again when the client comes back, "
            "as MQTT demands, and not by time");
    ignored({"enable_ipc_internal"}, "has no effect: there is no such channel");

    keys.push_back(but(KeyUse::Elsewhere, text("http_server.*", "", "Belongs to rest_api.conf."),
                       "has no effect here: it belongs to conf.d/rest_api.conf"));
    keys.push_back(but(KeyUse::Elsewhere, text("sqlite.*", "", "Has no effect here."),
                       "has no effect here: what outlives the broker is kept by a store plugin, "
                       "which has a file of its own"));

    // To ignore these would let in whom the file keeps out.
    constexpr const char* noRules = "the kernel enforces no access rules; a broker that ignored "
                                    "them would be open, so it does not start with this key";
    refused(boolean("auth_enable", "false", "Refused if true."),
            "the kernel checks no passwords: that is a plugin's work, in conf.d. A broker that "
            "ignored this key would be open, so it does not start with it");
    refused(boolean("acl_enable", "false", "Refused if true."), noRules);
    refused(text("acl.rule.*", "", "Refused."), noRules);
    ignored({"acl_nomatch", "enable_acl_cache", "acl_cache_max_size", "acl_cache_ttl",
             "acl_deny_action"},
            "has no effect: the kernel enforces no access rules");
}

} // namespace

Schema kernelSchema()
{
    std::vector<SchemaKey> keys;
    addListeners(keys);
    addProtocol(keys);
    addLimits(keys);
    addProcess(keys);
    addPlugins(keys);
    addForeign(keys);
    return Schema(std::move(keys));
}

} // namespace nanomq
