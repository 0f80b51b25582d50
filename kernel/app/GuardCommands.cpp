#include "app/GuardCommands.h"

#include "app/JsonObject.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/Logger.h>

namespace nanomq
{

namespace
{

using Poco::JSON::Array;
using Poco::JSON::Object;

Poco::Dynamic::Var timeOrNothing(UnixMs time)
{
    return time == 0 ? Poco::Dynamic::Var() : Poco::Dynamic::Var(time);
}

Object::Ptr describe(const Ban& ban)
{
    auto object = makeObject();
    object->set("kind", std::string(banKindName(ban.kind)));
    object->set("who", ban.who);
    object->set("until_ms", timeOrNothing(ban.until));
    object->set("by", ban.by);
    object->set("reason", ban.reason);
    object->set("since_ms", ban.since);
    return object;
}

ControlResult listBans(const BanList& bans)
{
    Array::Ptr list = new Array;
    for (const auto& ban : bans.list()) list->add(describe(ban));
    auto result = makeObject();
    result->set("bans", list);
    return Poco::Dynamic::Var(result);
}

/// The kind and whom it is for, or why not.
Result<std::pair<BanKind, std::string>, ControlError> whoOf(const Object& arguments)
{
    const auto name = arguments.optValue<std::string>("kind", "");
    const auto kind = banKindOf(name);
    if (!kind)
        return ControlError{"bad_argument",
                            "expected a kind: address, client_id or user_name, found '" + name + '\''};
    return std::pair(*kind, arguments.optValue<std::string>("who", ""));
}

ControlResult addBan(BanList& bans, const Object& arguments)
{
    const auto who = whoOf(arguments);
    if (!who) return who.error();
    const auto seconds = arguments.optValue<Poco::Int64>("seconds", 0);
    constexpr Poco::Int64 kCentury = Poco::Int64{100} * 365 * 86'400;
    if (seconds < 0 || seconds > kCentury)
        return ControlError{"bad_argument", "expected a number of seconds, or 0 for good"};
    Ban ban{who->first, who->second, arguments.optValue<std::string>("reason", ""),
            arguments.optValue<std::string>("by", "nanomqctl")};
    if (seconds > 0) ban.until = unixNow() + seconds * 1000;
    switch (bans.add(std::move(ban)))
    {
    case BanList::Added::Done: return Poco::Dynamic::Var(makeObject());
    case BanList::Added::Full:
        return ControlError{"full", "there are " + std::to_string(BanList::kMaximum) + " bans already"};
    case BanList::Added::Invalid: break;
    }
    return ControlError{"bad_argument",
                        who->first == BanKind::Address
                            ? "expected an address or a network such as 192.0.2.0/24, found '" +
                                  who->second + '\''
                            : "expected a name of 1 to 65,535 bytes"};
}

ControlResult removeBan(BanList& bans, const Object& arguments)
{
    const auto who = whoOf(arguments);
    if (!who) return who.error();
    if (bans.remove(who->first, who->second)) return Poco::Dynamic::Var(makeObject());
    return ControlError{"not_found", "there is no ban of " + std::string(banKindName(who->first)) +
                                         " '" + who->second + '\''};
}

ControlResult alarms(const AlarmList& alarms)
{
    const auto describe = [](const std::vector<Alarm>& list) {
        Array::Ptr array = new Array;
        for (const auto& alarm : list)
        {
            auto object = makeObject();
            object->set("name", alarm.name);
            object->set("severity", std::string(alarmSeverityName(alarm.severity)));
            object->set("raised_at_ms", alarm.raisedAt);
            object->set("cleared_at_ms", timeOrNothing(alarm.clearedAt));
            object->set("raised", alarm.raised);
            object->set("details", alarm.details);
            array->add(object);
        }
        return array;
    };
    auto result = makeObject();
    result->set("active", describe(alarms.active()));
    result->set("history", describe(alarms.history()));
    return Poco::Dynamic::Var(result);
}

} // namespace

void registerGuardCommands(ControlServer& server, Broker& broker)
{
    auto& bans = broker.bans();
    server.command("ban.list", [&bans](const Object&) { return listBans(bans); });
    server.command("ban.add", [&bans](const Object& arguments) { return addBan(bans, arguments); });
    server.command("ban.remove",
                   [&bans](const Object& arguments) { return removeBan(bans, arguments); });
    server.command("alarms", [&list = broker.alarms()](const Object&) { return alarms(list); });
}

void logAlarms(AlarmList& alarms)
{
    alarms.onChange([](const Alarm& alarm) {
        auto& log = Poco::Logger::get("alarm");
        if (alarm.clearedAt != 0) return log.information(alarm.name + ": over");
        const std::string line = alarm.name + ": " + alarm.details;
        if (alarm.severity == AlarmSeverity::Error) log.error(line);
        else log.warning(line);
    });
}

} // namespace nanomq
