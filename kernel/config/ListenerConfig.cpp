#include "config/ListenerConfig.h"

#include <algorithm>
#include <set>
#include <utility>

namespace nanomq
{

namespace
{

using Transport = ListenerUrl::Transport;

constexpr std::string_view kListenerPrefix = "listener.";
constexpr std::string_view kUrl = ".url";

bool isWebSocket(Transport transport) noexcept
{
    return transport == Transport::WebSocket || transport == Transport::WebSocketTls;
}

bool isTls(Transport transport) noexcept
{
    return transport == Transport::Tls || transport == Transport::WebSocketTls;
}

/// A listener's own key if that is set, else the one for all.
std::string keyOf(const Settings& settings, const std::string& prefix, const std::string& key)
{
    const std::string own = prefix + key;
    return !prefix.empty() && settings.isSet(own) ? own : key;
}

/// Gathers listeners and says which of them cannot be.
class ListenerReader
{
public:
    ListenerReader(const Configuration& configuration, const Settings& settings,
                   std::vector<ConfigError>& errors)
        : _configuration(configuration),
          _settings(settings),
          _errors(errors)
    {
    }

    std::vector<ListenerConfig> read()
    {
        readUrls();
        readNanoMq();
        _configuration.keys(kListenerPrefix, [this](const Configuration::Item& item) {
            if (item.key.ends_with(kUrl)) readNamed(item);
        });
        _configuration.keys(kListenerPrefix,
                            [this](const Configuration::Item& item) { checkOwned(item); });
        return std::move(_listeners);
    }

private:
    void readUrls()
    {
        const auto urls = _configuration.text("url");
        if (!urls) return;
        const auto list = parseList(*urls);
        unsigned number = 0;
        for (const std::string_view url : *list)
        {
            const std::string name = ++number == 1 ? "url" : "url." + std::to_string(number);
            add("url", url, name, {});
        }
        if (list->empty()) add("url", {}, "url", {});
    }

    /// The three listeners that NanoMQ's flat keys know.
    void readNanoMq()
    {
        const bool tls = _settings.boolean("tls.enable");
        if (tls) add("tls.url", _settings.text("tls.url"), "tls", {});
        if (!_settings.boolean("websocket.enable")) return;
        add("websocket.url", _settings.text("websocket.url"), "websocket", {});
        if (tls)
            add("websocket.tls_url", _settings.text("websocket.tls_url"), "websocket.tls", {});
    }

    void readNamed(const Configuration::Item& item)
    {
        const std::string prefix = item.key.substr(0, item.key.size() - kUrl.size() + 1);
        add(item.key, item.value, prefix.substr(kListenerPrefix.size(), prefix.size() - kListenerPrefix.size() - 1),
            prefix);
    }

    /// @param prefix  of its own keys, "listener.plant."; empty: it has none.
    void add(const std::string& key, std::string_view text, std::string name,
             const std::string& prefix)
    {
        const auto url = parseListenerUrl(text);
        if (!url)
            return refuse(key, url.error().message + ", found '" + std::string(text) + '\'');
        ListenerConfig listener;
        listener.name = std::move(name);
        listener.url = *url;
        listener.where = _configuration.where(key);
        const bool isUnix = url->transport == Transport::Unix;
        if ((isUnix || url->port != 0) &&
            !_addresses.emplace(isUnix ? url->path : url->host, url->port).second)
            return refuse(key, "two listeners on " + url->text());
        if (!prefix.empty()) readOwn(listener, prefix);
        listener.limits = readClientLimits(_settings, prefix);
        if (isTls(url->transport)) readTls(listener, key, prefix);
        _listeners.push_back(std::move(listener));
    }

    void readOwn(ListenerConfig& listener, const std::string& prefix)
    {
        const std::string anonymous = prefix + "allow_anonymous";
        if (_settings.isSet(anonymous)) listener.allowAnonymous = _settings.boolean(anonymous);
        listener.maxConnections =
            static_cast<unsigned>(_settings.integer(prefix + "max_connections"));
        listener.mountPoint = _settings.text(prefix + "mount_point");
        const std::string& mount = listener.mountPoint;
        if (!mount.empty() && (mount.size() > 1'000 || mount.front() == '$' || mount.back() != '/' ||
                               mount.find_first_of("+#") != std::string::npos))
            refuse(prefix + "mount_point", "expected levels that end with '/', without '+', '#' and "
                                           "'$' in front, found '" + mount + '\'');
        listener.proxyProtocol = _settings.boolean(prefix + "proxy_protocol");

        const std::string path = prefix + "path";
        if (_settings.isSet(path))
        {
            if (!isWebSocket(listener.url.transport)) refuse(path, "only a WebSocket has a path");
            else if (!_settings.text(path).starts_with('/')) refuse(path, "expected '/' in front");
            else listener.url.path = _settings.text(path);
        }

        listener.file.owner = _settings.text(prefix + "unix.owner");
        listener.file.group = _settings.text(prefix + "unix.group");
        const std::string mode = _settings.text(prefix + "unix.mode");
        const auto isOctal = [](char c) { return c >= '0' && c <= '7'; };
        if (mode.empty() || mode.size() > 4 || !std::all_of(mode.begin(), mode.end(), isOctal))
            refuse(prefix + "unix.mode", "expected an octal number such as 0660, found '" + mode + '\'');
        else listener.file.mode = static_cast<unsigned>(std::stoul(mode, nullptr, 8));
    }

