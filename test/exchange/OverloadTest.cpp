#include "ExchangeTest.h"

#include "support/Certificates.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <list>
#include <sys/resource.h>
#include <thread>

namespace nanomq::test
{

/// Bad days of a whole broker; BADDAYS.md tells what each is about.
class OverloadTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(OverloadTest);
#ifndef __SANITIZE_ADDRESS__
    // The sanitizer of undefined behaviour opens a pipe to look at memory, and calls an object
    // invalid when it gets none.
    CPPUNIT_TEST(goesOnWithoutDescriptorsAndRecovers);
    CPPUNIT_TEST(showsAlarmsAndTellsThemInTheLog);
#endif
    CPPUNIT_TEST(turnsStrangersAwayAndServesThoseWhoAreIn);
    CPPUNIT_TEST(takesNoMemoryForWhatIsOnlyAnnounced);
    CPPUNIT_TEST(remembersAPacketIdentifierOnce);
    CPPUNIT_TEST(refusesTopicsWithoutBottom);
    CPPUNIT_TEST(servesOthersWhileOneIsGreedy);
    CPPUNIT_TEST(keepsBansAcrossARestart);
    CPPUNIT_TEST(refusesToStartWithBansItCannotRead);
    CPPUNIT_TEST_SUITE_END();

    BrokerOptions options() const override
    {
        return {.conf = {{"nanomq.conf", "limit.connect_memory = 128KB\n"
                                         "connect_timeout = 600s\n"
                                         "listener.limited.url = nmq-tcp://127.0.0.1:0\n"
                                         "listener.limited.limit.packet_rate = 100\n"}}};
    }
    std::string ctl(std::vector<std::string> arguments)
    {
        const auto result = broker().ctl(std::move(arguments));
        CPPUNIT_ASSERT_EQUAL_MESSAGE(result.errors, 0, result.status);
        return result.output;
    }
    bool becomesTrue(const std::function<bool()>& condition)
    {
        const Deadline deadline(kPatience);
        while (!condition())
        {
            if (deadline.remainingMs() == 0) return false;
            std::this_thread::yield();
        }
        return true;
    }
    bool hasAlarm(const std::string& name)
    {
        const std::string all = ctl({"alarms", "--json"});
        return all.find('"' + name + '"') < all.find("\"history\"");
    }
    std::size_t residentBytes()
    {
        std::ifstream statm("/proc/" + std::to_string(broker().process().pid()) + "/statm");
        std::size_t total = 0, resident = 0;
        statm >> total >> resident;
        return resident * 4096;
    }
    std::size_t openDescriptors()
    {
        const auto folder = "/proc/" + std::to_string(broker().process().pid()) + "/fd";
        std::size_t count = 0;
        for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder))
            ++count;
        return count;
    }
    /// The broker may have so many descriptors.
    rlim_t limitDescriptors(rlim_t most)
    {
        rlimit before{};
        CPPUNIT_ASSERT_EQUAL(0, ::prlimit(broker().process().pid(), RLIMIT_NOFILE, nullptr, &before));
        const rlimit now{most, before.rlim_max};
        CPPUNIT_ASSERT_EQUAL(0, ::prlimit(broker().process().pid(), RLIMIT_NOFILE, &now, nullptr));
        return before.rlim_cur;
    }
    /// A client whose messages come back to it.
    ScriptedClient echo()
    {
        auto client = this->client("echo");
        client.subscribe("echo", QoS::AtLeastOnce);
        return client;
    }
    static void isServed(ScriptedClient& client)
    {
        client.sendPublish("echo", "x");
        client.expectPublish("echo", "x");
    }

