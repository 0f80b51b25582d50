#include "RestFixture.h"

#include <Poco/JSON/Parser.h>
#include <Poco/Net/HTTPBasicCredentials.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/StreamCopier.h>

#include <cppunit/extensions/HelperMacros.h>

#include <array>
#include <thread>

namespace rest_api::test
{

using nanomq::test::BrokerOptions;
using nanomq::test::BrokerProcess;
using nanomq::test::Deadline;
using nanomq::test::kPatience;

void RestFixture::tearDown()
{
    if (_broker) _broker->stop();
    _broker.reset();
}

void RestFixture::start(const std::string& more)
{
    BrokerOptions options;
    options.pluginFolder = NANOMQ_PLUGIN_FOLDER;
    options.conf["nanomq.conf"] = "msq_len = 1000\n";
    options.conf["rest_api.conf"] = "http_server.enable = true\nhttp_server.port = 0\n" + more;
    _broker = std::make_unique<BrokerProcess>(options);
    _port = 0;
}

std::uint16_t RestFixture::httpPort()
{
    static const std::string kBefore = "rest_api: http://127.0.0.1:";
    for (const Deadline deadline(kPatience); _port == 0; std::this_thread::yield())
    {
        const std::string log = _broker->log();
        const auto at = log.rfind(kBefore);
        if (at != std::string::npos && log.find('\n', at) != std::string::npos)
            _port = static_cast<std::uint16_t>(std::stoi(log.substr(at + kBefore.size())));
        CPPUNIT_ASSERT_MESSAGE(log, deadline.remainingMs() > 0);
    }
    return _port;
}

RestFixture::Answer RestFixture::call(const Call& call)
{
    Poco::Net::HTTPClientSession session("127.0.0.1", httpPort());
    session.setTimeout(Poco::Timespan(static_cast<long>(kPatience.count()) * 1'000));
    Poco::Net::HTTPRequest request(call.method, call.path, "HTTP/1.1");
    if (!call.user.empty()) Poco::Net::HTTPBasicCredentials(call.user, call.password).authenticate(request);
    for (const auto& [name, value] : call.headers) request.set(name, value);
    if (!call.body.empty() || call.method == "POST")
        request.setContentLength(static_cast<int>(call.body.size()));
    session.sendRequest(request) << call.body << std::flush;
    Poco::Net::HTTPResponse response;
    auto& in = session.receiveResponse(response);
    Answer answer;
    answer.status = response.getStatus();
    answer.type = response.getContentType();
    for (const auto& [name, value] : response) answer.headers[name] = value;
    Poco::StreamCopier::copyToString(in, answer.body);
    return answer;
}

std::string RestFixture::refusal(const Call& wish)
{
    const Answer answer = call(wish);
    return std::to_string(answer.status) + "/" + std::to_string(answer.code());
}

std::string RestFixture::raw(const std::string& bytes)
{
    Poco::Net::StreamSocket socket(Poco::Net::SocketAddress("127.0.0.1", httpPort()));
    socket.setReceiveTimeout(Poco::Timespan(static_cast<long>(kPatience.count()) * 1'000));
    socket.sendBytes(bytes.data(), static_cast<int>(bytes.size()));
    std::string answer;
    std::array<char, 4'096> piece{};
    for (int got = 0; (got = socket.receiveBytes(piece.data(), piece.size())) > 0;)
        answer.append(piece.data(), static_cast<std::size_t>(got));
    return answer;
}

Poco::JSON::Object::Ptr RestFixture::Answer::json() const
{
    return Poco::JSON::Parser().parse(body).extract<Poco::JSON::Object::Ptr>();
}

} // namespace rest_api::test
