#pragma once

#include "AnswerReader.h"
#include "RequestForm.h"
#include "http/Endpoint.h"
#include "nanomq/services.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace auth_http
{

/// The plugin's part of conf.d/auth_http.conf; README.md of this folder lists every key.
struct Settings
{
    using Milliseconds = std::chrono::milliseconds;

    enum class OnError : std::uint8_t
    {
        Deny,
        Ignore,
        Allow,
    };
    struct Lifetimes
    {
        Milliseconds allow{0}, deny{0};
    };

    std::array<std::optional<RequestForm>, kKinds> forms; ///< absent: that is not asked
    Milliseconds timeout{5'000};
    Milliseconds connectTimeout{5'000};
    Milliseconds deadline{10'000}; ///< for a client's question, waiting in the queue included
    std::size_t poolSize = 32;
    std::size_t queue = 4'000;
    std::uint32_t rate = 1'000; ///< requests a second; 0: no limit
    http::TlsSettings tls;
    Dialect dialect = Dialect::NanoMQ;
    OnError onError = OnError::Deny;
    std::int16_t priority = 10;

    std::size_t cacheEntries = 100'000;
    Lifetimes logins;                                             ///< remembered for so long
    Lifetimes rights{Milliseconds(30'000), Milliseconds(30'000)}; ///< of super_req, too
    Milliseconds stale{0};

    std::uint32_t breakerFailures = 5;
    Milliseconds breakerPause{1'000};
    Milliseconds breakerLongestPause{10'000};

    std::vector<std::string> warnings;

    const std::optional<RequestForm>& form(Kind kind) const noexcept
    {
        return forms[static_cast<std::size_t>(kind)];
    }
    const Lifetimes& lifetimes(Kind kind) const noexcept
    {
        return kind == Kind::Login ? logins : rights;
    }

    /// Throws Poco::DataFormatException with one sentence a line for all that is wrong,
    /// "file:line: key: …". Does not read the files of TLS.
    static Settings read(nanomq::sdk::Config& config);
};

} // namespace auth_http
