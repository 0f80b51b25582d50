#include "Wire.h"

#include "HeaderTemplate.h"

#include <Poco/DeflatingStream.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <sstream>

namespace webhook
{

namespace
{

constexpr std::size_t kWorthCompressing = 256; // bytes

std::string hex(const unsigned char* bytes, std::size_t size)
{
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < size; ++i)
        (text += digits[bytes[i] >> 4]) += digits[bytes[i] & 15];
    return text;
}

std::string arrayOf(const std::vector<Event>& events)
{
    std::string array = "[";
    for (const Event& event : events)
    {
        if (array.size() > 1) array += ',';
        // A body is one object with at least one key.
        array.append(event.body, 0, event.body.size() - 1);
        array += ",\"event_id\":\"" + event.id.text() + "\"}";
    }
    return array += ']';
}

std::string keyOf(const std::vector<Event>& events)
{
    if (events.size() == 1) return events.front().id.text();
    std::string ids;
    for (const Event& event : events) ids += event.id.text();
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    ::EVP_Digest(ids.data(), ids.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
    return hex(digest.data(), 16);
}

std::string compressed(const std::string& content)
{
    std::ostringstream out;
    Poco::DeflatingOutputStream gzip(out, Poco::DeflatingStreamBuf::STREAM_GZIP);
    gzip.write(content.data(), static_cast<std::streamsize>(content.size()));
    gzip.close();
    return out.str();
}

} // namespace

std::string signatureOf(std::string_view secret, std::int64_t unixSeconds,
                        std::string_view content)
{
    const std::string time = std::to_string(unixSeconds);
    const std::string text = time + "." + std::string(content);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    ::HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
    return "t=" + time + ",v1=" + hex(digest.data(), size);
}

Wire wireOf(const EndpointSettings& settings, const std::vector<Event>& events,
            std::int64_t unixSeconds)
{
    Wire wire;
    wire.headers = settings.headers;
    appendRendered(events.front().headers, wire.headers);
    wire.headers.emplace_back("Idempotency-Key", keyOf(events));
    wire.content = settings.batch.maxEvents > 1 ? arrayOf(events) : events.front().body;
    if (settings.gzip && wire.content.size() >= kWorthCompressing)
    {
        wire.content = compressed(wire.content);
        wire.headers.emplace_back("Content-Encoding", "gzip");
    }
    if (!settings.signatureSecret.empty())
        wire.headers.emplace_back(
            "X-NanoMQ-Signature",
            signatureOf(settings.signatureSecret, unixSeconds, wire.content));
    return wire;
}

} // namespace webhook
