#include "ExchangeTest.h"

#include "support/Certificates.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <filesystem>

namespace nanomq::test
{

/// Every transport with clients that are not ours: mosquitto's over TLS and a Unix socket, Paho
/// over WebSocket; and what listeners have of their own.
class TransportTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(TransportTest);
    CPPUNIT_TEST(tellsWhereItListens);
    CPPUNIT_TEST(mosquittoOverTls);
    CPPUNIT_TEST(mosquittoWithACertificateOfItsOwn);
    CPPUNIT_TEST(refusesClientsWithoutAGoodCertificate);
    CPPUNIT_TEST(pahoOverWebSocket);
    CPPUNIT_TEST(pahoOverSecureWebSocket);
    CPPUNIT_TEST(mqttJsOverWebSocket);
    CPPUNIT_TEST(mqttJsOverSecureWebSocket);
    CPPUNIT_TEST(mosquittoOverAUnixSocket);
    CPPUNIT_TEST(reachesClientsOfAllTransports);
    CPPUNIT_TEST(takesTheAddressFromABalancer);
    CPPUNIT_TEST(listenersHaveLimitsOfTheirOwn);
    CPPUNIT_TEST(reloadsCertificatesUnderClients);
    CPPUNIT_TEST(refusesToStartWithoutItsCertificate);
    CPPUNIT_TEST_SUITE_END();

public:
    void tellsWhereItListens()
    {
        for (const std::string& number : {port("nmq-tcp", 0), port("tls+nmq-tcp", 0), port("nmq-ws", 0)})
            CPPUNIT_ASSERT(std::stoi(number) > 0);
        const auto& all = broker().listeners();
        const auto has = [&](const std::string& begin, const std::string& end) {
            return std::any_of(all.begin(), all.end(), [&](const std::string& url) {
                return url.starts_with(begin) && url.ends_with(end);
            });
        };
        CPPUNIT_ASSERT(has("nmq-ws://127.0.0.1:", "/mqtt"));
        CPPUNIT_ASSERT(has("nmq-wss://127.0.0.1:", "/secure"));
        CPPUNIT_ASSERT(has("unix://", socketPath()));
    }

    void mosquittoOverTls()
    {
        for (const char* version : {"mqttv31", "mqttv311", "5"})
            for (const char* tls : {"tlsv1.2", "tlsv1.3"})
                roundTrip({"-h", "localhost", "-p", port("tls+nmq-tcp", 0), "--cafile",
                           _certificates.authority(), "--tls-version", tls, "-V", version});
        // Whoever does not know the authority does not come in, nor go on in clear.
        const auto done = runCommand(
            "mosquitto_pub", {"-h", "localhost", "-p", port("tls+nmq-tcp", 0), "--cafile",
                              _strangers.authority(), "-t", "t", "-m", "x"});
        CPPUNIT_ASSERT(done.status != 0);
        const auto plain = runCommand(
            "mosquitto_pub", {"-h", "localhost", "-p", port("tls+nmq-tcp", 0), "-t", "t", "-m", "x"});
        CPPUNIT_ASSERT(plain.status != 0);
    }

    void mosquittoWithACertificateOfItsOwn()
    {
        auto arguments = mutualArguments(_certificates.sign("device", "/O=Plant/CN=device7"));
        roundTrip(arguments);
        // Its common name is its user name, whatever CONNECT says.
        arguments.insert(arguments.end(), {"-u", "admin", "-i", "named", "-t", "t", "-d"});
        arguments.insert(arguments.begin(), {"-oL", "mosquitto_sub"});
        Command subscriber("stdbuf", arguments);
        CPPUNIT_ASSERT(subscriber.readLineThatBegins("Subscribed"));
        CPPUNIT_ASSERT_EQUAL(std::string("device7"), userNameOf("named"));
    }

    void refusesClientsWithoutAGoodCertificate()
    {
        const auto good = _certificates.sign("good", "/CN=good");
        const auto nameless = _certificates.sign("nameless", "/O=Plant");
        const auto foreign = _strangers.sign("good", "/CN=good");
        const auto publish = [&](std::vector<std::string> arguments) {
            arguments.insert(arguments.end(), {"-t", "t", "-m", "x", "-q", "1"});
            return runCommand("mosquitto_pub", arguments).status;
        };
        CPPUNIT_ASSERT_EQUAL(0, publish(mutualArguments(good)));
        CPPUNIT_ASSERT(publish(mutualArguments(nameless)) != 0);
        CPPUNIT_ASSERT(publish(mutualArguments(foreign)) != 0);
        CPPUNIT_ASSERT(publish({"-h", "localhost", "-p", port("tls+nmq-tcp", 1), "--cafile",
                                _certificates.authority()}) != 0);
        CPPUNIT_ASSERT(metric("nanomq_tls_handshakes_failed_total") >= 2);
    }

