#pragma once

#include "HeaderTemplate.h"
#include "http/Address.h"
#include "http/Endpoint.h"
#include "http/Headers.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace webhook
{

/// How long an attempt and an event live.
struct RetryLimits
{
    std::uint32_t maxAttempts = 8;
    std::chrono::milliseconds minDelay{500};
    std::chrono::milliseconds maxDelay{15'000};
    std::chrono::milliseconds maxAge{60'000}; ///< without a spool
};

/// How many events make one request.
struct BatchLimits
{
    std::size_t maxEvents = 1; ///< 1: a request has one event, and is no array
    std::size_t maxBytes = std::size_t{1} << 20;
    std::chrono::milliseconds maxDelay{100};
};

/// What may be on disk.
struct SpoolLimits
{
    bool enable = true;
    std::size_t maxBytes = std::size_t{64} << 20;
    std::chrono::milliseconds maxAge{std::chrono::hours(24)};
};

struct DeadLimits
{
    std::size_t maxBytes = std::size_t{16} << 20;
    std::chrono::milliseconds maxAge{std::chrono::hours(7 * 24)};
};

/// One endpoint: where requests go and how.
struct EndpointSettings
{
    std::string name = "default"; ///< for people, metrics, and the name of its file
    std::optional<http::Address> address;
    http::Headers headers;                 ///< the same for all requests
    std::vector<HeaderTemplate> templates; ///< those with placeholders
    std::size_t poolSize = 32;
    std::size_t maxEvents = 10'000;
    std::size_t maxBytes = std::size_t{16} << 20;
    std::chrono::milliseconds timeout{5'000};
    std::chrono::milliseconds connectTimeout{5'000};
    RetryLimits retry;
    BatchLimits batch;
    bool gzip = false;
    std::string signatureSecret; ///< empty: no signature
    http::TlsSettings tls;
    SpoolLimits spool;
    DeadLimits dead;

    /// An event is given up when it is older than this and an attempt has failed.
    std::chrono::milliseconds maxAge() const noexcept
    {
        return spool.enable ? spool.maxAge : retry.maxAge;
    }
    http::Endpoint::Settings httpSettings() const
    {
        return {*address, connectTimeout, timeout, tls};
    }
};

/// Sets what one key says. False when there is no such key.
/// @param key  without what stands before it: "pool_size", "headers.Authorization".
/// Throws BadValue or Poco::InvalidArgumentException, whose message() says what is wrong.
bool applyEndpointKey(EndpointSettings& settings, std::string_view key, std::string_view value);

/// All of them; "headers." for every header.
std::vector<std::string_view> endpointKeys();

} // namespace webhook
