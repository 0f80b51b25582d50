#include "BrokerConfiguration.h"

#include "Reply.h"

#include <Poco/NumberParser.h>
#include <Poco/String.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sstream>

namespace rest_api
{

namespace sdk = nanomq::sdk;

namespace
{

using Poco::JSON::Object;

/// Where a key of a file stands in the JSON form.
struct Field
{
    std::string_view section; // "": at the top
    std::string_view name;
    const char* key;
};

constexpr std::string_view kHttpServer = "http_server";

constexpr std::array kFields = {
    Field{"", "url", "url"},
    Field{"", "num_taskq_thread", "num_taskq_thread"},
    Field{"", "max_taskq_thread", "max_taskq_thread"},
    Field{"", "parallel", "parallel"},
    Field{"", "property_size", "property_size"},
    Field{"", "msq_len", "msq_len"},
    Field{"", "qos_duration", "qos_duration"},
    Field{"", "allow_anonymous", "allow_anonymous"},
    Field{"", "daemon", "daemon"},
    Field{"", "max_packet_size", "max_packet_size"},
    Field{"", "client_max_packet_size", "client_max_packet_size"},
    Field{"", "keepalive_backoff", "keepalive_backoff"},
    Field{"tls", "enable", "tls.enable"},
    Field{"tls", "url", "tls.url"},
    Field{"tls", "key_password", "tls.key_password"},
    Field{"tls", "keypass", "tls.key_password"},
    Field{"tls", "keyfile", "tls.keyfile"},
    Field{"tls", "certfile", "tls.certfile"},
    Field{"tls", "cacertfile", "tls.cacertfile"},
    Field{"tls", "verify_peer", "tls.verify_peer"},
    Field{"tls", "fail_if_no_peer_cert", "tls.fail_if_no_peer_cert"},
    Field{"websocket", "enable", "websocket.enable"},
    Field{"websocket", "url", "websocket.url"},
    Field{"websocket", "tls_url", "websocket.tls_url"},
    Field{kHttpServer, "enable", "http_server.enable"},
    Field{kHttpServer, "port", "http_server.port"},
    Field{kHttpServer, "ip_addr", "http_server.ip_addr"},
    Field{kHttpServer, "username", "http_server.username"},
    Field{kHttpServer, "password", "http_server.password"},
    Field{kHttpServer, "auth_type", "http_server.auth_type"},
};

constexpr std::array<std::string_view, 7> kReloadable = {
    "property_size", "max_packet_size", "client_max_packet_size", "msq_len",
    "qos_duration",  "keepalive_backoff", "allow_anonymous"};

constexpr std::string_view kPlugin = "rest_api";

/// A text of a file as JSON has it: numbers and truth by their looks.
Poco::Dynamic::Var valueOf(const std::string& text)
{
    if (text == "true" || text == "false") return text == "true";
    Poco::Int64 number = 0;
    if (Poco::NumberParser::tryParse64(text, number)) return number;
    return text;
}

std::string textOf(const std::string& name, const Poco::Dynamic::Var& value)
{
    if (value.isBoolean()) return value.extract<bool>() ? "true" : "false";
    if (value.isNumeric() || value.isString()) return value.convert<std::string>();
    throw ApiError::badParameter(name + ": expected a text, a number, true or false");
}

const Field* find(std::string_view section, std::string_view name) noexcept
{
    const auto found = std::find_if(kFields.begin(), kFields.end(), [&](const Field& field) {
        return field.section == section && field.name == name;
    });
    return found == kFields.end() ? nullptr : &*found;
}

bool isSection(std::string_view name) noexcept
{
    return std::any_of(kFields.begin(), kFields.end(),
                       [name](const Field& field) { return field.section == name; });
}

} // namespace

BrokerConfiguration::Settings BrokerConfiguration::kernelSettings() const
{
    struct Visitor final : sdk::BrokerAdmin::SettingVisitor
    {
        void setting(sdk::Str key, sdk::Str value, sdk::Str, std::uint8_t secret) override
        {
            if (!secret) settings.emplace_back(key.view(), value.view());
        }
        Settings settings;
    } visitor;
    _services.admin.settings(&visitor);
    return std::move(visitor.settings);
}

Object::Ptr BrokerConfiguration::read(std::string_view section) const
{
    if (section == "basic") section = {};
    else if (!section.empty() && !isSection(section))
        throw ApiError::notFound("no such part of the configuration: " + std::string(section));
    else if (section.empty())
    {
        auto all = read("basic");
        for (const std::string name : {"tls", "websocket", "http_server"}) all->set(name, read(name));
        return all;
    }
    const Settings settings = section == kHttpServer ? _services.ownSettings : kernelSettings();
    auto object = makeObject();
    for (const auto& field : kFields)
    {
        if (field.section != section) continue;
        for (const auto& [key, value] : settings)
            if (key == field.key) object->set(std::string(field.name), valueOf(value));
    }
    return object;
}

Object::Ptr BrokerConfiguration::readReloadable() const
{
    const auto all = read("basic");
    auto object = makeObject();
    for (const auto name : kReloadable)
        if (const std::string key(name); all->has(key)) object->set(key, all->get(key));
    return object;
}

void BrokerConfiguration::write(std::string_view section, const Object& data) const
{
    if (section == "basic") section = {};
    Settings ofKernel, own;
    const auto take = [&](std::string_view in, const std::string& name,
                          const Poco::Dynamic::Var& value) {
        const Field* const field = find(in, name);
        if (!field) throw ApiError::badParameter("not a setting that can be written: " + name);
        (in == kHttpServer ? own : ofKernel).emplace_back(field->key, textOf(name, value));
    };
    for (const auto& [name, value] : data)
    {
        if (!section.empty() || !isSection(name))
        {
            take(section, name, value);
            continue;
        }
        if (value.type() != typeid(Object::Ptr))
            throw ApiError::badParameter(name + ": expected an object");
        for (const auto& [inner, text] : *value.extract<Object::Ptr>()) take(name, inner, text);
    }
    configure({}, ofKernel, 400, static_cast<int>(Code::BadParameter));
    configure(kPlugin, own, 400, static_cast<int>(Code::BadParameter));
}

void BrokerConfiguration::writeText(const std::string& text) const
{
    Settings settings;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
    {
        line = Poco::trim(line);
        if (line.empty() || line[0] == '#') continue;
        const auto equals = line.find('=');
        if (equals == std::string::npos || equals == 0)
            throw ApiError(400, Code::BadConfiguration, "expected lines of key = value");
        settings.emplace_back(Poco::trim(line.substr(0, equals)),
                              Poco::trim(line.substr(equals + 1)));
    }
    if (settings.empty())
        throw ApiError(400, Code::BadConfiguration, "expected lines of key = value");
    configure({}, settings, 400, static_cast<int>(Code::BadConfiguration));
}

void BrokerConfiguration::configure(std::string_view plugin, const Settings& settings,
                                    int httpStatus, int code) const
{
    if (settings.empty()) return;
    struct Problem final : sdk::BrokerAdmin::Text
    {
        void text(sdk::Str given) override { all = asText(given.view()); }
        std::string all;
    } problem;
    std::vector<sdk::BrokerAdmin::Setting> given;
    for (const auto& [key, value] : settings) given.push_back({key, value});
    const sdk::Status status = _services.admin.configure(
        plugin, given.data(), static_cast<std::uint32_t>(given.size()), &problem);
    if (status == -EINVAL) throw ApiError(httpStatus, static_cast<Code>(code), problem.all);
    if (status != 0) throw ApiError(500, Code::CannotWriteConfiguration, problem.all);
}

} // namespace rest_api
