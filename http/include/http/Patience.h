#pragma once

#include <atomic>
#include <chrono>

namespace http
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
/// a caller for hours; and a thread in recv() hears nothing else. Thread: one at a time.
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

} // namespace http
