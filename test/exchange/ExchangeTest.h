#pragma once

#include "support/BrokerProcess.h"
#include "support/ScriptedClient.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include <memory>
#include <string>
#include <string_view>

namespace nanomq::test
{

/// The versions that a dialogue is held in, where it is the same in several.
inline constexpr ProtocolVersion kVersions[] = {ProtocolVersion::v3_1, ProtocolVersion::v3_1_1,
                                                ProtocolVersion::v5_0};
inline constexpr ProtocolVersion kNewerVersions[] = {ProtocolVersion::v3_1_1,
                                                     ProtocolVersion::v5_0};

/// Session Expiry Interval that outlives every test, in seconds.
inline constexpr std::uint32_t kLong = 3600;

/// A fixture for dialogues with a broker of its own, without configuration and plugins.
class ExchangeTest : public CppUnit::TestFixture
{
public:
    void setUp() override { _broker = std::make_unique<BrokerProcess>(options()); }
    void tearDown() override
    {
        if (_broker) _broker->stop(); // CppUnit calls it after a setUp() that failed, too
    }

protected:
    virtual BrokerOptions options() const { return {}; }
    BrokerProcess& broker() { return *_broker; }

    /// A Network Connection on which nothing was sent.
    ScriptedClient open(ProtocolVersion version = ProtocolVersion::v5_0)
    {
        return ScriptedClient(_broker->port(), version);
    }
    /// A client that is connected, with Clean Start.
    ScriptedClient client(std::string_view clientId,
                          ProtocolVersion version = ProtocolVersion::v5_0)
    {
        ScriptedClient client(_broker->port(), version);
        client.connect({.clientId = clientId});
        return client;
    }
    /// A client that is connected, continues its session, and leaves one behind: Clean Session 0,
    /// or Clean Start 0 with a long Session Expiry Interval.
    ScriptedClient lastingClient(std::string_view clientId, ProtocolVersion version,
                                 bool sessionPresent)
    {
        ScriptedClient client(_broker->port(), version);
        ConnectOptions options{.clientId = clientId, .cleanStart = false};
        if (version == ProtocolVersion::v5_0)
            options.properties.add(PropertyId::SessionExpiryInterval, kLong);
        // 3.1 has no Session Present flag.
        client.connect(options, sessionPresent && version != ProtocolVersion::v3_1);
        return client;
    }

private:
    std::unique_ptr<BrokerProcess> _broker;
};

} // namespace nanomq::test
