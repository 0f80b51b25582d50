#pragma once

#include "Delivery.h"
#include "Settings.h"
#include "Verbs.h"
#include "nanomq/plugin_base.h"

#include <memory>
#include <string_view>
#include <vector>

namespace webhook
{

/// The plugin: hooks in, an HTTP POST for each event out. What users see stands in README.md.
///
/// Observers run on the plugin's executor. The three intercept points (`client.connect`,
/// `client.subscribe`, `client.unsubscribe`) run on workers, before everybody else's hooks so that
/// they tell what the client asked for; they only copy, and never have an opinion.
class Webhook final : public nanomq::sdk::PluginBase, public nanomq::sdk::Handover
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

    void readSettings();
    void makeDeliveries();
    void registerHooks();
    bool dropUnwanted(const std::string& endpoint, const Outbox::Contents& contents);

    Verdict onConnect(const nanomq::sdk::ClientConnect& event, Context& context);
    Verdict onSubscribe(const nanomq::sdk::ClientSubscribe& event, Context& context);
    Verdict onUnsubscribe(const nanomq::sdk::ClientUnsubscribe& event, Context& context);
    void onConnack(const nanomq::sdk::ClientConnack& event);
    void onConnected(const nanomq::sdk::ClientConnected& event);
    void onDisconnected(const nanomq::sdk::ClientDisconnected& event);
    void onSubscribed(const nanomq::sdk::SessionSubscribed& event);
    void onUnsubscribed(const nanomq::sdk::SessionUnsubscribed& event);
    void onTerminated(const nanomq::sdk::SessionTerminated& event);
    void onPublished(const nanomq::sdk::MessagePublished& event);
    void onDelivered(const nanomq::sdk::MessageDelivered& event);
    void onAcked(const nanomq::sdk::MessageAcked& event);

    template <class Event> void submit(EventKind kind, const Event& event);

    Settings _settings;
    std::vector<std::unique_ptr<Delivery>> _deliveries; ///< as Settings::endpoints
    Verbs _verbs{_deliveries};
};

} // namespace webhook
