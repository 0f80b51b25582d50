#pragma once

#include "nanomq/plugin.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace webhook
{

/// Lets the first of many like events through, and after that one per interval, with a count of
/// those that were held back.
class Repetition
{
public:
    using Time = std::chrono::steady_clock::time_point;

    explicit Repetition(std::chrono::seconds interval) noexcept : _interval(interval) {}

    /// Empty: hold it back. Else tell it, and how many were held back since the last one told.
    std::optional<std::uint64_t> admit(Time now) noexcept;

private:
    const std::chrono::seconds _interval;
    std::optional<Time> _told;
    std::uint64_t _heldBack = 0;
};

/// What the plugin writes to the broker's log: each kind of trouble at most once in ten seconds.
/// Thread: [any].
class Journal
{
public:
    enum class Trouble : std::uint8_t
    {
        Retry,
        Refused,
        GivenUp,
        QueueFull,
        NoThread,
        Disk,
    };

    explicit Journal(nanomq::sdk::Host& host) : _host(host) {}

    /// @param text  makes the sentence; called only when it is told.
    template <class Text> void warn(Trouble trouble, Text text)
    {
        if (const auto heldBack = admit(trouble)) write(text(), *heldBack);
    }
    void inform(const std::string& text) { _host.log(nanomq::sdk::LogLevel::Information, text); }
    void warnAlways(const std::string& text) { _host.log(nanomq::sdk::LogLevel::Warning, text); }

private:
    static constexpr std::chrono::seconds kInterval{10};

    std::optional<std::uint64_t> admit(Trouble trouble);
    void write(std::string text, std::uint64_t heldBack);

    nanomq::sdk::Host& _host;
    std::mutex _mutex; // guards _troubles
    std::array<Repetition, 6> _troubles{Repetition(kInterval), Repetition(kInterval),
                                        Repetition(kInterval), Repetition(kInterval),
                                        Repetition(kInterval), Repetition(kInterval)};
};

} // namespace webhook
