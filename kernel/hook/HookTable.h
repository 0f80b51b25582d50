#pragma once

#include "base/Counted.h"
#include "nanomq/hooks.h"

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace nanomq
{

class HookSet;
struct HookRecord;

/// Where in a chain a hook answered `Pending`. The chain goes on at the first entry of the then
/// current table that sorts after it, so plugins may come and go meanwhile.
struct HookPosition
{
    std::int16_t priority = 0;
    std::uint32_t plugin = 0;
    std::uint32_t sequence = 0;

    /// The order of a chain: higher priority first, then the plugin that was loaded first, then
    /// the hook that it registered first.
    friend bool operator<(const HookPosition& a, const HookPosition& b) noexcept
    {
        if (a.priority != b.priority) return a.priority > b.priority;
        if (a.plugin != b.plugin) return a.plugin < b.plugin;
        return a.sequence < b.sequence;
    }
};

/// One registered hook as the workers see it.
struct HookEntry
{
    HookRecord* record; ///< all about it; the kernel's, and outlives the plugin
    HookPosition position;
    std::uint32_t flags; ///< kInline, kFailClosed, …
};

/// All hooks of all plugins: immutable, and replaced whole (see HookBus). Thread: [worker] reads,
/// [host] makes.
class HookTable
{
public:
    HookTable() noexcept = default;
    /// The table of these plugins' hooks. It shares in the sets, so what entries point to lives
    /// as long as the table.
    explicit HookTable(std::vector<Ref<HookSet>> sets);
    ~HookTable();
    HookTable(const HookTable&) = delete;
    HookTable& operator=(const HookTable&) = delete;

    /// Is a hook registered at this point? One load, one branch.
    bool any(sdk::HookPoint point) const noexcept { return has(_points, point); }
    /// A bit for each point that has a hook, by its number.
    std::uint64_t points() const noexcept { return _points; }
    /// Is one of them told later, so that it needs EventOwners? Else nothing need be frozen.
    bool offloads(sdk::HookPoint point) const noexcept { return has(_offloaded, point); }

    /// The chain of a point, in order. Observers of `message.published` that have topic filters
    /// are not in it: observer() finds those.
    std::span<const HookEntry> on(sdk::HookPoint point) const noexcept
    {
        return _entries[static_cast<std::size_t>(point)];
    }
    /// The observer of `message.published` with that id in the index; null for an id that this
    /// table does not know, as happens for a moment while a plugin comes or goes.
    const HookEntry* observer(std::uint32_t id) const noexcept;

    std::span<const Ref<HookSet>> sets() const noexcept { return _sets; }

private:
    static bool has(std::uint64_t points, sdk::HookPoint point) noexcept
    {
        return ((points >> static_cast<unsigned>(point)) & 1) != 0;
    }

    std::uint64_t _points = 0; // a bit for each point that has an entry
    std::uint64_t _offloaded = 0;
    std::array<std::vector<HookEntry>, sdk::kHookPoints> _entries;
    std::vector<std::pair<std::uint32_t, HookEntry>> _observers; // sorted by id
    std::vector<Ref<HookSet>> _sets;
};

} // namespace nanomq
