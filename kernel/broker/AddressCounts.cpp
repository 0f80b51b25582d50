#include "broker/AddressCounts.h"

namespace nanomq
{

bool AddressCounts::enter(std::string_view address, std::size_t maximum)
{
    std::lock_guard guard(_mutex);
    const auto found = _counts.find(address);
    if (found == _counts.end())
    {
        if (maximum > 0) _counts.emplace(address, 1);
        return maximum > 0;
    }
    if (found->second >= maximum) return false;
    ++found->second;
    return true;
}

void AddressCounts::leave(std::string_view address) noexcept
{
    std::lock_guard guard(_mutex);
    const auto found = _counts.find(address);
    if (found != _counts.end() && --found->second == 0) _counts.erase(found);
}

} // namespace nanomq