    void pahoOverWebSocket()
    {
        for (const char* version : {"3.1.1", "5"})
            paho({port("nmq-ws", 0), version, "websockets"});
    }

    void pahoOverSecureWebSocket()
    {
        for (const char* version : {"3.1.1", "5"})
            paho({port("nmq-wss", 0), version, "websockets", _certificates.authority()});
    }

    void mqttJsOverWebSocket()
    {
        for (const char* version : {"4", "5"})
            mqttJs({"ws://localhost:" + port("nmq-ws", 0) + "/mqtt", version});
    }

    void mqttJsOverSecureWebSocket()
    {
        for (const char* version : {"4", "5"})
            mqttJs({"wss://localhost:" + port("nmq-wss", 0) + "/mqtt", version,
                    _certificates.authority()});
    }

    void mosquittoOverAUnixSocket()
    {
        const std::vector<std::string> arguments{"--unix", socketPath()};
        roundTrip(arguments);
        CPPUNIT_ASSERT(std::filesystem::status(socketPath()).permissions() ==
                       std::filesystem::perms(0600));
        // What a power cut leaves behind does not keep it from coming back.
        broker().kill();
        CPPUNIT_ASSERT(std::filesystem::exists(socketPath()));
        broker().start();
        roundTrip(arguments);
        broker().stop();
        CPPUNIT_ASSERT(!std::filesystem::exists(socketPath()));
        broker().start();
    }

