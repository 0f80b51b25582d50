#include "support/BrokerProcess.h"

#include <cppunit/Asserter.h>
#include <cppunit/SourceLine.h>

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

namespace nanomq::test
{

namespace
{

/// The program of this build tree, unless an environment variable names another.
std::string programPath(const char* variable, const char* ofThisTree)
{
    const char* const named = std::getenv(variable);
    return named ? named : ofThisTree;
}

} // namespace

BrokerProcess::BrokerProcess(BrokerOptions options) : _options(std::move(options))
{
    std::filesystem::create_directories(confFolder());
    std::filesystem::create_directories(stateFolder());
    for (const auto& [name, text] : _options.conf) writeConf(name, text);
    if (_options.pluginFolder.empty())
    {
        _options.pluginFolder = (_folder / "plugins").string();
        std::filesystem::create_directories(_options.pluginFolder);
    }
    start();
}

void BrokerProcess::start()
{
    std::vector<std::string> arguments{
        "--conf-dir", confFolder().string(),  "--plugin-dir", _options.pluginFolder,
        "--control",  controlPath().string(), "--state-dir",  stateFolder().string()};
    for (const auto& url : _options.urls)
    {
        arguments.emplace_back("--url");
        arguments.push_back(url);
    }
    if (!_options.watchPlugins)
        arguments.insert(arguments.end(), {"--set", "plugin.watch=false"});
    arguments.insert(arguments.end(), _options.arguments.begin(), _options.arguments.end());
    _process = std::make_unique<Command>(programPath("NANOMQ_BROKER", NANOMQ_BROKER), arguments,
                                         _options.environment);

    constexpr std::string_view kReady = "nanomq ready";
    const auto line = _process->readLineThatBegins(kReady);
    if (!line) fail("the broker did not get ready");
    std::istringstream words(line->substr(kReady.size()));
    _listeners.clear();
    for (std::string listener; words >> listener;) _listeners.push_back(listener);
}

void BrokerProcess::stop()
{
    if (!_process) return;
    _process->signal(SIGTERM);
    const auto status = _process->waitForExit();
    if (!status) fail("the broker did not stop");
    if (*status != 0) fail("the broker ended with status " + std::to_string(*status));
    _process.reset();
}

void BrokerProcess::kill()
{
    _process.reset();
}

std::uint16_t BrokerProcess::port() const
{
    for (const std::string& listener : _listeners)
    {
        if (!listener.starts_with("nmq-tcp://") && !listener.starts_with("mqtt-tcp://")) continue;
        std::uint16_t port = 0;
        const char* const digits = listener.data() + listener.rfind(':') + 1;
        std::from_chars(digits, listener.data() + listener.size(), port);
        if (port != 0) return port;
    }
    CppUnit::Asserter::fail("the ready line tells no port on TCP:\n" + log(), CPPUNIT_SOURCELINE());
    return 0;
}

void BrokerProcess::writeConf(std::string_view name, std::string_view text)
{
    writeFile(confFolder() / name, text);
}

CommandResult BrokerProcess::ctl(std::vector<std::string> arguments)
{
    arguments.insert(arguments.begin(), {"--control", controlPath().string()});
    return runCommand(programPath("NANOMQ_CTL", NANOMQ_CTL), std::move(arguments));
}

std::string BrokerProcess::log() const
{
    if (!_process) return "(not running)";
    return _process->commandLine() + '\n' + _process->output() + _process->errors();
}

void BrokerProcess::fail(const std::string& what)
{
    const std::string message = what + ":\n" + log();
    _process.reset();
    CppUnit::Asserter::fail(message, CPPUNIT_SOURCELINE());
    throw std::logic_error("unreachable: fail() throws");
}

} // namespace nanomq::test
