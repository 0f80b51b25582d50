#include "hook/HookWatch.h"

#include <algorithm>

namespace nanomq
{

HookMark::Tag HookNames::tagFor(const std::string& plugin)
{
    std::lock_guard lock(_mutex);
    auto found = std::find(_names.begin(), _names.end(), plugin);
    if (found == _names.end()) found = _names.insert(_names.end(), plugin);
    return static_cast<HookMark::Tag>(found - _names.begin()) << kPointBits;
}

HookNames::Hook HookNames::find(HookMark::Tag tag) const
{
    std::lock_guard lock(_mutex);
    constexpr HookMark::Tag kPoint = (1u << kPointBits) - 1;
    return {_names.at(tag >> kPointBits), static_cast<sdk::HookPoint>(tag & kPoint)};
}

} // namespace nanomq
