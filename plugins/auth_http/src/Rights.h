#pragma once

#include "nanomq/events.h"

#include <Poco/JSON/Array.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace auth_http
{

/// The `acl` of a login's answer, as EMQX 5 has it: an array of
/// `{"permission": "allow"|"deny", "action": "publish"|"subscribe"|"all", "topic":
/// "a/${clientid}/#", "qos": [0, 1], "retain": true}`. The first rule that is about the question
/// decides.
///
/// A rule that allows is about a Topic Filter if it covers all of it, one that denies if it touches
/// any of it. `eq a/#` is compared as it is. `${clientid}` and `${username}` stand for the client's
/// own names; one that is absent, empty or has '+', '#' or '/' in it makes an allowing rule be
/// about nothing, and a denying rule about everything. Immutable. Thread: [any].
class Rights
{
public:
    /// Throws Poco::DataFormatException with what is wrong.
    explicit Rights(const Poco::JSON::Array& rules);

    /// Yes, no, or nothing when no rule is about it.
    std::optional<bool> decide(const nanomq::sdk::ClientAuthorize& question) const;

    /// As JSON, to be read again.
    const std::string& source() const noexcept { return _source; }

private:
    struct Rule
    {
        bool allow = false;
        bool publish = true, subscribe = true;
        bool exact = false;
        std::string topic;
        std::vector<int> qos;       // empty: all
        std::optional<bool> retain; // empty: both
    };

    static Rule ruleOf(const Poco::JSON::Object& object);
    static bool isAbout(const Rule& rule, const nanomq::sdk::ClientAuthorize& question);

    std::string _source;
    std::vector<Rule> _rules;
};

/// Whether all topics that `filter` stands for are among the pattern's (both are Topic Filters).
bool covers(std::string_view pattern, std::string_view filter) noexcept;
/// Whether some are.
bool overlaps(std::string_view pattern, std::string_view filter) noexcept;

} // namespace auth_http
