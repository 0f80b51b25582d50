#include "plugin/SandboxHost.h"

#include "nanomq/abi.h"
#include "sandbox/EventCodec.h"

#include <cerrno>
#include <memory>
#include <optional>
#include <thread>

namespace nanomq
{

using sandbox::Message;
using sandbox::ReadEvent;
using sandbox::WordReader;
using sandbox::WordWriter;

namespace
{

constexpr unsigned kEventsAtOnce = 64;
constexpr std::chrono::microseconds kGathering{200};
constexpr std::size_t kMaxHooks = 256;

/// A message that the plugin keeps: its texts, and views of them.
struct KeptMessage
{
    std::string topic, payload, properties;
    sdk::MessagePublished view{};
};

/// The parts that a message of any kind of event has; nothing for other events.
struct MessageParts
{
    std::string_view topic, payload, properties;
    std::uint8_t qos, retain;
};

std::optional<MessageParts> messageOf(const sdk::EventHeader& event)
{
    const auto partsOf = [](const auto& of) {
        return MessageParts{of.topic.view(), of.payload.view(), of.properties.view(), of.qos,
                            of.retain};
    };
    if (isMessageOfReceiver(event.point)) return partsOf(eventAs<sdk::MessageOfReceiver>(event));
    if (event.point == sdk::HookPoint::MessagePublished)
        return partsOf(eventAs<sdk::MessagePublished>(event));
    if (event.point == sdk::HookPoint::MessagePublish)
        return partsOf(eventAs<sdk::MessagePublish>(event));
    return std::nullopt;
}

} // namespace

/// What a hook may do with an event: look, answer, answer later, keep the message. It cannot
/// change it: the broker's copy is in another process.
class SandboxHost::Context final : public sdk::HookContext
{
public:
    Context(SandboxHost& host, const sdk::EventHeader& event, std::uint64_t question) noexcept
        : _host(host),
          _event(event),
          _question(question)
    {
    }

    sdk::Deferral defer(std::uint32_t timeoutMs, sdk::Verdict onTimeout) override
    {
        if (_question == 0) return {0};
        std::lock_guard guard(_host._mutex);
        _host._deferred[_question] = {onTimeout, Clock::now() + std::chrono::milliseconds(timeoutMs)};
        return {_question};
    }
    sdk::Status setTopic(sdk::Str) override { return -ENOTSUP; }
    sdk::Status setPayload(sdk::Bytes) override { return -ENOTSUP; }
    sdk::Status setQoS(std::uint8_t) override { return -ENOTSUP; }
    sdk::Status addUserProperty(sdk::Str, sdk::Str) override { return -ENOTSUP; }
    sdk::Status setClientId(sdk::Str) override { return -ENOTSUP; }
    sdk::Status setUserName(sdk::Str) override { return -ENOTSUP; }
    sdk::Status setAuthenticationData(sdk::Bytes) override { return -ENOTSUP; }
    sdk::Status setAuthenticationState(sdk::Bytes) override { return -ENOTSUP; }
    sdk::Status setServerReference(sdk::Str) override { return -ENOTSUP; }
    void setReason(sdk::ReasonCode code, sdk::Str text) override
    {
        reason = code;
        reasonText = text.view();
    }
    sdk::Message* retain() override
    {
        const auto parts = messageOf(_event);
        if (!parts) return nullptr;
        auto kept = std::make_unique<KeptMessage>();
        kept->topic = parts->topic;
        kept->payload = parts->payload;
        kept->properties = parts->properties;
        auto& view = kept->view;
        view.header = _event;
        view.header.size = sizeof view;
        view.header.point = sdk::HookPoint::MessagePublished;
        view.topic = kept->topic;
        view.payload = {kept->payload.data(), kept->payload.size()};
        view.properties = {kept->properties.data(), kept->properties.size()};
        view.qos = parts->qos;
        view.retain = parts->retain;
        return reinterpret_cast<sdk::Message*>(kept.release());
    }

