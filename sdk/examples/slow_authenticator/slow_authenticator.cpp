// Authenticates with an answer that takes its time: a deferral, answered from an own thread.

#include "nanomq/plugin_base.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>

using namespace nanomq::sdk;

class SlowAuthenticator final : public PluginBase
{
    using Clock = std::chrono::steady_clock;

    struct Question
    {
        Deferral deferral;
        bool right;
        Clock::time_point due;
    };

    void onInit() override
    {
        _password = configText("slow_authenticator.password");
        if (_password.empty()) throw std::runtime_error("slow_authenticator.password is missing");
        _delay =
            std::chrono::milliseconds(std::stoul(configText("slow_authenticator.delay_ms", "100")));
        hook<&SlowAuthenticator::onAuthenticate>(0, {}, kFailClosed);
        if (get<Tasks>().thread("slow-auth", &run, this) != 0)
            throw std::runtime_error("no thread to answer from");
    }

    /// [worker]: must not wait, so it asks and says that the answer comes later. What the event
    /// shows is gone afterwards: the thread gets what it needs as a copy.
    Verdict onAuthenticate(const ClientAuthenticate& event, HookContext& context)
    {
        if (!event.hasPassword) return Verdict::Next;
        const Deferral deferral = context.defer(5'000, Verdict::Deny);
        if (deferral.token == 0) return Verdict::Error; // too many wait: fails closed
        std::lock_guard lock(_mutex);
        _questions.push_back({deferral, event.password.view() == _password, Clock::now() + _delay});
        if (_stop) _stop->notify();
        return Verdict::Pending;
    }

    static void run(void* self, Tasks::Stop* stop)
    {
        static_cast<SlowAuthenticator*>(self)->answer(*stop);
    }

    /// Stands for a request to some service; every answer takes the same time.
    void answer(Tasks::Stop& stop)
    {
        {
            std::lock_guard lock(_mutex);
            _stop = &stop;
        }
        while (!stop.requested())
        {
            const auto question = nextDue();
            if (!question)
            {
                stop.wait(msUntilNext());
                continue;
            }
            if (question->right) host().complete(question->deferral, Verdict::Allow, 0, "");
            else host().complete(question->deferral, Verdict::Deny,
                                 reason::kBadUserNameOrPassword, "wrong password");
        }
        std::lock_guard lock(_mutex);
        _stop = nullptr;
    }

    std::optional<Question> nextDue()
    {
        std::lock_guard lock(_mutex);
        if (_questions.empty() || _questions.front().due > Clock::now()) return std::nullopt;
        const Question question = _questions.front();
        _questions.pop_front();
        return question;
    }
    std::uint32_t msUntilNext()
    {
        std::lock_guard lock(_mutex);
        if (_questions.empty()) return 60'000;
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            _questions.front().due - Clock::now());
        return static_cast<std::uint32_t>(std::max<std::int64_t>(1, left.count() + 1));
    }

    std::string _password;
    std::chrono::milliseconds _delay{};
    std::mutex _mutex;               // guards all below; held for a few lines, also on workers
    std::deque<Question> _questions; // bounded by the broker's limit of open deferrals
    Tasks::Stop* _stop = nullptr;
};

NANOMQ_PLUGIN(SlowAuthenticator, "slow_authenticator", "1.0.0", NANOMQ_PLUGIN_RELOAD_OVERLAP)
