#include "TlsPeer.h"

#include "net/Transports.h"
#include "support/Certificates.h"

#include <Poco/Net/SSLException.h>
#include <cppunit/extensions/HelperMacros.h>

#include <filesystem>

namespace nanomq::test
{

/// TLS between a Connection and OpenSSL's own client.
class TlsTransportTest : public NetFixture
{
    CPPUNIT_TEST_SUITE(TlsTransportTest);
    CPPUNIT_TEST(carriesMessagesBothWays);
    CPPUNIT_TEST(takesBytesOneByOne);
    CPPUNIT_TEST(goesAlongToAnotherWorker);
    CPPUNIT_TEST(sendsAllToASlowReader);
    CPPUNIT_TEST(letsAnotherWorkerSendWhileTheOwnerReads);
    CPPUNIT_TEST(saysGoodbyeWhenItCloses);
    CPPUNIT_TEST(endsWithTheClientsGoodbye);
    CPPUNIT_TEST(refusesOldVersions);
    CPPUNIT_TEST(refusesWhatIsNotTls);
    CPPUNIT_TEST(closesWhenARecordIsForged);
    CPPUNIT_TEST(demandsClientCertificates);
    CPPUNIT_TEST(refusesRevokedCertificates);
    CPPUNIT_TEST(tellsNamesOfTheClientCertificate);
    CPPUNIT_TEST(presentsTheCertificateForTheNamedHost);
    CPPUNIT_TEST(resumesSessionsAlsoAfterAReload);
    CPPUNIT_TEST(voidsTicketsWhenWhoIsTrustedMayHaveChanged);
    CPPUNIT_TEST(reloadsWithoutTouchingWhoIsConnected);
    CPPUNIT_TEST(namesTheFileThatIsWrong);
    CPPUNIT_TEST(takesSealedKeys);
    CPPUNIT_TEST(takesOnlySomeHandshakeStepsInATurn);
    CPPUNIT_TEST_SUITE_END();


    void listen(const TlsSettings& tls, const std::string& scheme = "tls+nmq-tcp")
    {
        ListenerSettings settings;
        settings.scheme = scheme;
        settings.path = "/mqtt";
        settings.tls = tls;
        _factory = Transports(_counters).factoryFor(settings);
        _transportOf = [this](int descriptor) { return _factory->make(descriptor); };
    }

    TlsSettings serverSettings()
    {
        const auto pair = _certificates.server();
        TlsSettings settings;
        settings.certificateFiles = {pair.certificate};
        settings.keyFiles = {pair.key};
        return settings;
    }

    TlsSettings verifying()
    {
        auto settings = serverSettings();
        settings.authorityFile = _certificates.authority();
        settings.verifyPeer = settings.requirePeerCertificate = true;
        return settings;
    }

    TlsOptions clientOptions(const Certificates::Pair& pair)
    {
        TlsOptions options;
        options.certificate = pair.certificate;
        options.key = pair.key;
        return options;
    }

    /// Answers each message with itself.
    static OnMessage echo()
    {
        return [](Connection& connection, const std::string& text) {
            append(connection, connection.loop(), text);
            return Then::Next;
        };
    }

    /// Whether a client gets through the handshake and an echo.
    bool getsThrough(const TlsOptions& options)
    {
        auto& link = this->link(echo());
        TlsPeer client(link.peer, options);
        if (!client.handshake()) return false;
        client.sendMessage("x");
        return client.receive(5) == Peer::framed("x");
    }

    static std::string pattern(std::size_t size)
    {
        std::string text(size, '\0');
        for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + i / 253);
        return text;
    }

public:
    void carriesMessagesBothWays()
    {
        listen(serverSettings());
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
        {
            auto& link = this->link(echo());
            TlsOptions options;
            options.version = version;
            TlsPeer client(link.peer, options);
            CPPUNIT_ASSERT(client.handshake());
            for (const std::size_t size : {0, 1, 100, 16'384, 16'385, 20'000, 300'000})
            {
                const std::string text = pattern(size);
                client.sendMessage(text);
                CPPUNIT_ASSERT(text == client.receiveMessage());
            }
            // Many at once.
            std::string many;
            for (int i = 0; i < 2000; ++i) many += Peer::framed("message " + std::to_string(i));
            client.send(many);
            CPPUNIT_ASSERT(many == client.receive(many.size()));
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, _counters.tlsHandshakes.load());
    }

