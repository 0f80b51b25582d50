#include "config/ConfTexts.h"

#include <Poco/Exception.h>

#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace nanomq
{

namespace fs = std::filesystem;

namespace
{

constexpr mode_t kNewMode = 0640;

bool isConfName(const std::string& name)
{
    return name.ends_with(".conf") && !name.starts_with('.');
}

[[noreturn]] void fail(const std::string& path)
{
    throw Poco::FileException(path + ": " + std::strerror(errno));
}

/// Writes a text to a new file on the disk, with the mode and owner of the one it will replace.
void writeBeside(const std::string& path, const std::string& text, const std::string& old)
{
    struct stat status = {};
    const bool replaces = ::stat(old.c_str(), &status) == 0;
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                            kNewMode);
    if (file < 0) fail(path);
    bool done = true;
    for (std::size_t at = 0; done && at < text.size();)
    {
        const ssize_t written = ::write(file, text.data() + at, text.size() - at);
        if (written < 0 && errno == EINTR) continue;
        done = written > 0;
        if (done) at += static_cast<std::size_t>(written);
    }
    if (done && replaces) done = ::fchmod(file, status.st_mode & 07777) == 0;
    // Not ours to give away unless we are root; then it stays ours.
    if (done && replaces && ::fchown(file, status.st_uid, status.st_gid) != 0 && errno != EPERM)
        done = false;
    done = done && ::fsync(file) == 0;
    const int error = errno;
    ::close(file);
    errno = error;
    if (!done) fail(path);
}

/// Removes what was written beside, unless it has become the file.
class Drafts
{
public:
    ~Drafts()
    {
        for (const auto& [draft, file] : _drafts) ::unlink(draft.c_str());
    }
    void add(std::string draft, std::string file)
    {
        _drafts.emplace_back(std::move(draft), std::move(file));
    }
    void publish()
    {
        while (!_drafts.empty())
        {
            const auto& [draft, file] = _drafts.back();
            if (::rename(draft.c_str(), file.c_str()) != 0) fail(file);
            _drafts.pop_back();
        }
    }

private:
    std::vector<std::pair<std::string, std::string>> _drafts;
};

} // namespace

ConfTexts ConfTexts::read(const std::string& folder)
{
    ConfTexts texts;
    if (!fs::exists(folder)) return texts;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error))
    {
        const std::string name = entry.path().filename();
        if (!isConfName(name)) continue;
        std::ifstream file(entry.path(), std::ios::binary);
        std::string text(std::istreambuf_iterator<char>(file), {});
        if (!file.is_open() || file.bad()) fail(entry.path());
        texts._files.emplace(name, std::move(text));
    }
    if (error) throw Poco::FileException(folder + ": " + error.message());
    return texts;
}

void ConfTexts::write(const std::string& folder) const
{
    fs::create_directories(folder);
    const ConfTexts before = read(folder);
    Drafts drafts;
    for (const auto& [name, text] : _files)
    {
        const auto there = before._files.find(name);
        if (there != before._files.end() && there->second == text) continue;
        const std::string file = (fs::path(folder) / name).string();
        const std::string draft = (fs::path(folder) / ('.' + name + ".new")).string();
        drafts.add(draft, file);
        writeBeside(draft, text, file);
    }
    drafts.publish();
    for (const auto& [name, text] : before._files)
        if (!_files.contains(name) && ::unlink((fs::path(folder) / name).c_str()) != 0)
            fail((fs::path(folder) / name).string());
}

} // namespace nanomq
