#include "broker/ClientIdentity.h"

#include "base/Clock.h"

namespace nanomq
{

Ref<const ClientIdentity> ClientIdentity::make(const Fields& fields)
{
    return Ref<const ClientIdentity>::adopt(new ClientIdentity(fields));
}

ClientIdentity::ClientIdentity(const Fields& fields)
{
    const std::string_view userName = fields.userName.value_or(std::string_view());
    _text.reserve(fields.clientId.size() + userName.size() + fields.peerAddress.size() +
                  fields.listener.size());
    _text.append(fields.clientId).append(userName).append(fields.peerAddress).append(fields.listener);

    std::string_view rest = _text;
    const auto take = [&rest](std::size_t size) {
        const auto text = rest.substr(0, size);
        rest.remove_prefix(size);
        return text;
    };
    _info.size = sizeof _info;
    _info.protocolVersion = static_cast<std::uint8_t>(fields.version);
    _info.cleanStart = fields.cleanStart;
    _info.hasUserName = fields.userName.has_value();
    _info.keepAliveSeconds = fields.keepAliveSeconds;
    _info.peerPort = fields.peerPort;
    _info.connectedAtMs = static_cast<std::uint64_t>(unixNow());
    _info.clientId = take(fields.clientId.size());
    _info.userName = take(userName.size());
    _info.peerAddress = take(fields.peerAddress.size());
    _info.listener = take(fields.listener.size());
}

} // namespace nanomq
