#include "ScramServer.h"
#include "support/ScramClient.h"

#include <cppunit/extensions/HelperMacros.h>

namespace
{

using namespace auth_scram;
using nanomq::test::ScramClient;

credentials::Record recordOf(std::string_view password, std::string_view salt, std::uint32_t iterations)
{
    credentials::Record record;
    record.scheme = credentials::Scheme::ScramSha256;
    record.iterations = iterations;
    record.salt = salt;
    const auto salted = credentials::pbkdf2Sha256(password, salt, iterations);
    record.hash = credentials::sha256(credentials::hmacSha256(salted, "Client Key"));
    record.serverKey = credentials::hmacSha256(salted, "Server Key");
    return record;
}

class ScramServerTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(ScramServerTest);
    CPPUNIT_TEST(speaksAsTheExampleOfRfc7677);
    CPPUNIT_TEST(everyChangedBitOfTheProofIsRefused);
    CPPUNIT_TEST(refusesClientFinalMessagesThatDoNotFit);
    CPPUNIT_TEST(readsClientFirstMessages);
    CPPUNIT_TEST(refusesClientFirstMessages);
    CPPUNIT_TEST(exchangeSurvivesItsText);
    CPPUNIT_TEST_SUITE_END();

public:
    void speaksAsTheExampleOfRfc7677() // §3
    {
        const auto record = recordOf("pencil", *credentials::fromBase64("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096);
        auto first = ClientFirst::parse("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        CPPUNIT_ASSERT(first.has_value());
        const auto exchange =
            begin(std::move(*first), record, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
        CPPUNIT_ASSERT_EQUAL(std::string("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                                         "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
                             exchange.serverFirst);
        const auto last = finish(exchange, record,
                                 "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                                 "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        CPPUNIT_ASSERT(last.has_value());
        CPPUNIT_ASSERT_EQUAL(std::string("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), *last);
    }

    void everyChangedBitOfTheProofIsRefused()
    {
        const auto record = recordOf("pencil", "saltsalt", 4096);
        ScramClient client("user", "pencil");
        const auto exchange = begin(*ClientFirst::parse(client.first()), record, "abc");
        const std::string good = client.final(exchange.serverFirst);
        CPPUNIT_ASSERT(finish(exchange, record, good).has_value());
        const auto at = good.find(",p=") + 3;
        const std::string proof = *credentials::fromBase64(std::string_view(good).substr(at));
        for (std::size_t bit = 0; bit < proof.size() * 8; ++bit)
        {
            std::string changed = proof;
            changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
            CPPUNIT_ASSERT(
                !finish(exchange, record, good.substr(0, at) + credentials::toBase64(changed)));
        }
    }

    void refusesClientFinalMessagesThatDoNotFit()
    {
        const auto record = recordOf("pencil", "saltsalt", 4096);
        ScramClient client("user", "pencil");
        const auto exchange = begin(*ClientFirst::parse(client.first()), record, "abc");
        const std::string good = client.final(exchange.serverFirst);
        const auto replaced = [&](std::string_view what, std::string_view with) {
            std::string text = good;
            return text.replace(text.find(what), what.size(), with);
        };
        const std::pair<const char*, std::string> cases[] = {
            {"empty", ""},
            {"no proof", good.substr(0, good.find(",p="))},
            {"empty proof", good.substr(0, good.find(",p=") + 3)},
            {"short proof", good.substr(0, good.size() - 4)},
            {"no base64", good.substr(0, good.size() - 1) + "*"},
            {"another binding", replaced("c=biws", "c=eSws")},
            {"no binding", replaced("c=biws,", "")},
            {"the client's nonce alone", replaced("abc,p", ",p")},
            {"another nonce", replaced("abc,p", "abd,p")},
            {"an extension", replaced(",p=", ",x=y,p=")},
        };
        for (const auto& [name, message] : cases)
            CPPUNIT_ASSERT_MESSAGE(name, !finish(exchange, record, message));
        // Somebody else's password, and somebody else's record.
        ScramClient guesses("user", "pencils");
        CPPUNIT_ASSERT(!finish(exchange, record, guesses.final(exchange.serverFirst)));
        CPPUNIT_ASSERT(!finish(exchange, recordOf("other", "saltsalt", 4096), good));
    }

    void readsClientFirstMessages()
    {
        const auto first = ClientFirst::parse("y,,n=a=2Cb=3Dc,r=x");
        CPPUNIT_ASSERT(first.has_value());
        CPPUNIT_ASSERT_EQUAL(std::string("a,b=c"), first->user);
        CPPUNIT_ASSERT_EQUAL(std::string("y,,"), first->gs2Header);
        CPPUNIT_ASSERT_EQUAL(std::string("n=a=2Cb=3Dc,r=x"), first->bare);
    }

    void refusesClientFirstMessages()
    {
        for (const char* wrong :
             {"", "n", "n,", "n,,", "n,,n=u", "n,,n=u,r=", "n,,n=,r=x", "n,,r=x,n=u", "n,,n=u,r=x,e=1",
              "p=tls-unique,,n=u,r=x", "n,a=admin,n=u,r=x", "n,,m=ext,n=u,r=x", "x,,n=u,r=x",
              "n,,n=a=2c,r=x", "n,,n=a=,r=x", "n,,n=u,r=a b", "n=u,r=x", "n,,n=u,r=\x7f"})
            CPPUNIT_ASSERT_MESSAGE(wrong, !ClientFirst::parse(wrong));
    }

    void exchangeSurvivesItsText()
    {
        const auto record = recordOf("pencil", "saltsalt", 4096);
        const auto exchange = begin(*ClientFirst::parse("n,,n=a\nb,r=x"), record, "abc");
        const auto read = Exchange::parse(exchange.text());
        CPPUNIT_ASSERT(read.has_value());
        CPPUNIT_ASSERT_EQUAL(std::string("a\nb"), read->first.user);
        CPPUNIT_ASSERT_EQUAL(exchange.serverFirst, read->serverFirst);
        CPPUNIT_ASSERT(!Exchange::parse(""));
        CPPUNIT_ASSERT(!Exchange::parse("what another mechanism keeps"));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ScramServerTest);

} // namespace
