#include "plugin/SandboxChild.h"

#include "plugin/PluginLibrary.h"
#include "plugin/SandboxHost.h"
#include "sandbox/SandboxProcess.h"

#include <Poco/Exception.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <poll.h>
#include <thread>

namespace nanomq
{

namespace
{

using sandbox::Channel;
using sandbox::Message;
using sandbox::WordReader;
using sandbox::WordWriter;
using std::chrono::milliseconds;

constexpr milliseconds kTick{250};
constexpr milliseconds kLastWords{5'000};

class StateText final : public sdk::Handover::Sink
{
public:
    void write(sdk::Bytes bytes) override { text += bytes.view(); }
    std::string text;
};

class VerbReply final : public sdk::Control::Reply
{
public:
    void json(sdk::Str json) override
    {
        status = 0;
        text = json.view();
    }
    void error(sdk::Str code, sdk::Str message) override
    {
        status = -EINVAL;
        text = std::string(code.view()) + '\0' + std::string(message.view());
    }
    sdk::Status status = -EIO;
    std::string text{"internal\0the verb gave no answer", 31};
};

/// Works off the requests of the broker, one after the other.
class Child
{
public:
    Child()
        : _channel(sandbox::kSocket),
          _events(sandbox::kMemory, sandbox::kEvents, sandbox::kEventsReady, sandbox::kEventsRoom),
          _questions(sandbox::kMemory, sandbox::kQuestions, sandbox::kQuestionsReady,
                     sandbox::kQuestionsRoom)
    {
    }

    [[noreturn]] void run()
    {
        // A plugin that hangs does not read; the end of the broker is seen all the same.
        std::thread([] {
            pollfd broker{sandbox::kSocket, POLLRDHUP, 0};
            while (::poll(&broker, 1, -1) < 0) {}
            std::this_thread::sleep_for(kLastWords);
            std::_Exit(EXIT_FAILURE);
        }).detach();
        for (;;)
        {
            pollfd readable{_channel.socket(), POLLIN, 0};
            if (::poll(&readable, 1, static_cast<int>(kTick.count())) == 1)
            {
                const auto message = _channel.receive();
                if (!message) break;
                serve(*message);
            }
            if (_host) _host->tick();
        }
        try
        {
            _plugin.reset();
        }
        catch (...)
        {
        }
        std::_Exit(EXIT_SUCCESS); // threads of the plugin may still run
    }

private:
    void serve(const Channel::Received& message)
    {
        WordReader body(message.body);
        const auto number = body.number<std::uint64_t>();
        std::string text;
        sdk::Status status = -EIO;
        try
        {
            status = answer(message.type, body, text);
        }
        catch (const Poco::Exception& error)
        {
            text = error.displayText();
        }
        catch (const std::exception& error)
        {
            text = error.what();
        }
        catch (...)
        {
            text = "an exception of unknown type";
        }
        if (_host) _host->tick(); // figures are there when the answer is
        WordWriter done;
        done << number << status << std::string_view(text);
        _channel.send(Message::Done, done);
    }

    sdk::Status answer(Message type, WordReader& body, std::string& text)
    {
        if (type != Message::Init && !_plugin) return -ENOTCONN;
        switch (type)
        {
        case Message::Init: return init(body, text);
        case Message::Start: return _plugin->start();
        case Message::Quiesce:
        {
            const auto deadlineMs = body.number<std::uint32_t>();
            _host->tellAll(milliseconds(deadlineMs / 2));
            _plugin->quiesce(deadlineMs);
            return _host->stopTasks(milliseconds(deadlineMs)) ? 0 : -ETIMEDOUT;
        }
        case Message::Save:
        {
            StateText state;
            const sdk::Status status = handover().save(&state);
            text = std::move(state.text);
            return status;
        }
        case Message::Adopt:
        {
            const auto state = body.text();
            return handover().adopt({state.data(), state.size()});
        }
        case Message::Verb:
        {
            const auto index = body.number<std::uint32_t>();
            VerbReply reply;
            _host->runVerb(index, body.text(), reply);
            text = std::move(reply.text);
            return reply.status;
        }
        default: return -ENOSYS;
        }
    }

    sdk::Status init(WordReader& body, std::string& text)
    {
        const std::string className(body.text());
        const std::string file(body.text());
        std::string folder(body.text());
        std::vector<SandboxHost::Key> keys(body.number<std::uint32_t>());
        for (auto& key : keys) body >> key.key >> key.value >> key.where;
        _host = std::make_unique<SandboxHost>(_channel, _events, _questions, std::move(folder),
                                              std::move(keys));
        _library = std::make_unique<PluginLibrary>(file);
        _plugin = _library->create(className);
        sdk::Status status = _plugin->init(_host.get());
        if (status == 0)
            if (auto* health = static_cast<sdk::Health*>(_plugin->query(sdk::Health::kInterface)))
                status = health->check();
        if (status != 0) return status;
        _host->open();
        text = _host->registrations();
        return 0;
    }

    sdk::Handover& handover()
    {
        void* const found = _plugin->query(sdk::Handover::kInterface);
        if (!found) throw Poco::NotImplementedException("it hands nothing over");
        return *static_cast<sdk::Handover*>(found);
    }

    Channel _channel;
    SharedRing _events;
    SharedRing _questions;
    std::unique_ptr<SandboxHost> _host;
    std::unique_ptr<PluginLibrary> _library;
    std::unique_ptr<sdk::Plugin> _plugin;
};

} // namespace

int runSandbox(const std::string& limits)
{
    sandbox::Limits given{};
    const auto colon = limits.find(':');
    std::from_chars(limits.data(), limits.data() + std::min(colon, limits.size()),
                    given.memoryBytes);
    given.network = colon != std::string::npos && limits.substr(colon) == ":network";
    if (const auto trouble = sandbox::confine(given))
    {
        std::fprintf(stderr, "nanomq --sandbox: %s\n", trouble->c_str());
        return EXIT_FAILURE;
    }
    Child().run();
}

} // namespace nanomq
