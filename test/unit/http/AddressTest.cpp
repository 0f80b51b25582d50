#include "http/Address.h"
#include "http/Headers.h"

#include <Poco/Exception.h>
#include <cppunit/extensions/HelperMacros.h>

namespace
{

using namespace http;

class AddressTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(AddressTest);
    CPPUNIT_TEST(urlIsTakenApart);
    CPPUNIT_TEST(refusesWhatIsNoHttpUrl);
    CPPUNIT_TEST(passwordInUrlIsNotRepeated);
    CPPUNIT_TEST(contentTypeHasTwoSpellings);
    CPPUNIT_TEST(refusesHeadersThatBelongToTheConnection);
    CPPUNIT_TEST_SUITE_END();

public:
    void urlIsTakenApart()
    {
        const struct
        {
            const char* url;
            bool secure;
            const char* host;
            int port;
            const char* target;
            const char* shown;
        } cases[] = {
            {"http://h", false, "h", 80, "/", "http://h"},
            {"https://h", true, "h", 443, "/", "https://h"},
            {"https://h:8443/a/b?token=1#x", true, "h", 8443, "/a/b?token=1", "https://h:8443/a/b"},
            {"http://[::1]:8080?x", false, "::1", 8080, "/?x", "http://[::1]:8080"},
            {"http://h/mail@x", false, "h", 80, "/mail@x", "http://h/mail@x"},
        };
        for (const auto& c : cases)
        {
            const Address address = Address::parse(c.url);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.url, c.secure, address.secure);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.url, std::string(c.host), address.host);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.url, c.port, static_cast<int>(address.port));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.url, std::string(c.target), address.target);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.url, std::string(c.shown), address.shown);
        }
    }

    void refusesWhatIsNoHttpUrl()
    {
        for (const char* url :
             {"", "h", "ftp://h", "http://", "http://h:0", "http://h:99999", "/x"})
            CPPUNIT_ASSERT_THROW_MESSAGE(url, Address::parse(url), Poco::InvalidArgumentException);
    }

    void passwordInUrlIsNotRepeated()
    {
        try
        {
            Address::parse("http://user:secret@h/");
            CPPUNIT_FAIL("accepted");
        }
        catch (const Poco::InvalidArgumentException& refused)
        {
            CPPUNIT_ASSERT(refused.message().find("secret") == std::string::npos);
        }
    }

    void contentTypeHasTwoSpellings()
    {
        for (const char* name : {"content_type", "Content_Type"})
            CPPUNIT_ASSERT_EQUAL(std::string("Content-Type"), configuredHeader(name, "a/b").first);
        CPPUNIT_ASSERT(configuredHeader("content-type", "a/b") == Header("content-type", "a/b"));
        CPPUNIT_ASSERT(configuredHeader("X_Y", "") == Header("X_Y", ""));
    }

    void refusesHeadersThatBelongToTheConnection()
    {
        const Header wrong[] = {{"", "x"},
                                {"a b", "x"},
                                {"content-length", "1"},
                                {"Transfer-Encoding", "chunked"},
                                {"Connection", "close"},
                                {"Expect", "100-continue"},
                                {"X", "a\r\nY: b"}};
        for (const auto& [name, value] : wrong)
            CPPUNIT_ASSERT_THROW_MESSAGE(name, configuredHeader(name, value),
                                         Poco::InvalidArgumentException);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AddressTest);

} // namespace
