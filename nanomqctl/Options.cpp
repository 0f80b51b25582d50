#include "Options.h"

#include <Poco/Util/HelpFormatter.h>
#include <Poco/Util/OptionException.h>
#include <Poco/Util/OptionProcessor.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <utility>

namespace nanomq::ctl
{

using Poco::Util::Option;

Options::Options(std::string usage, std::string summary)
    : _usage(std::move(usage)),
      _summary(std::move(summary))
{
    flag("json", "", "print JSON");
    value("control", "", "PATH", "the socket of the broker (or variable NANOMQ_CONTROL)");
    flag("help", "", "print this");
}

Options& Options::flag(const std::string& name, const std::string& letter, const std::string& help)
{
    _set.addOption(Option(name, letter, help).repeatable(true));
    return *this;
}

Options& Options::value(const std::string& name, const std::string& letter,
                        const std::string& argument, const std::string& help)
{
    _set.addOption(Option(name, letter, help).argument(argument).repeatable(true));
    return *this;
}

void Options::parse(const std::vector<std::string>& arguments)
{
    Poco::Util::OptionProcessor processor(_set);
    processor.setUnixStyle(true);
    try
    {
        std::string name;
        std::string found;
        for (const std::string& argument : arguments)
        {
            if (!processor.process(argument, name, found)) _words.push_back(argument);
            else if (!name.empty()) _found[name].push_back(found);
        }
        processor.checkRequired();
    }
    catch (const Poco::Util::OptionException& wrong)
    {
        throw UsageError(wrong.displayText());
    }
}

std::string Options::text(const std::string& name, const std::string& absent) const
{
    const auto found = _found.find(name);
    return found != _found.end() ? found->second.back() : absent;
}

std::vector<std::string> Options::all(const std::string& name) const
{
    const auto found = _found.find(name);
    return found != _found.end() ? found->second : std::vector<std::string>();
}

std::int64_t Options::number(const std::string& name, std::int64_t absent, std::int64_t minimum,
                             std::int64_t maximum) const
{
    if (!has(name)) return absent;
    const std::string given = text(name);
    std::int64_t number = 0;
    const char* const end = given.data() + given.size();
    const auto [stop, error] = std::from_chars(given.data(), end, number);
    if (error != std::errc() || stop != end || number < minimum || number > maximum)
        throw UsageError("--" + name + " takes a whole number from " + std::to_string(minimum) +
                         " to " + std::to_string(maximum) + ", not '" + given + '\'');
    return number;
}

bool Options::truth(const std::string& name, bool absent) const
{
    if (!has(name)) return absent;
    const std::string given = text(name);
    for (const char* word : {"true", "yes", "on", "1"})
        if (given == word) return true;
    for (const char* word : {"false", "no", "off", "0"})
        if (given == word) return false;
    throw UsageError("--" + name + " takes true or false, not '" + given + '\'');
}

const std::string& Options::word(std::size_t index, const std::string& what) const
{
    if (index >= _words.size()) throw UsageError("expected " + what);
    return _words[index];
}

void Options::noWordsBeyond(std::size_t count) const
{
    if (_words.size() > count) throw UsageError("unexpected argument '" + _words[count] + '\'');
}

std::string Options::help() const
{
    Poco::Util::HelpFormatter formatter(_set);
    formatter.setUnixStyle(true);
    formatter.setAutoIndent();
    formatter.setCommand("nanomqctl");
    formatter.setUsage(_usage);
    formatter.setHeader(_summary);
    std::ostringstream out;
    formatter.format(out);
    return out.str();
}

std::vector<std::string> withWordInFront(std::vector<std::string> arguments)
{
    std::size_t at = 0;
    while (at < arguments.size() && arguments[at].starts_with("--"))
        at += arguments[at] == "--control" ? 2 : 1;
    if (at < arguments.size())
        std::rotate(arguments.begin(), arguments.begin() + static_cast<std::ptrdiff_t>(at),
                    arguments.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    return arguments;
}

} // namespace nanomq::ctl
