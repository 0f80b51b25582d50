#include "sandbox/SandboxProcess.h"

#include "base/SpawnPlan.h"

#include <Poco/Exception.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/eventfd.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace nanomq::sandbox
{

namespace
{

/// A process that has stopped reading is as good as dead.
constexpr timeval kSendPatience{5, 0};

[[noreturn]] void fail(const char* what)
{
    throw Poco::SystemException(std::string(what) + ": " + std::strerror(errno));
}

} // namespace

SandboxRings::SandboxRings()
{
    _memory = ::memfd_create("nanomq-sandbox", MFD_CLOEXEC);
    if (_memory < 0 || ::ftruncate(_memory, kRings * SharedRing::kMapped) != 0)
        fail("shared memory for a sandbox");
    for (int& wake : _wakes)
        if ((wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) fail("eventfd for a sandbox");
    _events = std::make_unique<SharedRing>(_memory, kEvents, _wakes[0], _wakes[1]);
    _questions = std::make_unique<SharedRing>(_memory, kQuestions, _wakes[2], _wakes[3]);
}

SandboxRings::~SandboxRings()
{
    for (const int descriptor : descriptors()) ::close(descriptor);
}

std::vector<int> SandboxRings::descriptors() const
{
    return {_memory, _wakes[0], _wakes[1], _wakes[2], _wakes[3]};
}

SandboxProcess::SandboxProcess(const std::string& program, const SandboxRings& rings, int copy,
                               const Limits& limits)
{
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) fail("socketpair");
    _channel = std::make_unique<Channel>(ends[0]);
    ::setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &kSendPatience, sizeof kSendPatience);
    std::vector<int> inherited = rings.descriptors();
    inherited.insert(inherited.begin(), ends[1]);
    if (copy >= 0) inherited.push_back(copy);
    const int error = SpawnPlan(STDERR_FILENO, inherited)
                          .spawn(_child, program.empty() ? "/proc/self/exe" : program,
                                 {"nanomq", "--sandbox",
                                  std::to_string(limits.memoryBytes) +
                                      (limits.network ? ":network" : ":alone")});
    ::close(ends[1]);
    if (error == 0) return;
    errno = error;
    fail("starting a process for the plugin");
}

SandboxProcess::~SandboxProcess()
{
    if (_child == 0) return;
    kill();
    end();
}

void SandboxProcess::kill() noexcept
{
    if (_child != 0) ::kill(_child, SIGKILL);
}

void SandboxProcess::leave(std::chrono::milliseconds most)
{
    if (_child == 0) return;
    _channel->shutdown();
    const auto process = static_cast<int>(::syscall(SYS_pidfd_open, _child, 0));
    pollfd ended{process, POLLIN, 0};
    if (process < 0 || ::poll(&ended, 1, static_cast<int>(most.count())) != 1) kill();
    if (process >= 0) ::close(process);
    end();
}

std::string SandboxProcess::end()
{
    if (_child == 0) return "has ended";
    int status = 0;
    while (::waitpid(_child, &status, 0) < 0)
        if (errno != EINTR) break;
    _child = 0;
    if (WIFSIGNALED(status))
        return "ended with signal " + std::to_string(WTERMSIG(status)) + " (" +
               ::strsignal(WTERMSIG(status)) + ')';
    return "ended with exit status " + std::to_string(WEXITSTATUS(status));
}

} // namespace nanomq::sandbox
