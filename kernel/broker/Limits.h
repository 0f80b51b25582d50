#pragma once

#include "base/Clock.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace nanomq
{

/// A limit of the configuration that somebody ran into. Counted by these, and told in the log.
enum class Limit : std::uint8_t
{
    PacketSize,
    TopicLength,
    TopicLevels,
    UserProperties,
    FiltersPerSubscribe,
    Subscriptions,
    PacketRate,
    ByteRate,
    SlowReader,
    Connections,
    ListenerConnections,
    AddressConnections,
    ConnectRate,
    ConnectTimeout,
    ConnectMemory, // of all that have not been let in yet
    Memory,        // of the broker
    RetainedStore,
    Banned,
};

inline constexpr std::size_t kLimits = 18;

/// As metrics show it: "packet_rate".
std::string_view limitName(Limit limit) noexcept;

/// Tells in the log who ran into which limit: each limit at once the first time, then at most
/// once in ten seconds, with the number of those that were not told. Thread: [worker].
class LimitLog
{
public:
    /// @param who   the client, or where it comes from.
    /// @param what  what happens to it.
    void tell(Limit limit, MonotonicMs now, const std::string& who, std::string_view what);
    /// Whether tell() would write a line: to make its texts only then.
    bool tells(Limit limit, MonotonicMs now) noexcept;

private:
    static constexpr MonotonicMs kEveryMs = 10'000;

    struct Told
    {
        MonotonicMs next = 0;
        std::uint64_t untold = 0;
    };
    std::array<Told, kLimits> _told{};
};

} // namespace nanomq
