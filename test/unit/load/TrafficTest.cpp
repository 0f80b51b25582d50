#include "load/Traffic.h"
#include "wire/Decoder.h"

#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocket.h>

#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <functional>
#include <memory>
#include <poll.h>
#include <thread>
#include <vector>

namespace nanomq::load
{

namespace
{

using Bytes = std::vector<std::uint8_t>;

/// A broker for one subscriber and one publisher, that makes the mistakes it is told to.
class MistakenBroker
{
public:
    /// Gets each PUBLISH with its number, from 0 on, and returns what the subscriber is sent.
    using Forward = std::function<Bytes(std::uint64_t number, const Bytes& publish)>;

    explicit MistakenBroker(Forward forward)
        : _forward(std::move(forward)),
          _listener(Poco::Net::SocketAddress("127.0.0.1", 0), 8),
          _thread([this] { serve(); })
    {
    }
    ~MistakenBroker()
    {
        _stopping = true;
        _thread.join();
    }

    std::uint16_t port() const { return _listener.address().port(); }

private:
    struct Peer
    {
        Poco::Net::StreamSocket socket;
        Bytes received;
    };

    void serve()
    {
        constexpr int kLookMs = 10;
        while (!_stopping)
        {
            std::vector<pollfd> ready{{_listener.impl()->sockfd(), POLLIN, 0}};
            for (auto& peer : _peers) ready.push_back({peer->socket.impl()->sockfd(), POLLIN, 0});
            ::poll(ready.data(), ready.size(), kLookMs);
            for (std::size_t n = 1; n < ready.size(); ++n)
                if (ready[n].revents != 0) read(*_peers[n - 1]);
            if (ready[0].revents != 0)
                _peers.push_back(std::make_unique<Peer>(Peer{_listener.acceptConnection(), {}}));
        }
    }

    void read(Peer& peer)
    {
        std::uint8_t buffer[4096];
        try
        {
            const int got = peer.socket.receiveBytes(buffer, sizeof buffer);
            peer.received.insert(peer.received.end(), buffer, buffer + std::max(got, 0));
            while (handleOne(peer))
            {
            }
        }
        catch (const Poco::Exception&)
        {
            // The client has left.
        }
    }

    bool handleOne(Peer& peer)
    {
        const auto header = readFixedHeader(peer.received);
        if (!header || !*header || peer.received.size() < (*header)->packetSize()) return false;
        const auto end = peer.received.begin() + (*header)->packetSize();
        const Bytes packet(peer.received.begin(), end);
        peer.received.erase(peer.received.begin(), end);
        switch ((*header)->type)
        {
        case PacketType::Connect: send(peer, {0x20, 2, 0, 0}); break;
        case PacketType::Subscribe:
            _subscriber = &peer;
            send(peer, {0x90, 3, packet[2], packet[3], 0});
            break;
        case PacketType::Publish: send(*_subscriber, _forward(_published++, packet)); break;
        default: break;
        }
        return true;
    }

    static void send(Peer& peer, const Bytes& bytes)
    {
        if (!bytes.empty()) peer.socket.sendBytes(bytes.data(), static_cast<int>(bytes.size()));
    }

    const Forward _forward;
    Poco::Net::ServerSocket _listener;
    std::vector<std::unique_ptr<Peer>> _peers;
    Peer* _subscriber = nullptr;
    std::uint64_t _published = 0;
    std::atomic<bool> _stopping{false};
    std::thread _thread; // goes first
};

Bytes twice(const Bytes& bytes)
{
    Bytes all = bytes;
    all.insert(all.end(), bytes.begin(), bytes.end());
    return all;
}

TrafficResult runAgainst(MistakenBroker::Forward forward)
{
    MistakenBroker broker(std::move(forward));
    Dialer dialer(Endpoint{.port = broker.port()});
    ClientTerms terms;
    terms.version = ProtocolVersion::v3_1_1;
    TrafficPlan plan;
    plan.rate = 2000;
    plan.warmUpSeconds = 0.01;
    plan.seconds = 0.05;
    plan.drainSeconds = 0.3;
    Traffic traffic(plan, dialer, terms, "t");
    traffic.prepare();
    return traffic.run();
}

} // namespace

/// What a load finds wrong with a broker.
class TrafficTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(TrafficTest);
    CPPUNIT_TEST(findsNothingWrongWithAGoodBroker);
    CPPUNIT_TEST(findsWhatIsLost);
    CPPUNIT_TEST(findsWhatComesTwice);
    CPPUNIT_TEST(findsWhatComesLate);
    CPPUNIT_TEST(findsWhatIsNotItsOwn);
    CPPUNIT_TEST(tellsWhichClientWasThrownOut);
    CPPUNIT_TEST_SUITE_END();

public:
    void findsNothingWrongWithAGoodBroker()
    {
        const auto result = runAgainst([](std::uint64_t, const Bytes& publish) { return publish; });
        CPPUNIT_ASSERT(result.whole.sent > 0);
        CPPUNIT_ASSERT_EQUAL(result.whole.sent, result.whole.received);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0},
                             result.lost() + result.duplicates + result.reordered + result.strange);
    }

    void findsWhatIsLost()
    {
        const auto result = runAgainst([](std::uint64_t number, const Bytes& publish) {
            return number == 3 || number == 5 ? Bytes() : publish;
        });
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, result.lost());
    }

    void findsWhatComesTwice()
    {
        const auto result = runAgainst([](std::uint64_t number, const Bytes& publish) {
            return number == 3 ? twice(publish) : publish;
        });
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, result.duplicates);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, result.lost() + result.reordered);
    }

    void findsWhatComesLate()
    {
        Bytes kept;
        const auto result = runAgainst([&kept](std::uint64_t number, const Bytes& publish) {
            if (number == 3) kept = publish;
            if (number == 3) return Bytes();
            Bytes bytes = publish;
            if (number == 5) bytes.insert(bytes.end(), kept.begin(), kept.end());
            return bytes;
        });
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, result.reordered);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, result.lost() + result.duplicates);
    }

    void findsWhatIsNotItsOwn()
    {
        const auto result = runAgainst([](std::uint64_t number, const Bytes& publish) {
            Bytes bytes = publish;
            if (number != 3) return bytes;
            bytes.back() = 0;
            bytes[bytes.size() - 64] ^= 0xFF; // the stamp's mark
            return bytes;
        });
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, result.strange);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, result.lost());
    }

    void tellsWhichClientWasThrownOut()
    {
        try
        {
            runAgainst([](std::uint64_t, const Bytes&) { return Bytes{0x00, 0x00}; });
            CPPUNIT_FAIL("a packet that is none goes through");
        }
        catch (const StreamError& error)
        {
            CPPUNIT_ASSERT_EQUAL(std::string("t-sub-0: the broker sent something that is not MQTT"),
                                 std::string(error.what()));
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(TrafficTest);

} // namespace nanomq::load
