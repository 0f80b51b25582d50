#pragma once

#include <Poco/JSON/Object.h>

#include <string>

namespace rest_api
{

/// The properties of a PUBLISH (§3.3.2.3) from NanoMQ's JSON: `payload_format_indicator`,
/// `message_expiry_interval`, `response_topic`, `correlation_data`, `content_type`,
/// `user_properties`; and `subscription_identifier`, which is checked and goes no further.
class PublishProperties
{
public:
    /// @param json  null: no properties. Throws ApiError (400, 108) for what is none of these, or
    ///              of another kind.
    explicit PublishProperties(const Poco::JSON::Object::Ptr& json);

    /// As they stand in the packet (§2.2.2), without the length.
    const std::string& encoded() const noexcept { return _encoded; }

private:
    void addText(char identifier, const std::string& text);

    std::string _encoded;
};

} // namespace rest_api
