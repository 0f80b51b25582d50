#pragma once

#include "base/Clock.h"
#include "nanomq/types.h"

#include <array>
#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nanomq
{

enum class BanKind : std::uint8_t
{
    Address, // or a network: "192.0.2.7", "192.0.2.0/24", "2001:db8::/32"
    ClientId,
    UserName,
};
/// "address", "client_id", "user_name".
std::string_view banKindName(BanKind kind) noexcept;
std::optional<BanKind> banKindOf(std::string_view name) noexcept;

/// Somebody who may not come in.
struct Ban
{
    BanKind kind = BanKind::Address;
    std::string who;
    std::string reason;
    std::string by; // a person, a plugin, "failed logins", "flapping"
    UnixMs since = 0;
    UnixMs until = 0; // 0: for good

    bool isOver(UnixMs now) const noexcept { return until != 0 && until <= now; }
};

/// Who may not come in: by address or network, Client Identifier, or user name.
///
/// Asked once for each connection and each CONNECT; an empty list costs one load. Who is banned
/// while connected is disconnected by the workers, which look when changes() has changed.
/// Thread: [any].
class BanList
{
public:
    static constexpr std::size_t kMaximum = 100'000;
    static constexpr std::size_t kMaximumText = 1'024; // of reason and by; longer is cut off

    enum class Added : std::uint8_t
    {
        Done,
        Invalid, // no address or network, or an empty name
        Full,
    };

    /// Adds a ban, or replaces the one that there is for the same. `since` 0 means now.
    Added add(Ban ban);
    /// False when there is none.
    bool remove(BanKind kind, std::string_view who);
    /// All that are not over, by kind and whom they are for.
    std::vector<Ban> list() const;

    bool empty() const noexcept { return _count.load(std::memory_order_relaxed) == 0; }
    std::size_t size() const noexcept { return _count.load(std::memory_order_relaxed); }
    bool bansAddress(std::string_view address, UnixMs now) const;
    bool bansClientId(std::string_view clientId, UnixMs now) const;
    bool bansUserName(std::string_view userName, UnixMs now) const;
    /// Any of the three.
    bool bansClient(const sdk::ClientInfo& client, UnixMs now) const;

    /// Counts the bans that were added: for those who look after connected clients.
    std::uint64_t changes() const noexcept { return _changes.load(std::memory_order_acquire); }
    /// Called behind every change, on the thread that made it; not under a lock. [main]
    void onChange(std::function<void()> call) { _changed = std::move(call); }

private:
    /// Addresses that begin with the same bits. IPv4 as IPv6 has it, so that both are one.
    struct Network
    {
        std::array<std::uint8_t, 16> bytes{};
        std::uint8_t bits = 128;
        auto operator<=>(const Network&) const = default;
    };
    using Names = std::map<std::string, Ban, std::less<>>;

    static std::optional<Network> parse(std::string_view text);
    static Network cut(Network address, unsigned bits) noexcept;
    static std::string textOf(const Network& network);
    Names& namesOf(BanKind kind) noexcept { return kind == BanKind::UserName ? _users : _ids; }
    void dropOver(UnixMs now);
    void recount() noexcept;
    bool bansName(const Names& names, std::string_view name, UnixMs now) const;

    std::function<void()> _changed;
    std::atomic<std::size_t> _count{0};
    std::atomic<std::uint64_t> _changes{0};
    mutable std::mutex _mutex; // guards all below
    std::map<Network, Ban> _networks;
    std::array<std::size_t, 129> _lengths{}; // networks by their bits
    Names _ids;
    Names _users;
};

} // namespace nanomq
