#pragma once

#include "nanomq/plugin_base.h"

#include <atomic>
#include <cstdint>

/// Counts the messages of some topics. What users see of it stands in README.md.
class MyPlugin final : public nanomq::sdk::PluginBase
{
private:
    void onInit() override;
    void onPublished(const nanomq::sdk::MessagePublished& event);
    static void status(void* self, nanomq::sdk::Str argumentsJson,
                       nanomq::sdk::Control::Reply* reply);

    nanomq::sdk::Metrics::Counter* _messages = nullptr;
    std::atomic<std::uint64_t> _payloadBytes{0};
};
