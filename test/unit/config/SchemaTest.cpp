#include "config/Schema.h"

#include <Poco/Exception.h>

#include <cppunit/extensions/HelperMacros.h>

namespace nanomq::test
{

class SchemaTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(SchemaTest);
    CPPUNIT_TEST(matchesPatternsByLevels);
    CPPUNIT_TEST(prefersExactKeysAndThenLongerPatterns);
    CPPUNIT_TEST(suggestsTheNearestKey);
    CPPUNIT_TEST(readsEveryFieldOfTheJsonForm);
    CPPUNIT_TEST(keepsTheOrderOfKeys);
    CPPUNIT_TEST(addsTheUsualSwitch);
    CPPUNIT_TEST(takesTheSwitchThatIsDeclared);
    CPPUNIT_TEST(refusesASchemaThatMakesNoSense);
    CPPUNIT_TEST(checksValuesAndNeverShowsSecrets);
    CPPUNIT_TEST(leavesAPluginWithoutSchemaToItself);
    CPPUNIT_TEST_SUITE_END();

    static SchemaKey key(const char* name)
    {
        SchemaKey key;
        key.key = name;
        return key;
    }

    static std::string refusalOf(const std::string& json)
    {
        try
        {
            Schema::fromJson("demo", json);
            return "accepted";
        }
        catch (const Poco::DataFormatException& refused)
        {
            return refused.message();
        }
    }

public:
    void matchesPatternsByLevels()
    {
        struct Case
        {
            const char* pattern;
            const char* key;
            bool match;
        };
        static constexpr Case cases[] = {
            {"listener.*.url", "listener.a.url", true},
            {"listener.*.url", "listener.a.b.url", false},
            {"listener.*.url", "listener..url", false},
            {"listener.*.url", "listener.a.urls", false},
            {"listener.*.url", "listener.a.url.x", false},
            {"listener.*.url", "listener.url", false},
            {"web.hook.headers.*", "web.hook.headers.content-type", true},
            {"web.hook.headers.*", "web.hook.headers.a.b.c", true},
            {"web.hook.headers.*", "web.hook.headers", false},
            {"web.hook.headers.*", "web.hook.headers.", false},
            {"a.b", "a.b", true},
            {"a.b", "a.bc", false},
            {"a.b", "a", false},
            {"*", "anything.at.all", true},
            {"*", "", false},
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(c.pattern) + " and " + c.key, c.match,
                                         key(c.pattern).matches(c.key));
    }

    void prefersExactKeysAndThenLongerPatterns()
    {
        const Schema schema({key("*"), key("a.*"), key("a.b.*"), key("a.b.c")});
        CPPUNIT_ASSERT_EQUAL(std::string("a.b.c"), schema.find("a.b.c")->key);
        CPPUNIT_ASSERT_EQUAL(std::string("a.b.*"), schema.find("a.b.d")->key);
        CPPUNIT_ASSERT_EQUAL(std::string("a.*"), schema.find("a.c")->key);
        CPPUNIT_ASSERT_EQUAL(std::string("*"), schema.find("b")->key);
    }

