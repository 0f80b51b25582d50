#pragma once

#include "nanomq/admin.h"
#include "plugin/PluginHost.h"

#include <cstdint>
#include <future>
#include <map>
#include <mutex>

namespace nanomq
{

/// The plugin host, as plugins see it: the interface nanomq.plugin_admin/1. Thread: [any].
class PluginAdministration final : public sdk::PluginAdmin
{
public:
    explicit PluginAdministration(PluginHost& host) noexcept : _host(host) {}

    sdk::Status list(sdk::Str name, Visitor* visitor) override;
    sdk::Status begin(Action action, sdk::Str name, std::uint64_t* job) override;
    sdk::Status outcome(std::uint64_t job, std::uint32_t waitMs, Outcome* outcome) override;

private:
    /// Jobs whose outcome nobody has asked for; the oldest that are done make room.
    static constexpr std::size_t kMaximumJobs = 64;

    PluginHost& _host;
    std::mutex _mutex; // guards all below
    std::map<std::uint64_t, std::shared_future<PluginResult>> _jobs;
    std::uint64_t _lastJob = 0;
};

} // namespace nanomq
