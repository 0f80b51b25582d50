#include "broker/MemoryBudget.h"

namespace nanomq
{

namespace
{

constexpr unsigned kSlackPercent = 5;

struct Mark
{
    MemoryLevel level;
    unsigned percent;
};
constexpr Mark kMarks[] = {{MemoryLevel::Refuse, 95},
                           {MemoryLevel::Wait, 90},
                           {MemoryLevel::NoExtras, 85},
                           {MemoryLevel::NoNewcomers, 80}};

} // namespace

std::string_view memoryLevelName(MemoryLevel level) noexcept
{
    switch (level)
    {
    case MemoryLevel::Fine: return "fine";
    case MemoryLevel::NoNewcomers: return "no new connections";
    case MemoryLevel::NoExtras: return "no QoS 0 for slow readers, nothing new retained";
    case MemoryLevel::Wait: return "publishers with QoS 1 and 2 wait";
    case MemoryLevel::Refuse: return "messages with QoS 1 and 2 refused, slow readers disconnected";
    }
    return {};
}

MemoryLevel MemoryBudget::levelOf(std::size_t used) const noexcept
{
    const double percent = 100.0 * static_cast<double>(used) / static_cast<double>(_limit);
    const MemoryLevel now = level();
    for (const Mark& mark : kMarks)
    {
        const unsigned slack = now >= mark.level ? kSlackPercent : 0;
        if (percent >= mark.percent - slack) return mark.level;
    }
    return MemoryLevel::Fine;
}

MemoryLevel MemoryBudget::update(std::size_t used) noexcept
{
    _used.store(used, std::memory_order_relaxed);
    const MemoryLevel before = level();
    if (_limit > 0) _level.store(levelOf(used), std::memory_order_relaxed);
    return before;
}

} // namespace nanomq
