// Lines to the control socket. Each line gets one line back, which is a JSON object with "id" and
// "ok", whatever it was; and the connection goes on.

#include "Fuzz.h"
#include "control/ControlServer.h"
#include "control/UnixStream.h"

#include <Poco/JSON/Parser.h>
#include <Poco/Logger.h>
#include <Poco/NullChannel.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <cstdlib>

namespace
{

using namespace nanomq;
using fuzz::require;
using Poco::JSON::Object;

std::string socketPath()
{
    std::string folder = std::filesystem::temp_directory_path() / "control-fuzz-XXXXXX";
    require(::mkdtemp(folder.data()) != nullptr, "no folder for the socket");
    return folder + "/s";
}

class Session
{
public:
    Session()
    {
        Poco::Logger::get("fuzz").setChannel(new Poco::NullChannel);
        _server.command("echo", [](const Object& arguments) {
            return ControlResult(Poco::Dynamic::Var(Object::Ptr(new Object(arguments))));
        });
        _server.command("fail", [](const Object& arguments) -> ControlResult {
            return ControlError{"not_found", arguments.optValue<std::string>("what", "it")};
        });
        _server.start();
        Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const sockaddr_un address = unixAddress(_server.path());
        require(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address),
                          sizeof address) == 0,
                "cannot connect");
        _stream = std::make_unique<UnixStream>(std::move(socket), std::size_t{16} << 20);
    }
    ~Session()
    {
        _stream.reset();
        _server.stop();
        std::filesystem::remove_all(std::filesystem::path(_server.path()).parent_path());
    }

    void say(std::string_view text)
    {
        std::string lines(text);
        lines += '\n';
        const auto count = std::count(lines.begin(), lines.end(), '\n');
        require(_stream->send(lines), "the connection is gone");
        for (auto left = count; left > 0; --left)
        {
            std::string line;
            require(_stream->readLine(line, kNever) == UnixStream::Read::Line, "no answer");
            Poco::JSON::Parser parser;
            const auto answer = parser.parse(line).extract<Object::Ptr>();
            require(answer->has("id") && answer->has("ok"), "an answer without id or ok");
            require(answer->getValue<bool>("ok") ? answer->has("result") : answer->isObject("error"),
                    "an answer that says nothing");
        }
    }

private:
    ControlServer _server{socketPath(), Poco::Logger::get("fuzz")};
    std::unique_ptr<UnixStream> _stream;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static Session session;
    session.say({reinterpret_cast<const char*>(data), size});
    return 0;
}
