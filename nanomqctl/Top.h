#pragma once

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <chrono>

namespace nanomq::ctl
{

/// What `nanomqctl top` shows, made of two answers of the broker, some time apart.
class TopFigures
{
public:
    /// @param status   the answer to "status".
    /// @param plugins  the answer to "plugin.figures".
    TopFigures(Poco::JSON::Object::Ptr status, Poco::JSON::Object::Ptr plugins)
        : _status(std::move(status)),
          _plugins(std::move(plugins))
    {
    }

    /// Rates and states: of the broker, then "plugins", then "hooks", those first that take most
    /// of the workers' and executors' time.
    Poco::JSON::Object::Ptr since(const TopFigures& before, std::chrono::duration<double> time) const;

private:
    Poco::JSON::Object::Ptr _status;
    Poco::JSON::Object::Ptr _plugins;
};

} // namespace nanomq::ctl
