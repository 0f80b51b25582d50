#pragma once

#include "Request.h"
#include "Settings.h"
#include "credentials/Penalties.h"

#include <Poco/JWT/Signer.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace rest_api
{

/// Who a caller is: Basic with the users of the configuration, or JWT (RS256).
///
/// A wrong password costs time: until its delay is over, which doubles with each further one from
/// the same address for the same user, that user's logins from there are refused unseen (429). No
/// thread waits. Passwords that were right are remembered for a minute as keyed hashes. Thread:
/// [any]; checks of passwords run one at a time.
class Access
{
public:
    using Clock = std::chrono::steady_clock;

    /// Throws Poco::Exception when the public key cannot be read.
    explicit Access(const Settings& settings);

    /// Gives the request its user and role. Throws ApiError: 401 with 103 (wrong), 104 (none
    /// given), 116 (the token has expired), 429 with 103.
    void login(Request& request);

private:
    static constexpr std::chrono::seconds kRemembered{60};
    static constexpr std::size_t kEntries = 1'024;

    using Times = std::unordered_map<std::string, Clock::time_point>;

    void loginWithPassword(Request& request, const std::string& given);
    void loginWithToken(Request& request, const std::string& token) const;
    bool isIn(const Times& times, const std::string& name, Clock::time_point now) const;
    static void put(Times& times, const std::string& name, Clock::time_point until,
                    Clock::time_point now);
    std::string nameOf(std::string_view a, std::string_view b) const;

    const Settings::Login _kind;
    const Settings::Users _users;
    const std::string _issuer;
    const std::string _key; // of the names below
    std::unique_ptr<Poco::JWT::Signer> _signer;
    credentials::Penalties _penalties;
    std::mutex _checking; // a password's hash is made by one thread at a time
    mutable std::mutex _mutex; // guards all below
    Times _verified;
    Times _refused;
};

/// Requests that one address may make: so many a second, and as many at once. Bounded: the first
/// 4,096 addresses of a second are counted, the others share one account. Thread: [any].
class RateLimit
{
public:
    /// @param perSecond  0: no limit.
    explicit RateLimit(unsigned perSecond) noexcept : _perSecond(perSecond) {}

    /// False: too many.
    bool take(const std::string& address, Access::Clock::time_point now);

private:
    static constexpr std::size_t kAddresses = 4'096;

    const unsigned _perSecond;
    std::mutex _mutex; // guards all below
    Access::Clock::time_point _since{};
    std::unordered_map<std::string, unsigned> _taken; // since then
};

} // namespace rest_api
