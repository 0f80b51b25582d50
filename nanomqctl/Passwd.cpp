#include "Options.h"
#include "Shell.h"
#include "Verbs.h"
#include "credentials/PasswordFile.h"

#include <openssl/crypto.h>

#include <cstdio>
#include <iostream>
#include <termios.h>
#include <unistd.h>

namespace nanomq::ctl
{

namespace
{

constexpr std::size_t kLongestPassword = 65'535; // what CONNECT can carry

/// A secret that does not stay in memory.
struct Secret
{
    ~Secret() { OPENSSL_cleanse(text.data(), text.size()); }
    std::string text;
};

/// The terminal without echo, as long as this lives.
class Silence
{
public:
    Silence() : _silent(::tcgetattr(STDIN_FILENO, &_before) == 0)
    {
        termios now = _before;
        now.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        if (_silent) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &now);
    }
    ~Silence()
    {
        if (_silent) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &_before);
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

private:
    termios _before{};
    const bool _silent;
};

void readLine(Secret& into)
{
    into.text.reserve(kLongestPassword + 1);
    for (int c = std::getchar(); c != EOF && c != '\n'; c = std::getchar())
    {
        if (into.text.size() == kLongestPassword)
            throw Failure("the password has more than 65,535 bytes");
        into.text += static_cast<char>(c);
    }
    if (into.text.ends_with('\r')) into.text.pop_back();
    if (into.text.empty()) throw Failure("the password is empty");
}

void prompt(const std::string& words, Secret& into)
{
    std::cerr << words << std::flush;
    const Silence silence;
    readLine(into);
    std::cerr << '\n';
}

void askPassword(const Options& options, const std::string& user, Secret& password)
{
    if (options.has("password-stdin")) return readLine(password);
    if (!::isatty(STDIN_FILENO))
        throw Failure("standard input is no terminal; with --password-stdin the password is its "
                      "first line");
    Secret again;
    prompt("Password for " + user + ": ", password);
    prompt("Again: ", again);
    if (!credentials::sameBytes(password.text, again.text))
        throw Failure("the two passwords are not the same");
}

credentials::Record formOf(const Options& options)
{
    using credentials::Scheme;
    credentials::Record form;
    if (options.has("scram") && options.has("scrypt"))
        throw UsageError("--scram and --scrypt exclude each other");
    if (options.has("scram")) form.scheme = Scheme::ScramSha256;
    if (options.has("scrypt")) form.scheme = Scheme::Scrypt;
    if (options.has("iterations") && form.scheme == Scheme::Scrypt)
        throw UsageError("--iterations means nothing for scrypt");
    const auto usual = form.scheme == Scheme::ScramSha256 ? credentials::kScramIterations
                                                          : credentials::kPbkdf2Iterations;
    form.iterations = static_cast<std::uint32_t>(
        options.number("iterations", usual, credentials::kMinimumIterations,
                       credentials::kMaximumIterations));
    return form;
}

Poco::JSON::Object::Ptr described(const std::string& file, const std::string& user,
                                  const char* what)
{
    auto object = makeObject();
    object->set("file", file);
    object->set("user", user);
    object->set("done", what);
    return object;
}

} // namespace

int passwdVerb(const Arguments& arguments)
{
    Options options("passwd [OPTION]... FILE USER",
                    "Puts a user's password, hashed, into a password file, or takes the user out. "
                    "The file is made when it is not there, with mode 0600. Asks no broker; plugins "
                    "read the file when they are reloaded.");
    options.flag("delete", "D", "take the user out")
        .flag("password-stdin", "", "the password is the first line of standard input")
        .flag("scram", "", "for SCRAM-SHA-256; does for plain passwords, too")
        .flag("scrypt", "", "hash with scrypt instead of PBKDF2-HMAC-SHA-256")
        .value("iterations", "", "COUNT", "of PBKDF2 (210000; --scram: 100000)");
    options.parse(arguments);
    if (options.has("help")) return std::cout << options.help(), 0;
    options.noWordsBeyond(2);
    const std::string file = options.word(0, "a file");
    const std::string user = options.word(1, "a user name");
    if (const auto why = credentials::whyNoUserName(user); !why.empty())
        throw UsageError(why + " cannot stand in a password file");
    const Shell shell(options);

    if (options.has("delete"))
    {
        credentials::editPasswordFile(file, user, nullptr);
        shell.tell(user + " is out of " + file, described(file, user, "deleted"));
        return 0;
    }
    const credentials::Record form = formOf(options);
    Secret password;
    askPassword(options, user, password);
    const credentials::Record record = credentials::makeRecord(password.text, form);
    credentials::editPasswordFile(file, user, &record);
    shell.tell(user + " has a new password in " + file, described(file, user, "set"));
    return 0;
}

} // namespace nanomq::ctl
