#pragma once

#include "credentials/Record.h"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace credentials
{

/// The users of a password file: lines `USER:$pbkdf2-sha256$…`, as `nanomqctl passwd` writes them,
/// or NanoMQ's pairs `auth.1.login=USER` and `auth.1.password=PLAIN`. Empty lines and lines that
/// begin with '#' are skipped.
///
/// A file that is not in order is refused as a whole: Poco::FileException and
/// Poco::DataFormatException tell file, line and what is wrong. Immutable once read. Thread: [any].
class PasswordFile
{
public:
    static constexpr std::size_t kMaximumBytes = std::size_t{64} << 20;
    static constexpr std::size_t kMaximumName = 65'535;

    using Users = std::map<std::string, Record, std::less<>>;

    /// Refuses what is no regular file, belongs to somebody else than the caller or root, is
    /// writable by group or others, is empty of users, names one twice, or has a malformed line.
    static PasswordFile read(const std::string& path);
    /// The same for text. @param name  what messages call the file.
    static PasswordFile parse(std::string_view text, const std::string& name);

    const Users& users() const noexcept { return _users; }
    /// Sentences that an administrator should see, each with file and line.
    const std::vector<std::string>& warnings() const noexcept { return _warnings; }

private:
    Users _users;
    std::vector<std::string> _warnings;
};

/// NanoMQ's numbered pairs `auth.N.login` and `auth.N.password`, from whatever file.
class NanoMQUsers
{
public:
    /// @param where  "file:line". False when `key` is no such key. Throws
    ///               Poco::DataFormatException for a key that came before, or an empty value.
    bool add(std::string_view key, std::string_view value, const std::string& where);
    /// Puts all into `users`. Throws for a pair with one half missing, or a user named before.
    void finish(PasswordFile::Users& users);
    bool empty() const noexcept { return _pairs.empty(); }

private:
    struct Pair
    {
        std::string login, password, where;
    };
    std::map<std::string, Pair, std::less<>> _pairs; // by number
};

/// Why a name cannot stand in a password file; empty when it can.
std::string whyNoUserName(std::string_view name);

/// Puts one user into a password file, in place of the record it had, or (without a record) takes
/// it out; other lines stay as they are. The file is replaced as a whole, by a new one with mode
/// 0600 (an old one's owner is kept where the system allows it), so that whoever reads it sees
/// either the old or the new one. A new file is made for a record. Throws as PasswordFile::read(),
/// and Poco::NotFoundException when there is no such user to take out.
void editPasswordFile(const std::string& path, const std::string& user, const Record* record);

} // namespace credentials
