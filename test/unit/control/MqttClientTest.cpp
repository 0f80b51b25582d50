#include "MqttClient.h"
#include "support/Patience.h"

#include <Poco/Exception.h>
#include <Poco/Net/ServerSocket.h>

#include <cppunit/extensions/HelperMacros.h>

#include <functional>
#include <sstream>
#include <thread>
#include <unistd.h>

namespace nanomq::ctl::test
{

namespace
{

using nanomq::test::kPatience;

std::string hex(ByteView bytes)
{
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string text;
    for (const std::uint8_t byte : bytes)
    {
        if (!text.empty()) text += ' ';
        text += {digits[byte >> 4], digits[byte & 15]};
    }
    return text;
}

std::vector<std::uint8_t> bytesOf(const std::string& text)
{
    std::istringstream words(text);
    std::vector<std::uint8_t> bytes;
    for (std::string word; words >> word;)
        bytes.push_back(static_cast<std::uint8_t>(std::stoi(word, nullptr, 16)));
    return bytes;
}

/// The far end of one connection, which does what the script says and keeps the first difference.
class ScriptedBroker
{
public:
    using Script = std::function<void(ScriptedBroker&)>;

    explicit ScriptedBroker(Script script)
        : _listener(Poco::Net::SocketAddress("127.0.0.1", 0)),
          _thread([this, script] { run(script); })
    {
    }
    ~ScriptedBroker() { finish(); }
    ScriptedBroker(const ScriptedBroker&) = delete;
    ScriptedBroker& operator=(const ScriptedBroker&) = delete;

    std::uint16_t port() const { return _listener.address().port(); }

    /// One packet, in hexadecimal, must come; "" is the end of the stream.
    ScriptedBroker& expect(const std::string& packet)
    {
        const std::string came = hex(receivePacket());
        if (came != packet && _difference.empty())
            _difference = "expected '" + packet + "', came '" + came + '\'';
        return *this;
    }
    /// Some CONNECT comes, and is accepted.
    ScriptedBroker& accept(const std::string& connack = "20 03 00 00 00")
    {
        _connect = receivePacket();
        return send(connack);
    }
    ScriptedBroker& send(const std::string& packets)
    {
        const auto bytes = bytesOf(packets);
        _socket.sendBytes(bytes.data(), static_cast<int>(bytes.size()));
        return *this;
    }

    /// Waits for the script's end; what differed first, or nothing.
    std::string finish()
    {
        if (_thread.joinable()) _thread.join();
        return _difference;
    }
    /// The CONNECT that was accepted. Requires: finish().
    std::string connect() const { return hex(_connect); }

private:
    void run(const Script& script)
    {
        try
        {
            _socket = _listener.acceptConnection();
            _socket.setReceiveTimeout(Poco::Timespan(
                std::chrono::duration_cast<std::chrono::microseconds>(kPatience).count()));
            script(*this);
            _socket.close();
        }
        catch (const Poco::Exception& broken)
        {
            _difference = broken.displayText();
        }
    }

    std::vector<std::uint8_t> receivePacket()
    {
        std::vector<std::uint8_t> packet;
        try
        {
            for (;;)
            {
                const auto header = readFixedHeader(packet);
                if (!header || (*header && packet.size() == (*header)->packetSize())) break;
                std::uint8_t byte = 0;
                if (_socket.receiveBytes(&byte, 1) != 1) break;
                packet.push_back(byte);
            }
        }
        catch (const Poco::Exception&)
        {
            packet.clear(); // reset, or nothing came in time
        }
        return packet;
    }

