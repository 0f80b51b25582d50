// What does a transport cost: how many messages, how much of the broker's time for each, and how
// much of its memory for an idle client, over plain TCP, TLS, WebSocket and both?
//
//   build/test/transport_bench [SECONDS a figure, 2] [IDLE CLIENTS, 2000]
//
// Starts a broker of this build tree by itself, in a process of its own; the clients, one thread,
// run on the same machine. Wall time depends on what else runs; broker CPU per message less so.

#include "support/BrokerProcess.h"
#include "support/Certificates.h"
#include "wire/Encoder.h"

#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{

using namespace nanomq;
using namespace nanomq::test;
using Clock = std::chrono::steady_clock;

constexpr int kPairs = 10;
constexpr std::size_t kPayload = 64;

void require(bool condition, const char* what)
{
    if (!condition) throw std::runtime_error(what);
}

/// A blocking byte stream: a socket, with or without TLS and WebSocket.
class Line
{
public:
    Line(std::uint16_t port, SSL_CTX* tls, bool webSocket) : _webSocket(webSocket)
    {
        _descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        require(::connect(_descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0,
                "connect");
        const int on = 1;
        ::setsockopt(_descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (tls)
        {
            _ssl.reset(SSL_new(tls));
            SSL_set_fd(_ssl.get(), _descriptor);
            require(SSL_connect(_ssl.get()) == 1, "TLS handshake");
        }
        if (webSocket) upgrade();
    }
    ~Line() { ::close(_descriptor); }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    void write(const std::vector<std::uint8_t>& bytes)
    {
        if (!_webSocket) return writeRaw(bytes.data(), bytes.size());
        _frame.assign({0x82});
        if (bytes.size() < 126) _frame.push_back(static_cast<std::uint8_t>(0x80 | bytes.size()));
        else
            _frame.insert(_frame.end(), {0xFE, static_cast<std::uint8_t>(bytes.size() >> 8),
                                         static_cast<std::uint8_t>(bytes.size())});
        _frame.insert(_frame.end(), 4, 0); // a mask that changes nothing
        _frame.insert(_frame.end(), bytes.begin(), bytes.end());
        writeRaw(_frame.data(), _frame.size());
    }
    /// Exactly so many bytes of MQTT; valid until the next call.
    ByteView read(std::size_t size)
    {
        _data.erase(_data.begin(), _data.begin() + static_cast<std::ptrdiff_t>(_taken));
        while (_data.size() < size) _webSocket ? readFrames() : readBytes();
        _taken = size;
        return {_data.data(), size};
    }

private:
    void upgrade()
    {
        const std::string request = "GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                                    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                    "Sec-WebSocket-Protocol: mqtt\r\n\r\n";
        writeRaw(reinterpret_cast<const std::uint8_t*>(request.data()), request.size());
        std::string answer;
        while (!answer.ends_with("\r\n\r\n"))
        {
            const std::size_t got = readRaw();
            answer.append(reinterpret_cast<const char*>(_buffer.data()), got);
        }
        require(answer.starts_with("HTTP/1.1 101 "), "upgrade");
    }
    void writeRaw(const std::uint8_t* bytes, std::size_t size)
    {
        while (size > 0)
        {
            const auto sent = _ssl ? SSL_write(_ssl.get(), bytes, static_cast<int>(size))
                                   : ::send(_descriptor, bytes, size, MSG_NOSIGNAL);
            require(sent > 0, "send");
            bytes += sent;
            size -= static_cast<std::size_t>(sent);
        }
    }
    std::size_t readRaw()
    {
        const auto got = _ssl ? SSL_read(_ssl.get(), _buffer.data(), static_cast<int>(_buffer.size()))
                              : ::recv(_descriptor, _buffer.data(), _buffer.size(), 0);
        require(got > 0, "receive");
        return static_cast<std::size_t>(got);
    }
    void readBytes()
    {
        const std::size_t got = readRaw();
        _data.insert(_data.end(), _buffer.begin(), _buffer.begin() + static_cast<std::ptrdiff_t>(got));
    }
    /// Requires: frames shorter than 65,536 bytes.
    void readFrames()
    {
        const std::size_t got = readRaw();
        for (std::size_t at = 0; at < got;)
        {
            if (_left > 0)
            {
                const std::size_t here = std::min(_left, got - at);
                _data.insert(_data.end(), &_buffer[at], &_buffer[at] + here);
                at += here;
                _left -= here;
                continue;
            }
            _header.push_back(_buffer[at++]);
            if (_header.size() < 2 || (_header[1] == 126 && _header.size() < 4)) continue;
            require(_header[0] == 0x82 && _header[1] < 127, "a frame of another kind");
            _left = _header[1] == 126 ? std::size_t{_header[2]} << 8 | _header[3] : _header[1];
            _header.clear();
        }
    }

    int _descriptor;
    bool _webSocket;
    std::unique_ptr<SSL, decltype(&SSL_free)> _ssl{nullptr, &SSL_free};
    std::vector<std::uint8_t> _buffer = std::vector<std::uint8_t>(16 * 1024);
    std::vector<std::uint8_t> _frame;
    std::vector<std::uint8_t> _header;
    std::vector<std::uint8_t> _data;
    std::size_t _left = 0;
    std::size_t _taken = 0;
};

struct Way
{
    const char* name;
    const char* scheme;
    bool tls;
    bool webSocket;
};
constexpr Way kWays[] = {
    {"tcp", "nmq-tcp", false, false},
    {"tls", "tls+nmq-tcp", true, false},
    {"ws", "nmq-ws", false, true},
    {"wss", "nmq-wss", true, true},
};

class Bench
{
public:
    Bench(double seconds, int idle) : _seconds(seconds), _idle(idle)
    {
        const auto pair = _certificates.server();
        BrokerOptions options;
        options.urls = {"nmq-tcp://127.0.0.1:0", "nmq-ws://127.0.0.1:0"};
        options.conf["nanomq.conf"] = "tls.certfile = " + pair.certificate + "\ntls.keyfile = " +
                                      pair.key + "\nlistener.tls.url = tls+nmq-tcp://127.0.0.1:0\n" +
                                      "listener.wss.url = nmq-wss://127.0.0.1:0\n";
        _broker = std::make_unique<BrokerProcess>(options);
    }

    void run()
    {
        std::printf("%d pairs, %zu bytes of payload; build %s\n", kPairs, kPayload,
                    NANOMQ_BUILD_TYPE);
        for (const QoS qos : {QoS::AtMostOnce, QoS::AtLeastOnce})
            for (const int inFlight : {1, 16, 100})
                for (const auto& way : kWays) measurePairs(way, qos, inFlight);
        for (const auto& way : kWays) measureIdle(way);
        _broker->stop();
    }

private:
    std::uint16_t port(const Way& way) const
    {
        const std::string begin = std::string(way.scheme) + "://127.0.0.1:";
        for (const auto& url : _broker->listeners())
            if (url.starts_with(begin))
                return static_cast<std::uint16_t>(std::stoi(url.substr(begin.size())));
        throw std::runtime_error("no such listener");
    }

    std::unique_ptr<Line> connect(const Way& way, const std::string& clientId)
    {
        auto line = std::make_unique<Line>(port(way), way.tls ? _tls.get() : nullptr, way.webSocket);
        Connect connect;
        connect.version = ProtocolVersion::v3_1_1;
        connect.clientId = clientId;
        connect.cleanStart = true;
        std::vector<std::uint8_t> bytes;
        encode(connect, bytes);
        line->write(bytes);
        line->read(4);
        return line;
    }

    /// Nanoseconds that the broker's threads have run.
    std::uint64_t brokerTime() const
    {
        std::uint64_t total = 0;
        const auto tasks = "/proc/" + std::to_string(_broker->process().pid()) + "/task";
        for (const auto& task : std::filesystem::directory_iterator(tasks))
        {
            std::uint64_t run = 0;
            std::ifstream(task.path() / "schedstat") >> run;
            total += run;
        }
        return total;
    }

    std::size_t brokerMemory() const
    {
        std::size_t pages = 0, resident = 0;
        std::ifstream("/proc/" + std::to_string(_broker->process().pid()) + "/statm") >> pages >>
            resident;
        return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    }

    void measurePairs(const Way& way, QoS qos, int inFlight)
    {
        struct Pair
        {
            std::unique_ptr<Line> publisher, subscriber;
            std::string topic;
            std::vector<std::uint8_t> batch;
        };
        std::vector<Pair> pairs(kPairs);
        const std::string payload(kPayload, 'x');
        for (int i = 0; i < kPairs; ++i)
        {
            auto& pair = pairs[static_cast<std::size_t>(i)];
            pair.topic = "bench/" + std::to_string(i);
            pair.subscriber = connect(way, "s" + std::to_string(i));
            pair.publisher = connect(way, "p" + std::to_string(i));
            pair.subscriber->write(subscribeBytes(pair.topic, qos));
            pair.subscriber->read(5);
            for (int message = 0; message < inFlight; ++message)
            {
                Publish publish;
                publish.topicName = pair.topic;
                publish.payload = asBytes(payload);
                publish.qos = qos;
                if (qos != QoS::AtMostOnce)
                    publish.packetIdentifier = static_cast<PacketIdentifier>(message + 1);
                encode(publish, ProtocolVersion::v3_1_1, pair.batch);
            }
        }

        std::uint64_t messages = 0;
        std::vector<std::uint8_t> acknowledgements;
        const auto round = [&] {
            for (auto& pair : pairs) pair.publisher->write(pair.batch);
            for (auto& pair : pairs)
            {
                const ByteView got = pair.subscriber->read(pair.batch.size());
                if (qos == QoS::AtMostOnce) continue;
                acknowledgements.clear();
                const std::size_t packet = got.size() / static_cast<std::size_t>(inFlight);
                for (std::size_t at = 4 + pair.topic.size(); at < got.size(); at += packet)
                    acknowledgements.insert(acknowledgements.end(),
                                            {0x40, 2, got[at], got[at + 1]});
                pair.subscriber->write(acknowledgements);
                pair.publisher->read(acknowledgements.size());
            }
            messages += static_cast<std::uint64_t>(inFlight) * kPairs;
        };
        run(way, qos == QoS::AtMostOnce ? "q0" : "q1", inFlight, messages, round);
    }

    template <class Round>
    void run(const Way& way, const char* qos, int inFlight, std::uint64_t& messages,
             const Round& round)
    {
        const auto runFor = [&](double seconds) {
            const auto end = Clock::now() + std::chrono::duration<double>(seconds);
            while (Clock::now() < end) round();
        };
        runFor(_seconds / 10); // warm up
        messages = 0;
        const auto begin = Clock::now();
        const std::uint64_t time = brokerTime();
        runFor(_seconds);
        const std::chrono::duration<double> elapsed = Clock::now() - begin;
        const auto spent = static_cast<double>(brokerTime() - time);
        std::printf("%-4s %s %3d in flight: %9.0f messages/s  broker %6.2f us CPU/message\n",
                    way.name, qos, inFlight, static_cast<double>(messages) / elapsed.count(),
                    spent / static_cast<double>(messages) / 1000);
        std::fflush(stdout);
    }

    void measureIdle(const Way& way)
    {
        // A fresh one: what earlier clients have freed would be taken first.
        _broker->stop();
        _broker->start();
        std::vector<std::unique_ptr<Line>> lines;
        const auto add = [&](int count) {
            for (int i = 0; i < count; ++i)
                lines.push_back(connect(way, "idle" + std::to_string(lines.size())));
        };
        add(_idle / 10); // warm up: what the allocator has taken is taken
        const std::size_t before = brokerMemory();
        const auto begin = Clock::now();
        add(_idle);
        const std::chrono::duration<double> elapsed = Clock::now() - begin;
        std::printf("%-4s idle: %6.0f bytes resident/client  (connected one by one, %.0f/s)\n",
                    way.name,
                    (static_cast<double>(brokerMemory()) - static_cast<double>(before)) / _idle,
                    _idle / elapsed.count());
        std::fflush(stdout);
    }

    static std::vector<std::uint8_t> subscribeBytes(const std::string& topic, QoS qos)
    {
        Subscribe subscribe;
        subscribe.packetIdentifier = 1;
        SubscriptionRequest request;
        request.topicFilter = topic;
        request.qos = qos;
        subscribe.requests.push_back(request);
        std::vector<std::uint8_t> bytes;
        encode(subscribe, ProtocolVersion::v3_1_1, bytes);
        return bytes;
    }

    const double _seconds;
    const int _idle;
    Certificates _certificates;
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> _tls{SSL_CTX_new(TLS_client_method()),
                                                           &SSL_CTX_free};
    std::unique_ptr<BrokerProcess> _broker;
};

} // namespace

int main(int argc, char** argv)
{
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    try
    {
        Bench(argc > 1 ? std::atof(argv[1]) : 2, argc > 2 ? std::atoi(argv[2]) : 2000).run();
    }
    catch (const std::exception& error)
    {
        std::fprintf(stderr, "transport_bench: %s\n", error.what());
        return 1;
    }
}
