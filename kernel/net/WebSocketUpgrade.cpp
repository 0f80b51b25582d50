#include "net/WebSocketUpgrade.h"

#include <Poco/Base64Encoder.h>
#include <Poco/SHA1Engine.h>

#include <algorithm>
#include <optional>
#include <sstream>

namespace nanomq
{

namespace
{

constexpr std::string_view kNewLine = "\r\n";
constexpr std::string_view kSubprotocols[] = {"mqtt", "mqttv3.1"};

char small(char c) noexcept
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool equalsIgnoringCase(std::string_view a, std::string_view b) noexcept
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return small(x) == small(y); });
}

bool isTokenCharacter(char c) noexcept
{
    const char s = small(c);
    return (s >= 'a' && s <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool isBase64Character(char c) noexcept
{
    const char s = small(c);
    return (s >= 'a' && s <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

std::string_view trim(std::string_view text) noexcept
{
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// Calls `visit` with each element of a list "a, b"; ends when that returns true, and returns it.
template <class Visitor> bool anyOf(std::string_view list, Visitor&& visit)
{
    while (!list.empty())
    {
        const std::size_t comma = std::min(list.find(','), list.size());
        if (visit(trim(list.substr(0, comma)))) return true;
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return false;
}

/// What the fields say that matter here.
struct Fields
{
    std::string_view key;
    std::string_view version;
    std::string_view subprotocol; // the one to choose
    unsigned hosts = 0;
    unsigned keys = 0;
    unsigned versions = 0;
    bool upgrade = false;
    bool connection = false;
    bool body = false;
};

void take(Fields& fields, std::string_view name, std::string_view value)
{
    if (equalsIgnoringCase(name, "host")) ++fields.hosts;
    else if (equalsIgnoringCase(name, "upgrade"))
        fields.upgrade |= anyOf(value, [](auto word) { return equalsIgnoringCase(word, "websocket"); });
    else if (equalsIgnoringCase(name, "connection"))
        fields.connection |= anyOf(value, [](auto word) { return equalsIgnoringCase(word, "upgrade"); });
    else if (equalsIgnoringCase(name, "sec-websocket-key"))
        fields.key = value, ++fields.keys;
    else if (equalsIgnoringCase(name, "sec-websocket-version"))
        fields.version = value, ++fields.versions;
    else if (equalsIgnoringCase(name, "sec-websocket-protocol") && fields.subprotocol.empty())
        anyOf(value, [&fields](std::string_view word) {
            const auto known = std::find(std::begin(kSubprotocols), std::end(kSubprotocols), word);
            if (known == std::end(kSubprotocols)) return false;
            fields.subprotocol = *known;
            return true;
        });
    else if (equalsIgnoringCase(name, "transfer-encoding") ||
             (equalsIgnoringCase(name, "content-length") && value != "0"))
        fields.body = true;
}

/// Reads the fields behind the request line; nothing when one is malformed.
std::optional<Fields> readFields(std::string_view lines)
{
    Fields fields;
    while (lines != kNewLine)
    {
        const std::size_t end = lines.find(kNewLine);
        const std::string_view line = lines.substr(0, end);
        lines.remove_prefix(end + kNewLine.size());
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos || colon == 0) return {};
        const std::string_view name = line.substr(0, colon);
        if (!std::all_of(name.begin(), name.end(), isTokenCharacter)) return {};
        take(fields, name, trim(line.substr(colon + 1)));
    }
    return fields;
}

UpgradeAnswer refuse(std::string_view status, std::string_view problem,
                     std::string_view more = {})
{
    UpgradeAnswer answer;
    answer.problem = problem;
    answer.response.append("HTTP/1.1 ").append(status).append(kNewLine);
    answer.response.append(more);
    answer.response.append("Connection: close\r\nContent-Type: text/plain\r\nContent-Length: ");
    answer.response.append(std::to_string(problem.size() + 1)).append("\r\n\r\n");
    answer.response.append(problem).append("\n");
    return answer;
}

UpgradeAnswer badRequest(std::string_view problem)
{
    return refuse("400 Bad Request", problem);
}

bool hasControlCharacters(std::string_view head) noexcept
{
    for (std::size_t i = 0; i < head.size(); ++i)
    {
        const auto c = static_cast<unsigned char>(head[i]);
        // CR and LF only as a pair.
        if (c == '\r' && i + 1 < head.size() && head[i + 1] == '\n') ++i;
        else if ((c < 32 && c != '\t') || c == 127) return true;
    }
    return false;
}

bool isKey(std::string_view key) noexcept
{
    // 16 bytes in base64: 22 characters and two of padding.
    return key.size() == 24 && key.ends_with("==") &&
           std::all_of(key.begin(), key.end() - 2, isBase64Character);
}

} // namespace

UpgradeAnswer answerUpgrade(std::string_view head, std::string_view path)
{
    if (hasControlCharacters(head)) return badRequest("a control character in the request");
    const std::size_t end = head.find(kNewLine);
    const std::string_view request = head.substr(0, end);
    const std::size_t blank = request.find(' ');
    const std::size_t lastBlank = request.rfind(' ');
    if (blank == std::string_view::npos || blank == lastBlank ||
        request.find(' ', blank + 1) != lastBlank)
        return badRequest("no request line");
    if (request.substr(0, blank) != "GET") return badRequest("a WebSocket is asked for with GET");
    if (request.substr(lastBlank + 1) != "HTTP/1.1")
        return badRequest("a WebSocket is asked for by HTTP/1.1");

    const auto fields = readFields(head.substr(end + kNewLine.size()));
    if (!fields) return badRequest("a malformed header field");
    if (fields->hosts != 1) return badRequest("exactly one Host is needed");
    if (fields->body) return badRequest("the request has a body");
    const std::string_view target = request.substr(blank + 1, lastBlank - blank - 1);
    if (target.substr(0, target.find('?')) != path)
        return refuse("404 Not Found", "there is nothing at this path");

    constexpr std::string_view kOffer =
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    constexpr std::string_view kUpgradeRequired = "426 Upgrade Required";
    if (!fields->upgrade || !fields->connection)
        return refuse(kUpgradeRequired, "only WebSocket is spoken here", kOffer);
    if (fields->versions != 1 || fields->version != "13")
        return refuse(kUpgradeRequired, "WebSocket version 13 is needed", kOffer);
    if (fields->keys != 1 || !isKey(fields->key)) return badRequest("no valid Sec-WebSocket-Key");
    if (fields->subprotocol.empty()) return badRequest("the subprotocol mqtt is needed");

    UpgradeAnswer answer;
    answer.accepted = true;
    answer.response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Accept: ";
    answer.response.append(webSocketAccept(fields->key)).append("\r\nSec-WebSocket-Protocol: ");
    answer.response.append(fields->subprotocol).append("\r\n\r\n");
    return answer;
}

UpgradeAnswer refuseLongUpgrade()
{
    return refuse("431 Request Header Fields Too Large", "the request is too long");
}

std::string webSocketAccept(std::string_view key)
{
    Poco::SHA1Engine hash;
    hash.update(std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    const auto& digest = hash.digest();
    std::ostringstream text;
    Poco::Base64Encoder encoder(text);
    encoder.write(reinterpret_cast<const char*>(digest.data()),
                  static_cast<std::streamsize>(digest.size()));
    encoder.close();
    return text.str();
}

} // namespace nanomq
