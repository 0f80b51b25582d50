#pragma once

#include <memory>
#include <string>

namespace nanomq
{

/// Tells the world that the broker is ready: the line on standard output, the service manager
/// (sd_notify's protocol), and, when the broker runs in the background, whoever started it.
///
/// Poco forks before anything is checked, so a start that fails looks like one that succeeded.
/// Here the first process stays until the line is there, and ends with the status of the start.
/// Thread: [main], before there are others.
class Readiness
{
public:
    /// In the foreground.
    Readiness() = default;
    ~Readiness();
    Readiness(const Readiness&) = delete;
    Readiness& operator=(const Readiness&) = delete;

    /// Goes on in the background. Returns in the new process; the first one waits for tell() or
    /// for the new one's end, and exits with 0 or 1.
    void goToBackground();

    /// Prints "nanomq ready URL…". In the background, lets go of the terminal behind it.
    void tell(const std::string& listenerUrls);

private:
    int _pipe = -1; // to the waiting process
};

} // namespace nanomq
