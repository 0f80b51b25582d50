#pragma once

#include "base/Quiescence.h"
#include "topic/Subscriber.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace nanomq
{

class Outbound;

/// From the SubscriberId that the subscription index shows to the session's outbound side.
///
/// Workers look up without a lock. A slot that was given back is given out again only after a
/// grace period, so an id that a worker holds in its turn never means somebody else.
class SessionSlots
{
public:
    explicit SessionSlots(Quiescence& quiescence) : _quiescence(quiescence) {}
    SessionSlots(const SessionSlots&) = delete;
    SessionSlots& operator=(const SessionSlots&) = delete;
    /// Requires: nobody looks up any more.
    ~SessionSlots();

    /// Takes a free slot; kNoSubscriber when all kMaximum are taken. Thread: [any].
    SubscriberId take();
    /// Fills a slot that was taken. Thread: its taker's.
    void set(SubscriberId id, Outbound& outbound) noexcept;
    /// Empties the slot at once and gives it back after a grace period. The outbound side itself
    /// is retired by its owner. Thread: [any].
    void giveBack(SubscriberId id);

    /// Null when the session is gone. Thread: a reader that is online in the Quiescence.
    Outbound* find(SubscriberId id) const noexcept
    {
        const auto* const page = _pages[id / kPageSize].load(std::memory_order_acquire);
        return page ? (*page)[id % kPageSize].load(std::memory_order_acquire) : nullptr;
    }

    static constexpr std::size_t kMaximum = 4 * 1024 * 1024;

private:
    static constexpr std::size_t kPageSize = 1024;
    using Page = std::array<std::atomic<Outbound*>, kPageSize>;

    struct FreeIds
    {
        std::mutex mutex; // guards what follows, and _next
        std::vector<SubscriberId> ids;
    };
    /// An id that waits for a grace period, which may pass only after the slots are gone.
    struct Returned
    {
        std::shared_ptr<FreeIds> free;
        SubscriberId id;
    };

    Quiescence& _quiescence;
    std::array<std::atomic<Page*>, kMaximum / kPageSize> _pages{};
    const std::shared_ptr<FreeIds> _free = std::make_shared<FreeIds>();
    SubscriberId _next = 0;
};

} // namespace nanomq
