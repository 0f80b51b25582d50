#include "Settings.h"

#include <Poco/Exception.h>
#include <Poco/String.h>

#include <array>
#include <charconv>
#include <functional>
#include <optional>
#include <utility>

namespace auth_file
{

namespace sdk = nanomq::sdk;

namespace
{

constexpr std::string_view kRule = "acl.rule.";

[[noreturn]] void bad(std::string_view value, std::string_view expected)
{
    throw Poco::DataFormatException("found \"" + std::string(value) + "\", expected " +
                                    std::string(expected));
}

std::uint64_t number(std::string_view value, std::string_view& unit)
{
    std::uint64_t result = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
    if (error != std::errc()) bad(value, "a number");
    unit = value.substr(static_cast<std::size_t>(end - value.data()));
    return result;
}

std::uint64_t count(std::string_view value, std::uint64_t low, std::uint64_t high)
{
    std::string_view unit;
    const auto result = number(value, unit);
    if (!unit.empty() || result < low || result > high)
        bad(value, "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    return result;
}

std::chrono::milliseconds duration(std::string_view value, std::uint64_t lowMs)
{
    static constexpr std::array<std::pair<std::string_view, std::uint64_t>, 4> units{
        {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}}};
    constexpr std::uint64_t kDay = 24 * 3'600'000;
    std::string_view unit;
    const auto amount = number(value, unit);
    for (const auto& [name, factor] : units)
        if (unit == name && amount <= kDay / factor && amount * factor >= lowMs)
            return std::chrono::milliseconds(amount * factor);
    bad(value, "a time such as 500ms or 5s, up to 24h");
}

template <class Choice>
Choice oneOf(std::string_view value, std::initializer_list<std::pair<std::string_view, Choice>> words)
{
    std::string all;
    for (const auto& [word, choice] : words)
    {
        if (value == word) return choice;
        all += (all.empty() ? "" : ", ") + std::string(word);
    }
    bad(value, "one of " + all);
}

bool truth(std::string_view value)
{
    for (const char* word : {"true", "on", "yes", "1", "enable", "enabled"})
        if (Poco::icompare(std::string(value), word) == 0) return true;
    for (const char* word : {"false", "off", "no", "0", "disable", "disabled"})
        if (Poco::icompare(std::string(value), word) == 0) return false;
    bad(value, "true or false");
}

class Reader final : public sdk::Config::Visitor
{
public:
    void key(sdk::Str key, sdk::Str value, sdk::Str where) override
    {
        const std::string place = std::string(where.view());
        const std::string prefix = place + ": " + std::string(key.view()) + ": ";
        try
        {
            if (!take(key.view(), value.view(), place))
                throw Poco::DataFormatException("auth_file knows no such key");
        }
        catch (const Poco::FileException& wrong) // the password file: names itself
        {
            fail(wrong.message());
        }
        catch (const Poco::DataFormatException& wrong)
        {
            fail(wrong.message().starts_with(_file) && !_file.empty() ? wrong.message()
                                                                      : prefix + wrong.message());
        }
    }

    Settings finish()
    {
        guard([&] { _plain.finish(_settings.users); });
        guard([&] { _settings.acl = Acl(_rules); });
        if (_settings.longestDelay < _settings.shortestDelay)
            fail("auth_file.delay.max is shorter than auth_file.delay.min");
        if (!_errors.empty()) throw Poco::DataFormatException(_errors);
        _settings.aclEnabled = _aclEnabled.value_or(!_rules.empty() || _noMatchGiven);
        if (!_settings.aclEnabled && !_rules.empty())
            _settings.warnings.push_back("acl_enable is false: the rules are not looked at");
        return std::move(_settings);
    }

private:
    bool take(std::string_view key, std::string_view value, const std::string& where)
    {
        if (key == "auth_file.enable") truth(value);
        else if (key == "auth_file.password_file") readUsers(std::string(value));
        else if (key == "auth_file.unknown_user")
            _settings.unknownUser =
                oneOf<Settings::UnknownUser>(value, {{"deny", Settings::UnknownUser::Deny},
                                                     {"next", Settings::UnknownUser::Next}});
        else if (key == "auth_file.threads")
            _settings.threads = static_cast<unsigned>(count(value, 1, 16));
        else if (key == "auth_file.queue") _settings.queue = count(value, 1, 4'000);
        else if (key == "auth_file.deadline") _settings.deadline = duration(value, 1);
        else if (key == "auth_file.cache.size") _settings.cacheEntries = count(value, 0, 1'000'000);
        else if (key == "auth_file.cache.time") _settings.cacheTime = duration(value, 0);
        else if (key == "auth_file.delay.min") _settings.shortestDelay = duration(value, 0);
        else if (key == "auth_file.delay.max") _settings.longestDelay = duration(value, 0);
        else if (key == "acl_enable") _aclEnabled = truth(value);
        else if (key == "acl_nomatch")
        {
            _settings.noMatch = oneOf<Settings::NoMatch>(value, {{"allow", Settings::NoMatch::Allow},
                                                                 {"deny", Settings::NoMatch::Deny},
                                                                 {"next", Settings::NoMatch::Next}});
            _noMatchGiven = true;
        }
        else if (key == "acl_deny_action")
            _settings.disconnectWhenDenied =
                oneOf<bool>(value, {{"ignore", false}, {"disconnect", true}});
        else if (key.starts_with(kRule))
        {
            const auto rule =
                static_cast<std::uint32_t>(count(key.substr(kRule.size()), 0, 1'000'000'000));
            if (!_rules.emplace(rule, Acl::Source{std::string(value),
                                                  where + ": " + std::string(key)}).second)
                throw Poco::DataFormatException("a rule with this number stands here already");
        }
        else return _plain.add(key, value, where) && warnOfPlainText(where);
        return true;
    }

    void readUsers(const std::string& path)
    {
        _file = path;
        auto file = credentials::PasswordFile::read(path);
        for (const auto& warning : file.warnings()) _settings.warnings.push_back(warning);
        for (const auto& [name, record] : file.users()) _settings.users.insert_or_assign(name, record);
    }

    bool warnOfPlainText(const std::string& where)
    {
        if (!std::exchange(_warned, true))
            _settings.warnings.push_back(where + ": a password in plain text; better: a file that "
                                                 "nanomqctl passwd writes, in "
                                                 "auth_file.password_file");
        return true;
    }

    template <class Call> void guard(Call call)
    {
        try
        {
            call();
        }
        catch (const Poco::DataFormatException& wrong)
        {
            fail(wrong.message());
        }
    }
    void fail(const std::string& sentence) { _errors += (_errors.empty() ? "" : "\n") + sentence; }

    Settings _settings;
    std::string _file;
    std::string _errors;
    credentials::NanoMQUsers _plain;
    std::map<std::uint32_t, Acl::Source> _rules;
    std::optional<bool> _aclEnabled;
    bool _noMatchGiven = false;
    bool _warned = false;
};

} // namespace

Settings Settings::read(sdk::Config& config)
{
    Reader reader;
    config.keys("", &reader);
    Settings settings = reader.finish();
    if (settings.users.empty() && !settings.aclEnabled)
        throw Poco::DataFormatException(
            std::string(config.where("auth_file.password_file").view()) +
            ": has neither users (auth_file.password_file) nor ACL rules (acl.rule.N); "
            "switch the plugin off instead");
    return settings;
}

} // namespace auth_file
