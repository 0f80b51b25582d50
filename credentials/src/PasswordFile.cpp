#include "credentials/PasswordFile.h"

#include <Poco/Exception.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace credentials
{

namespace
{

class Descriptor
{
public:
    explicit Descriptor(int number) noexcept : _number(number) {}
    ~Descriptor() { close(); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    operator int() const noexcept { return _number; }
    int close() noexcept
    {
        const int number = std::exchange(_number, -1);
        return number < 0 ? 0 : ::close(number);
    }

private:
    int _number;
};

[[noreturn]] void fail(const std::string& path, const std::string& what)
{
    throw Poco::FileException(path + ": " + what);
}

std::string systemError()
{
    return std::strerror(errno);
}

struct Contents
{
    std::string text;
    struct stat status = {};
};

Contents readAll(const std::string& path)
{
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file < 0) fail(path, "cannot be read: " + systemError());
    Contents contents;
    if (::fstat(file, &contents.status) != 0) fail(path, "cannot be read: " + systemError());
    if (!S_ISREG(contents.status.st_mode)) fail(path, "is no regular file");
    char buffer[16'384];
    while (true)
    {
        const auto got = ::read(file, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail(path, "cannot be read: " + systemError());
        if (got == 0) return contents;
        contents.text.append(buffer, static_cast<std::size_t>(got));
        if (contents.text.size() > PasswordFile::kMaximumBytes)
            fail(path, "has more than 64 MiB");
    }
}

std::string_view trimmed(std::string_view text) noexcept
{
    const auto first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// Calls visit(line, number) for each line, without its end.
template <class Visit> void forEachLine(std::string_view text, Visit visit)
{
    for (unsigned number = 1; !text.empty(); ++number)
    {
        const auto end = text.find('\n');
        visit(text.substr(0, end), number);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
}

bool isComment(std::string_view line) noexcept
{
    return line.empty() || line.front() == '#';
}

/// A line of ours: the user, and the hash behind the last ':', which no hash has in it.
std::optional<std::pair<std::string_view, std::string_view>> userAndHash(std::string_view line)
{
    const auto colon = line.rfind(':');
    if (colon == std::string_view::npos || !line.substr(colon + 1).starts_with('$'))
        return std::nullopt;
    return std::pair(line.substr(0, colon), line.substr(colon + 1));
}

void writeAll(int file, std::string_view text, const std::string& path)
{
    while (!text.empty())
    {
        const auto put = ::write(file, text.data(), text.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) fail(path, "cannot be written: " + systemError());
        text.remove_prefix(static_cast<std::size_t>(put));
    }
}

/// A file beside `path` that takes its place, or goes away.
class Replacement
{
public:
    explicit Replacement(const std::string& path)
        : _path(path), _name(path + ".XXXXXX"), _file(::mkostemp(_name.data(), O_CLOEXEC))
    {
        if (_file < 0) fail(_path, "cannot be replaced: " + systemError());
    }
    ~Replacement()
    {
        if (!_done) ::unlink(_name.c_str());
    }
    Replacement(const Replacement&) = delete;
    Replacement& operator=(const Replacement&) = delete;

    /// Makes it the file. @param old  the one before; null: there was none.
    void commit(std::string_view text, const struct stat* old)
    {
        writeAll(_file, text, _name);
        if (::fchmod(_file, 0600) != 0) fail(_name, systemError());
        // A broker with a user of its own must go on reading what root edits.
        if (old && ::geteuid() == 0 && ::fchown(_file, old->st_uid, old->st_gid) != 0)
            fail(_name, "cannot keep the owner of " + _path + ": " + systemError());
        if (::fsync(_file) != 0 || _file.close() != 0 ||
            ::rename(_name.c_str(), _path.c_str()) != 0)
            fail(_path, "cannot be replaced: " + systemError());
        _done = true;
    }

private:
    const std::string _path;
    std::string _name;
    Descriptor _file;
    bool _done = false;
};

} // namespace

std::string whyNoUserName(std::string_view name)
{
    if (name.empty()) return "a user name of no characters";
    if (name.size() > PasswordFile::kMaximumName) return "a user name of more than 65,535 bytes";
    if (name.front() == '#') return "a user name that begins with '#'";
    if (std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }))
        return "a user name with a control character";
    if (trimmed(name) != name) return "a user name with blanks around it";
    return {};
}

bool NanoMQUsers::add(std::string_view key, std::string_view value, const std::string& where)
{
    if (!key.starts_with("auth.")) return false;
    const auto dot = key.find('.', 5);
    if (dot == std::string_view::npos) return false;
    const auto number = key.substr(5, dot - 5);
    const auto field = key.substr(dot + 1);
    const bool isNumber = !number.empty() && number.size() < 10 &&
                          std::all_of(number.begin(), number.end(),
                                      [](char c) { return c >= '0' && c <= '9'; });
    if (!isNumber || (field != "login" && field != "password")) return false;
    Pair& pair = _pairs[std::string(number)];
    std::string& text = field == "login" ? pair.login : pair.password;
    if (!text.empty())
        throw Poco::DataFormatException(where + ": " + std::string(key) + " stands here twice");
    if (value.empty())
        throw Poco::DataFormatException(where + ": " + std::string(key) + " has no value");
    text = value;
    if (pair.where.empty()) pair.where = where;
    return true;
}

void NanoMQUsers::finish(PasswordFile::Users& users)
{
    for (auto& [number, pair] : _pairs)
    {
        const std::string key = "auth." + number;
        if (pair.login.empty() || pair.password.empty())
            throw Poco::DataFormatException(pair.where + ": " + key + " has " +
                                            (pair.login.empty() ? "no login" : "no password"));
        Record record;
        record.scheme = Scheme::Plain;
        record.hash = pair.password;
        if (!users.emplace(pair.login, std::move(record)).second)
            throw Poco::DataFormatException(pair.where + ": the user '" + pair.login +
                                            "' stands here twice");
    }
    _pairs.clear();
}

PasswordFile PasswordFile::parse(std::string_view text, const std::string& name)
{
    PasswordFile file;
    NanoMQUsers plain;
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    forEachLine(text, [&](std::string_view whole, unsigned number) {
        const std::string_view line = trimmed(whole);
        const std::string where = name + ":" + std::to_string(number);
        if (isComment(line)) return;
        if (const auto ours = userAndHash(line))
        {
            std::string why = whyNoUserName(ours->first);
            if (!why.empty()) throw Poco::DataFormatException(where + ": " + why);
            const auto record = Record::parse(ours->second, why);
            if (!record) throw Poco::DataFormatException(where + ": " + why);
            if (!file._users.emplace(ours->first, *record).second)
                throw Poco::DataFormatException(where + ": the user '" +
                                                std::string(ours->first) + "' stands here twice");
            return;
        }
        const auto equals = line.find('=');
        const auto key = trimmed(line.substr(0, equals));
        const auto value = equals == std::string_view::npos ? "" : trimmed(line.substr(equals + 1));
        if (plain.add(key, value, where)) return;
        // Not the line itself: it may hold a password.
        throw Poco::DataFormatException(where + ": expected USER:$SCHEME$… as nanomqctl passwd "
                                                "writes it, or auth.N.login=… and auth.N.password=…");
    });
    if (!plain.empty())
        file._warnings.push_back(name + ": has passwords in plain text; replace them with "
                                        "nanomqctl passwd");
    plain.finish(file._users);
    if (file._users.empty()) throw Poco::DataFormatException(name + ": has no users in it");
    return file;
}

PasswordFile PasswordFile::read(const std::string& path)
{
    const Contents contents = readAll(path);
    const auto& status = contents.status;
    if (status.st_uid != 0 && status.st_uid != ::geteuid())
        fail(path, "belongs to another user (number " + std::to_string(status.st_uid) +
                       "), who could change it; expected this user's or root's");
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        fail(path, "can be changed by others; expected mode 0600: chmod 600 " + path);
    PasswordFile file = parse(contents.text, path);
    if ((status.st_mode & (S_IRGRP | S_IROTH)) != 0)
        file._warnings.push_back(path + ": can be read by others; better: chmod 600 " + path);
    return file;
}

void editPasswordFile(const std::string& path, const std::string& user, const Record* record)
{
    if (const auto why = whyNoUserName(user); !why.empty()) throw Poco::InvalidArgumentException(why);
    std::optional<Contents> old;
    if (record == nullptr || ::access(path.c_str(), F_OK) == 0) old = readAll(path);
    std::string text;
    bool found = false;
    const auto put = [&] {
        if (record && !found) text += user + ":" + record->text() + "\n";
        found = true;
    };
    if (old)
        forEachLine(old->text, [&](std::string_view whole, unsigned) {
            const auto line = trimmed(whole);
            const auto ours = isComment(line) ? std::nullopt : userAndHash(line);
            if (ours && ours->first == user) return put();
            text.append(whole).append("\n");
        });
    if (!found && !record) throw Poco::NotFoundException("no user '" + user + "' in " + path);
    if (!found) put();
    Replacement(path).commit(text, old ? &old->status : nullptr);
}

} // namespace credentials
