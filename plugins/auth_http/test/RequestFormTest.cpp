#include "RequestForm.h"
#include "nanomq/testing.h"

#include <Poco/Exception.h>
#include <cppunit/extensions/HelperMacros.h>

namespace
{

using namespace auth_http;
using namespace nanomq::sdk;
using namespace nanomq::sdk::testing;

constexpr const char* kAll = "u=%u,c=%c,P=%P,a=%a,r=%r,p=%p,C=%C,d=%d,A=%A,t=%t,m=%m";

class RequestFormTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(RequestFormTest);
    CPPUNIT_TEST(fillsEveryPlaceholder);
    CPPUNIT_TEST(leavesOutWhatIsAbsent);
    CPPUNIT_TEST(encodesFormsInPercent);
    CPPUNIT_TEST(writesJsonOfStrings);
    CPPUNIT_TEST(asksByQueryWithGet);
    CPPUNIT_TEST(takesTextAndLongNamesToo);
    CPPUNIT_TEST(findsThePortOfAListener);
    CPPUNIT_TEST(everyDifferentQuestionHasAKeyOfItsOwn);
    CPPUNIT_TEST(keepsNoPasswordInTheKey);
    CPPUNIT_TEST(refusesWhatIsNoParameter);
    CPPUNIT_TEST_SUITE_END();

public:
    void fillsEveryPlaceholder()
    {
        FakeClient client("c1", "alice");
        client.info().certificateCommonName = "device7";
        client.info().certificateSubject = "CN=device7,O=Plant";
        auto login = event<ClientAuthenticate>(client);
        login.hasPassword = 1;
        login.password = {"pw", 2};
        CPPUNIT_ASSERT_EQUAL(std::string("u=alice&c=c1&P=pw&a=192.0.2.7&r=MQTT&p=1883&C=device7&"
                                         "d=CN%3Ddevice7%2CO%3DPlant"),
                             form(kAll).fill(Facts(login)).content);
        auto rights = event<ClientAuthorize>(client);
        rights.topic = "a/+";
        for (const auto& [access, digit] :
             {std::pair(Access::Subscribe, "1"), std::pair(Access::Receive, "1"),
              std::pair(Access::Publish, "2"), std::pair(Access::Will, "2")})
        {
            rights.access = access;
            CPPUNIT_ASSERT_EQUAL("A=" + std::string(digit) + "&t=a%2F%2B",
                                 form("A=%A,t=%t,m=%m").fill(Facts(rights)).content);
        }
        client.info().protocolVersion = 3;
        CPPUNIT_ASSERT_EQUAL(std::string("r=MQIsdp"), form("r=%r").fill(Facts(login)).content);
    }

    void leavesOutWhatIsAbsent()
    {
        const FakeClient client("c1");
        const auto login = event<ClientAuthenticate>(client);
        CPPUNIT_ASSERT_EQUAL(std::string("c=c1&a=192.0.2.7&r=MQTT&p=1883"),
                             form(kAll).fill(Facts(login)).content);
        CPPUNIT_ASSERT_EQUAL(std::string(R"({"c":"c1"})"),
                             json("u=%u,c=%c,P=%P").fill(Facts(login)).content);
        CPPUNIT_ASSERT_EQUAL(std::string("{}"), json("u=%u").fill(Facts(login)).content);
        // Empty is not absent.
        const FakeClient empty("c1", "");
        CPPUNIT_ASSERT_EQUAL(std::string("u="),
                             form("u=%u").fill(Facts(event<ClientAuthenticate>(empty))).content);
    }

    void encodesFormsInPercent()
    {
        const FakeClient client("a b&c=d%/\xC3\xA9~-_.", "x\0y");
        CPPUNIT_ASSERT_EQUAL(std::string("c=a%20b%26c%3Dd%25%2F%C3%A9~-_."),
                             form("c=%c").fill(Facts(event<ClientAuthenticate>(client))).content);
    }

    void writesJsonOfStrings()
    {
        const FakeClient client("a\"\\\n\x01", "\xFF\xC3\xA9\xE2\x82");
        const auto filled = json("c=%c,u=%u,p=%p").fill(Facts(event<ClientAuthenticate>(client)));
        CPPUNIT_ASSERT_EQUAL(
            std::string("{\"c\":\"a\\\"\\\\\\n\\u0001\",\"u\":\"\xEF\xBF\xBD\xC3\xA9"
                        "\xEF\xBF\xBD\xEF\xBF\xBD\",\"p\":\"1883\"}"),
            filled.content);
    }

