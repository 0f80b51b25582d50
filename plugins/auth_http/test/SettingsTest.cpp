#include "Settings.h"
#include "nanomq/testing.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <cppunit/extensions/HelperMacros.h>

#include <fstream>
#include <sstream>

namespace
{

using namespace auth_http;
using namespace nanomq::sdk::testing;
using namespace std::chrono_literals;

Settings read(const std::string& text)
{
    FakeConfig config(text, "auth_http.conf");
    return Settings::read(config);
}

std::string textOf(const char* file)
{
    std::ifstream source(file);
    std::ostringstream text;
    text << source.rdbuf();
    return text.str();
}

class SettingsTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(SettingsTest);
    CPPUNIT_TEST(readsNanoMQsFile);
    CPPUNIT_TEST(takesBothSpellingsOfContentType);
    CPPUNIT_TEST(tellsAllThatIsWrong);
    CPPUNIT_TEST(warnsOfServersThatAreNotVerified);
    CPPUNIT_TEST(schemaAndPluginKnowTheSameKeysAndDefaults);
    CPPUNIT_TEST(shippedFileHasEveryKeyWithItsDefault);
    CPPUNIT_TEST_SUITE_END();

public:
    void readsNanoMQsFile()
    {
        const Settings s = read("auth.http.enable=true\n"
                                "auth.http.auth_req.url = http://127.0.0.1:80/mqtt/auth\n"
                                "auth.http.auth_req.method = post\n"
                                "auth.http.auth_req.headers.content-type = "
                                "application/x-www-form-urlencoded\n"
                                "auth.http.auth_req.params = clientid=%c,username=%u,password=%P\n"
                                "auth.http.super_req.url = http://127.0.0.1:80/mqtt/superuser\n"
                                "auth.http.super_req.method = get\n"
                                "auth.http.super_req.params = clientid=%c,username=%u\n"
                                "auth.http.timeout = 2m\nauth.http.connect_timeout = 1h\n"
                                "auth.http.pool_size = 256\n");
        const RequestForm& login = *s.form(Kind::Login);
        CPPUNIT_ASSERT_EQUAL(std::string("/mqtt/auth"), login.address.target);
        CPPUNIT_ASSERT(!login.get && !login.isJson());
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, login.params.size());
        CPPUNIT_ASSERT(s.form(Kind::Super)->get);
        CPPUNIT_ASSERT(!s.form(Kind::Rights));
        CPPUNIT_ASSERT(s.timeout == 2min && s.connectTimeout == 1h && s.poolSize == 256);
    }

    void takesBothSpellingsOfContentType()
    {
        for (const char* name : {"content-type", "content_type", "Content-Type"})
            CPPUNIT_ASSERT_MESSAGE(name, read("auth.http.auth_req.url=http://h\n"
                                              "auth.http.auth_req.headers." +
                                              std::string(name) + "=application/json\n")
                                             .form(Kind::Login)
                                             ->isJson());
    }

    void tellsAllThatIsWrong()
    {
        const struct
        {
            const char* text;
            const char* why;
        } cases[] = {
            {"", "nothing to ask"},
            {"auth.http.enable=perhaps\n", "auth_http.conf:1: auth.http.enable: found"},
            {"auth.http.auth_req.url=ftp://h\n", "auth.http.auth_req.url: found \"ftp://h\""},
            {"auth.http.auth_req.url=http://u:secret@h\n", "has a user or password in it"},
            {"auth.http.auth_req.url=http://h\nauth.http.auth_req.method=put\n",
             "one of post, get"},
            {"auth.http.auth_req.url=http://h\nauth.http.auth_req.params=x\n", "auth_http.conf:2:"},
            {"auth.http.auth_req.url=http://h\nauth.http.auth_req.headers.a b=x\n", "not the name"},
            {"auth.http.auth_req.url=http://h\nauth.http.acl_req.params=t=%t\n",
             "there is no auth.http.acl_req.url"},
            {"auth.http.timeout=5\n", "a time such as"},
            {"auth.http.timeout=0s\n", "a time such as"},
            {"auth.http.pool_size=257\n", "from 1 to 256"},
            {"auth.http.on_error=maybe\n", "deny, ignore, allow"},
            {"auth.http.answers=json\n", "nanomq, emqx4, emqx5"},
            {"auth.http.breaker.pause=20s\n", "is longer than"},
            {"auth.http.auth_req.uri=http://h\n", "no such key"},
            {"auth.http.cache=1\n", "no such key"},
            {"web.hook.url=http://h\n", "no such key"},
        };
        for (const auto& c : cases)
        {
            try
            {
                read(c.text);
                CPPUNIT_FAIL(std::string("accepted: ") + c.text);
            }
            catch (const Poco::DataFormatException& wrong)
            {
                CPPUNIT_ASSERT_MESSAGE(wrong.message(),
                                       wrong.message().find(c.why) != std::string::npos);
                CPPUNIT_ASSERT(wrong.message().find("secret") == std::string::npos);
            }
        }
    }

    void warnsOfServersThatAreNotVerified()
    {
        const auto settings =
            read("auth.http.auth_req.url=https://h\nauth.http.ssl.verify=false\n");
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, settings.warnings.size());
    }

    void schemaAndPluginKnowTheSameKeysAndDefaults()
    {
        std::string all = "auth.http.auth_req.url = http://h\n";
        for (const auto& [key, value] : keys())
            if (!value.empty()) all += key + " = " + value + "\n";
        all += "auth.http.super_req.url = http://h\nauth.http.acl_req.url = http://h\n";
        const Settings s = read(all);
        const Settings none = read("auth.http.auth_req.url = http://h\n");
        CPPUNIT_ASSERT(s.timeout == none.timeout && s.connectTimeout == none.connectTimeout &&
                       s.deadline == none.deadline && s.poolSize == none.poolSize &&
                       s.queue == none.queue && s.rate == none.rate && s.tls == none.tls);
        CPPUNIT_ASSERT(s.dialect == none.dialect && s.onError == none.onError &&
                       s.priority == none.priority && s.cacheEntries == none.cacheEntries &&
                       s.logins.allow == none.logins.allow && s.logins.deny == none.logins.deny &&
                       s.rights.allow == none.rights.allow && s.rights.deny == none.rights.deny &&
                       s.stale == none.stale);
        CPPUNIT_ASSERT(s.breakerFailures == none.breakerFailures &&
                       s.breakerPause == none.breakerPause &&
                       s.breakerLongestPause == none.breakerLongestPause);
    }

    void shippedFileHasEveryKeyWithItsDefault()
    {
        // Its lines stand in comments, but for the switch.
        std::string active;
        std::istringstream lines(textOf(AUTH_HTTP_CONF_FILE));
        for (std::string line; std::getline(lines, line);)
            if (line.starts_with("# auth.http.")) active += line.substr(2) + "\n";
            else active += line + "\n";
        read(active); // throws
        FakeConfig config(active);
        for (const auto& [key, value] : keys())
        {
            std::string concrete = key;
            if (const auto star = key.find('*'); star != std::string::npos)
                concrete.replace(star, 1, "content-type");
            nanomq::sdk::Str found;
            CPPUNIT_ASSERT_MESSAGE(concrete, config.text(concrete, &found));
            if (!value.empty())
                CPPUNIT_ASSERT_EQUAL_MESSAGE(concrete, value, std::string(found.view()));
        }
    }

private:
    /// What the schema says: key and default.
    static std::vector<std::pair<std::string, std::string>> keys()
    {
        Poco::JSON::Parser parser;
        const auto schema =
            parser.parse(textOf(AUTH_HTTP_SCHEMA_FILE)).extract<Poco::JSON::Object::Ptr>();
        const auto all = schema->getObject("keys");
        std::vector<std::pair<std::string, std::string>> result;
        for (const auto& [key, about] : *all)
            result.emplace_back(
                key,
                about.extract<Poco::JSON::Object::Ptr>()->optValue<std::string>("default", ""));
        return result;
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SettingsTest);

} // namespace
