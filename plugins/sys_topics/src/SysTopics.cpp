#include "SysTopics.h"

#include "Presence.h"

#include <cstring>

namespace sys_topics
{

namespace sdk = nanomq::sdk;

namespace
{

constexpr std::uint32_t kNoExpiry = 0xFFFFFFFF;

} // namespace

void SysTopics::onInit()
{
    _settings = Settings::read(get<sdk::Config>());
    _broker = &get<sdk::Broker>();
    _reader = &get<sdk::MetricsReader>();
    if (!_settings.tellsConnected && !_settings.tellsStatus) return;
    hook<&SysTopics::onConnected>();
    hook<&SysTopics::onDisconnected>();
}

void SysTopics::onStart()
{
    if (_settings.interval.count() == 0) return;
    const auto period = static_cast<std::uint32_t>(_settings.interval.count());
    const sdk::Status status = get<sdk::Tasks>().timer(0, period, &onTimer, this, &_timer);
    if (status != 0)
        throw Poco::RuntimeException("no timer for sys.interval: " +
                                     std::string(std::strerror(-status)));
}

void SysTopics::onQuiesce(std::uint32_t)
{
    if (_timer != 0) get<sdk::Tasks>().cancel(_timer);
    for (const auto& [topic, text] : _statistics.shown()) publish(topic, {}, true);
}

void SysTopics::onTimer(void* self)
{
    auto& plugin = *static_cast<SysTopics*>(self);
    try
    {
        plugin.update();
    }
    catch (const std::exception& error)
    {
        plugin.host().error("statistics", error.what());
    }
}

void SysTopics::update()
{
    const auto now = std::chrono::steady_clock::now();
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - _updated);
    _updated = now;
    _statistics.update(*_reader, elapsed, [this](const std::string& topic, const std::string& text) {
        publish(topic, text, true);
    });
}

void SysTopics::onConnected(const sdk::ClientConnected& event)
{
    if (_settings.tellsConnected) publish(kConnectedTopic, connectedBody(event), false);
    if (_settings.tellsStatus) publish(kStatusTopic, onlineBody(event), false);
}

void SysTopics::onDisconnected(const sdk::ClientDisconnected& event)
{
    if (_settings.tellsConnected) publish(kDisconnectedTopic, disconnectedBody(event), false);
    if (_settings.tellsStatus) publish(kStatusTopic, offlineBody(event), false);
}

void SysTopics::publish(const std::string& topic, const std::string& text, bool retain)
{
    sdk::Broker::Publication publication{};
    publication.size = sizeof publication;
    publication.retain = retain;
    publication.topic = topic;
    publication.payload = {text.data(), text.size()};
    publication.expirySeconds = kNoExpiry;
    if (const sdk::Status status = _broker->publish(&publication); status != 0)
        host().error(topic, std::strerror(-status));
}

} // namespace sys_topics
