#include "AnswerReader.h"

#include <cppunit/extensions/HelperMacros.h>

namespace
{

using namespace auth_http;
using namespace std::chrono_literals;
using Is = Decision::Kind;

http::Answer answerOf(int status, std::string body = {}, http::Headers headers = {})
{
    return {http::Answer::Outcome::Answered,
            "answered",
            status,
            std::move(headers),
            std::move(body),
            false};
}

class AnswerReaderTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(AnswerReaderTest);
    CPPUNIT_TEST(only200AllowsAsInNanoMQ);
    CPPUNIT_TEST(statusSaysWhyNotAsInEmqx4);
    CPPUNIT_TEST(bodyMayHaveNoOpinionAsInEmqx4);
    CPPUNIT_TEST(jsonDecidesAsInEmqx5);
    CPPUNIT_TEST(loginBringsGrantsAlongAsInEmqx5);
    CPPUNIT_TEST(whatCannotBeReadIsAnError);
    CPPUNIT_TEST(noAnswerIsAnError);
    CPPUNIT_TEST(cacheControlIsHeard);
    CPPUNIT_TEST_SUITE_END();

public:
    void only200AllowsAsInNanoMQ()
    {
        for (const int status : {200, 201, 204, 301, 400, 401, 403, 404, 429, 500})
        {
            const auto decision =
                decisionOf(Dialect::NanoMQ, Kind::Login, answerOf(status, "ignore"));
            CPPUNIT_ASSERT(decision.kind == (status == 200 ? Is::Allow : Is::Deny));
            CPPUNIT_ASSERT_EQUAL(status == 200 ? 0 : 0x87, int{decision.reason});
        }
        for (const int status : {502, 503, 504})
        {
            const auto decision = decisionOf(Dialect::NanoMQ, Kind::Login, answerOf(status));
            CPPUNIT_ASSERT(decision.kind == Is::Error);
            CPPUNIT_ASSERT_EQUAL(0x87, int{decision.reason});
        }
    }

    void statusSaysWhyNotAsInEmqx4()
    {
        const struct
        {
            int status, reason;
        } cases[] = {{400, 0x86}, {401, 0x86}, {403, 0x87}, {429, 0x8A},
                     {503, 0x88}, {504, 0x89}, {500, 0x88}, {404, 0x88}};
        for (const auto& c : cases)
        {
            const auto decision = decisionOf(Dialect::Emqx4, Kind::Login, answerOf(c.status));
            CPPUNIT_ASSERT(decision.kind == (c.status >= 502 ? Is::Error : Is::Deny));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(std::to_string(c.status), c.reason, int{decision.reason});
        }
        CPPUNIT_ASSERT_EQUAL(0x87,
                             int{decisionOf(Dialect::Emqx4, Kind::Rights, answerOf(400)).reason});
    }

    void bodyMayHaveNoOpinionAsInEmqx4()
    {
        for (const Kind kind : {Kind::Login, Kind::Rights})
        {
            CPPUNIT_ASSERT(decisionOf(Dialect::Emqx4, kind, answerOf(200, "ignore\n")).kind ==
                           Is::Ignore);
            CPPUNIT_ASSERT(decisionOf(Dialect::Emqx4, kind, answerOf(200, "ignored")).kind ==
                           Is::Allow);
            CPPUNIT_ASSERT(decisionOf(Dialect::Emqx4, kind, answerOf(403, "ignore")).kind ==
                           Is::Deny);
        }
    }

    void jsonDecidesAsInEmqx5()
    {
        const struct
        {
            int status;
            const char* body;
            Is kind;
        } cases[] = {
            {204, "", Is::Allow},
            {200, R"({"result":"allow"})", Is::Allow},
            {200, R"({"result":"deny"})", Is::Deny},
            {200, R"({"result":"ignore"})", Is::Ignore},
            {200, R"({})", Is::Ignore},
            {403, R"({"result":"allow"})", Is::Ignore},
            {500, "", Is::Ignore},
            {503, "", Is::Error},
        };
        for (const auto& c : cases)
            for (const Kind kind : {Kind::Login, Kind::Rights})
                CPPUNIT_ASSERT_MESSAGE(
                    c.body,
                    decisionOf(Dialect::Emqx5, kind, answerOf(c.status, c.body)).kind == c.kind);
    }

