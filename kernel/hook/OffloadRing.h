#pragma once

#include "base/Counted.h"
#include "hook/EventViews.h"
#include "nanomq/events.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace nanomq
{

struct EventOwners;
struct HookRecord;

/// An event that is told later: a copy of it, shares in what its views point into, and a copy of
/// the text that nobody holds.
class KeptEvent
{
public:
    /// Copies `event`. A view into a message that `owners` does not hold is copied too; a client
    /// that it does not hold becomes null.
    void keep(HookRecord& record, const sdk::EventHeader& event, const EventOwners& owners);
    /// Gives the shares back.
    void drop() noexcept;

    HookRecord& record() const noexcept { return *_record; }
    const sdk::EventHeader& event() const noexcept
    {
        return *reinterpret_cast<const sdk::EventHeader*>(_event.data());
    }
    const Counted* message() const noexcept { return _message.get(); }
    /// What it counts against the plugin's budget: copied text and the message it keeps alive.
    std::size_t bytes() const noexcept { return _bytes; }

private:
    HookRecord* _record = nullptr;
    Ref<const Counted> _client;
    Ref<const Counted> _publisher;
    Ref<const Counted> _message;
    std::size_t _bytes = 0;
    alignas(8) std::array<std::byte, kMaxEventSize> _event;
    std::string _text; // keeps its capacity from event to event
};

/// Events on their way from one worker to one plugin's executor, in order.
///
/// One producer, one consumer, no lock. The memory grows and shrinks in pieces of 64 events, so
/// that a plugin without observers holds none, and a busy one reuses the piece just emptied.
class OffloadRing
{
public:
    static constexpr std::uint64_t kMaxEvents = 4'096;
    static constexpr std::size_t kMaxBytes = 16 * 1024 * 1024;

    /// @param heldBytes  of all rings of the plugin together, bounded by kMaxBytes.
    explicit OffloadRing(std::atomic<std::size_t>& heldBytes);
    ~OffloadRing();
    OffloadRing(const OffloadRing&) = delete;
    OffloadRing& operator=(const OffloadRing&) = delete;

    /// Keeps the event, or counts it as dropped when there is no room. Thread: [worker].
    bool push(HookRecord& record, const sdk::EventHeader& event, const EventOwners& owners);
    /// First push since the last call? Thread: [worker].
    bool markDirty() noexcept { return !std::exchange(_dirty, true); }
    void clean() noexcept { _dirty = false; }

    /// The oldest event, null when there is none. Thread: [executor].
    KeptEvent* front() noexcept;
    /// Is done with the oldest event. Requires: front() was not null.
    void pop() noexcept;

    /// Events taken in, let go, and refused so far. accepted() - delivered() are queued or being
    /// told; read delivered() first. Thread: [any].
    std::uint64_t accepted() const noexcept { return _written.load(std::memory_order_acquire); }
    std::uint64_t delivered() const noexcept { return _read.load(std::memory_order_acquire); }
    std::uint64_t dropped() const noexcept { return _dropped.load(std::memory_order_relaxed); }

private:
    static constexpr std::size_t kPiece = 64;
    struct Piece
    {
        std::array<KeptEvent, kPiece> events;
        Piece* next = nullptr; // written before the first event behind it is
    };

    std::atomic<std::size_t>& _heldBytes;
    alignas(64) std::atomic<std::uint64_t> _written{0}; // the worker's
    std::atomic<std::uint64_t> _dropped{0};
    Piece* _last = nullptr;
    std::size_t _lastUsed = kPiece; // events written in it
    bool _dirty = false;
    alignas(64) std::atomic<std::uint64_t> _read{0}; // the executor's
    Piece* _first = nullptr;
    std::size_t _firstUsed = 0; // events done with in it
    alignas(64) std::atomic<Piece*> _spare{nullptr};
};

} // namespace nanomq
