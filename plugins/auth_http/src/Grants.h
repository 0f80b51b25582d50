#pragma once

#include "Decision.h"
#include "nanomq/types.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace auth_http
{

/// What logins have brought along for the clients that are connected, and who has to go when. Only
/// clients that something is known of are in it. Thread: [any].
class Grants
{
public:
    using Time = std::chrono::steady_clock::time_point;

    /// The login was accepted; the connection may still fail, so that nobody tells of its end:
    /// without connected() within a minute the grant is forgotten.
    void enter(std::string_view clientId, std::uint64_t connectedAtMs, const Grant& grant,
               Time now);
    void connected(const nanomq::sdk::ClientInfo& client);
    void disconnected(const nanomq::sdk::ClientInfo& client);

    std::optional<Grant> of(const nanomq::sdk::ClientInfo& client) const;

    /// Clients whose authorisation has expired; each is named once.
    /// @param unixSeconds  the time now.
    std::vector<std::string> expired(std::int64_t unixSeconds, Time now);
    std::size_t size() const;

    /// All of it, for the plugin's next version, and back again. What is there already stays.
    std::string save() const;
    /// False for a text that save() did not write.
    bool adopt(std::string_view state);

private:
    struct Entry
    {
        std::uint64_t connectedAtMs;
        Grant grant;
        bool isConnected = false;
    };
    struct Entered
    {
        Time at;
        std::string clientId;
        std::uint64_t connectedAtMs;
    };
    using Entries = std::unordered_map<std::string, Entry>;

    void put(std::string_view clientId, Entry entry);
    void erase(Entries::iterator entry);
    Entries::iterator find(const nanomq::sdk::ClientInfo& client);

    mutable std::mutex _mutex;                                // guards all below
    Entries _entries;                                         // by Client Identifier
    std::set<std::pair<std::int64_t, std::string>> _expiries; // Unix time in s, Client Identifier
    std::deque<Entered> _entered; // those that were not connected when they were entered
};

} // namespace auth_http
