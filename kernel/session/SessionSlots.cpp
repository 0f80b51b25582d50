#include "session/SessionSlots.h"

namespace nanomq
{

SessionSlots::~SessionSlots()
{
    for (auto& page : _pages) delete page.load(std::memory_order_relaxed);
}

SubscriberId SessionSlots::take()
{
    std::lock_guard guard(_mutex);
    if (!_free.empty())
    {
        const auto id = _free.back();
        _free.pop_back();
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
    auto returned = std::make_unique<Returned>(Returned{this, id});
    _quiescence.retire(
        returned.release(),
        [](void* object) {
            const std::unique_ptr<Returned> returned(static_cast<Returned*>(object));
            std::lock_guard guard(returned->slots->_mutex);
            returned->slots->_free.push_back(returned->id);
        },
        sizeof(Returned));
}

} // namespace nanomq
