#include "Shell.h"
#include "Verbs.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Parser.h>
#include <Poco/PipeStream.h>
#include <Poco/Process.h>
#include <Poco/StreamCopier.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

namespace nanomq::ctl
{

namespace
{

using Poco::JSON::Array;
using Poco::JSON::Object;

/// The broker whose gate is asked: --broker, NANOMQ_BROKER, the one beside this program, the PATH's.
std::string brokerProgram(const Options& options)
{
    if (options.has("broker")) return options.text("broker");
    if (const char* const variable = std::getenv("NANOMQ_BROKER"); variable && *variable)
        return variable;
    std::error_code unreadable;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", unreadable);
    const auto beside = self.parent_path() / "nanomq";
    return std::filesystem::exists(beside, unreadable) ? beside.string() : "nanomq";
}

Object::Ptr inspect(const std::string& program, const std::string& file)
{
    Poco::Pipe pipe;
    const auto broker = Poco::Process::launch(program, {"--inspect", file}, nullptr, &pipe, nullptr);
    Poco::PipeInputStream stream(pipe);
    std::string said;
    Poco::StreamCopier::copyToString(stream, said);
    broker.wait();
    try
    {
        Poco::JSON::Parser parser(new Poco::JSON::ParseHandler(true)); // keeps the order of keys
        return parser.parse(said).extract<Object::Ptr>();
    }
    catch (const Poco::Exception&)
    {
        throw Failure(program + " cannot tell about a plugin; is it a broker? --broker PATH names another");
    }
}

} // namespace

int checkPluginVerb(const Arguments& arguments)
{
    Options options("plugin check FILE.so [--broker PATH]",
                    "Takes a plugin's library through the gate of the broker, and tells all that it "
                    "found. Needs no running broker; exit status 1 when a load would refuse it.");
    options.value("broker", "", "PATH",
                  "the program `nanomq` (or variable NANOMQ_BROKER; else the one beside nanomqctl)");
    options.parse(arguments);
    if (options.has("help")) return std::cout << options.help(), 0;
    options.noWordsBeyond(1);
    const std::string& file = options.word(0, "a plugin's library behind 'check'");

    Object::Ptr report = inspect(brokerProgram(options), std::filesystem::absolute(file).string());
    const auto refused = report->getArray("refused");
    const Shell shell(options);
    if (shell.look() == Look::Json) shell.print(report);
    else
    {
        report->remove("refused");
        shell.print(report);
        for (const auto& why : *refused) std::cerr << "refused: " << why.toString() << '\n';
    }
    return refused->size() == 0 ? 0 : 1;
}

} // namespace nanomq::ctl