    void takesBytesOneByOne()
    {
        listen(serverSettings());
        auto& link = this->link(echo());
        TlsOptions options;
        options.piece = 1;
        TlsPeer client(link.peer, options);
        CPPUNIT_ASSERT(client.handshake());
        client.sendMessage("in pieces");
        CPPUNIT_ASSERT_EQUAL(std::string("in pieces"), client.receiveMessage());
    }

    void goesAlongToAnotherWorker()
    {
        listen(serverSettings());
        auto& link = this->link([moved = false](Connection& connection, const std::string& text) mutable {
            if (!std::exchange(moved, true)) return Then::Move;
            append(connection, connection.loop(), text);
            return Then::Next;
        });
        TlsPeer client(link.peer);
        CPPUNIT_ASSERT(client.handshake());
        for (int i = 0; i < 100; ++i)
        {
            client.sendMessage(std::to_string(i));
            CPPUNIT_ASSERT_EQUAL(std::to_string(i), client.receiveMessage());
        }
        CPPUNIT_ASSERT_EQUAL(1, link.record->moves.load());
    }

    void sendsAllToASlowReader()
    {
        listen(serverSettings());
        auto& link = this->link(echo());
        TlsPeer client(link.peer);
        CPPUNIT_ASSERT(client.handshake());
        client.sendMessage("wait until it is established");
        client.receiveMessage();
        const std::string text = pattern(3'000'000);
        _first.run([&] { append(*link.connection, _first.loop(), text); });
        _first.turn(); // the socket is full by now
        CPPUNIT_ASSERT(text == client.receiveMessage());
    }

    void letsAnotherWorkerSendWhileTheOwnerReads()
    {
        constexpr int kMessages = 3000;
        listen(serverSettings());
        auto& link = this->link(echo());
        TlsPeer client(link.peer);
        CPPUNIT_ASSERT(client.handshake());
        client.sendMessage("wait until it is established");
        client.receiveMessage();

        // Two streams to the client: echoes from the owner's turns, and these.
        for (int i = 0; i < kMessages; ++i)
            _second.post([this, &link, i] {
                append(*link.connection, _second.loop(), "b" + std::to_string(i));
            });
        int echoed = 0, sent = 0;
        for (int i = 0; i < kMessages; ++i)
        {
            client.sendMessage("a" + std::to_string(i));
            if (i % 50 != 49) continue;
            while (echoed <= i)
            {
                const std::string text = client.receiveMessage();
                int& next = text.front() == 'a' ? echoed : sent;
                CPPUNIT_ASSERT_EQUAL(std::to_string(next++), text.substr(1));
            }
        }
        while (sent < kMessages)
            CPPUNIT_ASSERT_EQUAL("b" + std::to_string(sent++), client.receiveMessage());
    }

    void saysGoodbyeWhenItCloses()
    {
        listen(serverSettings());
        auto& link = this->link([](Connection& connection, const std::string&) {
            append(connection, connection.loop(), "last words");
            connection.close("test");
            return Then::Next;
        });
        TlsPeer client(link.peer);
        CPPUNIT_ASSERT(client.handshake());
        client.sendMessage("close");
        CPPUNIT_ASSERT_EQUAL(std::string("last words"), client.receiveMessage());
        CPPUNIT_ASSERT(client.endsWithGoodbye());
    }

    void endsWithTheClientsGoodbye()
    {
        listen(serverSettings());
        auto& link = this->link();
        TlsPeer client(link.peer);
        CPPUNIT_ASSERT(client.handshake());
        client.sendMessage("before");
        client.finish(); // and the socket stays open
        CPPUNIT_ASSERT(eventually([&] { return link.record->closings > 0; }));
        CPPUNIT_ASSERT_EQUAL(std::string("closed by client"), link.record->reason());
        CPPUNIT_ASSERT(link.record->messages() == std::vector<std::string>{"before"});
        CPPUNIT_ASSERT(client.endsWithGoodbye());
    }

