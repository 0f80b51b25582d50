#include "hook/HookBreaker.h"

#include <algorithm>

namespace nanomq
{

bool HookBreaker::admitsTrial() noexcept
{
    State expected = State::Trial;
    return _state.compare_exchange_strong(expected, State::Open, std::memory_order_relaxed);
}

HookBreaker::Change HookBreaker::judge(const Figures& figures, MonotonicMs now,
                                       const Settings& settings) noexcept
{
    if (state() != State::Closed || _onTrial) return judgeTrial(figures, now, settings);
    if (settings.failures == 0) return Change::None;
    const auto failures = figures.failures - _before.failures;
    const auto calls = figures.calls - _before.calls;
    if (failures >= settings.failures && failures * 100 >= calls * settings.sharePercent)
    {
        _pauseMs = settings.pauseMs;
        open(now);
        return Change::Opened;
    }
    if (now - _windowBegan >= settings.windowMs)
    {
        _windowBegan = now;
        _before = figures;
    }
    return Change::None;
}

HookBreaker::Change HookBreaker::judgeTrial(const Figures& figures, MonotonicMs now,
                                            const Settings& settings) noexcept
{
    if (!_onTrial)
    {
        if (now < _until) return Change::None;
        _onTrial = true;
        _calledOnTrial = false;
        _until = now + _pauseMs;
        _before = figures;
        _state.store(State::Trial, std::memory_order_relaxed);
        return Change::None;
    }
    if (figures.failures > _before.failures)
    {
        _pauseMs = std::min(2 * _pauseMs, settings.longestPauseMs);
        open(now);
        return Change::Reopened;
    }
    // One look later than the call is seen, so that it had time to end.
    if (_calledOnTrial && figures.waiting <= _before.waiting)
    {
        _onTrial = false;
        _windowBegan = now;
        _before = figures;
        _state.store(State::Closed, std::memory_order_relaxed);
        return Change::Closed;
    }
    _calledOnTrial = figures.calls > _before.calls;
    // A call that never came to the hook, as when its ring was full: let the next one through.
    if (!_calledOnTrial && now >= _until) _onTrial = false;
    return Change::None;
}

void HookBreaker::open(MonotonicMs now) noexcept
{
    _onTrial = false;
    _until = now + _pauseMs;
    _state.store(State::Open, std::memory_order_relaxed);
}

} // namespace nanomq
