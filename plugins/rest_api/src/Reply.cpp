#include "Reply.h"

#include <Poco/JSON/Stringifier.h>
#include <Poco/TextConverter.h>
#include <Poco/UTF8Encoding.h>

#include <cerrno>
#include <sstream>

namespace rest_api
{

namespace
{

std::string text(const Poco::JSON::Object::Ptr& object)
{
    std::ostringstream out;
    object->stringify(out);
    return std::move(out).str();
}

} // namespace

void Reply::addHeader(std::string name, std::string value)
{
    _headers.emplace_back(std::move(name), std::move(value));
}

void Reply::append(std::string_view text)
{
    _text += text;
    if (_whole || _text.size() < kChunk) return;
    if (!_begun) begin(std::nullopt);
    _sink.send(_text);
    _text.clear();
}

void Reply::json(const Poco::JSON::Object::Ptr& object)
{
    append(text(object));
}

void Reply::fail(const ApiError& error)
{
    _text.clear();
    _status = error.status;
    _type = "application/json";
    auto body = makeObject();
    body->set("code", static_cast<int>(error.code));
    body->set("message", asText(error.what()));
    json(body);
}

void Reply::begin(std::optional<std::size_t> length)
{
    _begun = true;
    _headers.emplace_back("Content-Type", _type);
    _sink.begin(_status, _headers, length);
}

void Reply::finish()
{
    if (_tooLong) fail({500, Code::RpcError, "the plugin's answer is larger than 16 MiB"});
    if (!_begun) begin(_text.size());
    if (!_text.empty()) _sink.send(_text);
    _text.clear();
}

void Reply::status(std::uint32_t httpStatus)
{
    if (httpStatus >= 200 && httpStatus <= 599) _status = static_cast<int>(httpStatus);
}

nanomq::sdk::Status Reply::write(nanomq::sdk::Bytes body)
{
    if (body.size > kMaximumWhole - std::min(_text.size(), kMaximumWhole)) _tooLong = true;
    if (_tooLong) return -ENOSPC;
    _text += body.view();
    return 0;
}

void DataList::add(const Poco::JSON::Object::Ptr& item)
{
    if (_any) _reply.append(",");
    _any = true;
    _reply.append(text(item));
}

void DataList::end(const Poco::JSON::Object::Ptr& meta)
{
    _reply.append("]");
    if (meta) _reply.append(",\"meta\":" + text(meta));
    _reply.append("}");
}

Poco::JSON::Object::Ptr makeObject()
{
    return new Poco::JSON::Object(Poco::JSON_PRESERVE_KEY_ORDER);
}

std::string asText(std::string_view bytes)
{
    static const Poco::UTF8Encoding utf8;
    Poco::TextConverter converter(utf8, utf8);
    std::string result;
    converter.convert(bytes.data(), static_cast<int>(bytes.size()), result);
    return result;
}

} // namespace rest_api
