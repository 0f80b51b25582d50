#include "http/Connection.h"
#include "support/Certificates.h"
#include "support/Patience.h"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/SecureServerSocket.h>
#include <Poco/StreamCopier.h>
#include <Poco/ThreadPool.h>
#include <cppunit/extensions/HelperMacros.h>

namespace
{

using namespace http;
using namespace std::chrono_literals;
using Poco::Net::Context;

/// An HTTPS server that sends back what it gets.
class EchoServer
{
public:
    explicit EchoServer(const nanomq::test::Certificates::Pair& pair,
                        const std::string& authority = {})
        : _socket(socketOf(pair, authority)),
          _server(new Factory, _threads, _socket, new Poco::Net::HTTPServerParams)
    {
        _server.start();
    }
    ~EchoServer() { _server.stopAll(true); }

    std::uint16_t port() const { return _socket.address().port(); }
    int connections() const { return _server.totalConnections(); }

private:
    struct Echo final : Poco::Net::HTTPRequestHandler
    {
        void handleRequest(Poco::Net::HTTPServerRequest& request,
                           Poco::Net::HTTPServerResponse& response) override
        {
            std::string body;
            Poco::StreamCopier::copyToString(request.stream(), body);
            response.sendBuffer(body.data(), body.size());
        }
    };
    struct Factory final : Poco::Net::HTTPRequestHandlerFactory
    {
        Poco::Net::HTTPRequestHandler*
        createRequestHandler(const Poco::Net::HTTPServerRequest&) override
        {
            return new Echo;
        }
    };

    static Poco::Net::SecureServerSocket socketOf(const nanomq::test::Certificates::Pair& pair,
                                                  const std::string& authority)
    {
        Context::Params parameters;
        parameters.certificateFile = pair.certificate;
        parameters.privateKeyFile = pair.key;
        parameters.caLocation = authority;
        parameters.verificationMode =
            authority.empty() ? Context::VERIFY_NONE : Context::VERIFY_STRICT;
        Context::Ptr context = new Context(Context::TLS_SERVER_USE, parameters);
        context->enableExtendedCertificateVerification(false);
        return {Poco::Net::SocketAddress("127.0.0.1", 0), 8, context};
    }

