#include "PublishProperties.h"

#include "ApiError.h"

#include <Poco/Exception.h>

namespace rest_api
{

namespace
{

// Identifiers of §2.2.2.2.
constexpr char kPayloadFormatIndicator = 0x01;
constexpr char kMessageExpiryInterval = 0x02;
constexpr char kContentType = 0x03;
constexpr char kResponseTopic = 0x08;
constexpr char kCorrelationData = 0x09;
constexpr char kUserProperty = 0x26;

std::string bigEndian(std::uint64_t number, int bytes)
{
    std::string text;
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        text += static_cast<char>(number >> shift & 0xFF);
    return text;
}

std::string field(const std::string& text)
{
    if (text.size() > 65'535) throw ApiError::badParameter("a property is too long");
    return bigEndian(text.size(), 2) + text;
}

std::uint32_t number(const Poco::Dynamic::Var& value, std::uint32_t maximum)
{
    const auto number = value.convert<Poco::UInt64>();
    if (number > maximum) throw Poco::RangeException();
    return static_cast<std::uint32_t>(number);
}

} // namespace

PublishProperties::PublishProperties(const Poco::JSON::Object::Ptr& json)
{
    if (!json) return;
    for (const auto& name : json->getNames()) // in their order
    {
        const auto value = json->get(name);
        try
        {
            if (name == "payload_format_indicator")
                _encoded += kPayloadFormatIndicator + bigEndian(number(value, 1), 1);
            else if (name == "message_expiry_interval")
                _encoded += kMessageExpiryInterval + bigEndian(number(value, UINT32_MAX), 4);
            else if (name == "content_type") addText(kContentType, value.convert<std::string>());
            else if (name == "response_topic") addText(kResponseTopic, value.convert<std::string>());
            else if (name == "correlation_data")
                addText(kCorrelationData, value.convert<std::string>());
            else if (name == "subscription_identifier") number(value, 268'435'455);
            else if (name == "user_properties")
            {
                const auto pairs = value.extract<Poco::JSON::Object::Ptr>();
                for (const auto& key : pairs->getNames())
                    _encoded += kUserProperty + field(key) + field(pairs->getValue<std::string>(key));
            }
            else throw ApiError::badParameter("properties: unknown: " + name);
        }
        catch (const Poco::Exception&)
        {
            throw ApiError::badParameter("properties: " + name +
                                         ": not of the kind that is expected");
        }
    }
}

void PublishProperties::addText(char identifier, const std::string& text)
{
    _encoded += identifier + field(text);
}

} // namespace rest_api
