#pragma once

#include "base/Bytes.h"

#include <cstdint>
#include <string>

namespace nanomq
{

/// The file that is really loaded: a private copy under a name that was never used before.
///
/// The file in the plugin folder may be overwritten while its code runs, which would be SIGBUS,
/// and opening the same path again would give the old library. Removed when it is destroyed.
class PluginCopy
{
public:
    PluginCopy() noexcept = default;
    PluginCopy(PluginCopy&& other) noexcept;
    PluginCopy& operator=(PluginCopy&& other) noexcept;
    ~PluginCopy();

    /// What to give to dlopen().
    const std::string& path() const noexcept { return _path; }
    /// The descriptor when the copy is in memory only, else -1.
    int descriptor() const noexcept { return _descriptor; }

private:
    friend class PluginCopies;
    std::string _path;
    int _descriptor = -1;
};

/// The folder of private copies, STATE-DIR/plugins-live/PID. Emptied at the start, together with
/// what brokers that are no more have left behind.
///
/// Where no program may be run from that folder (noexec), or it cannot be written, copies are
/// kept in memory; debuggers then have no file to take symbols from.
///
/// Thread: [host].
class PluginCopies
{
public:
    /// Makes the folder. Never fails: see trouble().
    explicit PluginCopies(const std::string& stateDir);
    ~PluginCopies();
    PluginCopies(const PluginCopies&) = delete;
    PluginCopies& operator=(const PluginCopies&) = delete;

    /// Why copies are kept in memory, as a sentence; empty when they are not.
    const std::string& trouble() const noexcept { return _trouble; }

    /// Throws Poco::SystemException when neither disk nor memory takes it.
    PluginCopy make(const std::string& name, ByteView bytes);

private:
    bool writeFile(const std::string& path, ByteView bytes);
    PluginCopy makeInMemory(const std::string& name, ByteView bytes);

    std::string _folder; // empty: in memory
    std::string _trouble;
    std::uint64_t _generation = 0;
};

} // namespace nanomq
