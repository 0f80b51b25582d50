#pragma once

#include "nanomq/services.h"
#include "sandbox/SandboxProcess.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace nanomq::sandbox
{

/// The code of a plugin that is to be run in a process of its own.
struct SandboxedCode
{
    std::string path;      ///< of the private copy
    int descriptor;        ///< of a copy that is in memory only, else -1
    std::string className; ///< in its manifest
};

/// Stands for a plugin whose code runs in another process: to the broker, a plugin like others.
///
/// Observers' events are copied into memory both processes see, by the plugin's executor; no
/// worker has to do with it. Questions of intercept and decide hooks go the same way from the
/// worker, which answers `pending`, and are answered within a deadline, or as the hook's error
/// policy says. A process that ends is started again, later and later if that goes on; events wait
/// for it, but for the one it died of, and open questions get the hook's error policy at once.
///
/// What a plugin cannot do from a sandbox: change an event (its set…() say -ENOTSUP), answer
/// `client.enhanced_auth`, and use interfaces beside Config, Tasks, Broker, Metrics, Control and
/// Storage.
class SandboxedPlugin final : public sdk::Plugin, private sdk::Handover
{
public:
    struct Settings
    {
        std::string program; ///< to start; empty: this program
        Limits limits;
        std::chrono::milliseconds deadline; ///< for an answer to a question
    };

    SandboxedPlugin(SandboxedCode code, Settings settings);
    ~SandboxedPlugin() override;

    sdk::Status init(sdk::Host* host) override;
    sdk::Status start() override;
    void quiesce(std::uint32_t deadlineMs) override;
    void* query(const char* interfaceId) override;

private:
    struct Hook;
    struct Verb;
    struct Question
    {
        sdk::Deferral deferral;
        std::chrono::steady_clock::time_point asked;
    };
    struct Done
    {
        sdk::Status status;
        std::string text; // an error, or a result
    };
    using Clock = std::chrono::steady_clock;

    sdk::Status save(Sink* sink) override;
    sdk::Status adopt(sdk::Bytes state) override;

    static sdk::Verdict observe(void* hook, const sdk::EventHeader* event, sdk::HookContext*);
    static sdk::Verdict ask(void* hook, const sdk::EventHeader* event, sdk::HookContext*);
    static void runVerb(void* verb, sdk::Str arguments, sdk::Control::Reply* reply);
    static void runMonitor(void* self, sdk::Tasks::Stop* stop);

    void push(const Hook& hook, const sdk::EventHeader& event);
    sdk::Verdict question(const Hook& hook, const sdk::EventHeader& event, sdk::HookContext& context);

    // Requests to the process.
    void spawn();
    WordWriter introduction();
    std::optional<std::uint64_t> request(Message type, WordWriter body);
    Done wait(std::optional<std::uint64_t> number, std::chrono::milliseconds deadline);
    Done call(Message type, WordWriter body, std::chrono::milliseconds deadline);
    bool registerHooks(const std::string& ready);

    // What comes from it. Thread: the monitor's, until it runs [host].
    void monitor(sdk::Tasks::Stop& stop);
    bool pump(std::chrono::milliseconds most);
    void handle(const Channel::Received& message);
    void handleAnswer(WordReader& body);
    void handleFigure(WordReader& body);
    void processEnded();
    void comeBack(sdk::Tasks::Stop& stop);
    void failQuestions(std::optional<Clock::time_point> askedBefore);
    void tell(const std::string& text);

    const SandboxedCode _code;
    const Settings _settings;
    sdk::Host* _host = nullptr;
    sdk::Broker* _broker = nullptr;
    sdk::Metrics* _metrics = nullptr;
    sdk::Metrics::Counter* _lost = nullptr;
    sdk::Metrics::Counter* _restarts = nullptr;
    SandboxRings _rings;
    std::deque<Hook> _hooks; // addresses stay
    std::deque<Verb> _verbs;
    std::string _ready; // what the process registers; the same after each start
    bool _started = false;
    Clock::duration _pause{};
    Clock::time_point _upSince{};
    std::atomic<bool> _up{false};
    std::atomic<bool> _closing{false};

    std::mutex _processMutex; // guards _process; its channel may be used under it
    std::shared_ptr<SandboxProcess> _process;

    std::mutex _mutex; // guards all below
    std::condition_variable _answered;
    std::uint64_t _lastNumber = 0;
    std::map<std::uint64_t, Done> _done;
    std::thread::id _monitor; // who reads what comes; none: whoever waits
    bool _gone = true; // the process: nobody answers
    std::map<std::uint64_t, Question> _questions;
    std::uint64_t _lastQuestion = 0;
};

} // namespace nanomq::sandbox
