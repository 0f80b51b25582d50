#pragma once

#include "Settings.h"
#include "Statistics.h"

#include "nanomq/plugin_base.h"

#include <chrono>
#include <string>

namespace sys_topics
{

/// Publishes the broker's figures, and who comes and goes, below `$SYS/`. README.md tells what.
///
/// All work is done on the plugin's executor: observers are told from its ring, and the timer
/// runs there, so nothing here needs a lock.
class SysTopics final : public nanomq::sdk::PluginBase
{
private:
    void onInit() override;
    void onStart() override;
    /// Takes the statistics out of the retained messages: nobody would keep them up to date.
    void onQuiesce(std::uint32_t deadlineMs) override;

    void onConnected(const nanomq::sdk::ClientConnected& event);
    void onDisconnected(const nanomq::sdk::ClientDisconnected& event);
    static void onTimer(void* self);
    void update();
    void publish(const std::string& topic, const std::string& text, bool retain);

    Settings _settings;
    Statistics _statistics;
    std::chrono::steady_clock::time_point _updated;
    std::uint64_t _timer = 0;
    nanomq::sdk::Broker* _broker = nullptr;
    nanomq::sdk::MetricsReader* _reader = nullptr;
};

} // namespace sys_topics
