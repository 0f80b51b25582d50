#pragma once

#include "Options.h"
#include "Table.h"
#include "control/ControlClient.h"

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

namespace nanomq::ctl
{

/// Something did not work: the reason for standard error, and exit status 1.
class Failure : public std::runtime_error
{
public:
    using std::runtime_error::runtime_error;
};

/// What a verb works with: its output, and the broker it asks.
class Shell
{
public:
    /// Longer than loading a plugin takes.
    static constexpr std::chrono::seconds kDeadline{60};

    explicit Shell(const Options& options, std::chrono::milliseconds deadline = kDeadline);

    Look look() const noexcept { return _look; }

    /// Asks the broker, and waits. Throws Failure with the broker's reason, or why there is none.
    Poco::Dynamic::Var call(const std::string& command, const Poco::JSON::Object::Ptr& arguments);
    /// The same, for answers that are objects.
    Poco::JSON::Object::Ptr callForObject(const std::string& command,
                                          const Poco::JSON::Object::Ptr& arguments);

    /// Follows a stream of events until `event` returns false or the broker ends it. Throws
    /// Failure as call() does.
    void follow(const std::string& command, const Poco::JSON::Object::Ptr& arguments,
                const std::function<bool(const Poco::Dynamic::Var&)>& event);

    /// To standard output, with colours on a terminal that likes them.
    void print(const Poco::Dynamic::Var& value) const;
    /// A sentence for people; nothing for --json, where `value` is printed.
    void tell(const std::string& sentence, const Poco::Dynamic::Var& value) const;

private:
    const Look _look;
    const std::string _path;
    const std::chrono::milliseconds _deadline;
    std::unique_ptr<ControlClient> _client; // connected when it is needed
};

/// The path of --control, or NANOMQ_CONTROL, or the default.
std::string controlPath(const Options& options);

/// An object that keeps the order of its keys.
Poco::JSON::Object::Ptr makeObject();

} // namespace nanomq::ctl
