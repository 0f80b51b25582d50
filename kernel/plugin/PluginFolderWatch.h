#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <thread>

namespace Poco
{
class Logger;
}

namespace nanomq
{

/// Tells which plugins' files have changed, NAME.so in one folder and NAME.conf in another.
///
/// A plugin is told a moment after the last change, so that a library and its conf file that come
/// together are one change, and never while one of its files is open for writing: a copy is not
/// looked at until it is whole. (Poco::DirectoryWatcher does not tell when a file is closed, and
/// kernel/net's loops belong to the workers; so this is inotify and a thread that sleeps.)
///
/// Symbolic links are seen when they are made or replaced, not when what they point to changes.
class PluginFolderWatch
{
public:
    using Milliseconds = std::chrono::milliseconds;
    /// Thread: the watch's own.
    using Changed = std::function<void(const std::string& plugin)>;

    /// A folder that cannot be watched is told to `logger`, and left out. Thread: [any].
    PluginFolderWatch(const std::string& pluginDir, const std::string& confDir, Milliseconds settle,
                      Poco::Logger& logger, Changed changed);
    /// Ends the thread; `changed` is not called any more.
    ~PluginFolderWatch();
    PluginFolderWatch(const PluginFolderWatch&) = delete;
    PluginFolderWatch& operator=(const PluginFolderWatch&) = delete;

private:
    using Clock = std::chrono::steady_clock;
    struct Due
    {
        Clock::time_point first;
        Clock::time_point at;
    };

    void watch(const std::string& folder);
    void run();
    void readEvents();
    void note(const std::string& folder, std::string_view file, std::uint32_t events);
    void changedNow(const std::string& plugin);
    void changedAll();
    bool beingWritten(const std::string& plugin) const;
    /// Tells what is due; returns the time to the next, -1: none.
    int tellDue();

    const Milliseconds _settle;
    Poco::Logger& _logger;
    const Changed _changed;
    const int _inotify;
    const int _wake;
    std::map<int, std::string> _folders; // by watch descriptor
    std::set<std::string, std::less<>> _open;
    std::map<std::string, Due> _due;
    std::thread _thread; // goes first
};

} // namespace nanomq
