#include "nanomq/testing/mqtt_client.h"
#include "support/BrokerProcess.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace nanomq::test
{

namespace
{

using sdk::testing::MqttClient;

bool contains(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

/// Ways into the broker that plugins bring, with the SDK's example abstract_unix.
class PluginTransportTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(PluginTransportTest);
    CPPUNIT_TEST(clientsOfAPluginAreClientsLikeOthers);
    CPPUNIT_TEST(clientsStayWhenThePluginIsReloadedAndUnloaded);
    CPPUNIT_TEST(unloadedPluginListensNoMore);
    CPPUNIT_TEST_SUITE_END();

    /// A connected socket; -1 when nobody listens.
    int connectTo() const
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path + 1, _name.data(), _name.size());
        const auto size =
            static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + _name.size());
        const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), size) == 0) return socket;
        ::close(socket);
        return -1;
    }
    MqttClient::Connected connected() const
    {
        const int socket = connectTo();
        CPPUNIT_ASSERT_MESSAGE("nobody listens at " + _name, socket >= 0);
        return {socket};
    }
    void mustSucceed(const CommandResult& told)
    {
        CPPUNIT_ASSERT_EQUAL_MESSAGE(told.errors, 0, told.status);
    }

public:
    void setUp() override
    {
        _name = "nanomq-test-" + std::to_string(::getpid());
        BrokerOptions options;
        options.conf = {{"abstract_unix.conf", "abstract_unix.name = " + _name + "\n"}};
        options.pluginFolder = TEST_PLUGINS;
        _broker = std::make_unique<BrokerProcess>(std::move(options));
    }
    void tearDown() override { _broker->stop(); }

    void clientsOfAPluginAreClientsLikeOthers()
    {
        MqttClient here(connected(), {"here"}), there(_broker->port(), {"there"});
        CPPUNIT_ASSERT_EQUAL(0, int{here.connectReason()});
        CPPUNIT_ASSERT_EQUAL(1, int{here.subscribe("a/#", 1)});
        CPPUNIT_ASSERT_EQUAL(0, int{there.publish("a/b", "hello", 1)});
        const auto message = here.receive();
        CPPUNIT_ASSERT(message && message->payload == "hello");
        const auto clients = _broker->ctl({"clients", "--json"}).output;
        CPPUNIT_ASSERT_MESSAGE(clients, contains(clients, "\"here\""));
    }

    void clientsStayWhenThePluginIsReloadedAndUnloaded()
    {
        MqttClient client(connected(), {"here"});
        mustSucceed(_broker->ctl({"plugin", "reload", "abstract_unix"}));
        CPPUNIT_ASSERT_EQUAL(0x10, int{client.publish("nobody/hears", "x", 1)});
        MqttClient second(connected(), {"second"});
        mustSucceed(_broker->ctl({"plugin", "unload", "abstract_unix"}));
        CPPUNIT_ASSERT_EQUAL(0x10, int{client.publish("nobody/hears", "x", 1)});
        second.ping();
    }

    void unloadedPluginListensNoMore()
    {
        mustSucceed(_broker->ctl({"plugin", "unload", "abstract_unix"}));
        CPPUNIT_ASSERT_EQUAL(-1, connectTo());
    }

private:
    std::string _name;
    std::unique_ptr<BrokerProcess> _broker;
};

CPPUNIT_TEST_SUITE_REGISTRATION(PluginTransportTest);

} // namespace nanomq::test
