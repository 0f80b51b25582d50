#include "app/PluginBans.h"

#include <cerrno>

namespace nanomq
{

namespace
{

BanKind kindOf(sdk::Bans::Kind kind) noexcept
{
    return static_cast<BanKind>(kind); // the same numbers
}

} // namespace

sdk::Status PluginBans::add(const Ban* ban)
{
    if (!ban || ban->kind > Kind::UserName) return -EINVAL;
    nanomq::Ban added;
    added.kind = kindOf(ban->kind);
    added.who = ban->who.view();
    added.reason = ban->reason.view();
    added.by = ban->by.size > 0 ? std::string(ban->by.view()) : _plugin;
    added.until = static_cast<UnixMs>(ban->untilMs);
    if (added.isOver(unixNow())) return -EINVAL;
    switch (_bans.add(std::move(added)))
    {
    case BanList::Added::Done: return 0;
    case BanList::Added::Invalid: return -EINVAL;
    case BanList::Added::Full: break;
    }
    return -ENOSPC;
}

sdk::Status PluginBans::remove(Kind kind, sdk::Str who)
{
    if (kind > Kind::UserName) return -EINVAL;
    return _bans.remove(kindOf(kind), who.view()) ? 0 : -ENOENT;
}

void PluginBans::list(Visitor* visitor)
{
    if (!visitor) return;
    for (const auto& ban : _bans.list())
    {
        const Ban shown{sizeof(Ban),
                        static_cast<Kind>(ban.kind),
                        ban.who,
                        ban.reason,
                        ban.by,
                        static_cast<std::uint64_t>(ban.since),
                        static_cast<std::uint64_t>(ban.until)};
        visitor->ban(&shown);
    }
}

} // namespace nanomq
