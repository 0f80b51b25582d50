#include "net/WebSocketTransport.h"

#include "net/WebSocketUpgrade.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <sys/uio.h>

namespace nanomq
{

namespace
{

constexpr std::string_view kEndOfHead = "\r\n\r\n";
constexpr int kMaximumParts = 64;
constexpr std::uint8_t kClose = 8, kPong = 10;

} // namespace

std::int64_t WebSocketTransport::receive(std::uint8_t* buffer, std::size_t size,
                                         HandshakeBudget& handshakes)
{
    const auto got = _below->receive(buffer, size, handshakes);
    if (got <= 0) return got;
    const auto arrived = static_cast<std::size_t>(got);
    const std::size_t used = _upgraded ? 0 : upgrade(buffer, arrived);
    std::size_t payload = 0;
    if (_upgraded)
    {
        payload = _frames.decode(buffer + used, arrived - used);
        if (used > 0) std::memmove(buffer, buffer + used, payload);
        answerPing();
        if (_frames.ended()) answerEnd();
    }
    if (payload > 0) return static_cast<std::int64_t>(payload);
    if (!ended())
    {
        errno = EAGAIN;
        return -1;
    }
    if (failure().empty()) return 0;
    errno = EPROTO;
    return -1;
}

/// Returns how many of the bytes belong to the request.
std::size_t WebSocketTransport::upgrade(const std::uint8_t* bytes, std::size_t size)
{
    if (_refused) return size;
    if (!_head) _head = std::make_unique<std::string>();
    const std::size_t before = _head->size();
    const std::size_t room = kMaximumUpgradeBytes - before;
    _head->append(reinterpret_cast<const char*>(bytes), std::min(size, room));
    // The end may stand across the border.
    const std::size_t end = _head->find(kEndOfHead, before < 3 ? 0 : before - 3);
    UpgradeAnswer verdict;
    if (end != std::string::npos)
    {
        _head->resize(end + kEndOfHead.size());
        verdict = answerUpgrade(*_head, _path);
    }
    else if (size >= room) verdict = refuseLongUpgrade();
    else return size;

    const std::size_t used = _head->size() - before;
    _head.reset();
    answer(asBytes(verdict.response));
    if (verdict.accepted)
    {
        _upgraded = true;
        _counters.webSocketUpgrades.fetch_add(1, std::memory_order_relaxed);
        return used;
    }
    _refused = true;
    refuse(verdict.problem);
    return size;
}

void WebSocketTransport::refuse(std::string_view problem)
{
    _failure = "WebSocket: " + std::string(problem);
    _counters.webSocketsRefused.fetch_add(1, std::memory_order_relaxed);
}

void WebSocketTransport::answer(ByteView bytes)
{
    std::lock_guard guard(_lock);
    _answers.insert(_answers.end(), bytes.begin(), bytes.end());
    _hasAnswers.store(true, std::memory_order_release);
}

void WebSocketTransport::answerPing()
{
    ByteView payload;
    if (!_frames.takePing(payload)) return;
    const WebSocketHeader header = controlHeader(kPong, payload.size());
    std::lock_guard guard(_lock);
    _pong.assign(header.bytes.begin(), header.bytes.begin() + header.size);
    _pong.insert(_pong.end(), payload.begin(), payload.end());
    _hasAnswers.store(true, std::memory_order_release);
}

void WebSocketTransport::answerEnd()
{
    if (!_frames.problem().empty() && _failure.empty()) refuse(_frames.problem());
    queueClose(_frames.closeCode());
}

void WebSocketTransport::queueClose(std::uint16_t code)
{
    if (_closing) return;
    _closing = true;
    const WebSocketHeader header = controlHeader(kClose, 2);
    const std::array<std::uint8_t, 4> frame = {header.bytes[0], header.bytes[1],
                                               static_cast<std::uint8_t>(code >> 8),
                                               static_cast<std::uint8_t>(code)};
    answer(frame);
}

void WebSocketTransport::finish()
{
    if (_upgraded) queueClose(static_cast<std::uint16_t>(WebSocketClose::Normal));
    _below->finish();
}

bool WebSocketTransport::pending() const noexcept
{
    return _controlSent < _control.size() || _hasAnswers.load(std::memory_order_acquire) ||
           _below->pending();
}

/// Sends all that does not belong to a data frame; false with errno when the way is blocked.
bool WebSocketTransport::sendControl()
{
    while (true)
    {
        if (_controlSent == _control.size())
        {
            if (!_control.empty()) std::vector<std::uint8_t>().swap(_control);
            _controlSent = 0;
            if (!_hasAnswers.load(std::memory_order_acquire)) return true;
            std::lock_guard guard(_lock);
            _control.swap(_pong);
            _control.insert(_control.end(), _answers.begin(), _answers.end());
            _answers.clear();
            _answers.shrink_to_fit();
            _hasAnswers.store(false, std::memory_order_relaxed);
        }
        const iovec part{_control.data() + _controlSent, _control.size() - _controlSent};
        const auto sent = _below->send(&part, 1);
        if (sent < 0) return false;
        _controlSent += static_cast<std::size_t>(sent);
    }
}

std::int64_t WebSocketTransport::send(const iovec* parts, int count)
{
    if (_left == 0 && !sendControl()) return -1;
    if (count == 0) return _below->send(nullptr, 0);

    if (_left == 0)
    {
        // What stands in the parts is ours to send for good: the rest of a frame that was begun
        // comes again, at the front.
        for (int i = 0; i < count; ++i) _left += parts[i].iov_len;
        _header = binaryHeader(_left);
        _headerSent = 0;
    }
    std::array<iovec, kMaximumParts + 1> all;
    int used = 0;
    const std::size_t headerLeft = _header.size - _headerSent;
    if (headerLeft > 0) all[0] = {_header.bytes.data() + _headerSent, headerLeft}, ++used;
    std::size_t payload = 0;
    for (int i = 0; i < std::min(count, kMaximumParts) && payload < _left; ++i, ++used)
    {
        auto& part = all[static_cast<std::size_t>(used)];
        part = parts[i];
        part.iov_len = std::min(part.iov_len, _left - payload);
        payload += part.iov_len;
    }
    const auto sent = _below->send(all.data(), used);
    if (sent < 0) return sent;
    const auto ofHeader = std::min(static_cast<std::size_t>(sent), headerLeft);
    _headerSent = static_cast<std::uint8_t>(_headerSent + ofHeader);
    const std::size_t ofPayload = static_cast<std::size_t>(sent) - ofHeader;
    _left -= ofPayload;
    return static_cast<std::int64_t>(ofPayload);
}

} // namespace nanomq
