#include "session/SessionSlots.h"

namespace nanomq
{

SessionSlots::~SessionSlots()
{
    for (auto& page : _pages) delete page.load(std::memory_order_relaxed);
}

SubscriberId SessionSlots::take()
{
    std::lock_guard guard(_free->mutex);
    if (!_free->ids.empty())
    {
        const auto id = _free->ids.back();
        _free->ids.pop_back();
        return id;
    }
    if (_next == kMaximum) return kNoSubscriber;
    auto& page = _pages[_next / kPageSize];
    if (!page.load(std::memory_order_relaxed))
        page.store(std::make_unique<Page>().release(), std::memory_order_release);
    return _next++;
}

void SessionSlots::set(SubscriberId id, Outbound& outbound) noexcept
{
    (*_pages[id / kPageSize].load(std::memory_order_acquire))[id % kPageSize].store(
        &outbound, std::memory_order_release);
}

void SessionSlots::giveBack(SubscriberId id)
{
    (*_pages[id / kPageSize].load(std::memory_order_acquire))[id % kPageSize].store(
        nullptr, std::memory_order_release);
    auto returned = std::make_unique<Returned>(Returned{_free, id});
    _quiescence.retire(
        returned.release(),
        [](void* object) {
            const std::unique_ptr<Returned> returned(static_cast<Returned*>(object));
            std::lock_guard guard(returned->free->mutex);
            returned->free->ids.push_back(returned->id);
        },
        sizeof(Returned));
}

} // namespace nanomq