    void suggestsTheNearestKey()
    {
        const Schema schema({key("log.level"), key("log.file"), key("num_taskq_thread")});
        CPPUNIT_ASSERT_EQUAL(std::string_view("log.level"), schema.nearest("log.levle"));
        CPPUNIT_ASSERT_EQUAL(std::string_view("num_taskq_thread"),
                             schema.nearest("num_taskq_threads"));
        CPPUNIT_ASSERT_EQUAL(std::string_view(), schema.nearest("something.else.entirely"));
        CPPUNIT_ASSERT_EQUAL(std::string_view(), schema.nearest(std::string(1'000, 'x')));
    }

    void readsEveryFieldOfTheJsonForm()
    {
        const Schema schema = Schema::fromJson("demo", R"({"keys": {
            "demo.pool":    {"type": "integer", "min": 1, "max": 256, "default": "32",
                             "description": "Senders."},
            "demo.timeout": {"type": "duration", "min": "100ms", "max": "1m", "default": "5",
                             "unit": "s", "unlimited": true},
            "demo.bytes":   {"type": "size", "min": "64KB", "max": 1048576},
            "demo.code":    {"type": "choice", "choices": ["plain", "base64"]},
            "demo.key":     {"type": "text", "secret": true},
            "demo.ssl":     {"type": "text", "unused": "has no effect"}}})");
        const SchemaKey& pool = *schema.find("demo.pool");
        CPPUNIT_ASSERT(pool.type == ConfigType::Integer);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{256}, pool.maximum);
        CPPUNIT_ASSERT_EQUAL(std::string("32"), pool.defaultText);
        CPPUNIT_ASSERT_EQUAL(std::string("Senders."), pool.description);
        const SchemaKey& timeout = *schema.find("demo.timeout");
        CPPUNIT_ASSERT_EQUAL(std::int64_t{100}, timeout.minimum);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{60'000}, timeout.maximum);
        CPPUNIT_ASSERT_EQUAL(std::string("s"), timeout.unit);
        CPPUNIT_ASSERT(timeout.unlimited);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{65'536}, schema.find("demo.bytes")->minimum);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, schema.find("demo.code")->choices.size());
        CPPUNIT_ASSERT(schema.find("demo.key")->secret);
        CPPUNIT_ASSERT(schema.find("demo.ssl")->use == KeyUse::Unused);
        CPPUNIT_ASSERT_EQUAL(std::string("has no effect"), schema.find("demo.ssl")->note);
    }

    void keepsTheOrderOfKeys()
    {
        const Schema schema =
            Schema::fromJson("demo", R"({"keys": {"demo.z": {"type": "text"}, "demo.enable":
                        {"type": "bool", "default": "true"}, "demo.a": {"type": "text"}}})");
        CPPUNIT_ASSERT_EQUAL(std::string("demo.z"), schema.keys()[0].key);
        CPPUNIT_ASSERT_EQUAL(std::string("demo.a"), schema.keys()[2].key);
    }

    void addsTheUsualSwitch()
    {
        const Schema schema = Schema::fromJson("demo", R"({"keys": {}})");
        CPPUNIT_ASSERT_EQUAL(std::string("demo.enable"), schema.switchKey());
        CPPUNIT_ASSERT_EQUAL(std::string("true"), schema.find("demo.enable")->defaultText);
    }

