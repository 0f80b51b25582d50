#include "TopicPattern.h"

#include <Poco/Exception.h>

#include <array>
#include <utility>

namespace auth_file
{

namespace sdk = nanomq::sdk;

namespace
{

/// Steps through the levels of a topic.
class Levels
{
public:
    explicit Levels(std::string_view topic) noexcept : _rest(topic) {}
    bool done() const noexcept { return _done; }
    std::string_view level() const noexcept { return _rest.substr(0, _rest.find('/')); }
    void next() noexcept
    {
        const auto slash = _rest.find('/');
        if (slash == std::string_view::npos) _done = true;
        else _rest.remove_prefix(slash + 1);
    }

private:
    std::string_view _rest;
    bool _done = false;
};

bool isWildcard(std::string_view level) noexcept
{
    return level == "+" || level == "#";
}

/// Wildcards at the front stand for no topic that begins with '$' (§4.7.2).
bool isReserved(std::string_view topic) noexcept
{
    return topic.starts_with('$');
}

bool isSafe(std::string_view name) noexcept
{
    return !name.empty() && name.find_first_of("+#/") == std::string_view::npos;
}

} // namespace

TopicPattern::TopicPattern(std::string_view text)
{
    if (text.empty() || text == "@" || text.find('\0') != std::string_view::npos)
        throw Poco::DataFormatException("found an empty topic, expected a Topic Filter");
    _exact = text.front() == '@';
    _reserved = isReserved(text.substr(_exact)) && !text.substr(_exact).starts_with("${");
    if (_exact)
    {
        _literal = piecesOf(text.substr(1));
        return;
    }
    for (Levels levels(text); !levels.done(); levels.next())
    {
        if (!_levels.empty() && _levels.back().kind == Kind::Hash)
            throw Poco::DataFormatException("found '#' before the last level of \"" +
                                            std::string(text) + '"');
        _levels.push_back(levelOf(levels.level()));
    }
}

TopicPattern::Level TopicPattern::levelOf(std::string_view text)
{
    if (text == "+") return {Kind::Plus, {}};
    if (text == "#") return {Kind::Hash, {}};
    if (text.find_first_of("+#") != std::string_view::npos)
        throw Poco::DataFormatException("found \"" + std::string(text) +
                                        "\", where '+' or '#' must stand alone in its level");
    return {Kind::Literal, piecesOf(text)};
}

std::vector<TopicPattern::Piece> TopicPattern::piecesOf(std::string_view text)
{
    static constexpr std::array<std::pair<std::string_view, Part>, 4> names{{
        {"%c", Part::ClientId},
        {"%u", Part::UserName},
        {"${clientid}", Part::ClientId},
        {"${username}", Part::UserName},
    }};
    std::vector<Piece> pieces;
    std::string literal;
    const auto flush = [&] {
        if (!literal.empty()) pieces.push_back({Part::Text, std::exchange(literal, {})});
    };
    while (!text.empty())
    {
        bool found = false;
        for (const auto& [name, part] : names)
        {
            if (found || !text.starts_with(name)) continue;
            flush();
            pieces.push_back({part, {}});
            text.remove_prefix(name.size());
            found = true;
        }
        if (found) continue;
        literal += text.front();
        text.remove_prefix(1);
    }
    flush();
    return pieces;
}

TopicPattern::Same TopicPattern::same(const std::vector<Piece>& pieces, std::string_view text,
                                      const sdk::ClientInfo& client) noexcept
{
    for (const Piece& piece : pieces)
    {
        std::string_view expected = piece.text;
        if (piece.part != Part::Text)
        {
            expected = piece.part == Part::ClientId ? client.clientId.view()
                                                    : client.userName.view();
            if (!isSafe(expected)) return Same::Unsafe;
        }
        if (!text.starts_with(expected)) return Same::No;
        text.remove_prefix(expected.size());
    }
    return text.empty() ? Same::Yes : Same::No;
}

std::string_view TopicPattern::firstLevel() const noexcept
{
    if (_exact) return {};
    const auto& pieces = _levels.front().pieces; // none of a wildcard
    return pieces.size() == 1 && pieces[0].part == Part::Text ? pieces[0].text : std::string_view();
}

bool TopicPattern::covers(std::string_view filter, const sdk::ClientInfo& client) const noexcept
{
    if (isReserved(filter) && !_reserved) return false; // nor by a name that begins with '$'
    if (_exact) return same(_literal, filter, client) == Same::Yes;
    Levels asked(filter);
    for (const Level& level : _levels)
    {
        if (level.kind == Kind::Hash) return true; // also for the level above it (§4.7.1.2)
        if (asked.done() || asked.level() == "#") return false;
        if (level.kind == Kind::Literal &&
            (asked.level() == "+" || same(level.pieces, asked.level(), client) != Same::Yes))
            return false;
        asked.next();
    }
    return asked.done();
}

bool TopicPattern::overlaps(std::string_view filter, const sdk::ClientInfo& client) const noexcept
{
    if (_exact) return same(_literal, filter, client) != Same::No;
    if (_levels.front().kind != Kind::Literal && isReserved(filter)) return false;
    if (_reserved && isWildcard(filter.substr(0, filter.find('/')))) return false;
    Levels asked(filter);
    for (const Level& level : _levels)
    {
        if (level.kind == Kind::Hash) return true;
        if (asked.done()) return false;
        if (asked.level() == "#") return true;
        if (level.kind == Kind::Literal && asked.level() != "+")
        {
            const Same match = same(level.pieces, asked.level(), client);
            if (match == Same::Unsafe) return true;
            if (match == Same::No) return false;
        }
        asked.next();
    }
    return asked.done() || asked.level() == "#"; // "a/#" stands for "a", too
}

} // namespace auth_file
