#include "broker/Limits.h"

#include <Poco/Logger.h>

namespace nanomq
{

std::string_view limitName(Limit limit) noexcept
{
    switch (limit)
    {
    case Limit::PacketSize: return "packet_size";
    case Limit::TopicLength: return "topic_length";
    case Limit::TopicLevels: return "topic_levels";
    case Limit::UserProperties: return "user_properties";
    case Limit::FiltersPerSubscribe: return "filters_per_subscribe";
    case Limit::Subscriptions: return "subscriptions";
    case Limit::PacketRate: return "packet_rate";
    case Limit::ByteRate: return "byte_rate";
    case Limit::SlowReader: return "slow_timeout";
    case Limit::Connections: return "connections";
    case Limit::ListenerConnections: return "listener_connections";
    case Limit::AddressConnections: return "address_connections";
    case Limit::ConnectRate: return "connect_rate";
    case Limit::ConnectTimeout: return "connect_timeout";
    case Limit::ConnectMemory: return "connect_memory";
    case Limit::Memory: return "memory";
    case Limit::RetainedStore: return "retained_store";
    case Limit::Banned: return "banned";
    }
    return {};
}

bool LimitLog::tells(Limit limit, MonotonicMs now) noexcept
{
    Told& told = _told[static_cast<std::size_t>(limit)];
    if (now >= told.next) return true;
    ++told.untold;
    return false;
}

void LimitLog::tell(Limit limit, MonotonicMs now, const std::string& who, std::string_view what)
{
    Told& told = _told[static_cast<std::size_t>(limit)];
    std::string line = who + ": " + std::string(limitName(limit)) + ": " + std::string(what);
    if (told.untold > 0) line += " (" + std::to_string(told.untold) + " more since the last line)";
    told = {now + kEveryMs, 0};
    Poco::Logger::get("limits").warning(line);
}

} // namespace nanomq
