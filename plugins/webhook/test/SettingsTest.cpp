#include "Settings.h"
#include "TopicFilter.h"
#include "nanomq/testing.h"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <cppunit/extensions/HelperMacros.h>

#include <fstream>
#include <iterator>
#include <map>

namespace
{

using namespace nanomq::sdk::testing;
using namespace webhook;

Settings::Outcome read(std::string_view text)
{
    FakeConfig config(text, "conf.d/webhook.conf");
    return Settings::read(config);
}

/// The sentences, one a line.
std::string lines(const std::vector<std::string>& all)
{
    std::string text;
    for (const auto& line : all) text += line + "\n";
    return text;
}

class SettingsTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(SettingsTest);
    CPPUNIT_TEST(emptyFileGivesTheDocumentedDefaults);
    CPPUNIT_TEST(readsNanoMQsSample);
    CPPUNIT_TEST(readsEveryKey);
    CPPUNIT_TEST(rulesOfOneEventAreJoined);
    CPPUNIT_TEST(endpointsTakeFromTheDefaultWhatTheyDoNotSay);
    CPPUNIT_TEST(whatIsWrongIsToldWithFileLineAndKey);
    CPPUNIT_TEST(allErrorsAreToldAtOnce);
    CPPUNIT_TEST(whatNanoMQIgnoresIsAWarning);
    CPPUNIT_TEST(credentialsInAUrlAreNotRepeated);
    CPPUNIT_TEST(topicFiltersAreCheckedAsSection_4_7_says);
    CPPUNIT_TEST(topicFiltersMatchAsSection_4_7_says);
    CPPUNIT_TEST(schemaAndPluginKnowTheSameKeysAndDefaults);
    CPPUNIT_TEST(shippedFileHasEveryKeyWithItsDefault);
    CPPUNIT_TEST_SUITE_END();

public:
    void emptyFileGivesTheDocumentedDefaults()
    {
        const auto outcome = read("");
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(outcome.errors));
        const Settings& s = outcome.settings;
        CPPUNIT_ASSERT(s.endpoints.empty());
        CPPUNIT_ASSERT(s.encoding == PayloadEncoding::Plain);
        const EndpointSettings& base = s.base;
        CPPUNIT_ASSERT_EQUAL(std::size_t{32}, base.poolSize);
        CPPUNIT_ASSERT_EQUAL(std::size_t{10'000}, base.maxEvents);
        CPPUNIT_ASSERT_EQUAL(std::size_t{16} << 20, base.maxBytes);
        CPPUNIT_ASSERT(base.timeout == 5s && base.connectTimeout == 5s);
        CPPUNIT_ASSERT(base.retry.maxAge == 60s && base.batch.maxEvents == 1 && !base.gzip);
        CPPUNIT_ASSERT(base.spool.enable && base.spool.maxAge == 24h && base.tls.verify);
        for (const auto& routes : s.routes) CPPUNIT_ASSERT(routes.empty());
    }

    void readsNanoMQsSample()
    {
        const auto outcome =
            read("web.hook.enable=true\n"
                 "web.hook.url=http://127.0.0.1:80\n"
                 "web.hook.headers.content-type=application/json\n"
                 "web.hook.body.encoding_of_payload_field=plain\n"
                 "web.hook.pool_size=32\n"
                 "web.hook.rule.client.connack.1={\"action\": \"on_client_connack\"}\n"
                 "web.hook.rule.client.disconnected.1 = {\"action\": \"on_client_disconnected\"}\n"
                 "web.hook.rule.message.publish.1={\"action\": \"on_message_publish\", "
                 "\"topic\": \"webhook/msg/#\"}\n");
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(outcome.errors));
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(outcome.warnings));
        const Settings& s = outcome.settings;
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, s.routesOf(EventKind::ClientConnack).size());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, s.routesOf(EventKind::ClientDisconnected).size());
        CPPUNIT_ASSERT(s.routesOf(EventKind::ClientConnected).empty());
        CPPUNIT_ASSERT_EQUAL(std::string("webhook/msg/#"),
                             s.routesOf(EventKind::MessagePublish).at(0).topicFilters.at(0));
        CPPUNIT_ASSERT_EQUAL(std::string("content-type"), s.endpoints.at(0).headers.at(0).first);
    }

    void readsEveryKey()
    {
        const auto outcome = read("web.hook.enable = off\n"
                                  "web.hook.body.encoding_of_payload_field = BASE62\n"
                                  "web.hook.pool_size = 256\n"
                                  "web.hook.queue.max_events = 7\n"
                                  "web.hook.queue.max_bytes = 3 KiB\n"
                                  "web.hook.timeout = 250ms\n"
                                  "web.hook.connect_timeout = 2m\n"
                                  "web.hook.retry.max_attempts = 3\n"
                                  "web.hook.retry.min_delay = 10ms\n"
                                  "web.hook.retry.max_delay = 1s\n"
                                  "web.hook.retry.max_age = 1h\n"
                                  "web.hook.headers.X-A = a=b\n"
                                  "web.hook.headers.X-B =\n"
                                  "web.hook.headers.X-C = ${clientid}\n"
                                  "web.hook.batch.max_events = 50\n"
                                  "web.hook.batch.max_bytes = 64KB\n"
                                  "web.hook.batch.max_delay = 1s\n"
                                  "web.hook.compression = gzip\n"
                                  "web.hook.signature.secret = key\n"
                                  "web.hook.spool.enable = off\n"
                                  "web.hook.spool.max_bytes = 1GB\n"
                                  "web.hook.spool.max_age = 30d\n"
                                  "web.hook.dead.max_bytes = 2MB\n"
                                  "web.hook.dead.max_age = 365d\n"
                                  "web.hook.ssl.cacertfile = ca.pem\n"
                                  "web.hook.ssl.certfile = me.pem\n"
                                  "web.hook.ssl.keyfile = key.pem\n"
                                  "web.hook.ssl.keypassword = open\n"
                                  "web.hook.ssl.verify = verify_none\n"
                                  "web.hook.ssl.server_name_indication = h.example\n");
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(outcome.errors));
        CPPUNIT_ASSERT(outcome.settings.encoding == PayloadEncoding::Base62);
        const EndpointSettings& s = outcome.settings.base;
        CPPUNIT_ASSERT_EQUAL(std::size_t{256}, s.poolSize);
        CPPUNIT_ASSERT_EQUAL(std::size_t{7}, s.maxEvents);
        CPPUNIT_ASSERT_EQUAL(std::size_t{3072}, s.maxBytes);
        CPPUNIT_ASSERT(s.timeout == 250ms && s.connectTimeout == 2min);
        CPPUNIT_ASSERT_EQUAL(3u, s.retry.maxAttempts);
        CPPUNIT_ASSERT(s.retry.minDelay == 10ms && s.retry.maxDelay == 1s && s.retry.maxAge == 1h);
        CPPUNIT_ASSERT_EQUAL(std::string("a=b"), s.headers.at(0).second);
        CPPUNIT_ASSERT_EQUAL(std::string(), s.headers.at(1).second);
        CPPUNIT_ASSERT_EQUAL(std::string("X-C"), s.templates.at(0).name());
        CPPUNIT_ASSERT(s.batch.maxEvents == 50 && s.batch.maxBytes == 65'536);
        CPPUNIT_ASSERT(s.batch.maxDelay == 1s && s.gzip && s.signatureSecret == "key");
        CPPUNIT_ASSERT(!s.spool.enable && s.spool.maxBytes == 1 << 30 && s.spool.maxAge == 720h);
        CPPUNIT_ASSERT(s.dead.maxBytes == 2 << 20 && s.dead.maxAge == 8'760h);
        CPPUNIT_ASSERT(s.tls == (http::TlsSettings{false, "ca.pem", "me.pem", "key.pem", "open",
                                                   "h.example"}));
    }

    void rulesOfOneEventAreJoined()
    {
        const std::string two = "web.hook.url=http://h\n"
                                "web.hook.rule.Message.Publish.1={\"topic\":\"a/#\"}\n"
                                "web.hook.rule.message.publish.2={\"topic\":\"b\"}\n"
                                "web.hook.rule.message.publish.3={\"topic\":\"b\"}\n";
        const auto filtered = read(two);
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(filtered.errors));
        CPPUNIT_ASSERT(filtered.settings.topicFiltersOf(EventKind::MessagePublish) ==
                       std::vector<std::string>({"a/#", "b"}));

        const auto everything = read(two + "web.hook.rule.message.publish.4={}\n");
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(everything.errors));
        const auto& routes = everything.settings.routesOf(EventKind::MessagePublish);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, routes.size());
        CPPUNIT_ASSERT(routes.at(0).topicFilters.empty());
    }

    void endpointsTakeFromTheDefaultWhatTheyDoNotSay()
    {
        const auto outcome =
            read("web.hook.endpoint.archive.url=https://a/x\n"
                 "web.hook.endpoint.archive.pool_size=2\n"
                 "web.hook.endpoint.archive.headers.authorization=Bearer a\n"
                 "web.hook.url=http://h\n"
                 "web.hook.headers.Authorization=Bearer h\n"
                 "web.hook.headers.X=x\n"
                 "web.hook.timeout=1s\n"
                 "web.hook.rule.client.connack.1={}\n"
                 "web.hook.rule.client.connack.2={\"endpoint\":\"archive\"}\n"
                 "web.hook.rule.message.publish.1={\"url\":\"http://r/p?token=s3cret\"}\n"
                 "web.hook.rule.message.publish.2={\"url\":\"http://r/p?token=s3cret\","
                 "\"topic\":\"a\"}\n");
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(outcome.errors));
        const Settings& s = outcome.settings;
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, s.endpoints.size());
        const EndpointSettings& archive = s.endpoints.at(1);
        CPPUNIT_ASSERT_EQUAL(std::string("archive"), archive.name);
        CPPUNIT_ASSERT(archive.address->secure && archive.poolSize == 2 && archive.timeout == 1s);
        CPPUNIT_ASSERT_EQUAL(std::string("Bearer a"),
                             std::string(http::find(archive.headers, "Authorization")));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, archive.headers.size());
        const EndpointSettings& ofRule = s.endpoints.at(2);
        CPPUNIT_ASSERT(ofRule.name.starts_with("r/p?"));
        CPPUNIT_ASSERT(ofRule.name.find("s3cret") == std::string::npos);
        CPPUNIT_ASSERT_EQUAL(std::string("/p?token=s3cret"), ofRule.address->target);

        const auto& connack = s.routesOf(EventKind::ClientConnack);
        CPPUNIT_ASSERT(connack.at(0).endpoint == 0 && connack.at(1).endpoint == 1);
        const auto& publish = s.routesOf(EventKind::MessagePublish);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, publish.size());
        CPPUNIT_ASSERT(publish.at(0).endpoint == 2 && publish.at(0).topicFilters.empty());
    }

    void whatIsWrongIsToldWithFileLineAndKey()
    {
        const struct
        {
            const char* line; // stands in line 2
            const char* told; // behind "conf.d/webhook.conf:2: "
        } cases[] = {
            {"web.hook.enable=maybe", "web.hook.enable: found \"maybe\", expected true or false"},
            {"web.hook.url=127.0.0.1:80",
             "web.hook.url: found \"127.0.0.1:80\", expected an address "
             "such as http://127.0.0.1:8080/hook"},
            {"web.hook.url=http://h:99999", "web.hook.url: found \"http://h:99999\", expected an "
                                            "address such as http://127.0.0.1:8080/hook"},
            {"web.hook.url=", "web.hook.url: found \"\", expected an address such as "
                              "http://127.0.0.1:8080/hook"},
            {"web.hook.body.encoding_of_payload_field=base46",
             "web.hook.body.encoding_of_payload_field: found \"base46\", expected plain, base64 or "
             "base62"},
            {"web.hook.pool_size=0",
             "web.hook.pool_size: found \"0\", expected a whole number from 1 to 256"},
            {"web.hook.pool_size=257",
             "web.hook.pool_size: found \"257\", expected a whole number from 1 to 256"},
            {"web.hook.pool_size=4s",
             "web.hook.pool_size: found \"4s\", expected a whole number from 1 to 256"},
            {"web.hook.pool_size=99999999999999999999999",
             "web.hook.pool_size: found \"99999999999999999999999\", expected a whole number from "
             "1 "
             "to 256"},
            {"web.hook.timeout=5",
             "web.hook.timeout: found \"5\", expected a time from 1ms to 24h, such as 500ms or 5s"},
            {"web.hook.timeout=18446744073709551615h",
             "web.hook.timeout: found \"18446744073709551615h\", expected a time from 1ms to 24h, "
             "such as 500ms or 5s"},
            {"web.hook.queue.max_bytes=5TB", "web.hook.queue.max_bytes: found \"5TB\", expected a "
                                             "size from 1KB to 4GB, such as 16MB"},
            {"web.hook.pool_sice=3",
             "web.hook.pool_sice: is not a key of this plugin; did you mean "
             "\"web.hook.pool_size\"?"},
            {"web.hook.nothing_like_it_at_all=3",
             "web.hook.nothing_like_it_at_all: is not a key of this plugin"},
            {"web.hook.headers.=x",
             "web.hook.headers.: the part after \"headers.\" is not the name "
             "of an HTTP header"},
            {"web.hook.headers.Content-length=3", "web.hook.headers.Content-length: this header is "
                                                  "the plugin's own affair; remove the key"},
            {"web.hook.headers.X=a\x01z",
             "web.hook.headers.X: the value has a control character in it"},
            {"web.hook.rule.client.conack.1={}", "web.hook.rule.client.conack.1: \"client.conack\" "
                                                 "is not an event; did you mean "
                                                 "\"client.connack\"?"},
            {"web.hook.rule.client.connack={}",
             "web.hook.rule.client.connack: \"client\" is not an event"},
            {"web.hook.rule.client.connack.one={}",
             "web.hook.rule.client.connack.one: expected a number behind the event, as in "
             "web.hook.rule.client.connack.1"},
            {"web.hook.rule.client.connack.1={\"action\": on}",
             "web.hook.rule.client.connack.1: found \"{\"action\": on}\", expected a JSON object "
             "such as {\"action\": \"on_message_publish\", \"topic\": \"a/#\"}"},
            {"web.hook.rule.client.connack.1=[]",
             "web.hook.rule.client.connack.1: found \"[]\", expected a JSON object such as "
             "{\"action\": \"on_message_publish\", \"topic\": \"a/#\"}"},
            {"web.hook.rule.message.publish.1={\"topic\":3}",
             "web.hook.rule.message.publish.1: found \"{\"topic\":3}\", expected a JSON object "
             "such "
             "as {\"action\": \"on_message_publish\", \"topic\": \"a/#\"}"},
            {"web.hook.rule.message.publish.1={\"topics\":\"a\"}",
             "web.hook.rule.message.publish.1: \"topics\" means nothing in a rule; did you mean "
             "\"topic\"?"},
            {"web.hook.rule.message.publish.1={\"topic\":\"a/#/b\"}",
             "web.hook.rule.message.publish.1: found \"a/#/b\", expected a Topic Filter"},
            {"web.hook.rule.message.publish.1={\"url\":\"ftp://h\"}",
             "web.hook.rule.message.publish.1: found \"ftp://h\", expected an address such as "
             "http://127.0.0.1:8080/hook"},
            {"web.hook.rule.message.publish.1={\"endpoint\":\"x\",\"url\":\"http://h\"}",
             "web.hook.rule.message.publish.1: has both \"url\" and \"endpoint\"; expected one of "
             "them"},
            {"web.hook.rule.message.publish.1={\"endpoint\":\"archiv\"}",
             "web.hook.rule.message.publish.1: there is no endpoint \"archiv\": expected "
             "web.hook.endpoint.archiv.url somewhere"},
            {"web.hook.endpoint.Archive.url=http://h",
             "web.hook.endpoint.Archive.url: expected a name of small letters, digits, '_' and '-' "
             "(not \"default\") and a key behind it, as in web.hook.endpoint.archive.url"},
            {"web.hook.headers.X=${clientId}",
             "web.hook.headers.X: found \"${clientId}\", expected one of ${clientid}, "
             "${username}, ${topic} and ${action}"},
            {"web.hook.compression=zip", "web.hook.compression: found \"zip\", expected none or "
                                         "gzip"},
            {"web.hook.spool.max_age=366d",
             "web.hook.spool.max_age: found \"366d\", expected a time from 1ms to 365d, such as "
             "500ms or 5s"},
            {"web.hook.ssl.certfile=me.pem",
             "web.hook.ssl.certfile: a client certificate needs ssl.keyfile, and a key "
             "ssl.certfile; only one of them is given"},
            {"web.hook.retry.min_delay=1m",
             "web.hook.retry.min_delay: is more than web.hook.retry.max_delay"},
        };
        for (const auto& c : cases)
        {
            // A second URL would be a duplicate, which the broker refuses before the plugin.
            const bool needsUrl = std::string_view(c.line).find("web.hook.url") != 0;
            const auto outcome = read(
                std::string(needsUrl ? "web.hook.url=http://h\n" : "# none\n") + c.line + "\n");
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.line,
                                         std::string("conf.d/webhook.conf:2: ") + c.told + "\n",
                                         lines(outcome.errors));
        }
    }

    void allErrorsAreToldAtOnce()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("conf.d/webhook.conf: web.hook.endpoint.a.url: is "
                                         "missing; expected an address such as "
                                         "http://127.0.0.1:8080/hook\n"),
                             lines(read("web.hook.endpoint.a.pool_size=2\n").errors));
        const auto outcome = read("web.hook.pool_size=x\n"
                                  "web.hook.rule.client.connack.1={}\n"
                                  "web.hook.timeout=x\n");
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, outcome.errors.size());
        CPPUNIT_ASSERT_EQUAL(std::string("conf.d/webhook.conf: web.hook.url: is missing, and there "
                                         "are rules; expected an address such as "
                                         "http://127.0.0.1:8080/hook"),
                             outcome.errors.at(2));
    }

    void whatNanoMQIgnoresIsAWarning()
    {
        const auto outcome =
            read("web.hook.url=http://h\n"
                 "web.hook.rule.client.connack.1={\"action\":\"on_message_publish\"}\n"
                 "web.hook.rule.client.connected.1={\"topic\":\"a\"}\n");
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(outcome.errors));
        CPPUNIT_ASSERT_EQUAL(
            std::string(
                "conf.d/webhook.conf:2: web.hook.rule.client.connack.1: the action "
                "\"on_message_publish\" is ignored: the event is client.connack, as the key "
                "says\n"
                "conf.d/webhook.conf:3: web.hook.rule.client.connected.1: the topic is "
                "ignored: client.connected has none\n"),
            lines(outcome.warnings));
        CPPUNIT_ASSERT(!outcome.settings.routesOf(EventKind::ClientConnack).empty());
        CPPUNIT_ASSERT(!outcome.settings.routesOf(EventKind::ClientConnected).empty());
    }

    void credentialsInAUrlAreNotRepeated()
    {
        const auto outcome = read("web.hook.url=http://admin:s3cret@h/x");
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, outcome.errors.size());
        CPPUNIT_ASSERT(outcome.errors[0].find("s3cret") == std::string::npos);
        CPPUNIT_ASSERT(outcome.errors[0].find("a header named Authorization") != std::string::npos);
    }

    void topicFiltersAreCheckedAsSection_4_7_says()
    {
        for (const char* good : {"#", "+", "/", "a", "a/#", "+/+", "/+/", "$SYS/#", "a//b"})
            CPPUNIT_ASSERT_MESSAGE(good, isTopicFilter(good));
        for (const char* bad : {"", "a#", "#/a", "a/#/b", "a+", "+a/b", "a/b+"})
            CPPUNIT_ASSERT_MESSAGE(bad, !isTopicFilter(bad));
        CPPUNIT_ASSERT(!isTopicFilter(std::string_view("a\0b", 3)));
        CPPUNIT_ASSERT(isTopicFilter(std::string(65'535, 'a')));
        CPPUNIT_ASSERT(!isTopicFilter(std::string(65'536, 'a')));
    }

    void topicFiltersMatchAsSection_4_7_says()
    {
        const struct
        {
            const char* filter;
            const char* topic;
            bool match;
        } cases[] = {
            {"sport/#", "sport", true},
            {"sport/#", "sport/a/b", true},
            {"sport/+", "sport", false},
            {"sport/+", "sport/", true},
            {"sport/+", "sport/a/b", false},
            {"#", "$SYS/uptime", false},
            {"+/uptime", "$SYS/uptime", false},
            {"$SYS/#", "$SYS/uptime", true},
            {"+/+", "/finance", true},
            {"/+", "/finance", true},
            {"+", "/finance", false},
            {"a/b", "a/b/c", false},
            {"a/b/c", "a/b", false},
            {"a/#", "a/+", true},
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(c.filter) + " " + c.topic, c.match,
                                         matches(c.filter, c.topic));
    }
    void schemaAndPluginKnowTheSameKeysAndDefaults()
    {
        std::string all;
        for (const auto& [key, value] : defaults()) all += key + "=" + value + "\n";
        const auto outcome = read(all);
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(outcome.errors));
        CPPUNIT_ASSERT(outcome.settings.encoding == PayloadEncoding::Plain);
        const EndpointSettings& s = outcome.settings.base;
        const EndpointSettings none;
        CPPUNIT_ASSERT(s.poolSize == none.poolSize && s.maxEvents == none.maxEvents &&
                       s.maxBytes == none.maxBytes && s.timeout == none.timeout &&
                       s.connectTimeout == none.connectTimeout);
        CPPUNIT_ASSERT(s.retry.maxAttempts == none.retry.maxAttempts &&
                       s.retry.minDelay == none.retry.minDelay &&
                       s.retry.maxDelay == none.retry.maxDelay &&
                       s.retry.maxAge == none.retry.maxAge);
        CPPUNIT_ASSERT(s.batch.maxEvents == none.batch.maxEvents &&
                       s.batch.maxBytes == none.batch.maxBytes &&
                       s.batch.maxDelay == none.batch.maxDelay && s.gzip == none.gzip);
        CPPUNIT_ASSERT(s.spool.enable == none.spool.enable &&
                       s.spool.maxBytes == none.spool.maxBytes &&
                       s.spool.maxAge == none.spool.maxAge &&
                       s.dead.maxBytes == none.dead.maxBytes &&
                       s.dead.maxAge == none.dead.maxAge && s.tls == none.tls);
        // The plugin's own list is the suggestion for a key that is nearly one of them.
        for (const auto& [key, value] : defaults())
        {
            const auto wrong = read(key + "_=1");
            CPPUNIT_ASSERT(wrong.errors.at(0).find("\"" + key + "\"?") != std::string::npos);
        }
    }

    void shippedFileHasEveryKeyWithItsDefault()
    {
        FakeConfig config(text(WEBHOOK_CONF_FILE), "conf.d/webhook.conf");
        const auto outcome = Settings::read(config);
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(outcome.errors) + lines(outcome.warnings));
        for (const auto& routes : outcome.settings.routes) CPPUNIT_ASSERT(routes.empty());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, outcome.settings.endpoints.size());
        for (const auto& [key, value] : defaults())
        {
            nanomq::sdk::Str found;
            CPPUNIT_ASSERT_MESSAGE(key, config.text(key, &found));
            const bool isSwitch = key == "web.hook.enable";
            CPPUNIT_ASSERT_EQUAL_MESSAGE(key, isSwitch ? "true" : value, std::string(found.view()));
        }
    }

private:
    static std::string text(const char* file)
    {
        std::ifstream in(file);
        CPPUNIT_ASSERT_MESSAGE(file, in.good());
        return {std::istreambuf_iterator<char>(in), {}};
    }
    /// The keys of the schema that have a default.
    static std::map<std::string, std::string> defaults()
    {
        using Poco::JSON::Object;
        const auto schema =
            Poco::JSON::Parser().parse(text(WEBHOOK_SCHEMA_FILE)).extract<Object::Ptr>();
        std::map<std::string, std::string> all;
        for (const auto& [key, description] : *schema->getObject("keys"))
            if (const auto& fields = *description.extract<Object::Ptr>(); fields.has("default"))
                all[key] = fields.getValue<std::string>("default");
        CPPUNIT_ASSERT_EQUAL(std::size_t{21}, all.size());
        return all;
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SettingsTest);

} // namespace