    Poco::Net::ServerSocket _listener;
    Poco::Net::StreamSocket _socket;
    std::string _difference;
    std::vector<std::uint8_t> _connect;
    std::thread _thread;
};

MqttOptions optionsFor(const ScriptedBroker& broker,
                       ProtocolVersion version = ProtocolVersion::v5_0)
{
    MqttOptions options;
    options.port = broker.port();
    options.version = version;
    options.clientId = "me";
    options.patience = kPatience;
    return options;
}

std::string failureOf(const std::function<void()>& call)
{
    try
    {
        call();
        return "nothing failed";
    }
    catch (const Failure& failure)
    {
        return failure.what();
    }
}

constexpr const char* kConnack311 = "20 02 00 00";
constexpr const char* kDisconnect5 = "E0 00";

} // namespace

class MqttClientTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(MqttClientTest);
    CPPUNIT_TEST(announcesItself);
    CPPUNIT_TEST(makesUpAnIdentifierBefore5_0);
    CPPUNIT_TEST(asks5_0ToKeepTheSession);
    CPPUNIT_TEST(tellsWhyItWasRefused);
    CPPUNIT_TEST(publishesAtEveryQoS);
    CPPUNIT_TEST(tellsWhyAMessageWasNotTaken);
    CPPUNIT_TEST(subscribesAndAcknowledges);
    CPPUNIT_TEST(showsAnExactlyOnceMessageOnce);
    CPPUNIT_TEST(doesNotAcknowledgeWhatNobodyTook);
    CPPUNIT_TEST(keepsTheConnectionAlive);
    CPPUNIT_TEST(noticesThatTheBrokerIsGone);
    CPPUNIT_TEST(tellsWhatTheBrokerSaysAtTheEnd);
    CPPUNIT_TEST(refusesWhatIsNotMqtt);
    CPPUNIT_TEST(tellsThatNobodyListens);
    CPPUNIT_TEST(returnsWhenSomethingElseIsReadable);
    CPPUNIT_TEST_SUITE_END();

public:
    void announcesItself()
    {
        ScriptedBroker broker(
            [](auto& peer) { peer.accept(kConnack311).expect(kDisconnect5).expect(""); });
        MqttOptions options = optionsFor(broker, ProtocolVersion::v3_1_1);
        options.userName = "u";
        options.password = "p";
        options.keepAlive = std::chrono::seconds(10);
        options.will = MqttOptions::Will{"w", "x", QoS::AtLeastOnce, true};
        MqttClient(options).disconnect();
        CPPUNIT_ASSERT_EQUAL(std::string(), broker.finish());
        CPPUNIT_ASSERT_EQUAL(std::string("10 1A 00 04 4D 51 54 54 04 EE 00 0A 00 02 6D 65 "
                                         "00 01 77 00 01 78 00 01 75 00 01 70"),
                             broker.connect());
    }

    void makesUpAnIdentifierBefore5_0()
    {
        ScriptedBroker broker([](auto& peer) { peer.accept(kConnack311).expect(kDisconnect5); });
        MqttOptions options = optionsFor(broker, ProtocolVersion::v3_1);
        options.clientId.clear();
        MqttClient(options).disconnect();
        CPPUNIT_ASSERT_EQUAL(std::string(), broker.finish());
        // "nanomqctl-" and eight more: no more than the 23 characters of MQTT 3.1
        CPPUNIT_ASSERT(broker.connect().find("00 12 6E 61 6E 6F 6D 71 63 74 6C 2D") !=
                       std::string::npos);
    }

    void asks5_0ToKeepTheSession()
    {
        ScriptedBroker broker([](auto& peer) { peer.accept().expect(kDisconnect5); });
        MqttOptions options = optionsFor(broker);
        options.cleanStart = false;
        MqttClient(options).disconnect();
        CPPUNIT_ASSERT_EQUAL(std::string(), broker.finish());
        CPPUNIT_ASSERT_EQUAL(
            std::string("10 14 00 04 4D 51 54 54 05 00 00 3C 05 11 FF FF FF FF 00 02 6D 65"),
            broker.connect());
    }

    void tellsWhyItWasRefused()
    {
        struct Case
        {
            ProtocolVersion version;
            const char* connack;
            const char* failure;
        };
        static constexpr Case cases[] = {
            {ProtocolVersion::v3_1_1, "20 02 00 05",
             "the broker refused the connection: Not authorized"},
            {ProtocolVersion::v5_0, "20 03 00 87 00",
             "the broker refused the connection: Not authorized"},
            {ProtocolVersion::v5_0, "20 08 00 87 05 1F 00 02 6E 6F",
             "the broker refused the connection: Not authorized (no)"},
        };
        for (const auto& c : cases)
        {
            ScriptedBroker broker([&](auto& peer) { peer.accept(c.connack); });
            CPPUNIT_ASSERT_EQUAL(std::string(c.failure), failureOf([&] {
                                     MqttClient client(optionsFor(broker, c.version));
                                 }));
        }
    }

    void publishesAtEveryQoS()
    {
        ScriptedBroker broker([](auto& peer) {
            peer.accept(kConnack311)
                .expect("30 04 00 01 61 78")
                .expect("33 06 00 01 61 00 01 78")
                .send("40 02 00 01")
                .expect("34 06 00 01 61 00 02 78")
                .send("50 02 00 02")
                .expect("62 02 00 02")
                .send("70 02 00 02")
                .expect(kDisconnect5);
        });
        MqttClient client(optionsFor(broker, ProtocolVersion::v3_1_1));
        client.publish("a", "x", QoS::AtMostOnce, false);
        client.publish("a", "x", QoS::AtLeastOnce, true);
        client.publish("a", "x", QoS::ExactlyOnce, false);
        client.disconnect();
        CPPUNIT_ASSERT_EQUAL(std::string(), broker.finish());
    }

