#include "Presence.h"
#include "nanomq/testing.h"

#include <cppunit/extensions/HelperMacros.h>

namespace
{

using namespace nanomq::sdk;
using namespace nanomq::sdk::testing;
using namespace sys_topics;

/// The bodies as NanoMQ writes them, byte for byte.
class PresenceTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(PresenceTest);
    CPPUNIT_TEST(writesTheBodiesOfVersion0_8);
    CPPUNIT_TEST(writesTheBodiesOfLaterVersions);
    CPPUNIT_TEST(staysJsonWhateverTheNames);
    CPPUNIT_TEST_SUITE_END();

public:
    void writesTheBodiesOfVersion0_8()
    {
        const FakeClient client("c1", "alice");
        CPPUNIT_ASSERT_EQUAL(
            std::string(R"({"username":"alice","ts":1650609267123,"proto_name":"MQTT",)"
                        R"("keepalive":60,"return_code":"0","proto_ver":4,"client_id":"c1",)"
                        R"("clean_start":1})"),
            connectedBody(event<ClientConnected>(client)));
        auto ended = event<ClientDisconnected>(client);
        ended.reason = 0x8B;
        CPPUNIT_ASSERT_EQUAL(std::string(R"({"username":"alice","ts":1650609267123,)"
                                         R"("reason_code":"8b","client_id":"c1"})"),
                             disconnectedBody(ended));
    }

    void writesTheBodiesOfLaterVersions()
    {
        FakeClient client("c1");
        client.info().protocolVersion = 3;
        CPPUNIT_ASSERT_EQUAL(
            std::string(R"({"status":"online","username":"undefined","ts":1650609267123,)"
                        R"("proto_name":"MQIsdp","keepalive":60,"return_code":"0","proto_ver":3,)"
                        R"("client_id":"c1","clean_start":1,"IPv4":"192.0.2.7"})"),
            onlineBody(event<ClientConnected>(client)));
        CPPUNIT_ASSERT_EQUAL(
            std::string(R"({"status":"offline","username":"undefined","ts":1650609267123,)"
                        R"("reason_code":"0","client_id":"c1","IPv4":"192.0.2.7"})"),
            offlineBody(event<ClientDisconnected>(client)));
    }

    /// NanoMQ cuts at 256 bytes and escapes nothing.
    void staysJsonWhateverTheNames()
    {
        const FakeClient client("a\"b\\c\nd/" + std::string(500, 'x'), "\xC3\xA4");
        const std::string body = disconnectedBody(event<ClientDisconnected>(client));
        CPPUNIT_ASSERT_EQUAL_MESSAGE(
            body, std::string(R"({"username":")") + "\xC3\xA4" +
                      R"(","ts":1650609267123,"reason_code":"0","client_id":"a\"b\\c\nd/)" +
                      std::string(500, 'x') + "\"}",
            body);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PresenceTest);

} // namespace
