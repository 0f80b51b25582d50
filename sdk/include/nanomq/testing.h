#pragma once

#include "nanomq/testing/fake_host.h"

/// The test kit: a broker that is none, so that a plugin is tested without one. Header only.
///
///     FakeHost host("web.hook.url=http://127.0.0.1:1\n");
///     Webhook plugin;
///     CPPUNIT_ASSERT_EQUAL(0, host.load(plugin));
///     const FakeClient client("c1", "alice");
///     host.fire(event<ClientConnected>(client));
///     CPPUNIT_ASSERT(eventually([&] { return server.requests() == 1; }));
///     host.unload(plugin);
///
/// Differences from the broker: hooks run on the thread that calls fire(), also offloaded ones;
/// one thread is the executor; nothing has budgets or a breaker.
///
/// The parts stand in testing/: FakeHost with what it is made of, and, not included here,
/// running_broker.h: the broker itself as a child process, with your plugin in it.
namespace nanomq::sdk::testing
{
} // namespace nanomq::sdk::testing
