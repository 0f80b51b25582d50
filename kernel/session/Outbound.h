#pragma once

#include "base/FutexLock.h"
#include "base/Metrics.h"
#include "base/OutputBuffer.h"
#include "session/DeliveryQueue.h"
#include "session/InflightWindow.h"
#include "session/Publication.h"
#include "session/TopicAliases.h"
#include "topic/Subscriber.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace nanomq
{

/// What holds for the outbound side of every session. Lives as long as the broker.
struct OutboundPolicy
{
    QueueLimits queue;
    /// Output not sent, in bytes, above which nothing is appended to a connection any more.
    std::size_t maximumUnsent = 4 * 1024 * 1024;
    /// The same for QoS 0, if less: while memory is short.
    std::atomic<std::size_t> maximumUnsentAtMostOnce{SIZE_MAX};
    /// Whether memory is short: then QoS 0 does not wait in queues, nor in output that is long.
    void shedAtMostOnce(bool shed) noexcept
    {
        constexpr std::size_t kShort = 64 * 1024;
        sheds.store(shed, std::memory_order_relaxed);
        maximumUnsentAtMostOnce.store(shed ? kShort : SIZE_MAX, std::memory_order_relaxed);
    }
    std::atomic<bool> sheds{false};
    /// Whether somebody observes what happens to queued messages: then Outbound makes notes of it.
    std::atomic<bool> takesNotes{false};

    // Counted here because they happen on whatever worker empties a queue.
    std::atomic<std::uint64_t> sentFromQueue{0};
    std::atomic<std::uint64_t> payloadBytesFromQueue{0}; // of sentFromQueue
    std::atomic<std::uint64_t> expiredInQueue{0};
    std::atomic<std::uint64_t> tooLargeInQueue{0}; // for a client that came back with less room
    // What is in queues now, and its memory. What leaves is added as its negative, modulo 2^64.
    Counter waiting;
    Counter waitingBytes;
};

/// What a client asked for in CONNECT, as far as it concerns what is sent to it.
struct ConnectionTerms
{
    ProtocolVersion version = ProtocolVersion::v3_1_1;
    std::uint16_t receiveMaximum = 65'535;         // packets (§3.1.2.11.3)
    std::uint32_t maximumPacketSize = UINT32_MAX; // bytes (§3.1.2.11.4)
    std::uint16_t topicAliasMaximum = 0;           // aliases it takes (§3.1.2.11.5)
    Ref<const Counted> identity{};                // who connected, for hooks
    std::string_view mountPoint{}; // taken off the front of Topic Names; outlives the connection
};

/// Something that happened to a queued message, told to hooks by the session's worker later: no
/// hook runs under the lock.
struct OutboundNote
{
    enum class Kind : std::uint8_t
    {
        Delivered,
        Expired,
        TooLarge,
    };
    Kind kind;
    Delivery delivery;
};

/// The outbound side of a session: in-flight window, queue, Packet Identifiers, and the way into
/// the connection's output buffer.
///
/// The one part of a session that other workers touch. Each call takes its small lock, which also
/// guards the connection's output; nobody holds two of them. Order per publisher and topic: a
/// message goes past the queue only if the queue is empty.
class Outbound final : private OutputSource
{
public:
    Outbound(SubscriberId id, OutboundPolicy& policy) noexcept : _policy(&policy), _id(id) {}
    Outbound(const Outbound&) = delete;
    Outbound& operator=(const Outbound&) = delete;

    SubscriberId id() const noexcept { return _id; }
    FutexLock& lock() noexcept { return _lock; }

    /// A connection is there. What was in flight goes out again, in order, with DUP set
    /// (§4.4), then what was queued, as far as the terms allow. CONNACK stands in `output`
    /// already. Thread: the session's [worker].
    void attach(OutputBuffer& output, const ConnectionTerms& terms, OutputTurn& turn);
    /// The connection is gone. QoS 0 messages in the queue are dropped; returns how many.
    /// Thread: the session's [worker]; also before the buffer is destroyed.
    std::size_t detach() noexcept;

    /// What a session had not delivered when it ended.
    struct Left
    {
        /// What came through Shared Subscriptions and may go to another member: what is queued,
        /// and QoS 1 messages without their PUBACK, in order; not what was begun with QoS 2
        /// [MQTT-4.8.2-5].
        std::vector<Delivery> shared;
        std::vector<Delivery> queued;   // all else that was never sent
        std::size_t unacknowledged = 0; // sent, not handed on, and without an answer
    };
    /// The session ends, and nothing is delivered to it any more. Thread: the session's [worker],
    /// after detach().
    Left end();

    /// Sends, queues or drops one message. Thread: [worker], any.
    DeliveryResult deliver(Publication& publication, DeliveryOptions options, OutputTurn& turn);

    /// How a Shared Subscription chooses among its members.
    enum class Standing : std::uint8_t
    {
        Ready,     // a message would go out at once
        Connected, // it would wait
        Away,
    };
    /// For a message of that QoS. Thread: [worker], any.
    Standing standing(QoS qos) noexcept;

    /// What a PUBACK, PUBREC or PUBCOMP did.
    struct Acknowledged
    {
        bool known = false;   // else the identifier was not in use, or not at this stage
        bool settled = false; // the delivery is over, and `delivery` tells which it was
        Delivery delivery;
    };
    /// Takes an acknowledgement. Answers PUBREC with PUBREL itself, and sends what waited for the
    /// freed quota. Thread: the session's [worker].
    Acknowledged acknowledge(PacketType type, PacketIdentifier identifier, ReasonCode reason,
                             OutputTurn& turn);

    /// Takes queued messages of unwanted topics out; the test is made under the lock. What is in
    /// flight stays. Thread: the session's [worker].
    std::vector<Delivery>
    dropQueued(const std::function<bool(std::string_view topicName)>& unwanted);

    /// Takes the notes made since the last call; usually none. Thread: the session's [worker].
    std::vector<OutboundNote> takeNotes();

    struct Load
    {
        std::size_t queued = 0;
        std::size_t queuedBytes = 0;
        std::size_t inFlight = 0;
        std::size_t unsent = 0; // bytes
    };
    Load load() noexcept; ///< Thread: [worker], any.

    /// Who is connected, or was last. Thread: [worker], any.
    Ref<const Counted> identity() noexcept;

private:
    /// No more of them, and no more bytes, than a queue may hold.
    struct Notes
    {
        std::vector<OutboundNote> list;
        std::size_t bytes = 0;
    };

    class QueueChange;

    void refill(OutputTurn& turn) override;
    void sendQueued(OutputTurn& turn);
    void resendInFlight(OutputTurn& turn);
    bool mayAppend(QoS qos) const noexcept
    {
        const auto ofAtMostOnce = _policy->maximumUnsentAtMostOnce.load(std::memory_order_relaxed);
        return _output->unsent() < (qos == QoS::AtMostOnce
                                        ? std::min(ofAtMostOnce, _policy->maximumUnsent)
                                        : _policy->maximumUnsent);
    }
    bool mayTakeQuota() const noexcept { return _quota > 0 && !_window.full(); }
    /// What the client is to see of it: without the mount point, if it has that.
    MessageView shown(MessageView view) const noexcept;
    DeliveryResult deliverMounted(Publication& publication, DeliveryOptions options,
                                  OutputTurn& turn);
    DeliveryResult enqueue(Publication& publication, DeliveryOptions options);
    void sendKept(Delivery delivery, OutputTurn& turn);
    bool fits(const PublishHead& head) const noexcept;
    void note(OutboundNote::Kind kind, const Delivery& delivery);
    void giveQuotaBack(InflightWindow::Sequence sequence) noexcept;
    TopicAliasUse aliasFor(const PublishHead& head);

    FutexLock _lock; // guards everything below, and *_output
    ProtocolVersion _version = ProtocolVersion::v3_1_1;
    bool _ended = false;
    std::uint16_t _quota = 0; // of Receive Maximum, what is left (§4.9)
    OutputBuffer* _output = nullptr;
    OutboundPolicy* _policy;
    std::uint32_t _maximumPacketSize = UINT32_MAX;
    const SubscriberId _id;
    InflightWindow _window;
    InflightWindow::Sequence _resend = 0; // entries from here on have not been sent on this connection
    InflightWindow::Sequence _resendEnd = 0;
    Ref<const Counted> _identity;
    std::string_view _mountPoint; // of the connection's listener; seldom any
    std::unique_ptr<DeliveryQueue> _queue; // while something waits
    std::unique_ptr<Notes> _notes;
    std::unique_ptr<TopicAliases> _aliases; // of this connection, if it takes any
};

} // namespace nanomq
