// What does each step of a message's trip cost by itself: codec, matching, hooks, queue, flush?
//
//   build/test/micro_bench [--benchmark_filter=match] [--benchmark_repetitions=5]
//
// One thread, warm caches; ns an operation, by Google Benchmark. How matching and memory grow with
// the number of filters: topic_bench. Hooks with executors and in chains: hook_bench.

#include "hook/HookBus.h"
#include "net/Connection.h"
#include "session/DeliveryQueue.h"
#include "session/Outbound.h"
#include "topic/SubscriptionIndex.h"
#include "wire/Decoder.h"
#include "wire/Encoder.h"

#include <benchmark/benchmark.h>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

using namespace nanomq;

namespace
{

using Bytes = std::vector<std::uint8_t>;

constexpr std::string_view kTopic = "plant/7/device/4711/state";
constexpr std::size_t kPayload = 64;

Publish publishOf(const Bytes& payload, QoS qos)
{
    Publish publish;
    publish.topicName = kTopic;
    publish.qos = qos;
    publish.packetIdentifier = qos == QoS::AtMostOnce ? 0 : 1;
    publish.payload = payload;
    return publish;
}

void decodesPublish(benchmark::State& state)
{
    const auto version = static_cast<ProtocolVersion>(state.range(0));
    const Bytes payload(kPayload, 'x');
    Bytes packet;
    encode(publishOf(payload, QoS::AtLeastOnce), version, packet);
    Publish publish;
    for ([[maybe_unused]] const auto _ : state)
    {
        const auto header = readFixedHeader(packet);
        const ByteView body = ByteView(packet).subspan((*header)->size);
        benchmark::DoNotOptimize(decodePublish(**header, body, version, publish));
    }
}
BENCHMARK(decodesPublish)->ArgName("version")->Arg(4)->Arg(5);

void encodesPublish(benchmark::State& state)
{
    const auto version = static_cast<ProtocolVersion>(state.range(0));
    const Bytes payload(kPayload, 'x');
    const Publish publish = publishOf(payload, QoS::AtLeastOnce);
    Bytes packet;
    for ([[maybe_unused]] const auto _ : state)
    {
        packet.clear();
        encode(publish, version, packet);
        benchmark::DoNotOptimize(packet.data());
    }
}
BENCHMARK(encodesPublish)->ArgName("version")->Arg(4)->Arg(5);

void decodesConnect(benchmark::State& state)
{
    Connect connect;
    connect.version = ProtocolVersion::v5_0;
    connect.clientId = "device-4711";
    connect.userName = "plant";
    Bytes packet;
    encode(connect, packet);
    for ([[maybe_unused]] const auto _ : state)
    {
        const auto header = readFixedHeader(packet);
        benchmark::DoNotOptimize(
            decodeConnect(**header, ByteView(packet).subspan((*header)->size)));
    }
}
BENCHMARK(decodesConnect);

/// One filter in a thousand matches.
void matches(benchmark::State& state)
{
    constexpr SubscriberId kFilters = 1000;
    const bool wildcards = state.range(0) != 0;
    Quiescence quiescence;
    const auto reader = quiescence.join();
    SubscriptionIndex index(quiescence);
    for (SubscriberId n = 0; n < kFilters; ++n)
    {
        const std::string text = (wildcards ? "plant/+/device/" : "plant/7/device/") +
                                 std::to_string(4700 + n) + "/state";
        index.insert(*TopicFilter::parse(text), n, SubscriptionOptions{QoS::AtMostOnce});
    }
    MatchSet matched;
    quiescence.online(reader);
    for ([[maybe_unused]] const auto _ : state)
    {
        matched.clear();
        index.match(kTopic, matched);
        benchmark::DoNotOptimize(matched.lists().size());
    }
    quiescence.offline(reader);
}
BENCHMARK(matches)->ArgName("wildcards")->Arg(0)->Arg(1);

/// What every message pays when no plugin wants it.
void asksNoHook(benchmark::State& state)
{
    Quiescence quiescence;
    HookBus bus(quiescence);
    for ([[maybe_unused]] const auto _ : state)
        benchmark::DoNotOptimize(bus.table().any(sdk::HookPoint::MessagePublish));
}
BENCHMARK(asksNoHook);

MessageView viewOf(const Bytes& payload, QoS qos)
{
    MessageView view;
    view.topicName = kTopic;
    view.payload = payload;
    view.qos = qos;
    return view;
}

/// A queue that holds a thousand takes one and gives one.
void queues(benchmark::State& state)
{
    const Bytes payload(kPayload, 'x');
    const MessageRef message = Message::make(viewOf(payload, QoS::AtLeastOnce));
    DeliveryQueue queue;
    const QueueLimits limits;
    for (int n = 0; n < 1000; ++n)
        if (!queue.push({message, {}}, limits)) std::abort();
    for ([[maybe_unused]] const auto _ : state)
    {
        benchmark::DoNotOptimize(queue.push({message, {}}, limits));
        benchmark::DoNotOptimize(queue.pop());
    }
}
BENCHMARK(queues);

/// One of our ends and one of theirs.
class SocketPair
{
public:
    SocketPair()
    {
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, _ends.data()) != 0) std::abort();
    }
    ~SocketPair() { ::close(_ends[1]); } // the other one is the connection's
    int ours() const { return _ends[0]; }
    void readAway()
    {
        while (::read(_ends[1], _read.data(), _read.size()) > 0)
        {
        }
    }

