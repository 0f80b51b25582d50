#pragma once

#include "broker/BanList.h"
#include "nanomq/bans.h"

#include <string>

namespace nanomq
{

/// nanomq.bans/1 for one plugin, by whose name its bans go. Thread: [any].
class PluginBans final : public sdk::Bans
{
public:
    /// @param bans  outlives this.
    PluginBans(BanList& bans, std::string plugin) : _bans(bans), _plugin(std::move(plugin)) {}

    sdk::Status add(const Ban* ban) override;
    sdk::Status remove(Kind kind, sdk::Str who) override;
    void list(Visitor* visitor) override;

private:
    BanList& _bans;
    const std::string _plugin;
};

} // namespace nanomq
