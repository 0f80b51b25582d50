#include "plugin/Watchdog.h"

#include <Poco/Logger.h>

#include <cstdio>
#include <cstdlib>
#include <pthread.h>
#include <unistd.h>

namespace nanomq
{

namespace
{

std::string seconds(std::chrono::milliseconds duration)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(duration.count()) / 1'000);
    return text;
}

std::string hookText(std::string_view plugin, sdk::HookPoint point)
{
    return std::string(sdk::hookPointName(point)) + " of " + std::string(plugin);
}

} // namespace

std::string HeldWorker::text() const
{
    return "worker " + std::to_string(worker) + " has been inside " + hookText(plugin, point) +
           " for " + seconds(duration);
}

Watchdog::Watchdog(const Options& options, const HookRegistry& registry, Metrics& metrics,
                   Poco::Logger& logger, std::function<Sides()> running)
    : _options(options),
      _registry(registry),
      _logger(logger),
      _running(std::move(running)),
      _reports(metrics.counter("nanomq_workers_held_total", "",
                               "Times that a hook held a worker past watchdog.report_after")),
      _heldNow(metrics.gauge("nanomq_workers_held", "",
                             "Workers that a hook holds past watchdog.report_after")),
      _figures(metrics),
      _seen(registry.workers())
{
    _thread = std::thread([this] { run(); });
    ::pthread_setname_np(_thread.native_handle(), "plugin-watch");
}

Watchdog::~Watchdog()
{
    stop();
}

void Watchdog::stop()
{
    {
        std::lock_guard lock(_mutex);
        _ending = true;
    }
    _ends.notify_all();
    if (_thread.joinable()) _thread.join();
}

void Watchdog::run()
{
    std::unique_lock lock(_mutex);
    while (!_ends.wait_for(lock, _options.interval, [this] { return _ending; }))
    {
        lookAtWorkers();
        lock.unlock();
        const Sides sides = _running();
        judgeBreakers(sides);
        for (const auto& side : sides) _figures.publish(*side);
        lock.lock();
    }
}

void Watchdog::lookAtWorkers()
{
    const auto now = Clock::now();
    std::int64_t heldNow = 0;
    for (unsigned worker = 0; worker < _seen.size(); ++worker)
    {
        Seen& seen = _seen[worker];
        const auto look = _registry.look(worker);
        if (look != seen.look)
        {
            if (seen.reported)
                _logger.warning("that is over: " + describe(worker, seen).text());
            seen = {look, now, false};
            continue;
        }
        if (look == 0) continue;
        const auto duration = std::chrono::duration_cast<std::chrono::milliseconds>(now - seen.since);
        if (duration < _options.reportAfter) continue;
        ++heldNow;
        const HeldWorker held = describe(worker, seen);
        if (!seen.reported)
        {
            _logger.error(held.text() + "; its clients wait");
            _reports.add();
            seen.reported = true;
        }
        if (_options.abortAfter.count() > 0 && duration >= _options.abortAfter) abort(held);
    }
    _heldNow.set(heldNow);
}

void Watchdog::abort(const HeldWorker& held)
{
    // Past the log, which has a queue that nobody would write any more.
    const std::string text = "nanomq: " + held.text() + ", which is past watchdog.abort_after\n";
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
    std::abort();
}

HeldWorker Watchdog::describe(unsigned worker, const Seen& seen) const
{
    const auto hook = _registry.hookOf(seen.look);
    return {worker, std::string(hook.plugin), hook.point,
            std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - seen.since)};
}

std::vector<HeldWorker> Watchdog::held() const
{
    std::vector<HeldWorker> all;
    std::lock_guard lock(_mutex);
    for (unsigned worker = 0; worker < _seen.size(); ++worker)
        if (_seen[worker].look != 0 && _registry.look(worker) == _seen[worker].look)
            all.push_back(describe(worker, _seen[worker]));
    return all;
}

std::string Watchdog::whatHolds(unsigned worker, std::chrono::milliseconds atLeast) const
{
    const auto look = _registry.look(worker);
    if (look == 0)
        return "worker " + std::to_string(worker) + " was still inside a turn, and in no hook";
    for (const auto& held : held())
        if (held.worker == worker && held.duration > atLeast) return held.text();
    const auto hook = _registry.hookOf(look);
    return HeldWorker{worker, std::string(hook.plugin), hook.point, atLeast}.text();
}

void Watchdog::judgeBreakers(const Sides& sides)
{
    const MonotonicMs now = monotonicNow();
    for (const auto& side : sides)
        for (const auto& record : side->set().hooks())
        {
            const auto change = record->breaker.judge(record->figures(), now, _options.breaker);
            if (change != HookBreaker::Change::None) tell(*side, *record, change);
        }
}

void Watchdog::tell(const PluginSide& side, const HookRecord& record, HookBreaker::Change change)
{
    const std::string hook = hookText(side.name(), record.point);
    const std::string again =
        "tried again in " + seconds(std::chrono::milliseconds(record.breaker.pauseMs()));
    switch (change)
    {
    case HookBreaker::Change::Opened:
        _logger.error(hook + " fails all the time, last: " + side.lastError() +
                      "; it is taken out, and " + again);
        break;
    case HookBreaker::Change::Reopened: _logger.warning(hook + " still fails; " + again); break;
    case HookBreaker::Change::Closed: _logger.information(hook + " works again"); break;
    case HookBreaker::Change::None: break;
    }
}

} // namespace nanomq
