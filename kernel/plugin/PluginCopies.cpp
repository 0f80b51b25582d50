#include "plugin/PluginCopies.h"

#include <Poco/Exception.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <utility>

namespace nanomq
{

namespace fs = std::filesystem;

namespace
{

bool writeAll(int descriptor, ByteView bytes)
{
    while (!bytes.empty())
    {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return true;
}

/// Folders of processes that do not exist any more, and the one of our own number.
void removeLeftovers(const fs::path& live)
{
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(live, ignored))
    {
        const std::string name = entry.path().filename();
        if (name.find_first_not_of("0123456789") != std::string::npos || name.size() > 9) continue;
        const auto process = static_cast<pid_t>(std::stol(name));
        const bool ours = process == ::getpid();
        const bool alive = ::kill(process, 0) == 0 || errno != ESRCH;
        if (ours || !alive) fs::remove_all(entry.path(), ignored);
    }
}

} // namespace

PluginCopy::PluginCopy(PluginCopy&& other) noexcept
    : _path(std::exchange(other._path, {})),
      _descriptor(std::exchange(other._descriptor, -1))
{
}

PluginCopy& PluginCopy::operator=(PluginCopy&& other) noexcept
{
    std::swap(_path, other._path);
    std::swap(_descriptor, other._descriptor);
    return *this;
}

PluginCopy::~PluginCopy()
{
    if (_descriptor >= 0) ::close(_descriptor);
    else if (!_path.empty()) ::unlink(_path.c_str());
}

PluginCopies::PluginCopies(const std::string& stateDir)
{
    const fs::path live = fs::path(stateDir) / "plugins-live";
    const fs::path own = live / std::to_string(::getpid());
    try
    {
        fs::create_directories(live);
        removeLeftovers(live);
        fs::create_directory(own);
        fs::permissions(own, fs::perms::owner_all);
        struct statvfs status = {};
        if (::statvfs(own.c_str(), &status) == 0 && (status.f_flag & ST_NOEXEC) != 0)
            _trouble = own.string() + " is mounted noexec";
        else _folder = own;
    }
    catch (const fs::filesystem_error& error)
    {
        _trouble = error.what();
    }
    if (!_trouble.empty()) _trouble += "; private copies of plugins are kept in memory";
}

PluginCopies::~PluginCopies()
{
    std::error_code ignored;
    if (!_folder.empty())
        fs::remove(_folder, ignored); // stays while a stuck plugin's copy is in it
}

bool PluginCopies::writeFile(const std::string& path, ByteView bytes)
{
    const int file =
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0500);
    if (file < 0) return false;
    const bool written = writeAll(file, bytes);
    const int error = errno;
    ::close(file);
    if (!written) ::unlink(path.c_str());
    errno = error;
    return written;
}

PluginCopy PluginCopies::make(const std::string& name, ByteView bytes)
{
    ++_generation;
    if (_folder.empty()) return makeInMemory(name, bytes);
    PluginCopy copy;
    const std::string path = _folder + '/' + name + '.' + std::to_string(_generation) + ".so";
    if (!writeFile(path, bytes))
    {
        _trouble =
            path + ": " + std::strerror(errno) + "; private copies of plugins are kept in memory";
        return makeInMemory(name, bytes);
    }
    copy._path = path;
    return copy;
}

PluginCopy PluginCopies::makeInMemory(const std::string& name, ByteView bytes)
{
    const std::string label = name + '.' + std::to_string(_generation);
    const int file = ::memfd_create(label.c_str(), MFD_CLOEXEC);
    if (file < 0) throw Poco::SystemException("memfd_create for a plugin's copy", errno);
    PluginCopy copy;
    copy._descriptor = file;
    // The number is not given to anybody else while the copy lives, so the name stays unique.
    copy._path = "/proc/self/fd/" + std::to_string(file);
    if (!writeAll(file, bytes)) throw Poco::SystemException("writing a plugin's copy", errno);
    return copy;
}

} // namespace nanomq
