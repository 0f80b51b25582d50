#pragma once

#include <cstddef>
#include <string_view>

namespace nanomq
{

/// Levels that a Topic Name or Topic Filter may have; the standard leaves the limit to us.
inline constexpr std::size_t kMaxTopicLevels = 128;

/// Bytes that a Topic Name or Topic Filter may have [MQTT-4.7.3-3].
inline constexpr std::size_t kMaxTopicBytes = 65'535;

/// Whether a message may be published to `name` (§4.7): 1 to 65,535 bytes [MQTT-4.7.3-1], no
/// wildcard [MQTT-4.7.1-1], no U+0000 [MQTT-4.7.3-2], at most 128 levels. That it is UTF-8 has
/// been checked where it was decoded. Thread: [any].
bool isValidTopicName(std::string_view name) noexcept;

} // namespace nanomq
