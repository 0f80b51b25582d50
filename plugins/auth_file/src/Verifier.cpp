#include "Verifier.h"

#include "nanomq/reason_codes.h"

#include <Poco/Exception.h>

#include <openssl/crypto.h>

#include <algorithm>

namespace auth_file
{

namespace sdk = nanomq::sdk;
namespace reason = sdk::reason;

namespace
{

constexpr std::uint32_t kIdleMs = 60'000;

sdk::Metrics::Counter& logins(sdk::Metrics& metrics, const char* labels)
{
    return *metrics.counter("auth_file_logins_total", labels, "Logins by what became of them");
}

} // namespace

Verifier::Verifier(const Settings& settings, sdk::Host& host, sdk::Tasks& tasks,
                   sdk::Metrics& metrics)
    : _settings(settings),
      _host(host),
      _tasks(tasks),
      _right(logins(metrics, "result=\"right\"")),
      _wrong(logins(metrics, "result=\"wrong\"")),
      _cached(logins(metrics, "result=\"cached\"")),
      _busy(logins(metrics, "result=\"busy\"")),
      _cache(settings.cacheEntries, settings.cacheTime),
      _penalties(settings.shortestDelay, settings.longestDelay),
      _late(host, tasks)
{
}

void Verifier::start()
{
    for (unsigned i = 0; i < _settings.threads; ++i)
        if (const sdk::Status status = _tasks.thread("auth_file", &Verifier::run, this); status != 0)
            throw Poco::SystemException("cannot start a thread", -status);
}

bool Verifier::submit(Login&& login)
{
    const std::lock_guard lock(_mutex);
    if (_waiting.size() >= _settings.queue) return false;
    _waiting.push_back(std::move(login));
    if (!_idle.empty())
    {
        _idle.back()->notify();
        _idle.pop_back();
    }
    return true;
}

void Verifier::run(void* self, Stop* stop)
{
    auto& verifier = *static_cast<Verifier*>(self);
    Login login;
    while (!stop->requested())
    {
        if (verifier.take(login, *stop)) verifier.check(login);
        else stop->wait(kIdleMs);
    }
}

bool Verifier::take(Login& login, Stop& stop)
{
    const std::lock_guard lock(_mutex);
    std::erase(_idle, &stop);
    if (_waiting.empty())
    {
        _idle.push_back(&stop);
        return false;
    }
    login = std::move(_waiting.front());
    _waiting.pop_front();
    return true;
}

void Verifier::check(Login& login)
{
    using Clock = std::chrono::steady_clock;
    if (Clock::now() >= login.deadline)
    {
        _busy.add(1);
        _host.complete(login.deferral, sdk::Verdict::Deny, reason::kServerBusy,
                       "too many logins at once");
        return;
    }
    bool right = login.known && _cache.contains(login.cacheName, Clock::now());
    if (!right) right = credentials::verify(*login.record, login.password) && login.known;
    OPENSSL_cleanse(login.password.data(), login.password.size());
    if (right)
    {
        _right.add(1);
        _penalties.right(login.address, login.user);
        _cache.add(login.cacheName, Clock::now());
        _host.complete(login.deferral, sdk::Verdict::Allow, 0, {});
        return;
    }
    _wrong.add(1);
    _late.deny(login.deferral, reason::kBadUserNameOrPassword,
               _penalties.wrong(login.address, login.user, Clock::now()));
}

} // namespace auth_file
