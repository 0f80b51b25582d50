#pragma once

#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <poll.h>
#include <spawn.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

extern char** environ;

namespace nanomq::sdk::testing
{

/// The broker itself as a child process, in a folder of its own, with plugins in it.
///
///     RunningBroker broker({.plugins = {MY_PLUGIN_FILE},
///                           .conf = {{"my_plugin.conf", "my_plugin.topic = a/#\n"}}});
///     MqttClient client(broker.port(), {"c1"});
///     client.publish("a/b", "hello", 1);
///     broker.control("plugin.verb", R"({"plugin":"my_plugin","words":["status"]})");
///     broker.stop();
///
/// It listens on a free port of 127.0.0.1. What goes wrong throws std::runtime_error, with all
/// that the broker said. The program is that of Options, else the environment variable
/// NANOMQ_BROKER, else `nanomq` of the PATH. Thread: one at a time.
class RunningBroker
{
public:
    struct Options
    {
        std::vector<std::string> plugins{};             ///< files, copied; each is called NAME.so
        std::map<std::string, std::string> conf{};      ///< texts of conf.d by file name
        std::vector<std::string> arguments{};           ///< more for its command line
        std::string program{};
        std::chrono::milliseconds patience{30'000};     ///< with it to get ready, and to end
    };

    /// Starts it, and waits until it is ready. A plugin without a text in `conf` gets an empty
    /// file, which switches it on.
    explicit RunningBroker(Options options) : _options(std::move(options))
    {
        makeFolder();
        start();
    }
    /// Kills it if stop() was not called.
    ~RunningBroker()
    {
        if (_child > 0)
        {
            ::kill(_child, SIGKILL);
            ::waitpid(_child, nullptr, 0);
        }
        if (_process >= 0) ::close(_process);
        std::error_code ignored;
        std::filesystem::remove_all(_folder, ignored);
    }
    RunningBroker(const RunningBroker&) = delete;
    RunningBroker& operator=(const RunningBroker&) = delete;

    std::uint16_t port() const noexcept { return _port; }
    /// All of its listeners, as it told them.
    const std::string& listeners() const noexcept { return _listeners; }
    const std::filesystem::path& folder() const noexcept { return _folder; }

    /// Puts another version of a plugin into the plugin folder; control("plugin.reload", …) then
    /// takes it.
    void replacePlugin(const std::string& file)
    {
        const auto place = _folder / "plugins" / std::filesystem::path(file).filename();
        const auto fresh = place.string() + ".new";
        std::filesystem::copy_file(file, fresh);
        std::filesystem::rename(fresh, place);
    }
    void writeConf(const std::string& name, std::string_view text)
    {
        std::ofstream(_folder / "conf.d" / name, std::ios::trunc) << text;
    }

    /// What `nanomqctl` would ask: a command of the control socket with a JSON object of arguments.
    /// Returns the answer, one JSON object: {"id":1,"ok":true,"result":…}.
    std::string control(std::string_view command, std::string_view argumentsJson = "{}")
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = (_folder / "s").string();
        if (path.size() >= sizeof address.sun_path) fail("the folder for the test is too deep");
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        std::string answer;
        if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        {
            const std::string request = R"({"id":1,"cmd":")" + std::string(command) +
                                        R"(","args":)" + std::string(argumentsJson) + "}\n";
            if (::send(socket, request.data(), request.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(request.size()))
                answer = readLine(socket);
        }
        ::close(socket);
        if (answer.empty()) fail("the broker's control socket does not answer");
        return answer;
    }

    /// Ends it (SIGTERM) and requires that it ends in order. Under a sanitizer this also finds
    /// what it has reported.
    void stop()
    {
        ::kill(_child, SIGTERM);
        pollfd ended{_process, POLLIN, 0};
        if (::poll(&ended, 1, static_cast<int>(_options.patience.count())) <= 0)
            fail("the broker did not stop");
        int status = 0;
        ::waitpid(std::exchange(_child, -1), &status, 0);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            fail("the broker ended with status " + std::to_string(status));
    }
    /// What it wrote to standard error: its log.
    std::string log() const
    {
        std::ifstream file(_folder / "log");
        return {std::istreambuf_iterator<char>(file), {}};
    }