    void refusesOldVersions()
    {
        listen(serverSettings());
        auto& link = this->link();
        TlsOptions options;
        options.version = TLS1_1_VERSION;
        TlsPeer client(link.peer, options);
        CPPUNIT_ASSERT(!client.handshake());
        CPPUNIT_ASSERT(eventually([&] { return link.record->closings > 0; }));
        CPPUNIT_ASSERT_EQUAL(std::string("TLS: unsupported protocol"), link.record->reason());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, _counters.tlsHandshakesFailed.load());
    }

    void refusesWhatIsNotTls()
    {
        listen(serverSettings());
        for (const std::string& bytes :
             {std::string("GET / HTTP/1.1\r\n\r\n"), std::string("\x10\x0C\x00\x04MQTT\x04\x02\x00\x00", 12),
              std::string(100, '\xFF')})
        {
            auto& link = this->link();
            link.peer.send(bytes);
            CPPUNIT_ASSERT(eventually([&] { return link.record->closings > 0; }));
            CPPUNIT_ASSERT_MESSAGE(link.record->reason(), link.record->reason().starts_with("TLS: "));
        }
    }

    void closesWhenARecordIsForged()
    {
        listen(serverSettings());
        auto& link = this->link();
        TlsPeer client(link.peer);
        CPPUNIT_ASSERT(client.handshake());
        client.sendMessage("good");
        link.peer.send(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
        CPPUNIT_ASSERT(eventually([&] { return link.record->closings > 0; }));
        CPPUNIT_ASSERT_MESSAGE(link.record->reason(), link.record->reason().starts_with("TLS: "));
        CPPUNIT_ASSERT(link.record->messages() == std::vector<std::string>{"good"});
    }

    void demandsClientCertificates()
    {
        Certificates others("Test Authority"); // of the same name, with another key
        const auto ours = clientOptions(_certificates.sign("client", "/CN=device7"));
        const auto foreign = clientOptions(others.sign("client", "/CN=device7"));
        listen(verifying());
        CPPUNIT_ASSERT(getsThrough(ours));
        CPPUNIT_ASSERT(!getsThrough(foreign));
        CPPUNIT_ASSERT(!getsThrough({}));

        auto relaxed = verifying();
        relaxed.requirePeerCertificate = false;
        listen(relaxed);
        CPPUNIT_ASSERT(getsThrough(ours));
        CPPUNIT_ASSERT(!getsThrough(foreign));
        CPPUNIT_ASSERT(getsThrough({}));

        listen(serverSettings()); // nobody asks
        CPPUNIT_ASSERT(getsThrough(foreign));
    }

    void refusesRevokedCertificates()
    {
        const auto kept = _certificates.sign("kept", "/CN=kept");
        const auto lost = _certificates.sign("lost", "/CN=lost");
        _certificates.revoke(lost);
        auto settings = verifying();
        settings.revocationFile = _certificates.revocationList();
        listen(settings);
        CPPUNIT_ASSERT(getsThrough(clientOptions(kept)));
        CPPUNIT_ASSERT(!getsThrough(clientOptions(lost)));

        // A newer list counts from the reload on.
        _certificates.revoke(kept);
        std::filesystem::copy_file(_certificates.revocationList(), settings.revocationFile,
                                   std::filesystem::copy_options::overwrite_existing);
        CPPUNIT_ASSERT(getsThrough(clientOptions(kept)));
        _factory->reload();
        CPPUNIT_ASSERT(!getsThrough(clientOptions(kept)));
    }

    void tellsNamesOfTheClientCertificate()
    {
        listen(verifying());
        struct Case
        {
            const char* file;
            const char* subject;
            const char* alternatives;
            PeerFacts facts;
        };
        const Case cases[] = {
            {"a", "/O=Plant/CN=device7", "", {{}, "device7", "", "CN=device7,O=Plant"}},
            {"b", "/CN=d", "IP:192.0.2.7,DNS:d.example,email:d@example.org",
             {{}, "d", "d.example", "CN=d"}},
            {"c", "/CN=d", "URI:urn:device:7", {{}, "d", "urn:device:7", "CN=d"}},
            {"d", "/O=Plant", "", {{}, "", "", "O=Plant"}},
        };
        for (const auto& c : cases)
        {
            auto& link = this->link(echo());
            TlsPeer client(link.peer,
                           clientOptions(_certificates.sign(c.file, c.subject, c.alternatives)));
            CPPUNIT_ASSERT(client.handshake());
            client.sendMessage("x");
            client.receiveMessage();
            const PeerFacts facts = _first.run([&] { return link.connection->peerFacts(); });
            CPPUNIT_ASSERT_EQUAL(c.facts.commonName, facts.commonName);
            CPPUNIT_ASSERT_EQUAL(c.facts.alternativeName, facts.alternativeName);
            CPPUNIT_ASSERT_EQUAL(c.facts.subject, facts.subject);
            CPPUNIT_ASSERT(!facts.source);
        }
    }

    void presentsTheCertificateForTheNamedHost()
    {
        TlsSettings settings;
        for (const char* name : {"one", "two"})
        {
            const std::string host = std::string(name) + ".example";
            const auto pair =
                _certificates.sign(name, "/CN=" + host, "DNS:" + host + ",DNS:*." + host);
            settings.certificateFiles.push_back(pair.certificate);
            settings.keyFiles.push_back(pair.key);
        }
        listen(settings);
        struct Case
        {
            const char* asked;
            const char* presented;
        };
        static constexpr Case cases[] = {
            {"two.example", "two.example"},   {"x.two.example", "two.example"},
            {"one.example", "one.example"},   {"other.example", "one.example"},
            {"", "one.example"},
        };
        for (const auto& c : cases)
        {
            auto& link = this->link();
            TlsOptions options;
            options.serverName = c.asked;
            TlsPeer client(link.peer, options);
            CPPUNIT_ASSERT(client.handshake());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.asked, std::string(c.presented), client.serverName());
        }
    }

    void resumesSessionsAlsoAfterAReload()
    {
        listen(serverSettings());
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
        {
            TlsOptions options;
            options.version = version;
            const auto session = sessionOf(options);
            options.session = session.get();
            CPPUNIT_ASSERT(resumes(options));
            _factory->reload();
            CPPUNIT_ASSERT(resumes(options));
        }
    }

    void voidsTicketsWhenWhoIsTrustedMayHaveChanged()
    {
        listen(verifying());
        auto options = clientOptions(_certificates.sign("client", "/CN=device7"));
        const auto session = sessionOf(options);
        options.session = session.get();
        CPPUNIT_ASSERT(resumes(options));
        auto& resumed = _links.back(); // its certificate came with the ticket
        CPPUNIT_ASSERT_EQUAL(std::string("device7"), _first.run([&] {
            return resumed.connection->peerFacts().commonName;
        }));
        _factory->reload();
        CPPUNIT_ASSERT(!resumes(options));
    }

    void reloadsWithoutTouchingWhoIsConnected()
    {
        const auto settings = serverSettings();
        listen(settings);
        auto& before = this->link(echo());
        TlsPeer old(before.peer);
        CPPUNIT_ASSERT(old.handshake());
        auto& during = this->link(echo());
        TlsPeer begun(during.peer); // has its transport, and no handshake yet

        const auto renewed = _certificates.sign("renewed", "/CN=renewed");
        const auto overwrite = std::filesystem::copy_options::overwrite_existing;
        std::filesystem::copy_file(renewed.certificate, settings.certificateFiles[0], overwrite);
        // Half of the change: key and certificate do not fit, and all stays as it was.
        CPPUNIT_ASSERT_THROW(_factory->reload(), Poco::Net::SSLContextException);
        CPPUNIT_ASSERT(getsThrough({}));
        std::filesystem::copy_file(renewed.key, settings.keyFiles[0], overwrite);
        _factory->reload();

        auto& after = this->link(echo());
        TlsPeer fresh(after.peer);
        CPPUNIT_ASSERT(fresh.handshake() && begun.handshake());
        CPPUNIT_ASSERT_EQUAL(std::string("renewed"), fresh.serverName());
        CPPUNIT_ASSERT_EQUAL(std::string("localhost"), begun.serverName());
        for (TlsPeer* const peer : {&old, &begun, &fresh})
        {
            peer->sendMessage("still here");
            CPPUNIT_ASSERT_EQUAL(std::string("still here"), peer->receiveMessage());
        }
    }

    void namesTheFileThatIsWrong()
    {
        const auto good = serverSettings();
        const auto other = _certificates.sign("other", "/CN=other");
        const std::string missing = _certificates.path("missing.pem");
        writeFile(_certificates.path("empty.pem"), "");
        const std::string empty = _certificates.path("empty.pem");
        const auto wrong = [](TlsSettings settings, auto change) {
            change(settings);
            return settings;
        };
        const auto check = [this](const TlsSettings& settings, const std::string& file) {
            try
            {
                listen(settings);
                CPPUNIT_FAIL("loaded " + file);
            }
            catch (const Poco::Net::SSLContextException& error)
            {
                CPPUNIT_ASSERT_MESSAGE(error.displayText(),
                                       error.message().find("'" + file + "'") != std::string::npos);
            }
        };
        for (const auto& file : {missing, empty})
        {
            check(wrong(good, [&](auto& tls) { tls.certificateFiles = {file}; }), file);
            check(wrong(good, [&](auto& tls) { tls.keyFiles = {file}; }), file);
            check(wrong(verifying(), [&](auto& tls) { tls.authorityFile = file; }), file);
            check(wrong(verifying(), [&](auto& tls) { tls.revocationFile = file; }), file);
        }
        check(wrong(good, [&](auto& tls) { tls.keyFiles = {other.key}; }), other.key);
    }

    void takesSealedKeys()
    {
        const auto pair = _certificates.server();
        auto settings = serverSettings();
        settings.keyFiles = {_certificates.seal(pair, "open sesame")};
        settings.keyPassword = "open sesame";
        listen(settings);
        CPPUNIT_ASSERT(getsThrough({}));
        for (const char* password : {"", "another", "open sesame "})
        {
            settings.keyPassword = password;
            CPPUNIT_ASSERT_THROW(listen(settings), Poco::Net::SSLContextException);
        }
    }

    void takesOnlySomeHandshakeStepsInATurn()
    {
        HandshakeBudget budget;
        for (int turn = 0; turn < 2; ++turn)
        {
            budget.beginTurn();
            for (unsigned i = 0; i < HandshakeBudget::kPerTurn; ++i) CPPUNIT_ASSERT(budget.take());
            CPPUNIT_ASSERT(!budget.take());
        }
        // Without a budget the socket is left alone, and nothing is lost.
        listen(serverSettings());
        std::vector<std::uint8_t> buffer(EventLoop::kReadSize);
        const auto transport = _factory->make(-1); // would fail with EBADF
        errno = 0;
        CPPUNIT_ASSERT_EQUAL(std::int64_t{-1}, transport->receive(buffer.data(), buffer.size(), budget));
        CPPUNIT_ASSERT_EQUAL(EAGAIN, errno);
        budget.beginTurn();
        transport->receive(buffer.data(), buffer.size(), budget);
        CPPUNIT_ASSERT_EQUAL(EBADF, errno);
    }

private:
    /// A session with a ticket.
    std::shared_ptr<SSL_SESSION> sessionOf(const TlsOptions& options)
    {
        auto& link = this->link(echo());
        TlsPeer client(link.peer, options);
        CPPUNIT_ASSERT(client.handshake());
        client.sendMessage("x"); // with the answer the ticket has come, too
        client.receiveMessage();
        return client.session();
    }

    bool resumes(const TlsOptions& options)
    {
        auto& link = this->link(echo());
        TlsPeer client(link.peer, options);
        CPPUNIT_ASSERT(client.handshake());
        client.sendMessage("x");
        CPPUNIT_ASSERT_EQUAL(std::string("x"), client.receiveMessage());
        return client.resumed();
    }

    Certificates _certificates;
    TransportCounters _counters;
    std::unique_ptr<TransportFactory> _factory;
};

CPPUNIT_TEST_SUITE_REGISTRATION(TlsTransportTest);

} // namespace nanomq::test
