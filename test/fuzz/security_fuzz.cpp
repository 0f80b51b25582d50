// Files that keep somebody out: ACL rules, and password files. Whatever they say, they are either
// refused as a whole with a sentence, or mean what they say: a Topic Filter that may be subscribed
// with shows no topic that may not.

#include "Acl.h"
#include "Fuzz.h"
#include "credentials/PasswordFile.h"

#include <algorithm>
#include <Poco/Exception.h>

#include <string>

namespace
{

using nanomq::fuzz::Input;
using nanomq::fuzz::require;
using nanomq::sdk::Access;

constexpr std::size_t kMaximumRules = 16;

/// §4.7 once more, apart from the plugin's own.
bool matches(std::string_view filter, std::string_view name)
{
    const bool wild = filter.starts_with('+') || filter.starts_with('#');
    if (wild && name.starts_with('$')) return false;
    for (;;)
    {
        const auto filterEnd = filter.find('/');
        const auto nameEnd = name.find('/');
        const auto level = filter.substr(0, filterEnd);
        if (level == "#") return true;
        if (level != "+" && level != name.substr(0, nameEnd)) return false;
        const bool filterOver = filterEnd == std::string_view::npos;
        if (nameEnd == std::string_view::npos)
            return filterOver || filter.substr(filterEnd + 1) == "#";
        if (filterOver) return false;
        filter.remove_prefix(filterEnd + 1);
        name.remove_prefix(nameEnd + 1);
    }
}

bool isFilter(std::string_view text)
{
    if (text.empty() || text.starts_with("$share/")) return false;
    for (std::size_t i = 0; i < text.size(); ++i)
    {
        if (text[i] != '+' && text[i] != '#') continue;
        if (i > 0 && text[i - 1] != '/') return false;
        if (i + 1 < text.size() && (text[i] == '#' || text[i + 1] != '/')) return false;
    }
    return true;
}

/// Lines: user name, client identifier, Topic Filter, Topic Name; then rules.
void fuzzRules(Input input)
{
    const std::string user(input.line()), clientId(input.line());
    const std::string filter(input.line()), name(input.line());
    std::map<std::uint32_t, auth_file::Acl::Source> rules;
    for (std::uint32_t number = 1; number <= kMaximumRules && !input.done(); ++number)
        rules[number] = {std::string(input.line()), "fuzz:" + std::to_string(number)};
    try
    {
        const auth_file::Acl acl(rules);
        nanomq::sdk::ClientInfo client{};
        client.size = sizeof client;
        client.protocolVersion = 5;
        client.hasUserName = !user.empty();
        client.userName = user;
        client.clientId = clientId;
        client.peerAddress = "192.0.2.7";
        const auto permit = [&](Access access, const std::string& topic) {
            return acl.decide(client, access, topic).permit;
        };
        permit(Access::Publish, name);
        if (!isFilter(filter) || name.empty() || name.find_first_of("+#") != std::string::npos ||
            !matches(filter, name))
            return;
        // "@#" stands for the filter "#" itself, and for no topic that it shows.
        const bool literal = std::any_of(rules.begin(), rules.end(), [](const auto& rule) {
            const auto& json = rule.second.json; // a character may also be written as \u0040
            return json.find_first_of("@\\") != std::string::npos ||
                   json.find("eq") != std::string::npos;
        });
        if (!literal && permit(Access::Subscribe, filter) == auth_file::Permit::Allow)
            require(permit(Access::Receive, name) == auth_file::Permit::Allow,
                    "a filter that is allowed shows a topic that is not");
        require(permit(Access::Subscribe, "$share/g/" + filter) == permit(Access::Subscribe, filter),
                "a Shared Subscription has other rights");
    }
    catch (const Poco::DataFormatException& error)
    {
        require(!error.message().empty(), "refused without a word");
    }
}

void fuzzPasswords(Input input)
{
    try
    {
        const auto file = credentials::PasswordFile::parse(input.rest(), "fuzz");
        require(!file.users().empty(), "a file without users");
        for (const auto& [name, record] : file.users())
            // A plain password, NanoMQ's, is never written.
            if (record.scheme != credentials::Scheme::Plain &&
                credentials::whyNoUserName(name).empty())
            {
                const auto again =
                    credentials::PasswordFile::parse(name + ':' + record.text() + '\n', "again");
                require(again.users().contains(name), "does not read what it wrote");
            }
    }
    catch (const Poco::DataFormatException& error)
    {
        require(error.message().find("fuzz") != std::string::npos ||
                    error.message().find("again") != std::string::npos,
                "refused without its name");
        require(error.message().find("again") == std::string::npos, "refuses what it wrote");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Input input(data, size);
    if (input.byte() % 2 == 0) fuzzRules(input);
    else fuzzPasswords(input);
    return 0;
}
