#include "Access.h"
#include "ApiError.h"
#include "credentials/Record.h"
#include "nanomq/testing.h"
#include "support/TemporaryFolder.h"

#include <Poco/Crypto/RSAKey.h>
#include <Poco/Exception.h>
#include <Poco/JWT/Token.h>
#include <Poco/Timestamp.h>

#include <cppunit/extensions/HelperMacros.h>

#include <fstream>
#include <sys/stat.h>

namespace rest_api::test
{

namespace sdk = nanomq::sdk;

/// Basic and JWT, and the configuration they come from.
class AccessTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(AccessTest);
    CPPUNIT_TEST(knowsUsersOfTheFileWithTheirRoles);
    CPPUNIT_TEST(refusesAWhileAfterAWrongPassword);
    CPPUNIT_TEST(refusesTheWellKnownPasswordBeyondLoopback);
    CPPUNIT_TEST(takesTokensWithTheDocumentedClaims);
    CPPUNIT_TEST(refusesTokensThatAreNot);
    CPPUNIT_TEST(limitsRequestsOfOneAddress);
    CPPUNIT_TEST(reportsAllThatIsWrongWithTheConfiguration);
    CPPUNIT_TEST_SUITE_END();

    static Settings settingsOf(const std::string& text)
    {
        sdk::testing::FakeConfig config(text);
        return Settings::read(config);
    }
    static Request requestWith(const std::string& authorization)
    {
        Request::Pairs headers;
        if (!authorization.empty()) headers.emplace_back("authorization", authorization);
        return {"GET", "/api/v4", headers, "", "192.0.2.7"};
    }
    static std::string basic(const std::string& user, const std::string& password)
    {
        return "Basic " + credentials::toBase64(user + ":" + password);
    }
    /// Status and code, "200" when it went well.
    static std::string login(Access& access, const std::string& authorization)
    {
        auto request = requestWith(authorization);
        try
        {
            access.login(request);
            return "200";
        }
        catch (const ApiError& error)
        {
            return std::to_string(error.status) + "/" + std::to_string(static_cast<int>(error.code));
        }
    }
    static std::string cheapHash(const std::string& password)
    {
        credentials::Record form;
        form.iterations = credentials::kMinimumIterations;
        return credentials::makeRecord(password, form).text();
    }

    using KeyPtr = Poco::SharedPtr<Poco::Crypto::RSAKey>;

    nanomq::test::TemporaryFolder _folder;

public:
    void knowsUsersOfTheFileWithTheirRoles()
    {
        const std::string file = (_folder / "users").string();
        std::ofstream(file) << "grafana:" << cheapHash("look") << "\nops:" << cheapHash("act") << '\n';
        CPPUNIT_ASSERT_EQUAL(0, ::chmod(file.c_str(), 0600));
        Access access(settingsOf("http_server.username=root\nhttp_server.password=" + cheapHash("secret") +
                                 "\nhttp_server.users_file=" + file +
                                 "\nhttp_server.role.grafana=reader\nhttp_server.role.ops=operator\n"));
        struct Case
        {
            const char* user;
            const char* password;
            sdk::HttpRole role;
        };
        for (const auto& c : {Case{"root", "secret", sdk::HttpRole::Admin},
                              Case{"grafana", "look", sdk::HttpRole::Reader},
                              Case{"ops", "act", sdk::HttpRole::Operator}})
            for (int again = 0; again < 2; ++again) // the second time from memory
            {
                auto request = requestWith(basic(c.user, c.password));
                access.login(request);
                CPPUNIT_ASSERT(request.role() == c.role);
                CPPUNIT_ASSERT_EQUAL(std::string(c.user), std::string(request.user().view()));
            }
        CPPUNIT_ASSERT_EQUAL(std::string("401/104"), login(access, ""));
        CPPUNIT_ASSERT_EQUAL(std::string("401/103"), login(access, "Bearer x"));
        CPPUNIT_ASSERT_EQUAL(std::string("401/103"), login(access, "Basic ???"));
        CPPUNIT_ASSERT_EQUAL(std::string("401/104"), login(access, basic("", "x")));
    }

    void refusesAWhileAfterAWrongPassword()
    {
        Access access(settingsOf("http_server.delay.min=1h\nhttp_server.delay.max=1h\n"));
        CPPUNIT_ASSERT_EQUAL(std::string("401/103"), login(access, basic("nobody", "x")));
        CPPUNIT_ASSERT_EQUAL(std::string("429/103"), login(access, basic("nobody", "x")));
        CPPUNIT_ASSERT_EQUAL(std::string("401/103"), login(access, basic("admin", "x")));
        CPPUNIT_ASSERT_EQUAL_MESSAGE("the right one does not help now", std::string("429/103"),
                                     login(access, basic("admin", "public")));
    }

