#pragma once

#include "base/Bytes.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nanomq
{

/// Status codes of a Close frame (RFC 6455 §7.4.1), those that we send.
enum class WebSocketClose : std::uint16_t
{
    Normal = 1000,
    ProtocolError = 1002,
    UnsupportedData = 1003,
    InvalidText = 1007,
};

/// Takes the frames of a client apart (RFC 6455 §5), as they come: cut anywhere, messages in any
/// number of fragments. What a frame announces sets no memory aside; its payload is handed on as
/// far as it has arrived, since to MQTT all of it is one stream [MQTT-6.0.0-2].
///
/// Only binary messages are data [MQTT-6.0.0-1], and all frames have to be masked. Thread: [worker].
class WebSocketFrames
{
public:
    static constexpr std::size_t kMaximumControlPayload = 125;

    /// Takes bytes that have arrived, and writes the payload of data frames to their front,
    /// unmasked. Returns how many bytes that are. Behind a Close frame, and behind an error,
    /// everything is ignored.
    std::size_t decode(std::uint8_t* bytes, std::size_t size);

    /// The payload of the latest Ping since the last call, which has to be answered (§5.5.3);
    /// nothing when there was none. Valid until the next decode().
    bool takePing(ByteView& payload) noexcept;

    /// Whether a Close frame or an error has ended the stream.
    bool ended() const noexcept { return _closeCode != 0; }
    /// The status that our Close frame carries then: the client's own, or what it did wrong.
    std::uint16_t closeCode() const noexcept { return _closeCode; }
    /// What it did wrong; empty when it closed as it should.
    std::string_view problem() const noexcept { return _problem; }

private:
    enum class Opcode : std::uint8_t
    {
        Continuation = 0,
        Text = 1,
        Binary = 2,
        Close = 8,
        Ping = 9,
        Pong = 10,
    };

    std::size_t takeHeader(const std::uint8_t* bytes, std::size_t size);
    std::size_t headerSize() const noexcept;
    void beginFrame();
    void checkOpcode(bool isFinal, std::uint64_t announced);
    void endControl();
    void closeAsAsked();
    void fail(WebSocketClose code, std::string_view problem) noexcept;
    bool isControl() const noexcept { return static_cast<std::uint8_t>(_opcode) >= 8; }

    std::uint64_t _left = 0; // of the frame's payload
    std::string_view _problem;
    std::uint16_t _closeCode = 0;
    std::uint8_t _headerBytes = 0; // of the next header, those that have arrived
    std::uint8_t _controlBytes = 0;
    std::uint8_t _pingBytes = 0;
    std::uint8_t _maskAt = 0; // which of the four bytes comes next
    Opcode _opcode = Opcode::Continuation;
    bool _inFrame = false;
    bool _inMessage = false;
    bool _pinged = false;
    std::array<std::uint8_t, 4> _mask{};
    std::array<std::uint8_t, 14> _header{};
    std::array<std::uint8_t, kMaximumControlPayload> _control{};
    std::array<std::uint8_t, kMaximumControlPayload> _ping{};
};

/// The header of a server's final, unmasked frame.
struct WebSocketHeader
{
    std::array<std::uint8_t, 10> bytes;
    std::uint8_t size;
};
WebSocketHeader binaryHeader(std::uint64_t payload) noexcept;
/// Requires: at most 125 bytes of payload. @param opcode  8 Close, 9 Ping, 10 Pong.
WebSocketHeader controlHeader(std::uint8_t opcode, std::size_t payload) noexcept;

} // namespace nanomq
