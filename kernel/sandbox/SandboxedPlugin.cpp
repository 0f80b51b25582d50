#include "sandbox/SandboxedPlugin.h"

#include "sandbox/EventCodec.h"

#include <Poco/Exception.h>

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <utility>

namespace nanomq::sandbox
{

namespace
{

using std::chrono::milliseconds;

constexpr milliseconds kCallPatience{25'000}; // less than the plugin host has
constexpr milliseconds kVerbPatience{10'000};
constexpr milliseconds kTick{1'000};
constexpr milliseconds kRoomPatience{1'000}; // of the executor, for a process that reads slowly
constexpr milliseconds kStall{30'000};       // without an answer: it hangs
constexpr milliseconds kFirstPause{100};
constexpr milliseconds kLongestPause{30'000};
constexpr milliseconds kHealthyAfter{60'000};
constexpr std::size_t kMaxQuestions = 65'536;
constexpr std::size_t kMaxUnread = 64; // answers that came after their deadline

bool isVerdict(sdk::Verdict verdict) noexcept
{
    switch (verdict)
    {
    case sdk::Verdict::Next:
    case sdk::Verdict::Allow:
    case sdk::Verdict::Deny:
    case sdk::Verdict::Drop:
    case sdk::Verdict::Error: return true;
    default: return false;
    }
}

/// Writes every key of a configuration.
class KeyWriter final : public sdk::Config::Visitor
{
public:
    void key(sdk::Str key, sdk::Str value, sdk::Str where) override
    {
        words << key.view() << value.view() << where.view();
        ++count;
    }
    WordWriter words;
    std::uint32_t count = 0;
};

} // namespace

struct SandboxedPlugin::Hook
{
    SandboxedPlugin& plugin;
    std::uint32_t index;
};

struct SandboxedPlugin::Verb
{
    SandboxedPlugin& plugin;
    std::uint32_t index;
};

SandboxedPlugin::SandboxedPlugin(SandboxedCode code, Settings settings)
    : _code(std::move(code)),
      _settings(std::move(settings))
{
}

SandboxedPlugin::~SandboxedPlugin()
{
    // The end of the stream lets the process destroy its plugin in order.
    if (_process) _process->leave(kTick);
}

// The plugin's life. Thread: [host].

sdk::Status SandboxedPlugin::init(sdk::Host* host)
{
    _host = host;
    _broker = static_cast<sdk::Broker*>(host->query(sdk::Broker::kInterface));
    _metrics = static_cast<sdk::Metrics*>(host->query(sdk::Metrics::kInterface));
    auto* const tasks = static_cast<sdk::Tasks*>(host->query(sdk::Tasks::kInterface));
    _lost = _metrics->counter("nanomq_sandbox_events_lost_total", "",
                              "Events that a sandboxed plugin's process did not take in time.");
    _restarts = _metrics->counter("nanomq_sandbox_restarts_total", "",
                                  "Processes of sandboxed plugins that ended and were replaced.");
    try
    {
        spawn();
    }
    catch (const Poco::Exception& error)
    {
        host->error("sandbox", error.message());
        return -EIO;
    }
    Done done = call(Message::Init, introduction(), kCallPatience);
    if (done.status != 0)
    {
        // What the plugin itself has told is on its way to the host before the status.
        if (!done.text.empty()) host->error("sandbox", done.text);
        return done.status;
    }
    _ready = std::move(done.text);
    if (!registerHooks(_ready)) return -EINVAL;
    _up = true;
    return tasks->thread("sandbox", &SandboxedPlugin::runMonitor, this);
}

sdk::Status SandboxedPlugin::start()
{
    const Done done = call(Message::Start, {}, kCallPatience);
    _started = done.status == 0;
    return done.status;
}

void SandboxedPlugin::quiesce(std::uint32_t deadlineMs)
{
    _closing = true; // the answer wakes the monitor, which ends
    WordWriter body;
    body << deadlineMs;
    if (call(Message::Quiesce, std::move(body), milliseconds(deadlineMs)).status != -ETIMEDOUT)
        return;
    std::lock_guard guard(_processMutex);
    _process->kill();
}

void* SandboxedPlugin::query(const char* interfaceId)
{
    if (std::string_view(interfaceId) == sdk::Handover::kInterface)
        return static_cast<sdk::Handover*>(this);
    return nullptr;
}

sdk::Status SandboxedPlugin::save(Sink* sink)
{
    const Done done = call(Message::Save, {}, kCallPatience);
    if (done.status == 0) sink->write({done.text.data(), done.text.size()});
    return done.status;
}

sdk::Status SandboxedPlugin::adopt(sdk::Bytes state)
{
    WordWriter body;
    body << state.view();
    return call(Message::Adopt, std::move(body), kCallPatience).status;
}

bool SandboxedPlugin::registerHooks(const std::string& ready)
{
    try
    {
        WordReader words(ready);
        for (auto hooks = words.number<std::uint32_t>(); hooks > 0; --hooks)
        {
            sdk::HookSpec spec{};
            spec.size = sizeof spec;
            words >> spec.point >> spec.priority >> spec.flags;
            std::vector<sdk::Str> filters(words.number<std::uint8_t>());
            for (auto& filter : filters) filter = words.text();
            if (spec.point == sdk::HookPoint::ClientEnhancedAuth)
                return tell("client.enhanced_auth cannot be answered from a sandbox"), false;
            auto& hook = _hooks.emplace_back(*this, static_cast<std::uint32_t>(_hooks.size()));
            spec.flags &= ~(sdk::kInline | sdk::kDryRunAware); // a dry run cannot wait
            spec.function = sdk::hookKind(spec.point) == sdk::HookKind::Observe
                                ? &SandboxedPlugin::observe
                                : &SandboxedPlugin::ask;
            spec.self = &hook;
            spec.filterCount = static_cast<std::uint32_t>(filters.size());
            spec.topicFilters = filters.data();
            if (_host->subscribe(&spec) != 0)
                return tell("the broker refuses a hook of it"), false;
        }
        auto* const control = static_cast<sdk::Control*>(_host->query(sdk::Control::kInterface));
        for (auto verbs = words.number<std::uint32_t>(); verbs > 0; --verbs)
        {
            const auto path = words.text();
            const auto help = words.text();
            auto& verb = _verbs.emplace_back(*this, static_cast<std::uint32_t>(_verbs.size()));
            if (control->command(path, help, &SandboxedPlugin::runVerb, &verb) != 0)
                return tell("the broker refuses a verb of it"), false;
        }
        return true;
    }
    catch (const std::exception& error)
    {
        return tell(error.what()), false;
    }
}

// Hooks and verbs.

sdk::Verdict SandboxedPlugin::observe(void* hook, const sdk::EventHeader* event, sdk::HookContext*)
{
    const auto& self = *static_cast<Hook*>(hook);
    self.plugin.push(self, *event);
    return sdk::Verdict::Next;
}

void SandboxedPlugin::push(const Hook& hook, const sdk::EventHeader& event)
{
    WordWriter words;
    words << hook.index << std::uint64_t{0};
    writeEvent(event, words);
    const ByteView record = asBytes(words.bytes());
    if (_rings.events().push(record)) return;
    // A process that is slow is waited for, one that is away has the ring.
    const auto end = Clock::now() + kRoomPatience;
    while (_up && record.size() <= SharedRing::kMaxRecord && Clock::now() < end)
    {
        _rings.events().waitForRoom(record.size(), kRoomPatience);
        if (_rings.events().push(record)) return;
    }
    _lost->add(1);
}

sdk::Verdict SandboxedPlugin::ask(void* hook, const sdk::EventHeader* event,
                                  sdk::HookContext* context)
{
    const auto& self = *static_cast<Hook*>(hook);
    return self.plugin.question(self, *event, *context);
}

sdk::Verdict SandboxedPlugin::question(const Hook& hook, const sdk::EventHeader& event,
                                       sdk::HookContext& context)
{
    if (!_up) return sdk::Verdict::Error;
    const auto deferral = context.defer(static_cast<std::uint32_t>(_settings.deadline.count()),
                                        sdk::Verdict::Error);
    if (deferral.token == 0) return sdk::Verdict::Error;
    std::uint64_t number = 0;
    {
        std::lock_guard guard(_mutex);
        if (_gone || _questions.size() >= kMaxQuestions) return sdk::Verdict::Error;
        number = ++_lastQuestion;
        _questions.emplace(number, Question{deferral, Clock::now()});
    }
    WordWriter words;
    words << hook.index << number;
    writeEvent(event, words);
    if (_rings.questions().push(asBytes(words.bytes()))) return sdk::Verdict::Pending;
    std::lock_guard guard(_mutex);
    _questions.erase(number);
    return sdk::Verdict::Error;
}

void SandboxedPlugin::runVerb(void* verb, sdk::Str arguments, sdk::Control::Reply* reply)
{
    const auto& self = *static_cast<Verb*>(verb);
    WordWriter body;
    body << self.index << arguments.view();
    Done done{-ESHUTDOWN, {}};
    if (self.plugin._up) done = self.plugin.call(Message::Verb, std::move(body), kVerbPatience);
    if (done.status == 0) return reply->json(done.text);
    const auto middle = done.text.find('\0');
    if (middle == std::string::npos)
        return reply->error("unavailable", "the plugin's process does not answer");
    reply->error(std::string_view(done.text).substr(0, middle),
                 std::string_view(done.text).substr(middle + 1));
}

// Requests to the process.

void SandboxedPlugin::spawn()
{
    _rings.questions().clear();
    _rings.events().skipBegun();
    auto process = std::make_shared<SandboxProcess>(_settings.program, _rings, _code.descriptor,
                                                    _settings.limits);
    {
        std::lock_guard guard(_processMutex);
        _process = std::move(process);
    }
    std::lock_guard guard(_mutex);
    _gone = false;
    _upSince = Clock::now();
}

WordWriter SandboxedPlugin::introduction()
{
    WordWriter body;
    sdk::Str folder;
    auto* const storage = static_cast<sdk::Storage*>(_host->query(sdk::Storage::kInterface));
    if (storage->folder(&folder) != 0) folder = {};
    const std::string file =
        _code.descriptor >= 0 ? "/proc/self/fd/" + std::to_string(kCopy) : _code.path;
    body << std::string_view(_code.className) << std::string_view(file) << folder.view();
    KeyWriter keys;
    static_cast<sdk::Config*>(_host->query(sdk::Config::kInterface))->keys("", &keys);
    body << keys.count;
    body.raw(keys.words.bytes().data(), keys.words.bytes().size());
    return body;
}

SandboxedPlugin::Done SandboxedPlugin::call(Message type, WordWriter body, milliseconds deadline)
{
    return wait(request(type, std::move(body)), deadline);
}

std::optional<std::uint64_t> SandboxedPlugin::request(Message type, WordWriter body)
{
    std::shared_ptr<SandboxProcess> process;
    {
        std::lock_guard guard(_processMutex);
        process = _process;
    }
    WordWriter numbered;
    std::uint64_t number = 0;
    {
        std::lock_guard guard(_mutex);
        if (_gone) return std::nullopt;
        number = ++_lastNumber;
    }
    numbered << number;
    numbered.raw(body.bytes().data(), body.bytes().size());
    if (!process->channel().send(type, numbered)) return std::nullopt;
    return number;
}

SandboxedPlugin::Done SandboxedPlugin::wait(std::optional<std::uint64_t> number,
                                            milliseconds deadline)
{
    const Done nobody{-ESHUTDOWN, "its process is not there"};
    if (!number) return nobody;
    const auto end = Clock::now() + deadline;
    std::unique_lock lock(_mutex);
    for (;;)
    {
        if (auto found = _done.extract(*number)) return std::move(found.mapped());
        if (_gone) return nobody;
        const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
        if (left.count() <= 0) return {-ETIMEDOUT, "its process has not answered in time"};
        if (_monitor != std::thread::id() && _monitor != std::this_thread::get_id())
        {
            _answered.wait_for(lock, left);
            continue;
        }
        lock.unlock();
        if (!pump(left)) processEnded();
        lock.lock();
    }
}

// What comes from it.

void SandboxedPlugin::runMonitor(void* self, sdk::Tasks::Stop* stop)
{
    static_cast<SandboxedPlugin*>(self)->monitor(*stop);
}

void SandboxedPlugin::monitor(sdk::Tasks::Stop& stop)
{
    const auto becomes = [this](std::thread::id id) {
        std::lock_guard guard(_mutex);
        _monitor = id;
        _answered.notify_all();
    };
    becomes(std::this_thread::get_id());
    while (!_closing && !stop.requested())
    {
        if (!pump(kTick))
        {
            processEnded();
            if (!_closing) comeBack(stop);
        }
        failQuestions(Clock::now() - kStall);
    }
    becomes({});
}

bool SandboxedPlugin::pump(milliseconds most)
{
    std::shared_ptr<SandboxProcess> process;
    {
        std::lock_guard guard(_processMutex);
        process = _process;
    }
    pollfd readable{process->channel().socket(), POLLIN, 0};
    if (::poll(&readable, 1, static_cast<int>(most.count())) != 1) return true;
    const auto message = process->channel().receive();
    if (!message) return false;
    try
    {
        handle(*message);
        return true;
    }
    catch (const std::out_of_range& error)
    {
        tell(error.what());
        return false;
    }
}

void SandboxedPlugin::handle(const Channel::Received& message)
{
    WordReader body(message.body);
    switch (message.type)
    {
    case Message::Done:
    {
        const auto number = body.number<std::uint64_t>();
        Done done{};
        body >> done.status >> done.text;
        std::lock_guard guard(_mutex);
        if (number > _lastNumber) throw std::out_of_range("an answer to what was not asked");
        _done.emplace(number, std::move(done));
        if (_done.size() > kMaxUnread) _done.erase(_done.begin()); // nobody waited for it
        return _answered.notify_all();
    }
    case Message::Answer: return handleAnswer(body);
    case Message::Error:
    {
        const auto where = body.text();
        return _host->error(where, body.text());
    }
    case Message::Log:
    {
        const auto level = body.number<std::int32_t>();
        return _host->log(static_cast<sdk::LogLevel>(std::clamp(level, 3, 8)), body.text());
    }
    case Message::Publish:
    {
        sdk::Broker::Publication publication{};
        publication.size = sizeof publication;
        body >> publication.qos >> publication.retain;
        publication.topic = body.text();
        const auto payload = body.text();
        const auto properties = body.text();
        publication.payload = {payload.data(), payload.size()};
        publication.properties = {properties.data(), properties.size()};
        body >> publication.expirySeconds;
        if (const auto status = _broker ? _broker->publish(&publication) : -ENOSYS; status != 0)
            _host->error("publish", std::strerror(-status));
        return;
    }
    case Message::Kick:
    {
        const auto client = body.text();
        if (_broker) _broker->kick(client, body.number<sdk::ReasonCode>());
        return;
    }
    case Message::Reauthorize:
        if (_broker) _broker->reauthorize(body.text());
        return;
    case Message::Figure: return handleFigure(body);
    default: throw std::out_of_range("a message of a sandbox has an unknown type");
    }
}

void SandboxedPlugin::handleAnswer(WordReader& body)
{
    const auto number = body.number<std::uint64_t>();
    const auto verdict = body.number<sdk::Verdict>();
    const auto reason = body.number<sdk::ReasonCode>();
    const auto text = body.text();
    sdk::Deferral deferral{};
    {
        std::lock_guard guard(_mutex);
        const auto found = _questions.extract(number);
        if (!found) return; // answered by its deadline
        deferral = found.mapped().deferral;
    }
    _host->complete(deferral, isVerdict(verdict) ? verdict : sdk::Verdict::Error, reason, text);
}

void SandboxedPlugin::handleFigure(WordReader& body)
{
    const auto gauge = body.number<std::uint8_t>();
    const auto name = body.text();
    const auto labels = body.text();
    const auto help = body.text();
    const auto value = body.number<std::int64_t>();
    if (gauge) _metrics->gauge(name, labels, help)->set(value);
    else _metrics->counter(name, labels, help)->add(std::max<std::int64_t>(value, 0));
}

void SandboxedPlugin::processEnded()
{
    _up = false;
    {
        std::lock_guard guard(_mutex);
        if (_gone) return; // it has been told
    }
    std::string how;
    {
        std::lock_guard guard(_processMutex);
        _process->kill(); // it may have closed its socket only
        how = _process->end();
    }
    {
        std::lock_guard guard(_mutex);
        _gone = true;
        _answered.notify_all();
    }
    failQuestions(std::nullopt);
    if (!_closing) tell("its process " + how);
}

void SandboxedPlugin::comeBack(sdk::Tasks::Stop& stop)
{
    const auto lived = Clock::now() - _upSince;
    _pause = lived > kHealthyAfter || _pause == Clock::duration::zero()
                 ? Clock::duration(kFirstPause)
                 : std::min<Clock::duration>(2 * _pause, kLongestPause);
    for (auto end = Clock::now() + _pause; Clock::now() < end;)
    {
        const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
        stop.wait(static_cast<std::uint32_t>(left.count()) + 1);
        if (_closing || stop.requested()) return;
    }
    _restarts->add(1);
    try
    {
        spawn();
    }
    catch (const Poco::Exception& error)
    {
        return tell(error.message()); // the next pump() finds nobody, and it is tried again
    }
    Done done = call(Message::Init, introduction(), kCallPatience);
    if (done.status == 0 && done.text != _ready)
        done = {-EINVAL, "it registers other hooks or verbs than before"};
    if (done.status == 0 && _started) done = call(Message::Start, {}, kCallPatience);
    if (done.status == 0)
    {
        _host->log(sdk::LogLevel::Information, "its process runs again");
        _up = true;
        return;
    }
    if (!done.text.empty()) tell(done.text);
    std::lock_guard guard(_processMutex);
    _process->kill();
}

void SandboxedPlugin::failQuestions(std::optional<Clock::time_point> askedBefore)
{
    std::vector<sdk::Deferral> open;
    {
        std::lock_guard guard(_mutex);
        for (auto next = _questions.begin(); next != _questions.end();)
        {
            if (askedBefore && next->second.asked > *askedBefore) break; // in the order they came
            open.push_back(next->second.deferral);
            next = _questions.erase(next);
        }
    }
    for (const auto deferral : open) _host->complete(deferral, sdk::Verdict::Error, 0, {});
    if (!askedBefore || open.empty()) return;
    tell("its process has left a question without an answer for " +
         std::to_string(kStall.count() / 1'000) + " s, and is started anew");
    std::lock_guard guard(_processMutex);
    _process->kill();
}

void SandboxedPlugin::tell(const std::string& text)
{
    _host->error("sandbox", text);
}

} // namespace nanomq::sandbox
