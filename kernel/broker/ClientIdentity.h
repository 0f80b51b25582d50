#pragma once

#include "base/Counted.h"
#include "nanomq/types.h"
#include "wire/Packets.h"

#include <optional>
#include <string_view>

namespace nanomq
{

/// A client as it was when it connected: what hooks and messages refer to. Immutable, shared, and
/// in one piece of memory with its texts, so an event that is told late still shows who it was.
/// Thread: [any].
class ClientIdentity final : public Counted
{
public:
    struct Fields
    {
        ProtocolVersion version;
        bool cleanStart;
        std::uint16_t keepAliveSeconds;
        std::string_view clientId;
        std::optional<std::string_view> userName;
        std::string_view peerAddress;
        std::uint16_t peerPort;
        std::string_view listener;
        std::string_view certificateCommonName;
        std::string_view certificateSubject;
    };

    static Ref<const ClientIdentity> make(const Fields& fields);

    const sdk::ClientInfo& info() const noexcept { return _info; }
    std::string_view clientId() const noexcept { return _info.clientId.view(); }

    /// Whether it came from this machine: 127.0.0.0/8, ::1, a Unix socket.
    bool isLocal() const noexcept;

    /// What hooks see of whoever a session, message or connection refers to; null for nobody.
    static const sdk::ClientInfo* infoOf(const Counted* identity) noexcept
    {
        return identity ? &static_cast<const ClientIdentity*>(identity)->_info : nullptr;
    }

private:
    /// @param text  room for all texts, behind this object.
    ClientIdentity(const Fields& fields, char* text) noexcept;
    void destroy() const noexcept override;

    sdk::ClientInfo _info{};
};

} // namespace nanomq
