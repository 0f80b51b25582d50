#include "broker/ClientIdentity.h"

#include "base/Clock.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace nanomq
{

Ref<const ClientIdentity> ClientIdentity::make(const Fields& fields)
{
    const std::size_t size = fields.clientId.size() +
                             fields.userName.value_or(std::string_view()).size() +
                             fields.peerAddress.size() + fields.listener.size() +
                             fields.certificateCommonName.size() +
                             fields.certificateSubject.size();
    void* const memory = std::malloc(sizeof(ClientIdentity) + size);
    if (!memory) throw std::bad_alloc();
    char* const text = static_cast<char*>(memory) + sizeof(ClientIdentity);
    return Ref<const ClientIdentity>::adopt(new (memory) ClientIdentity(fields, text));
}

ClientIdentity::ClientIdentity(const Fields& fields, char* text) noexcept
{
    const auto put = [&text](std::string_view source) -> sdk::Str {
        if (!source.empty()) std::memcpy(text, source.data(), source.size());
        const std::string_view copy(text, source.size());
        text += source.size();
        return copy;
    };
    _info.size = sizeof _info;
    _info.protocolVersion = static_cast<std::uint8_t>(fields.version);
    _info.cleanStart = fields.cleanStart;
    _info.hasUserName = fields.userName.has_value();
    _info.keepAliveSeconds = fields.keepAliveSeconds;
    _info.peerPort = fields.peerPort;
    _info.connectedAtMs = static_cast<std::uint64_t>(unixNow());
    _info.clientId = put(fields.clientId);
    _info.userName = put(fields.userName.value_or(std::string_view()));
    _info.peerAddress = put(fields.peerAddress);
    _info.listener = put(fields.listener);
    _info.certificateCommonName = put(fields.certificateCommonName);
    _info.certificateSubject = put(fields.certificateSubject);
}

bool ClientIdentity::isLocal() const noexcept
{
    const std::string_view address = _info.peerAddress.view();
    return address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127.") ||
           _info.listener.view().starts_with("unix:");
}

void ClientIdentity::destroy() const noexcept
{
    auto* const self = const_cast<ClientIdentity*>(this);
    self->~ClientIdentity();
    std::free(self);
}

} // namespace nanomq
