#pragma once

#include "support/Command.h"
#include "support/TemporaryFolder.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace nanomq::test
{

/// What a BrokerProcess is started with. The defaults are a broker without any configuration or
/// plugin, on a free port of the loopback device.
struct BrokerOptions
{
    /// Text of conf files by name: {"nanomq.conf", "msq_len = 10\n"}.
    std::map<std::string, std::string> conf{};
    std::vector<std::string> urls{"nmq-tcp://127.0.0.1:0"};
    /// Where NAME.so are looked for; empty: a folder with none.
    std::string pluginFolder{};
    /// Whether it acts by itself when plugins' files change; tests say what is to happen.
    bool watchPlugins = false;
    /// More arguments, such as "--set", "log.level=debug".
    std::vector<std::string> arguments{};
    /// "NAME=value".
    std::vector<std::string> environment{};
};

/// The broker's binary as a child process, in a folder of its own: what a black-box test talks to.
///
/// Whatever goes wrong with it fails the test, with all that the broker said. Under a sanitizer
/// stop() also finds what it reported, since the exit status tells. The binary is that of the
/// build tree, unless the environment variable NANOMQ_BROKER names another; the same goes for
/// nanomqctl and NANOMQ_CTL.
class BrokerProcess
{
public:
    /// Starts it, and waits until it is ready.
    explicit BrokerProcess(BrokerOptions options = {});

    /// Asks it to end (SIGTERM) and requires that it does so in time and with status 0. Nothing
    /// happens if it was stopped before. Tests call it from tearDown(): the destructor just kills.
    void stop();
    /// Ends it as a power cut does (SIGKILL).
    void kill();
    /// Starts it again, after stop() or kill(): same folders, new ports.
    void start();

    /// The port of its first listener on TCP.
    std::uint16_t port() const;
    /// Its listeners as the ready line tells them, with the real ports.
    const std::vector<std::string>& listeners() const noexcept { return _listeners; }

    /// Writes a file of its conf.d; the broker sees it when it looks.
    void writeConf(std::string_view name, std::string_view text);

    /// Runs `nanomqctl` on this broker.
    CommandResult ctl(std::vector<std::string> arguments);

    std::filesystem::path confFolder() const { return _folder / "conf.d"; }
    std::filesystem::path stateFolder() const { return _folder / "state"; }
    std::filesystem::path controlPath() const { return _folder / "s"; }

    /// Requires: started.
    Command& process() { return *_process; }
    /// What it said, for failure messages.
    std::string log() const;

private:
    [[noreturn]] void fail(const std::string& what);

    TemporaryFolder _folder;
    BrokerOptions _options;
    std::vector<std::string> _listeners;
    std::unique_ptr<Command> _process; // goes first
};

} // namespace nanomq::test
