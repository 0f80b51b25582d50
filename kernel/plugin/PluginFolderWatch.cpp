#include "plugin/PluginFolderWatch.h"

#include "config/ConfDir.h"
#include "plugin/PluginFiles.h"

#include <Poco/Error.h>
#include <Poco/Exception.h>
#include <Poco/Logger.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nanomq
{

namespace
{

constexpr std::uint32_t kEvents = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO |
                                  IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF |
                                  IN_ONLYDIR;
/// A file that is written again and again is looked at nevertheless.
constexpr int kLongestSettle = 5; // times the time to settle

/// The plugin whose file this is; empty: of none.
std::string pluginOf(std::string_view file)
{
    for (const auto ending : {PluginFiles::kLibraryEnding, PluginFiles::kConfEnding})
    {
        if (!file.ends_with(ending)) continue;
        file.remove_suffix(ending.size());
        return isPluginName(file) && file != "nanomq" ? std::string(file) : std::string();
    }
    return {};
}

/// A link is whole as soon as it is there; a file that is made is open for writing.
bool isLink(const std::string& path)
{
    struct stat status = {};
    return ::lstat(path.c_str(), &status) == 0 &&
           (S_ISLNK(status.st_mode) || status.st_nlink > 1);
}

} // namespace

PluginFolderWatch::PluginFolderWatch(const std::string& pluginDir, const std::string& confDir,
                                     Milliseconds settle, Poco::Logger& logger, Changed changed)
    : _settle(settle),
      _logger(logger),
      _changed(std::move(changed)),
      _inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
      _wake(::eventfd(0, EFD_CLOEXEC))
{
    watch(pluginDir);
    watch(confDir);
    if (_folders.empty() || _wake < 0) return;
    _thread = std::thread([this] { run(); });
    ::pthread_setname_np(_thread.native_handle(), "plugin-folders");
}

PluginFolderWatch::~PluginFolderWatch()
{
    if (_thread.joinable())
    {
        ::eventfd_write(_wake, 1);
        _thread.join();
    }
    if (_inotify >= 0) ::close(_inotify);
    if (_wake >= 0) ::close(_wake);
}

void PluginFolderWatch::watch(const std::string& folder)
{
    const int number = ::inotify_add_watch(_inotify, folder.c_str(), kEvents);
    if (number >= 0) _folders[number] = folder;
    else
        _logger.warning(folder + " is not watched for plugins: " +
                        Poco::Error::getMessage(errno));
}

void PluginFolderWatch::run()
{
    std::array<pollfd, 2> ready{{{_inotify, POLLIN, 0}, {_wake, POLLIN, 0}}};
    int timeout = -1;
    for (;;)
    {
        ::poll(ready.data(), ready.size(), timeout);
        if (ready[1].revents != 0) return;
        if (ready[0].revents != 0) readEvents();
        timeout = tellDue();
    }
}

void PluginFolderWatch::readEvents()
{
    alignas(inotify_event) std::array<char, 16 * 1024> buffer;
    for (;;)
    {
        const auto size = ::read(_inotify, buffer.data(), buffer.size());
        if (size <= 0) return;
        for (const char* at = buffer.data(); at < buffer.data() + size;)
        {
            const auto& event = *reinterpret_cast<const inotify_event*>(at);
            at += sizeof event + event.len;
            if ((event.mask & IN_Q_OVERFLOW) != 0)
            {
                changedAll();
                continue;
            }
            const auto folder = _folders.find(event.wd);
            if (folder == _folders.end()) continue;
            if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0)
            {
                _logger.warning(folder->second +
                                " was removed or renamed; plugins are no longer watched there");
                _folders.erase(folder);
            }
            else if (event.len > 0)
            {
                note(folder->second, std::string_view(event.name, std::strlen(event.name)),
                     event.mask);
            }
        }
    }
}

void PluginFolderWatch::note(const std::string& folder, std::string_view file, std::uint32_t events)
{
    const std::string plugin = pluginOf(file);
    if (plugin.empty()) return;
    const bool made = (events & IN_CREATE) != 0 && !isLink(folder + '/' + std::string(file));
    if (made || (events & IN_MODIFY) != 0)
    {
        _open.emplace(file);
        return;
    }
    if (const auto open = _open.find(file); open != _open.end()) _open.erase(open);
    changedNow(plugin);
}

void PluginFolderWatch::changedNow(const std::string& plugin)
{
    const auto now = Clock::now();
    Due& due = _due.try_emplace(plugin, Due{now, now}).first->second;
    due.at = std::min(now + _settle, due.first + kLongestSettle * _settle);
}

void PluginFolderWatch::changedAll()
{
    _open.clear(); // what was closed meanwhile was not told; the gate knows half a file
    for (const auto& [number, folder] : _folders)
    {
        std::error_code unreadable;
        for (const auto& entry : std::filesystem::directory_iterator(folder, unreadable))
            if (const auto plugin = pluginOf(entry.path().filename().string()); !plugin.empty())
                changedNow(plugin);
    }
}

bool PluginFolderWatch::beingWritten(const std::string& plugin) const
{
    return _open.contains(plugin + std::string(PluginFiles::kLibraryEnding)) ||
           _open.contains(plugin + std::string(PluginFiles::kConfEnding));
}

int PluginFolderWatch::tellDue()
{
    const auto now = Clock::now();
    auto next = Clock::time_point::max();
    for (auto due = _due.begin(); due != _due.end();)
    {
        // When it is closed, it is noted anew.
        const bool tell = due->second.at <= now && !beingWritten(due->first);
        if (tell) _changed(due->first);
        if (tell || due->second.at <= now)
        {
            due = _due.erase(due);
            continue;
        }
        next = std::min(next, due->second.at);
        ++due;
    }
    if (next == Clock::time_point::max()) return -1;
    return static_cast<int>(std::chrono::ceil<Milliseconds>(next - now).count());
}

} // namespace nanomq
