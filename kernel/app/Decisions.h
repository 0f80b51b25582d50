#pragma once

#include "hook/HookWitness.h"

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

namespace Poco
{
class Logger;
}

namespace nanomq
{

/// Why did it happen? Hears what hooks refuse, drop, rewrite and delay, writes it to the log (what
/// was refused or dropped at level debug, the rest at trace), and hands it on to traces.
class Decisions final : public HookWitness
{
public:
    class Listener
    {
    public:
        /// Thread: [worker]; must return quickly.
        virtual void decided(const HookDecision& decision) noexcept = 0;

    protected:
        ~Listener() = default;
    };

    explicit Decisions(Poco::Logger& logger) noexcept : _logger(logger) {}

    void add(Listener& listener); ///< [any]
    /// When it returns, the listener is not called and will not be. [any]
    void remove(Listener& listener);

    void decided(const HookDecision& decision) noexcept override;

    /// "client c1, client.authorize a/b: refused by auth_file (0x87): acl.rule.3".
    static std::string describe(const HookDecision& decision);
    /// "refused", "dropped", "changed", "delayed", "answered late".
    static std::string_view kindOf(const HookDecision& decision) noexcept;

private:
    Poco::Logger& _logger;
    std::atomic<bool> _heard{false};
    std::mutex _mutex; // guards _listeners, and their calls
    std::vector<Listener*> _listeners;
};

} // namespace nanomq