private:
    [[noreturn]] void fail(const std::string& what) const
    {
        throw std::runtime_error(what + "\n" + log());
    }

    void makeFolder()
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "nanomq-XXXXXX").string();
        if (!::mkdtemp(pattern.data())) throw std::runtime_error("cannot make " + pattern);
        _folder = pattern;
        for (const char* name : {"plugins", "conf.d", "state"})
            std::filesystem::create_directory(_folder / name);
        for (const auto& file : _options.plugins)
        {
            const std::filesystem::path path(file);
            std::filesystem::copy_file(path, _folder / "plugins" / path.filename());
            writeConf(path.stem().string() + ".conf", "");
        }
        for (const auto& [name, text] : _options.conf) writeConf(name, text);
    }
    std::string program() const
    {
        if (!_options.program.empty()) return _options.program;
        const char* const named = std::getenv("NANOMQ_BROKER");
        return named ? named : "nanomq";
    }

    void start()
    {
        std::vector<std::string> arguments{program(),
                                           "--conf-dir",
                                           _folder / "conf.d",
                                           "--plugin-dir",
                                           _folder / "plugins",
                                           "--control",
                                           _folder / "s",
                                           "--state-dir",
                                           _folder / "state",
                                           "--url",
                                           "nmq-tcp://127.0.0.1:0"};
        arguments.insert(arguments.end(), _options.arguments.begin(), _options.arguments.end());
        std::vector<char*> pointers;
        for (auto& argument : arguments) pointers.push_back(argument.data());
        pointers.push_back(nullptr);

        int pipe[2];
        if (::pipe2(pipe, O_CLOEXEC) != 0) fail("no pipe");
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, pipe[1], 1);
        const std::string log = _folder / "log";
        ::posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                           0600);
        const int error =
            ::posix_spawnp(&_child, pointers[0], &actions, nullptr, pointers.data(), environ);
        ::posix_spawn_file_actions_destroy(&actions);
        ::close(pipe[1]);
        if (error != 0)
        {
            ::close(pipe[0]);
            _child = -1;
            fail("cannot start " + arguments[0] + ": " + std::strerror(error));
        }
        _process = static_cast<int>(::syscall(SYS_pidfd_open, _child, 0));
        const std::string line = readLine(pipe[0]);
        ::close(pipe[0]);
        constexpr std::string_view kReady = "nanomq ready ";
        if (!line.starts_with(kReady)) fail("the broker did not get ready");
        _listeners = line.substr(kReady.size());
        constexpr std::string_view kTcp = "nmq-tcp://127.0.0.1:";
        const auto tcp = _listeners.find(kTcp);
        if (tcp == std::string::npos) fail("the ready line tells no port: " + line);
        std::from_chars(_listeners.data() + tcp + kTcp.size(),
                        _listeners.data() + _listeners.size(), _port);
    }
    /// Up to a line's end, the other side's end, or the end of patience.
    std::string readLine(int descriptor) const
    {
        const auto end = std::chrono::steady_clock::now() + _options.patience;
        std::string line;
        for (char character = 0; character != '\n';)
        {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                end - std::chrono::steady_clock::now());
            pollfd wait{descriptor, POLLIN, 0};
            if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) <= 0) return {};
            if (::read(descriptor, &character, 1) != 1) return line;
            if (character != '\n') line += character;
        }
        return line;
    }

    const Options _options;
    std::filesystem::path _folder;
    std::string _listeners;
    std::uint16_t _port = 0;
    pid_t _child = -1;
    int _process = -1; // pidfd
};

} // namespace nanomq::sdk::testing
