// Who may not come in, in the words of the EMQX v4 family.

#include "Page.h"
#include "Routes.h"
#include "Times.h"

#include <algorithm>
#include <array>
#include <cerrno>

namespace rest_api
{

namespace sdk = nanomq::sdk;

namespace
{

using Poco::Dynamic::Var;
using Poco::JSON::Object;
using sdk::Bans;

/// By Bans::Kind.
constexpr std::array<std::string_view, 3> kKinds = {"peerhost", "clientid", "username"};
constexpr const char* kForGood = "infinity";
constexpr std::uint64_t kDefaultMs = 300'000; // as EMQX has it

Bans::Kind kindOf(std::string_view name)
{
    const auto* const found = std::find(kKinds.begin(), kKinds.end(), name);
    if (found == kKinds.end())
        throw ApiError::badParameter("as: expected clientid, username or peerhost");
    return static_cast<Bans::Kind>(found - kKinds.begin());
}

Object::Ptr describe(const Bans::Ban& ban)
{
    auto item = makeObject();
    item->set("who", asText(ban.who.view()));
    item->set("as", std::string(kKinds.at(static_cast<std::size_t>(ban.kind))));
    item->set("reason", asText(ban.reason.view()));
    item->set("by", asText(ban.by.view()));
    item->set("at", ban.sinceMs / 1'000);
    if (ban.untilMs == 0) item->set("until", kForGood);
    else item->set("until", ban.untilMs / 1'000);
    return item;
}

class BanPage final : public Bans::Visitor
{
public:
    BanPage(const Request& request, Reply& reply) : _page(request), _list(reply) {}

    void ban(const Bans::Ban* ban) override
    {
        if (_page.take()) _list.add(describe(*ban));
    }
    void end() { _list.end(_page.meta()); }

private:
    Page _page;
    DataList _list;
};

void listBans(Bans& bans, const Request& request, Reply& reply)
{
    request.allowQuery({"_page", "_limit"});
    reply.keepWhole(); // a visitor of the broker must not throw what a socket does
    BanPage page(request, reply);
    bans.list(&page);
    page.end();
}

/// Empty when the member is absent.
std::string givenText(const Object& body, const std::string& name)
{
    const Var value = body.get(name);
    if (value.isEmpty()) return {};
    if (!value.isString()) throw ApiError::badParameter(name + ": expected a text");
    return value.convert<std::string>();
}

std::string neededText(const Object& body, const std::string& name)
{
    auto text = givenText(body, name);
    if (text.empty()) throw ApiError::missing(name);
    return text;
}

/// Unix time; 0: for good.
std::uint64_t endOf(const Object& body, std::uint64_t nowMs)
{
    constexpr Poco::Int64 kLatest = 253'402'300'799; // the year 9999 ends
    const Var until = body.get("until");
    if (until.isEmpty()) return nowMs + kDefaultMs;
    if (until.isString() && until.convert<std::string>() == kForGood) return 0;
    const auto seconds = until.type() == typeid(Poco::Int64) ? until.extract<Poco::Int64>() : -1;
    if (seconds <= static_cast<Poco::Int64>(nowMs / 1'000) || seconds > kLatest)
        throw ApiError::badParameter("until: expected a time to come, in seconds since 1970, or "
                                     "\"infinity\"");
    return static_cast<std::uint64_t>(seconds) * 1'000;
}

void addBan(Bans& bans, const Request& request, Reply& reply)
{
    const auto body = request.object();
    const std::string who = neededText(*body, "who");
    const std::string reason = givenText(*body, "reason");
    std::string by = givenText(*body, "by");
    if (by.empty()) by = request.user().view();
    Bans::Ban ban{};
    ban.size = sizeof ban;
    ban.kind = kindOf(neededText(*body, "as"));
    ban.who = who;
    ban.reason = reason;
    ban.by = by;
    ban.sinceMs = nowMs();
    ban.untilMs = endOf(*body, ban.sinceMs);
    switch (bans.add(&ban))
    {
    case 0: break;
    case -EINVAL:
        throw ApiError::badParameter(
            ban.kind == Bans::Kind::Address
                ? "who: expected an address, or a network such as 192.0.2.0/24"
                : "who: expected a name of 1 to 65,535 bytes");
    default: throw ApiError(500, Code::RpcError, "there are as many bans as there can be");
    }
    auto answer = makeObject();
    answer->set("code", 0);
    answer->set("data", describe(ban));
    reply.json(answer);
}

void removeBan(Bans& bans, const Request& request, Reply& reply)
{
    const std::string& who = request.parameterText("who");
    const std::string& as = request.parameterText("as");
    if (bans.remove(kindOf(as), who) != 0) throw ApiError::notFound("not banned: " + as + ' ' + who);
    reply.done();
}

constexpr const char* kBansDoc =
    R"("parameters":[{"$ref":"#/components/parameters/page"},{"$ref":"#/components/parameters/limit"}],)"
    R"("responses":{"200":{"$ref":"#/components/responses/bans"}})";
constexpr const char* kAddBanDoc =
    R"("requestBody":{"required":true,"content":{"application/json":{"schema":)"
    R"({"$ref":"#/components/schemas/newBan"}}}},)"
    R"("responses":{"200":{"$ref":"#/components/responses/ban"}})";

} // namespace

void addBanRoutes(Router& router, Bans* bans)
{
    using Role = sdk::HttpRole;
    if (!bans) return;
    router.add({"GET", "/api/v4/banned", Role::Reader, "Who may not come in, page by page",
                kBansDoc, [bans](const Request& request, Reply& reply) {
                    listBans(*bans, request, reply);
                }});
    router.add({"POST", "/api/v4/banned", Role::Operator,
                "Bans a client, a user, an address or a network; who is connected is disconnected",
                kAddBanDoc, [bans](const Request& request, Reply& reply) {
                    addBan(*bans, request, reply);
                }});
    router.add({"DELETE", "/api/v4/banned/{as}/{who}", Role::Operator, "Ends a ban", "",
                [bans](const Request& request, Reply& reply) {
                    removeBan(*bans, request, reply);
                }});
}

} // namespace rest_api