    void loginBringsGrantsAlongAsInEmqx5()
    {
        const auto decision = decisionOf(Dialect::Emqx5, Kind::Login,
                                         answerOf(200, R"({"result":"allow","is_superuser":true,
                           "expire_at":4102444800,"client_attrs":{"a":"b"},
                           "acl":[{"permission":"allow","action":"publish","topic":"a/#"}]})"));
        CPPUNIT_ASSERT(decision.kind == Is::Allow);
        CPPUNIT_ASSERT(decision.grant.superuser);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{4'102'444'800}, decision.grant.expiresAt);
        CPPUNIT_ASSERT(decision.grant.rights);

        const auto expired = decisionOf(Dialect::Emqx5, Kind::Login,
                                        answerOf(200, R"({"result":"allow","expire_at":1})"));
        CPPUNIT_ASSERT(expired.kind == Is::Deny);
        const auto plain = decisionOf(Dialect::Emqx5, Kind::Rights,
                                      answerOf(200, R"({"result":"allow","is_superuser":true})"));
        CPPUNIT_ASSERT(plain.grant.empty());
    }

    void whatCannotBeReadIsAnError()
    {
        for (const char* body :
             {"", "ok", "[]", "{\"result\":\"alow\"}", "{\"result\":\"allow\",\"acl\":{}}",
              R"({"result":"allow","acl":[{"permission":"maybe","topic":"a"}]})",
              R"({"result":"allow","acl":[{"permission":"allow"}]})",
              R"({"result":"allow","acl":["all"]})",
              R"({"result":"allow","expire_at":"tomorrow"})"})
        {
            const auto decision = decisionOf(Dialect::Emqx5, Kind::Login, answerOf(200, body));
            CPPUNIT_ASSERT_MESSAGE(body, decision.kind == Is::Error);
            CPPUNIT_ASSERT_MESSAGE(body, decision.grant.empty());
        }
        CPPUNIT_ASSERT(
            decisionOf(Dialect::Emqx5, Kind::Login, answerOf(200, std::string(60'000, '['))).kind ==
            Is::Error);
        auto cut = answerOf(200, R"({"result":"allow"})");
        cut.bodyCut = true;
        CPPUNIT_ASSERT(decisionOf(Dialect::Emqx5, Kind::Login, cut).kind == Is::Error);
    }

    void noAnswerIsAnError()
    {
        for (const auto outcome : {http::Answer::Outcome::Failed, http::Answer::Outcome::TimedOut,
                                   http::Answer::Outcome::Cancelled})
            for (const Dialect dialect : {Dialect::NanoMQ, Dialect::Emqx4, Dialect::Emqx5})
            {
                auto answer = answerOf(200);
                answer.outcome = outcome;
                const auto decision = decisionOf(dialect, Kind::Login, answer);
                CPPUNIT_ASSERT(decision.kind == Is::Error);
                CPPUNIT_ASSERT_EQUAL(0x88, int{decision.reason});
                CPPUNIT_ASSERT(isFailure(answer));
            }
        CPPUNIT_ASSERT(!isFailure(answerOf(500)));
    }

    void cacheControlIsHeard()
    {
        const struct
        {
            const char* header;
            std::optional<std::chrono::milliseconds> lifetime, stale;
        } cases[] = {
            {"max-age=60", 60s, {}},
            {"private, Max-Age=5 , stale-if-error=600", 5s, 600s},
            {"no-store", 0ms, {}},
            {"max-age=60, no-cache", 0ms, {}},
            {"no-store, max-age=60", 0ms, {}},
            {"max-age=-1", {}, {}},
            {"max-age=x, must-revalidate,,", {}, {}},
            {"max-age=99999999999", 720h, {}},
            {"", {}, {}},
        };
        for (const auto& c : cases)
        {
            const auto decision = decisionOf(Dialect::NanoMQ, Kind::Login,
                                             answerOf(200, "", {{"cache-control", c.header}}));
            CPPUNIT_ASSERT_MESSAGE(c.header, decision.lifetime == c.lifetime);
            CPPUNIT_ASSERT_MESSAGE(c.header, decision.staleFor == c.stale);
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AnswerReaderTest);

} // namespace
