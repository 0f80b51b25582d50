#pragma once

#include "Decision.h"
#include "http/Address.h"
#include "http/Headers.h"
#include "nanomq/events.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace auth_http
{

/// What a parameter may stand for.
enum class Fact : std::uint8_t
{
    UserName,         ///< %u ${username}
    ClientId,         ///< %c ${clientid}
    Password,         ///< %P ${password}
    PeerAddress,      ///< %a ${peerhost}
    Protocol,         ///< %r ${proto_name}: MQTT, or MQIsdp for 3.1
    Port,             ///< %p ${port}: that the client came in by
    CertificateName,  ///< %C ${cert_common_name}
    CertificateOwner, ///< %d ${cert_subject}
    Access,           ///< %A: 1 subscribe, 2 publish
    Topic,            ///< %t ${topic}
    MountPoint,       ///< %m: there is none
    Action,           ///< ${action}: subscribe, publish
    QoS,              ///< ${qos}
    Retain,           ///< ${retain}: true, false
};
inline constexpr std::size_t kFacts = 14;

/// What is known when a question comes up. Views of the event: valid as long as that.
class Facts
{
public:
    explicit Facts(const nanomq::sdk::ClientAuthenticate& event);
    explicit Facts(const nanomq::sdk::ClientAuthorize& event);

    /// Empty: absent.
    std::optional<std::string_view> operator[](Fact fact) const noexcept
    {
        return _values[static_cast<std::size_t>(fact)];
    }

private:
    explicit Facts(const nanomq::sdk::ClientInfo& client);
    void set(Fact fact, std::string_view value) noexcept
    {
        _values[static_cast<std::size_t>(fact)] = value;
    }

    std::array<std::optional<std::string_view>, kFacts> _values;
};

/// One of the three requests, as the configuration has it. Immutable. Thread: [any].
class RequestForm
{
public:
    /// A parameter: text, and facts in it.
    struct Parameter
    {
        struct Piece
        {
            std::optional<Fact> fact; ///< empty: text
            std::string text;
        };
        std::string name;
        std::vector<Piece> pieces;
    };
    /// Reads `clientid=%c,username=%u`. Throws Poco::InvalidArgumentException.
    static std::vector<Parameter> parameters(std::string_view text);

    http::Address address;
    bool get = false; ///< else POST
    http::Headers headers;
    std::vector<Parameter> params;

    /// Parameters go as a JSON object, not as a form: a POST whose Content-Type says so.
    bool isJson() const noexcept;

    struct Filled
    {
        std::string target;
        std::string content;
    };
    /// With these values. Those that are absent are left out.
    /// @param hidePassword  shows "***" in its place.
    Filled fill(const Facts& facts, bool hidePassword = false) const;

    /// What tells this question from every other: all the values, in order. Instead of a password
    /// stands its keyed hash, so that none is kept in memory.
    std::string identify(Kind kind, const Facts& facts, std::string_view secret) const;

private:
    std::optional<std::string> valueOf(const Parameter& parameter, const Facts& facts,
                                       bool hidePassword) const;
};

/// Percent-encodes all but A-Z a-z 0-9 - _ . ~
std::string percentEncoded(std::string_view text);

} // namespace auth_http
