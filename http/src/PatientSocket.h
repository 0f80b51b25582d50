#pragma once

#include "http/Patience.h"

#include <Poco/Net/StreamSocketImpl.h>

namespace http
{

/// A TCP socket whose every wait is a Patience's. Its descriptor never blocks; it says that it
/// does, so that Poco's TLS on top of it waits, too, with poll().
class PatientSocket final : public Poco::Net::StreamSocketImpl
{
public:
    explicit PatientSocket(const Patience& patience) noexcept : _patience(patience) {}

    // Time-outs are not used: the deadline is the patience's.
    void connect(const Poco::Net::SocketAddress& address, const Poco::Timespan& timeout) override;
    bool poll(const Poco::Timespan& timeout, int mode) override;
    int sendBytes(const void* buffer, int length, int flags) override;
    int receiveBytes(void* buffer, int length, int flags) override;
    bool getBlocking() const override { return true; }

private:
    const Patience& _patience;
};

} // namespace http
