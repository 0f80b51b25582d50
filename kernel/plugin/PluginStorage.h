#pragma once

#include "nanomq/storage.h"

#include <string>

namespace nanomq
{

/// The folder of one plugin, STATE-DIR/plugins/NAME: nanomq.storage/1. Thread: [any].
class PluginStorage final : public sdk::Storage
{
public:
    /// @param stateDir  empty: there is none, and every call fails.
    PluginStorage(const std::string& stateDir, const std::string& plugin);

    sdk::Status folder(sdk::Str* path) override;

private:
    const std::string _path;
};

} // namespace nanomq
