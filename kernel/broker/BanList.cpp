#include "broker/BanList.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <utility>

namespace nanomq
{

namespace
{

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr unsigned kMappedBits = 96;

} // namespace

std::string_view banKindName(BanKind kind) noexcept
{
    switch (kind)
    {
    case BanKind::Address: return "address";
    case BanKind::ClientId: return "client_id";
    case BanKind::UserName: return "user_name";
    }
    return {};
}

std::optional<BanKind> banKindOf(std::string_view name) noexcept
{
    for (const auto kind : {BanKind::Address, BanKind::ClientId, BanKind::UserName})
        if (banKindName(kind) == name) return kind;
    return std::nullopt;
}

std::optional<BanList::Network> BanList::parse(std::string_view text)
{
    const auto slash = text.find('/');
    const std::string address(text.substr(0, slash));
    Network network;
    unsigned most = 128;
    in_addr v4{};
    if (::inet_pton(AF_INET, address.c_str(), &v4) == 1)
    {
        std::copy(kMapped.begin(), kMapped.end(), network.bytes.begin());
        std::memcpy(network.bytes.data() + kMapped.size(), &v4, sizeof v4);
        most = 32;
    }
    else if (::inet_pton(AF_INET6, address.c_str(), network.bytes.data()) != 1)
        return std::nullopt;
    if (slash == std::string_view::npos) return network;
    unsigned bits = 0;
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data() + slash + 1, end, bits);
    if (error != std::errc() || at != end || bits > most) return std::nullopt;
    return cut(network, bits + 128 - most);
}

BanList::Network BanList::cut(Network address, unsigned bits) noexcept
{
    address.bits = static_cast<std::uint8_t>(bits);
    for (unsigned byte = bits / 8; byte < address.bytes.size(); ++byte)
    {
        const unsigned kept = byte == bits / 8 ? bits % 8 : 0;
        address.bytes[byte] &= static_cast<std::uint8_t>(0xFF00U >> kept);
    }
    return address;
}

std::string BanList::textOf(const Network& network)
{
    const bool v4 = network.bits >= kMappedBits &&
                    std::equal(kMapped.begin(), kMapped.end(), network.bytes.begin());
    char text[INET6_ADDRSTRLEN];
    if (v4) ::inet_ntop(AF_INET, network.bytes.data() + kMapped.size(), text, sizeof text);
    else ::inet_ntop(AF_INET6, network.bytes.data(), text, sizeof text);
    std::string whole = text;
    if (network.bits < 128)
        whole += '/' + std::to_string(network.bits - (v4 ? kMappedBits : 0));
    return whole;
}

BanList::Added BanList::add(Ban ban)
{
    const UnixMs now = unixNow();
    if (ban.since == 0) ban.since = now;
    ban.reason.resize(std::min(ban.reason.size(), kMaximumText));
    ban.by.resize(std::min(ban.by.size(), kMaximumText));
    std::optional<Network> network;
    if (ban.kind == BanKind::Address)
    {
        network = parse(ban.who);
        if (!network) return Added::Invalid;
        ban.who = textOf(*network);
    }
    if (ban.who.empty() || ban.who.size() > 65'535) return Added::Invalid;
    {
        std::lock_guard guard(_mutex);
        if (_count.load(std::memory_order_relaxed) >= kMaximum)
        {
            dropOver(now);
            if (_count.load(std::memory_order_relaxed) >= kMaximum) return Added::Full;
        }
        if (!network) namesOf(ban.kind).insert_or_assign(ban.who, ban);
        else if (_networks.insert_or_assign(*network, ban).second) ++_lengths[network->bits];
        recount();
        _changes.fetch_add(1, std::memory_order_release);
    }
    if (_changed) _changed();
    return Added::Done;
}

bool BanList::remove(BanKind kind, std::string_view who)
{
    bool removed = false;
    {
        std::lock_guard guard(_mutex);
        if (kind == BanKind::Address)
        {
            const auto network = parse(who);
            removed = network && _networks.erase(*network) > 0;
            if (removed) --_lengths[network->bits];
        }
        else if (const auto found = namesOf(kind).find(who); found != namesOf(kind).end())
        {
            namesOf(kind).erase(found);
            removed = true;
        }
        recount();
    }
    if (removed && _changed) _changed();
    return removed;
}

void BanList::dropOver(UnixMs now)
{
    const auto over = [now](const auto& entry) { return entry.second.isOver(now); };
    std::erase_if(_ids, over);
    std::erase_if(_users, over);
    std::erase_if(_networks, [&](const auto& entry) {
        if (!over(entry)) return false;
        --_lengths[entry.first.bits];
        return true;
    });
    recount();
}

void BanList::recount() noexcept
{
    _count.store(_networks.size() + _ids.size() + _users.size(), std::memory_order_relaxed);
}

std::vector<Ban> BanList::list() const
{
    const UnixMs now = unixNow();
    std::vector<Ban> all;
    std::lock_guard guard(_mutex);
    const auto take = [&](const auto& map) {
        for (const auto& [key, ban] : map)
            if (!ban.isOver(now)) all.push_back(ban);
    };
    take(_networks);
    take(_ids);
    take(_users);
    return all;
}

bool BanList::bansAddress(std::string_view address, UnixMs now) const
{
    if (empty()) return false;
    const auto whole = parse(address);
    if (!whole) return false; // a path
    std::lock_guard guard(_mutex);
    for (unsigned bits = 0; bits < _lengths.size(); ++bits)
    {
        if (_lengths[bits] == 0) continue;
        const auto found = _networks.find(cut(*whole, bits));
        if (found != _networks.end() && !found->second.isOver(now)) return true;
    }
    return false;
}

bool BanList::bansName(const Names& names, std::string_view name, UnixMs now) const
{
    if (empty()) return false;
    std::lock_guard guard(_mutex);
    const auto found = names.find(name);
    return found != names.end() && !found->second.isOver(now);
}

bool BanList::bansClientId(std::string_view clientId, UnixMs now) const
{
    return bansName(_ids, clientId, now);
}

bool BanList::bansClient(const sdk::ClientInfo& client, UnixMs now) const
{
    if (empty()) return false;
    return bansAddress(client.peerAddress.view(), now) ||
           bansClientId(client.clientId.view(), now) ||
           (client.hasUserName && bansUserName(client.userName.view(), now));
}

bool BanList::bansUserName(std::string_view userName, UnixMs now) const
{
    return bansName(_users, userName, now);
}

} // namespace nanomq
