#pragma once

#include "hook/HookBus.h"
#include "nanomq/events.h"
#include "wire/Message.h"

#include <string_view>
#include <vector>

namespace nanomq
{

/// The event of `message.publish` for a message.
sdk::MessagePublish publishEvent(const MessageView& view, const sdk::ClientInfo* client,
                                 MonotonicMs now) noexcept;

/// A message as the `message.publish` hooks have left it. Keeps what they added.
class RewrittenMessage
{
public:
    /// Applies the changes of `outcome`, which outlives this object, to `view`.
    RewrittenMessage(const MessageView& view, const HookOutcome& outcome);

    const MessageView& view() const noexcept { return _view; }
    /// False when a hook has set a Topic Name that is none.
    bool valid() const noexcept { return _valid; }

private:
    MessageView _view;
    std::vector<std::uint8_t> _properties;
    bool _valid = true;
};

} // namespace nanomq
