#include "net/ProxyHeader.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

namespace nanomq::test
{

namespace
{

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

/// A header of version 2. @param announced  bytes behind the first 16; -1: as many as there are.
std::string binary(unsigned versionAndCommand, unsigned family, const std::string& rest,
                   int announced = -1)
{
    const auto size = announced < 0 ? rest.size() : static_cast<std::size_t>(announced);
    return kSignature +
           std::string{static_cast<char>(versionAndCommand), static_cast<char>(family),
                       static_cast<char>(size >> 8), static_cast<char>(size)} +
           rest;
}

const std::string kIPv4("\xC0\x00\x02\x07\x7F\x00\x00\x01\x12\x34\x07\x5B", 12);
const std::string kIPv6 = std::string("\x20\x01\x0D\xB8", 4) + std::string(11, '\0') + "\x07" +
                          std::string(16, '\0') + "\x12\x34\x07\x5B";

std::string sourceOf(const ProxyReading& reading)
{
    if (!reading.header.source) return "none";
    return reading.header.source->address + " " + std::to_string(reading.header.source->port);
}

using State = ProxyReading::State;

} // namespace

class ProxyHeaderTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(ProxyHeaderTest);
    CPPUNIT_TEST(readsBothVersionsAndEveryPrefixOfThem);
    CPPUNIT_TEST(refusesWhatIsMalformedAsSoonAsItCanBeTold);
    CPPUNIT_TEST_SUITE_END();

public:
    void readsBothVersionsAndEveryPrefixOfThem()
    {
        struct Case
        {
            std::string header;
            const char* source;
        };
        const Case cases[] = {
            {"PROXY TCP4 192.0.2.7 127.0.0.1 4660 1883\r\n", "192.0.2.7 4660"},
            {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255 65535"},
            {"PROXY TCP6 2001:db8::7 ::1 4660 1883\r\n", "2001:db8::7 4660"},
            {"PROXY TCP6 2001:0DB8:0:0:0:0:0:0007 ::1 4660 1883\r\n", "2001:db8::7 4660"},
            {"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
             "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
             "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535"},
            {"PROXY UNKNOWN\r\n", "none"},
            {"PROXY UNKNOWN ffff::1 ::2 1 2\r\n", "none"},
            {binary(0x21, 0x11, kIPv4), "192.0.2.7 4660"},
            {binary(0x21, 0x11, kIPv4 + std::string("\x04\x00\x03xyz", 6)), "192.0.2.7 4660"},
            {binary(0x21, 0x21, kIPv6), "2001:db8::7 4660"},
            {binary(0x21, 0x31, std::string(216, 'x')), "none"},
            {binary(0x21, 0x00, ""), "none"},
            {binary(0x21, 0x00, "anything"), "none"},
            {binary(0x20, 0x00, ""), "none"}, // LOCAL: the balancer's own health check
            {binary(0x20, 0x11, kIPv4), "none"},
            {binary(0x21, 0x11, kIPv4 + std::string(4096 - 16 - 12, '\x04')), "192.0.2.7 4660"},
        };
        for (const auto& c : cases)
        {
            const auto whole = readProxyHeader(asBytes(c.header));
            CPPUNIT_ASSERT_MESSAGE(c.header, whole.state == State::Complete);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.header, std::string(c.source), sourceOf(whole));
            CPPUNIT_ASSERT_EQUAL(c.header.size(), whole.header.size);
            const auto more = readProxyHeader(asBytes(c.header + "\x10\x0C"));
            CPPUNIT_ASSERT_EQUAL(c.header.size(), more.header.size);
            for (std::size_t size = 0; size < c.header.size(); ++size)
            {
                const auto part = readProxyHeader(asBytes(c.header.substr(0, size)));
                CPPUNIT_ASSERT_MESSAGE(c.header, part.state == State::Incomplete);
            }
        }
    }

    void refusesWhatIsMalformedAsSoonAsItCanBeTold()
    {
        struct Case
        {
            const char* name;
            std::string bytes;
        };
        const Case cases[] = {
            {"a CONNECT packet", "\x10"},
            {"TLS", "\x16"},
            {"HTTP", "GET"},
            {"small letters", "proxy"},
            {"another word", "PROXX"},
            {"no blank", "PROXYTCP4"},
            {"almost the signature", std::string("\r\n\r\n\x01", 5)},
            {"UDP", "PROXY UDP4 192.0.2.7 127.0.0.1 1 2\r\n"},
            {"nothing", "PROXY \r\n"},
            {"no addresses", "PROXY TCP4\r\n"},
            {"one address", "PROXY TCP4 192.0.2.7\r\n"},
            {"no ports", "PROXY TCP4 192.0.2.7 127.0.0.1\r\n"},
            {"one port", "PROXY TCP4 192.0.2.7 127.0.0.1 1\r\n"},
            {"a word too many", "PROXY TCP4 192.0.2.7 127.0.0.1 1 2 3\r\n"},
            {"two blanks", "PROXY TCP4  192.0.2.7 127.0.0.1 1 2\r\n"},
            {"IPv6 as TCP4", "PROXY TCP4 ::1 127.0.0.1 1 2\r\n"},
            {"IPv4 as TCP6", "PROXY TCP6 192.0.2.7 ::1 1 2\r\n"},
            {"no address", "PROXY TCP4 a.example 127.0.0.1 1 2\r\n"},
            {"a number too large", "PROXY TCP4 192.0.2.256 127.0.0.1 1 2\r\n"},
            {"a port too large", "PROXY TCP4 192.0.2.7 127.0.0.1 65536 2\r\n"},
            {"a negative port", "PROXY TCP4 192.0.2.7 127.0.0.1 -1 2\r\n"},
            {"a port with a zero in front", "PROXY TCP4 192.0.2.7 127.0.0.1 01 2\r\n"},
            {"an empty port", "PROXY TCP4 192.0.2.7 127.0.0.1  2\r\n"},
            {"LF alone", "PROXY UNKNOWN\n"},
            {"NUL", std::string("PROXY TCP4 192.0.2.7\0x 127.0.0.1 1 2\r\n", 38)},
            {"a line of 108 bytes", "PROXY UNKNOWN " + std::string(92, 'x') + "\r\n"},
            {"a line without end", "PROXY UNKNOWN " + std::string(93, 'x')},
            {"version 1 in binary", binary(0x11, 0x11, kIPv4).substr(0, 13)},
            {"version 3 in binary", binary(0x31, 0x11, kIPv4).substr(0, 13)},
            {"command 2", binary(0x22, 0x11, kIPv4).substr(0, 13)},
            {"UDP in binary", binary(0x21, 0x12, kIPv4)},
            {"family 4", binary(0x21, 0x41, kIPv4)},
            {"too short for IPv4", binary(0x21, 0x11, kIPv4.substr(0, 11))},
            {"too short for IPv6", binary(0x21, 0x21, kIPv6.substr(0, 35))},
            {"too short for a path", binary(0x21, 0x31, std::string(215, 'x'))},
            {"4,097 bytes", binary(0x21, 0x11, "", 4097 - 16)},
            {"65,551 bytes", binary(0x21, 0x11, "", 65'535)},
        };
        for (const auto& c : cases)
        {
            const auto reading = readProxyHeader(asBytes(c.bytes));
            CPPUNIT_ASSERT_MESSAGE(c.name, reading.state == State::Malformed);
            CPPUNIT_ASSERT_MESSAGE(c.name, !reading.problem.empty());
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ProxyHeaderTest);

} // namespace nanomq::test
