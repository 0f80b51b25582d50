#include "Grants.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <sstream>
#include <utility>

namespace auth_http
{

namespace sdk = nanomq::sdk;
using namespace std::chrono_literals;

namespace
{

constexpr auto kForgottenAfter = 60s;

} // namespace

void Grants::enter(std::string_view clientId, std::uint64_t connectedAtMs, const Grant& grant,
                   Time now)
{
    const std::lock_guard lock(_mutex);
    const auto found = _entries.find(std::string(clientId));
    if (found != _entries.end()) erase(found);
    if (grant.empty()) return;
    put(clientId, {connectedAtMs, grant, false});
    _entered.push_back({now, std::string(clientId), connectedAtMs});
}

void Grants::put(std::string_view clientId, Entry entry)
{
    if (entry.grant.expiresAt != 0) _expiries.emplace(entry.grant.expiresAt, clientId);
    _entries.insert_or_assign(std::string(clientId), std::move(entry));
}

void Grants::erase(Entries::iterator entry)
{
    _expiries.erase({entry->second.grant.expiresAt, entry->first});
    _entries.erase(entry);
}

Grants::Entries::iterator Grants::find(const sdk::ClientInfo& client)
{
    const auto found = _entries.find(std::string(client.clientId.view()));
    const bool same =
        found != _entries.end() && found->second.connectedAtMs == client.connectedAtMs;
    return same ? found : _entries.end();
}

void Grants::connected(const sdk::ClientInfo& client)
{
    const std::lock_guard lock(_mutex);
    if (const auto found = find(client); found != _entries.end()) found->second.isConnected = true;
}

void Grants::disconnected(const sdk::ClientInfo& client)
{
    const std::lock_guard lock(_mutex);
    if (const auto found = find(client); found != _entries.end()) erase(found);
}

std::optional<Grant> Grants::of(const sdk::ClientInfo& client) const
{
    const std::lock_guard lock(_mutex);
    const auto found = _entries.find(std::string(client.clientId.view()));
    if (found == _entries.end() || found->second.connectedAtMs != client.connectedAtMs) return {};
    return found->second.grant;
}

std::vector<std::string> Grants::expired(std::int64_t unixSeconds, Time now)
{
    const std::lock_guard lock(_mutex);
    for (; !_entered.empty() && _entered.front().at + kForgottenAfter < now; _entered.pop_front())
    {
        const auto found = _entries.find(_entered.front().clientId);
        if (found != _entries.end() && !found->second.isConnected &&
            found->second.connectedAtMs == _entered.front().connectedAtMs)
            erase(found);
    }
    std::vector<std::string> clients;
    while (!_expiries.empty() && _expiries.begin()->first <= unixSeconds)
    {
        const auto found = _entries.find(_expiries.begin()->second);
        // Rights end with the authorisation; but while the client is there it has no others.
        clients.push_back(found->first);
        found->second.grant.superuser = false;
        _expiries.erase(_expiries.begin());
        found->second.grant.expiresAt = 0;
    }
    return clients;
}

std::size_t Grants::size() const
{
    const std::lock_guard lock(_mutex);
    return _entries.size();
}

std::string Grants::save() const
{
    const std::lock_guard lock(_mutex);
    Poco::JSON::Array all;
    for (const auto& [clientId, entry] : _entries)
    {
        Poco::JSON::Object object;
        object.set("client", clientId);
        object.set("at", entry.connectedAtMs);
        object.set("super", entry.grant.superuser);
        object.set("expires", entry.grant.expiresAt);
        if (entry.grant.rights) object.set("acl", entry.grant.rights->source());
        all.add(object);
    }
    std::ostringstream text;
    all.stringify(text);
    return text.str();
}

bool Grants::adopt(std::string_view state)
{
    try
    {
        Poco::JSON::Parser parser;
        const auto all = parser.parse(std::string(state)).extract<Poco::JSON::Array::Ptr>();
        const std::lock_guard lock(_mutex);
        for (std::size_t i = 0; i < all->size(); ++i)
        {
            const auto object = all->getObject(static_cast<unsigned>(i));
            const auto clientId = object->getValue<std::string>("client");
            if (_entries.contains(clientId)) continue; // connected anew meanwhile
            Entry entry{object->getValue<std::uint64_t>("at"), {}, true};
            entry.grant.superuser = object->getValue<bool>("super");
            entry.grant.expiresAt = object->getValue<std::int64_t>("expires");
            if (object->has("acl"))
            {
                Poco::JSON::Parser rules;
                entry.grant.rights =
                    std::make_shared<Rights>(*rules.parse(object->getValue<std::string>("acl"))
                                                  .extract<Poco::JSON::Array::Ptr>());
            }
            put(clientId, std::move(entry));
        }
        return true;
    }
    catch (const Poco::Exception&)
    {
        return false;
    }
}

} // namespace auth_http
