#pragma once

#include "Services.h"

#include <Poco/JSON/Object.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rest_api
{

/// The configuration in NanoMQ's JSON form: scalars, and objects `tls`, `websocket`,
/// `http_server`. Secrets are left out; certificates and keys are files' names (`certfile`), and
/// never their text, which NanoMQ's `cert` and `key` carry.
class BrokerConfiguration
{
public:
    explicit BrokerConfiguration(const Services& services) noexcept : _services(services) {}

    /// @param section  "": all, "basic": the scalars, "tls", "websocket", "http_server".
    /// Throws ApiError (404) for another.
    Poco::JSON::Object::Ptr read(std::string_view section) const;
    /// Only these scalars: what NanoMQ's /reload is about.
    Poco::JSON::Object::Ptr readReloadable() const;

    /// Writes any subset of it, for the next start. Throws ApiError: 400/108 for what is not
    /// known or is no value, 500/118 when a file cannot be written; then nothing has changed.
    void write(std::string_view section, const Poco::JSON::Object& data) const;
    /// The same from text in the flat form, for the kernel's file. Throws ApiError (400, 117) for
    /// what is no such text.
    void writeText(const std::string& text) const;

private:
    using Settings = std::vector<std::pair<std::string, std::string>>;

    Settings kernelSettings() const;
    void configure(std::string_view plugin, const Settings& settings, int httpStatus,
                   int code) const;

    const Services& _services;
};

} // namespace rest_api
