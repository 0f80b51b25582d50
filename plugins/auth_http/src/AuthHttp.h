#pragma once

#include "Desk.h"
#include "Figures.h"
#include "Grants.h"
#include "Settings.h"
#include "nanomq/plugin_base.h"

#include <optional>
#include <string>

namespace auth_http
{

/// The plugin: an HTTP server is asked who may come in, and what they may do. What users see stands
/// in README.md. Workers only look into memory and hand questions over; see Desk.
class AuthHttp final : public nanomq::sdk::PluginBase,
                       public nanomq::sdk::Handover,
                       private Desk::Listener
{
public:
    void* query(const char* interfaceId) override;
    nanomq::sdk::Status save(Sink* sink) override;
    nanomq::sdk::Status adopt(nanomq::sdk::Bytes state) override;

private:
    using Context = nanomq::sdk::HookContext;
    using Verdict = nanomq::sdk::Verdict;

    void onInit() override;
    void onStart() override;
    void onQuiesce(std::uint32_t deadlineMs) override;

    Verdict onAuthenticate(const nanomq::sdk::ClientAuthenticate& event, Context& context);
    Verdict onAuthorize(const nanomq::sdk::ClientAuthorize& event, Context& context);
    void onConnected(const nanomq::sdk::ClientConnected& event);
    void onDisconnected(const nanomq::sdk::ClientDisconnected& event);

    void settled(const Errand& errand, Kind kind, const Decision& decision) override;

    Question questionOf(Kind kind, const Facts& facts) const;
    Verdict answer(Kind kind, const Decision& decision, const nanomq::sdk::ClientInfo& client,
                   Context& context);
    Verdict hand(Errand&& errand, const nanomq::sdk::ClientInfo& client, Context& context);
    void tick();
    void registerCommands();
    std::string statusJson();

    Settings _settings;
    std::string _secret; ///< for RequestForm::identify(), anew with each instance
    std::optional<Figures> _figures;
    Grants _grants;
    nanomq::sdk::Broker* _broker = nullptr;
    std::optional<Desk> _desk;
};

/// What becomes of a packet.
struct Outcome
{
    nanomq::sdk::Verdict verdict;
    nanomq::sdk::ReasonCode reason;
};
Outcome outcomeOf(const Settings& settings, Kind kind, const Decision& decision) noexcept;

} // namespace auth_http
