#pragma once

#include "nanomq/plugin.h"

#include <Poco/ClassLoader.h>

#include <memory>
#include <string>
#include <vector>

namespace nanomq
{

/// The loaded code of one version of a plugin.
///
/// Behind the gate and the probe: opens the copy so that every function is resolved at once and
/// nothing is shared with other libraries, keeps what it links to in memory for good (a library
/// that starts threads or registers things does not stand being unmapped), and only then lets
/// Poco::ClassLoader at it, a loader of its own for each load.
///
/// Thread: [host].
class PluginLibrary
{
public:
    /// @param path  a copy that was never opened before. Throws a Poco exception with what the
    /// loader said, and leaves nothing mapped.
    explicit PluginLibrary(std::string path);
    /// close()
    ~PluginLibrary();
    PluginLibrary(const PluginLibrary&) = delete;
    PluginLibrary& operator=(const PluginLibrary&) = delete;

    /// Classes of its manifest.
    std::vector<std::string> classNames() const;

    /// Makes an object. Throws a Poco exception, its text in this program's memory, when there is
    /// no such class or its constructor throws. The object must be gone before close().
    std::unique_ptr<sdk::Plugin> create(const std::string& className);

    /// Memory that its code and static data are mapped to, in bytes.
    std::size_t mappedBytes() const;

    /// Unloads and looks whether the code is gone. False: something keeps it mapped.
    bool close();

private:
    void pinDependencies();
    bool mapped() const;

    const std::string _path;
    void* _handle = nullptr;
    Poco::ClassLoader<sdk::Plugin> _loader;
};

} // namespace nanomq
