#pragma once

#include "support/Patience.h"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <thread>
#include <vector>

namespace nanomq::test
{

/// A program that runs beside the test: a broker, mosquitto_sub, a Python script.
///
/// A thread of its own takes what the program writes, so that it never waits for the test. The
/// program dies with this object, and also with the thread that made it, should the test crash:
/// so make it in a thread that outlives it. Its standard input is empty.
///
/// Thread: [any], but for construction and destruction.
class Command
{
public:
    /// Starts it. @param program  a path, or a name to look up in PATH.
    /// @param environment  "NAME=value", beside what the test itself has.
    explicit Command(std::string program, std::vector<std::string> arguments = {},
                     const std::vector<std::string>& environment = {});
    /// Kills it if it still runs.
    ~Command();
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;

    /// The next line of its standard output, each given once. Nothing when none has come in
    /// time, or when none can come any more.
    std::optional<std::string> readLine(std::chrono::milliseconds patience = kPatience);
    /// Reads lines up to the first one that begins so.
    std::optional<std::string> readLineThatBegins(std::string_view prefix,
                                                  std::chrono::milliseconds patience = kPatience);

    /// Waits for its end: the exit status, or 128 plus the signal that ended it, as shells have
    /// it. Nothing when it still runs.
    std::optional<int> waitForExit(std::chrono::milliseconds patience = kPatience);
    bool running() { return !waitForExit(std::chrono::milliseconds(0)); }

    /// Sends a signal, unless it has ended.
    void signal(int number);

    pid_t pid() const noexcept { return _pid; }
    /// "mosquitto_sub -t a/b", for messages.
    const std::string& commandLine() const noexcept { return _commandLine; }

    /// All that it wrote so far to standard output and to standard error: of each, the first
    /// 16 MiB.
    std::string output() const;
    std::string errors() const;

private:
    void collect();
    void take(int& descriptor, std::string& text);

    std::string _commandLine;
    pid_t _pid = -1;
    int _process = -1; // pidfd: readable when the program has ended
    int _outputPipe = -1;
    int _errorPipe = -1;

    mutable std::mutex _mutex; // guards what follows
    std::condition_variable _news;
    std::string _output;
    std::string _errors;
    std::size_t _readUpTo = 0; // lines before it were given
    std::optional<int> _status;

    std::thread _collector; // goes first
};

/// What came of a command.
struct CommandResult
{
    int status = 0; // see Command::waitForExit()
    std::string output;
    std::string errors;
};

/// Runs a command to its end. A command that does not end in time is killed and fails the test.
CommandResult runCommand(const std::string& program, std::vector<std::string> arguments,
                         const std::vector<std::string>& environment = {},
                         std::chrono::milliseconds patience = kPatience * 2);

} // namespace nanomq::test
