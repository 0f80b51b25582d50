#include "control/ControlPath.h"

#include <Poco/Exception.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace nanomq
{

namespace
{

constexpr const char* kRootFolder = "/run/nanomq";
constexpr const char* kSocketName = "nanomq.sock";

std::string temporaryFolder()
{
    return "/tmp/nanomq-" + std::to_string(::geteuid());
}

} // namespace

std::string defaultControlPath()
{
    if (::geteuid() == 0) return std::string(kRootFolder) + '/' + kSocketName;
    if (const char* const base = std::getenv("XDG_RUNTIME_DIR"); base != nullptr && *base == '/')
        return std::string(base) + '/' + kSocketName;
    return temporaryFolder() + '/' + kSocketName;
}

void prepareControlFolder(const std::string& path)
{
    const std::string folder = path.substr(0, path.rfind('/') + 1);
    if (folder != std::string(kRootFolder) + '/' && folder != temporaryFolder() + '/') return;

    const std::string name = folder.substr(0, folder.size() - 1);
    if (::mkdir(name.c_str(), 0700) != 0 && errno != EEXIST)
        throw Poco::CreateFileException(name + ": " + std::strerror(errno));
    struct stat found = {};
    if (::lstat(name.c_str(), &found) != 0)
        throw Poco::FileException(name + ": " + std::strerror(errno));
    if (!S_ISDIR(found.st_mode) || found.st_uid != ::geteuid() || (found.st_mode & 022) != 0)
        throw Poco::FileAccessDeniedException(
            name + " is not a folder in which only this user may write, so whoever else writes "
                   "there could stand in for the broker; choose another place with --control");
}

void checkControlPath(const std::string& path)
{
    if (path.empty())
        throw Poco::InvalidArgumentException("the path of the control socket is empty");
    if (path.size() > kMaximumControlPath)
        throw Poco::InvalidArgumentException(
            "the path of the control socket has " + std::to_string(path.size()) +
            " bytes, and a Unix socket takes " + std::to_string(kMaximumControlPath) +
            " at most: " + path);
}

} // namespace nanomq
