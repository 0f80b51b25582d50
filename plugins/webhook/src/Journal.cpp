#include "Journal.h"

#include <utility>

namespace webhook
{

std::optional<std::uint64_t> Repetition::admit(Time now) noexcept
{
    if (_told && now - *_told < _interval)
    {
        ++_heldBack;
        return {};
    }
    _told = now;
    return std::exchange(_heldBack, 0);
}

std::optional<std::uint64_t> Journal::admit(Trouble trouble)
{
    const std::lock_guard lock(_mutex);
    return _troubles[static_cast<std::size_t>(trouble)].admit(std::chrono::steady_clock::now());
}

void Journal::write(std::string text, std::uint64_t heldBack)
{
    if (heldBack > 0)
        text += "; " + std::to_string(heldBack) + " more like it since the last such line";
    warnAlways(text);
}

} // namespace webhook
