#include "control/ControlClient.h"
#include "control/ControlServer.h"
#include "support/Patience.h"
#include "support/TemporaryFolder.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/Logger.h>

#include <algorithm>
#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <list>
#include <memory>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace nanomq::test
{

namespace
{

using Poco::Dynamic::Var;
using Poco::JSON::Object;

/// The socket as a program of somebody else sees it: bytes in, lines out.
class RawPeer
{
public:
    explicit RawPeer(const std::string& path) : _socket(::socket(AF_UNIX, SOCK_STREAM, 0))
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        const timeval patience{std::chrono::duration_cast<std::chrono::seconds>(kPatience).count(),
                               0};
        ::setsockopt(_socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
        CPPUNIT_ASSERT_EQUAL(0, ::connect(_socket, generic, sizeof address));
    }
    ~RawPeer() { ::close(_socket); }
    RawPeer(const RawPeer&) = delete;
    RawPeer& operator=(const RawPeer&) = delete;

    /// Whether all of it went out.
    bool send(const std::string& text)
    {
        return ::send(_socket, text.data(), text.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(text.size());
    }

    /// Nothing at the end of the stream.
    std::string line()
    {
        std::string text;
        for (char c = 0; ::recv(_socket, &c, 1, 0) == 1;)
        {
            if (c == '\n') return text;
            text += c;
        }
        return text;
    }

    std::string exchange(const std::string& request)
    {
        send(request + '\n');
        return line();
    }

private:
    const int _socket;
};

/// Opens once, for who waits.
class Gate
{
public:
    void open()
    {
        const std::lock_guard lock(_mutex);
        _isOpen = true;
        _news.notify_all();
    }
    bool wait()
    {
        std::unique_lock lock(_mutex);
        return _news.wait_for(lock, kPatience, [this] { return _isOpen; });
    }

private:
    std::mutex _mutex;
    std::condition_variable _news;
    bool _isOpen = false;
};

} // namespace

class ControlTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(ControlTest);
    CPPUNIT_TEST(answersACommandWithItsResult);
    CPPUNIT_TEST(givesTheIdBackAsItCame);
    CPPUNIT_TEST(passesArgumentsOnAndKeepsTheOrderOfKeys);
    CPPUNIT_TEST(answersARefusalWithCodeAndMessage);
    CPPUNIT_TEST(answersAnExceptionAsInternal);
    CPPUNIT_TEST(refusesWhatIsNoRequestAndGoesOn);
    CPPUNIT_TEST(answersRequestsThatComeTogetherInOrder);
    CPPUNIT_TEST(refusesALineThatIsTooLongAndCloses);
    CPPUNIT_TEST(survivesPeersThatLeaveInTheMiddle);
    CPPUNIT_TEST(answersOthersWhileACommandIsSlow);
    CPPUNIT_TEST(servesManyClientsAtOnce);
    CPPUNIT_TEST(turnsAwayConnectionsBeyondTheMaximum);
    CPPUNIT_TEST(takesNewConnectionsWhenOldOnesHaveGone);
    CPPUNIT_TEST(letsOnlyItsUserIn);
    CPPUNIT_TEST(refusesAPathThatIsTooLong);
    CPPUNIT_TEST(refusesAFolderThatIsNotThere);
    CPPUNIT_TEST(refusesAPathWhereSomethingElseStands);
    CPPUNIT_TEST(refusesAPathWhereABrokerAnswers);
    CPPUNIT_TEST(refusesAPathWhereAnotherProgramAnswers);
    CPPUNIT_TEST(replacesTheSocketOfADeadBroker);
    CPPUNIT_TEST(removesItsSocketWhenItStops);
    CPPUNIT_TEST(startsAgainAfterAStop);
    CPPUNIT_TEST(sendsTheAnswerOfACommandThatRunsWhenItStops);
    CPPUNIT_TEST(tellsTheClientThatNoBrokerAnswers);
    CPPUNIT_TEST(tellsTheClientThatTheBrokerIsTooSlow);
    CPPUNIT_TEST(tellsTheClientThatTheBrokerWentAway);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override
    {
        _server = std::make_unique<ControlServer>(path(), Poco::Logger::get("control_test"));
        _server->command("echo", [](const Object& arguments) -> ControlResult {
            return Var(Object::Ptr(new Object(arguments)));
        });
        _server->command("answer", [](const Object&) -> ControlResult { return Var(42); });
        _server->command("refuse", [](const Object&) -> ControlResult {
            return ControlError{"not_found", "there is no plugin \"x\""};
        });
        _server->command("throw", [](const Object&) -> ControlResult {
            throw Poco::FileNotFoundException("/no/such/file");
        });
        _server->command("throw std", [](const Object&) -> ControlResult {
            throw std::runtime_error("out of luck");
        });
        _server->command("wait", [this](const Object&) -> ControlResult {
            _entered.open();
            return Var(_gate.wait());
        });
        // Commands that fail on purpose would fill the test's output.
        Poco::Logger::get("control_test").setLevel("none");
    }

    void tearDown() override
    {
        _gate.open();
        _server.reset();
    }

    void answersACommandWithItsResult()
    {
        _server->start();
        RawPeer peer(path());
        CPPUNIT_ASSERT_EQUAL(std::string(R"({"id":1,"ok":true,"result":42})"),
                             peer.exchange(R"({"id":1,"cmd":"answer","args":{}})"));
        CPPUNIT_ASSERT_EQUAL(std::string(R"({"id":2,"ok":true,"result":42})"),
                             peer.exchange(R"({"id":2,"cmd":"answer"})"));
    }

    void givesTheIdBackAsItCame()
    {
        _server->start();
        RawPeer peer(path());
        for (const char* id : {"7", "\"a b\"", "null", "-1", "9007199254740993"})
            CPPUNIT_ASSERT_EQUAL(
                std::string(R"({"id":)") + id + R"(,"ok":true,"result":42})",
                peer.exchange(std::string(R"({"id":)") + id + R"(,"cmd":"answer"})"));
        for (const char* id : {"true", "[1]", "{}"})
            CPPUNIT_ASSERT_EQUAL(
                std::string(R"({"id":null,"ok":true,"result":42})"),
                peer.exchange(std::string(R"({"id":)") + id + R"(,"cmd":"answer"})"));
    }

    void passesArgumentsOnAndKeepsTheOrderOfKeys()
    {
        _server->start();
        RawPeer peer(path());
        CPPUNIT_ASSERT_EQUAL(
            std::string(R"({"id":1,"ok":true,"result":{"z":"ä\n","a":[1,{"y":null}]}})"),
            peer.exchange(R"({"id":1,"cmd":"echo","args":{"z":"ä\n","a":[1,{"y":null}]}})"));
    }

    void answersARefusalWithCodeAndMessage()
    {
        _server->start();
        CPPUNIT_ASSERT_EQUAL(
            std::string(
                R"({"id":1,"ok":false,"error":{"code":"not_found","message":"there is no plugin \"x\""}})"),
            RawPeer(path()).exchange(R"({"id":1,"cmd":"refuse"})"));
        const ControlResult result = call("refuse");
        CPPUNIT_ASSERT(!result);
        CPPUNIT_ASSERT_EQUAL(std::string("not_found"), result.error().code);
    }

    void answersAnExceptionAsInternal()
    {
        _server->start();
        CPPUNIT_ASSERT_EQUAL(std::string("internal"), call("throw").error().code);
        CPPUNIT_ASSERT_EQUAL(std::string("File not found: /no/such/file"),
                             call("throw").error().message);
        CPPUNIT_ASSERT_EQUAL(std::string("out of luck"), call("throw std").error().message);
        CPPUNIT_ASSERT_EQUAL(42, (*call("answer")).convert<int>());
    }

    void refusesWhatIsNoRequestAndGoesOn()
    {
        _server->start();
        struct Case
        {
            const char* request;
            const char* id;
            const char* code;
        };
        static const Case cases[] = {
            {"", "null", "bad_request"},
            {"hello", "null", "bad_request"},
            {"{", "null", "bad_request"},
            {"[]", "null", "bad_request"},
            {"5", "null", "bad_request"},
            {"{}", "null", "bad_request"},
            {R"({"id":1})", "1", "bad_request"},
            {R"({"id":1,"cmd":5})", "1", "bad_request"},
            {R"({"id":1,"cmd":"answer","args":[]})", "1", "bad_request"},
            {R"({"id":1,"cmd":"answer","args":null})", "1", "bad_request"},
            {R"({"id":1,"cmd":"nonsense"})", "1", "unknown_command"},
            {R"({"id":1,"cmd":"answer"} {})", "null", "bad_request"},
            {"{\"id\":\"\xC3\"}", "null", "bad_request"}, // half a character
        };
        RawPeer peer(path());
        for (const auto& c : cases)
        {
            const std::string answer = peer.exchange(c.request);
            const std::string begin = std::string(R"({"id":)") + c.id +
                                      R"(,"ok":false,"error":{"code":")" + c.code + "\"";
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.request, begin, answer.substr(0, begin.size()));
        }
        // Poco's message about an end that comes too early has the byte 0xFF in it.
        const std::string early = peer.exchange("t");
        CPPUNIT_ASSERT_MESSAGE(early, std::all_of(early.begin(), early.end(),
                                                  [](char c) { return c >= 0x20; }));
        const std::string deep = peer.exchange(std::string(100'000, '['));
        CPPUNIT_ASSERT(deep.find("bad_request") != std::string::npos);
        CPPUNIT_ASSERT_EQUAL(std::string(R"({"id":1,"ok":true,"result":42})"),
                             peer.exchange(R"({"id":1,"cmd":"answer"})"));
    }

    void answersRequestsThatComeTogetherInOrder()
    {
        _server->start();
        RawPeer peer(path());
        std::string requests;
        for (int id = 0; id < 1'000; ++id)
            requests += R"({"id":)" + std::to_string(id) + R"(,"cmd":"answer"})" + '\n';
        // From a thread: the answers fill the socket before all requests are in it.
        std::thread sender([&] { peer.send(requests); });
        std::string wrong;
        for (int id = 0; id < 1'000 && wrong.empty(); ++id)
        {
            const std::string answer = peer.line();
            if (answer != R"({"id":)" + std::to_string(id) + R"(,"ok":true,"result":42})")
                wrong = std::to_string(id) + ": " + answer;
        }
        sender.join();
        CPPUNIT_ASSERT_EQUAL(std::string(), wrong);
    }

    void refusesALineThatIsTooLongAndCloses()
    {
        _server->start();
        RawPeer peer(path());
        const std::string longest = R"({"id":1,"cmd":"answer","args":{"x":")";
        const std::string rest = "\"}}";
        const std::size_t filling = ControlServer::kMaximumLineBytes - longest.size() - rest.size();
        CPPUNIT_ASSERT_EQUAL(std::string(R"({"id":1,"ok":true,"result":42})"),
                             peer.exchange(longest + std::string(filling, 'x') + rest));
        peer.send(std::string(ControlServer::kMaximumLineBytes + 1, 'x'));
        CPPUNIT_ASSERT_EQUAL(
            std::string(
                R"({"id":null,"ok":false,"error":{"code":"too_long","message":"the line is too long"}})"),
            peer.line());
        CPPUNIT_ASSERT_EQUAL(std::string(), peer.line());
    }

    void survivesPeersThatLeaveInTheMiddle()
    {
        _server->start();
        RawPeer(path()).send(R"({"id":1,"cm)");
        RawPeer(path()).send("{\"id\":1,\"cmd\":\"answer\"}\n");
        CPPUNIT_ASSERT_EQUAL(42, (*call("answer")).convert<int>());
    }

    void answersOthersWhileACommandIsSlow()
    {
        _server->start();
        RawPeer slow(path());
        slow.send("{\"id\":1,\"cmd\":\"wait\"}\n");
        CPPUNIT_ASSERT(_entered.wait());
        CPPUNIT_ASSERT_EQUAL(42, (*call("answer")).convert<int>());
        _gate.open();
        CPPUNIT_ASSERT_EQUAL(std::string(R"({"id":1,"ok":true,"result":true})"), slow.line());
    }

    void servesManyClientsAtOnce()
    {
        _server->start();
        std::atomic<int> right{0};
        std::list<std::thread> clients;
        for (int i = 0; i < 8; ++i)
            clients.emplace_back([&] {
                ControlClient client(path(), kPatience);
                for (int call = 0; call < 50; ++call)
                    if (const auto result = client.call("answer", {}, kPatience); result) ++right;
            });
        for (std::thread& client : clients) client.join();
        CPPUNIT_ASSERT_EQUAL(400, right.load());
    }

    void turnsAwayConnectionsBeyondTheMaximum()
    {
        _server->start();
        std::list<RawPeer> peers;
        for (std::size_t i = 0; i < ControlServer::kMaximumConnections; ++i)
        {
            peers.emplace_back(path());
            peers.back().exchange(R"({"id":1,"cmd":"answer"})");
        }
        ControlClient more(path(), kPatience);
        CPPUNIT_ASSERT_EQUAL(std::string("busy"), more.call("answer", {}, kPatience).error().code);
    }

    void takesNewConnectionsWhenOldOnesHaveGone()
    {
        _server->start();
        for (std::size_t i = 0; i < 4 * ControlServer::kMaximumConnections; ++i)
        {
            // The end of a connection is noticed by its thread, in its own time.
            const Deadline deadline(kPatience);
            ControlResult result = ControlError{};
            do result = call("answer");
            while (!result && result.error().code == "busy" && deadline.remainingMs() > 0);
            CPPUNIT_ASSERT(result);
        }
    }

    void letsOnlyItsUserIn()
    {
        _server->start();
        struct stat found = {};
        CPPUNIT_ASSERT_EQUAL(0, ::stat(path().c_str(), &found));
        CPPUNIT_ASSERT(S_ISSOCK(found.st_mode));
        CPPUNIT_ASSERT_EQUAL(0600, static_cast<int>(found.st_mode & 0777));
    }

    void refusesAPathThatIsTooLong()
    {
        const std::string longPath = _folder / std::string(108, 'x');
        ControlServer server(longPath, Poco::Logger::get("control_test"));
        CPPUNIT_ASSERT_THROW(server.start(), Poco::InvalidArgumentException);
        CPPUNIT_ASSERT_THROW(ControlClient(longPath, kPatience), Poco::InvalidArgumentException);
    }

    void refusesAFolderThatIsNotThere()
    {
        ControlServer server(_folder / "none/s", Poco::Logger::get("control_test"));
        CPPUNIT_ASSERT_THROW(server.start(), Poco::FileException);
    }

    void refusesAPathWhereSomethingElseStands()
    {
        writeFile(path(), "precious");
        CPPUNIT_ASSERT_THROW(_server->start(), Poco::FileExistsException);
        struct stat found = {};
        CPPUNIT_ASSERT(::stat(path().c_str(), &found) == 0 && S_ISREG(found.st_mode));
    }

    void refusesAPathWhereABrokerAnswers()
    {
        _server->start();
        ControlServer second(path(), Poco::Logger::get("control_test"));
        try
        {
            second.start();
            CPPUNIT_FAIL("a second broker took the path");
        }
        catch (const Poco::ExistsException& refused)
        {
            CPPUNIT_ASSERT_EQUAL("another broker answers at " + path(), refused.message());
        }
        CPPUNIT_ASSERT_EQUAL(42, (*call("answer")).convert<int>());
    }

    void refusesAPathWhereAnotherProgramAnswers()
    {
        const int other = listenElsewhere();
        CPPUNIT_ASSERT_THROW(_server->start(), Poco::ExistsException);
        ::close(other);
    }

    void replacesTheSocketOfADeadBroker()
    {
        ::close(listenElsewhere());
        struct stat found = {};
        CPPUNIT_ASSERT(::stat(path().c_str(), &found) == 0 && S_ISSOCK(found.st_mode));
        _server->start();
        CPPUNIT_ASSERT_EQUAL(42, (*call("answer")).convert<int>());
    }

    void removesItsSocketWhenItStops()
    {
        _server->start();
        _server->stop();
        CPPUNIT_ASSERT(::access(path().c_str(), F_OK) != 0);
    }

    void startsAgainAfterAStop()
    {
        _server->start();
        _server->stop();
        _server->start();
        CPPUNIT_ASSERT_EQUAL(42, (*call("answer")).convert<int>());
    }

    void sendsTheAnswerOfACommandThatRunsWhenItStops()
    {
        _server->start();
        RawPeer idle(path());
        RawPeer busy(path());
        busy.send("{\"id\":1,\"cmd\":\"wait\"}\n{\"id\":2,\"cmd\":\"answer\"}\n");
        CPPUNIT_ASSERT(_entered.wait());
        std::thread stopping([this] { _server->stop(); });
        CPPUNIT_ASSERT_EQUAL(std::string(), idle.line()); // so it is stopping
        _gate.open();
        CPPUNIT_ASSERT_EQUAL(std::string(R"({"id":1,"ok":true,"result":true})"), busy.line());
        CPPUNIT_ASSERT_EQUAL(std::string(), busy.line());
        stopping.join();
    }

    void tellsTheClientThatNoBrokerAnswers()
    {
        try
        {
            ControlClient client(path(), kPatience);
            CPPUNIT_FAIL("connected to nobody");
        }
        catch (const Poco::IOException& refused)
        {
            CPPUNIT_ASSERT_EQUAL("no broker answers at " + path() +
                                     " (No such file or directory); is it running, and with this "
                                     "--control?",
                                 refused.message());
        }
    }

    void tellsTheClientThatTheBrokerIsTooSlow()
    {
        _server->start();
        ControlClient client(path(), kPatience);
        CPPUNIT_ASSERT_THROW(client.call("wait", {}, std::chrono::milliseconds(1)),
                             Poco::TimeoutException);
        CPPUNIT_ASSERT(!client.waitForEnd(std::chrono::milliseconds(1)));
    }

    void tellsTheClientThatTheBrokerWentAway()
    {
        _server->start();
        ControlClient client(path(), kPatience);
        CPPUNIT_ASSERT(client.call("answer", {}, kPatience));
        _server->stop();
        CPPUNIT_ASSERT(client.waitForEnd(kPatience));
        CPPUNIT_ASSERT_THROW(client.call("answer", {}, kPatience), Poco::IOException);
    }

private:
    std::string path() const { return _folder / "s"; }

    ControlResult call(const std::string& command)
    {
        return ControlClient(path(), kPatience).call(command, {}, kPatience);
    }

    /// Listens at the path as somebody else.
    int listenElsewhere() const
    {
        const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path().c_str(), sizeof address.sun_path - 1);
        CPPUNIT_ASSERT_EQUAL(
            0, ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address));
        CPPUNIT_ASSERT_EQUAL(0, ::listen(socket, 1));
        return socket;
    }

    TemporaryFolder _folder;
    Gate _entered;
    Gate _gate;
    std::unique_ptr<ControlServer> _server;
};

CPPUNIT_TEST_SUITE_REGISTRATION(ControlTest);

} // namespace nanomq::test
