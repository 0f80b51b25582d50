#pragma once

#include "ApiError.h"
#include "nanomq/http_routes.h"

#include <Poco/JSON/Object.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rest_api
{

/// The answer to a request, as it is written: short ones leave as a whole, with their length;
/// longer ones in chunks, while they are made.
class Reply final : public nanomq::sdk::HttpRoutes::Answer
{
public:
    using Headers = std::vector<std::pair<std::string, std::string>>;

    /// Where answers go. What it throws ends the request and its connection.
    class Sink
    {
    public:
        virtual ~Sink() = default;
        /// @param length  of the body; nothing: not known, it comes in chunks.
        virtual void begin(int status, const Headers& headers,
                           std::optional<std::size_t> length) = 0;
        virtual void send(std::string_view body) = 0;
    };

    explicit Reply(Sink& sink) noexcept : _sink(sink) {}
    Reply(const Reply&) = delete;
    Reply& operator=(const Reply&) = delete;

    void setStatus(int status) noexcept { _status = status; }
    void setType(std::string type) { _type = std::move(type); }
    void addHeader(std::string name, std::string value);
    void append(std::string_view text);
    /// `{"code":0}` and what else the object has.
    void json(const Poco::JSON::Object::Ptr& object);
    void done() { append("{\"code\":0}"); }
    /// Instead of what was written so far. Requires: !begun().
    void fail(const ApiError& error);

    /// Whether something has left already.
    bool begun() const noexcept { return _begun; }
    /// Sends what is left.
    void finish();
    /// For a plugin's handler: nothing leaves before finish(), and there is a limit.
    void keepWhole() noexcept { _whole = true; }
    int statusCode() const noexcept { return _status; }

    // nanomq::sdk::HttpRoutes::Answer
    void status(std::uint32_t httpStatus) override;
    void contentType(nanomq::sdk::Str type) override { setType(std::string(type.view())); }
    nanomq::sdk::Status write(nanomq::sdk::Bytes body) override;

private:
    static constexpr std::size_t kChunk = 64 * 1024;
    static constexpr std::size_t kMaximumWhole = 16 * 1024 * 1024;

    void begin(std::optional<std::size_t> length);

    Sink& _sink;
    int _status = 200;
    std::string _type = "application/json";
    Headers _headers;
    std::string _text;
    bool _begun = false;
    bool _whole = false;
    bool _tooLong = false;
};

/// `{"code":0,"data":[…],"meta":{…}}`, written item by item.
class DataList
{
public:
    explicit DataList(Reply& reply) : _reply(reply) { reply.append("{\"code\":0,\"data\":["); }

    void add(const Poco::JSON::Object::Ptr& item);
    /// @param meta  may be null.
    void end(const Poco::JSON::Object::Ptr& meta);

private:
    Reply& _reply;
    bool _any = false;
};

/// A JSON object that keeps the order of its keys.
Poco::JSON::Object::Ptr makeObject();

/// Text that was not checked, as UTF-8: what is none becomes '?'.
std::string asText(std::string_view bytes);

} // namespace rest_api
