#include "TlsPeer.h"

#include "net/Listener.h"
#include "net/Transports.h"
#include "support/Certificates.h"

#include <Poco/Net/NetException.h>
#include <cppunit/extensions/HelperMacros.h>

#include <filesystem>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace nanomq::test
{

namespace
{

const std::string kRequest = "GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                             "Sec-WebSocket-Protocol: mqtt\r\n\r\n";
const std::string kResponse = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\n"
                              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                              "Sec-WebSocket-Protocol: mqtt\r\n\r\n";

/// A client's frame of at most 65,535 bytes.
std::string frame(unsigned first, std::string payload)
{
    const std::string mask = "\xA1\xB2\xC3\xD4";
    std::string bytes(1, static_cast<char>(first));
    if (payload.size() < 126) bytes += static_cast<char>(0x80 | payload.size());
    else
        bytes += std::string{static_cast<char>(0xFE), static_cast<char>(payload.size() >> 8),
                             static_cast<char>(payload.size())};
    for (std::size_t i = 0; i < payload.size(); ++i)
        payload[i] = static_cast<char>(payload[i] ^ mask[i % 4]);
    return bytes + mask + payload;
}

std::string binary(std::string_view text)
{
    return frame(0x82, Peer::framed(text));
}

/// The server's next frame: its first byte and its payload.
template <class Line> std::pair<unsigned, std::string> receiveFrame(Line& line)
{
    const std::string head = line.receive(2);
    CPPUNIT_ASSERT_EQUAL_MESSAGE("the end came", std::size_t{2}, head.size());
    std::size_t size = static_cast<unsigned char>(head[1]);
    CPPUNIT_ASSERT_MESSAGE("a server does not mask (§5.1)", size < 128);
    if (size >= 126)
    {
        const std::string length = line.receive(size == 126 ? 2 : 8);
        size = 0;
        for (const char byte : length) size = size << 8 | static_cast<unsigned char>(byte);
    }
    return {static_cast<unsigned char>(head[0]), line.receive(size)};
}

/// Payload of binary frames until there is so much of it.
template <class Line> std::string receiveData(Line& line, std::size_t size)
{
    std::string data;
    while (data.size() < size)
    {
        const auto [first, payload] = receiveFrame(line);
        CPPUNIT_ASSERT_EQUAL(0x82U, first);
        data += payload;
    }
    return data;
}

} // namespace

/// WebSocket and PROXY headers on a Connection, alone and on one another.
class TransportStackTest : public NetFixture
{
    CPPUNIT_TEST_SUITE(TransportStackTest);
    CPPUNIT_TEST(webSocketCarriesMessages);
    CPPUNIT_TEST(webSocketTakesBytesOneByOne);
    CPPUNIT_TEST(webSocketAnswersPings);
    CPPUNIT_TEST(webSocketPacksOneTurnIntoOneFrame);
    CPPUNIT_TEST(webSocketSendsAllToASlowReader);
    CPPUNIT_TEST(webSocketClosesAsItIsAsked);
    CPPUNIT_TEST(webSocketSaysGoodbyeWhenItCloses);
    CPPUNIT_TEST(webSocketTellsWhatWasWrong);
    CPPUNIT_TEST(webSocketRefusesOtherRequests);
    CPPUNIT_TEST(webSocketBoundsTheRequest);
    CPPUNIT_TEST(secureWebSocketBehindABalancer);
    CPPUNIT_TEST(proxyHeaderTellsTheSource);
    CPPUNIT_TEST(proxyHeaderIsDemanded);
    CPPUNIT_TEST(listensAtAPath);
    CPPUNIT_TEST(replacesTheFileOfADeadProcessOnly);
    CPPUNIT_TEST(saysWhichPathCannotBe);
    CPPUNIT_TEST(takesTransportsOfOthers);
    CPPUNIT_TEST_SUITE_END();

    void listen(const std::string& scheme, bool proxy = false, const TlsSettings& tls = {})
    {
        ListenerSettings settings;
        settings.scheme = scheme;
        settings.path = "/mqtt";
        settings.proxyProtocol = proxy;
        settings.tls = tls;
        _factory = _transports.factoryFor(settings);
        _transportOf = [this](int descriptor) { return _factory->make(descriptor); };
    }

    static OnMessage echo()
    {
        return [](Connection& connection, const std::string& text) {
            append(connection, connection.loop(), text);
            return Then::Next;
        };
    }

    template <class Line> static void upgrade(Line& line)
    {
        line.send(kRequest);
        CPPUNIT_ASSERT_EQUAL(kResponse, line.receive(kResponse.size()));
    }

    Link& webSocket(OnMessage onMessage = echo())
    {
        listen("nmq-ws");
        auto& link = this->link(std::move(onMessage));
        upgrade(link.peer);
        return link;
    }

public:
    void webSocketCarriesMessages()
    {
        auto& link = webSocket();
        for (const std::size_t size : {0, 1, 121, 122, 30'000, 65'000})
        {
            const std::string text(size, 'm');
            link.peer.send(binary(text));
            CPPUNIT_ASSERT(Peer::framed(text) == receiveData(link.peer, size + 4));
        }
        // A message of MQTT cut into frames and messages of WebSocket [MQTT-6.0.0-2].
        const std::string packets = Peer::framed("first") + Peer::framed("second");
        link.peer.send(frame(0x02, packets.substr(0, 2)) + frame(0x89, "") +
                       frame(0x80, packets.substr(2, 11)) + frame(0x82, packets.substr(13)));
        CPPUNIT_ASSERT(received(link, 8));
        CPPUNIT_ASSERT_EQUAL(std::string("second"), link.record->messages().back());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, _counters.webSocketUpgrades.load());
    }

    void webSocketTakesBytesOneByOne()
    {
        listen("nmq-ws");
        auto& link = this->link(echo());
        const auto sendSlowly = [&](const std::string& bytes) {
            for (const char byte : bytes)
            {
                link.peer.send({&byte, 1});
                link.peer.waitUntilRead();
            }
        };
        sendSlowly(kRequest);
        CPPUNIT_ASSERT_EQUAL(kResponse, link.peer.receive(kResponse.size()));
        sendSlowly(binary("in pieces"));
        CPPUNIT_ASSERT_EQUAL(Peer::framed("in pieces"), receiveData(link.peer, 13));
    }

    void webSocketAnswersPings()
    {
        auto& link = webSocket();
        link.peer.send(frame(0x89, "are you there"));
        CPPUNIT_ASSERT((receiveFrame(link.peer) == std::pair{0x8AU, std::string("are you there")}));
        // Any number of them that nobody waits for costs one answer.
        std::string many;
        for (int i = 0; i < 1000; ++i) many += frame(0x89, std::to_string(i));
        link.peer.send(many + binary("x"));
        for (auto got = receiveFrame(link.peer); got.first != 0x82; got = receiveFrame(link.peer))
            CPPUNIT_ASSERT_EQUAL(0x8AU, got.first);
    }

    void webSocketPacksOneTurnIntoOneFrame()
    {
        auto& link = webSocket();
        link.peer.send(binary("a") + binary("b") + binary("c"));
        CPPUNIT_ASSERT(
            (receiveFrame(link.peer) ==
             std::pair{0x82U, Peer::framed("a") + Peer::framed("b") + Peer::framed("c")}));
    }

    void webSocketSendsAllToASlowReader()
    {
        auto& link = webSocket();
        std::string text(3'000'000, '\0');
        for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7 + i / 253);
        _first.run([&] { append(*link.connection, _first.loop(), text); });
        _first.turn();
        link.peer.send(frame(0x89, "meanwhile")); // answered between frames
        const std::string all = Peer::framed(text);
        std::string data;
        bool answered = false;
        while (data.size() < all.size())
        {
            const auto [first, payload] = receiveFrame(link.peer);
            if (first == 0x8A) answered = true;
            else data += payload;
        }
        CPPUNIT_ASSERT(all == data);
        CPPUNIT_ASSERT(answered || receiveFrame(link.peer).first == 0x8A);
    }

    void webSocketClosesAsItIsAsked()
    {
        auto& link = webSocket();
        link.peer.send(binary("last") + frame(0x88, std::string("\x03\xE9gone", 6)));
        CPPUNIT_ASSERT(eventually([&] { return link.record->closings > 0; }));
        CPPUNIT_ASSERT_EQUAL(std::string("closed by client"), link.record->reason());
        CPPUNIT_ASSERT(link.record->messages() == std::vector<std::string>{"last"});
        std::vector<unsigned> kinds;
        std::string code;
        for (int i = 0; i < 2; ++i)
        {
            const auto [first, payload] = receiveFrame(link.peer);
            kinds.push_back(first);
            if (first == 0x88) code = payload;
        }
        CPPUNIT_ASSERT(std::count(kinds.begin(), kinds.end(), 0x88U) == 1);
        CPPUNIT_ASSERT_EQUAL(std::string("\x03\xE9"), code); // 1001, as the client's
        CPPUNIT_ASSERT(link.peer.atEnd());
    }

    void webSocketSaysGoodbyeWhenItCloses()
    {
        auto& link = webSocket([](Connection& connection, const std::string&) {
            append(connection, connection.loop(), "last words");
            connection.close("test");
            return Then::Next;
        });
        link.peer.send(binary("close"));
        CPPUNIT_ASSERT_EQUAL(Peer::framed("last words"), receiveData(link.peer, 14));
        CPPUNIT_ASSERT((receiveFrame(link.peer) == std::pair{0x88U, std::string("\x03\xE8")}));
        CPPUNIT_ASSERT(link.peer.atEnd());
    }

    void webSocketTellsWhatWasWrong()
    {
        struct Case
        {
            std::string bytes;
            const char* code;
            const char* reason;
        };
        const Case cases[] = {
            {frame(0x81, "text"), "\x03\xEB", "WebSocket: a text frame"},
            {std::string("\x82\x01x", 3), "\x03\xEA", "WebSocket: a frame without mask"},
            {frame(0xC2, "x"), "\x03\xEA", "WebSocket: a reserved bit is set"},
        };
        for (const auto& c : cases)
        {
            auto& link = webSocket();
            link.peer.send(c.bytes);
            CPPUNIT_ASSERT((receiveFrame(link.peer) == std::pair{0x88U, std::string(c.code)}));
            CPPUNIT_ASSERT(link.peer.atEnd());
            CPPUNIT_ASSERT(eventually([&] { return link.record->closings > 0; }));
            CPPUNIT_ASSERT_EQUAL(std::string(c.reason), link.record->reason());
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, _counters.webSocketsRefused.load());
    }

    void webSocketRefusesOtherRequests()
    {
        listen("nmq-ws");
        for (const std::string& request :
             {std::string("GET /other HTTP/1.1\r\n\r\n"), std::string("\x10\x0C\r\n\r\n"),
              std::string("GET /mqtt HTTP/1.1\r\nHost: x\r\n\r\n")})
        {
            auto& link = this->link();
            link.peer.send(request);
            CPPUNIT_ASSERT_EQUAL(std::string("HTTP/1.1 4"), link.peer.receive(10));
            CPPUNIT_ASSERT(eventually([&] { return link.record->closings > 0; }));
            CPPUNIT_ASSERT(link.record->reason().starts_with("WebSocket: "));
            while (!link.peer.receiveSome().empty()) {}
        }
    }

    void webSocketBoundsTheRequest()
    {
        listen("nmq-ws");
        auto& link = this->link();
        link.peer.send("GET /mqtt HTTP/1.1\r\nX: " + std::string(9000, 'x'));
        CPPUNIT_ASSERT_EQUAL(std::string("HTTP/1.1 431"), link.peer.receive(12));
        while (!link.peer.receiveSome().empty()) {}
        CPPUNIT_ASSERT(eventually([&] { return link.record->closings > 0; }));
        // And one that just fits is taken.
        auto& fits = this->link(echo());
        std::string request = kRequest;
        request.insert(request.find("Host:"), "X: " + std::string(8192 - kRequest.size() - 5, 'x') + "\r\n");
        fits.peer.send(request);
        CPPUNIT_ASSERT_EQUAL(kResponse, fits.peer.receive(kResponse.size()));
    }

    void secureWebSocketBehindABalancer()
    {
        Certificates certificates;
        const auto pair = certificates.server();
        TlsSettings tls;
        tls.certificateFiles = {pair.certificate};
        tls.keyFiles = {pair.key};
        listen("nmq-wss", true, tls);
        auto& link = this->link(echo());
        link.peer.send("PROXY TCP4 192.0.2.7 127.0.0.1 4660 8084\r\n");
        TlsPeer client(link.peer);
        CPPUNIT_ASSERT(client.handshake());
        upgrade(client);
        for (const std::size_t size : {1, 20'000, 60'000})
        {
            client.send(binary(std::string(size, 's')));
            CPPUNIT_ASSERT(Peer::framed(std::string(size, 's')) == receiveData(client, size + 4));
        }
        const auto facts = _first.run([&] { return link.connection->peerFacts(); });
        CPPUNIT_ASSERT_EQUAL(std::string("192.0.2.7"), facts.source.value().address);
        client.send(frame(0x88, ""));
        CPPUNIT_ASSERT((receiveFrame(client) == std::pair{0x88U, std::string("\x03\xE8")}));
        CPPUNIT_ASSERT(client.endsWithGoodbye());
    }

    void proxyHeaderTellsTheSource()
    {
        listen("nmq-tcp", true);
        const std::string binaryHeader("\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0C\xC0\x00\x02\x07"
                                       "\x7F\x00\x00\x01\x12\x34\x07\x5B",
                                       28);
        for (const std::string& header :
             {std::string("PROXY TCP4 192.0.2.7 127.0.0.1 4660 1883\r\n"), binaryHeader})
        {
            auto& link = this->link(echo());
            for (const char byte : header)
            {
                link.peer.send({&byte, 1});
                link.peer.waitUntilRead();
            }
            link.peer.sendMessage("behind it");
            CPPUNIT_ASSERT_EQUAL(std::string("behind it"), link.peer.receiveMessage());
            const auto facts = _first.run([&] { return link.connection->peerFacts(); });
            CPPUNIT_ASSERT_EQUAL(std::string("192.0.2.7"), facts.source.value().address);
            CPPUNIT_ASSERT_EQUAL(std::uint16_t{4660}, facts.source.value().port);

            auto& together = this->link(echo());
            together.peer.send(header + Peer::framed("in one piece"));
            CPPUNIT_ASSERT_EQUAL(std::string("in one piece"), together.peer.receiveMessage());
        }
        auto& health = this->link(echo());
        health.peer.send("PROXY UNKNOWN\r\n" + Peer::framed("x"));
        health.peer.receiveMessage();
        CPPUNIT_ASSERT(!_first.run([&] { return health.connection->peerFacts(); }).source);
    }

    void proxyHeaderIsDemanded()
    {
        listen("nmq-tcp", true);
        for (const std::string& bytes : {Peer::framed("no header"), std::string("PROXY TCP5 x\r\n")})
        {
            auto& link = this->link();
            link.peer.send(bytes);
            CPPUNIT_ASSERT(eventually([&] { return link.record->closings > 0; }));
            CPPUNIT_ASSERT(link.record->reason().starts_with("PROXY protocol: "));
            CPPUNIT_ASSERT_EQUAL(std::size_t{0}, link.record->count());
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, _counters.proxyHeadersRefused.load());
        listen("nmq-tcp"); // and only where it is configured is it taken
        CPPUNIT_ASSERT(!_factory->make(0));
    }

    void listensAtAPath()
    {
        TemporaryFolder folder;
        const std::string path = (folder / "socket").string();
        auto settings = unixSettings(path);
        settings.mode = 0620;
        settings.owner = std::to_string(::getuid());
        settings.group = std::to_string(::getgid());
        {
            const Listener listener(settings, _transports);
            CPPUNIT_ASSERT_EQUAL("unix://" + path, listener.url());
            struct stat file{};
            CPPUNIT_ASSERT(::lstat(path.c_str(), &file) == 0 && S_ISSOCK(file.st_mode));
            CPPUNIT_ASSERT_EQUAL(0620U, file.st_mode & 07777U);
            std::promise<PeerAddress> accepted;
            Acceptor acceptor(_first.loop(), listener,
                              [&](int descriptor, const Listener&, PeerAddress peer) {
                                  ::close(descriptor);
                                  accepted.set_value(std::move(peer));
                              });
            _first.run([&] { acceptor.start(); });
            Peer peer = connectTo(path);
            CPPUNIT_ASSERT_EQUAL(path, accepted.get_future().get().address);
            CPPUNIT_ASSERT(peer.atEnd());
            _first.run([&] { acceptor.stop(); });
        }
        CPPUNIT_ASSERT(!std::filesystem::exists(path));
    }

    void replacesTheFileOfADeadProcessOnly()
    {
        TemporaryFolder folder;
        const std::string path = (folder / "socket").string();
        // As a process leaves it that was killed.
        const int dead = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        CPPUNIT_ASSERT(::bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        ::close(dead);
        auto first = std::make_unique<Listener>(unixSettings(path), _transports);
        refuses(unixSettings(path), "somebody else listens there");
        CPPUNIT_ASSERT(std::filesystem::exists(path));

        // A file that somebody else has put there meanwhile stays.
        std::filesystem::remove(path);
        writeFile(path, "precious");
        refuses(unixSettings(path), "no socket");
        first.reset();
        CPPUNIT_ASSERT(std::filesystem::exists(path));
    }

    void saysWhichPathCannotBe()
    {
        TemporaryFolder folder;
        const std::string start = (folder / "x").string();
        const std::string longest = start + std::string(107 - start.size(), 'x');
        const Listener fits(unixSettings(longest), _transports);
        refuses(unixSettings(longest + "x"), "the path has 108 bytes, and the system takes 107");
        refuses(unixSettings((folder / "none/x").string()), "bind");
        auto settings = unixSettings((folder / "socket").string());
        settings.owner = "nobody.of.that.name";
        refuses(settings, "there is no user 'nobody.of.that.name'");
        CPPUNIT_ASSERT(!std::filesystem::exists(folder / "socket"));
    }

    /// The way of a plugin that brings a transport.
    void takesTransportsOfOthers()
    {
        struct Plain : TransportFactory
        {
            std::unique_ptr<Transport> make(int descriptor) override
            {
                return std::make_unique<SocketTransport>(descriptor);
            }
        };
        CPPUNIT_ASSERT_THROW(listen("other"), Poco::Net::NetException);
        _transports.add("other",
                        [](const ListenerSettings&) { return std::make_unique<Plain>(); });
        listen("other");
        auto& link = this->link(echo());
        link.peer.sendMessage("x");
        CPPUNIT_ASSERT_EQUAL(std::string("x"), link.peer.receiveMessage());
    }

private:
    static ListenerSettings unixSettings(const std::string& path)
    {
        ListenerSettings settings;
        settings.scheme = "unix";
        settings.path = path;
        return settings;
    }

    void refuses(const ListenerSettings& settings, const std::string& why)
    {
        try
        {
            const Listener listener(settings, _transports);
            CPPUNIT_FAIL("listens at " + settings.path);
        }
        catch (const Poco::Net::NetException& error)
        {
            CPPUNIT_ASSERT_MESSAGE(error.message(), error.message().find(why) != std::string::npos);
            CPPUNIT_ASSERT(error.message().find("unix://" + settings.path) != std::string::npos);
        }
    }

    static Peer connectTo(const std::string& path)
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CPPUNIT_ASSERT(::connect(descriptor, reinterpret_cast<sockaddr*>(&address),
                                 sizeof address) == 0);
        return Peer(descriptor);
    }

    TransportCounters _counters;
    Transports _transports{_counters};
    std::unique_ptr<TransportFactory> _factory;
};

CPPUNIT_TEST_SUITE_REGISTRATION(TransportStackTest);

} // namespace nanomq::test
