#include "hook/HookTable.h"

#include "hook/HookSet.h"

#include <algorithm>

namespace nanomq
{

HookTable::HookTable(std::vector<Ref<HookSet>> sets) : _sets(std::move(sets))
{
    for (const auto& set : _sets)
    {
        for (const auto& hook : set->hooks())
        {
            const HookEntry entry{hook.get(), hook->position, hook->flags};
            if (hook->observer != 0) _observers.emplace_back(hook->observer, entry);
            else _entries[static_cast<std::size_t>(hook->point)].push_back(entry);
            const auto bit = std::uint64_t{1} << static_cast<unsigned>(hook->point);
            _points |= bit;
            if (hook->offloaded()) _offloaded |= bit;
        }
    }
    for (auto& chain : _entries)
        std::sort(chain.begin(), chain.end(),
                  [](const HookEntry& a, const HookEntry& b) { return a.position < b.position; });
    std::sort(_observers.begin(), _observers.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
}

HookTable::~HookTable() = default;

const HookEntry* HookTable::observer(std::uint32_t id) const noexcept
{
    const auto found = std::lower_bound(
        _observers.begin(), _observers.end(), id,
        [](const auto& observer, std::uint32_t wanted) { return observer.first < wanted; });
    return found != _observers.end() && found->first == id ? &found->second : nullptr;
}

} // namespace nanomq
