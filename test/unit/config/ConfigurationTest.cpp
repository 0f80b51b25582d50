#include "config/Configuration.h"
#include "Reports.h"

#include <cppunit/extensions/HelperMacros.h>

#include <array>

namespace nanomq::test
{

class ConfigurationTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(ConfigurationTest);
    CPPUNIT_TEST(putsEnvironmentAboveFileAndCommandLineAboveBoth);
    CPPUNIT_TEST(saysWhereAKeyWasSet);
    CPPUNIT_TEST(visitsKeysInTheOrderOfTheFile);
    CPPUNIT_TEST(tellsAllThatTheSchemaRefuses);
    CPPUNIT_TEST(leavesOutWhatTheSchemaRefuses);
    CPPUNIT_TEST(notesKeysWithoutEffectUnlessTheyAreAtTheirDefault);
    CPPUNIT_TEST(refusesKeysThatMustNotBeIgnored);
    CPPUNIT_TEST(suggestsForTheFirstHundredErrorsOnly);
    CPPUNIT_TEST(understandsNanoMqsNamesOfVariables);
    CPPUNIT_TEST(prefersTheNameOfTheKeyToNanoMqs);
    CPPUNIT_TEST(takesFromTheCommandLineWhatAPatternDescribes);
    CPPUNIT_TEST(leavesOverridesToTheFileThatTheyBelongTo);
    CPPUNIT_TEST(reportsOverridesThatNobodyKnows);
    CPPUNIT_TEST(readsTypedValuesAndDefaults);
    CPPUNIT_TEST(readsTheSwitch);
    CPPUNIT_TEST(comparesByValueAndPlace);
    CPPUNIT_TEST_SUITE_END();

    static SchemaKey key(const char* name, ConfigType type = ConfigType::Text,
                         const char* standard = "", KeyUse use = KeyUse::Used)
    {
        SchemaKey key;
        key.key = name;
        key.type = type;
        key.defaultText = standard;
        key.use = use;
        if (use != KeyUse::Used) key.note = "has no effect";
        return key;
    }

    static Schema sample()
    {
        return Schema(
            {key("url"), key("log.level"), key("headers.*"), key("count", ConfigType::Integer, "5"),
             key("parallel", ConfigType::Text, "32", KeyUse::Unused),
             key("tls.enable", ConfigType::Boolean, "false", KeyUse::Unused), key("tls.cacertfile"),
             key("acl.rule.*", ConfigType::Text, "", KeyUse::Refused),
             key("acl_enable", ConfigType::Boolean, "false", KeyUse::Refused),
             key("http_server.*", ConfigType::Text, "", KeyUse::Elsewhere)});
    }

    Configuration load(std::string_view text, const Overrides& overrides = {})
    {
        _report = {};
        const ConfigFile file = ConfigFile::parse("f", text, _report);
        return Configuration::load(file, sample(), overrides, _report);
    }

public:
    void putsEnvironmentAboveFileAndCommandLineAboveBoth()
    {
        const Overrides both({{"NANOMQ_URL", "environment"}, {"NANOMQ_LOG_LEVEL", "debug"}},
                             {{"url", "command line", {}}});
        const Configuration configuration = load("url=file\nlog.level=info\ncount=7\n", both);
        CPPUNIT_ASSERT_EQUAL(std::string_view("command line"), *configuration.text("url"));
        CPPUNIT_ASSERT_EQUAL(std::string_view("debug"), *configuration.text("log.level"));
        CPPUNIT_ASSERT_EQUAL(std::string_view("7"), *configuration.text("count"));
        CPPUNIT_ASSERT(!configuration.text("tls.cacertfile"));
    }

    void saysWhereAKeyWasSet()
    {
        const Overrides both({{"NANOMQ_LOG_LEVEL", "debug"}}, {{"url", "x", {}}});
        const Configuration configuration = load("\ncount=7\n", both);
        CPPUNIT_ASSERT_EQUAL(std::string("f:2"), configuration.where("count"));
        CPPUNIT_ASSERT_EQUAL(std::string("environment NANOMQ_LOG_LEVEL"),
                             configuration.where("log.level"));
        CPPUNIT_ASSERT_EQUAL(std::string("command line"), configuration.where("url"));
        CPPUNIT_ASSERT_EQUAL(std::string("f"), configuration.where("headers.a"));
    }

