#include "config/ListenerUrl.h"

#include <cppunit/extensions/HelperMacros.h>

namespace nanomq::test
{

class ListenerUrlTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(ListenerUrlTest);
    CPPUNIT_TEST(readsEverySchemeAndShowsItAgain);
    CPPUNIT_TEST(fillsInWhatIsLeftOut);
    CPPUNIT_TEST(refusesWhatIsNoListener);
    CPPUNIT_TEST(knowsLoopback);
    CPPUNIT_TEST_SUITE_END();

public:
    void readsEverySchemeAndShowsItAgain()
    {
        using Transport = ListenerUrl::Transport;
        struct Case
        {
            const char* text;
            Transport transport;
            const char* host;
            int port;
            const char* path;
        };
        static constexpr Case cases[] = {
            {"nmq-tcp://127.0.0.1:1883", Transport::Tcp, "127.0.0.1", 1883, ""},
            {"mqtt-tcp://localhost:0", Transport::Tcp, "localhost", 0, ""},
            {"nmq-tcp://[::1]:65535", Transport::Tcp, "::1", 65535, ""},
            {"tls+nmq-tcp://0.0.0.0:8883", Transport::Tls, "0.0.0.0", 8883, ""},
            {"nmq-ws://0.0.0.0:8083/mqtt", Transport::WebSocket, "0.0.0.0", 8083, "/mqtt"},
            {"nmq-wss://a.example:8084/x/y", Transport::WebSocketTls, "a.example", 8084, "/x/y"},
            {"unix:///run/mqtt.sock", Transport::Unix, "", 0, "/run/mqtt.sock"},
        };
        for (const auto& c : cases)
        {
            const auto url = parseListenerUrl(c.text);
            CPPUNIT_ASSERT_MESSAGE(c.text, static_cast<bool>(url));
            CPPUNIT_ASSERT_MESSAGE(c.text, c.transport == url->transport);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.text, std::string(c.host), url->host);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.text, c.port, int{url->port});
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.text, std::string(c.path), url->path);
            CPPUNIT_ASSERT_EQUAL(std::string(c.text), url->text());
        }
    }

    void fillsInWhatIsLeftOut()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("nmq-tcp://h:1883"),
                             parseListenerUrl("NMQ-TCP://h")->text());
        CPPUNIT_ASSERT_EQUAL(std::string("nmq-ws://h:8083/mqtt"),
                             parseListenerUrl("nmq-ws://h")->text());
    }

    void refusesWhatIsNoListener()
    {
        for (const char* text :
             {"", "127.0.0.1:1883", "http://a:1", "nmq-tcp:/a:1", "nmq-tcp://", "nmq-tcp://:1883",
              "nmq-tcp://a:", "nmq-tcp://a:65536", "nmq-tcp://a:-1", "nmq-tcp://a:1883x",
              "nmq-tcp://a:1883/", "nmq-tcp://[::1", "nmq-tcp://[::1]1883", "nmq-tcp://[zz]:1",
              "nmq-tcp://[127.0.0.1]:1", "nmq-tcp://::1:1883", "nmq-tcp://a b:1",
              "nmq-tcp://user@a:1", "unix://"})
            CPPUNIT_ASSERT_MESSAGE(text, !parseListenerUrl(text));
    }

    void knowsLoopback()
    {
        for (const char* text : {"nmq-tcp://127.0.0.1:1", "nmq-tcp://127.9.9.9:1",
                                 "nmq-tcp://[::1]:1", "nmq-tcp://localhost:1", "unix:///x"})
            CPPUNIT_ASSERT_MESSAGE(text, parseListenerUrl(text)->isLoopback());
        for (const char* text : {"nmq-tcp://0.0.0.0:1", "nmq-tcp://[::]:1", "nmq-tcp://10.0.0.1:1",
                                 "nmq-tcp://localhost.example:1", "nmq-tcp://gateway:1"})
            CPPUNIT_ASSERT_MESSAGE(text, !parseListenerUrl(text)->isLoopback());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ListenerUrlTest);

} // namespace nanomq::test
