#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <Poco/Util/OptionSet.h>

namespace nanomq::ctl
{

/// A command line that cannot be meant: exit status 2.
class UsageError : public std::runtime_error
{
public:
    using std::runtime_error::runtime_error;
};

/// The options and words of one verb.
///
/// Every verb has --json, --control PATH and --help. Values follow a blank or '=':
/// "--topic a", "--topic=a", "-t a", "-ta".
class Options
{
public:
    /// @param usage    what follows "nanomqctl" in the first line of the help: "pub [OPTION]...".
    /// @param summary  one sentence.
    Options(std::string usage, std::string summary);

    Options& flag(const std::string& name, const std::string& letter, const std::string& help);
    /// May be given more than once; text() is the last.
    Options& value(const std::string& name, const std::string& letter, const std::string& argument,
                   const std::string& help);

    /// Throws UsageError.
    void parse(const std::vector<std::string>& arguments);

    bool has(const std::string& name) const { return _found.contains(name); }
    std::string text(const std::string& name, const std::string& absent = {}) const;
    std::vector<std::string> all(const std::string& name) const;
    /// Throws UsageError when it is not a whole number of the range.
    std::int64_t number(const std::string& name, std::int64_t absent, std::int64_t minimum,
                        std::int64_t maximum) const;
    /// "true" or "false", and words like these. Throws UsageError.
    bool truth(const std::string& name, bool absent) const;

    /// What is no option, in order.
    const std::vector<std::string>& words() const noexcept { return _words; }
    /// The word at `index`. Throws UsageError that asks for `what`.
    const std::string& word(std::size_t index, const std::string& what) const;
    /// Throws UsageError when there are more words.
    void noWordsBeyond(std::size_t count) const;

    std::string help() const;

private:
    const std::string _usage;
    const std::string _summary;
    Poco::Util::OptionSet _set;
    std::map<std::string, std::vector<std::string>> _found;
    std::vector<std::string> _words;
};

/// Options that every verb has, --json and --control, may stand before the verb: the first word
/// comes to the front, and they go behind it.
std::vector<std::string> withWordInFront(std::vector<std::string> arguments);

} // namespace nanomq::ctl
