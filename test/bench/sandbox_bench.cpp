// What does an event cost in the plugin's own process, beside the same plugin in the broker's?
//
//   sandbox_bench NANOMQ PLUGIN-DIR
//
// A plugin host and one worker, played by this program, with the plugin bench_plugin: at once on
// the worker, by the ring to its executor, and sandboxed. Per event: ns of the worker that raises
// it, and ns of processor time of all that take part. Then, for a question to a decider, µs until
// the answer is there. Medians of several rounds.

#include "hook/HookBus.h"
#include "plugin/PluginHost.h"

#include <Poco/Logger.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

using namespace nanomq;

namespace
{

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kRounds = 7;
constexpr int kEvents = 200'000;
constexpr int kTurn = 100;
constexpr int kQuestions = 20'000;

class NoFilters final : public TopicFilters
{
public:
    bool insert(std::string_view, std::uint32_t) override { return true; }
    void remove(std::string_view, std::uint32_t) override {}
    bool matches(std::string_view, std::string_view) const override { return true; }
};

class Services final : public PluginServices
{
public:
    sdk::Broker* broker(const std::string&) override { return nullptr; }
    Metrics& metrics() override { return _metrics; }
    ControlVerbs& verbs() override { return _verbs; }
    HttpRouteTable& routes() override { return _routes; }
    void* find(std::string_view) override { return nullptr; }
    Poco::Logger& logger(const std::string&) override { return Poco::Logger::root(); }

private:
    Metrics _metrics;
    ControlVerbs _verbs;
    HttpRouteTable _routes;
};

double microseconds(const timeval& time)
{
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
}

/// Processor time of a process in µs, from /proc: a sandbox is no child that has been waited for.
double cpuOf(pid_t process)
{
    std::ifstream stat("/proc/" + std::to_string(process) + "/schedstat");
    double ns = 0;
    stat >> ns;
    double all = 0;
    std::error_code gone;
    for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(process) + "/task", gone))
    {
        std::ifstream one(task.path() / "schedstat");
        ns = 0;
        one >> ns;
        all += ns;
    }
    return all / 1e3;
}

/// Our child, or 0.
pid_t child()
{
    std::ifstream children("/proc/self/task/" + std::to_string(::getpid()) + "/children");
    for (const auto& task : fs::directory_iterator("/proc/self/task"))
    {
        std::ifstream list(task.path() / "children");
        pid_t found = 0;
        if (list >> found) return found;
    }
    return 0;
}

double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

/// The part of a worker: one turn after the other, on this thread.
class Bench
{
public:
    Bench(const char* program, const char* plugins)
        : _folder(fs::temp_directory_path() / ("sandbox_bench." + std::to_string(::getpid())))
    {
        fs::create_directories(_folder / "conf.d");
        const HookBus::Worker workers[] = {{&_mailbox, &_timers}};
        _bus.attach(workers, _filters);
        PluginHost::Options options;
        options.pluginDir = plugins;
        options.confDir = (_folder / "conf.d").string();
        options.stateDir = (_folder / "state").string();
        options.probeProgram = program;
        _host = std::make_unique<PluginHost>(options, _bus, _services, Overrides());
    }
    ~Bench()
    {
        _host.reset();
        _bus.detach();
        fs::remove_all(_folder);
    }

    void measure(const char* what, const std::string& conf)
    {
        std::ofstream(_folder / "conf.d/bench_plugin.conf") << conf;
        // The host waits for turns of the worker, which is this thread.
        auto loading = _host->loadLater("bench_plugin");
        finish(loading);
        const pid_t sandbox = child();
        std::vector<double> worker, all, answer;
        for (int round = 0; round < kRounds; ++round) tellAll(sandbox, worker, all);
        for (int round = 0; round < kRounds; ++round) answer.push_back(askAll());
        auto unloading = _host->unloadLater("bench_plugin");
        finish(unloading);
        std::printf("%-36s %9.0f %9.0f %12.2f\n", what, median(worker), median(all), median(answer));
    }

private:
    class Wait final : public Parked
    {
    public:
        void resume(const HookAnswer&) override { answered = true; }
        bool answered = false;
    };

