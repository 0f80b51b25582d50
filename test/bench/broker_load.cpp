// What do many filters, many retained messages and many sessions that are away cost a broker?
//
//   broker_load filters  --port P --broker-pid PID [--count 100000] [--clients 100] [--kind mixed]
//   broker_load retained --port P --broker-pid PID [--count 10000] [--repeat 30]
//   broker_load offline  --port P --broker-pid PID [--count 10000] [--messages 10]
//
// Any broker on this machine; one JSON object on standard output. What is not about these, such
// as pairs and connections, is measured with `nanomqctl bench`. Everything that should arrive is
// waited for and counted: exit status 1 says what is missing. Memory is RSS, CPU is of all
// threads of the process PID.

#include "load/Frame.h"
#include "load/Gathering.h"
#include "load/Meter.h"

#include <sys/resource.h>

#include <cstdio>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

using namespace nanomq;
using namespace nanomq::load;

namespace
{

constexpr std::uint32_t kSeed = 42;
constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kPatience = 120 * kSecond;

/// The arguments behind the name of the question: "--name value".
class Settings
{
public:
    Settings(int argc, char** argv)
    {
        for (int n = 2; n + 1 < argc; n += 2) _values[argv[n]] = argv[n + 1];
    }
    std::string text(const std::string& name, const std::string& absent) const
    {
        const auto found = _values.find(name);
        return found == _values.end() ? absent : found->second;
    }
    unsigned number(const std::string& name, unsigned absent) const
    {
        return static_cast<unsigned>(std::stoul(text(name, std::to_string(absent))));
    }

private:
    std::map<std::string, std::string> _values;
};

/// Prints "key": value, in the order of the calls.
class Report
{
public:
    explicit Report(const std::string& question)
    {
        std::printf("{\"question\":\"%s\"", question.c_str());
    }
    ~Report() { std::printf("}\n"); }
    void set(const char* key, double value) { std::printf(",\"%s\":%.6g", key, value); }
};

/// One piece of work: what it took of time, CPU and memory.
class Piece
{
public:
    explicit Piece(pid_t broker) : _broker(broker), _begin(usageOf(broker)) {}
    void end() { _end = usageOf(_broker); }
    double seconds() const { return static_cast<double>(_end.atNs - _begin.atNs) / 1e9; }
    double cpuUsPer(std::uint64_t operations) const
    {
        return static_cast<double>(_end.cpuNs - _begin.cpuNs) / 1e3 /
               static_cast<double>(operations);
    }
    double bytesPer(std::uint64_t operations) const
    {
        return (static_cast<double>(_end.residentBytes) -
                static_cast<double>(_begin.residentBytes)) /
               static_cast<double>(operations);
    }

private:
    const pid_t _broker;
    const Usage _begin;
    Usage _end;
};

struct Setting
{
    explicit Setting(const Settings& settings)
        : broker(static_cast<pid_t>(settings.number("--broker-pid", 0))),
          count(settings.number("--count", 10'000)),
          dialer(Endpoint{.host = "127.0.0.1",
                          .port = static_cast<std::uint16_t>(settings.number("--port", 1883))})
    {
        terms.version = static_cast<ProtocolVersion>(settings.number("--version", 4));
    }

    const pid_t broker;
    const unsigned count;
    Dialer dialer;
    ClientTerms terms;
};

/// Turns the loop until `done`, or throws what was awaited.
template <class Done> void await(Gathering& clients, const char* what, Done&& done)
{
    const std::uint64_t until = nowNs() + kPatience;
    while (!done())
    {
        if (nowNs() > until) throw std::runtime_error(std::string("still missing: ") + what);
        if (clients.failures() > 0) throw std::runtime_error(clients.lastFailure());
        clients.turn(until);
    }
}

void awaitAll(Gathering& clients)
{
    await(clients, "connections", [&] { return clients.connectedNow() == clients.clients(); });
}

/// Publishes `count` messages of one client, `window` of them at most not settled yet.
template <class Topic, class Settled>
void publishAll(Gathering& clients, Client& from, std::size_t count, std::size_t window, QoS qos,
                bool retain, std::size_t payload, Topic&& topicOf, Settled&& settled)
{
    std::size_t sent = 0;
    await(clients, "deliveries", [&] {
        for (; sent < count && sent < settled() + window; ++sent)
            Frame(topicOf(sent), payload, qos, retain, from.version()).send(from, {0, 0, sent, 0});
        clients.loop().flush();
        return settled() >= count;
    });
}

std::string topicOf(std::size_t n)
{
    return "plant/" + std::to_string(n % 97) + "/device/" + std::to_string(n) + "/state";
}

/// A filter that the topic of the same number matches, and no other.
std::string filterOf(std::size_t n, const std::string& kind)
{
    const std::size_t draw = n % 10;
    const bool mixed = kind == "mixed"; // 70 % exact, 20 % '+', 10 % '#'
    if (kind == "plus" || (mixed && draw >= 7 && draw < 9))
        return "plant/+/device/" + std::to_string(n) + "/state";
    if (kind == "hash" || (mixed && draw == 9))
        return "plant/" + std::to_string(n % 97) + "/device/" + std::to_string(n) + "/#";
    return topicOf(n);
}

/// Filters are dealt out to clients in SUBSCRIBE packets of 20.
class FilterWork
{
public:
    FilterWork(Gathering& clients, std::size_t count, std::string kind)
        : _clients(clients),
          _count(count),
          _kind(std::move(kind)),
          _next(clients.clients(), 0)
    {
    }
    /// @param step  Client::subscribe or unsubscribe.
    template <class Step> void all(Step&& step)
    {
        std::fill(_next.begin(), _next.end(), 0);
        std::size_t done = 0;
        const auto send = [&](Client& client) {
            constexpr std::size_t kPerPacket = 20;
            std::vector<std::string> filters;
            std::size_t& next = _next[client.number];
            for (; filters.size() < kPerPacket; next += _clients.clients())
            {
                if (client.number + next >= _count) break;
                filters.push_back(filterOf(client.number + next, _kind));
            }
            if (!filters.empty()) step(client, filters);
            else ++done;
        };
        _clients.onSubscribed(send);
        for (unsigned n = 0; n < _clients.clients(); ++n) send(_clients.client(n));
        _clients.loop().flush();
        await(_clients, "SUBACK or UNSUBACK", [&] { return done == _clients.clients(); });
    }

private:
    Gathering& _clients;
    const std::size_t _count;
    const std::string _kind;
    std::vector<std::size_t> _next; // first number of each client's that was not sent yet
};

void filters(const Settings& settings, Setting& setting)
{
    const std::size_t messages = settings.number("--messages", 200'000);
    GatheringPlan plan;
    // The first filter of a client comes with the others; Gathering subscribes one beforehand,
    // which says that a SUBACK is a later one.
    plan.clients = settings.number("--clients", 100);
    plan.filters = {"broker_load/%c"};
    Gathering clients(plan, setting.dialer, setting.terms, "f");
    awaitAll(clients);
    FilterWork work(clients, setting.count, settings.text("--kind", "mixed"));

    Report report("filters");
    Piece subscribing(setting.broker);
    work.all(
        [](Client& client, const auto& filters) { client.subscribe(filters, QoS::AtMostOnce); });
    subscribing.end();
    report.set("filters", setting.count);
    report.set("subscribes_per_s", setting.count / subscribing.seconds());
    report.set("subscribe_cpu_us", subscribing.cpuUsPer(setting.count));
    report.set("rss_bytes_per_filter", subscribing.bytesPer(setting.count));

    std::mt19937 random(kSeed);
    Piece publishing(setting.broker);
    const std::uint64_t before = clients.received();
    publishAll(
        clients, clients.client(0), messages, 2000, QoS::AtMostOnce, false, 64,
        [&](std::size_t) { return topicOf(random() % setting.count); },
        [&] { return clients.received() - before; });
    publishing.end();
    report.set("messages_per_s", static_cast<double>(messages) / publishing.seconds());
    report.set("message_cpu_us", publishing.cpuUsPer(messages));

    Piece unsubscribing(setting.broker);
    work.all([](Client& client, const auto& filters) { client.unsubscribe(filters); });
    unsubscribing.end();
    report.set("unsubscribes_per_s", setting.count / unsubscribing.seconds());
    report.set("unsubscribe_cpu_us", unsubscribing.cpuUsPer(setting.count));
}

/// Subscribes `times` times to `filter`, and measures until `expected` messages came each time.
void replay(Gathering& clients, pid_t broker, Report& report, const std::string& name,
            const std::string& filter, std::size_t expected, unsigned times)
{
    const std::vector<std::string> one{filter};
    Client& client = clients.client(0);
    Histogram each;
    Piece replaying(broker);
    for (unsigned n = 0; n < times; ++n)
    {
        const std::uint64_t before = clients.received();
        const std::uint64_t began = nowNs();
        client.subscribe(one, QoS::AtMostOnce);
        clients.loop().flush();
        await(clients, "retained messages",
              [&] { return clients.received() - before >= expected; });
        each.add(nowNs() - began);
        client.unsubscribe(one);
        clients.loop().flush();
    }
    replaying.end();
    const std::uint64_t all = std::uint64_t{times} * expected;
    report.set((name + "_per_s").c_str(), static_cast<double>(all) / replaying.seconds());
    report.set((name + "_cpu_us").c_str(), replaying.cpuUsPer(all));
    report.set((name + "_p50_us").c_str(), static_cast<double>(each.quantile(0.5)) / 1e3);
}

void retained(const Settings& settings, Setting& setting)
{
    constexpr std::size_t kGroups = 100;
    const std::size_t count = setting.count;
    const auto topic = [](std::size_t n) {
        return "kept/" + std::to_string(n % kGroups) + '/' + std::to_string(n / kGroups);
    };
    GatheringPlan plan;
    plan.clients = 1;
    Gathering clients(plan, setting.dialer, setting.terms, "r");
    std::size_t acknowledged = 0;
    clients.onAcknowledged([&](Client&, ReasonCode) { ++acknowledged; });
    awaitAll(clients);

    Report report("retained");
    report.set("retained", static_cast<double>(count));
    const auto publishEach = [&](std::size_t payload) {
        acknowledged = 0;
        publishAll(clients, clients.client(0), count, 100, QoS::AtLeastOnce, true, payload, topic,
                   [&] { return acknowledged; });
    };
    Piece storing(setting.broker);
    publishEach(64);
    storing.end();
    report.set("stored_per_s", static_cast<double>(count) / storing.seconds());
    report.set("store_cpu_us", storing.cpuUsPer(count));
    report.set("rss_bytes_per_message", storing.bytesPer(count));

    const unsigned repeat = settings.number("--repeat", 30);
    const unsigned large = std::max(1U, static_cast<unsigned>(repeat * 10'000ULL / count / 10));
    replay(clients, setting.broker, report, "replay_all", "kept/#", count, large);
    replay(clients, setting.broker, report, "replay_group", "kept/7/+", count / kGroups, repeat);
    replay(clients, setting.broker, report, "replay_across", "kept/+/7", kGroups, repeat);

    Piece clearing(setting.broker);
    publishEach(0);
    clearing.end();
    report.set("clear_cpu_us", clearing.cpuUsPer(count));
}

void offline(const Settings& settings, Setting& setting)
{
    constexpr std::uint32_t kExpiry = 3600;
    const std::size_t messages = settings.number("--messages", 10);
    setting.terms.version = ProtocolVersion::v5_0;
    setting.terms.sessionExpirySeconds = kExpiry;
    GatheringPlan plan;
    plan.clients = setting.count;
    plan.qos = QoS::AtLeastOnce;
    plan.filters = {"away/all"};
    GatheringPlan publisherPlan;
    publisherPlan.clients = 1;
    Gathering publisher(publisherPlan, setting.dialer, setting.terms, "op");
    std::size_t acknowledged = 0;
    publisher.onAcknowledged([&](Client&, ReasonCode) { ++acknowledged; });
    awaitAll(publisher);

    Report report("offline");
    report.set("sessions", setting.count);
    Piece coming(setting.broker);
    {
        Gathering sessions(plan, setting.dialer, setting.terms, "o");
        awaitAll(sessions);
        for (unsigned n = 0; n < sessions.clients(); ++n) sessions.client(n).disconnect();
    }
    coming.end();
    report.set("session_cpu_us", coming.cpuUsPer(setting.count));
    report.set("rss_bytes_per_session", coming.bytesPer(setting.count));

    const std::uint64_t queued = std::uint64_t{setting.count} * messages;
    Piece queueing(setting.broker);
    publishAll(
        publisher, publisher.client(0), messages, 10, QoS::AtLeastOnce, false, 64,
        [](std::size_t) { return std::string("away/all"); }, [&] { return acknowledged; });
    queueing.end();
    report.set("queue_cpu_us", queueing.cpuUsPer(queued));
    report.set("rss_bytes_per_queued", queueing.bytesPer(queued));

    setting.terms.cleanStart = false;
    plan.filters.clear();
    Piece returning(setting.broker);
    Gathering sessions(plan, setting.dialer, setting.terms, "o");
    await(sessions, "queued messages", [&] { return sessions.received() >= queued; });
    returning.end();
    report.set("return_cpu_us_per_delivery", returning.cpuUsPer(queued));
    report.set("return_per_s", static_cast<double>(queued) / returning.seconds());
}

void raiseDescriptorLimit()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace

int main(int argc, char** argv)
{
    const std::string question = argc > 1 ? argv[1] : "";
    const std::map<std::string, void (*)(const Settings&, Setting&)> questions{
        {"filters", filters}, {"retained", retained}, {"offline", offline}};
    if (!questions.contains(question))
    {
        std::fprintf(stderr,
                     "usage: broker_load filters|retained|offline --port P --broker-pid PID\n");
        return 2;
    }
    try
    {
        raiseDescriptorLimit();
        const Settings settings(argc, argv);
        Setting setting(settings);
        questions.at(question)(settings, setting);
        return 0;
    }
    catch (const std::exception& error)
    {
        std::fprintf(stderr, "broker_load: %s\n", error.what());
        return 1;
    }
}