    void tellsWhyAMessageWasNotTaken()
    {
        ScriptedBroker broker([](auto& peer) {
            peer.accept().expect("34 07 00 01 61 00 01 00 78").send("50 03 00 01 97");
        });
        MqttClient client(optionsFor(broker));
        CPPUNIT_ASSERT_EQUAL(std::string("the broker did not take the message: Quota exceeded"),
                             failureOf([&] { client.publish("a", "x", QoS::ExactlyOnce, false); }));
        CPPUNIT_ASSERT_EQUAL(std::string(), broker.finish());
    }

    void subscribesAndAcknowledges()
    {
        ScriptedBroker broker([](auto& peer) {
            peer.accept(kConnack311)
                .expect("82 0A 00 01 00 01 61 02 00 01 62 02")
                .send("90 04 00 01 02 80")
                .send("30 04 00 01 61 30 32 06 00 01 61 00 05 31")
                .expect("40 02 00 05")
                .send("35 06 00 01 61 00 06 32")
                .expect("50 02 00 06")
                .send("62 02 00 06")
                .expect("70 02 00 06")
                .send("30 04 00 01 61 33")
                .expect(kDisconnect5);
        });
        MqttClient client(optionsFor(broker, ProtocolVersion::v3_1_1));
        const auto reasons = client.subscribe({"a", "b"}, QoS::ExactlyOnce);
        CPPUNIT_ASSERT(reasons[0] == ReasonCode::GrantedQoS2);
        CPPUNIT_ASSERT(isFailure(reasons[1]));
        for (const char* payload : {"0", "1", "2", "3"})
        {
            CPPUNIT_ASSERT(client.wait(-1, -1) == MqttClient::Event::Message);
            const ReceivedMessage message = client.take();
            CPPUNIT_ASSERT_EQUAL(std::string(payload), message.payload);
            CPPUNIT_ASSERT_EQUAL(std::string("a"), message.topic);
            CPPUNIT_ASSERT_EQUAL(message.payload == "2", message.retain);
        }
        client.disconnect();
        CPPUNIT_ASSERT_EQUAL(std::string(), broker.finish());
    }

    void showsAnExactlyOnceMessageOnce()
    {
        ScriptedBroker broker([](auto& peer) {
            peer.accept(kConnack311)
                .send("34 06 00 01 61 00 06 31")
                .expect("50 02 00 06")
                .send("3C 06 00 01 61 00 06 31") // again, before PUBREL
                .expect("50 02 00 06")
                .send("62 02 00 06")
                .expect("70 02 00 06")
                .send("34 06 00 01 61 00 06 32") // the identifier is free again
                .expect("50 02 00 06");
        });
        MqttClient client(optionsFor(broker, ProtocolVersion::v3_1_1));
        for (const char* payload : {"1", "2"})
        {
            CPPUNIT_ASSERT(client.wait(-1, -1) == MqttClient::Event::Message);
            CPPUNIT_ASSERT_EQUAL(std::string(payload), client.take().payload);
        }
        CPPUNIT_ASSERT_EQUAL(std::string(), broker.finish());
    }

    void doesNotAcknowledgeWhatNobodyTook()
    {
        ScriptedBroker broker([](auto& peer) {
            peer.accept(kConnack311)
                .send("32 06 00 01 61 00 05 31 32 06 00 01 61 00 06 32")
                .expect("40 02 00 05")
                .expect(kDisconnect5)
                .expect("");
        });
        MqttClient client(optionsFor(broker, ProtocolVersion::v3_1_1));
        CPPUNIT_ASSERT(client.wait(-1, -1) == MqttClient::Event::Message);
        CPPUNIT_ASSERT_EQUAL(std::string("1"), client.take().payload);
        client.disconnect();
        CPPUNIT_ASSERT_EQUAL(std::string(), broker.finish());
    }

