#include "RestFixture.h"
#include "support/Certificates.h"

#include <Poco/Net/StreamSocket.h>

#include <cppunit/extensions/HelperMacros.h>

namespace rest_api::test
{

/// What stands before the API: connections, deadlines, TLS, CORS.
class ServerTest : public RestFixture
{
    CPPUNIT_TEST_SUITE(ServerTest);
    CPPUNIT_TEST(whoSendsTooSlowlyIsCutOffAndHoldsUpNobody);
    CPPUNIT_TEST(speaksTls);
    CPPUNIT_TEST(answersBrowsersThatAskFirst);
    CPPUNIT_TEST(refusesMoreRequestsThanTheLimit);
    CPPUNIT_TEST(answersHeadWithoutABody);
    CPPUNIT_TEST_SUITE_END();

public:
    void whoSendsTooSlowlyIsCutOffAndHoldsUpNobody()
    {
        start("http_server.request_timeout = 200ms\n");
        // Neither end of its header, nor of its body: each read would have 10 s.
        for (const char* begin : {"GET /api/v4 HTTP/1.1\r\nHost: ", "",
                                  "POST /api/v4/mqtt/publish HTTP/1.1\r\nContent-Length: 100\r\n\r\nx"})
        {
            const auto answer = raw(begin);
            CPPUNIT_ASSERT_MESSAGE(answer, !answer.starts_with("HTTP/1.1 200"));
        }
        CPPUNIT_ASSERT_EQUAL(200, get("/api/v4").status);
    }

    void speaksTls()
    {
        nanomq::test::Certificates certificates;
        const auto server = certificates.server();
        const auto sealed = certificates.seal(server, "sesame");
        start("http_server.tls.enable = true\nhttp_server.tls.certfile = " + server.certificate +
              "\nhttp_server.tls.keyfile = " + sealed + "\nhttp_server.tls.key_password = sesame\n");
        const std::string before = "rest_api: https://127.0.0.1:";
        std::string port;
        for (const nanomq::test::Deadline deadline(nanomq::test::kPatience); port.empty();)
        {
            const auto log = broker().log();
            if (const auto at = log.find(before); at != std::string::npos && log.find('\n', at) != std::string::npos)
                port = std::to_string(std::stoi(log.substr(at + before.size())));
            CPPUNIT_ASSERT_MESSAGE(log, deadline.remainingMs() > 0);
        }
        const auto result = nanomq::test::runCommand(
            "python3", {"-c",
                        "import base64, ssl, sys, urllib.request\n"
                        "context = ssl.create_default_context(cafile=sys.argv[1])\n"
                        "request = urllib.request.Request('https://localhost:' + sys.argv[2] + '/api/v4/brokers')\n"
                        "request.add_header('Authorization', 'Basic ' + base64.b64encode(b'admin:public').decode())\n"
                        "print(urllib.request.urlopen(request, context=context).read().decode())\n",
                        certificates.authority(), port});
        CPPUNIT_ASSERT_MESSAGE(result.errors, result.output.starts_with("{\"code\":0"));
    }

    void answersBrowsersThatAskFirst()
    {
        start("http_server.cors.origin = https://dashboard\n");
        const auto answer = call({.method = "OPTIONS", .path = "/api/v4/clients/x", .user = ""});
        CPPUNIT_ASSERT_EQUAL(204, answer.status);
        CPPUNIT_ASSERT_EQUAL(std::string("https://dashboard"),
                             answer.headers.at("Access-Control-Allow-Origin"));
        CPPUNIT_ASSERT(answer.headers.at("Access-Control-Allow-Methods").find("DELETE") !=
                       std::string::npos);
    }

    void refusesMoreRequestsThanTheLimit()
    {
        start("http_server.rate_limit = 3\n");
        int refused = 0;
        for (int i = 0; i < 200 && refused == 0; ++i) refused += get("/api/v4").status == 429;
        CPPUNIT_ASSERT_EQUAL(1, refused);
    }

    void answersHeadWithoutABody()
    {
        start();
        const auto answer = call({.method = "HEAD", .path = "/api/v4/brokers"});
        CPPUNIT_ASSERT_EQUAL(200, answer.status);
        CPPUNIT_ASSERT(answer.body.empty());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ServerTest);

} // namespace rest_api::test
