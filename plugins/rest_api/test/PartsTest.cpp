#include "ApiError.h"
#include "PublishProperties.h"
#include "Request.h"
#include "TopicTree.h"

#include <cppunit/extensions/HelperMacros.h>

namespace rest_api::test
{

/// Parts of the API that need no broker.
class PartsTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(PartsTest);
    CPPUNIT_TEST(topicTreeHasLevelsWithChildrenAndClients);
    CPPUNIT_TEST(topicTreeKeepsEmptyAndOddLevelsApart);
    CPPUNIT_TEST(topicTreeStopsAtItsLimit);
    CPPUNIT_TEST(requestDecodesPathAndQuery);
    CPPUNIT_TEST(requestRefusesWhatCannotBeMeant);
    CPPUNIT_TEST(propertiesAreEncodedAsThePacketHasThem);
    CPPUNIT_TEST_SUITE_END();

    class Text final : public Reply::Sink
    {
    public:
        void begin(int, const Reply::Headers&, std::optional<std::size_t>) override {}
        void send(std::string_view body) override { all += body; }
        std::string all;
    };
    static std::string written(TopicTree& tree)
    {
        Text text;
        Reply reply(text);
        tree.write(reply, "clientid");
        reply.finish();
        return text.all;
    }

public:
    void topicTreeHasLevelsWithChildrenAndClients()
    {
        TopicTree tree;
        for (const auto& [filter, id] : {std::pair{"a/b", "2"}, {"a", "1"}, {"a/b", "1"}, {"a/c/d", "1"},
                                         {"a-x", "1"}})
            CPPUNIT_ASSERT(tree.add(filter, id));
        CPPUNIT_ASSERT_EQUAL(
            std::string("[[{\"topic\":\"\",\"cld_cnt\":2}],"
                        "[{\"topic\":\"a\",\"cld_cnt\":2,\"clientid\":[\"1\"]},"
                        "{\"topic\":\"a-x\",\"cld_cnt\":0,\"clientid\":[\"1\"]}],"
                        "[{\"topic\":\"b\",\"cld_cnt\":0,\"clientid\":[\"1\",\"2\"]},{\"topic\":\"c\",\"cld_cnt\":1}],"
                        "[{\"topic\":\"d\",\"cld_cnt\":0,\"clientid\":[\"1\"]}]]"),
            written(tree));
    }

    void topicTreeKeepsEmptyAndOddLevelsApart()
    {
        TopicTree none;
        CPPUNIT_ASSERT_EQUAL(std::string("[[{\"topic\":\"\",\"cld_cnt\":0}]]"), written(none));
        TopicTree tree;
        tree.add("/a", "1");
        tree.add("/", "1");
        tree.add("b\"/", "1");
        CPPUNIT_ASSERT_EQUAL(
            std::string("[[{\"topic\":\"\",\"cld_cnt\":2}],"
                        "[{\"topic\":\"\",\"cld_cnt\":2},{\"topic\":\"b\\\"\",\"cld_cnt\":1}],"
                        "[{\"topic\":\"\",\"cld_cnt\":0,\"clientid\":[\"1\"]},"
                        "{\"topic\":\"a\",\"cld_cnt\":0,\"clientid\":[\"1\"]},"
                        "{\"topic\":\"\",\"cld_cnt\":0,\"clientid\":[\"1\"]}]]"),
            written(tree));
    }

    void topicTreeStopsAtItsLimit()
    {
        TopicTree tree;
        const std::string filter(60'000, 'a');
        std::size_t taken = 0;
        while (taken < 10'000 && tree.add(filter, "1")) ++taken;
        CPPUNIT_ASSERT(tree.truncated());
        CPPUNIT_ASSERT(taken <= TopicTree::kMaximumBytes / filter.size());
    }

    void requestDecodesPathAndQuery()
    {
        const Request request("GET", "/a%20b/?x=1+2&x=3&y=%2B&&z", {{"Accept", "all"}}, "", "::1");
        CPPUNIT_ASSERT_EQUAL(std::string("/a b"), request.pathText());
        CPPUNIT_ASSERT_EQUAL(std::string("1 2"), *request.queryText("x"));
        CPPUNIT_ASSERT_EQUAL(std::string("+"), *request.queryText("y"));
        CPPUNIT_ASSERT_EQUAL(std::string(), *request.queryText("z"));
        CPPUNIT_ASSERT(!request.queryText("w"));
        CPPUNIT_ASSERT_EQUAL(std::string("all"), *request.headerText("accept"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, Request("GET", "/?n=3", {}, "", "").number("n", 1, 1, 5));
    }

    void requestRefusesWhatCannotBeMeant()
    {
        for (const std::string& target :
             {std::string(), std::string("*"), std::string("http://x/"), std::string("/%"),
              std::string("/%0"), std::string("/%gg"), std::string("/%00"), std::string("/%a1"),
              std::string("/\xA1"),
              "/" + std::string(Request::kMaximumTarget, 'a')})
            CPPUNIT_ASSERT_THROW_MESSAGE(target, Request("GET", target, {}, "", ""), ApiError);
        std::string query = "/?";
        for (std::size_t i = 0; i <= Request::kMaximumQuery; ++i) query += "a&";
        CPPUNIT_ASSERT_THROW(Request("GET", query, {}, "", ""), ApiError);
        for (const char* number : {"x", "0", "6", "-1", "1.5", "99999999999999999999", ""})
            CPPUNIT_ASSERT_THROW_MESSAGE(
                number, Request("GET", std::string("/?n=") + number, {}, "", "").number("n", 1, 1, 5),
                ApiError);
        CPPUNIT_ASSERT_THROW(parseJson(std::string(40, '[') + std::string(40, ']')), ApiError);
    }

    void propertiesAreEncodedAsThePacketHasThem()
    {
        const auto encoded = [](const std::string& json) {
            return PublishProperties(parseJson(json).extract<Poco::JSON::Object::Ptr>()).encoded();
        };
        CPPUNIT_ASSERT_EQUAL(std::string(), PublishProperties({}).encoded());
        CPPUNIT_ASSERT_EQUAL(std::string("\x01\x01\x02\x00\x00\x01\x00", 7),
                             encoded(R"({"payload_format_indicator":1,"message_expiry_interval":256})"));
        CPPUNIT_ASSERT_EQUAL(std::string("\x03\x00\x01t\x26\x00\x01k\x00\x01v", 11),
                             encoded(R"({"content_type":"t","user_properties":{"k":"v"},)"
                                     R"("subscription_identifier":5})"));
        for (const char* json : {R"({"bogus":1})", R"({"payload_format_indicator":2})",
                                 R"({"message_expiry_interval":-1})", R"({"user_properties":[]})",
                                 R"({"subscription_identifier":268435456})"})
            CPPUNIT_ASSERT_THROW_MESSAGE(json, encoded(json), ApiError);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PartsTest);

} // namespace rest_api::test
