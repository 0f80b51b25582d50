#pragma once

namespace nanomq::ctl
{

/// Turns SIGINT and SIGTERM into something to wait for, so that a client can say goodbye.
/// Requires: made before the first thread. The signals stay blocked. Thread: [main].
class Interrupt
{
public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    /// Readable when one of the signals came.
    int descriptor() const noexcept { return _descriptor; }

private:
    int _descriptor;
};

} // namespace nanomq::ctl
