#pragma once

#include "sandbox/Channel.h"
#include "sandbox/Confinement.h"
#include "sandbox/SharedRing.h"

#include <chrono>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

namespace nanomq::sandbox
{

/// Descriptors of a plugin's process, as it finds them.
enum Inherited : int
{
    kSocket = 3,
    kMemory,
    kEventsReady,
    kEventsRoom,
    kQuestionsReady,
    kQuestionsRoom,
    kCopy, ///< the plugin's file, when it is in memory only
};

/// Number of each ring in the shared memory.
enum Ring : unsigned
{
    kEvents,
    kQuestions,
    kRings,
};

/// Memory and eventfds that outlive one process: what was not told to it is told to the next.
class SandboxRings
{
public:
    SandboxRings();
    ~SandboxRings();
    SandboxRings(const SandboxRings&) = delete;
    SandboxRings& operator=(const SandboxRings&) = delete;

    SharedRing& events() noexcept { return *_events; }
    SharedRing& questions() noexcept { return *_questions; }
    /// In the order of Inherited, from kMemory on.
    std::vector<int> descriptors() const;

private:
    int _memory = -1;
    int _wakes[4] = {-1, -1, -1, -1};
    std::unique_ptr<SharedRing> _events;
    std::unique_ptr<SharedRing> _questions;
};

/// One process that has the code of a plugin, `nanomq --sandbox`.
///
/// Thread: as Channel says; the rest: one at a time.
class SandboxProcess
{
public:
    /// @param program  what to start; empty: this program.
    /// @param copy     descriptor of the plugin's file when it is in memory only, else -1.
    /// Throws Poco::SystemException.
    SandboxProcess(const std::string& program, const SandboxRings& rings, int copy,
                   const Limits& limits);
    /// Kills it, and waits for its end.
    ~SandboxProcess();
    SandboxProcess(const SandboxProcess&) = delete;
    SandboxProcess& operator=(const SandboxProcess&) = delete;

    Channel& channel() noexcept { return *_channel; }
    pid_t id() const noexcept { return _child; }
    void kill() noexcept;
    /// Closes the channel, by which it ends, and gives it a moment before it is killed.
    void leave(std::chrono::milliseconds most);
    /// Waits for its end, which must be near, and tells it for people: "ended with signal 11
    /// (Segmentation fault)".
    std::string end();

private:
    pid_t _child = 0;
    std::unique_ptr<Channel> _channel;
};

} // namespace nanomq::sandbox
