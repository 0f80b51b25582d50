#include "hook/OffloadRing.h"

#include "hook/HookBus.h"

#include <cstring>

namespace nanomq
{

namespace
{

constexpr std::size_t kKeptTextCapacity = 256;

void add(std::atomic<std::uint64_t>& counterOfOneWriter) noexcept
{
    counterOfOneWriter.store(counterOfOneWriter.load(std::memory_order_relaxed) + 1,
                             std::memory_order_relaxed);
}

} // namespace

void KeptEvent::keep(HookRecord& record, const sdk::EventHeader& event, const EventOwners& owners)
{
    _record = &record;
    std::memcpy(_event.data(), &event, event.size);
    auto& copy = *reinterpret_cast<sdk::EventHeader*>(_event.data());

    _client = Ref<const Counted>::share(owners.client);
    _publisher = Ref<const Counted>::share(owners.publisher);
    _message = Ref<const Counted>::share(owners.message);
    if (hasClient(copy.point) && !owners.client) clientOf(copy) = nullptr;
    // A kept message holds its publisher (see sdk::ClientInfo).
    if (isMessageOfReceiver(copy.point) && !owners.publisher && !owners.message)
        eventAs<sdk::MessageOfReceiver>(copy).publisher = nullptr;

    // First the text, then the views into it: it may move while it grows.
    _text.clear();
    _bytes = 0;
    const auto held = [&](bool ofMessage) { return ofMessage && owners.message; };
    forEachView(copy, [&](auto& view, bool ofMessage) {
        _bytes += view.size;
        if (!held(ofMessage)) _text += view.view();
    });
    std::size_t offset = 0;
    forEachView(copy, [&](auto& view, bool ofMessage) {
        if (held(ofMessage)) return;
        view.data = _text.data() + offset;
        offset += view.size;
    });
}

void KeptEvent::drop() noexcept
{
    _client = {};
    _publisher = {};
    _message = {};
    if (_text.capacity() > kKeptTextCapacity) std::string().swap(_text);
}

OffloadRing::OffloadRing(std::atomic<std::size_t>& heldBytes) : _heldBytes(heldBytes) {}

OffloadRing::~OffloadRing()
{
    const std::unique_ptr<Piece> spare(_spare.load(std::memory_order_relaxed));
    while (_first)
    {
        const std::unique_ptr<Piece> piece(_first);
        _first = piece->next;
    }
}

bool OffloadRing::push(HookRecord& record, const sdk::EventHeader& event, const EventOwners& owners)
{
    const std::uint64_t written = _written.load(std::memory_order_relaxed);
    if (written - _read.load(std::memory_order_acquire) >= kMaxEvents ||
        _heldBytes.load(std::memory_order_relaxed) >= kMaxBytes)
    {
        add(_dropped);
        return false;
    }
    if (_lastUsed == kPiece)
    {
        std::unique_ptr<Piece> next(_spare.exchange(nullptr, std::memory_order_acquire));
        if (!next) next = std::make_unique<Piece>();
        next->next = nullptr;
        // The executor reads _first only once it has seen an event.
        (_last ? _last->next : _first) = next.get();
        _last = next.release();
        _lastUsed = 0;
    }
    KeptEvent& slot = _last->events[_lastUsed];
    slot.keep(record, event, owners);
    ++_lastUsed;
    _heldBytes.fetch_add(slot.bytes(), std::memory_order_relaxed);
    _written.store(written + 1, std::memory_order_release);
    return true;
}

KeptEvent* OffloadRing::front() noexcept
{
    if (_written.load(std::memory_order_acquire) == _read.load(std::memory_order_relaxed))
        return nullptr;
    if (_firstUsed == kPiece)
    {
        // There is one more event, so the worker has linked the piece it is in.
        Piece* const emptied = std::exchange(_first, _first->next);
        _firstUsed = 0;
        const std::unique_ptr<Piece> old(_spare.exchange(emptied, std::memory_order_acq_rel));
    }
    return &_first->events[_firstUsed];
}

void OffloadRing::pop() noexcept
{
    KeptEvent& slot = _first->events[_firstUsed];
    _heldBytes.fetch_sub(slot.bytes(), std::memory_order_relaxed);
    slot.drop();
    ++_firstUsed;
    _read.store(_read.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

} // namespace nanomq
