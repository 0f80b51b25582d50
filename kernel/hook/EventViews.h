#pragma once

#include "nanomq/events.h"

#include <algorithm>
#include <string_view>

namespace nanomq
{

/// Where the views of an event are: for keeping an event past the call it was raised in, and for
/// finding the topic that hooks' filters are compared with.

/// Large enough for every event of this version.
inline constexpr std::size_t kMaxEventSize = std::max(
    {sizeof(sdk::ClientConnect), sizeof(sdk::ClientAuthenticate), sizeof(sdk::ClientEnhancedAuth),
     sizeof(sdk::ClientAuthorize), sizeof(sdk::ClientConnack), sizeof(sdk::ClientDisconnected),
     sizeof(sdk::ClientSubscribe), sizeof(sdk::SessionSubscribed), sizeof(sdk::SessionTerminated),
     sizeof(sdk::MessagePublish), sizeof(sdk::MessagePublished), sizeof(sdk::MessageOfReceiver)});

/// The event behind its header.
template <class Event> Event& eventAs(sdk::EventHeader& header) noexcept
{
    return reinterpret_cast<Event&>(header);
}
template <class Event> const Event& eventAs(const sdk::EventHeader& header) noexcept
{
    return reinterpret_cast<const Event&>(header);
}

constexpr bool isMessageOfReceiver(sdk::HookPoint point) noexcept
{
    return point == sdk::HookPoint::MessageDelivered || point == sdk::HookPoint::MessageAcked ||
           point == sdk::HookPoint::MessageDropped || point == sdk::HookPoint::MessageExpired;
}

/// Calls `visit(view, ofMessage)` for each view of an observer's event: `ofMessage` says that it
/// normally points into the message, else it is text that somebody else owns.
template <class Visit> void forEachView(sdk::EventHeader& event, Visit visit)
{
    using sdk::HookPoint;
    if (isMessageOfReceiver(event.point))
    {
        auto& message = eventAs<sdk::MessageOfReceiver>(event);
        visit(message.topic, true);
        visit(message.payload, true);
        visit(message.properties, true);
        visit(message.reasonText, false);
        return;
    }
    switch (event.point)
    {
    case HookPoint::MessagePublished:
    {
        auto& message = eventAs<sdk::MessagePublished>(event);
        visit(message.topic, true);
        visit(message.payload, true);
        visit(message.properties, true);
        break;
    }
    case HookPoint::ClientDisconnected:
        visit(eventAs<sdk::ClientDisconnected>(event).reasonText, false);
        break;
    case HookPoint::SessionTerminated:
        visit(eventAs<sdk::SessionTerminated>(event).reasonText, false);
        break;
    case HookPoint::SessionSubscribed:
        visit(eventAs<sdk::SessionSubscribed>(event).topicFilter, false);
        break;
    case HookPoint::SessionUnsubscribed:
        visit(eventAs<sdk::SessionUnsubscribed>(event).topicFilter, false);
        break;
    case HookPoint::RouteAdded: visit(eventAs<sdk::RouteAdded>(event).topicFilter, false); break;
    case HookPoint::RouteRemoved:
        visit(eventAs<sdk::RouteRemoved>(event).topicFilter, false);
        break;
    case HookPoint::ConfigChanged: visit(eventAs<sdk::ConfigChanged>(event).file, false); break;
    default: break;
    }
}

/// Does the event have a `client` right behind its header?
constexpr bool hasClient(sdk::HookPoint point) noexcept
{
    return static_cast<unsigned>(point) < static_cast<unsigned>(sdk::HookPoint::RouteAdded);
}

/// The event's `client`. Requires: hasClient().
inline const sdk::ClientInfo*& clientOf(sdk::EventHeader& event) noexcept
{
    return eventAs<sdk::ClientConnected>(event).client;
}

/// May a hook at this point have topic filters?
constexpr bool hasTopic(sdk::HookPoint point) noexcept
{
    using sdk::HookPoint;
    switch (point)
    {
    case HookPoint::ClientAuthorize:
    case HookPoint::ClientSubscribe:
    case HookPoint::ClientUnsubscribe:
    case HookPoint::SessionSubscribed:
    case HookPoint::SessionUnsubscribed:
    case HookPoint::MessagePublish:
    case HookPoint::MessagePublished:
    case HookPoint::RouteAdded:
    case HookPoint::RouteRemoved: return true;
    default: return isMessageOfReceiver(point);
    }
}

/// The topic that filters of intercept and decide hooks are compared with.
inline std::string_view topicOf(const sdk::EventHeader& event) noexcept
{
    using sdk::HookPoint;
    switch (event.point)
    {
    case HookPoint::ClientAuthorize: return eventAs<sdk::ClientAuthorize>(event).topic.view();
    case HookPoint::ClientSubscribe: return eventAs<sdk::ClientSubscribe>(event).topicFilter.view();
    case HookPoint::ClientUnsubscribe:
        return eventAs<sdk::ClientUnsubscribe>(event).topicFilter.view();
    case HookPoint::MessagePublish: return eventAs<sdk::MessagePublish>(event).topic.view();
    default: return {};
    }
}

} // namespace nanomq
