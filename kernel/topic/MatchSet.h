#pragma once

#include "topic/SubscriberList.h"

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nanomq
{

/// A Shared Subscription (§4.8.2): each message goes to one of its members.
class SharedGroup
{
public:
    /// Everybody in it; holds kNoSubscriber where one was removed.
    /// Thread: a reader that is online in the Quiescence.
    SubscriberSpan members() const noexcept { return _members.view(); }

    /// A number that goes up by one with each call and wraps: modulo members().size() it is the
    /// place to begin looking for a member that can take the message. Thread: [any].
    std::uint32_t next() const noexcept { return _cursor.fetch_add(1, std::memory_order_relaxed); }

    std::string_view shareName() const noexcept { return _shareName; }

    /// Names this group among all that ever were; not 0. For who keeps a message that came through
    /// it, and asks later whether the group is still there.
    std::uint32_t serial() const noexcept { return _serial; }

private:
    friend class SubscriptionIndex;

    SubscriberList _members;
    mutable std::atomic<std::uint32_t> _cursor{0};
    std::uint32_t _filter = 0; // FilterId of the filter without the share
    std::uint32_t _serial = 0;
    std::string _shareName;
};

/// What a Topic Name matched. Keeps its capacity from message to message: clear() it, match, walk
/// over it, all within one turn. A session that subscribed with overlapping filters stands in
/// several lists (§3.3.4 leaves it to the server whether it gets one copy or one per filter).
/// Thread: the owner's.
class MatchSet
{
public:
    MatchSet();

    /// One list per matched filter that has subscribers of its own.
    std::span<const SubscriberSpan> lists() const noexcept { return _lists; }
    /// The matched Shared Subscriptions.
    std::span<const SharedGroup* const> groups() const noexcept { return _groups; }

    bool empty() const noexcept { return _lists.empty() && _groups.empty(); }
    void clear() noexcept
    {
        _lists.clear();
        _groups.clear();
    }

private:
    friend class SubscriptionIndex;

    std::vector<SubscriberSpan> _lists;
    std::vector<const SharedGroup*> _groups;
};

} // namespace nanomq
