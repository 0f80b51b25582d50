#pragma once

#include "Acl.h"
#include "credentials/PasswordFile.h"
#include "nanomq/services.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace auth_file
{

/// The plugin's part of conf.d/auth_file.conf; README.md of this folder lists every key.
struct Settings
{
    enum class UnknownUser : std::uint8_t
    {
        Deny,
        Next,
    };
    enum class NoMatch : std::uint8_t
    {
        Allow,
        Deny,
        Next,
    };

    credentials::PasswordFile::Users users; ///< empty: the plugin only has ACL rules
    Acl acl;
    UnknownUser unknownUser = UnknownUser::Deny;
    NoMatch noMatch = NoMatch::Allow;
    bool aclEnabled = false;
    bool disconnectWhenDenied = false;
    unsigned threads = 2;
    std::size_t queue = 1'000;
    std::chrono::milliseconds deadline{5'000};
    std::size_t cacheEntries = 10'000;
    std::chrono::milliseconds cacheTime{60'000};
    std::chrono::milliseconds shortestDelay{1'000};
    std::chrono::milliseconds longestDelay{8'000};

    std::vector<std::string> warnings;

    /// Reads keys and files. Throws Poco::DataFormatException with one sentence a line for
    /// all that is wrong, "file:line: key: …", and what PasswordFile::read() throws.
    static Settings read(nanomq::sdk::Config& config);
};

} // namespace auth_file
