// How do memory and time of the SubscriptionIndex and the RetainedStore scale from 10^3 to 10^6
// topics, without wildcards, with 10 % of them, and with nothing else? How long is the longest
// pause of a writer?
//
// Hot: 1,000 topics in rotation. Cold: topics drawn at random from all. Memory is what malloc
// says is in use, with its own overhead, divided by the number of filters. Pauses are processor
// time of the thread, reclaim() apart from the call that retired.

#include "topic/RetainedStore.h"
#include "topic/SubscriptionIndex.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <random>
#include <string>
#include <vector>

using namespace nanomq;

namespace
{

constexpr std::uint32_t kSeed = 42;
constexpr SubscriptionOptions kQoS1{QoS::AtLeastOnce};

using Steady = std::chrono::steady_clock;

double nanoseconds(Steady::duration time)
{
    return std::chrono::duration<double, std::nano>(time).count();
}

std::size_t heapBytes()
{
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/// Processor time of this thread: what other processes do to the machine does not lengthen it.
double threadMicroseconds()
{
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

/// The longest call of one kind.
class Longest
{
public:
    template <class Work> void time(Work&& work)
    {
        const double begin = threadMicroseconds();
        work();
        _us = std::max(_us, threadMicroseconds() - begin);
    }
    double us() const { return _us; }

private:
    double _us = 0;
};

template <class Work> double timeAll(std::size_t count, Work&& work)
{
    const auto begin = Steady::now();
    for (std::size_t n = 0; n < count; ++n) work(n);
    return nanoseconds(Steady::now() - begin) / static_cast<double>(count);
}

std::string topicOf(std::size_t n)
{
    return "plant/" + std::to_string(n % 97) + "/device/" + std::to_string(n) + "/state";
}
std::string wildcardOf(std::size_t n)
{
    const std::string device = "/device/" + std::to_string(n);
    switch (n / 10 % 3)
    {
    case 0: return "plant/+" + device + "/state";
    case 1: return "plant/" + std::to_string(n % 97) + device + "/+";
    default: return "plant/" + std::to_string(n % 97) + device + "/#";
    }
}

TopicFilter parse(const std::string& text)
{
    const auto filter = TopicFilter::parse(text);
    if (!filter) std::abort();
    return *filter;
}

std::vector<std::string> draw(std::size_t count, std::size_t from, std::mt19937& random)
{
    std::vector<std::string> topics;
    for (std::size_t n = 0; n < count; ++n) topics.push_back(topicOf(random() % from));
    return topics;
}

/// @param percent  how many of the filters have wildcards.
void measureIndex(std::size_t filters, unsigned percent)
{
    Quiescence quiescence;
    const auto reader = quiescence.join();
    const std::size_t before = heapBytes();
    SubscriptionIndex index(quiescence);
    std::mt19937 random(kSeed);

    const auto add = timeAll(filters, [&](std::size_t n) {
        const std::string text = n % 10 * 10 < percent ? wildcardOf(n) : topicOf(n);
        index.insert(parse(text), static_cast<SubscriberId>(n), kQoS1);
        if (n % 64 == 0) quiescence.reclaim();
    });
    quiescence.reclaim();
    const double bytes = static_cast<double>(heapBytes() - before) / static_cast<double>(filters);

    const std::size_t probes = 400'000;
    const auto cold = draw(probes, filters, random);
    const auto hot = draw(1000, filters, random);
    MatchSet matched;
    std::size_t found = 0;
    const auto match = [&](const std::string& topic) {
        matched.clear();
        index.match(topic, matched);
        found += matched.lists().size();
    };
    quiescence.online(reader);
    const double coldNs = timeAll(probes, [&](std::size_t n) { match(cold[n]); });
    for (const auto& topic : hot) match(topic);
    const double hotNs = timeAll(probes, [&](std::size_t n) { match(hot[n % hot.size()]); });
    quiescence.offline(reader);
    std::printf(
        "index     %8zu filters, %3u %% wildcards: %6.1f B/filter (own count %5.1f)  add %6.0f ns "
        " match cold %6.0f ns, hot %5.0f ns  (%.2f lists/match)\n",
        filters, percent, bytes, static_cast<double>(index.bytes()) / static_cast<double>(filters),
        add, coldNs, hotNs,
        static_cast<double>(found) / (2.0 * static_cast<double>(probes) + 1000));
}

void measureFanOut(std::size_t subscribers)
{
    Quiescence quiescence;
    const auto reader = quiescence.join();
    SubscriptionIndex index(quiescence);
    std::mt19937 random(kSeed);
    const auto filter = TopicFilter::parse("one/+");
    std::vector<SubscriberId> ids(subscribers);
    for (std::size_t n = 0; n < subscribers; ++n) ids[n] = static_cast<SubscriberId>(n);
    std::shuffle(ids.begin(), ids.end(), random);
    FilterId id{};
    const auto add = timeAll(subscribers, [&](std::size_t n) {
        id = index.insert(*filter, ids[n], kQoS1).filter;
        quiescence.reclaim();
    });
    const double bytes = static_cast<double>(index.bytes()) / static_cast<double>(subscribers);
    MatchSet matched;
    std::uint64_t sum = 0;
    quiescence.online(reader);
    const double match = timeAll(100, [&](std::size_t) {
        matched.clear();
        index.match("one/topic", matched);
        for (const auto& list : matched.lists())
            for (const Subscriber subscriber : list) sum += subscriber.id;
    });
    quiescence.offline(reader);
    std::shuffle(ids.begin(), ids.end(), random);
    const auto remove = timeAll(subscribers, [&](std::size_t n) {
        index.remove(id, ids[n]);
        quiescence.reclaim();
    });
    std::printf("fan-out   %8zu subscribers of one filter: %5.1f B/subscriber  add %4.0f ns  "
                "remove %4.0f ns  walk %.2f ns/subscriber (sum %llu)\n",
                subscribers, bytes, add, remove, match / static_cast<double>(subscribers),
                static_cast<unsigned long long>(sum));
}

void measureRetained(std::size_t topics)
{
    Quiescence quiescence;
    const auto reader = quiescence.join();
    std::mt19937 random(kSeed);
    std::vector<std::size_t> order(topics);
    for (std::size_t n = 0; n < topics; ++n) order[n] = n;
    std::shuffle(order.begin(), order.end(), random);

    const std::size_t before = heapBytes();
    RetainedStore store(quiescence);
    std::size_t footprints = 0;
    const auto add = timeAll(topics, [&](std::size_t n) {
        const std::string name = topicOf(order[n]);
        MessageView view;
        view.topicName = name;
        view.payload = asBytes("23.5");
        view.retain = true;
        view.expiresAt = n % 2 ? kNever : static_cast<MonotonicMs>(1000 + order[n]);
        auto message = Message::make(view);
        footprints += message->footprint();
        store.store(std::move(message));
        if (n % 64 == 0) quiescence.reclaim();
    });
    quiescence.reclaim();
    const double bytes = static_cast<double>(heapBytes() - before) / static_cast<double>(topics);

    const auto cold = draw(400'000, topics, random);
    std::size_t found = 0;
    quiescence.online(reader);
    const double findNs =
        timeAll(cold.size(), [&](std::size_t n) { found += store.find(cold[n]) ? 1 : 0; });
    const auto scan = [&](const char* text) {
        RetainedScan scan(*TopicFilter::parse(text));
        std::size_t visited = 0;
        Steady::duration longest{};
        const auto begin = Steady::now();
        for (bool more = true; more;)
        {
            const auto slice = Steady::now();
            more = scan.next(store, 100, [&visited](const Message&) { ++visited; });
            longest = std::max(longest, Steady::now() - slice);
        }
        const double all = nanoseconds(Steady::now() - begin);
        std::printf("retained  %8zu topics, scan %-22s: %8zu messages, %8.0f us, longest slice of "
                    "100 steps %5.0f us\n",
                    topics, text, visited, all / 1000, nanoseconds(longest) / 1000);
    };
    std::printf("retained  %8zu topics: %5.1f B each, of them %5.1f message  store %5.0f ns  "
                "find cold %4.0f ns (%zu found)\n",
                topics, bytes, static_cast<double>(footprints) / static_cast<double>(topics), add,
                findNs, found);
    scan("#");
    scan("plant/7/#");
    scan("plant/+/device/77/state");
    scan("+/+/+/+/state");
    quiescence.offline(reader);
    const auto expire = Steady::now();
    const std::size_t expired = store.expire(kNever - 1, topics);
    std::printf("retained  %8zu topics, expiry: %.0f ns each of %zu\n", topics,
                nanoseconds(Steady::now() - expire) /
                    static_cast<double>(std::max<std::size_t>(1, expired)),
                expired);
}

/// The longest single calls while everything grows to `count` and shrinks again.
void measurePauses(std::size_t count)
{
    Quiescence quiescence;
    Longest insert, remove, reclaim;
    const auto reclaimed = [&] { reclaim.time([&] { quiescence.reclaim(); }); };
    {
        SubscriptionIndex index(quiescence);
        std::vector<FilterId> ids(count);
        for (std::size_t n = 0; n < count; ++n)
        {
            const std::string text = n % 10 == 0 ? wildcardOf(n) : topicOf(n);
            const auto filter = parse(text);
            insert.time([&] { ids[n] = index.insert(filter, 1, kQoS1).filter; });
            if (n % 64 == 0) reclaimed();
        }
        for (std::size_t n = 0; n < count; ++n)
        {
            remove.time([&] { index.remove(ids[n], 1); });
            if (n % 64 == 0) reclaimed();
        }
        std::printf("pauses    %8zu filters, 10 %% wildcards: insert %7.0f us, remove %7.0f us, "
                    "reclaim %7.0f us\n",
                    count, insert.us(), remove.us(), reclaim.us());
    }
    insert = remove = reclaim = {};
    {
        SubscriptionIndex index(quiescence);
        FilterId id{};
        for (std::size_t n = 0; n < count; ++n)
        {
            const auto subscriber = static_cast<SubscriberId>(n);
            insert.time([&] { id = index.insert(parse("one/+"), subscriber, kQoS1).filter; });
            reclaimed();
        }
        for (std::size_t n = 0; n < count; ++n)
        {
            remove.time([&] { index.remove(id, static_cast<SubscriberId>(n)); });
            reclaimed();
        }
        std::printf("pauses    %8zu subscribers of one filter: insert %7.0f us, remove %7.0f us, "
                    "reclaim %7.0f us\n",
                    count, insert.us(), remove.us(), reclaim.us());
    }
    insert = remove = reclaim = {};
    RetainedStore store(quiescence);
    for (std::size_t n = 0; n < count; ++n)
    {
        const std::string name = topicOf(n);
        auto message = Message::make({.topicName = name,
                                      .payload = asBytes("23.5"),
                                      .expiresAt = static_cast<MonotonicMs>(n)});
        insert.time([&] { store.store(std::move(message)); });
        if (n % 64 == 0) reclaimed();
    }
    for (std::size_t n = 0; n < count; n += 64)
    {
        remove.time([&] { store.expire(kNever - 1, 64); });
        reclaimed();
    }
    std::printf("pauses    %8zu retained: store %7.0f us, expire 64 %7.0f us, reclaim %7.0f us\n",
                count, insert.us(), remove.us(), reclaim.us());
}

std::string processor()
{
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);)
        if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
    return "unknown processor";
}

} // namespace

int main(int argc, char** argv)
{
    const std::size_t largest = argc > 1 ? std::stoul(argv[1]) : 1'000'000;
    std::printf("%s; compiler %s; build type %s; seed %u; largest size %zu\n", processor().c_str(),
                __VERSION__, NANOMQ_BUILD_TYPE, kSeed, largest);
    for (std::size_t filters = 1000; filters <= largest; filters *= 10)
        for (const unsigned percent : {0u, 10u, 100u}) measureIndex(filters, percent);
    for (std::size_t subscribers = 1000; subscribers <= largest; subscribers *= 10)
        measureFanOut(subscribers);
    for (std::size_t topics = 1000; topics <= largest; topics *= 10) measureRetained(topics);
    for (std::size_t count = 10'000; count <= largest; count *= 10) measurePauses(count);
    return 0;
}
