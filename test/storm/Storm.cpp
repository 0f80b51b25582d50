#include "Storm.h"

#include "nanomq/abi.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <iomanip>
#include <iterator>
#include <stdexcept>
#include <thread>

namespace nanomq::test
{

namespace fs = std::filesystem;
using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;
using Clock = std::chrono::steady_clock;

namespace
{

std::vector<char> readLibrary(const std::string& name)
{
    std::ifstream file(fs::path(NANOMQ_STORM_PLUGINS) / (name + ".so"), std::ios::binary);
    if (!file) throw std::runtime_error("there is no library " + name);
    return {std::istreambuf_iterator<char>(file), {}};
}

Object::Ptr request(const char* key = nullptr, const std::string& value = {})
{
    Object::Ptr object = new Object;
    if (key) object->set(key, value);
    return object;
}

double msSince(Clock::time_point begin)
{
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

double toMs(std::chrono::microseconds time)
{
    return static_cast<double>(time.count()) / 1'000;
}

} // namespace

double Storm::Times::quantile(double share) const
{
    if (ms.empty()) return 0;
    auto sorted = ms;
    std::sort(sorted.begin(), sorted.end());
    return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

void Storm::Report::print(std::ostream& out) const
{
    out << std::fixed << std::setprecision(1);
    for (const auto& [what, of] : times)
        out << std::setw(23) << what << ' ' << std::setw(6) << of.ms.size() << " times, "
            << of.quantile(0.5) << " ms (median), " << of.quantile(0.99) << " ms (p99), "
            << of.quantile(1) << " ms (longest)\n";
    for (const auto& [kind, count] : bad)
        out << std::setw(23) << "bad" << ' ' << std::setw(6) << count << " times, " << kind << '\n';
    out << "published " << published << ", received " << received << " copies in " << seconds
        << " s; none lost, none doubled\n"
        << "worst pause of message flow: " << worstPauseMs << " ms in all, "
        << worstPauseOf100SwapsMs << " ms during 100 reloads, " << worstPauseOfNoSwapMs
        << " ms in as many messages without any\n";
}

Storm::Storm(const Options& options)
    : _options(options),
      _random(options.seed),
      _broker({.conf = {{"nanomq.conf", "num_taskq_thread = 2\nlog.level = warn\n"}},
               .pluginFolder = _plugins.path().string()}),
      _control(_broker.controlPath().string(), kPatience),
      _load(_broker.port(), {.topic = "storm"}),
      _busy{"storm_busy", {"busy_one", "busy_two", "busy_alone"}},
      _throwing{"storm_throwing", {"throwing_one", "throwing_two"}},
      _counting{"storm_counting", {"counting_one", "counting_two"}}
{
}

Storm::Report Storm::run()
{
    const auto begin = Clock::now();
    _load.pause();
    beginCounting();
    swap100Times();
    unsigned bad = 0;
    for (unsigned number = 0; number < _options.rounds; ++number)
    {
        round(number);
        for (; bad < _options.bad * (number + 1) / _options.rounds; ++bad) beBad();
        if (number % 25 == 24)
        {
            checkMemory();
            checkCounts();
            if (_options.progress && number % 100 == 99)
                *_options.progress << number + 1 << " rounds, " << _load.published()
                                   << " messages" << std::endl;
        }
    }
    checkCounts();
    for (Plugin* plugin : {&_busy, &_throwing, &_counting})
        if (plugin->loaded) unload(*plugin);
    checkMemory();
    _report.worstPauseMs = std::max(_report.worstPauseMs, toMs(_load.takeWorstPause()));
    _load.finish();
    _report.rounds = _options.rounds;
    _report.published = _load.published();
    _report.received = _load.received();
    _report.seconds = msSince(begin) / 1'000;
    _broker.stop(); // with what a sanitizer has found
    return _report;
}

void Storm::round(unsigned number)
{
    comeOrGo(_busy);
    comeOrGo(_throwing);
    reload(_counting, anyVersionOf(_counting));
    if (_load.failed()) _load.finish(); // tells what is wrong
    if (number % 10 == 9)
        _report.worstPauseMs = std::max(_report.worstPauseMs, toMs(_load.takeWorstPause()));
}

void Storm::swap100Times()
{
    _load.takeWorstPause();
    const auto before = _load.published();
    for (unsigned i = 0; i < 100; ++i) reload(_counting, _counting.versions[i % 2]);
    _report.worstPauseOf100SwapsMs = toMs(_load.takeWorstPause());
    // What the machine does by itself: as many messages with nothing going on.
    const auto until = 2 * _load.published() - before;
    while (_load.published() < until && !_load.failed()) std::this_thread::yield();
    _report.worstPauseOfNoSwapMs = toMs(_load.takeWorstPause());
}

void Storm::comeOrGo(Plugin& plugin)
{
    if (!plugin.loaded) load(plugin);
    else if (upTo(2) == 0) unload(plugin);
    else reload(plugin, anyVersionOf(plugin));
}

void Storm::load(Plugin& plugin)
{
    install(plugin, readLibrary(anyVersionOf(plugin)));
    mustDo("load", plugin);
    plugin.loaded = true;
}

void Storm::reload(Plugin& plugin, const std::string& version)
{
    install(plugin, readLibrary(version));
    mustDo("reload", plugin);
}

void Storm::unload(Plugin& plugin)
{
    mustDo("unload", plugin);
    plugin.loaded = false;
}

/// A library that must not come in, in the place of a good one.
void Storm::beBad()
{
    static constexpr Bad kinds[] = {
        {"wrong ABI", nullptr},
        {"truncated", nullptr},
        {"overwritten in place while loaded", nullptr},
        {"foreign", "foreign"},
        {"missing function", "counting_unresolved"},
        {"constructor that throws", "counting_throws"},
        {"crashes when loaded", "counting_crashes"},
        {"init() that fails", "counting_fails"},
        {"unwell", "counting_unwell"},
    };
    const Bad& bad = kinds[upTo(std::size(kinds) - 1)];
    Plugin* const all[] = {&_busy, &_throwing, &_counting};
    // What is built to be bad was built as the counting plugin.
    const bool built = bad.library && std::string_view(bad.library) != "foreign";
    Plugin& plugin = built ? _counting : *all[upTo(2)];
    damage(bad, plugin);
    mustRefuse(plugin.loaded ? "reload" : "load", plugin, bad.kind);
    ++_report.bad[bad.kind];
}

void Storm::damage(const Bad& bad, const Plugin& plugin)
{
    auto library = readLibrary(bad.library ? bad.library : plugin.versions.front());
    const std::string_view kind(bad.kind);
    if (kind == "wrong ABI")
    {
        const std::string_view owner(NANOMQ_NOTE_OWNER "\0", sizeof NANOMQ_NOTE_OWNER + 1);
        const auto note = std::search(library.begin(), library.end(), owner.begin(), owner.end());
        const std::uint16_t major = NANOMQ_ABI_MAJOR + 1;
        constexpr auto at = offsetof(nanomq_plugin_note, description.abi_major) -
                            offsetof(nanomq_plugin_note, owner);
        std::memcpy(&*note + at, &major, sizeof major);
    }
    else if (kind == "truncated")
    {
        library.resize(library.size() * (1 + upTo(8)) / 10);
    }
    else if (kind == "overwritten in place while loaded")
    {
        // As `cp` does it: the same file, shorter, and with something else in it.
        std::ofstream file(libraryOf(plugin), std::ios::binary | std::ios::trunc);
        file << "rubbish";
        return;
    }
    install(plugin, library);
}

/// Everything that was published while the counting plugin was loaded, it has counted once. Then
/// it goes and comes back, so that the next counts begin at zero.
void Storm::checkCounts()
{
    _load.pause();
    const std::uint64_t published = _load.published() - _countedSince;
    Object::Ptr verb = request("plugin", _counting.name);
    Array::Ptr words = new Array;
    words->add("counts");
    verb->set("words", words);
    const auto counts = mustCall("plugin.verb", verb).extract<Object::Ptr>();
    for (const char* what : {"asked", "told_at_once"})
        if (const auto counted = counts->getValue<std::uint64_t>(what); counted != published)
            fail("the counting plugin was " + std::string(what) + ' ' + std::to_string(counted) +
                 " times of " + std::to_string(published));
    // By the ring: those told when it is unloaded, and those it had no room for. Asked for again
    // until the executor is done, since the ring is told later.
    const Deadline deadline(kPatience);
    for (;;)
    {
        const auto now = mustCall("plugin.verb", verb).extract<Object::Ptr>();
        const auto told = now->getValue<std::uint64_t>("told_by_ring");
        const auto info = mustCall("plugin.info", request("name", _counting.name)).extract<Object::Ptr>();
        if (info->getValue<std::uint64_t>("queued") == 0 &&
            told + eventsDropped() - _droppedBefore == published)
            break;
        if (deadline.remainingMs() == 0)
            fail("by the ring it was told " + std::to_string(told) + " of " +
                 std::to_string(published));
    }
    unload(_counting);
    beginCounting();
}

void Storm::beginCounting()
{
    load(_counting);
    _droppedBefore = eventsDropped();
    _countedSince = _load.published();
    _load.resume();
}

std::uint64_t Storm::eventsDropped()
{
    const auto all = mustCall("metrics", request()).extract<Object::Ptr>()->getArray("metrics");
    for (const Var& item : *all)
    {
        const Object& series = *item.extract<Object::Ptr>();
        if (series.getValue<std::string>("name") == "nanomq_plugin_events_dropped_total" &&
            series.getValue<std::string>("labels") == "plugin=\"storm_counting\"")
            return series.getValue<std::uint64_t>("value");
    }
    return 0;
}

void Storm::checkMemory()
{
    std::ifstream maps("/proc/" + std::to_string(_broker.process().pid()) + "/maps");
    const std::string lines{std::istreambuf_iterator<char>(maps), {}};
    if (lines.empty()) fail("the broker is gone");
    for (const Plugin* plugin : {&_busy, &_throwing, &_counting})
        if (!plugin->loaded && lines.find('/' + plugin->name + '.') != std::string::npos)
            fail(plugin->name + " is unloaded, and still in memory");
}

void Storm::install(const Plugin& plugin, const std::vector<char>& library) const
{
    const fs::path path = libraryOf(plugin);
    const fs::path fresh = path.string() + ".new";
    std::ofstream(fresh, std::ios::binary)
        .write(library.data(), static_cast<std::streamsize>(library.size()));
    fs::rename(fresh, path);
}

const std::string& Storm::anyVersionOf(const Plugin& plugin)
{
    return plugin.versions[upTo(static_cast<unsigned>(plugin.versions.size() - 1))];
}

fs::path Storm::libraryOf(const Plugin& plugin) const
{
    return _plugins / (plugin.name + ".so");
}

ControlResult Storm::call(const std::string& command, const Object::Ptr& arguments)
{
    try
    {
        return _control.call(command, arguments, kPatience);
    }
    catch (const Poco::Exception& broken)
    {
        const auto status = _broker.process().waitForExit();
        fail(command + ": " + broken.displayText() +
             (status ? "; the broker has ended with status " + std::to_string(*status)
                     : "; the broker still runs"));
    }
}

Var Storm::mustCall(const std::string& command, const Object::Ptr& arguments)
{
    const ControlResult result = call(command, arguments);
    if (!result) fail(command + ": " + result.error().message);
    return *result;
}

void Storm::mustDo(const std::string& what, const Plugin& plugin)
{
    const auto begin = Clock::now();
    const auto answer =
        mustCall("plugin." + what, request("name", plugin.name)).extract<Object::Ptr>();
    _report.times[what + ' ' + plugin.name].ms.push_back(msSince(begin));
    const auto state = answer->getValue<std::string>("state");
    const auto reason = answer->getValue<std::string>("reason");
    if (state != (what == "unload" ? "gone" : "active") || !reason.empty())
        fail(what + ' ' + plugin.name + ": it is " + state + ", " + reason);
}

void Storm::mustRefuse(const std::string& what, const Plugin& plugin, const char* kind)
{
    const auto begin = Clock::now();
    const ControlResult result = call("plugin." + what, request("name", plugin.name));
    _report.times["refused"].ms.push_back(msSince(begin));
    if (result) fail(what + ' ' + plugin.name + " took what is bad: " + kind);
    const auto info =
        mustCall("plugin.info", request("name", plugin.name)).extract<Object::Ptr>();
    const auto state = info->getValue<std::string>("state");
    if (state != (plugin.loaded ? "active" : "failed"))
        fail(plugin.name + " is " + state + " after what was bad: " + kind);
}

void Storm::fail(const std::string& what) const
{
    throw std::runtime_error(what + "\nthe broker said:\n" + _broker.log());
}

} // namespace nanomq::test
