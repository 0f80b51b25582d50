#include "config/ConfDir.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace nanomq
{

bool isPluginName(std::string_view name) noexcept
{
    constexpr std::size_t kLongest = 31;
    const auto isLetter = [](char c) { return c >= 'a' && c <= 'z'; };
    return !name.empty() && name.size() <= kLongest && isLetter(name.front()) &&
           std::all_of(name.begin(), name.end(),
                       [&](char c) { return isLetter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

ConfDir::ConfDir(const std::string& path, ConfigReport& report) : _path(path)
{
    while (_path.size() > 1 && _path.ends_with('/')) _path.pop_back();

    namespace fs = std::filesystem;
    constexpr std::string_view suffix = ".conf";
    std::error_code error;
    fs::directory_iterator entry(_path, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    {
        std::string file = entry->path().filename().string();
        if (!file.ends_with(suffix) || file.starts_with('.')) continue;
        file.resize(file.size() - suffix.size());
        if (file == "nanomq") _hasKernelFile = true;
        else if (isPluginName(file)) _plugins.push_back({file, pathOf(file)});
        else
            report.errors.push_back({pathOf(file),
                                     {},
                                     "expected the name of a plugin before '.conf': small letters, "
                                     "digits and '_', beginning with a letter, at most 31"});
    }
    if (error) report.errors.push_back({_path, {}, "cannot be read: " + error.message()});
    std::sort(_plugins.begin(), _plugins.end(),
              [](const PluginFile& a, const PluginFile& b) { return a.name < b.name; });
}

std::string ConfDir::pathOf(std::string_view name) const
{
    std::string path = _path;
    if (!path.ends_with('/')) path += '/';
    return path.append(name).append(".conf");
}

ConfigFile ConfDir::kernelFile(ConfigReport& report) const
{
    return _hasKernelFile ? ConfigFile::read(kernelPath(), report) : ConfigFile(kernelPath());
}

} // namespace nanomq
