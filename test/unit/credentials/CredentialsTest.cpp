#include "credentials/PasswordFile.h"
#include "credentials/Penalties.h"
#include "support/TemporaryFolder.h"

#include <Poco/Exception.h>

#include <cppunit/extensions/HelperMacros.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>

namespace
{

using namespace credentials;
using namespace std::chrono_literals;

std::string unhex(std::string_view digits)
{
    std::string out;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
        out += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
    return out;
}

std::string contents(const std::string& path)
{
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

void write(const std::string& path, std::string_view text, mode_t mode = 0600)
{
    std::ofstream(path) << text;
    CPPUNIT_ASSERT_EQUAL(0, ::chmod(path.c_str(), mode));
}

/// What a call throws, as text.
template <class Call> std::string refusal(Call call)
{
    try
    {
        call();
    }
    catch (const Poco::Exception& wrong)
    {
        return wrong.displayText();
    }
    return {};
}

void assertContains(const std::string& name, const std::string& text, const std::string& part)
{
    CPPUNIT_ASSERT_MESSAGE(name + ": \"" + text + "\" has no \"" + part + '"',
                           text.find(part) != std::string::npos);
}

Record cheap(Scheme scheme)
{
    Record form;
    form.scheme = scheme;
    form.iterations = kMinimumIterations;
    form.logN = 10;
    return form;
}

class CredentialsTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(CredentialsTest);
    CPPUNIT_TEST(hashesAsTheStandardsSay);
    CPPUNIT_TEST(recordsSurviveTheirText);
    CPPUNIT_TEST(verifiesTheRightPasswordOnly);
    CPPUNIT_TEST(refusesRecordsThatAreMalformedOrCostTooMuch);
    CPPUNIT_TEST(base64IsTakenInItsOneFormOnly);
    CPPUNIT_TEST(readsOursAndNanoMQsUsers);
    CPPUNIT_TEST(refusesFilesThatAreNotInOrder);
    CPPUNIT_TEST(refusesFilesThatOthersCanChange);
    CPPUNIT_TEST(editsOneUserAndLeavesTheRest);
    CPPUNIT_TEST(makesAFileThatOnlyItsOwnerReads);
    CPPUNIT_TEST(leavesTheOldFileWhenItCannotBeReplaced);
    CPPUNIT_TEST(wrongPasswordsWaitLongerAndLonger);
    CPPUNIT_TEST(penaltiesAreBounded);
    CPPUNIT_TEST_SUITE_END();

public:
    void hashesAsTheStandardsSay()
    {
        // RFC 7914 §11: PBKDF2-HMAC-SHA-256, the first 32 bytes.
        CPPUNIT_ASSERT(pbkdf2Sha256("passwd", "salt", 1) ==
                       unhex("55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"));
        CPPUNIT_ASSERT(pbkdf2Sha256("Password", "NaCl", 80'000) ==
                       unhex("4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"));
        // RFC 4231 §4.3.
        CPPUNIT_ASSERT(hmacSha256("Jefe", "what do ya want for nothing?") ==
                       unhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
        // RFC 7914 §12: scrypt, the first 32 bytes.
        Record scrypt;
        scrypt.scheme = Scheme::Scrypt;
        scrypt.logN = 10;
        scrypt.r = 8;
        scrypt.p = 16;
        scrypt.salt = "NaCl";
        scrypt.hash = unhex("fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162");
        CPPUNIT_ASSERT(verify(scrypt, "password"));
    }

    void recordsSurviveTheirText()
    {
        for (const Scheme scheme : {Scheme::Pbkdf2Sha256, Scheme::Scrypt, Scheme::ScramSha256})
        {
            const Record made = makeRecord("secret", cheap(scheme));
            std::string why;
            const auto read = Record::parse(made.text(), why);
            CPPUNIT_ASSERT_MESSAGE(made.text() + ": " + why, read.has_value());
            CPPUNIT_ASSERT_EQUAL(made.text(), read->text());
            CPPUNIT_ASSERT(verify(*read, "secret"));
        }
    }

    void verifiesTheRightPasswordOnly()
    {
        for (const Scheme scheme : {Scheme::Pbkdf2Sha256, Scheme::Scrypt, Scheme::ScramSha256})
        {
            const Record record = makeRecord("secret", cheap(scheme));
            for (const char* wrong : {"", "secreT", "secret ", "secre"})
                CPPUNIT_ASSERT_MESSAGE(wrong, !verify(record, wrong));
            // Salted: the same password, another hash.
            CPPUNIT_ASSERT(makeRecord("secret", cheap(scheme)).hash != record.hash);
        }
        Record plain;
        plain.scheme = Scheme::Plain;
        plain.hash = "public";
        CPPUNIT_ASSERT(verify(plain, "public"));
        CPPUNIT_ASSERT(!verify(plain, "publi"));
        CPPUNIT_ASSERT(!verify(plain, ""));
    }

    void refusesRecordsThatAreMalformedOrCostTooMuch()
    {
        const std::string salt = toBase64(std::string(16, 's'));
        const std::string hash = toBase64(std::string(32, 'h'));
        struct Case
        {
            std::string name, text, why;
        };
        const Case cases[] = {
            {"empty", "", "expected $pbkdf2"},
            {"unknown scheme", "$md5$i=5000$" + salt + "$" + hash, "expected $pbkdf2"},
            {"no hash", "$pbkdf2-sha256$i=5000$" + salt, "part"},
            {"one part more", "$pbkdf2-sha256$i=5000$" + salt + "$" + hash + "$x", "part"},
            {"text before it", "x$pbkdf2-sha256$i=5000$" + salt + "$" + hash, "part"},
            {"few iterations", "$pbkdf2-sha256$i=4095$" + salt + "$" + hash, "i=4096"},
            {"endless iterations", "$pbkdf2-sha256$i=10000001$" + salt + "$" + hash, "i=4096"},
            {"no number", "$pbkdf2-sha256$i=5000x$" + salt + "$" + hash, "i=4096"},
            {"scrypt of 512 MiB", "$scrypt$ln=19,r=8,p=1$" + salt + "$" + hash, "256 MiB"},
            {"scrypt without p", "$scrypt$ln=15,r=8$" + salt + "$" + hash, "256 MiB"},
            {"short salt", "$pbkdf2-sha256$i=5000$" + toBase64("1234567") + "$" + hash, "salt"},
            {"salt that is none", "$pbkdf2-sha256$i=5000$***$" + hash, "salt"},
            {"short hash", "$pbkdf2-sha256$i=5000$" + salt + "$" + salt, "hash"},
            {"SCRAM without ServerKey", "$scram-sha-256$i=5000$" + salt + "$" + hash, "part"},
            {"SCRAM with half a key", "$scram-sha-256$i=5000$" + salt + "$" + hash + "$" + salt,
             "hash"},
        };
        for (const auto& c : cases)
        {
            std::string why;
            CPPUNIT_ASSERT_MESSAGE(c.name, !Record::parse(c.text, why));
            assertContains(c.name, why, c.why);
        }
    }

    void base64IsTakenInItsOneFormOnly()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("Zm9vYg=="), toBase64("foob"));
        CPPUNIT_ASSERT(fromBase64("Zm9vYg==") == "foob");
        for (const char* wrong : {"", "Zm9vYg", "Zm9vYg=", "Zm9vYh==", "Zm9v Yg=", "Zm9vY===", "===="})
            CPPUNIT_ASSERT_MESSAGE(wrong, !fromBase64(wrong));
    }

    void readsOursAndNanoMQsUsers()
    {
        const std::string text = "\xEF\xBB\xBF# people\r\n\nalice:" +
                                 makeRecord("a", cheap(Scheme::Pbkdf2Sha256)).text() +
                                 "\r\nb:o:b:" + makeRecord("b", cheap(Scheme::ScramSha256)).text() +
                                 "\nauth.1.login = admin\nauth.1.password=public";
        const auto file = PasswordFile::parse(text, "users");
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, file.users().size());
        CPPUNIT_ASSERT(verify(file.users().at("alice"), "a"));
        CPPUNIT_ASSERT(verify(file.users().at("b:o:b"), "b"));
        CPPUNIT_ASSERT(verify(file.users().at("admin"), "public"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, file.warnings().size());
        assertContains("warning", file.warnings()[0], "plain text");
    }

    void refusesFilesThatAreNotInOrder()
    {
        const std::string good = "alice:" + makeRecord("a", cheap(Scheme::Pbkdf2Sha256)).text();
        struct Case
        {
            std::string name, text, why;
        };
        const Case cases[] = {
            {"empty", "", "f: has no users"},
            {"comments only", "# nobody\n\n", "f: has no users"},
            {"no hash", "alice", "f:1: expected"},
            {"plain password", good + "\nbob:secret", "f:2: expected"},
            {"truncated", "\n" + good.substr(0, good.size() - 9), "f:2: "},
            {"no name", good.substr(5), "f:1: a user name of no characters"},
            {"twice", good + "\n" + good, "f:2: the user 'alice' stands here twice"},
            {"login alone", "auth.1.login=a", "f:1: auth.1 has no password"},
            {"password alone", "auth.1.password=a", "f:1: auth.1 has no login"},
            {"empty password", "auth.1.login=a\nauth.1.password=", "f:2: auth.1.password has no"},
            {"login twice", "auth.1.login=a\nauth.1.login=b", "f:2: auth.1.login stands here twice"},
            {"other key", "auth.x.login=a", "f:1: expected"},
            {"user in both forms", good + "\nauth.1.login=alice\nauth.1.password=x", "twice"},
        };
        for (const auto& c : cases)
            assertContains(c.name, refusal([&] { PasswordFile::parse(c.text, "f"); }), c.why);
        // The message must not show what may be a password.
        const auto shown = refusal([&] { PasswordFile::parse("bob:secret", "f"); });
        CPPUNIT_ASSERT(shown.find("secret") == std::string::npos);
    }

    void refusesFilesThatOthersCanChange()
    {
        const nanomq::test::TemporaryFolder folder;
        const std::string path = folder / "users";
        assertContains("absent", refusal([&] { PasswordFile::read(path); }), "cannot be read");
        std::filesystem::create_directory(folder / "dir");
        assertContains("folder", refusal([&] { PasswordFile::read(folder / "dir"); }),
                       "no regular file");
        write(path, "a:" + makeRecord("a", cheap(Scheme::Pbkdf2Sha256)).text(), 0620);
        assertContains("group", refusal([&] { PasswordFile::read(path); }), "changed by others");
        ::chmod(path.c_str(), 0602);
        assertContains("others", refusal([&] { PasswordFile::read(path); }), "chmod 600");
        ::chmod(path.c_str(), 0644);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, PasswordFile::read(path).warnings().size());
        ::chmod(path.c_str(), 0600);
        CPPUNIT_ASSERT(PasswordFile::read(path).warnings().empty());
        if (::geteuid() != 0) return; // only root can give a file away
        CPPUNIT_ASSERT_EQUAL(0, ::chown(path.c_str(), 12'345, 0));
        assertContains("owner", refusal([&] { PasswordFile::read(path); }), "another user");
    }

    void editsOneUserAndLeavesTheRest()
    {
        const nanomq::test::TemporaryFolder folder;
        const std::string path = folder / "users";
        const std::string bob = "bob:" + makeRecord("b", cheap(Scheme::Pbkdf2Sha256)).text();
        write(path, "# head\n" + bob + "\n\n# tail\n");
        const Record first = makeRecord("one", cheap(Scheme::Pbkdf2Sha256));
        editPasswordFile(path, "alice", &first);
        CPPUNIT_ASSERT_EQUAL("# head\n" + bob + "\n\n# tail\nalice:" + first.text() + "\n",
                             contents(path));
        const Record second = makeRecord("two", cheap(Scheme::ScramSha256));
        editPasswordFile(path, "bob", &second);
        CPPUNIT_ASSERT_EQUAL("# head\nbob:" + second.text() + "\n\n# tail\nalice:" + first.text() +
                                 "\n",
                             contents(path));
        editPasswordFile(path, "bob", nullptr);
        CPPUNIT_ASSERT_EQUAL("# head\n\n# tail\nalice:" + first.text() + "\n", contents(path));
        assertContains("nobody", refusal([&] { editPasswordFile(path, "bob", nullptr); }),
                       "no user 'bob'");
        for (const char* name : {"", "#a", "a\nb", " a"})
            CPPUNIT_ASSERT_MESSAGE(name, !refusal([&] {
                                              editPasswordFile(path, name, &first);
                                          }).empty());
        CPPUNIT_ASSERT_EQUAL("# head\n\n# tail\nalice:" + first.text() + "\n", contents(path));
    }

    void makesAFileThatOnlyItsOwnerReads()
    {
        const nanomq::test::TemporaryFolder folder;
        const std::string path = folder / "users";
        const Record record = makeRecord("a", cheap(Scheme::Pbkdf2Sha256));
        editPasswordFile(path, "alice", &record);
        struct stat status = {};
        CPPUNIT_ASSERT_EQUAL(0, ::stat(path.c_str(), &status));
        CPPUNIT_ASSERT_EQUAL(mode_t{0600}, status.st_mode & 0777);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, PasswordFile::read(path).users().size());
        // A file that others could read is replaced by one that they cannot.
        ::chmod(path.c_str(), 0644);
        editPasswordFile(path, "bob", &record);
        CPPUNIT_ASSERT_EQUAL(0, ::stat(path.c_str(), &status));
        CPPUNIT_ASSERT_EQUAL(mode_t{0600}, status.st_mode & 0777);
    }

    void leavesTheOldFileWhenItCannotBeReplaced()
    {
        const nanomq::test::TemporaryFolder folder;
        const Record record = makeRecord("a", cheap(Scheme::Pbkdf2Sha256));
        const std::string missing = folder / "no" / "users";
        assertContains("no folder", refusal([&] { editPasswordFile(missing, "a", &record); }),
                       "cannot be replaced");
        std::filesystem::create_directory(folder / "dir");
        assertContains("a folder", refusal([&] { editPasswordFile(folder / "dir", "a", &record); }),
                       "no regular file");
        // Nothing is left behind.
        std::size_t entries = 0;
        for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path()))
            ++entries;
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, entries);
    }

    void wrongPasswordsWaitLongerAndLonger()
    {
        Penalties penalties(1s, 8s);
        auto now = Penalties::Clock::now();
        for (const auto expected : {1s, 2s, 4s, 8s, 8s})
            CPPUNIT_ASSERT(penalties.wrong("192.0.2.1", "alice", now) == expected);
        // Another address, another user: an attacker locks nobody out.
        CPPUNIT_ASSERT(penalties.wrong("192.0.2.2", "alice", now) == 1s);
        CPPUNIT_ASSERT(penalties.wrong("192.0.2.1", "bob", now) == 1s);
        penalties.right("192.0.2.1", "alice");
        CPPUNIT_ASSERT(penalties.wrong("192.0.2.1", "alice", now) == 1s);
        now += 6min;
        CPPUNIT_ASSERT(penalties.wrong("192.0.2.1", "alice", now) == 1s);
    }

    void penaltiesAreBounded()
    {
        Penalties penalties(1s, 8s);
        const auto now = Penalties::Clock::now();
        penalties.wrong("a", "first", now);
        for (std::size_t i = 0; i < Penalties::kEntries; ++i)
            penalties.wrong("a", std::to_string(i), now);
        CPPUNIT_ASSERT(penalties.wrong("a", "first", now) == 1s); // made room for the others
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CredentialsTest);

} // namespace
