#pragma once

#include "broker/Broker.h"
#include "hook/HookRegistry.h"
#include "support/ScriptedClient.h"

#include <cppunit/TestFixture.h>

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace nanomq::test
{

/// Waits for what another thread brings about; false when it does not come.
template <class Condition> bool eventually(Condition condition)
{
    const Deadline deadline(kPatience);
    while (!condition())
    {
        if (deadline.remainingMs() == 0) return false;
        std::this_thread::yield();
    }
    return true;
}

/// A plugin of functions, all of them inline.
class FakePlugin
{
public:
    using Hook = std::function<sdk::Verdict(const sdk::EventHeader&, sdk::HookContext&)>;

    explicit FakePlugin(Ref<HookSet> set) : _set(std::move(set)) {}
    /// Before it is loaded.
    FakePlugin& on(sdk::HookPoint point, Hook hook);
    HookSet& set() noexcept { return *_set; }

private:
    Ref<HookSet> _set;
    std::list<Hook> _hooks;
};

/// A hook that answers later, when the test says so, from the test's thread.
class LaterAnswers
{
public:
    /// The hook: defers everything, or only what `wanted` says.
    FakePlugin::Hook hook(std::function<bool(const sdk::EventHeader&)> wanted = {});
    /// Waits until so many were asked in all.
    bool asked(std::size_t count) const;
    /// Answers the oldest question that is open.
    void answer(HookBus& bus, HookSet& by, sdk::Verdict verdict, sdk::ReasonCode reason = 0);

    /// What is answered when no answer comes, and when.
    std::uint32_t timeoutMs = 60'000;
    sdk::Verdict onTimeout = sdk::Verdict::Deny;

private:
    mutable std::mutex _mutex;
    std::vector<sdk::Deferral> _open;
    std::size_t _asked = 0;
};

/// A broker with two workers in this process, and clients that speak to it over loopback.
class BrokerFixture : public CppUnit::TestFixture
{
public:
    void tearDown() override { _broker.reset(); }

protected:
    /// Starts it, with what is set in _settings and _listener.
    Broker& start();
    Broker& broker() noexcept { return *_broker; }
    std::uint16_t port() const;

    FakePlugin& plugin();
    void load(FakePlugin& plugin);

    /// A Client Identifier that falls to a worker.
    static std::string idOn(unsigned worker, std::string_view name);

    /// Connects with Clean Start.
    ScriptedClient client(std::string_view clientId,
                          ProtocolVersion version = ProtocolVersion::v5_0);
    /// Connects 5.0, with a session that stays.
    ScriptedClient lasting(std::string_view clientId, bool sessionPresent,
                           PropertyList properties = {});
    std::uint64_t dropped() const;

    BrokerSettings _settings;
    ListenerSettings _listener;
    std::function<void(Broker&)> _prepare; // before it listens

private:
    Quiescence _quiescence;
    HookBus _hooks{_quiescence};

protected:
    HookBus& hooks() noexcept { return _hooks; }

private:
    HookRegistry _registry{_hooks};
    std::list<FakePlugin> _plugins;
    std::unique_ptr<Broker> _broker;
};

} // namespace nanomq::test
