#pragma once

#include "TopicPattern.h"
#include "nanomq/events.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace auth_file
{

enum class Permit : std::uint8_t
{
    Allow,
    Deny,
    NoRule, ///< no rule is about it
};

/// What a client must be for a rule to be about it: one `{"username": …}` of NanoMQ's.
struct Who
{
    enum class Kind : std::uint8_t
    {
        Anybody, // "#"
        UserName,
        ClientId,
        Address,
        All, // "and"
        Any, // "or"
    };
    Kind kind = Kind::Anybody;
    std::string text;
    std::uint8_t address[16] = {}; ///< IPv6, or IPv4 mapped
    unsigned prefix = 128;         ///< bits of it
    std::vector<Who> parts;

    bool is(const nanomq::sdk::ClientInfo& client) const noexcept;
};

/// One ACL rule.
struct Rule
{
    std::string name;  ///< "acl.rule.3"
    std::string where; ///< "conf.d/auth_file.conf:12: acl.rule.3", for those who ask why
    bool allow = false;
    bool publish = true, subscribe = true;
    Who who; ///< all of its parts
    std::vector<TopicPattern> topics; ///< none: every topic
    /// The one user name that it can be about; empty: any.
    std::string user;
};

/// ACL rules, in order; the first that is about client, action and topic decides.
///
/// An allowing rule is about a Topic Filter when it covers all of it, a denying one when it touches
/// any of it. Immutable. decide() allocates nothing, and looks only at rules for the action, for
/// this user name or any, and for the topic's first level or any. Thread: [any].
class Acl
{
public:
    /// @param rules  by number, each the JSON text and "file:line: key". Throws
    ///               Poco::DataFormatException with the sentences of all that are wrong.
    struct Source
    {
        std::string json, where;
    };
    explicit Acl(const std::map<std::uint32_t, Source>& rules);
    Acl() = default;

    struct Decision
    {
        Permit permit = Permit::NoRule;
        const Rule* rule = nullptr;
    };
    /// @param topic  a Topic Name or Topic Filter; "$share/GROUP/" is looked through.
    Decision decide(const nanomq::sdk::ClientInfo& client, nanomq::sdk::Access access,
                    std::string_view topic) const noexcept;

    bool empty() const noexcept { return _rules.empty(); }
    std::size_t size() const noexcept { return _rules.size(); }

private:
    struct Hash
    {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept
        {
            return std::hash<std::string_view>()(text);
        }
    };
    template <class Value>
    using ByText = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;
    using Numbers = std::vector<std::uint32_t>; // into _rules, ascending
    struct Levels
    {
        Numbers any;
        ByText<Numbers> byFirst;

        void add(const Rule& rule, std::uint32_t number);
    };
    /// The rules about one action.
    struct Indexed
    {
        Numbers all;
        Levels anyUser;
        ByText<Levels> byUser;

        void add(const Rule& rule, std::uint32_t number);
    };
    class Candidates;

    bool isAbout(const Rule& rule, const nanomq::sdk::ClientInfo& client,
                 std::string_view topic) const noexcept;

    std::vector<Rule> _rules;
    Indexed _publish, _subscribe;
};

} // namespace auth_file