    sdk::ReasonCode reason = 0;
    std::string reasonText;

private:
    SandboxHost& _host;
    const sdk::EventHeader& _event;
    const std::uint64_t _question; // 0: an observer's event
};

SandboxHost::SandboxHost(sandbox::Channel& channel, SharedRing& events, SharedRing& questions,
                         std::string folder, std::vector<Key> keys)
    : _channel(channel),
      _events(events),
      _questions(questions),
      _folder(std::move(folder)),
      _keys(std::move(keys)),
      _executor("sandbox", *this),
      _tasks(_executor, *this)
{
}

std::string SandboxHost::registrations() const
{
    WordWriter words;
    words << static_cast<std::uint32_t>(_hooks.size());
    for (const auto& hook : _hooks)
    {
        words << hook.spec.point << hook.spec.priority << hook.spec.flags
              << static_cast<std::uint8_t>(hook.filters.size());
        for (const auto& filter : hook.filters) words << std::string_view(filter);
    }
    words << static_cast<std::uint32_t>(_verbs.size());
    for (const auto& verb : _verbs)
        words << std::string_view(verb.path) << std::string_view(verb.help);
    return words.bytes();
}

void SandboxHost::open()
{
    _open = true;
    // Both go on until the process ends: nothing here outlives it.
    std::thread([this] {
        for (;;)
        {
            _events.wait();
            do
            {
                _telling = true;
                _executor.start();
                _executor.wake();
                _told.acquire();
                // Under load, events gather: waking somebody costs more than telling an event.
                std::this_thread::sleep_for(kGathering);
            } while (!_events.empty());
        }
    }).detach();
    std::thread([this] {
        for (;;)
        {
            _questions.wait();
            while (const auto record = _questions.front())
            {
                ask(*record);
                _questions.pop();
            }
        }
    }).detach();
}

void SandboxHost::tellAll(std::chrono::milliseconds deadline)
{
    std::unique_lock lock(_mutex);
    _quiet.wait_for(lock, deadline, [this] { return _events.empty() && !_telling; });
}

bool SandboxHost::drainSome()
{
    for (unsigned i = 0; i < kEventsAtOnce; ++i)
    {
        const auto record = _open ? _events.front() : std::nullopt;
        if (!record)
        {
            if (_telling.exchange(false)) _told.release();
            std::lock_guard guard(_mutex);
            _quiet.notify_all();
            return i > 0;
        }
        tell(*record);
        _events.pop();
    }
    return true;
}

bool SandboxHost::drained() const noexcept
{
    return _events.empty() && !_telling; // whoever has woken the executor waits for its answer
}

void SandboxHost::tell(ByteView record)
{
    WordReader words(asText(record));
    const auto& spec = _hooks.at(words.number<std::uint32_t>()).spec;
    words.number<std::uint64_t>();
    const ReadEvent event(words);
    Context context(*this, event.header(), 0);
    spec.function(spec.self, &event.header(), &context);
}

void SandboxHost::ask(ByteView record)
{
    WordReader words(asText(record));
    const auto& spec = _hooks.at(words.number<std::uint32_t>()).spec;
    const auto question = words.number<std::uint64_t>();
    const ReadEvent event(words);
    Context context(*this, event.header(), question);
    const auto verdict = spec.function(spec.self, &event.header(), &context);
    if (verdict == sdk::Verdict::Pending) return;
    {
        std::lock_guard guard(_mutex);
        _deferred.erase(question);
    }
    answer(question, verdict, context.reason, context.reasonText);
}

void SandboxHost::answer(std::uint64_t question, sdk::Verdict verdict, sdk::ReasonCode reason,
                         std::string_view text)
{
    WordWriter body;
    body << question << verdict << reason << text;
    _channel.send(Message::Answer, body);
}

void SandboxHost::complete(sdk::Deferral deferral, sdk::Verdict verdict, sdk::ReasonCode reason,
                           sdk::Str text)
{
    {
        std::lock_guard guard(_mutex);
        if (_deferred.erase(deferral.token) == 0) return; // late, or a second answer
    }
    answer(deferral.token, verdict, reason, text.view());
}

void SandboxHost::tick()
{
    std::vector<std::pair<std::uint64_t, sdk::Verdict>> due;
    {
        std::lock_guard guard(_mutex);
        for (auto& [name, figure] : _figures)
        {
            const auto value = figure.value();
            if (value == figure.told) continue;
            WordWriter body;
            body << static_cast<std::uint8_t>(name.gauge) << std::string_view(name.name)
                 << std::string_view(name.labels) << std::string_view(figure.help)
                 << (name.gauge ? value : value - figure.told);
            figure.told = value;
            _channel.send(Message::Figure, body);
        }
        for (const auto& [question, wait] : _deferred)
            if (wait.due <= Clock::now()) due.emplace_back(question, wait.onTimeout);
    }
    for (const auto& [question, verdict] : due) complete({question}, verdict, 0, {});
}

void SandboxHost::runVerb(std::uint32_t index, std::string_view arguments, Reply& reply)
{
    const auto& verb = _verbs.at(index);
    verb.run(verb.self, arguments, &reply);
}

// sdk::Host.

std::uint32_t SandboxHost::version() const
{
    return NANOMQ_ABI_MAJOR << 16 | NANOMQ_ABI_MINOR;
}

void* SandboxHost::query(const char* interfaceId)
{
    const std::string_view id = interfaceId;
    if (id == Config::kInterface) return static_cast<Config*>(this);
    if (id == sdk::Tasks::kInterface) return static_cast<sdk::Tasks*>(&_tasks);
    if (id == Broker::kInterface) return static_cast<Broker*>(this);
    if (id == Metrics::kInterface) return static_cast<Metrics*>(this);
    if (id == Control::kInterface) return static_cast<Control*>(this);
    if (id == Storage::kInterface) return static_cast<Storage*>(this);
    return nullptr;
}

sdk::Status SandboxHost::subscribe(const sdk::HookSpec* spec)
{
    if (_open) return -EPERM;
    if (!spec || !spec->function || spec->filterCount > 255 || _hooks.size() >= kMaxHooks)
        return -EINVAL;
    auto& hook = _hooks.emplace_back(Hook{*spec, {}});
    for (std::uint32_t i = 0; i < spec->filterCount; ++i)
        hook.filters.emplace_back(spec->topicFilters[i].view());
    return 0;
}

void SandboxHost::release(sdk::Message* message)
{
    delete reinterpret_cast<KeptMessage*>(message);
}

void SandboxHost::error(sdk::Str where, sdk::Str what)
{
    WordWriter body;
    body << where.view() << what.view();
    _channel.send(Message::Error, body);
}

void SandboxHost::log(sdk::LogLevel level, sdk::Str text)
{
    WordWriter body;
    body << level << text.view();
    _channel.send(Message::Log, body);
}

// The interfaces behind it.

bool SandboxHost::text(sdk::Str key, sdk::Str* value)
{
    for (const auto& one : _keys)
        if (one.key == key.view()) return *value = one.value, true;
    return false;
}

sdk::Str SandboxHost::where(sdk::Str key)
{
    for (const auto& one : _keys)
        if (one.key == key.view()) return one.where;
    return "its conf file";
}

void SandboxHost::keys(sdk::Str prefix, Visitor* visitor)
{
    for (const auto& one : _keys)
        if (std::string_view(one.key).starts_with(prefix.view()))
            visitor->key(one.key, one.value, one.where);
}

sdk::Status SandboxHost::publish(const Publication* publication)
{
    if (!publication || publication->qos > 2) return -EINVAL;
    WordWriter body;
    body << publication->qos << publication->retain << publication->topic.view()
         << publication->payload.view() << publication->properties.view()
         << publication->expirySeconds;
    return _channel.send(Message::Publish, body) ? 0 : -ESHUTDOWN;
}

sdk::Status SandboxHost::kick(sdk::Str clientId, sdk::ReasonCode reason)
{
    WordWriter body;
    body << clientId.view() << reason;
    return _channel.send(Message::Kick, body) ? 0 : -ESHUTDOWN;
}

sdk::Status SandboxHost::message(const sdk::Message* message, sdk::MessagePublished* view)
{
    if (!message || !view) return -EINVAL;
    *view = reinterpret_cast<const KeptMessage*>(message)->view;
    return 0;
}

sdk::Status SandboxHost::reauthorize(sdk::Str clientId)
{
    WordWriter body;
    body << clientId.view();
    return _channel.send(Message::Reauthorize, body) ? 0 : -ESHUTDOWN;
}

SandboxHost::Figure& SandboxHost::figure(bool gauge, sdk::Str name, sdk::Str labels, sdk::Str help)
{
    std::lock_guard guard(_mutex);
    auto& figure = _figures[{gauge, std::string(name.view()), std::string(labels.view())}];
    figure.help = help.view();
    return figure;
}

SandboxHost::Counter* SandboxHost::counter(sdk::Str name, sdk::Str labels, sdk::Str help)
{
    return &figure(false, name, labels, help);
}

SandboxHost::Counter* SandboxHost::gauge(sdk::Str name, sdk::Str labels, sdk::Str help)
{
    return &figure(true, name, labels, help);
}

sdk::Status SandboxHost::command(sdk::Str path, sdk::Str help,
                                 void (*run)(void*, sdk::Str, Reply*), void* self)
{
    if (_open) return -EPERM;
    _verbs.push_back({std::string(path.view()), std::string(help.view()), run, self});
    return 0;
}

sdk::Status SandboxHost::folder(sdk::Str* path)
{
    if (_folder.empty()) return -ENOENT;
    *path = _folder;
    return 0;
}

void SandboxHost::threadFailed(std::string_view what) noexcept
{
    error("thread", what);
}

void SandboxHost::taskFailed(std::string_view what) noexcept
{
    error("task", what);
}

} // namespace nanomq
