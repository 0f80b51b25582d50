#pragma once

#include "Desk.h"
#include "Settings.h"
#include "nanomq/services.h"

#include <string_view>

namespace auth_http
{

/// `nanomqctl auth_http test`: asks the server as it would be asked for a client, and shows
/// request, answer and verdict. Passwords and values of headers are not shown. Thread: [any]; waits
/// for the server.
class TryOut
{
public:
    TryOut(const Settings& settings, const Desk& desk) noexcept : _settings(settings), _desk(desk)
    {
    }

    void run(std::string_view argumentsJson, nanomq::sdk::Control::Reply& reply) const;

private:
    const Settings& _settings;
    const Desk& _desk;
};

} // namespace auth_http
