#pragma once

#include "EventKind.h"
#include "Json.h"
#include "http/Address.h"
#include "http/Headers.h"
#include "nanomq/services.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace webhook
{

/// The rules of one event, joined: an event that matches several of them is sent once.
struct EventRule
{
    bool wanted = false;
    std::vector<std::string> topicFilters; ///< none: every topic
};

/// How long an attempt and a request live.
struct RetryLimits
{
    std::uint32_t maxAttempts = 8;
    std::chrono::milliseconds minDelay{500};
    std::chrono::milliseconds maxDelay{15'000};
    std::chrono::milliseconds maxAge{60'000};
};

/// The plugin's part of conf.d/webhook.conf; README.md of this folder lists every key.
struct Settings
{
    std::optional<http::Address> endpoint; ///< absent only when there is no rule
    http::Headers headers;
    PayloadEncoding encoding = PayloadEncoding::Plain;
    std::size_t poolSize = 32;
    std::size_t maxEvents = 10'000;
    std::size_t maxBytes = 16 << 20;
    std::chrono::milliseconds timeout{5'000};
    std::chrono::milliseconds connectTimeout{5'000};
    RetryLimits retry;
    std::array<EventRule, kEventKinds> rules;

    const EventRule& rule(EventKind kind) const { return rules[static_cast<std::size_t>(kind)]; }

    struct Outcome;
    /// Reads all keys of the plugin's file. Never throws: what is wrong stands in the outcome, one
    /// sentence each, "file:line: key: what was found, what was expected". Thread: [any].
    static Outcome read(nanomq::sdk::Config& config);
};

struct Settings::Outcome
{
    Settings settings; ///< to be used only when there are no errors
    std::vector<std::string> errors;
    std::vector<std::string> warnings;
};

} // namespace webhook
