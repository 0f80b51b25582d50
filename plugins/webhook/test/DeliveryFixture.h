#pragma once

#include "Delivery.h"
#include "Settings.h"
#include "Status.h"
#include "nanomq/testing.h"

#include <cppunit/extensions/HelperMacros.h>

#include <memory>
#include <optional>
#include <string>

using namespace nanomq::sdk::testing;
using namespace webhook;

/// A delivery with all it needs; what a test says to it reads like a log.
class DeliveryFixture
{
public:
    /// @param folder   for the spool; empty: there is none.
    /// @param metrics  of an earlier one, as after a reload.
    explicit DeliveryFixture(const std::string& url, const std::string& more = "",
                             const std::string& folder = "",
                             std::shared_ptr<FakeMetrics> metrics = std::make_shared<FakeMetrics>())
        : _host("web.hook.url=" + url + "\n" + more, std::move(metrics))
    {
        _host.storage.path = folder;
        auto outcome = Settings::read(_host.config);
        CPPUNIT_ASSERT(outcome.errors.empty());
        _settings = outcome.settings.endpoints.at(0);
        _delivery.emplace(_settings, _host);
    }
    ~DeliveryFixture()
    {
        if (_delivery) end();
    }

    void start() { _delivery->start(); }
    void submit(const std::string& client, const std::string& body)
    {
        HeaderFacts facts{actionName(EventKind::MessagePublish)};
        facts.clientId = client;
        facts.topic = "a/b";
        _delivery->submit(EventKind::MessagePublish, facts, body.size(), [&] {
            ++bodiesMade;
            return body;
        });
    }
    /// Returns how long it took.
    std::chrono::milliseconds stop(std::chrono::milliseconds deadline)
    {
        const auto begin = std::chrono::steady_clock::now();
        _delivery->drain();
        _delivery->stop(begin + deadline, deadline);
        return std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - begin);
    }
    void end()
    {
        stop(10s);
        _host.tasks.stop();
        _delivery.reset();
    }

    Counts counts() const
    {
        const Counts c = _delivery->counts();
        CPPUNIT_ASSERT_EQUAL(c.accepted, c.delivered + c.at(Place::InFlight) +
                                             c.at(Place::Queued) + c.at(Place::Spooled) +
                                             c.at(Place::Dead) + c.dropped());
        return c;
    }
    bool eventuallyDelivered(std::uint64_t events) const
    {
        return eventually([&] { return counts().delivered == events; }, 30s);
    }
    bool eventuallyAt(Place place, std::uint64_t events) const
    {
        return eventually([&] { return counts().at(place) == events; }, 30s);
    }
    bool eventuallyDropped(DropReason reason, std::uint64_t events) const
    {
        return eventually([&] { return counts().drop(reason) == events; }, 30s);
    }
    Poco::JSON::Object::Ptr status() const { return statusOf(*_delivery); }
    std::string state() const { return status()->getValue<std::string>("state"); }
    FakeHost& host() { return _host; }
    Delivery& delivery() { return *_delivery; }

    int bodiesMade = 0;

private:
    FakeHost _host;
    EndpointSettings _settings;
    std::optional<Delivery> _delivery;
};

inline constexpr char kFastRetry[] = "web.hook.retry.min_delay=1ms\nweb.hook.retry.max_delay=2ms\n"
                              "web.hook.retry.max_attempts=1000\n";
inline constexpr char kNoRetrySoon[] = "web.hook.retry.min_delay=1h\nweb.hook.retry.max_delay=1h\n";
