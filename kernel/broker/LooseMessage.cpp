#include "broker/LooseMessage.h"

#include "broker/ClientIdentity.h"
#include "broker/PublishHook.h"
#include "broker/Worker.h"

namespace nanomq
{

LooseMessage::LooseMessage(Worker& worker, MessageRef message, bool isWill)
    : _worker(worker),
      _message(std::move(message)),
      _isWill(isWill),
      _questions(worker.broker().hooks, worker.number(), *this)
{
}

bool LooseMessage::publish()
{
    const HookTable& hooks = _worker.hooks();
    _questions.begin();
    const auto* const client = ClientIdentity::infoOf(_message->publisher());
    auto event = publishEvent(_message->view(), client, _worker.turn().now());
    event.isWill = _isWill;
    const EventOwners owners{_message->publisher(), _message.get(), nullptr};
    const HookOutcome* const outcome = _questions.ask(hooks, event, owners);
    if (!outcome) return false;

    const RewrittenMessage rewritten(_message->view(), *outcome);
    if (outcome->verdict == sdk::Verdict::Deny || outcome->verdict == sdk::Verdict::Drop)
    {
        _worker.tellRefused(_message->view(), _message->publisher(), *outcome);
        return true;
    }
    if (!rewritten.valid())
    {
        _worker.counters().messagesRefused.add();
        return true;
    }
    Publication publication(rewritten.view(), _message->publisher(), kNoSubscriber,
                            _worker.frames());
    _worker.route(publication, hooks, _isWill);
    return true;
}

void LooseMessage::answered()
{
    if (publish()) _worker.forget(*this); // ends this object
}

} // namespace nanomq
