#pragma once

#include "credentials/Record.h"
#include "nanomq/services.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace rest_api
{

/// conf.d/rest_api.conf, checked.
struct Settings
{
    enum class Login
    {
        Basic,
        Jwt,
    };
    struct User
    {
        credentials::Record password;
        nanomq::sdk::HttpRole role = nanomq::sdk::HttpRole::Admin;
    };
    using Users = std::map<std::string, User, std::less<>>;

    std::string address;    ///< "127.0.0.1"
    std::uint16_t port = 0; ///< 0: any free one
    unsigned connections = 0;
    std::size_t maximumBody = 0; ///< bytes
    std::chrono::milliseconds requestDeadline{};
    std::chrono::milliseconds answerDeadline{};
    unsigned requestsPerSecond = 0; ///< of one address; 0: no limit
    std::string corsOrigin;         ///< empty: none

    Login login = Login::Basic;
    Users users;
    std::chrono::milliseconds shortestDelay{};
    std::chrono::milliseconds longestDelay{};
    std::string publicKeyFile;
    std::string tokenIssuer;

    bool tls = false;
    std::string certificateFile, keyFile, keyPassword, authorityFile;

    /// What an administrator should know, each a sentence.
    std::vector<std::string> warnings;
    /// Our keys with their values, without secrets.
    std::vector<std::pair<std::string, std::string>> shown;

    /// Throws Poco::DataFormatException with all that is wrong, each with file and line.
    static Settings read(nanomq::sdk::Config& config);
};

} // namespace rest_api
