#include "plugin/PluginProbe.h"

#include "base/SpawnPlan.h"
#include "plugin/PluginLibrary.h"

#include <Poco/DigestEngine.h>
#include <Poco/Exception.h>
#include <Poco/SHA1Engine.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace nanomq
{

namespace
{

constexpr int kProbeFailed = 3;
constexpr int kInheritedCopy = 3; // descriptor of a copy that is in memory
constexpr std::size_t kMaxOutput = 4'096;

std::string digestOf(ByteView bytes)
{
    Poco::SHA1Engine engine;
    engine.update(bytes.data(), bytes.size());
    return Poco::DigestEngine::digestToHex(engine.digest());
}

/// The first line that says something, for a one-line message.
std::string firstLine(std::string text)
{
    text.erase(0, text.find_first_not_of("=\n "));
    text.resize(std::min(text.find('\n'), text.size()));
    return text;
}

void readAvailable(int pipe, std::string& text)
{
    char buffer[1024];
    for (;;)
    {
        const ssize_t got = ::read(pipe, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        const auto room = kMaxOutput - std::min(kMaxOutput, text.size());
        text.append(buffer, std::min(room, static_cast<std::size_t>(got)));
    }
}

/// Waits for the child's end, reading what it says meanwhile; false at the deadline.
bool waitForEnd(int process, int pipe, std::chrono::milliseconds deadline, std::string& text)
{
    const auto end = std::chrono::steady_clock::now() + deadline;
    for (bool ended = false; !ended;)
    {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            end - std::chrono::steady_clock::now());
        pollfd wait[] = {{process, POLLIN, 0}, {pipe, POLLIN, 0}};
        const int ready =
            ::poll(wait, 2, static_cast<int>(std::max<std::int64_t>(0, left.count())));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return false;
        ended = wait[0].revents != 0;
        readAvailable(pipe, text);
        // A closed pipe is always ready: leave the rest to the process descriptor.
        if ((wait[1].revents & POLLHUP) != 0) pipe = -1;
    }
    return true;
}

std::string describeEnd(int status, const std::string& said)
{
    const std::string line = firstLine(said);
    if (WIFSIGNALED(status))
        return "trying it in a process of its own ended with signal " +
               std::to_string(WTERMSIG(status)) + " (" + ::strsignal(WTERMSIG(status)) + ')' +
               (line.empty() ? "" : ": " + line);
    if (WEXITSTATUS(status) == kProbeFailed) return line;
    return "trying it in a process of its own ended with exit status " +
           std::to_string(WEXITSTATUS(status)) + (line.empty() ? "" : ": " + line);
}

} // namespace

int probePlugin(const char* file)
{
    const rlimit noCore{0, 0};
    ::setrlimit(RLIMIT_CORE, &noCore);
    try
    {
        PluginLibrary library(file);
        for (const auto& name : library.classNames()) library.create(name).reset();
        library.close();
        return 0;
    }
    catch (const Poco::Exception& error)
    {
        std::fprintf(stderr, "%s\n", error.message().c_str());
    }
    return kProbeFailed;
}

PluginProbe::PluginProbe(std::string program, std::chrono::milliseconds deadline)
    : _program(program.empty() ? "/proc/self/exe" : std::move(program)),
      _deadline(deadline)
{
}

std::optional<std::string> PluginProbe::run(const PluginCopy& copy, ByteView bytes)
{
    const std::string digest = digestOf(bytes);
    if (_passed.count(digest) > 0) return std::nullopt;
    auto failure = runChild(copy);
    if (!failure) _passed.insert(digest);
    return failure;
}

std::optional<std::string> PluginProbe::runChild(const PluginCopy& copy)
{
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return std::string("pipe for the probe: ") + std::strerror(errno);
    const bool inMemory = copy.descriptor() >= 0;
    const std::string file =
        inMemory ? "/proc/self/fd/" + std::to_string(kInheritedCopy) : copy.path();
    pid_t child = 0;
    const auto inherited = inMemory ? std::vector{copy.descriptor()} : std::vector<int>();
    const int error =
        SpawnPlan(pipe[1], inherited).spawn(child, _program, {"nanomq", "--probe", file});
    ::close(pipe[1]);
    if (error != 0)
    {
        ::close(pipe[0]);
        return "starting " + _program + " --probe: " + std::strerror(error);
    }
    std::string said;
    const auto process = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
    const bool ended = process >= 0 && waitForEnd(process, pipe[0], _deadline, said);
    ::close(pipe[0]);
    if (process >= 0) ::close(process);
    if (!ended) ::kill(child, SIGKILL);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return std::string("waiting for the probe: ") + std::strerror(errno);
    if (!ended)
        return "trying it in a process of its own took longer than " +
               std::to_string(_deadline.count()) + " ms";
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::nullopt;
    return describeEnd(status, said);
}

} // namespace nanomq
