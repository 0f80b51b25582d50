#pragma once

#include "hook/Deferrals.h"
#include "hook/HookBus.h"
#include "hook/HookSet.h"

#include <cstdint>
#include <vector>

namespace nanomq
{

/// What the HookBus keeps for one worker. Thread: [worker], but for `mailbox`.
struct HookBus::WorkerState
{
    WorkerState(unsigned number, const Worker& worker)
        : mailbox(*worker.mailbox),
          deferrals(number, *worker.mailbox, *worker.timers)
    {
    }

    Mailbox& mailbox;
    Deferrals deferrals;
    std::uint64_t events = 0;
    HookMark mark;
    std::vector<Ref<HookSet>> dirty;      // sets whose ring got something in this turn
    std::vector<std::uint32_t> observers; // those of one message, each once
};

} // namespace nanomq
