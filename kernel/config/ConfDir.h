#pragma once

#include "config/ConfigFile.h"

#include <string>
#include <string_view>
#include <vector>

namespace nanomq
{

/// Whether a text may be the name of a plugin: [a-z][a-z0-9_]{0,30}.
bool isPluginName(std::string_view name) noexcept;

/// A folder of configuration: nanomq.conf for the kernel and NAME.conf for each plugin NAME.
///
/// Looks at names only; each file is read with ConfigFile::read(). Files that do not end with
/// ".conf", and those whose name begins with '.', are somebody else's. Thread: [any]; blocks on
/// the disk.
class ConfDir
{
public:
    struct PluginFile
    {
        std::string name;
        std::string path;
    };

    /// Errors: a folder that cannot be read, a file whose name is none a plugin can have.
    ConfDir(const std::string& path, ConfigReport& report);

    const std::string& path() const noexcept { return _path; }
    /// PATH/nanomq.conf, whether it exists or not.
    std::string kernelPath() const { return pathOf("nanomq"); }
    /// PATH/NAME.conf.
    std::string pathOf(std::string_view name) const;
    /// nanomq.conf; empty when there is none.
    ConfigFile kernelFile(ConfigReport& report) const;
    /// In the order of their names.
    const std::vector<PluginFile>& plugins() const noexcept { return _plugins; }

private:
    std::string _path;
    bool _hasKernelFile = false;
    std::vector<PluginFile> _plugins;
};

} // namespace nanomq
