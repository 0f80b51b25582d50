#pragma once

#include "plugin/PluginCopies.h"

#include <chrono>
#include <optional>
#include <set>
#include <string>

namespace nanomq
{

/// What `nanomq --probe FILE` does: loads a plugin's library as the broker would, makes its object
/// and destroys it again. Returns the exit status, 0 when all went well; else it has said why on
/// stderr, or the process has ended by a signal, which is the point. Thread: [main].
int probePlugin(const char* file);

/// Tries a library in a process of its own before it is let into this one.
///
/// The gate cannot see everything: a constructor that throws or crashes, a damaged section, a
/// missing function. In a child process they cost a few milliseconds, in the broker an outage.
/// What has passed is remembered by its contents. Thread: [host].
class PluginProbe
{
public:
    /// @param program  is started as `program --probe FILE`; this very program if empty.
    PluginProbe(std::string program, std::chrono::milliseconds deadline);

    /// Nothing when the library passes, else why not, as a sentence without the file's name.
    std::optional<std::string> run(const PluginCopy& copy, ByteView bytes);

private:
    std::optional<std::string> runChild(const PluginCopy& copy);

    const std::string _program;
    const std::chrono::milliseconds _deadline;
    std::set<std::string> _passed; // SHA-1 of contents
};

} // namespace nanomq
