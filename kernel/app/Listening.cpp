#include "app/Listening.h"

#include "net/Transports.h"

#include <Poco/Exception.h>

namespace nanomq
{

namespace
{

UserNameSource sourceOf(TlsConfig::UserNameFrom from) noexcept
{
    switch (from)
    {
    case TlsConfig::UserNameFrom::CommonName: return UserNameSource::CommonName;
    case TlsConfig::UserNameFrom::AlternativeName: return UserNameSource::AlternativeName;
    case TlsConfig::UserNameFrom::None: break;
    }
    return UserNameSource::Connect;
}

} // namespace

void checkCertificates(const std::vector<ListenerConfig>& listeners, ConfigReport& report)
{
    TransportCounters counters;
    const Transports transports(counters);
    for (const auto& listener : listeners)
    {
        try
        {
            [[maybe_unused]] const auto made = transports.factoryFor(listenerSettings(listener));
        }
        catch (const Poco::Exception& error)
        {
            report.errors.push_back({listener.where, "", error.displayText()});
        }
    }
}

ListenerSettings listenerSettings(const ListenerConfig& config)
{
    ListenerSettings settings;
    settings.name = config.name;
    settings.scheme = config.url.scheme;
    settings.host = config.url.host;
    settings.port = config.url.port;
    settings.path = config.url.path;
    settings.allowAnonymous = config.allowAnonymous;
    settings.maximumConnections = config.maxConnections;
    settings.mountPoint = config.mountPoint;
    settings.maximumPerAddress = config.limits.connectionsPerAddress;
    settings.connectsPerSecond = config.limits.connectsPerSecond;
    settings.limits = {config.limits.topicLengthBytes,    config.limits.userProperties,
                       config.limits.filtersPerSubscribe, config.limits.subscriptions,
                       config.limits.packetsPerSecond,    config.limits.bytesPerSecond,
                       config.limits.slowTimeout};
    settings.proxyProtocol = config.proxyProtocol;
    settings.tls = {config.tls.certificateFiles, config.tls.keyFiles,
                    config.tls.keyPassword,      config.tls.authorityFile,
                    config.tls.revocationFile,   config.tls.verifyPeer,
                    config.tls.requirePeerCertificate};
    settings.userNameFrom = sourceOf(config.tls.userNameFrom);
    settings.mode = config.file.mode;
    settings.owner = config.file.owner;
    settings.group = config.file.group;
    return settings;
}

} // namespace nanomq
