#include "nanomq/plugin_base.h"

#include <atomic>
#include <csignal>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#ifdef SAMPLE_CALLS_WHAT_NOBODY_HAS
__attribute__((visibility("default"))) void nobodyHasThis();
#endif

namespace sample
{

using namespace nanomq::sdk;

#ifdef SAMPLE_CRASHES_WHEN_LOADED
struct Crash
{
    Crash() { ::raise(SIGSEGV); }
};
const Crash crash;
#endif

/// What the tests of the plugin host load. What it does wrong is told by its configuration:
/// `NAME.fail` = init, health, start; `NAME.hang` = hook, observer, quiesce, thread, until the FIFO `NAME.gate` is
/// opened.
class Sample final : public PluginBase, public Handover, public Health
{
public:
#ifdef SAMPLE_THROWS
    Sample()
    {
        throw std::runtime_error("out of luck");
    }
#endif

    void* query(const char* interfaceId) override
    {
        const std::string_view id(interfaceId);
        if (id == Handover::kInterface) return static_cast<Handover*>(this);
        if (id == Health::kInterface) return static_cast<Health*>(this);
        return nullptr;
    }
    Status check() override
    {
        if (!told("fail", "health")) return 0;
        host().error("health", "told to be unwell");
        return -EHOSTDOWN;
    }
    Status save(Sink* sink) override
    {
        const std::uint64_t seen = _seen;
        sink->write({&seen, sizeof seen});
        return 0;
    }
    Status adopt(Bytes state) override
    {
        if (state.size != sizeof(std::uint64_t)) return -EINVAL;
        std::uint64_t before = 0;
        std::memcpy(&before, state.data, sizeof before);
        _seen += before;
        return 0;
    }

private:
    bool told(const char* key, const char* value) const
    {
        return configText(std::string(SAMPLE_NAME) + '.' + key) == value;
    }
    /// The gate is a FIFO: to open it waits until the test has opened its other end.
    void hang() const
    {
        const std::ifstream gate(configText(std::string(SAMPLE_NAME) + ".gate"));
    }

    void onInit() override
    {
#ifdef SAMPLE_CALLS_WHAT_NOBODY_HAS
        nobodyHasThis();
#endif
        if (told("fail", "init")) throw std::runtime_error("told to fail");
        _hangInHook = told("hang", "hook");
        _hangInObserver = told("hang", "observer");
        _events = get<Metrics>().counter("sample_events_total", "", "Events seen.");
        get<Control>().command("status", "What it has seen.", &Sample::status, this);
        get<Tasks>().thread("sample", &Sample::run, this);
        hook<&Sample::onPublish>(0, {}, kFailClosed);
        hook<&Sample::onPublished>(0, {"a/#"});
    }
    void onStart() override
    {
        if (told("fail", "start")) throw std::runtime_error("told to fail at the start");
    }
    void onQuiesce(std::uint32_t) override
    {
        if (told("hang", "quiesce")) hang();
    }

    Verdict onPublish(const MessagePublish& event, HookContext& context)
    {
        if (_hangInHook) hang();
        const auto topic = event.topic.view();
        if (topic == "throw") throw std::runtime_error("told to throw");
        if (topic == "crash") ::raise(SIGSEGV);
        if (topic == "forbidden")
        {
            const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
            const bool network = socket >= 0;
            if (network) ::close(socket);
            const bool program = ::execl("/bin/true", "true", nullptr) == 0 || errno != EPERM;
            context.setReason(0x87, std::string(network ? "network" : "alone") +
                                        (program ? ", programs" : ""));
            return Verdict::Deny;
        }
        if (topic == "version")
        {
            context.setReason(0x87, SAMPLE_VERSION);
            return Verdict::Deny;
        }
        if (topic != "later") return Verdict::Next;
        {
            std::lock_guard lock(_mutex);
            _deferrals.push_back(context.defer(60'000, Verdict::Drop));
        }
        get<Tasks>().post(&Sample::answer, this);
        return Verdict::Pending;
    }
    void onPublished(const MessagePublished& event)
    {
        if (_hangInObserver) return hang(); // and touches nothing that may be gone by then
        if (event.topic.view() == "a/crash") ::raise(SIGSEGV);
        ++_seen;
        _events->add(1);
    }

    static void answer(void* self)
    {
        auto& sample = *static_cast<Sample*>(self);
        std::lock_guard lock(sample._mutex);
        for (const Deferral deferral : sample._deferrals)
            sample.host().complete(deferral, Verdict::Deny, 0x99, SAMPLE_VERSION);
        sample._deferrals.clear();
    }
    static void run(void* self, Tasks::Stop* stop)
    {
        auto& sample = *static_cast<Sample*>(self);
        while (!stop->requested()) stop->wait(60'000);
        if (sample.told("hang", "thread")) sample.hang();
    }
    static void status(void* self, Str, Control::Reply* reply)
    {
        auto& sample = *static_cast<Sample*>(self);
        reply->json("{\"version\":\"" SAMPLE_VERSION "\",\"seen\":" + std::to_string(sample._seen) +
                    "}");
    }

    std::atomic<std::uint64_t> _seen{0};
    bool _hangInHook = false;
    bool _hangInObserver = false;
    Metrics::Counter* _events = nullptr;
    std::mutex _mutex; // guards _deferrals
    std::vector<Deferral> _deferrals;
};

} // namespace sample

NANOMQ_PLUGIN(sample::Sample, SAMPLE_NAME, SAMPLE_VERSION, SAMPLE_FLAGS)
