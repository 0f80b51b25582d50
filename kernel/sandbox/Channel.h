#pragma once

#include "sandbox/Words.h"

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace nanomq::sandbox
{

/// What the two processes tell each other beside the rings.
enum class Message : std::uint8_t
{
    // To the plugin's process; each is answered by Done with the same number.
    Init = 1, ///< name, class, file, folder, count of keys, then key, value, where of each
    Start,
    Quiesce, ///< milliseconds
    Save,
    Adopt, ///< state
    Verb,  ///< index, arguments

    // From it.
    Done = 32, ///< number, status, text; for Init: hooks and verbs behind that
    Answer,    ///< question, verdict, reason, text
    Error,     ///< where, what
    Log,       ///< level, text
    Publish,   ///< qos, retain, topic, payload, properties, expiry
    Kick,      ///< client, reason
    Reauthorize, ///< client
    Figure,      ///< is gauge, name, labels, help, by or value
};

/// A stream of messages over a socket between two processes of the same program.
///
/// Thread: send() [any], it blocks while the other side does not read; the rest: one reader.
class Channel
{
public:
    /// The largest message: a state to hand over may be large.
    static constexpr std::uint64_t kMaxMessage = std::uint64_t{1} << 30;

    struct Received
    {
        Message type;
        std::string body;
    };

    /// Takes the descriptor.
    explicit Channel(int socket) noexcept : _socket(socket) {}
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    int socket() const noexcept { return _socket; }
    /// False when the other side is gone.
    bool send(Message type, const WordWriter& body);
    /// Waits for the next message; nothing when the other side is gone or talks nonsense.
    std::optional<Received> receive();
    /// Lets both sides find the end of the stream. Thread: [any].
    void shutdown() noexcept;

private:
    bool readAll(void* bytes, std::size_t size);

    const int _socket;
    std::mutex _mutex; // of the senders
};

} // namespace nanomq::sandbox