    Poco::ThreadPool _threads{2, 4};
    Poco::Net::SecureServerSocket _socket;
    Poco::Net::HTTPServer _server;
};

class SecureConnectionTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(SecureConnectionTest);
    CPPUNIT_TEST(oneVerifiedConnectionServesManyRequests);
    CPPUNIT_TEST(refusesCertificatesItCannotTrust);
    CPPUNIT_TEST(clientCertificateIsShown);
    CPPUNIT_TEST(wrongFilesAreNamed);
    CPPUNIT_TEST(handshakeThatNeverEndsTimesOut);
    CPPUNIT_TEST_SUITE_END();

public:
    void oneVerifiedConnectionServesManyRequests()
    {
        EchoServer server(_certificates.server());
        for (const char* host : {"localhost", "127.0.0.1"})
        {
            const Endpoint endpoint(settingsFor(host, server));
            Connection connection(endpoint, _cancellation);
            const int before = server.connections();
            for (const std::string& content : {std::string("a"), std::string(50'000, 'b')})
            {
                const Answer answer = ask(connection, content);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(answer.text, 200, answer.status);
                CPPUNIT_ASSERT(answer.body == content);
            }
            CPPUNIT_ASSERT_EQUAL(before + 1, server.connections());
        }
    }

    void refusesCertificatesItCannotTrust()
    {
        EchoServer server(_certificates.sign("other", "/CN=other", "DNS:other"));
        const nanomq::test::Certificates strangers("Strangers");
        const struct
        {
            const char* name;
            std::string authority;
            std::string serverName;
            bool verify;
            const char* reason; // empty: accepted
        } cases[] = {
            {"the name asked for", _certificates.authority(), "other", true, ""},
            {"another name", _certificates.authority(), "", true, "hostname mismatch"},
            {"another authority", strangers.authority(), "other", true, "issuer certificate"},
            {"the system's authorities", "", "other", true, "certificate"},
            {"not verified", "", "", false, ""},
        };
        for (const auto& c : cases)
        {
            Endpoint::Settings settings = settingsFor("localhost", server);
            settings.tls.authorityFile = c.authority;
            settings.tls.serverName = c.serverName;
            settings.tls.verify = c.verify;
            const Endpoint endpoint(settings);
            Connection connection(endpoint, _cancellation);
            const Answer answer = ask(connection, "x");
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.name + answer.text, *c.reason ? 0 : 200, answer.status);
            CPPUNIT_ASSERT_MESSAGE(c.name + answer.text,
                                   answer.text.find(c.reason) != std::string::npos);
        }
    }

    void clientCertificateIsShown()
    {
        EchoServer server(_certificates.server(), _certificates.authority());
        const auto pair = _certificates.sign("broker", "/CN=broker");
        Endpoint::Settings settings = settingsFor("localhost", server);
        const Endpoint nobody(settings);
        Connection unknown(nobody, _cancellation);
        CPPUNIT_ASSERT_EQUAL(0, ask(unknown, "x").status);

        settings.tls.certificateFile = pair.certificate;
        settings.tls.keyFile = _certificates.seal(pair, "open sesame");
        settings.tls.keyPassword = "open sesame";
        const Endpoint somebody(settings);
        Connection known(somebody, _cancellation);
        const Answer answer = ask(known, "x");
        CPPUNIT_ASSERT_EQUAL_MESSAGE(answer.text, 200, answer.status);
    }

    void wrongFilesAreNamed()
    {
        const auto pair = _certificates.server();
        const auto other = _certificates.sign("other", "/CN=other");
        const struct
        {
            TlsSettings tls;
            std::string words;
        } cases[] = {
            {{true, "/nowhere/ca.pem", "", "", "", ""}, "no certificate authority in '/nowhere/"},
            {{true, pair.key, "", "", "", ""}, "no certificate authority in"},
            {{true, "", "/nowhere/cert.pem", pair.key, "", ""}, "no certificate in '/nowhere/"},
            {{true, "", pair.certificate, "", "", ""}, "only one of them"},
            {{true, "", pair.certificate, other.key, "", ""}, "not for the key"},
            {{true, "", pair.certificate, _certificates.seal(pair, "x"), "", ""},
             "needs a password"},
        };
        for (const auto& c : cases)
        {
            try
            {
                const Endpoint endpoint({Address::parse("https://localhost"), 1s, 1s, c.tls});
                CPPUNIT_FAIL("accepted, not refused with: " + c.words);
            }
            catch (const Poco::Exception& refused)
            {
                CPPUNIT_ASSERT_MESSAGE(refused.message(),
                                       refused.message().find(c.words) != std::string::npos);
            }
        }
    }

    void handshakeThatNeverEndsTimesOut()
    {
        const Poco::Net::ServerSocket silent(Poco::Net::SocketAddress("127.0.0.1", 0));
        const Endpoint endpoint(
            {Address::parse("https://" + silent.address().toString()), 50ms, 1h, {}});
        Connection connection(endpoint, _cancellation);
        const Answer answer = ask(connection, "x");
        CPPUNIT_ASSERT_EQUAL(std::string("accepted no connection within 0.05 s"), answer.text);
    }

private:
    Endpoint::Settings settingsFor(const std::string& host, const EchoServer& server) const
    {
        return {Address::parse("https://" + host + ":" + std::to_string(server.port())),
                nanomq::test::kPatience,
                nanomq::test::kPatience,
                {true, _certificates.authority(), "", "", "", ""}};
    }
    static Answer ask(Connection& connection, const std::string& content)
    {
        Request request;
        request.content = content;
        request.body = Request::Body::Wanted;
        return connection.ask(request);
    }

    nanomq::test::Certificates _certificates;
    Cancellation _cancellation;
};

CPPUNIT_TEST_SUITE_REGISTRATION(SecureConnectionTest);

} // namespace