    void reachesClientsOfAllTransports()
    {
        auto plain = client("plain");
        plain.subscribe("all", QoS::AtLeastOnce);
        const std::vector<std::vector<std::string>> ways = {
            {"-h", "localhost", "-p", port("tls+nmq-tcp", 0), "--cafile", _certificates.authority()},
            {"--unix", socketPath()},
        };
        std::vector<std::unique_ptr<Command>> subscribers;
        for (const auto& way : ways)
        {
            std::vector<std::string> arguments{"-oL", "mosquitto_sub", "-t", "all", "-q", "1",
                                               "-C",  "100",           "-d"};
            arguments.insert(arguments.end(), way.begin(), way.end());
            subscribers.push_back(std::make_unique<Command>("stdbuf", arguments));
            CPPUNIT_ASSERT(subscribers.back()->readLineThatBegins("Subscribed"));
        }
        auto publisher = client("publisher");
        const std::string large(100'000, 'x');
        for (int i = 0; i < 100; ++i)
            publisher.publish("all", i % 10 == 9 ? large : "message " + std::to_string(i),
                              {.qos = QoS::AtLeastOnce});
        for (auto& subscriber : subscribers)
        {
            for (int i = 0; i < 100; ++i)
                CPPUNIT_ASSERT_MESSAGE(
                    subscriber->errors(),
                    subscriber->readLineThatBegins(i % 10 == 9 ? large
                                                               : "message " + std::to_string(i)));
            CPPUNIT_ASSERT_EQUAL(0, subscriber->waitForExit().value_or(-1));
        }
        for (int i = 0; i < 100; ++i) plain.receiveMessage();
    }

    void takesTheAddressFromABalancer()
    {
        ScriptedClient behind(portNumber("mqtt-tcp", 0));
        const std::string_view header = "PROXY TCP4 192.0.2.7 127.0.0.1 4660 1883\r\n";
        behind.sendBytes({header.begin(), header.end()});
        behind.connect({.clientId = "behind"});
        CPPUNIT_ASSERT_EQUAL(std::string("192.0.2.7:4660"), clientValue("behind", "peer"));

        ScriptedClient direct(portNumber("mqtt-tcp", 0), ProtocolVersion::v3_1_1);
        direct.sendConnect({.clientId = "direct"});
        direct.expectClosed();
        CPPUNIT_ASSERT_EQUAL(1.0, metric("nanomq_proxy_refused_total"));
    }

    void listenersHaveLimitsOfTheirOwn()
    {
        const auto limited = portNumber("nmq-tcp", 1);
        ScriptedClient first(limited, ProtocolVersion::v3_1_1);
        first.connect({.clientId = "first"});
        ScriptedClient second(limited, ProtocolVersion::v3_1_1);
        second.expectClosed();
        client("elsewhere").disconnect(); // other listeners are not concerned
        first.send(Disconnect{});
        first.expectClosed();
        ScriptedClient third(limited); // the place is free again
        third.connect({.clientId = "third"});

        ScriptedClient anonymous(portNumber("nmq-tcp", 2));
        anonymous.sendConnect({.clientId = "anonymous"});
        anonymous.expectConnack(ReasonCode::NotAuthorized);
    }

    void reloadsCertificatesUnderClients()
    {
        const auto argumentsWith = [&](const Certificates& authority) {
            return std::vector<std::string>{"-h", "localhost", "-p", port("tls+nmq-tcp", 0),
                                            "--cafile", authority.authority()};
        };
        std::vector<std::string> arguments = argumentsWith(_certificates);
        arguments.insert(arguments.begin(), {"-oL", "mosquitto_sub"});
        arguments.insert(arguments.end(), {"-t", "kept", "-d", "-C", "1"});
        Command subscriber("stdbuf", arguments);
        CPPUNIT_ASSERT(subscriber.readLineThatBegins("Subscribed"));

        const auto renewed = _strangers.server();
        const auto overwrite = std::filesystem::copy_options::overwrite_existing;
        std::filesystem::copy_file(renewed.certificate, _server.certificate, overwrite);
        const auto half = broker().ctl({"reload"});
        CPPUNIT_ASSERT(half.status != 0);
        CPPUNIT_ASSERT_MESSAGE(half.errors, half.errors.find(_server.key) != std::string::npos);
        roundTrip(argumentsWith(_certificates)); // as before
        std::filesystem::copy_file(renewed.key, _server.key, overwrite);
        const auto whole = broker().ctl({"reload"});
        CPPUNIT_ASSERT_EQUAL_MESSAGE(whole.errors, 0, whole.status);

        roundTrip(argumentsWith(_strangers));
        client("publisher").publish("kept", "still connected", {.qos = QoS::AtLeastOnce});
        CPPUNIT_ASSERT(subscriber.readLineThatBegins("still connected"));
    }

    void refusesToStartWithoutItsCertificate()
    {
        const TemporaryFolder folder;
        const auto done = runCommand(
            NANOMQ_BROKER_PROGRAM,
            {"--conf-dir", folder.path().string(), "--control", (folder / "s").string(),
             "--state-dir", folder.path().string(), "--url", "tls+nmq-tcp://127.0.0.1:0", "--set",
             "tls.certfile=/nowhere/cert.pem", "--set", "tls.keyfile=/nowhere/key.pem"});
        CPPUNIT_ASSERT_EQUAL(1, done.status);
        CPPUNIT_ASSERT_MESSAGE(done.errors, done.errors.find("'/nowhere/cert.pem'") != std::string::npos);
    }

protected:
    BrokerOptions options() const override
    {
        BrokerOptions options;
        options.conf["nanomq.conf"] =
            "tls.certfile = " + _server.certificate + "\ntls.keyfile = " + _server.key + "\n" +
            "listener.a_limited.url = nmq-tcp://127.0.0.1:0\n"
            "listener.a_limited.max_connections = 1\n"
            "listener.a_strict.url = nmq-tcp://127.0.0.1:0\n"
            "listener.a_strict.allow_anonymous = false\n"
            "listener.b_tls.url = tls+nmq-tcp://127.0.0.1:0\n"
            "listener.c_mutual.url = tls+nmq-tcp://127.0.0.1:0\n"
            "listener.c_mutual.tls.verify_peer = true\n"
            "listener.c_mutual.tls.fail_if_no_peer_cert = true\n"
            "listener.c_mutual.tls.username_from = cn\n"
            "listener.c_mutual.tls.cacertfile = " +
            _certificates.authority() +
            "\nlistener.d_ws.url = nmq-ws://127.0.0.1:0\n"
            "listener.e_wss.url = nmq-wss://127.0.0.1:0/mqtt\n"
            "listener.f_wss.url = nmq-wss://127.0.0.1:0\nlistener.f_wss.path = /secure\n"
            "listener.g_unix.url = unix://" +
            socketPath() +
            "\nlistener.g_unix.unix.mode = 0600\n"
            "listener.h_proxy.url = mqtt-tcp://127.0.0.1:0\n"
            "listener.h_proxy.proxy_protocol = true\n";
        return options;
    }

private:
    std::string socketPath() const { return _certificates.path("socket"); }

    /// The port of the n-th listener of a scheme.
    std::string port(const std::string& scheme, int which)
    {
        for (const std::string& url : broker().listeners())
        {
            if (!url.starts_with(scheme + "://") || which-- > 0) continue;
            const std::size_t digits = url.rfind(':') + 1;
            return url.substr(digits, url.find('/', digits) - digits);
        }
        CPPUNIT_FAIL("no listener of " + scheme);
        return {};
    }
    std::uint16_t portNumber(const std::string& scheme, int which)
    {
        return static_cast<std::uint16_t>(std::stoi(port(scheme, which)));
    }

    std::vector<std::string> mutualArguments(const Certificates::Pair& pair)
    {
        return {"-h",    "localhost",       "-p",     port("tls+nmq-tcp", 1), "--cafile",
                _certificates.authority(), "--cert", pair.certificate, "--key", pair.key};
    }

    /// mosquitto_sub and mosquitto_pub, each reaching the broker that way, with every QoS.
    static void roundTrip(const std::vector<std::string>& way)
    {
        for (const char* qos : {"0", "1", "2"})
        {
            std::vector<std::string> arguments{"-oL", "mosquitto_sub", "-q", qos, "-t", "a/#",
                                               "-C",  "2",             "-d", "-v"};
            arguments.insert(arguments.end(), way.begin(), way.end());
            Command subscriber("stdbuf", arguments);
            CPPUNIT_ASSERT_MESSAGE(subscriber.errors() + subscriber.output(),
                                   subscriber.readLineThatBegins("Subscribed"));
            for (const char* payload : {"one", "two"})
            {
                std::vector<std::string> publish{"-q", qos, "-t", "a/b", "-m", payload};
                publish.insert(publish.end(), way.begin(), way.end());
                const auto done = runCommand("mosquitto_pub", publish);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(done.output + done.errors, 0, done.status);
            }
            for (const char* line : {"a/b one", "a/b two"})
                CPPUNIT_ASSERT_MESSAGE(subscriber.errors() + subscriber.output(),
                                       subscriber.readLineThatBegins(line));
            CPPUNIT_ASSERT_EQUAL(0, subscriber.waitForExit().value_or(-1));
        }
    }

    static void paho(std::vector<std::string> arguments)
    {
        arguments.insert(arguments.begin(), NANOMQ_EXCHANGE_FOLDER "/paho_round_trip.py");
        // Debian's own Python: that is the one its package of Paho is for.
        const auto done = runCommand("/usr/bin/python3", arguments);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(done.output + done.errors, 0, done.status);
    }

    static void mqttJs(std::vector<std::string> arguments)
    {
        arguments.insert(arguments.begin(), NANOMQ_EXCHANGE_FOLDER "/mqttjs_round_trip.js");
        // Where Debian's packages of Node libraries are.
        arguments.insert(arguments.begin(), {"NODE_PATH=/usr/share/nodejs:/usr/lib/nodejs", "node"});
        const auto done = runCommand("/usr/bin/env", arguments);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(done.output + done.errors, 0, done.status);
    }

    Poco::JSON::Array::Ptr listing(const std::string& verb, const std::string& field)
    {
        const auto done = broker().ctl({"--json", verb});
        CPPUNIT_ASSERT_EQUAL_MESSAGE(done.errors, 0, done.status);
        const auto answer = Poco::JSON::Parser().parse(done.output);
        if (answer.type() == typeid(Poco::JSON::Array::Ptr))
            return answer.extract<Poco::JSON::Array::Ptr>();
        return answer.extract<Poco::JSON::Object::Ptr>()->getArray(field);
    }

    std::string clientValue(const std::string& clientId, const std::string& field)
    {
        const auto clients = listing("clients", "clients");
        for (unsigned i = 0; i < clients->size(); ++i)
            if (clients->getObject(i)->getValue<std::string>("client_id") == clientId)
                return clients->getObject(i)->getValue<std::string>(field);
        CPPUNIT_FAIL("no client " + clientId);
        return {};
    }
    std::string userNameOf(const std::string& clientId)
    {
        return clientValue(clientId, "user_name");
    }

    double metric(const std::string& name)
    {
        const auto metrics = listing("metrics", "metrics");
        for (unsigned i = 0; i < metrics->size(); ++i)
            if (metrics->getObject(i)->getValue<std::string>("name") == name)
                return metrics->getObject(i)->getValue<double>("value");
        CPPUNIT_FAIL("no metric " + name);
        return 0;
    }

    Certificates _certificates;
    Certificates _strangers{"Another Authority"};
    Certificates::Pair _server = _certificates.server();
};

CPPUNIT_TEST_SUITE_REGISTRATION(TransportTest);

} // namespace nanomq::test
