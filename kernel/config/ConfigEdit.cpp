#include "config/ConfigEdit.h"

#include "config/ConfigValue.h"

#include <Poco/Exception.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nanomq
{

namespace
{

/// Whether a line sets this key, or would if it were no comment.
bool names(std::string_view line, std::string_view key) noexcept
{
    const auto equals = line.find('=');
    return equals != std::string_view::npos && trimmed(line.substr(0, equals)) == key;
}

[[noreturn]] void fail(const std::string& path, const char* step)
{
    throw Poco::FileException(path + ": " + step + ": " + std::strerror(errno));
}

/// A new file beside another, which goes away unless it takes that one's place.
class Replacement
{
public:
    explicit Replacement(const std::string& path) : _path(path), _temporary(path + ".new")
    {
        _descriptor = ::open(_temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (_descriptor < 0) fail(_temporary, "cannot be written");
    }
    ~Replacement()
    {
        if (_descriptor < 0) return;
        ::close(_descriptor);
        ::unlink(_temporary.c_str());
    }
    Replacement(const Replacement&) = delete;
    Replacement& operator=(const Replacement&) = delete;

    void write(std::string_view text)
    {
        while (!text.empty())
        {
            const ssize_t written = ::write(_descriptor, text.data(), text.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) fail(_temporary, "cannot be written");
            text.remove_prefix(static_cast<std::size_t>(written));
        }
    }
    void takePlace()
    {
        struct stat old{};
        const bool exists = ::stat(_path.c_str(), &old) == 0;
        if (exists && ::fchown(_descriptor, old.st_uid, old.st_gid) != 0 && errno != EPERM)
            fail(_temporary, "cannot be given to the file's owner");
        if (::fchmod(_descriptor, exists ? old.st_mode & 07777 : 0640) != 0)
            fail(_temporary, "cannot get the file's mode");
        if (::fsync(_descriptor) != 0) fail(_temporary, "cannot be written");
        if (std::rename(_temporary.c_str(), _path.c_str()) != 0) fail(_path, "cannot be replaced");
        ::close(_descriptor);
        _descriptor = -1;
    }

private:
    const std::string& _path;
    const std::string _temporary;
    int _descriptor;
};

} // namespace

std::string withSetting(std::string_view text, std::string_view key, std::string_view value)
{
    const std::string setting = std::string(key) + " = " + std::string(value) + "\n";
    std::size_t behindComment = std::string_view::npos;
    for (std::size_t begin = 0; begin < text.size();)
    {
        const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
        auto line = trimmed(text.substr(begin, text.find('\n', begin) - begin));
        if (names(line, key))
            return std::string(text.substr(0, begin)) + setting + std::string(text.substr(end));
        if (line.starts_with('#'))
        {
            while (line.starts_with('#') || line.starts_with(' ')) line.remove_prefix(1);
            if (names(line, key)) behindComment = end;
        }
        begin = end;
    }
    std::string result(text.substr(0, behindComment));
    if (!result.empty() && result.back() != '\n') result += '\n';
    result += setting;
    if (behindComment != std::string_view::npos) result += text.substr(behindComment);
    return result;
}

void replaceFile(const std::string& path, std::string_view text)
{
    Replacement replacement(path);
    replacement.write(text);
    replacement.takePlace();
}

} // namespace nanomq
