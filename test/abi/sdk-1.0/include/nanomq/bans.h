#pragma once

#include "nanomq/plugin.h"

namespace nanomq::sdk
{
inline namespace v1
{

/// Who may not come in: addresses and networks, Client Identifiers, user names. The list outlives
/// the broker; what a plugin adds stays when the plugin is unloaded.
class Bans
{
public:
    static constexpr const char* kInterface = "nanomq.bans/1";

    enum class Kind : std::uint32_t
    {
        Address = 0, ///< "192.0.2.7", "192.0.2.0/24", "2001:db8::/32"
        ClientId = 1,
        UserName = 2,
    };

    struct Ban
    {
        std::uint32_t size;
        Kind kind;
        Str who;
        Str reason;            ///< at most 1,024 bytes are kept
        Str by;                ///< add(): empty means the plugin's name
        std::uint64_t sinceMs; ///< Unix time; add(): ignored
        std::uint64_t untilMs; ///< 0: for good
    };

    class Visitor
    {
    public:
        /// Valid for the call.
        virtual void ban(const Ban* ban) = 0;

    protected:
        ~Visitor() = default;
    };

    /// Adds a ban, or replaces the one that there is for the same; who is connected is disconnected
    /// within a second. -EINVAL for what is no address or network, an empty name, or an end that is
    /// past; -ENOSPC when there are 100,000. [any]
    virtual Status add(const Ban* ban) = 0;
    /// -ENOENT when there is none. [any]
    virtual Status remove(Kind kind, Str who) = 0;
    /// Every ban that is not over. [any]
    virtual void list(Visitor* visitor) = 0;

protected:
    ~Bans() = default;
};

} // namespace v1
} // namespace nanomq::sdk
