#include "support/Command.h"

#include <cppunit/Asserter.h>
#include <cppunit/SourceLine.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace nanomq::test
{

namespace
{

constexpr std::size_t kKeptBytes = 16 << 20;

struct Pipe
{
    Pipe()
    {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0)
            throw std::system_error(errno, std::generic_category(), "pipe");
        read = ends[0];
        write = ends[1];
    }
    int read, write;
};

std::vector<char*> pointersTo(std::vector<std::string>& texts)
{
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (auto& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

std::vector<std::string> environmentWith(const std::vector<std::string>& additions)
{
    std::vector<std::string> all = additions; // the first of two of one name counts
    for (char** entry = environ; *entry; ++entry) all.emplace_back(*entry);
    return all;
}

/// In the child between fork and exec: system calls only.
[[noreturn]] void becomeProgram(pid_t parent, int output, int errors, char* const* arguments,
                                char** environment)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127); // it went before we asked
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    const int input = ::open("/dev/null", O_RDONLY);
    ::dup2(input, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(errors, STDERR_FILENO);
    ::execvpe(arguments[0], arguments, environment);
    constexpr std::string_view sentence = "cannot be run: ";
    const char* const reason = ::strerrordesc_np(errno);
    [[maybe_unused]] auto written = ::write(STDERR_FILENO, sentence.data(), sentence.size());
    written = ::write(STDERR_FILENO, reason, std::strlen(reason));
    ::_exit(127);
}

} // namespace

Command::Command(std::string program, std::vector<std::string> arguments,
                 const std::vector<std::string>& environment)
{
    arguments.insert(arguments.begin(), std::move(program));
    for (const auto& argument : arguments)
        _commandLine += (_commandLine.empty() ? "" : " ") + argument;

    // Everything that allocates comes before the fork.
    auto allEnvironment = environmentWith(environment);
    const auto argumentPointers = pointersTo(arguments);
    auto environmentPointers = pointersTo(allEnvironment);
    const Pipe output, errors;
    const pid_t parent = ::getpid();
    _pid = ::fork();
    if (_pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (_pid == 0)
        becomeProgram(parent, output.write, errors.write, argumentPointers.data(),
                      environmentPointers.data());

    ::close(output.write);
    ::close(errors.write);
    _outputPipe = output.read;
    _errorPipe = errors.read;
    // glibc 2.36 declares pidfd_open() without extern "C".
    _process = static_cast<int>(::syscall(SYS_pidfd_open, _pid, 0));
    if (_process < 0) throw std::system_error(errno, std::generic_category(), "pidfd_open");
    _collector = std::thread([this] { collect(); });
}

Command::~Command()
{
    signal(SIGKILL);
    _collector.join();
    ::close(_process);
    if (_outputPipe >= 0) ::close(_outputPipe);
    if (_errorPipe >= 0) ::close(_errorPipe);
}

void Command::collect()
{
    ::fcntl(_outputPipe, F_SETFL, O_NONBLOCK);
    ::fcntl(_errorPipe, F_SETFL, O_NONBLOCK);
    for (;;)
    {
        std::array<pollfd, 3> wanted{
            {{_outputPipe, POLLIN, 0}, {_errorPipe, POLLIN, 0}, {_process, POLLIN, 0}}};
        if (::poll(wanted.data(), wanted.size(), -1) < 0) continue; // EINTR
        // What it wrote before it ended is in the pipes when the end is told: read them last.
        const bool ended = wanted[2].revents != 0;
        take(_outputPipe, _output);
        take(_errorPipe, _errors);
        if (!ended) continue;

        siginfo_t info{};
        std::lock_guard lock(_mutex);
        ::waitid(P_PIDFD, static_cast<id_t>(_process), &info, WEXITED);
        _status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
        _news.notify_all();
        return;
    }
}

void Command::take(int& descriptor, std::string& text)
{
    std::array<char, 65536> bytes;
    while (descriptor >= 0)
    {
        const auto got = ::read(descriptor, bytes.data(), bytes.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return;
        std::lock_guard lock(_mutex);
        if (got > 0 && text.size() < kKeptBytes)
            text.append(bytes.data(), static_cast<std::size_t>(got));
        if (got <= 0)
        {
            ::close(descriptor);
            descriptor = -1; // poll() leaves it out
        }
        _news.notify_all();
    }
}

std::optional<std::string> Command::readLine(std::chrono::milliseconds patience)
{
    const Deadline deadline(patience);
    std::unique_lock lock(_mutex);
    for (;;)
    {
        const auto end = _output.find('\n', _readUpTo);
        if (end != std::string::npos)
        {
            const auto line = _output.substr(_readUpTo, end - _readUpTo);
            _readUpTo = end + 1;
            return line;
        }
        if (_status || _news.wait_until(lock, deadline.end()) == std::cv_status::timeout)
            return std::nullopt;
    }
}

std::optional<std::string> Command::readLineThatBegins(std::string_view prefix,
                                                       std::chrono::milliseconds patience)
{
    const Deadline deadline(patience);
    for (;;)
    {
        auto line = readLine(std::chrono::milliseconds(deadline.remainingMs()));
        if (!line || line->starts_with(prefix)) return line;
    }
}

std::optional<int> Command::waitForExit(std::chrono::milliseconds patience)
{
    std::unique_lock lock(_mutex);
    _news.wait_for(lock, patience, [this] { return _status.has_value(); });
    return _status;
}

void Command::signal(int number)
{
    std::lock_guard lock(_mutex); // not between its end and its being forgotten: see collect()
    if (!_status) ::kill(_pid, number);
}

std::string Command::output() const
{
    std::lock_guard lock(_mutex);
    return _output;
}

std::string Command::errors() const
{
    std::lock_guard lock(_mutex);
    return _errors;
}

CommandResult runCommand(const std::string& program, std::vector<std::string> arguments,
                         const std::vector<std::string>& environment,
                         std::chrono::milliseconds patience)
{
    Command command(program, std::move(arguments), environment);
    const auto status = command.waitForExit(patience);
    if (!status)
        CppUnit::Asserter::fail("did not end in time: " + command.commandLine() + '\n' +
                                    command.output() + command.errors(),
                                CPPUNIT_SOURCELINE());
    return {*status, command.output(), command.errors()};
}

} // namespace nanomq::test
