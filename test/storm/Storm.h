#pragma once

#include "control/ControlClient.h"
#include "support/BrokerProcess.h"
#include "support/LoadClient.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <vector>

namespace nanomq::test
{

/// Plugins that come and go under full load.
///
/// A round loads, unloads or exchanges each of three plugins: one with threads and answers that
/// come later (and of which one version must be alone), one that throws wherever it may, one with
/// state. Between the rounds come libraries that are bad in every way, in the place of good ones.
/// Meanwhile a LoadClient sends QoS 1 through the broker.
///
/// Throws what went wrong: what the load client says; a good plugin that is refused or a bad one
/// that is not; a count that is not exact; code of an unloaded plugin in the broker's memory.
class Storm
{
public:
    struct Options
    {
        unsigned rounds = 60;
        unsigned bad = 150;
        unsigned seed = 1;
        std::ostream* progress = nullptr; ///< gets a line every hundred rounds
    };
    struct Times // of the control socket's answers
    {
        std::vector<double> ms;
        double quantile(double share) const; ///< 0 when there are none
    };
    struct Report
    {
        unsigned rounds = 0;
        std::map<std::string, Times> times; ///< by command and plugin, and "refused"
        std::map<std::string, unsigned> bad; ///< how many of each kind
        std::uint64_t published = 0;
        std::uint64_t received = 0;
        double seconds = 0;
        double worstPauseMs = 0;           ///< of all
        double worstPauseOf100SwapsMs = 0; ///< of 100 reloads in a row, with nothing else
        double worstPauseOfNoSwapMs = 0;   ///< of as many messages, with nothing going on
        void print(std::ostream& out) const;
    };

    explicit Storm(const Options& options);
    Report run();

private:
    struct Plugin
    {
        std::string name;
        std::vector<std::string> versions; // files of the test's libraries
        bool loaded = false;
    };
    struct Bad
    {
        const char* kind;
        const char* library; // null: the plugin's own, damaged
    };

    void round(unsigned number);
    void swap100Times();
    void comeOrGo(Plugin& plugin);
    void beBad();
    void damage(const Bad& bad, const Plugin& plugin);
    /// Requires: the load pauses; goes on with it.
    void beginCounting();
    void checkCounts();
    std::uint64_t eventsDropped();
    void checkMemory();
    void unload(Plugin& plugin);
    void load(Plugin& plugin);
    void reload(Plugin& plugin, const std::string& version);
    /// Puts a library where the broker looks for it, as an installer does.
    void install(const Plugin& plugin, const std::vector<char>& library) const;
    const std::string& anyVersionOf(const Plugin& plugin);
    /// Throws when the broker goes away.
    ControlResult call(const std::string& command, const Poco::JSON::Object::Ptr& request);
    /// Throws unless it is answered well. Returns the answer.
    Poco::Dynamic::Var mustCall(const std::string& command, const Poco::JSON::Object::Ptr& request);
    void mustDo(const std::string& what, const Plugin& plugin);
    void mustRefuse(const std::string& what, const Plugin& plugin, const char* kind);
    std::filesystem::path libraryOf(const Plugin& plugin) const;
    unsigned upTo(unsigned last) { return std::uniform_int_distribution<unsigned>(0, last)(_random); }
    [[noreturn]] void fail(const std::string& what) const;

    const Options _options;
    std::mt19937 _random;
    TemporaryFolder _plugins;
    BrokerProcess _broker;
    ControlClient _control;
    LoadClient _load;
    Plugin _busy, _throwing, _counting;
    std::uint64_t _countedSince = 0; // what was published before the counting plugin was loaded
    std::uint64_t _droppedBefore = 0;
    Report _report;
};

} // namespace nanomq::test
