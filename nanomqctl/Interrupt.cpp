#include "Interrupt.h"

#include <Poco/Exception.h>

#include <csignal>
#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace nanomq::ctl
{

Interrupt::Interrupt()
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    _descriptor = ::signalfd(-1, &signals, SFD_CLOEXEC);
    if (_descriptor < 0) throw Poco::SystemException("cannot wait for signals");
}

Interrupt::~Interrupt()
{
    ::close(_descriptor);
}

} // namespace nanomq::ctl
