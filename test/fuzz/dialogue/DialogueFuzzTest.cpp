#include "Conversation.h"
#include "SteadyFlow.h"
#include "support/BrokerProcess.h"
#include "support/ScriptedClient.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <poll.h>
#include <unistd.h>

namespace nanomq::test
{

namespace
{

constexpr std::size_t kOpen = 24; // conversations at a time
constexpr std::uint64_t kShort = 1'500;

std::uint64_t setting(const char* name, std::uint64_t otherwise)
{
    const char* const text = std::getenv(name);
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

} // namespace

/// Many connections say anything at all to the whole broker, in any state, while two others go
/// about their business. The broker goes on, loses nothing of theirs, and keeps nothing.
///
/// NANOMQ_FUZZ_SEED chooses what is said (each run prints it), NANOMQ_FUZZ_SECONDS how long:
/// 0 is the short run, a fixed number of conversations.
class DialogueFuzzTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(DialogueFuzzTest);
    CPPUNIT_TEST(nothingThatClientsSayHarmsOthers);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override
    {
        _broker = std::make_unique<BrokerProcess>(BrokerOptions{
            .conf = {{"nanomq.conf", "max_session_expiry = 1s\n"
                                     "retained.max_count = 1000\n"
                                     "retained.max_bytes = 4MB\n"
                                     "session.queue.max_bytes = 1MB\n"
                                     "max_packet_size = 1MB\n"
                                     "log.level = error\n"}},
            .urls = {"nmq-tcp://127.0.0.1:0", "nmq-ws://127.0.0.1:0/mqtt"},
            .environment = {"ASAN_OPTIONS=quarantine_size_mb=8"}});
        const std::string& url = _broker->listeners().at(1);
        const auto colon = url.rfind(':') + 1;
        _webSocketPort = static_cast<std::uint16_t>(std::stoi(url.substr(colon)));
    }
    void tearDown() override
    {
        if (_broker) _broker->stop(); // a sanitizer's report would show in its status
    }

    void nothingThatClientsSayHarmsOthers()
    {
        const std::uint64_t seed = setting("NANOMQ_FUZZ_SEED", 1);
        const std::chrono::seconds duration(setting("NANOMQ_FUZZ_SECONDS", 0));
        SteadyFlow flow(_broker->port());
        converse(seed, kShort / 3, duration / 3);
        const std::uint64_t before = settledBytes();
        converse(seed + 1, kShort, duration - duration / 3);
        const std::uint64_t messages = flow.finish();
        const std::uint64_t after = settledBytes();
        std::cout << "seed " << seed << ": " << _conversations << " conversations, " << messages
                  << " messages of others; " << before / 1024 << " KiB, then " << after / 1024
                  << " KiB" << std::endl;
        CPPUNIT_ASSERT(messages > 0);
        constexpr std::uint64_t kMayGrow = std::uint64_t{32} << 20;
        CPPUNIT_ASSERT_MESSAGE("grew from " + std::to_string(before) + " to " +
                                   std::to_string(after) + " bytes",
                               after < before + kMayGrow * kSlowness);
        ScriptedClient last(_broker->port());
        last.connect({.clientId = "last"});
        last.subscribe("last", QoS::ExactlyOnce);
        last.expectNothingBeforePingresp();
    }

private:
    /// So many conversations, or so long.
    void converse(std::uint64_t seed, std::uint64_t count, std::chrono::seconds duration)
    {
        const auto end = std::chrono::steady_clock::now() + duration;
        const auto more = [&](std::uint64_t number) {
            if (duration.count() == 0) return number < count;
            return std::chrono::steady_clock::now() < end;
        };
        std::vector<std::unique_ptr<Conversation>> open;
        for (std::uint64_t number = 0; more(number) || !open.empty();)
        {
            while (open.size() < kOpen && more(number))
            {
                open.push_back(std::make_unique<Conversation>(seed, number++, _broker->port(),
                                                              _webSocketPort));
                ++_conversations;
            }
            std::vector<pollfd> waiting;
            for (const auto& one : open) waiting.push_back({one->descriptor(), one->events(), 0});
            const int ready = ::poll(waiting.data(), waiting.size(), 5);
            for (std::size_t i = waiting.size(); i-- > 0;)
            {
                if (ready > 0 && waiting[i].revents == 0) continue;
                const bool goesOn = open[i]->proceed(waiting[i].revents);
                CPPUNIT_ASSERT_MESSAGE("NANOMQ_FUZZ_SEED=" + std::to_string(seed) + ": " +
                                           open[i]->complaint(),
                                       open[i]->complaint().empty());
                if (!goesOn) open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
            }
            CPPUNIT_ASSERT_MESSAGE("NANOMQ_FUZZ_SEED=" + std::to_string(seed) + '\n' +
                                       _broker->log(),
                                   _broker->process().running());
        }
    }

    /// Resident memory, once no session of a conversation is left.
    std::uint64_t settledBytes()
    {
        const Deadline deadline(kPatience);
        while (sessions() > 2)
            CPPUNIT_ASSERT_MESSAGE("sessions stay behind", deadline.remainingMs() > 0);
        std::ifstream statm("/proc/" + std::to_string(_broker->process().pid()) + "/statm");
        std::uint64_t total = 0, resident = 0;
        statm >> total >> resident;
        return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    }
    std::uint64_t sessions()
    {
        const std::string text = _broker->ctl({"metrics", "--json"}).output;
        const auto name = text.find("\"nanomq_sessions\"");
        CPPUNIT_ASSERT_MESSAGE(text, name != std::string::npos);
        const auto value = text.find("\"value\":", name);
        return std::strtoull(text.c_str() + value + 8, nullptr, 10);
    }

    std::unique_ptr<BrokerProcess> _broker;
    std::uint16_t _webSocketPort = 0;
    std::uint64_t _conversations = 0;
};

CPPUNIT_TEST_SUITE_REGISTRATION(DialogueFuzzTest);

} // namespace nanomq::test
