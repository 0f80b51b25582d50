#include "NetFixture.h"

#include "net/Listener.h"

#include <Poco/Net/NetException.h>
#include <cppunit/extensions/HelperMacros.h>

#include <arpa/inet.h>
#include <cstdlib>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nanomq::test
{

namespace
{

/// Leaves the process only so many free descriptors, for as long as it lives.
class FewDescriptors
{
public:
    explicit FewDescriptors(int free)
    {
        ::getrlimit(RLIMIT_NOFILE, &_before);
        // Descriptors are given out from below: fill the gaps, then stop above the highest one.
        int highest = 0;
        for (int i = 0; i < 64; ++i)
        {
            _fill.push_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
            highest = std::max(highest, _fill.back());
        }
        rlimit few = _before;
        few.rlim_cur = static_cast<rlim_t>(highest) + 1;
        ::setrlimit(RLIMIT_NOFILE, &few);
        for (; free > 0; --free) release();
    }
    ~FewDescriptors()
    {
        while (!_fill.empty()) release();
        ::setrlimit(RLIMIT_NOFILE, &_before);
    }
    void release()
    {
        ::close(_fill.back());
        _fill.pop_back();
    }

private:
    rlimit _before{};
    std::vector<int> _fill;
};

int newSocket()
{
    return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

Peer connectTo(const Listener& listener, int descriptor = newSocket())
{
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(listener.descriptor(), reinterpret_cast<sockaddr*>(&address), &size);
    CPPUNIT_ASSERT(::connect(descriptor, reinterpret_cast<sockaddr*>(&address), size) == 0);
    return Peer(descriptor);
}

} // namespace

class ListenerTest : public NetFixture
{
    CPPUNIT_TEST_SUITE(ListenerTest);
    CPPUNIT_TEST(tellsThePortThatWasBound);
    CPPUNIT_TEST(namesAnAddressThatIsTaken);
    CPPUNIT_TEST(acceptsWithTheAddressOfThePeer);
    CPPUNIT_TEST(pausesWhenDescriptorsRunOutAndGoesOnByItself);
    CPPUNIT_TEST_SUITE_END();

public:
    void tellsThePortThatWasBound()
    {
        const Listener listener(loopback(), _transports);
        const std::string& url = listener.url();
        CPPUNIT_ASSERT(url.starts_with("nmq-tcp://127.0.0.1:"));
        CPPUNIT_ASSERT(std::atoi(url.substr(url.rfind(':') + 1).c_str()) > 0);
    }

    void namesAnAddressThatIsTaken()
    {
        const Listener first(loopback(), _transports);
        const std::string url = first.url();
        const auto port =
            static_cast<std::uint16_t>(std::atoi(url.substr(url.rfind(':') + 1).c_str()));
        try
        {
            const Listener second(loopback(port), _transports);
            CPPUNIT_FAIL("bound twice");
        }
        catch (const Poco::Net::NetException& error)
        {
            CPPUNIT_ASSERT(error.message().find(url) != std::string::npos);
        }
    }

    void acceptsWithTheAddressOfThePeer()
    {
        const Listener listener(loopback(), _transports);
        std::promise<PeerAddress> accepted;
        Acceptor acceptor(_first.loop(), listener,
                          [&](int descriptor, const Listener&, PeerAddress peer) {
                              ::close(descriptor);
                              accepted.set_value(std::move(peer));
                          });
        _first.run([&] { acceptor.start(); });
        Peer peer = connectTo(listener);
        const PeerAddress address = accepted.get_future().get();
        CPPUNIT_ASSERT_EQUAL(std::string("127.0.0.1"), address.address);
        CPPUNIT_ASSERT(address.port > 0);
        CPPUNIT_ASSERT(peer.atEnd());
        _first.run([&] { acceptor.stop(); });
    }

    void pausesWhenDescriptorsRunOutAndGoesOnByItself()
    {
        auto& established = link([](Connection& connection, const std::string& text) {
            append(connection, connection.loop(), text);
            return Then::Next;
        });
        const auto isServed = [&] {
            established.peer.sendMessage("still here");
            return established.peer.receiveMessage() == "still here";
        };
        const Listener listener(loopback(), _transports);
        std::atomic<int> accepted{0};
        std::vector<Peer> ours;
        Acceptor acceptor(_first.loop(), listener,
                          [&](int descriptor, const Listener&, PeerAddress) {
                              ours.emplace_back(descriptor);
                              ++accepted;
                          });
        const auto pauses = [&] { return _first.run([&] { return acceptor.pauses(); }); };
        const auto isPaused = [&] { return eventually([&] { return pauses() > 0; }); };
        const auto haveCome = [&](int count) {
            return eventually([&] { return accepted == count; });
        };

        // Everything once with descriptors at hand: UBSan wants one when it sees a type first.
        _first.run([&] { acceptor.start(); });
        std::vector<Peer> peers;
        peers.push_back(connectTo(listener));
        CPPUNIT_ASSERT(haveCome(1) && isServed() && pauses() == 0);

        std::vector<int> sockets;
        for (int i = 0; i < 8; ++i) sockets.push_back(newSocket());
        bool paused = false, served = false, goesOn = false;
        int before = 0;
        {
            FewDescriptors few(3);
            for (const int socket : sockets) peers.push_back(connectTo(listener, socket));
            paused = isPaused();
            before = accepted;
            served = isServed();
            for (int i = 0; i < 5; ++i) few.release();
            goesOn = haveCome(9);
        }
        CPPUNIT_ASSERT(paused);
        CPPUNIT_ASSERT_EQUAL(4, before);
        CPPUNIT_ASSERT(served);
        CPPUNIT_ASSERT_MESSAGE("by itself", goesOn);
        _first.run([&] {
            acceptor.stop();
            ours.clear();
        });
    }

private:
    static ListenerSettings loopback(std::uint16_t port = 0)
    {
        ListenerSettings settings;
        settings.scheme = "nmq-tcp";
        settings.host = "127.0.0.1";
        settings.port = port;
        return settings;
    }

    TransportCounters _counters;
    Transports _transports{_counters};
};

CPPUNIT_TEST_SUITE_REGISTRATION(ListenerTest);

} // namespace nanomq::test
