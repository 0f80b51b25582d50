#include "Request.h"

#include "ApiError.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Parser.h>
#include <Poco/String.h>
#include <Poco/TextConverter.h>
#include <Poco/UTF8Encoding.h>
#include <Poco/URI.h>

#include <algorithm>
#include <charconv>

namespace rest_api
{

namespace
{

constexpr std::size_t kMaximumDepth = 32;

/// As MQTT's texts are; and an answer that repeats it stays JSON.
bool isUtf8(const std::string& text)
{
    static const Poco::UTF8Encoding utf8;
    std::string copy;
    const int errors = Poco::TextConverter(utf8, utf8).convert(text, copy);
    return errors == 0 && copy == text;
}

/// Percent-decodes; in a query '+' is a blank.
std::string decoded(std::string_view text, bool inQuery)
{
    std::string result;
    std::string given(text);
    if (inQuery) std::replace(given.begin(), given.end(), '+', ' ');
    try
    {
        Poco::URI::decode(given, result);
    }
    catch (const Poco::Exception&)
    {
        throw ApiError::badParameter("a bad escape in the address");
    }
    if (result.find('\0') != std::string::npos || !isUtf8(result))
        throw ApiError::badParameter("the address holds a NUL character, or is not UTF-8");
    return result;
}

const std::string* find(const Request::Pairs& pairs, std::string_view name) noexcept
{
    for (const auto& [key, value] : pairs)
        if (key == name) return &value;
    return nullptr;
}

bool give(const std::string* found, nanomq::sdk::Str* value) noexcept
{
    if (found && value) *value = *found;
    return found != nullptr;
}

} // namespace

Request::Request(std::string method, std::string_view target, Pairs headers, std::string body,
                 std::string address)
    : _method(std::move(method)),
      _headers(std::move(headers)),
      _body(std::move(body)),
      _address(std::move(address))
{
    if (target.size() > kMaximumTarget || target.empty() || target[0] != '/')
        throw ApiError::badParameter("the address is too long, or none");
    const auto mark = target.find('?');
    _path = decoded(target.substr(0, mark), false);
    while (_path.size() > 1 && _path.back() == '/') _path.pop_back();
    if (mark == std::string_view::npos) return;
    for (auto rest = target.substr(mark + 1); !rest.empty();)
    {
        const auto end = std::min(rest.find('&'), rest.size());
        const auto pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (pair.empty()) continue;
        if (_query.size() == kMaximumQuery) throw ApiError::badParameter("too many parameters");
        const auto equals = std::min(pair.find('='), pair.size());
        _query.emplace_back(decoded(pair.substr(0, equals), true),
                            decoded(pair.substr(std::min(equals + 1, pair.size())), true));
    }
}

const std::string* Request::headerText(std::string_view name) const noexcept
{
    for (const auto& [key, value] : _headers)
        if (key.size() == name.size() && Poco::icompare(key, std::string(name)) == 0) return &value;
    return nullptr;
}

const std::string* Request::queryText(std::string_view name) const noexcept
{
    return find(_query, name);
}

const std::string& Request::parameterText(std::string_view name) const
{
    const std::string* const found = find(_parameters, name);
    if (!found) throw ApiError::missing(std::string(name));
    return *found;
}

std::uint64_t Request::number(std::string_view name, std::uint64_t absent, std::uint64_t minimum,
                              std::uint64_t maximum) const
{
    const std::string* const text = queryText(name);
    if (!text) return absent;
    std::uint64_t number = 0;
    const char* const end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, number);
    if (error != std::errc() || stop != end || number < minimum || number > maximum)
        throw ApiError::badParameter(std::string(name) + ": expected a number from " +
                                     std::to_string(minimum) + " to " + std::to_string(maximum));
    return number;
}

void Request::allowQuery(std::initializer_list<std::string_view> names) const
{
    for (const auto& [name, value] : _query)
        if (std::find(names.begin(), names.end(), name) == names.end())
            throw ApiError::badParameter("unknown parameter: " + name);
}

Poco::JSON::Object::Ptr Request::object() const
{
    const auto value = json();
    if (value.type() != typeid(Poco::JSON::Object::Ptr))
        throw ApiError(400, Code::BadJson, "the body is not a JSON object");
    return value.extract<Poco::JSON::Object::Ptr>();
}

Poco::Dynamic::Var Request::json() const
{
    return parseJson(_body);
}

void Request::setParameter(std::string name, std::string value)
{
    _parameters.emplace_back(std::move(name), std::move(value));
}

void Request::setCaller(std::string user, nanomq::sdk::HttpRole role)
{
    _user = std::move(user);
    _role = role;
}

bool Request::parameter(nanomq::sdk::Str name, nanomq::sdk::Str* value) const
{
    return give(find(_parameters, name.view()), value);
}

bool Request::query(nanomq::sdk::Str name, nanomq::sdk::Str* value) const
{
    return give(queryText(name.view()), value);
}

bool Request::header(nanomq::sdk::Str name, nanomq::sdk::Str* value) const
{
    return give(headerText(name.view()), value);
}

Poco::Dynamic::Var parseJson(const std::string& text)
{
    try
    {
        Poco::JSON::Parser parser(new Poco::JSON::ParseHandler(true)); // keeps the order of keys
        parser.setDepth(kMaximumDepth);
        return parser.parse(text);
    }
    catch (const Poco::Exception&)
    {
        throw ApiError(400, Code::BadJson, "the body is not legal JSON");
    }
}

} // namespace rest_api