    template <class Future> void finish(Future& job)
    {
        while (job.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) turn();
        const auto result = job.get();
        if (result) return;
        std::fprintf(stderr, "%s\n", result.error().message.c_str());
        std::exit(1);
    }
    void turn()
    {
        _quiescence.online(_reader);
        _mailbox.drain();
        _timers.advance(monotonicNow());
        _bus.endOfTurn(0);
        _quiescence.offline(_reader);
        _quiescence.reclaim();
    }
    std::uint64_t seen()
    {
        return _services.metrics().counter("bench_events_total", "", "").value();
    }
    double cpu(pid_t sandbox) const
    {
        rusage own{};
        ::getrusage(RUSAGE_SELF, &own);
        return microseconds(own.ru_utime) + microseconds(own.ru_stime) +
               (sandbox ? cpuOf(sandbox) : 0);
    }

    void tellAll(pid_t sandbox, std::vector<double>& worker, std::vector<double>& all)
    {
        const auto before = seen();
        const double begin = cpu(sandbox);
        Clock::duration spent{};
        const auto info = [this] { return _host->info("bench_plugin")->hooks; };
        for (int told = 0; told < kEvents; told += kTurn)
        {
            // Never more than the ring takes, and never spinning where others need the core.
            if (told % 2'000 == 0)
                while (info().queued > 0) std::this_thread::sleep_for(std::chrono::microseconds(50));
            const auto start = Clock::now();
            for (int i = 0; i < kTurn; ++i)
            {
                sdk::MessageDelivered event{};
                event.topic = "bench/topic";
                event.payload = {"payload of 32 bytes, or so it is", 32};
                _bus.tell(_bus.table(), 0, event, {});
            }
            turn();
            spent += Clock::now() - start;
        }
        while (seen() < before + kEvents)
        {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            turn();
        }
        all.push_back((cpu(sandbox) - begin) * 1e3 / kEvents);
        worker.push_back(std::chrono::duration<double, std::nano>(spent).count() / kEvents);
    }

    /// One after the other: µs until the answer is there.
    double askAll()
    {
        const auto start = Clock::now();
        for (int i = 0; i < kQuestions; ++i)
        {
            sdk::MessagePublish event{};
            event.topic = "bench/topic";
            event.payload = {"payload of 32 bytes, or so it is", 32};
            HookOutcome outcome;
            _bus.ask(_bus.table(), 0, event, {}, outcome);
            if (outcome.verdict != sdk::Verdict::Pending) continue;
            Wait wait;
            _bus.park(outcome.deferral, wait);
            while (!wait.answered) _mailbox.drain();
        }
        return std::chrono::duration<double, std::micro>(Clock::now() - start).count() / kQuestions;
    }

    const fs::path _folder;
    Quiescence _quiescence;
    const Quiescence::ReaderId _reader = _quiescence.join();
    Mailbox _mailbox;
    TimerWheel _timers{monotonicNow()};
    NoFilters _filters;
    HookBus _bus{_quiescence};
    Services _services;
    std::unique_ptr<PluginHost> _host;
};

} // namespace

int main(int argc, char** argv)
{
    if (argc != 3)
    {
        std::fprintf(stderr, "usage: sandbox_bench NANOMQ PLUGIN-DIR\n");
        return 2;
    }
    std::printf("g++ %s, %s, %u cores; medians of %d rounds\n", __VERSION__, NANOMQ_BUILD_TYPE,
                std::thread::hardware_concurrency(), kRounds);
    std::printf("%-36s %9s %9s %12s\n", "", "worker ns", "CPU ns", "question µs");
    Bench bench(argv[1], argv[2]);
    bench.measure("in the broker, at once", "bench_plugin.inline = true\n");
    bench.measure("in the broker, by the ring", "");
    bench.measure("sandboxed", "bench_plugin.sandbox = true\n");
    return 0;
}
