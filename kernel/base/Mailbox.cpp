#include "base/Mailbox.h"

#include <Poco/Exception.h>

#include <cerrno>
#include <sys/eventfd.h>
#include <unistd.h>

namespace nanomq
{

namespace
{

int makeEventDescriptor()
{
    const int descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (descriptor < 0) throw Poco::SystemException("eventfd", errno);
    return descriptor;
}

} // namespace

Mailbox::Mailbox() : _descriptor(makeEventDescriptor()) {}

Mailbox::~Mailbox()
{
    ::close(_descriptor);
}

void Mailbox::post(Task task)
{
    {
        std::lock_guard lock(_mutex);
        _tasks.push_back(std::move(task));
        _any.store(true, std::memory_order_seq_cst);
    }
    // The owner sets _sleeping and then looks at _any; this sets _any and then looks at
    // _sleeping. Both sequentially consistent, so one of the two sees the other.
    if (_sleeping.exchange(false, std::memory_order_seq_cst))
    {
        const std::uint64_t one = 1;
        // EAGAIN means that the counter is full, and then the owner wakes anyway.
        [[maybe_unused]] const auto written = ::write(_descriptor, &one, sizeof one);
    }
}

void Mailbox::drain()
{
    if (_running.empty())
    {
        if (!_any.load(std::memory_order_acquire)) return;
        std::lock_guard lock(_mutex);
        _running.swap(_tasks);
        _any.store(false, std::memory_order_relaxed);
    }
    while (_nextToRun < _running.size()) _running[_nextToRun++]();
    _running.clear();
    _nextToRun = 0;
}

bool Mailbox::prepareToSleep() noexcept
{
    _sleeping.store(true, std::memory_order_seq_cst);
    if (!_any.load(std::memory_order_seq_cst)) return true;
    _sleeping.store(false, std::memory_order_relaxed);
    return false;
}

void Mailbox::acknowledge() noexcept
{
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(_descriptor, &count, sizeof count);
}

} // namespace nanomq
