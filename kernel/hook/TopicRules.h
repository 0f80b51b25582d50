#pragma once

#include <string_view>

namespace nanomq
{

/// May it be published to? UTF-8 without U+0000, 1 to 65,535 bytes, no wildcard [MQTT-4.7.1-1,
/// MQTT-4.7.3-1 to 4.7.3-3]. What a hook says is checked as strictly as what a client says.
bool isTopicName(std::string_view text) noexcept;

/// May it be subscribed with? As a Topic Name, with wildcards where §4.7.1 allows them.
bool isTopicFilter(std::string_view text) noexcept;

/// Well-formed UTF-8 without U+0000, at most 65,535 bytes (§1.5.4); may be empty.
bool isMqttText(std::string_view text) noexcept;

} // namespace nanomq
