#pragma once

#include "Settings.h"
#include "VerifiedCache.h"
#include "credentials/LateAnswers.h"
#include "credentials/Penalties.h"

#include <chrono>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace auth_file
{

/// One login that waits for its password to be checked.
struct Login
{
    nanomq::sdk::Deferral deferral{};
    std::string user;
    std::string password;
    std::string address;
    std::string cacheName;
    const credentials::Record* record = nullptr; ///< of the user, or the stand-in's
    bool known = false;
    std::chrono::steady_clock::time_point deadline;
};

/// Checks passwords on threads of the plugin's own and completes the deferrals: right ones at once,
/// wrong ones after their penalty. Thread: [any], but for start().
class Verifier
{
public:
    Verifier(const Settings& settings, nanomq::sdk::Host& host, nanomq::sdk::Tasks& tasks,
             nanomq::sdk::Metrics& metrics);
    Verifier(const Verifier&) = delete;
    Verifier& operator=(const Verifier&) = delete;

    /// Starts the threads; what was submitted before is checked then. Throws
    /// Poco::SystemException. [host]
    void start();

    VerifiedCache& cache() noexcept { return _cache; }
    /// False, and nothing happens, when too many wait already.
    bool submit(Login&& login);
    /// Counts a login that was settled without a check.
    void countCached() { _cached.add(1); }
    void countBusy() { _busy.add(1); }

private:
    using Stop = nanomq::sdk::Tasks::Stop;

    static void run(void* self, Stop* stop);
    bool take(Login& login, Stop& stop);
    void check(Login& login);

    const Settings& _settings;
    nanomq::sdk::Host& _host;
    nanomq::sdk::Tasks& _tasks;
    nanomq::sdk::Metrics::Counter &_right, &_wrong, &_cached, &_busy;
    VerifiedCache _cache;
    credentials::Penalties _penalties;
    credentials::LateAnswers _late;
    std::mutex _mutex; // guards what follows
    std::deque<Login> _waiting;
    std::vector<Stop*> _idle; // threads that wait for work
};

} // namespace auth_file
