#include "broker/HookQuestions.h"

#include "wire/ReasonCode.h"

#include <utility>

namespace nanomq
{

void HookQuestions::forget() noexcept
{
    if (_deferral != 0) _bus.forget(std::exchange(_deferral, 0));
}

bool HookQuestions::settle(Entry& entry)
{
    if (entry.outcome.verdict == sdk::Verdict::Pending)
    {
        _deferral = entry.outcome.deferral;
        if (_bus.park(_deferral, *this)) return false;
        // Nothing is open, so no answer would ever come: say no.
        _deferral = 0;
        entry.outcome.verdict = sdk::Verdict::Deny;
        entry.outcome.reason = static_cast<std::uint8_t>(ReasonCode::ImplementationSpecificError);
    }
    entry.settled = true;
    return true;
}

void HookQuestions::resume(const HookAnswer& answer)
{
    _deferral = 0;
    _answer = answer;
    _waiting.answered();
}

} // namespace nanomq