private:
    std::array<int, 2> _ends{};
    std::vector<char> _read = std::vector<char>(1 << 20);
};

/// A session with a connection: so many messages are appended, and sent at once.
void deliversAndFlushes(benchmark::State& state)
{
    const auto perFlush = static_cast<std::size_t>(state.range(0));
    const Bytes payload(kPayload, 'x');
    Quiescence quiescence;
    EventLoop loop(0, quiescence);
    SocketPair sockets;
    OutboundPolicy policy;
    Outbound outbound(1, policy);
    auto connection = std::make_unique<Connection>(loop, sockets.ours());
    connection->shareLock(outbound.lock());
    outbound.attach(*connection, {}, loop.turn());
    Publication::Frames frames;
    for ([[maybe_unused]] const auto _ : state)
    {
        for (std::size_t n = 0; n < perFlush; ++n)
        {
            Publication publication(viewOf(payload, QoS::AtMostOnce), nullptr, kNoSubscriber,
                                    frames);
            benchmark::DoNotOptimize(outbound.deliver(publication, {}, loop.turn()));
        }
        loop.flush();
        state.PauseTiming();
        sockets.readAway();
        state.ResumeTiming();
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * perFlush));
    outbound.detach();
}
BENCHMARK(deliversAndFlushes)->ArgName("messages")->Arg(1)->Arg(16)->Arg(256);

/// The same without sending: what is appended is sent from time to time, and that is not counted.
void delivers(benchmark::State& state)
{
    constexpr int kBeforeFlush = 1'000; // less than the socket takes
    const Bytes payload(kPayload, 'x');
    Quiescence quiescence;
    EventLoop loop(0, quiescence);
    SocketPair sockets;
    OutboundPolicy policy;
    Outbound outbound(1, policy);
    auto connection = std::make_unique<Connection>(loop, sockets.ours());
    connection->shareLock(outbound.lock());
    outbound.attach(*connection, {}, loop.turn());
    Publication::Frames frames;
    int waiting = 0;
    for ([[maybe_unused]] const auto _ : state)
    {
        Publication publication(viewOf(payload, QoS::AtMostOnce), nullptr, kNoSubscriber, frames);
        benchmark::DoNotOptimize(outbound.deliver(publication, {}, loop.turn()));
        if (++waiting < kBeforeFlush) continue;
        state.PauseTiming();
        loop.flush();
        sockets.readAway();
        waiting = 0;
        state.ResumeTiming();
    }
    outbound.detach();
}
BENCHMARK(delivers);

} // namespace

BENCHMARK_MAIN();