    void visitsKeysInTheOrderOfTheFile()
    {
        const Overrides added({}, {{"headers.a", "3", {}}, {"headers.z", "new", {}}});
        const Configuration configuration = load("headers.z=1\nurl=x\nheaders.b=2\n", added);
        std::string seen;
        configuration.keys("headers.", [&](const Configuration::Item& item) {
            seen += item.key + '=' + item.value + ' ';
        });
        CPPUNIT_ASSERT_EQUAL(std::string("headers.z=new headers.b=2 headers.a=3 "), seen);
    }

    void tellsAllThatTheSchemaRefuses()
    {
        load("cuont=1\ncount=many\nnobody.knows.this=1\n",
             Overrides({{"NANOMQ_COUNT", "few"}}, {{"count", "none", {}}}));
        CPPUNIT_ASSERT_EQUAL(
            std::string(
                "f:1: cuont: unknown key; did you mean 'count'?\n"
                "f:2: count: expected a whole number of at least 0, found 'many'\n"
                "f:3: nobody.knows.this: unknown key\n"
                "environment NANOMQ_COUNT: count: expected a whole number of at least 0, "
                "found 'few'\n"
                "command line: count: expected a whole number of at least 0, found 'none'\n"),
            lines(_report.errors));
    }

    void leavesOutWhatTheSchemaRefuses()
    {
        const Configuration configuration = load("count=many\nparallel=1\n");
        CPPUNIT_ASSERT(configuration.items().empty());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{5}, Settings(configuration, sample()).integer("count"));
    }

    void notesKeysWithoutEffectUnlessTheyAreAtTheirDefault()
    {
        load("parallel=32\ntls.enable=off\n");
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(_report.notes));
        load("parallel=64\ntls.enable=true\nhttp_server.port=8081\n");
        CPPUNIT_ASSERT_EQUAL(std::string("f:1: parallel: has no effect\n"
                                         "f:2: tls.enable: has no effect\n"
                                         "f:3: http_server.port: has no effect\n"),
                             lines(_report.notes));
        CPPUNIT_ASSERT(_report.ok());
    }

    void refusesKeysThatMustNotBeIgnored()
    {
        load("acl_enable=false\n");
        CPPUNIT_ASSERT(_report.ok());
        load("acl_enable=true\nacl.rule.1={}\n");
        CPPUNIT_ASSERT_EQUAL(std::string("f:1: acl_enable: has no effect\n"
                                         "f:2: acl.rule.1: has no effect\n"),
                             lines(_report.errors));
    }

    void suggestsForTheFirstHundredErrorsOnly()
    {
        std::string text;
        for (int i = 0; i < 200; ++i) text += "count" + std::to_string(i) + "=1\n";
        load(text);
        CPPUNIT_ASSERT_EQUAL(std::size_t{200}, _report.errors.size());
        CPPUNIT_ASSERT_EQUAL(std::string("unknown key; did you mean 'count'?"),
                             _report.errors[99].message);
        CPPUNIT_ASSERT_EQUAL(std::string("unknown key"), _report.errors[100].message);
    }

    void understandsNanoMqsNamesOfVariables()
    {
        const Configuration configuration =
            load("", Overrides({{"NANOMQ_BROKER_URL", "u"}, {"NANOMQ_TLS_CA_CERT_PATH", "c"}}, {}));
        CPPUNIT_ASSERT_EQUAL(std::string_view("u"), *configuration.text("url"));
        CPPUNIT_ASSERT_EQUAL(std::string_view("c"), *configuration.text("tls.cacertfile"));
        CPPUNIT_ASSERT_EQUAL(std::string("environment NANOMQ_BROKER_URL"),
                             configuration.where("url"));
    }

    void prefersTheNameOfTheKeyToNanoMqs()
    {
        const Configuration configuration =
            load("", Overrides({{"NANOMQ_BROKER_URL", "nano"}, {"NANOMQ_URL", "ours"}}, {}));
        CPPUNIT_ASSERT_EQUAL(std::string_view("ours"), *configuration.text("url"));
    }

    void takesFromTheCommandLineWhatAPatternDescribes()
    {
        const Configuration configuration =
            load("", Overrides({}, {{"headers.content-type", "a/b", {}}}));
        CPPUNIT_ASSERT_EQUAL(std::string_view("a/b"), *configuration.text("headers.content-type"));
    }

    void leavesOverridesToTheFileThatTheyBelongTo()
    {
        const Overrides overrides({}, {{"http_server.port", "1", {}}, {"bridge.url", "x", {}}});
        const Configuration configuration = load("", overrides);
        CPPUNIT_ASSERT(configuration.items().empty());
        CPPUNIT_ASSERT(_report.ok() && _report.notes.empty());
    }

    void reportsOverridesThatNobodyKnows()
    {
        const Overrides overrides(
            {{"NANOMQ_URL", "x"}, {"NANOMQ_CONTROL", "x"}, {"NANOMQ_VIN", "x"}, {"HOME", "x"}},
            {{"url", "x", {}},
             {"demo.any", "x", {}},
             {"ulr", "x", {}},
             {"http_server.port", "1", {}},
             {"url", "y", {}}});
        const Schema kernel = sample();
        const Schema plugin = Schema::openFor("demo");
        const std::array<const Schema*, 2> schemas = {&kernel, &plugin};
        ConfigReport report;
        overrides.reportUnclaimed(schemas, report);
        CPPUNIT_ASSERT_EQUAL(
            std::string("command line: ulr: unknown key; did you mean 'url'?\n"
                        "command line: http_server.port: unknown key; did you mean "
                        "'http_server.*'?\n"
                        "command line: url: is given twice\n"),
            lines(report.errors));
        CPPUNIT_ASSERT_EQUAL(
            std::string("environment NANOMQ_VIN: no key goes by this name; ignored\n"),
            lines(report.notes));
    }

    void readsTypedValuesAndDefaults()
    {
        SchemaKey duration = key("duration", ConfigType::Duration, "5s");
        duration.unlimited = true;
        SchemaKey choice = key("choice", ConfigType::Choice, "plain");
        choice.choices = {"plain", "base64"};
        SchemaKey list = key("list", ConfigType::List, "file");
        list.choices = {"file", "console"};
        SchemaKey size = key("size", ConfigType::Size, "1");
        size.unit = "KB";
        const Schema schema({duration, choice, list, size, key("number", ConfigType::Number, "1.5"),
                             key("flag", ConfigType::Boolean, "true"), key("text")});
        const auto loaded = [&](std::string_view text) {
            return Configuration::load(ConfigFile::parse("f", text, _report), schema, {}, _report);
        };
        const Configuration none = loaded("");
        const Settings defaults(none, schema);
        CPPUNIT_ASSERT(defaults.duration("duration") == std::chrono::seconds(5));
        CPPUNIT_ASSERT_EQUAL(std::string("plain"), defaults.text("choice"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1024}, defaults.size("size"));
        CPPUNIT_ASSERT_EQUAL(1.5, defaults.number("number"));
        CPPUNIT_ASSERT(defaults.boolean("flag"));
        CPPUNIT_ASSERT_EQUAL(std::string(), defaults.text("text"));
        CPPUNIT_ASSERT(!defaults.isSet("text"));

        const Configuration some = loaded("duration=unlimited\nchoice=BASE64\nlist=Console, file\n"
                                          "size=2\nnumber=2\nflag=no\ntext=x y\n");
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(_report.errors));
        const Settings settings(some, schema);
        CPPUNIT_ASSERT(settings.duration("duration") == kUnlimitedDuration);
        CPPUNIT_ASSERT_EQUAL(std::string("base64"), settings.text("choice"));
        CPPUNIT_ASSERT((settings.list("list") == std::vector<std::string>{"console", "file"}));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2048}, settings.size("size"));
        CPPUNIT_ASSERT_EQUAL(2.0, settings.number("number"));
        CPPUNIT_ASSERT(!settings.boolean("flag"));
        CPPUNIT_ASSERT_EQUAL(std::string("x y"), settings.text("text"));
        CPPUNIT_ASSERT(settings.isSet("text"));
    }

    void readsTheSwitch()
    {
        const Schema schema = Schema::openFor("demo");
        const auto isOn = [&](std::string_view text) {
            const ConfigFile file = ConfigFile::parse("f", text, _report);
            return isSwitchedOn(Configuration::load(file, schema, {}, _report), schema);
        };
        CPPUNIT_ASSERT(isOn(""));
        CPPUNIT_ASSERT(!isOn("demo.enable=false"));
        CPPUNIT_ASSERT(isOn("demo.enable=maybe"));
        CPPUNIT_ASSERT(!_report.ok());
    }

    void comparesByValueAndPlace()
    {
        CPPUNIT_ASSERT(load("url=a\n") == load("url=a\n"));
        CPPUNIT_ASSERT(load("url=a\n") != load("url=b\n"));
    }

private:
    ConfigReport _report;
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConfigurationTest);

} // namespace nanomq::test
