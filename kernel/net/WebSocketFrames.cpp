#include "net/WebSocketFrames.h"

#include <Poco/UTF8Encoding.h>

#include <algorithm>
#include <cstring>

namespace nanomq
{

namespace
{

/// Moves payload to its place and unmasks it; `to` is not behind `from`.
void unmask(std::uint8_t* to, const std::uint8_t* from, std::size_t size,
            const std::array<std::uint8_t, 4>& mask, std::uint8_t at) noexcept
{
    std::array<std::uint8_t, 8> rotated;
    for (std::size_t i = 0; i < rotated.size(); ++i) rotated[i] = mask[(at + i) % 4];
    std::uint64_t wide;
    std::memcpy(&wide, rotated.data(), sizeof wide);
    std::size_t done = 0;
    for (; done + sizeof wide <= size; done += sizeof wide)
    {
        std::uint64_t word;
        std::memcpy(&word, from + done, sizeof word);
        word ^= wide;
        std::memcpy(to + done, &word, sizeof word);
    }
    for (; done < size; ++done) to[done] = from[done] ^ rotated[done % 8];
}

bool isStatusCode(unsigned code) noexcept
{
    // §7.4: 1004 to 1006 and 1015 never stand in a frame, 1016 to 2999 are not given out.
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

bool isUtf8(const std::uint8_t* text, std::size_t size)
{
    while (size > 0)
    {
        std::size_t length = 1;
        if (*text >= 0x80) length = *text >= 0xF0 ? 4 : *text >= 0xE0 ? 3 : 2;
        if (length > size || !Poco::UTF8Encoding::isLegal(text, static_cast<int>(length)))
            return false;
        text += length;
        size -= length;
    }
    return true;
}

} // namespace

std::size_t WebSocketFrames::decode(std::uint8_t* bytes, std::size_t size)
{
    std::size_t produced = 0;
    std::size_t at = 0;
    while (at < size && !ended())
    {
        if (!_inFrame)
        {
            at += takeHeader(bytes + at, size - at);
            continue;
        }
        const auto here = static_cast<std::size_t>(std::min<std::uint64_t>(_left, size - at));
        std::uint8_t* const to =
            isControl() ? _control.data() + _controlBytes : bytes + produced;
        unmask(to, bytes + at, here, _mask, _maskAt);
        if (isControl()) _controlBytes = static_cast<std::uint8_t>(_controlBytes + here);
        else produced += here;
        _maskAt = static_cast<std::uint8_t>((_maskAt + here) % 4);
        at += here;
        _left -= here;
        if (_left > 0) break;
        _inFrame = false;
        if (isControl()) endControl();
    }
    return produced;
}

std::size_t WebSocketFrames::headerSize() const noexcept
{
    if (_headerBytes < 2) return 2;
    const unsigned length = _header[1] & 0x7F;
    const std::size_t extended = length == 127 ? 8 : length == 126 ? 2 : 0;
    return 2 + extended + 4;
}

std::size_t WebSocketFrames::takeHeader(const std::uint8_t* bytes, std::size_t size)
{
    std::size_t taken = 0;
    while (taken < size)
    {
        _header[_headerBytes++] = bytes[taken++];
        // The second byte tells the length, and what is wrong is told without the rest.
        if (_headerBytes == 2 && !(_header[1] & 0x80))
            return fail(WebSocketClose::ProtocolError, "a frame without mask"), taken;
        if (_headerBytes < headerSize()) continue;
        beginFrame();
        return taken;
    }
    return taken;
}

void WebSocketFrames::beginFrame()
{
    const std::size_t size = headerSize();
    std::uint64_t length = _header[1] & 0x7F;
    const std::size_t extended = size - 6;
    if (extended > 0)
    {
        length = 0;
        for (std::size_t i = 0; i < extended; ++i) length = length << 8 | _header[2 + i];
        // §5.2: the shortest form, and the highest bit 0.
        if (length < (extended == 2 ? 126U : 65'536U) || length >> 63)
            return fail(WebSocketClose::ProtocolError, "a malformed frame length");
    }
    std::copy_n(_header.data() + size - 4, 4, _mask.data());
    const std::uint8_t first = _header[0];
    _headerBytes = 0;
    if (first & 0x70) return fail(WebSocketClose::ProtocolError, "a reserved bit is set");
    _opcode = static_cast<Opcode>(first & 15);
    checkOpcode(first & 0x80, length);
    if (ended()) return;
    _left = length;
    _maskAt = 0;
    _controlBytes = 0;
    _inFrame = length > 0;
    if (!_inFrame && isControl()) endControl();
}

void WebSocketFrames::checkOpcode(bool isFinal, std::uint64_t announced)
{
    switch (_opcode)
    {
    case Opcode::Text: return fail(WebSocketClose::UnsupportedData, "a text frame");
    case Opcode::Continuation:
        if (!_inMessage)
            return fail(WebSocketClose::ProtocolError, "a continuation of nothing");
        _inMessage = !isFinal;
        return;
    case Opcode::Binary:
        if (_inMessage)
            return fail(WebSocketClose::ProtocolError, "a message within a message");
        _inMessage = !isFinal;
        return;
    case Opcode::Close:
    case Opcode::Ping:
    case Opcode::Pong:
        if (!isFinal) return fail(WebSocketClose::ProtocolError, "a fragmented control frame");
        if (announced > kMaximumControlPayload)
            return fail(WebSocketClose::ProtocolError, "a control frame that is too long");
        return;
    }
    fail(WebSocketClose::ProtocolError, "a frame of an unknown kind");
}

void WebSocketFrames::endControl()
{
    if (_opcode == Opcode::Close) return closeAsAsked();
    if (_opcode != Opcode::Ping) return;
    _pinged = true;
    _pingBytes = _controlBytes;
    _ping = _control;
}

void WebSocketFrames::closeAsAsked()
{
    if (_controlBytes == 0)
    {
        _closeCode = static_cast<std::uint16_t>(WebSocketClose::Normal);
        return;
    }
    const unsigned code = _control[0] << 8 | _control[1];
    if (_controlBytes == 1 || !isStatusCode(code))
        return fail(WebSocketClose::ProtocolError, "a Close frame without a valid status");
    if (!isUtf8(_control.data() + 2, _controlBytes - 2U))
        return fail(WebSocketClose::InvalidText, "a Close frame whose reason is not UTF-8");
    _closeCode = static_cast<std::uint16_t>(code);
}

void WebSocketFrames::fail(WebSocketClose code, std::string_view problem) noexcept
{
    _closeCode = static_cast<std::uint16_t>(code);
    _problem = problem;
}

bool WebSocketFrames::takePing(ByteView& payload) noexcept
{
    if (!_pinged) return false;
    _pinged = false;
    payload = {_ping.data(), _pingBytes};
    return true;
}

WebSocketHeader binaryHeader(std::uint64_t payload) noexcept
{
    WebSocketHeader header{{0x82}, 2};
    if (payload < 126)
    {
        header.bytes[1] = static_cast<std::uint8_t>(payload);
        return header;
    }
    const unsigned extended = payload < 65'536 ? 2 : 8;
    header.bytes[1] = extended == 2 ? 126 : 127;
    for (unsigned i = 0; i < extended; ++i)
        header.bytes[2 + i] = static_cast<std::uint8_t>(payload >> (8 * (extended - 1 - i)));
    header.size = static_cast<std::uint8_t>(2 + extended);
    return header;
}

WebSocketHeader controlHeader(std::uint8_t opcode, std::size_t payload) noexcept
{
    return {{static_cast<std::uint8_t>(0x80 | opcode), static_cast<std::uint8_t>(payload)}, 2};
}

} // namespace nanomq
