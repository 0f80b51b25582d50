#include "Shell.h"
#include "Verbs.h"

#include <chrono>
#include <iostream>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace nanomq::ctl
{

namespace
{

using Poco::JSON::Object;

/// The broker's process, for waiting until it has ended.
class BrokerProcess
{
public:
    explicit BrokerProcess(int pid)
        : _descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)))
    {
    }
    ~BrokerProcess()
    {
        if (_descriptor >= 0) ::close(_descriptor);
    }
    BrokerProcess(const BrokerProcess&) = delete;
    BrokerProcess& operator=(const BrokerProcess&) = delete;

    /// True as well when there is nothing to wait for: it is gone, or in another container.
    bool waitForEnd(std::chrono::milliseconds deadline) const
    {
        if (_descriptor < 0) return true;
        pollfd ended{_descriptor, POLLIN, 0};
        return ::poll(&ended, 1, static_cast<int>(deadline.count())) > 0;
    }

private:
    const int _descriptor;
};

Options withoutWords(const Arguments& arguments, const char* usage, const char* summary)
{
    Options options(usage, summary);
    options.parse(arguments);
    options.noWordsBeyond(0);
    return options;
}

} // namespace

int stopVerb(const Arguments& arguments)
{
    const Options options =
        withoutWords(arguments, "stop", "Stops the broker, and waits until it has ended.");
    if (options.has("help")) return std::cout << options.help(), 0;
    Shell shell(options);
    const BrokerProcess broker(
        shell.callForObject("status", makeObject())->optValue<int>("pid", -1));
    const auto answer = shell.call("stop", makeObject());
    if (!broker.waitForEnd(Shell::kDeadline))
        throw Failure("the broker was told to stop and still runs");
    shell.tell("the broker has stopped", answer);
    return 0;
}

int restartVerb(const Arguments& arguments)
{
    const Options options =
        withoutWords(arguments, "restart", "Makes the broker start anew, with the same arguments.");
    if (options.has("help")) return std::cout << options.help(), 0;
    Shell shell(options);
    shell.tell("the broker restarts", shell.call("restart", makeObject()));
    return 0;
}

int reloadVerb(const Arguments& arguments)
{
    const Options options =
        withoutWords(arguments, "reload", "Makes the broker read its configuration again.");
    if (options.has("help")) return std::cout << options.help(), 0;
    Shell shell(options);
    const auto answer = shell.call("reload", makeObject());
    const bool isEmpty =
        answer.type() == typeid(Object::Ptr) && answer.extract<Object::Ptr>()->size() == 0;
    if (isEmpty) shell.tell("the configuration was read again", answer);
    else shell.print(answer);
    return 0;
}

} // namespace nanomq::ctl
