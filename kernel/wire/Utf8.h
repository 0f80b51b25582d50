#pragma once

#include "wire/Words.h"

#include <string_view>

namespace nanomq
{

/// The same as isUtf8(), for text that is mostly not ASCII.
bool isUtf8ByCharacter(std::string_view text) noexcept;

/// Whether text is what MQTT calls a UTF-8 Encoded String (§1.5.4): well formed, shortest
/// forms only, no surrogates [MQTT-1.5.4-1], no U+0000 [MQTT-1.5.4-2], nothing beyond U+10FFFF.
/// Control characters and non-characters are let through, as the standard leaves it open.
/// The empty string is one.
inline bool isUtf8(std::string_view text) noexcept
{
    return !words::any(text, words::hasZeroOrHigh) || isUtf8ByCharacter(text);
}

} // namespace nanomq
