#include "PacketText.h"

#include <stdexcept>
#include <string>

namespace nanomq::test
{

namespace
{

class Parser
{
public:
    explicit Parser(std::string_view text) : _text(text) {}

    PacketText run()
    {
        while (_next < _text.size()) step();
        if (!_open.empty()) fail();
        return _parsed;
    }

private:
    struct Parenthesis
    {
        std::size_t begin;     // offset of the first byte enclosed
        std::size_t firstMark; // index of the first mark enclosed
    };

    void step()
    {
        const char c = _text[_next++];
        switch (c)
        {
        case ' ': return;
        case '|': _parsed.marks.push_back(_parsed.bytes.size()); return;
        case '(': _open.push_back({_parsed.bytes.size(), _parsed.marks.size()}); return;
        case ')': close(); return;
        case '\'': put(until('\'')); return;
        case '<': putString(until('>')); return;
        default: putHex(c);
        }
    }

    std::string_view until(char end)
    {
        const std::size_t at = _text.find(end, _next);
        if (at == std::string_view::npos) fail();
        const auto found = _text.substr(_next, at - _next);
        _next = at + 1;
        return found;
    }

    void put(std::string_view text)
    {
        _parsed.bytes.insert(_parsed.bytes.end(), text.begin(), text.end());
    }

    void putString(std::string_view text)
    {
        _parsed.bytes.push_back(static_cast<std::uint8_t>(text.size() / 256));
        _parsed.bytes.push_back(static_cast<std::uint8_t>(text.size() % 256));
        put(text);
    }

    void putHex(char first)
    {
        if (_next == _text.size()) fail();
        const char second = _text[_next++];
        _parsed.bytes.push_back(static_cast<std::uint8_t>(digit(first) * 16 + digit(second)));
    }

    unsigned digit(char c) const
    {
        const std::size_t value = std::string_view("0123456789ABCDEF").find(c);
        if (value == std::string_view::npos) fail();
        return static_cast<unsigned>(value);
    }

    void close()
    {
        if (_open.empty()) fail();
        const auto [begin, firstMark] = _open.back();
        _open.pop_back();
        std::vector<std::uint8_t> length;
        for (std::size_t rest = _parsed.bytes.size() - begin; length.empty() || rest > 0;
             rest /= 128)
        {
            const auto low = static_cast<std::uint8_t>(rest % 128);
            length.push_back(rest >= 128 ? low | 0x80 : low);
        }
        _parsed.bytes.insert(_parsed.bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                             length.begin(), length.end());
        for (std::size_t i = firstMark; i < _parsed.marks.size(); ++i)
            _parsed.marks[i] += length.size();
    }

    [[noreturn]] void fail() const
    {
        throw std::invalid_argument("at character " + std::to_string(_next) + " of " +
                                    std::string(_text));
    }

    const std::string_view _text;
    std::size_t _next = 0;
    std::vector<Parenthesis> _open;
    PacketText _parsed;
};

} // namespace

PacketText PacketText::parse(std::string_view text)
{
    return Parser(text).run();
}

} // namespace nanomq::test
