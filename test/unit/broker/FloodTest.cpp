#include "BrokerFixture.h"

#include <cppunit/extensions/HelperMacros.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nanomq::test
{

/// A client that sends and never reads.
class FloodTest : public BrokerFixture
{
    CPPUNIT_TEST_SUITE(FloodTest);
    CPPUNIT_TEST(isNotReadFromForEver);
    CPPUNIT_TEST_SUITE_END();

public:
    void isNotReadFromForEver()
    {
        start();
        auto other = client("other");
        other.subscribe("other");
        for (const auto& packet : {pingreq(), publishQos1(), publishQos2Again(), subscribe()})
        {
            const int flooding = connectRaw("flooding");
            std::string batch;
            while (batch.size() < 64 * 1024) batch += packet;
            std::size_t sent = 0;
            // The broker stops reading when its answers are not taken; then the socket is full.
            for (int idle = 0; idle < 300;)
            {
                CPPUNIT_ASSERT_MESSAGE("it goes on reading", sent < 100'000'000);
                const auto at = sent % batch.size();
                const auto now = ::send(flooding, batch.data() + at, batch.size() - at,
                                        MSG_NOSIGNAL | MSG_DONTWAIT);
                if (now > 0) sent += static_cast<std::size_t>(now);
                idle = now > 0 ? 0 : idle + 1;
                // Others are served meanwhile.
                other.sendPublish("other", "x");
                other.expectPublish("other", "x");
            }
            ::close(flooding);
            CPPUNIT_ASSERT(eventually([&] { return broker().figures().connections == 1; }));
        }
    }

private:
    static std::string encoded(const Packet& packet)
    {
        std::vector<std::uint8_t> bytes;
        encode(packet, ProtocolVersion::v5_0, bytes);
        return std::string(asText(bytes));
    }
    static std::string pingreq() { return encoded(Pingreq{}); }
    static std::string publishQos1()
    {
        Publish publish;
        publish.qos = QoS::AtLeastOnce;
        publish.topicName = "t";
        publish.packetIdentifier = 1;
        return encoded(publish);
    }
    static std::string publishQos2Again()
    {
        Publish publish;
        publish.qos = QoS::ExactlyOnce;
        publish.topicName = "t";
        publish.packetIdentifier = 1;
        return encoded(publish);
    }
    static std::string subscribe()
    {
        Subscribe subscribe;
        subscribe.packetIdentifier = 1;
        subscribe.requests.push_back({.topicFilter = "t"});
        return encoded(subscribe);
    }

    /// A plain socket on which CONNECT was sent.
    int connectRaw(std::string_view clientId) const
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port());
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CPPUNIT_ASSERT(
            ::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        Connect connect;
        connect.version = ProtocolVersion::v5_0;
        connect.clientId = clientId;
        const std::string bytes = encoded(connect);
        CPPUNIT_ASSERT(::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                       static_cast<ssize_t>(bytes.size()));
        return descriptor;
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(FloodTest);

} // namespace nanomq::test
