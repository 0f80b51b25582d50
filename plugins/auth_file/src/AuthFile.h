#pragma once

#include "Settings.h"
#include "Verifier.h"
#include "nanomq/plugin_base.h"

#include <optional>

namespace auth_file
{

/// The plugin: user names and passwords from a file, and ACL rules. What users see stands in
/// README.md. Passwords are checked on the plugin's own threads; the worker only looks into a
/// cache. Rules are decided at once, from memory.
class AuthFile final : public nanomq::sdk::PluginBase
{
private:
    using Context = nanomq::sdk::HookContext;
    using Verdict = nanomq::sdk::Verdict;

    void onInit() override;
    void onStart() override;

    Verdict onAuthenticate(const nanomq::sdk::ClientAuthenticate& event, Context& context);
    Verdict onAuthorize(const nanomq::sdk::ClientAuthorize& event, Context& context);
    Verdict deny(const nanomq::sdk::ClientAuthorize& event, Context& context,
                 std::string_view reason);

    Settings _settings;
    credentials::Record _standIn; ///< checked for users that there are not; costs as much
    nanomq::sdk::Broker* _broker = nullptr;
    nanomq::sdk::Metrics::Counter* _denied = nullptr;
    std::optional<Verifier> _verifier;
};

} // namespace auth_file
