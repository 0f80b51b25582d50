#pragma once

#include "support/ScriptedClient.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace nanomq::test
{

/// Clients of one broker that act out a script, and the transcript of what the broker said.
///
/// Each step sends something, and then waits until the broker has said all that it has to say: all
/// clients send PINGREQ and read up to PINGRESP, and acknowledge what they get, until nothing new
/// comes. So two brokers that are given the same script can be compared.
///
/// The transcript leaves open what the standard leaves open: each client has its own, since nothing
/// orders what two clients hear; the Packet Identifiers of the broker become numbers in the order
/// of their first use; what answers a step comes before the messages of the step, retained ones of
/// different topics in the order of the topics; properties come in the order of their bytes, and
/// those by which a broker tells its own limits are left out, as is a DISCONNECT before the end of
/// the connection.
///
/// Thread: one at a time.
class Stage
{
public:
    Stage(std::uint16_t port, ProtocolVersion version);
    ~Stage();
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    ProtocolVersion version() const noexcept { return _version; }
    bool is5_0() const noexcept { return _version == ProtocolVersion::v5_0; }

    // Steps. A client is named by its Client Identifier, and connects anew each time.

    Stage& connect(const ConnectOptions& options);
    /// A Network Connection of that name, and these as its first bytes.
    Stage& open(const std::string& name, const std::vector<std::uint8_t>& bytes);
    Stage& send(const std::string& name, const Packet& packet);
    Stage& bytes(const std::string& name, const std::vector<std::uint8_t>& bytes);
    Stage& subscribe(const std::string& name, std::string_view filter, QoS qos = QoS::AtMostOnce);
    Stage& publish(const std::string& name, std::string_view topic, std::string_view payload,
                   const PublishOptions& options = {});
    /// Ends the Network Connection without DISCONNECT.
    Stage& drop(const std::string& name);
    Stage& disconnect(const std::string& name);
    /// Whether a client answers what comes from now on; it does at first.
    Stage& answers(const std::string& name, bool on);

    /// What came, a line a packet: "subscriber < PUBLISH t 'x' QoS 1 #1".
    std::string transcript() const;

private:
    struct Actor;

    void settle();
    bool readUntilPingresp(const std::string& name, Actor& actor);
    static void note(const std::string& name, Actor& actor);
    void answer(Actor& actor, const Packet& packet);
    std::string describe(Actor& actor, const Packet& packet) const;

    const std::uint16_t _port;
    const ProtocolVersion _version;
    std::map<std::string, Actor> _actors;
};

} // namespace nanomq::test