    void keepsTheConnectionAlive()
    {
        ScriptedBroker broker([](auto& peer) {
            peer.accept(kConnack311)
                .expect("C0 00")
                .send("D0 00")
                .expect("C0 00")
                .send("D0 00 30 04 00 01 61 31");
        });
        MqttOptions options = optionsFor(broker, ProtocolVersion::v3_1_1);
        options.keepAlive = std::chrono::seconds(1);
        MqttClient client(options);
        CPPUNIT_ASSERT(client.wait(-1, -1) == MqttClient::Event::Message);
        CPPUNIT_ASSERT_EQUAL(std::string(), broker.finish());
    }

    void noticesThatTheBrokerIsGone()
    {
        ScriptedBroker silent(
            [](auto& peer) { peer.accept(kConnack311).expect("C0 00").expect(""); });
        MqttOptions options = optionsFor(silent, ProtocolVersion::v3_1_1);
        options.keepAlive = std::chrono::seconds(1);
        options.patience = std::chrono::milliseconds(100 * nanomq::test::kSlowness);
        CPPUNIT_ASSERT_EQUAL(std::string("the broker does not answer any more"), failureOf([&] {
                                 MqttClient client(options);
                                 client.wait(-1, -1);
                             }));
        CPPUNIT_ASSERT_EQUAL(std::string(), silent.finish());

        ScriptedBroker closing([](auto& peer) { peer.accept(kConnack311); });
        MqttClient client(optionsFor(closing, ProtocolVersion::v3_1_1));
        CPPUNIT_ASSERT_EQUAL(std::string("the broker closed the connection"),
                             failureOf([&] { client.wait(-1, -1); }));
    }

    void tellsWhatTheBrokerSaysAtTheEnd()
    {
        ScriptedBroker broker([](auto& peer) { peer.accept().send("E0 02 8E 00"); });
        MqttClient client(optionsFor(broker));
        CPPUNIT_ASSERT_EQUAL(std::string("the broker closed the connection: Session taken over"),
                             failureOf([&] { client.wait(-1, -1); }));

        ScriptedBroker objecting([](auto& peer) {
            peer.accept().expect("30 05 00 01 61 00 78").send("E0 01 90").expect(kDisconnect5);
        });
        MqttClient publisher(optionsFor(objecting));
        CPPUNIT_ASSERT_EQUAL(std::string("the broker closed the connection: Topic Name invalid"),
                             failureOf([&] {
                                 publisher.publish("a", "x", QoS::AtMostOnce, false);
                                 publisher.disconnect();
                             }));
    }

    void refusesWhatIsNotMqtt()
    {
        ScriptedBroker web([](auto& peer) { peer.accept("00 00"); });
        CPPUNIT_ASSERT_EQUAL(std::string("the broker sent something that is not MQTT"),
                             failureOf([&] { MqttClient client(optionsFor(web)); }));
        ScriptedBroker mirror([](auto& peer) { peer.accept("C0 00"); });
        CPPUNIT_ASSERT_EQUAL(std::string("the broker sent a packet that only clients send"),
                             failureOf([&] { MqttClient client(optionsFor(mirror)); }));
        ScriptedBroker broken([](auto& peer) { peer.accept("20 03 02 00 00"); });
        CPPUNIT_ASSERT_EQUAL(
            std::string("the broker sent a CONNACK that makes no sense: Malformed Packet"),
            failureOf([&] { MqttClient client(optionsFor(broken)); }));
    }

    void tellsThatNobodyListens()
    {
        MqttOptions options;
        {
            const Poco::Net::ServerSocket gone(Poco::Net::SocketAddress("127.0.0.1", 0));
            options.port = gone.address().port();
        }
        CPPUNIT_ASSERT_EQUAL("cannot connect to 127.0.0.1:" + std::to_string(options.port) +
                                 ": Connection refused",
                             failureOf([&] { MqttClient client(options); }));
    }

    void returnsWhenSomethingElseIsReadable()
    {
        ScriptedBroker broker([](auto& peer) { peer.accept().expect(kDisconnect5); });
        MqttClient client(optionsFor(broker));
        int ends[2];
        CPPUNIT_ASSERT_EQUAL(0, ::pipe(ends));
        CPPUNIT_ASSERT_EQUAL(ssize_t{1}, ::write(ends[1], "x", 1));
        CPPUNIT_ASSERT(client.wait(ends[0], -1) == MqttClient::Event::Input);
        CPPUNIT_ASSERT(client.wait(-1, ends[0]) == MqttClient::Event::Interrupted);
        client.disconnect();
        ::close(ends[0]);
        ::close(ends[1]);
        CPPUNIT_ASSERT_EQUAL(std::string(), broker.finish());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(MqttClientTest);

} // namespace nanomq::ctl::test