    void asksByQueryWithGet()
    {
        const FakeClient client("c 1", "alice");
        const Facts facts(event<ClientAuthenticate>(client));
        RequestForm asked = json("c=%c,u=%u"); // whatever the header says
        asked.get = true;
        CPPUNIT_ASSERT_EQUAL(std::string("/auth?c=c%201&u=alice"), asked.fill(facts).target);
        CPPUNIT_ASSERT_EQUAL(std::string(), asked.fill(facts).content);
        asked.address = http::Address::parse("http://h/auth?key=1");
        CPPUNIT_ASSERT_EQUAL(std::string("/auth?key=1&c=c%201&u=alice"), asked.fill(facts).target);
        asked.params.clear();
        CPPUNIT_ASSERT_EQUAL(std::string("/auth?key=1"), asked.fill(facts).target);
    }

    void takesTextAndLongNamesToo()
    {
        const FakeClient client("c1", "alice");
        auto rights = event<ClientAuthorize>(client);
        rights.topic = "t";
        rights.access = Access::Publish;
        rights.qos = 1;
        CPPUNIT_ASSERT_EQUAL(
            std::string("who=alice%40c1&kind=mqtt&action=publish&qos=1&retain=false&t=t"),
            form("who = ${username}@%c, kind=mqtt,action=${action},qos=${qos},"
                 "retain=${retain},t=${topic}")
                .fill(Facts(rights))
                .content);
        CPPUNIT_ASSERT_EQUAL(std::string("who=%2A%2A%2A"),
                             form("who=%P").fill(Facts(secret(client)), true).content);
    }

    void findsThePortOfAListener()
    {
        FakeClient client("c");
        for (const auto& [listener, port] :
             {std::pair("nmq-ws://[::1]:8083/mqtt", "p=8083"), std::pair("unix:///run/a:1", ""),
              std::pair("tls+nmq-tcp://0.0.0.0:8883", "p=8883"), std::pair("nmq-tcp://[::1]", "")})
        {
            client.info().listener = listener;
            CPPUNIT_ASSERT_EQUAL(
                std::string(port),
                form("p=%p").fill(Facts(event<ClientAuthenticate>(client))).content);
        }
    }

    void everyDifferentQuestionHasAKeyOfItsOwn()
    {
        const RequestForm asked = form("c=%c,u=%u,P=%P");
        const auto key = [&asked](const char* id, const char* user, const char* password) {
            const FakeClient anonymous(id);
            const FakeClient named(id, user ? user : "");
            auto login = event<ClientAuthenticate>(user ? named : anonymous);
            login.hasPassword = password != nullptr;
            if (password) login.password = {password, std::string_view(password).size()};
            return asked.identify(Kind::Login, Facts(login), "secret");
        };
        const std::string keys[] = {key("ab", "c", "d"),     key("a", "bc", "d"),
                                    key("ab", "cd", ""),     key("ab", "c", nullptr),
                                    key("ab", nullptr, "d"), key("ab", "", "d"),
                                    key("1:a", "c", "d")};
        for (const auto& a : keys)
            for (const auto& b : keys) CPPUNIT_ASSERT_EQUAL(&a == &b, a == b);
        CPPUNIT_ASSERT_EQUAL(keys[0], key("ab", "c", "d"));
        const FakeClient client("ab", "c");
        const Facts facts(event<ClientAuthenticate>(client));
        CPPUNIT_ASSERT(asked.identify(Kind::Login, facts, "s") !=
                       asked.identify(Kind::Super, facts, "s"));
    }

    void keepsNoPasswordInTheKey()
    {
        const FakeClient client("c1");
        const std::string key =
            form("P=%P").identify(Kind::Login, Facts(secret(client)), "a secret of our own");
        CPPUNIT_ASSERT(key.find("pass word") == std::string::npos);
        CPPUNIT_ASSERT(key.size() > 32);
    }

    void refusesWhatIsNoParameter()
    {
        for (const char* text : {"clientid", "a=%c,b", "=%c"})
            CPPUNIT_ASSERT_THROW_MESSAGE(text, RequestForm::parameters(text),
                                         Poco::InvalidArgumentException);
        CPPUNIT_ASSERT(RequestForm::parameters("").empty());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, RequestForm::parameters("a=%c, ,").size());
    }

private:
    static RequestForm form(const char* params)
    {
        RequestForm result;
        result.address = http::Address::parse("http://h/auth");
        result.params = RequestForm::parameters(params);
        return result;
    }
    static RequestForm json(const char* params)
    {
        RequestForm result = form(params);
        result.headers.emplace_back("content-type", "Application/JSON; charset=utf-8");
        return result;
    }
    static ClientAuthenticate secret(const FakeClient& client)
    {
        auto login = event<ClientAuthenticate>(client);
        login.hasPassword = 1;
        login.password = {"pass word", 9};
        return login;
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RequestFormTest);

} // namespace
