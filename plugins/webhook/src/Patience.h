#pragma once

#include <Poco/Net/StreamSocketImpl.h>

#include <atomic>
#include <chrono>

namespace webhook
{

using SteadyTime = std::chrono::steady_clock::time_point;

/// Ends, from any thread and for ever, every wait that knows of it.
class Cancellation
{
public:
    /// Throws Poco::SystemException when the system has no descriptor left.
    Cancellation();
    ~Cancellation();
    Cancellation(const Cancellation&) = delete;
    Cancellation& operator=(const Cancellation&) = delete;

    void cancel() noexcept;                                       ///< [any]
    bool cancelled() const noexcept { return _cancelled.load(); } ///< [any]
    int descriptor() const noexcept { return _descriptor; }       ///< readable once cancelled

private:
    const int _descriptor;
    std::atomic<bool> _cancelled{false};
};

/// How long one thread is willing to wait for a socket: until a deadline, or a cancellation.
///
/// Timeouts of sockets hold for one call each, so a peer that sends a byte now and then would keep
/// a sender for hours; and a thread in recv() hears nothing else. Thread: one sender's.
class Patience
{
public:
    explicit Patience(const Cancellation& cancellation) noexcept : _cancellation(cancellation) {}

    void endsAt(SteadyTime deadline) noexcept { _deadline = deadline; }
    bool cancelled() const noexcept { return _cancellation.cancelled(); }

    /// Waits until the descriptor is ready. Throws Poco::TimeoutException when patience ends first,
    /// also when the descriptor is ready by then: a flood does not buy time.
    /// @param events  POLLIN or POLLOUT.
    void await(int descriptor, short events) const;

private:
    const Cancellation& _cancellation;
    SteadyTime _deadline{};
};

/// A TCP socket whose every wait is a Patience's.
class PatientSocket final : public Poco::Net::StreamSocketImpl
{
public:
    explicit PatientSocket(const Patience& patience) noexcept : _patience(patience) {}

    /// The time-out is not used: the deadline is the patience's.
    void connect(const Poco::Net::SocketAddress& address, const Poco::Timespan& timeout) override;
    int sendBytes(const void* buffer, int length, int flags) override;
    int receiveBytes(void* buffer, int length, int flags) override;

private:
    const Patience& _patience;
};

} // namespace webhook
