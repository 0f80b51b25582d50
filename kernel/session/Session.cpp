#include "session/Session.h"

#include <algorithm>

namespace nanomq
{

bool Session::removeSubscription(FilterId filter) noexcept
{
    // From the back: clients that clean up tend to go through what they subscribed to last, and
    // a client with many filters that goes altogether does not come here.
    const auto found = std::find(_subscriptions.rbegin(), _subscriptions.rend(), filter);
    if (found == _subscriptions.rend()) return false;
    *found = _subscriptions.back();
    _subscriptions.pop_back();
    return true;
}

} // namespace nanomq
