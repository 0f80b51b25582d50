#include "differential/Scripts.h"
#include "support/BrokerProcess.h"
#include "support/TemporaryFolder.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include <arpa/inet.h>
#include <memory>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nanomq::test
{

namespace
{

/// A port that was free a moment ago.
std::uint16_t freePort()
{
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    CPPUNIT_ASSERT_EQUAL(0, ::bind(socket, reinterpret_cast<sockaddr*>(&address), size));
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(socket);
    return ntohs(address.sin_port);
}

bool accepts(std::uint16_t port)
{
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool connected =
        ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(socket);
    return connected;
}

/// Debian's mosquitto, with no limits that ours does not have.
class Mosquitto
{
public:
    Mosquitto()
    {
        for (int attempt = 0; attempt < 5; ++attempt)
            if (start(freePort())) return;
        CPPUNIT_FAIL("mosquitto did not start:\n" + _process->errors());
    }

    std::uint16_t port() const noexcept { return _port; }

private:
    bool start(std::uint16_t port)
    {
        _port = port;
        const auto conf = _folder / "mosquitto.conf";
        writeFile(conf, "listener " + std::to_string(port) +
                            " 127.0.0.1\nallow_anonymous true\nuser root\n"
                            "max_inflight_messages 0\nmax_queued_messages 0\n");
        _process = std::make_unique<Command>(NANOMQ_MOSQUITTO,
                                             std::vector<std::string>{"-c", conf.string()});
        const Deadline deadline(kPatience);
        while (deadline.remainingMs() > 0)
        {
            if (accepts(port)) return true;
            if (_process->waitForExit(std::chrono::milliseconds(10))) return false; // port taken
        }
        return false;
    }

    TemporaryFolder _folder;
    std::uint16_t _port = 0;
    std::unique_ptr<Command> _process;
};

/// Where the two differ, and the statement by which ours is right. mosquitto 2.0.11.
struct Difference
{
    const char* script;
    const char* statement;
    const char* why;
};
constexpr Difference kDifferences[] = {
    {"closesOnFlagsOfPingreq", "MQTT-2.1.3-1, v3.1.1 MQTT-2.2.2-2", "mosquitto answers it"},
    {"closesOnPacketsThatOnlyServersSend", "§2.1.2, Table 2-1: direction of flow",
     "mosquitto passes over them, as a broker that is also a bridge"},
    {"sendsNothingRetainedToAGroup", "§4.8.2", "mosquitto sends retained messages to a member"},
};

const Difference* differenceIn(const Script& script)
{
    for (const auto& difference : kDifferences)
        if (std::string_view(difference.script) == script.name) return &difference;
    return nullptr;
}

} // namespace

/// The same scripts for our broker and for an independent one: where the standard leaves no
/// choice, they say the same.
class DifferentialTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(DifferentialTest);
    CPPUNIT_TEST(saysWhatMosquittoSaysIn3_1);
    CPPUNIT_TEST(saysWhatMosquittoSaysIn3_1_1);
    CPPUNIT_TEST(saysWhatMosquittoSaysIn5_0);
    CPPUNIT_TEST_SUITE_END();

public:
    void saysWhatMosquittoSaysIn3_1() { compare(ProtocolVersion::v3_1); }
    void saysWhatMosquittoSaysIn3_1_1() { compare(ProtocolVersion::v3_1_1); }
    void saysWhatMosquittoSaysIn5_0() { compare(ProtocolVersion::v5_0); }

private:
    static void compare(ProtocolVersion version)
    {
        std::string differences;
        for (const auto& script : scripts())
        {
            if (version < script.from) continue;
            // New brokers for each script: what one leaves behind is not the next one's matter.
            BrokerProcess ours;
            const Mosquitto theirs;
            Stage here(ours.port(), version);
            Stage there(theirs.port(), version);
            script.play(here);
            script.play(there);
            ours.stop();
            const bool same = here.transcript() == there.transcript();
            if (same != (differenceIn(script) != nullptr)) continue;
            differences += std::string("\n== ") + script.name + (same ? " (no difference)" : "") +
                           "\n-- ours\n" + here.transcript() + "-- mosquitto\n" +
                           there.transcript();
        }
        CPPUNIT_ASSERT_MESSAGE(differences, differences.empty());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(DifferentialTest);

} // namespace nanomq::test