    void refusesTheWellKnownPasswordBeyondLoopback()
    {
        CPPUNIT_ASSERT_THROW(settingsOf("http_server.ip_addr=0.0.0.0\n"), Poco::DataFormatException);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, settingsOf("").warnings.size());
        const auto other = settingsOf("http_server.ip_addr=0.0.0.0\nhttp_server.password=other\n");
        CPPUNIT_ASSERT_EQUAL_MESSAGE("plain text", std::size_t{1}, other.warnings.size());
        const auto hashed = settingsOf("http_server.ip_addr=0.0.0.0\nhttp_server.password=" + cheapHash("x"));
        CPPUNIT_ASSERT(hashed.warnings.empty());
    }

    void takesTokensWithTheDocumentedClaims()
    {
        const KeyPtr key = newKey();
        Access access(jwtSettings());
        Poco::JWT::Token token = soundToken();
        token.setSubject("robot");
        token.payload().set("role", "operator");
        auto request = requestWith("Bearer " + Poco::JWT::Signer(key).sign(token, "RS256"));
        access.login(request);
        CPPUNIT_ASSERT_EQUAL(std::string("robot"), std::string(request.user().view()));
        CPPUNIT_ASSERT(request.role() == sdk::HttpRole::Operator);

        token.payload().set("exp", now() - 100); // within the tolerance
        CPPUNIT_ASSERT_EQUAL(std::string("200"),
                             login(access, "Bearer " + Poco::JWT::Signer(key).sign(token, "RS256")));
    }

    void refusesTokensThatAreNot()
    {
        const KeyPtr key = newKey();
        Access access(jwtSettings());
        const auto with = [&](const char* claim, const Poco::Dynamic::Var& value) {
            Poco::JWT::Token token = soundToken();
            token.payload().set(claim, value);
            return login(access, "Bearer " + Poco::JWT::Signer(key).sign(token, "RS256"));
        };
        CPPUNIT_ASSERT_EQUAL(std::string("401/116"), with("exp", now() - 1'000));
        CPPUNIT_ASSERT_EQUAL(std::string("401/103"), with("exp", "soon"));
        CPPUNIT_ASSERT_EQUAL(std::string("401/103"), with("nbf", now() + 1'000));
        CPPUNIT_ASSERT_EQUAL(std::string("401/103"), with("iss", "somebody"));
        CPPUNIT_ASSERT_EQUAL(std::string("401/103"), with("role", "emperor"));
        CPPUNIT_ASSERT_EQUAL(std::string("400/108"), with("bodyEncode", 1));
        Poco::JWT::Token token = soundToken();
        token.payload().remove("exp");
        CPPUNIT_ASSERT_EQUAL(std::string("401/116"),
                             login(access, "Bearer " + Poco::JWT::Signer(key).sign(token, "RS256")));
        token = soundToken();
        CPPUNIT_ASSERT_EQUAL_MESSAGE("signed by nobody we know", std::string("401/103"),
                                     login(access, "Bearer " + Poco::JWT::Signer("secret").sign(token, "HS256")));
        const KeyPtr other(new Poco::Crypto::RSAKey(
            Poco::Crypto::RSAKey::KL_1024, Poco::Crypto::RSAKey::EXP_LARGE));
        CPPUNIT_ASSERT_EQUAL(std::string("401/103"),
                             login(access, "Bearer " + Poco::JWT::Signer(other).sign(token, "RS256")));
        for (const char* text : {"", "x", "a.b.c", "e30.e30.", "eyJhbGciOiJub25lIn0.e30."})
            CPPUNIT_ASSERT_EQUAL_MESSAGE(text, std::string("401/103"),
                                         login(access, std::string("Bearer ") + text));
    }

    void limitsRequestsOfOneAddress()
    {
        RateLimit limit(2);
        const auto start = Access::Clock::now();
        CPPUNIT_ASSERT(limit.take("a", start));
        CPPUNIT_ASSERT(limit.take("a", start));
        CPPUNIT_ASSERT(!limit.take("a", start));
        CPPUNIT_ASSERT(limit.take("b", start));
        CPPUNIT_ASSERT(limit.take("a", start + std::chrono::seconds(1)));
    }

    void reportsAllThatIsWrongWithTheConfiguration()
    {
        try
        {
            settingsOf("http_server.ip_addr=nowhere\nhttp_server.port=70000\n"
                       "http_server.request_timeout=soon\nhttp_server.auth_type=jwt\n");
            CPPUNIT_FAIL("it was taken");
        }
        catch (const Poco::DataFormatException& error)
        {
            for (const char* part : {"test.conf:1: http_server.ip_addr", "test.conf:2: http_server.port",
                                     "test.conf:3: http_server.request_timeout",
                                     "http_server.jwt.public.keyfile"})
                CPPUNIT_ASSERT_MESSAGE(error.message(), error.message().find(part) != std::string::npos);
        }
    }

private:
    static Poco::Int64 now() { return Poco::Timestamp().epochTime(); }
    Poco::JWT::Token soundToken() const
    {
        Poco::JWT::Token token;
        token.setIssuer("api.pub.pem");
        token.payload().set("exp", now() + 1'000);
        return token;
    }
    KeyPtr newKey()
    {
        KeyPtr key(new Poco::Crypto::RSAKey(Poco::Crypto::RSAKey::KL_1024,
                                                               Poco::Crypto::RSAKey::EXP_LARGE));
        key->save((_folder / "api.pub.pem").string());
        return key;
    }
    Settings jwtSettings() const
    {
        return settingsOf("http_server.auth_type=jwt\nhttp_server.jwt.public.keyfile=" +
                          (_folder / "api.pub.pem").string() + "\n");
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AccessTest);

} // namespace rest_api::test
