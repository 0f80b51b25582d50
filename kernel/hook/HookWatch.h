#pragma once

#include "nanomq/events.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>

namespace nanomq
{

/// Which hook a thread is inside of, for others to see.
///
/// One word, written when a hook is entered and left, and with nothing in it that could be freed:
/// whoever looks need not keep a plugin alive. The count tells two calls of one hook apart.
class HookMark
{
public:
    /// What stands in the word while a hook runs: point and plugin's name, see HookNames.
    using Tag = std::uint32_t;

    /// From construction to destruction inside of a hook. Hooks do not nest: what a plugin asks
    /// for inside of one happens later. Thread: the mark's own.
    class Inside
    {
    public:
        /// @param call  tells calls of one hook apart.
        Inside(HookMark& mark, Tag tag, std::uint64_t call) noexcept : _mark(mark)
        {
            _mark._word.store((call + 1) << 32 | tag, std::memory_order_relaxed);
        }
        ~Inside() { _mark._word.store(0, std::memory_order_relaxed); }
        Inside(const Inside&) = delete;
        Inside& operator=(const Inside&) = delete;

    private:
        HookMark& _mark;
    };

    /// 0: in no hook. The same value twice: in the same call of the same hook. Thread: [any].
    std::uint64_t look() const noexcept { return _word.load(std::memory_order_relaxed); }
    static Tag tagOf(std::uint64_t look) noexcept { return static_cast<Tag>(look); }

private:
    alignas(64) std::atomic<std::uint64_t> _word{0};
};

/// The names behind the tags of HookMark. A plugin's name, once known, stays: there are no more
/// than there are files. Thread: [any].
class HookNames
{
public:
    struct Hook
    {
        std::string_view plugin; ///< lives as long as the HookNames
        sdk::HookPoint point;
    };

    /// The tag of a plugin; adding a point to it gives that of its hook.
    HookMark::Tag tagFor(const std::string& plugin);
    static HookMark::Tag with(HookMark::Tag plugin, sdk::HookPoint point) noexcept
    {
        return plugin | static_cast<HookMark::Tag>(point);
    }
    /// Requires: the tag of a hook.
    Hook find(HookMark::Tag tag) const;

private:
    static constexpr unsigned kPointBits = 8;
    static_assert(sdk::kHookPoints <= 1u << kPointBits);

    mutable std::mutex _mutex; // guards _names
    std::deque<std::string> _names;
};

} // namespace nanomq
