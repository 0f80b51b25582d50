#pragma once

#include "nanomq/services.h"

#include <chrono>

namespace sys_topics
{

/// Keys of conf.d/sys_topics.conf, checked.
struct Settings
{
    std::chrono::milliseconds interval{10'000}; // 0: no statistics
    bool tellsConnected = true;                 // NanoMQ 0.8's two topics
    bool tellsStatus = false;                   // later versions' one topic

    /// Throws Poco::Exception, which names file, line and key, for a value that is none.
    static Settings read(nanomq::sdk::Config& config);
};

} // namespace sys_topics