public:
    void goesOnWithoutDescriptorsAndRecovers()
    {
        auto established = echo();
        const rlim_t before = limitDescriptors(openDescriptors() + 5);
        std::list<ScriptedClient> crowd;
        for (int i = 0; i < 20; ++i) crowd.emplace_back(broker().port());
        isServed(established);
        CPPUNIT_ASSERT(becomesTrue([&] {
            return broker().log().find("no descriptor left") != std::string::npos;
        }));
        isServed(established);
        limitDescriptors(before);
        // Whoever waited is let in, without a word from anybody.
        int number = 0;
        for (auto& one : crowd)
        {
            const std::string clientId = "crowd-" + std::to_string(number++);
            one.connect({.clientId = clientId});
        }
        CPPUNIT_ASSERT(becomesTrue([&] { return !hasAlarm("descriptors"); }));
        isServed(established);
    }

    void turnsStrangersAwayAndServesThoseWhoAreIn()
    {
        auto established = echo();
        const std::size_t before = openDescriptors();
        std::list<ScriptedClient> strangers;
        for (int i = 0; i < 300; ++i)
        {
            strangers.emplace_back(broker().port());
            if (i % 50 == 0) isServed(established);
        }
        CPPUNIT_ASSERT(becomesTrue([&] { return hasAlarm("connect_memory"); }));
        CPPUNIT_ASSERT(openDescriptors() < 250);
        isServed(established);
        strangers.clear();
        // nanomqctl's connection to the control socket may be there still.
        CPPUNIT_ASSERT(becomesTrue([&] { return openDescriptors() < before + 5; }));
        client("late").disconnect();
    }

    void takesNoMemoryForWhatIsOnlyAnnounced()
    {
        auto established = echo();
        const std::size_t before = residentBytes();
        std::list<ScriptedClient> liars;
        for (int i = 0; i < 50; ++i)
        {
            const std::string clientId = "liar-" + std::to_string(i);
            liars.emplace_back(broker().port()).connect({.clientId = clientId});
            // PUBLISH of 10,000,000 bytes, of which ten come.
            liars.back().sendBytes(hex("30 80 AD E2 04 00 01 't' 78 78 78 78 78 78"));
        }
        isServed(established);
        CPPUNIT_ASSERT(residentBytes() < before + 50'000'000);
    }

    void remembersAPacketIdentifierOnce()
    {
        auto sender = client("q2");
        const std::size_t before = residentBytes();
        for (int round = 0; round < 100; ++round)
        {
            for (int i = 0; i < 500; ++i)
                sender.sendPublish("t", "x", {.qos = QoS::ExactlyOnce}, 1, i + round > 0);
            for (int i = 0; i < 500; ++i) sender.receive();
        }
        CPPUNIT_ASSERT(residentBytes() < before + 30'000'000);
    }

    void refusesTopicsWithoutBottom()
    {
        const std::string slashes(65'535, '/');
        auto publisher = client("p");
        publisher.sendPublish(slashes, "x", {.retain = true});
        publisher.expectDisconnect(ReasonCode::TopicNameInvalid);
        auto subscriber = client("s");
        for (const std::string& filter : {slashes, slashes.substr(1) + '#',
                                          "$share/g/" + slashes.substr(20)})
        {
            Subscribe packet;
            packet.packetIdentifier = 1;
            packet.requests.push_back({.topicFilter = filter});
            subscriber.send(packet);
            CPPUNIT_ASSERT(subscriber.expect<Suback>()->reasons.front() ==
                           ReasonCode::TopicFilterInvalid);
        }
        ScriptedClient withWill(broker().port());
        Will will;
        const std::string_view most = std::string_view(slashes).substr(0, 60'000);
        will.topicName = most; // CONNECT may have 64 KiB
        withWill.sendConnect({.clientId = "w", .will = will});
        withWill.expectConnack(ReasonCode::TopicNameInvalid);
    }

    void servesOthersWhileOneIsGreedy()
    {
        auto established = echo();
        const std::string url = broker().listeners().back();
        const auto port = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
        ScriptedClient greedy(port);
        greedy.connect({.clientId = "greedy"});
        for (PacketIdentifier id = 1; id <= 200; ++id)
            greedy.sendPublish("t", "x", {.qos = QoS::AtLeastOnce}, id);
        for (int i = 0; i < 50; ++i) isServed(established);
        for (PacketIdentifier id = 1; id <= 200; ++id)
            greedy.expectPuback(id, ReasonCode::NoMatchingSubscribers);
        CPPUNIT_ASSERT(ctl({"metrics", "--json"}).find("packet_rate") != std::string::npos);
        CPPUNIT_ASSERT(broker().log().find("client 'greedy' at 127.0.0.1: packet_rate") !=
                       std::string::npos);
    }

    void keepsBansAcrossARestart()
    {
        ctl({"ban", "add", "client_id", "bad", "--reason", "noise"});
        ctl({"ban", "add", "address", "192.0.2.99/24", "--seconds", "3600"});
        ctl({"ban", "add", "user_name", "eve", "--seconds", "1"});
        const std::string listed = ctl({"ban", "list", "--json"});
        CPPUNIT_ASSERT(listed.find("192.0.2.0/24") != std::string::npos);
        broker().stop();
        broker().start();
        ScriptedClient bad(broker().port());
        bad.sendConnect({.clientId = "bad"});
        bad.expectConnack(ReasonCode::Banned);
        CPPUNIT_ASSERT(ctl({"ban", "list", "--json"}).find("noise") != std::string::npos);
        ctl({"ban", "remove", "client_id", "bad"});
        CPPUNIT_ASSERT_EQUAL(1, broker().ctl({"ban", "remove", "client_id", "bad"}).status);
        client("bad").disconnect();
        CPPUNIT_ASSERT_EQUAL(1, broker().ctl({"ban", "add", "address", "nowhere"}).status);
        CPPUNIT_ASSERT_EQUAL(2, broker().ctl({"ban", "add"}).status);
        CPPUNIT_ASSERT_EQUAL(std::filesystem::perms::owner_read | std::filesystem::perms::owner_write,
                             std::filesystem::status(broker().stateFolder() / "bans.json").permissions());
    }

    void refusesToStartWithBansItCannotRead()
    {
        broker().stop();
        std::ofstream(broker().stateFolder() / "bans.json") << "{\"bans\": [{\"kind\": \"client";
        std::string said;
        try
        {
            broker().start();
        }
        catch (const CppUnit::Exception& failed)
        {
            said = failed.what();
        }
        CPPUNIT_ASSERT_MESSAGE(said, said.find("bans.json cannot be read") != std::string::npos);
        std::filesystem::remove(broker().stateFolder() / "bans.json");
        broker().start();
    }

    void showsAlarmsAndTellsThemInTheLog()
    {
        CPPUNIT_ASSERT(ctl({"alarms", "--json"}).find("\"active\":[]") != std::string::npos);
        const rlim_t before = limitDescriptors(openDescriptors() + 2);
        std::list<ScriptedClient> crowd;
        for (int i = 0; i < 10; ++i) crowd.emplace_back(broker().port());
        CPPUNIT_ASSERT(becomesTrue([&] {
            return broker().log().find("alarm: descriptors: the process") != std::string::npos;
        }));
        crowd.clear();
        limitDescriptors(before);
        CPPUNIT_ASSERT(becomesTrue([&] {
            return broker().log().find("alarm: descriptors: over") != std::string::npos;
        }));
        CPPUNIT_ASSERT(ctl({"alarms", "--history"}).find("descriptors") != std::string::npos);
    }
};

/// Clients that begin and never get as far as CONNECT, on every transport.
class ConnectDeadlineTest : public ExchangeTest
{
    CPPUNIT_TEST_SUITE(ConnectDeadlineTest);
    CPPUNIT_TEST(closesWhoNeverConnects);
    CPPUNIT_TEST_SUITE_END();

    BrokerOptions options() const override
    {
        return {.conf = {{"nanomq.conf", "connect_timeout = 1s\n"
                                         "tls.certfile = " + _server.certificate +
                                             "\ntls.keyfile = " + _server.key +
                                             "\nlistener.a_tls.url = tls+nmq-tcp://127.0.0.1:0\n"
                                             "listener.b_ws.url = nmq-ws://127.0.0.1:0\n"
                                             "listener.c_wss.url = nmq-wss://127.0.0.1:0\n"
                                             "listener.d_proxy.url = nmq-tcp://127.0.0.1:0\n"
                                             "listener.d_proxy.proxy_protocol = true\n"}}};
    }

public:
    void closesWhoNeverConnects()
    {
        // A record of TLS, a request, a header and a packet: the beginning of each.
        const std::string beginning[] = {"16 03 01 02", "'GET /mqtt HT'", "16 03 01 02", "'PROXY TC'",
                                         "10 20 00 04"};
        std::list<ScriptedClient> clients;
        for (const std::string& url : broker().listeners())
        {
            const auto colon = url.rfind(':');
            const auto port = static_cast<std::uint16_t>(std::stoi(url.substr(colon + 1)));
            clients.emplace_back(port); // says nothing at all
            for (const auto& bytes : beginning) clients.emplace_back(port).sendBytes(hex(bytes));
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{5 * 6}, clients.size());
        for (auto& client : clients) client.readToEnd(); // some are told why
        client("fine").disconnect();
    }

private:
    Certificates _certificates;
    Certificates::Pair _server = _certificates.server();
};

CPPUNIT_TEST_SUITE_REGISTRATION(OverloadTest);
CPPUNIT_TEST_SUITE_REGISTRATION(ConnectDeadlineTest);

} // namespace nanomq::test
