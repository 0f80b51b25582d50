#include "app/PluginInspection.h"

#include "config/Schema.h"
#include "config/SchemaSection.h"
#include "nanomq/abi.h"
#include "plugin/Gate.h"
#include "plugin/PluginProbe.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/TemporaryFile.h>

#include <filesystem>
#include <ostream>
#include <vector>

namespace nanomq
{

namespace
{

using Poco::JSON::Array;
using Poco::JSON::Object;

constexpr std::chrono::seconds kProbeDeadline{5};

std::string dottedVersion(std::uint32_t version)
{
    return std::to_string(version >> 16) + '.' + std::to_string((version >> 8) & 0xFF) + '.' +
           std::to_string(version & 0xFF);
}

Array::Ptr listOf(const std::vector<std::string>& texts)
{
    Array::Ptr list = new Array;
    for (const auto& text : texts) list->add(text);
    return list;
}

void describe(const PluginFacts& facts, Object& report)
{
    report.set("name", facts.name);
    report.set("version", facts.version);
    report.set("class", facts.className);
    report.set("sdk", dottedVersion(facts.sdkVersion));
    report.set("reload", (facts.flags & NANOMQ_PLUGIN_RELOAD_OVERLAP) != 0
                             ? "side by side"
                             : "parked: old closes before new opens");
    report.set("hands_state_over", (facts.flags & NANOMQ_PLUGIN_HAS_STATE) != 0);
    report.set("guard", (facts.flags & NANOMQ_PLUGIN_GUARD) != 0);
    report.set("libraries", listOf(facts.needed));
    report.set("stays_mapped", listOf(facts.residentReasons));
}

/// Returns how many keys the schema has, for people: "3 keys", "none: ...".
std::string checkSchema(const std::string& file, const std::string& name,
                        std::vector<std::string>& refusals)
{
    try
    {
        const auto json = readSchemaSection(file);
        if (!json) return "none: init() checks the keys of its file";
        return std::to_string(Schema::fromJson(name, *json).keys().size()) + " keys";
    }
    catch (const Poco::Exception& wrong)
    {
        refusals.push_back(wrong.displayText());
        return "cannot be used";
    }
}

void probe(const std::string& name, ByteView bytes, std::vector<std::string>& refusals)
{
    const std::string folder = Poco::TemporaryFile::tempName();
    try
    {
        PluginCopies copies(folder);
        const PluginCopy copy = copies.make(name, bytes);
        if (const auto failure = PluginProbe({}, kProbeDeadline).run(copy, bytes))
            refusals.push_back(*failure);
    }
    catch (const Poco::Exception& failed)
    {
        refusals.push_back(failed.displayText());
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
}

} // namespace

int inspectPluginFile(const std::string& file, std::ostream& out)
{
    const std::string name = std::filesystem::path(file).stem().string();
    Object report(Poco::JSON_PRESERVE_KEY_ORDER);
    std::vector<std::string> refusals;
    report.set("file", file);
    if (const auto bytes = readPluginFile(file); !bytes) refusals.push_back(bytes.error());
    else
    {
        auto findings = examinePlugin(*bytes, name, HostAbi::ofThisProgram());
        refusals = std::move(findings.refusals);
        if (findings.facts)
        {
            describe(*findings.facts, report);
            report.set("schema", checkSchema(file, name, refusals));
        }
        // What the gate refuses is never run, not even for a look.
        if (refusals.empty()) probe(name, *bytes, refusals);
    }
    report.set("fits", refusals.empty());
    report.set("refused", listOf(refusals));
    report.stringify(out);
    out << std::endl;
    return refusals.empty() ? 0 : 1;
}

} // namespace nanomq
