// Counts messages: an observer, a metric, a control verb, and state that survives a reload.

#include "nanomq/plugin_base.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

using namespace nanomq::sdk;

class MessageCounter final : public PluginBase, public Handover
{
public:
    void* query(const char* interfaceId) override
    {
        const bool handover = std::string_view(interfaceId) == Handover::kInterface;
        return handover ? static_cast<Handover*>(this) : nullptr;
    }

    Status save(Sink* sink) override
    {
        const std::uint64_t seen = _seen;
        sink->write({&seen, sizeof seen});
        return 0;
    }
    Status adopt(Bytes state) override
    {
        std::uint64_t before = 0;
        if (state.size != sizeof before) return -EINVAL;
        std::memcpy(&before, state.data, sizeof before);
        _seen += before; // added: hooks of this version may have run already
        return 0;
    }

private:
    void onInit() override
    {
        _messages = get<Metrics>().counter("message_counter_messages_total", "",
                                           "Messages that matched message_counter.topic.");
        get<Control>().command("status", "How many messages were seen.", &status, this);
        const std::string topic = configText("message_counter.topic", "#");
        hook<&MessageCounter::onPublished>(0, {topic});
    }

    /// Offloaded: runs on the plugin's executor, one event at a time.
    void onPublished(const MessagePublished&)
    {
        ++_seen;
        _messages->add(1);
    }

    static void status(void* self, Str /*argumentsJson*/, Control::Reply* reply)
    {
        const auto& counter = *static_cast<const MessageCounter*>(self);
        reply->json("{\"messages\":" + std::to_string(counter._seen) + "}");
    }

    std::atomic<std::uint64_t> _seen{0};
    Metrics::Counter* _messages = nullptr;
};

NANOMQ_PLUGIN(MessageCounter, "message_counter", "1.0.0",
              NANOMQ_PLUGIN_RELOAD_OVERLAP | NANOMQ_PLUGIN_HAS_STATE)