    void readTls(ListenerConfig& listener, const std::string& urlKey, const std::string& prefix)
    {
        const auto keyOf = [&](const char* name) {
            return nanomq::keyOf(_settings, prefix, std::string("tls.") + name);
        };
        TlsConfig& tls = listener.tls;
        tls.certificateFiles = _settings.list(keyOf("certfile"));
        tls.keyFiles = _settings.list(keyOf("keyfile"));
        tls.keyPassword = _settings.text(keyOf("key_password"));
        tls.authorityFile = _settings.text(keyOf("cacertfile"));
        tls.revocationFile = _settings.text(keyOf("crlfile"));
        tls.verifyPeer = _settings.boolean(keyOf("verify_peer"));
        tls.requirePeerCertificate = _settings.boolean(keyOf("fail_if_no_peer_cert"));
        const std::string source = _settings.text(keyOf("username_from"));
        if (source == "cn") tls.userNameFrom = TlsConfig::UserNameFrom::CommonName;
        if (source == "san") tls.userNameFrom = TlsConfig::UserNameFrom::AlternativeName;

        if (tls.certificateFiles.empty() || tls.keyFiles.empty())
            return refuse(urlKey, "a TLS listener needs " + keyOf("certfile") + " and " +
                                      keyOf("keyfile"));
        if (tls.certificateFiles.size() != tls.keyFiles.size())
            return refuse(keyOf("keyfile"), "expected a key for each certificate, in the same order");
        if (tls.verifyPeer && tls.authorityFile.empty())
            return refuse(keyOf("verify_peer"),
                          "needs " + keyOf("cacertfile") + ", which says whom to trust");
        if (tls.verifyPeer) return;
        // To ignore these would let in whom they keep out.
        const auto needsVerify = [&](bool isSet, const char* name) {
            if (isSet) refuse(keyOf(name), "needs " + keyOf("verify_peer") + " = true");
        };
        needsVerify(tls.requirePeerCertificate, "fail_if_no_peer_cert");
        needsVerify(tls.userNameFrom != TlsConfig::UserNameFrom::None, "username_from");
        needsVerify(!tls.revocationFile.empty(), "crlfile");
    }

    /// A key of a listener that has no URL, or of another transport, would quietly do nothing.
    void checkOwned(const Configuration::Item& item)
    {
        const std::size_t end = item.key.find('.', kListenerPrefix.size());
        const std::string name = item.key.substr(kListenerPrefix.size(), end - kListenerPrefix.size());
        const std::string_view key = std::string_view(item.key).substr(end + 1);
        const auto url = _configuration.text(std::string(kListenerPrefix) + name + std::string(kUrl));
        if (!url) return refuse(item.key, "there is no listener." + name + ".url");
        const auto parsed = parseListenerUrl(*url);
        if (!parsed) return; // told already
        if (key.starts_with("tls.") && !isTls(parsed->transport))
            refuse(item.key, parsed->scheme + ":// has no TLS");
        if (key.starts_with("unix.") && parsed->transport != Transport::Unix)
            refuse(item.key, parsed->scheme + ":// is no Unix socket");
    }

    void refuse(const std::string& key, std::string message)
    {
        _errors.push_back({_configuration.where(key), key, std::move(message)});
    }

    const Configuration& _configuration;
    const Settings& _settings;
    std::vector<ConfigError>& _errors;
    std::vector<ListenerConfig> _listeners;
    std::set<std::pair<std::string, std::uint16_t>> _addresses;
};

} // namespace

ClientLimitConfig readClientLimits(const Settings& settings, const std::string& prefix)
{
    const auto key = [&](const char* name) {
        return keyOf(settings, prefix, std::string("limit.") + name);
    };
    const auto number = [&](const char* name) {
        return static_cast<std::size_t>(settings.integer(key(name)));
    };
    ClientLimitConfig limits;
    limits.topicLengthBytes = number("topic_length");
    limits.userProperties = number("user_properties");
    limits.filtersPerSubscribe = number("filters_per_subscribe");
    limits.subscriptions = number("subscriptions");
    limits.packetsPerSecond = number("packet_rate");
    limits.bytesPerSecond = settings.size(key("byte_rate"));
    limits.slowTimeout = settings.duration(key("slow_timeout"));
    limits.connectionsPerAddress = number("connections_per_address");
    limits.connectsPerSecond = number("connect_rate");
    return limits;
}

std::vector<ListenerConfig> readListeners(const Configuration& configuration,
                                          const Settings& settings,
                                          std::vector<ConfigError>& errors)
{
    return ListenerReader(configuration, settings, errors).read();
}

} // namespace nanomq
