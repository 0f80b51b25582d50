#include "BrokerFixture.h"

#include <cppunit/TestAssert.h>

#include <cstdlib>

namespace nanomq::test
{

FakePlugin& FakePlugin::on(sdk::HookPoint point, Hook hook)
{
    _hooks.push_back(std::move(hook));
    sdk::HookSpec spec{};
    spec.size = sizeof spec;
    spec.point = point;
    spec.flags = sdk::kInline;
    spec.self = &_hooks.back();
    spec.function = [](void* self, const sdk::EventHeader* event, sdk::HookContext* context) {
        return (*static_cast<Hook*>(self))(*event, *context);
    };
    CPPUNIT_ASSERT_EQUAL(0, _set->add(spec));
    return *this;
}

FakePlugin::Hook LaterAnswers::hook(std::function<bool(const sdk::EventHeader&)> wanted)
{
    return [this, wanted](const sdk::EventHeader& event, sdk::HookContext& context) {
        if (wanted && !wanted(event)) return sdk::Verdict::Next;
        const auto deferral = context.defer(timeoutMs, onTimeout);
        std::lock_guard guard(_mutex);
        _open.push_back(deferral);
        ++_asked;
        return sdk::Verdict::Pending;
    };
}

bool LaterAnswers::asked(std::size_t count) const
{
    return eventually([&] {
        std::lock_guard guard(_mutex);
        return _asked >= count;
    });
}

void LaterAnswers::answer(HookBus& bus, HookSet& by, sdk::Verdict verdict, sdk::ReasonCode reason)
{
    sdk::Deferral deferral{};
    {
        std::lock_guard guard(_mutex);
        CPPUNIT_ASSERT_MESSAGE("a question is open", !_open.empty());
        deferral = _open.front();
        _open.erase(_open.begin());
    }
    bus.complete(by, deferral.token, verdict, reason, {});
}

Broker& BrokerFixture::start()
{
    _settings.workers = 2;
    _broker = std::make_unique<Broker>(_settings, _hooks, _quiescence);
    _listener.scheme = "nmq-tcp";
    _listener.host = "127.0.0.1";
    if (_prepare) _prepare(*_broker);
    _broker->listen(_listener);
    _broker->start();
    return *_broker;
}

std::uint16_t BrokerFixture::port() const
{
    const std::string url = _broker->listenerUrls().front();
    return static_cast<std::uint16_t>(std::atoi(url.substr(url.rfind(':') + 1).c_str()));
}

FakePlugin& BrokerFixture::plugin()
{
    return _plugins.emplace_back(
        _registry.make(static_cast<std::uint32_t>(_plugins.size() + 1), "test", nullptr));
}

void BrokerFixture::load(FakePlugin& plugin)
{
    CPPUNIT_ASSERT(_registry.exchange(nullptr, &plugin.set()));
    CPPUNIT_ASSERT(!_registry.graceful(kPatience));
}

std::string BrokerFixture::idOn(unsigned worker, std::string_view name)
{
    for (int number = 0;; ++number)
    {
        const std::string id = std::string(name) + '-' + std::to_string(number);
        if (std::hash<std::string_view>()(id) % 2 == worker) return id;
    }
}

ScriptedClient BrokerFixture::client(std::string_view clientId, ProtocolVersion version)
{
    ScriptedClient client(port(), version);
    client.connect({.clientId = clientId});
    return client;
}

ScriptedClient BrokerFixture::lasting(std::string_view clientId, bool sessionPresent,
                                      PropertyList properties)
{
    ScriptedClient client(port());
    properties.add(PropertyId::SessionExpiryInterval, 3600);
    client.connect({.clientId = clientId, .cleanStart = false, .properties = properties},
                   sessionPresent);
    return client;
}

std::uint64_t BrokerFixture::dropped() const
{
    std::uint64_t sum = 0;
    for (const auto count : _broker->figures().dropped) sum += count;
    return sum;
}

} // namespace nanomq::test
