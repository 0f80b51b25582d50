#pragma once

#include "broker/HookQuestions.h"
#include "wire/Message.h"

namespace nanomq
{

class Worker;

/// A message that no connection waits for, such as a Will or a plugin's, while the
/// `message.publish` hooks decide about it. Thread: [worker].
class LooseMessage final : private HookQuestions::Waiting
{
public:
    LooseMessage(Worker& worker, MessageRef message, bool isWill);

    /// Asks, and routes. False while an answer is awaited; it goes on by itself then.
    bool publish();

private:
    void answered() override;

    Worker& _worker;
    MessageRef _message;
    const bool _isWill;
    HookQuestions _questions;
};

} // namespace nanomq
