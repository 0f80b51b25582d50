#include "Shell.h"

#include "control/ControlPath.h"

#include <Poco/Exception.h>

#include <cstdlib>
#include <iostream>
#include <unistd.h>

namespace nanomq::ctl
{

namespace
{

Look lookOf(const Options& options)
{
    if (options.has("json")) return Look::Json;
    return ::isatty(STDOUT_FILENO) != 0 ? Look::Terminal : Look::Plain;
}

} // namespace

std::string controlPath(const Options& options)
{
    if (options.has("control")) return options.text("control");
    const char* const variable = std::getenv("NANOMQ_CONTROL");
    return variable != nullptr && *variable != '\0' ? variable : defaultControlPath();
}

Poco::JSON::Object::Ptr makeObject()
{
    return new Poco::JSON::Object(Poco::JSON_PRESERVE_KEY_ORDER);
}

Shell::Shell(const Options& options, std::chrono::milliseconds deadline)
    : _look(lookOf(options)),
      _path(controlPath(options)),
      _deadline(deadline)
{
}

Poco::Dynamic::Var Shell::call(const std::string& command, const Poco::JSON::Object::Ptr& arguments)
{
    try
    {
        if (!_client) _client = std::make_unique<ControlClient>(_path, _deadline);
        ControlResult result = _client->call(command, arguments, _deadline);
        if (!result) throw Failure(result.error().message);
        return *result;
    }
    catch (const Poco::Exception& broken)
    {
        throw Failure(broken.message());
    }
}

Poco::JSON::Object::Ptr Shell::callForObject(const std::string& command,
                                             const Poco::JSON::Object::Ptr& arguments)
{
    const Poco::Dynamic::Var value = call(command, arguments);
    if (value.type() != typeid(Poco::JSON::Object::Ptr))
        throw Failure("the broker's answer to '" + command + "' is not an object");
    return value.extract<Poco::JSON::Object::Ptr>();
}

void Shell::follow(const std::string& command, const Poco::JSON::Object::Ptr& arguments,
                   const std::function<bool(const Poco::Dynamic::Var&)>& event)
{
    try
    {
        if (!_client) _client = std::make_unique<ControlClient>(_path, _deadline);
        if (const auto error = _client->follow(command, arguments, event))
            throw Failure(error->message);
    }
    catch (const Poco::Exception& broken)
    {
        throw Failure(broken.message());
    }
}

void Shell::print(const Poco::Dynamic::Var& value) const
{
    ctl::print(value, _look, std::cout,
               colourFor(_look, std::getenv("NO_COLOR"), std::getenv("TERM")));
}

void Shell::tell(const std::string& sentence, const Poco::Dynamic::Var& value) const
{
    if (_look == Look::Json) print(value);
    else std::cout << sentence << '\n';
}

} // namespace nanomq::ctl