    void takesTheSwitchThatIsDeclared()
    {
        const Schema schema = Schema::fromJson("webhook", R"({"switch": "web.hook.enable",
                           "keys": {"web.hook.enable": {"type": "bool", "default": "false"}}})");
        CPPUNIT_ASSERT_EQUAL(std::string("web.hook.enable"), schema.switchKey());
        CPPUNIT_ASSERT(schema.find("webhook.enable") == nullptr);
    }

    void refusesASchemaThatMakesNoSense()
    {
        struct Case
        {
            const char* json;
            const char* refusal;
        };
        static constexpr Case cases[] = {
            {"", "schema of demo: unexpected end of text"},
            {"[]", "schema of demo is not a JSON object"},
            {"{}", "schema of demo: there is no object 'keys'"},
            {R"({"keys": []})", "schema of demo: there is no object 'keys'"},
            {R"({"keys": {}, "kyes": 1})", "schema of demo: unknown field 'kyes'"},
            {R"({"keys": {"a": 1}})", "schema of demo: key 'a' is not described by an object"},
            {R"({"keys": {"a": {}}})",
             "schema of demo: key 'a': 'type' is ''; expected text, bool, integer, number, "
             "duration, size, choice, list or json"},
            {R"({"keys": {"a": {"type": "text", "defualt": "x"}}})",
             "schema of demo: key 'a': unknown field 'defualt'"},
            {R"({"keys": {"a": {"type": "integer", "default": 5}}})",
             "schema of demo: key 'a': 'default' is not a string"},
            {R"({"keys": {"a": {"type": "integer", "max": 4, "default": "5"}}})",
             "schema of demo: key 'a': 'default': expected a whole number from 0 to 4, found '5'"},
            {R"({"keys": {"a": {"type": "integer", "min": 5, "max": 4}}})",
             "schema of demo: key 'a': 'min' is above 'max'"},
            {R"({"keys": {"a": {"type": "duration", "min": "soon"}}})",
             "schema of demo: key 'a': 'min' is 'soon', which is no value of this key"},
            {R"({"keys": {"a": {"type": "integer", "min": true}}})",
             "schema of demo: key 'a': 'min' is neither a whole number nor a string"},
            {R"({"keys": {"a": {"type": "choice"}}})",
             "schema of demo: key 'a': a choice needs 'choices'"},
            {R"({"keys": {"a": {"type": "choice", "choices": "b"}}})",
             "schema of demo: key 'a': 'choices' is not an array"},
            {R"({"keys": {"a": {"type": "text", "secret": "yes"}}})",
             "schema of demo: key 'a': 'secret' is neither true nor false"},
            {R"({"switch": "x.enable", "keys": {}})",
             "schema of demo: the switch 'x.enable' is not among the keys"},
            {R"({"switch": "x", "keys": {"x": {"type": "text"}}})",
             "schema of demo: the switch 'x' is no bool"},
            {R"({"switch": "x", "keys": {"x": {"type": "bool"}}})",
             "schema of demo: the switch 'x' has no default"},
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.json, std::string(c.refusal), refusalOf(c.json));
        CPPUNIT_ASSERT_EQUAL(std::string("schema of demo is longer than 1MB"),
                             refusalOf(std::string(Schema::kMaximumJsonBytes + 1, ' ')));
        CPPUNIT_ASSERT_EQUAL(std::string("schema of demo: Maximum depth exceeded"),
                             refusalOf(std::string(100'000, '[')));
    }

    void checksValuesAndNeverShowsSecrets()
    {
        struct Case
        {
            ConfigType type;
            const char* value;
            const char* refusal; // nullptr: accepted
        };
        static const Case cases[] = {
            {ConfigType::Text, "", nullptr},
            {ConfigType::Boolean, "on", nullptr},
            {ConfigType::Boolean, "", "expected true or false, found nothing"},
            {ConfigType::Integer, "7", nullptr},
            {ConfigType::Integer, "x", "expected a whole number from 0 to 1000, found 'x'"},
            {ConfigType::Number, "7.5", nullptr},
            {ConfigType::Number, "x", "expected a number from 0 to 1000, found 'x'"},
            {ConfigType::Size, "1KB",
             "expected a size such as 64KB or 4MB, from 0B to 1000B, found '1KB'"},
            {ConfigType::Duration, "500ms", nullptr},
            {ConfigType::Duration, "2s",
             "expected a duration such as 10s, 5m or 500ms, from 0s to 1s, found '2s'"},
            {ConfigType::List, "a, b", nullptr},
            {ConfigType::List, "a, c", "expected a or b as items of the list, found 'a, c'"},
            {ConfigType::List, "a,,b",
             "expected a list with one comma between items, found 'a,,b'"},
            {ConfigType::Choice, "b", nullptr},
            {ConfigType::Choice, "c", "expected a or b, found 'c'"},
            {ConfigType::Json, R"({"a": [1]})", nullptr},
            {ConfigType::Json, "[]", nullptr},
            {ConfigType::Json, "5", "expected a JSON object or array, found '5'"},
            {ConfigType::Json, "{",
             "expected a JSON object or array (unexpected end of text), found '{'"},
        };
        for (const auto& c : cases)
        {
            SchemaKey described = key("a");
            described.type = c.type;
            described.maximum = 1'000;
            described.choices = {"a", "b"};
            const auto refusal = described.refuse(c.value);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.value, std::string(c.refusal ? c.refusal : "accepted"),
                                         refusal.value_or("accepted"));
        }

        SchemaKey secret = key("a");
        secret.type = ConfigType::Integer;
        secret.secret = true;
        CPPUNIT_ASSERT(secret.refuse("pass word")->find("pass word") == std::string::npos);
        SchemaKey longOne = key("a");
        longOne.type = ConfigType::Integer;
        CPPUNIT_ASSERT(longOne.refuse(std::string(10'000, 'x'))->size() < 200);
    }

    void leavesAPluginWithoutSchemaToItself()
    {
        const Schema schema = Schema::openFor("demo");
        CPPUNIT_ASSERT_EQUAL(std::string("demo.enable"), schema.switchKey());
        CPPUNIT_ASSERT(schema.find("demo.anything")->use == KeyUse::Used);
        CPPUNIT_ASSERT(schema.find("other.key")->use == KeyUse::FileOnly);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SchemaTest);

} // namespace nanomq::test
