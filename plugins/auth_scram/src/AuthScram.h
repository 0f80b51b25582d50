#pragma once

#include "credentials/LateAnswers.h"
#include "credentials/PasswordFile.h"
#include "credentials/Penalties.h"
#include "nanomq/plugin_base.h"

#include <optional>
#include <string>
#include <string_view>

namespace auth_scram
{

/// The plugin: enhanced authentication (MQTT 5.0 §4.12) by SCRAM-SHA-256, for the users of a
/// password file that have a SCRAM record. What users see stands in README.md.
///
/// Everything is decided at once: the costly half of SCRAM is the client's. Between the two steps
/// the broker keeps the exchange. A wrong proof is answered after a penalty.
class AuthScram final : public nanomq::sdk::PluginBase
{
public:
    static constexpr std::string_view kMethod = "SCRAM-SHA-256";

private:
    using Context = nanomq::sdk::HookContext;
    using Event = nanomq::sdk::ClientEnhancedAuth;
    using Verdict = nanomq::sdk::Verdict;

    void onInit() override;

    Verdict onEnhancedAuth(const Event& event, Context& context);
    Verdict begin(const Event& event, Context& context);
    Verdict finish(const Event& event, Context& context);
    Verdict deny(Context& context, nanomq::sdk::ReasonCode reason, std::string_view text);
    /// The user's record, or one that looks like it and lets nobody in.
    credentials::Record recordOf(const std::string& user, bool& known) const;

    credentials::PasswordFile::Users _users; ///< those with a SCRAM record
    std::uint32_t _iterations = credentials::kScramIterations; ///< of those that there are not
    std::string _secret; ///< makes their salts: the same as long as the file is the same
    nanomq::sdk::Metrics::Counter* _right = nullptr;
    nanomq::sdk::Metrics::Counter* _wrong = nullptr;
    std::optional<credentials::Penalties> _penalties;
    std::optional<credentials::LateAnswers> _late;
    std::chrono::milliseconds _longestDelay{8'000};
};

} // namespace auth_scram
