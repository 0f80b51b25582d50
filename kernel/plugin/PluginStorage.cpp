#include "plugin/PluginStorage.h"

#include <cerrno>
#include <filesystem>
#include <sys/stat.h>

namespace nanomq
{

namespace fs = std::filesystem;

PluginStorage::PluginStorage(const std::string& stateDir, const std::string& plugin)
    : _path(stateDir.empty() ? "" : (fs::absolute(stateDir) / "plugins" / plugin).string())
{
}

sdk::Status PluginStorage::folder(sdk::Str* path)
{
    if (_path.empty()) return -ENOENT;
    std::error_code failure;
    fs::create_directories(fs::path(_path).parent_path(), failure);
    if (failure) return -failure.value();
    if (::mkdir(_path.c_str(), 0700) != 0)
    {
        if (errno != EEXIST) return -errno;
        if (!fs::is_directory(_path, failure)) return failure ? -failure.value() : -ENOTDIR;
    }
    *path = _path;
    return 0;
}

} // namespace nanomq
