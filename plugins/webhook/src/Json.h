#pragma once

#include <string>
#include <string_view>

namespace webhook
{

/// How an Application Message's payload stands in a body.
enum class PayloadEncoding
{
    Plain,  ///< a JSON string, whole, with U+FFFD for what is not UTF-8
    Base64, ///< standard alphabet, padded; `null` for an empty payload (as NanoMQ)
    Base62, ///< NanoMQ 0.8's: six-bit groups without padding, `i+/` written as `ia ib ic`
};

/// Appends a JSON string with its quotes. The result is valid JSON and valid UTF-8 whatever comes
/// in: each ill-formed sequence becomes one U+FFFD (Unicode 15 §3.9, maximal subparts).
void appendString(std::string& out, std::string_view text);

/// Appends a payload as a JSON value.
void appendPayload(std::string& out, std::string_view payload, PayloadEncoding encoding);

/// The text itself if it is well-formed UTF-8 (Unicode 15 table 3-7), else with each ill-formed
/// sequence replaced by U+FFFD.
std::string wellFormed(std::string_view text);

} // namespace webhook
