#pragma once

#include "nanomq/services.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>

namespace credentials
{

/// Says no later, without a thread that waits: for wrong passwords, which are to cost time.
/// Thread: [any]. For plugins alone: it needs the SDK.
class LateAnswers
{
public:
    /// More than this many do not wait: they are answered at once, so that wrong passwords never
    /// use up the deferrals that right ones need.
    static constexpr std::size_t kWaiting = 1'024;

    LateAnswers(nanomq::sdk::Host& host, nanomq::sdk::Tasks& tasks) noexcept
        : _host(host), _tasks(tasks)
    {
    }
    LateAnswers(const LateAnswers&) = delete;
    LateAnswers& operator=(const LateAnswers&) = delete;

    /// Completes the deferral with Deny and `reason`, after `delay`.
    void deny(nanomq::sdk::Deferral deferral, nanomq::sdk::ReasonCode reason,
              std::chrono::milliseconds delay)
    {
        {
            const std::lock_guard lock(_mutex);
            const auto run = [](void* self) { static_cast<LateAnswers*>(self)->answerFirst(); };
            const auto due = std::chrono::steady_clock::now() + delay;
            // Each entry has a timer, and each timer answers the entry that is due first.
            if (_waiting.size() < kWaiting &&
                _tasks.timer(static_cast<std::uint32_t>(delay.count()), 0, run, this, nullptr) == 0)
            {
                _waiting.emplace(due, Answer{deferral, reason});
                return;
            }
        }
        complete({deferral, reason});
    }

private:
    struct Answer
    {
        nanomq::sdk::Deferral deferral;
        nanomq::sdk::ReasonCode reason;
    };

    void answerFirst()
    {
        Answer answer;
        {
            const std::lock_guard lock(_mutex);
            if (_waiting.empty()) return;
            answer = _waiting.begin()->second;
            _waiting.erase(_waiting.begin());
        }
        complete(answer);
    }
    void complete(const Answer& answer)
    {
        _host.complete(answer.deferral, nanomq::sdk::Verdict::Deny, answer.reason,
                       "wrong user name or password");
    }

    nanomq::sdk::Host& _host;
    nanomq::sdk::Tasks& _tasks;
    std::mutex _mutex; // guards _waiting
    std::multimap<std::chrono::steady_clock::time_point, Answer> _waiting;
};

} // namespace credentials
