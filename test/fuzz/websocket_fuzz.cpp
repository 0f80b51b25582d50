// What comes in before MQTT: requests for a WebSocket, its frames, and PROXY headers. The first byte
// chooses; none may crash, and none may depend on how the network has cut the bytes.

#include "net/ProxyHeader.h"
#include "net/WebSocketFrames.h"
#include "net/WebSocketUpgrade.h"

#include <cstdlib>
#include <string>
#include <vector>

namespace
{

using namespace nanomq;

void require(bool condition)
{
    if (!condition) std::abort();
}

struct Decoded
{
    std::string data;
    std::string ping; // the latest
    std::uint16_t closeCode = 0;

    bool operator==(const Decoded&) const = default;
};

Decoded decode(ByteView bytes, std::size_t pieceSize)
{
    WebSocketFrames frames;
    Decoded result;
    while (!bytes.empty())
    {
        const auto here = bytes.first(std::min(pieceSize, bytes.size()));
        std::vector<std::uint8_t> piece(here.begin(), here.end()); // an overrun is noticed
        const std::size_t size = frames.decode(piece.data(), piece.size());
        require(size <= piece.size());
        result.data.append(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(size));
        ByteView ping;
        if (frames.takePing(ping)) result.ping = asText(ping);
        bytes = bytes.subspan(here.size());
    }
    result.closeCode = frames.closeCode();
    require(frames.ended() || frames.problem().empty());
    return result;
}

void fuzzFrames(ByteView bytes)
{
    if (bytes.empty()) return;
    const std::size_t piece = bytes[0] + std::size_t{1};
    bytes = bytes.subspan(1);
    const Decoded whole = decode(bytes, bytes.size() + 1);
    require(whole == decode(bytes, piece));
    require(whole == decode(bytes, 1));
    require(whole.data.size() <= bytes.size());
}

void fuzzUpgrade(ByteView bytes)
{
    const std::string head = std::string(asText(bytes)) + "\r\n\r\n";
    const UpgradeAnswer answer = answerUpgrade(head.substr(0, head.find("\r\n\r\n") + 4), "/mqtt");
    require(answer.response.starts_with(answer.accepted ? "HTTP/1.1 101 " : "HTTP/1.1 4"));
    require(answer.accepted == answer.problem.empty());
    // Nothing that a client sent comes back in the answer but its key's digest.
    require(answer.response.size() < 400);
}

void fuzzProxy(ByteView bytes)
{
    const ProxyReading whole = readProxyHeader(bytes);
    if (whole.state != ProxyReading::State::Complete) return;
    const std::size_t size = whole.header.size;
    require(size <= bytes.size() && size <= ProxyHeader::kMaximumSize);
    const ProxyReading exact = readProxyHeader(bytes.first(size));
    require(exact.state == ProxyReading::State::Complete && exact.header.size == size);
    const ProxyReading less = readProxyHeader(bytes.first(size - 1));
    require(less.state == ProxyReading::State::Incomplete);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) return 0;
    const ByteView bytes(data + 1, size - 1);
    switch (data[0] % 3)
    {
    case 0: fuzzFrames(bytes); break;
    case 1: fuzzUpgrade(bytes); break;
    case 2: fuzzProxy(bytes); break;
    }
    return 0;
}
