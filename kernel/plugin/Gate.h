#pragma once

#include "base/Bytes.h"
#include "base/Result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace nanomq
{

/// What a plugin must fit to: this program.
struct HostAbi
{
    std::uint16_t abiMajor;
    std::uint16_t abiMinor;
    std::uint32_t buildBits;   // NANOMQ_BUILD_…
    std::uint32_t pocoVersion; // POCO_VERSION
    std::string pocoLibrary;   // "libPocoFoundation.so.80"

    static HostAbi ofThisProgram();
};

/// What the file of a plugin says of itself.
struct PluginFacts
{
    std::string name;
    std::string version;
    std::string className;
    std::uint32_t sdkVersion = 0;
    std::uint32_t flags = 0; // NANOMQ_PLUGIN_…
    std::vector<std::string> needed;
    /// Why its code must stay mapped for good, as sentences; empty: it can be unmapped.
    std::vector<std::string> residentReasons;
};

/// The gate: reads a plugin's file before any code of it runs.
///
/// dlopen() runs constructors, Poco::ClassLoader compares type names only, and either can end the
/// process on a file that is merely broken. So what can be known from the bytes is checked here,
/// on the same bytes that are loaded later. The error is a sentence with the file, what was found
/// and what was wanted.
///
/// Refused are: what is no 64-bit shared library for this processor; a file that ends before its
/// segments do; one without our note, of another ABI, build, or Poco; one that exports anything
/// but its manifest (see plugin.map); one with run paths relative to itself, since it is loaded
/// from a private copy.
///
/// @param path  for the sentences. @param name  what the file name says; the note must agree.
/// Thread: [any].
Result<PluginFacts, std::string> inspectPlugin(ByteView file, const std::string& path,
                                               const std::string& name, const HostAbi& host);

/// All that the gate finds, for an author: inspectPlugin() gives the first refusal only.
struct GateFindings
{
    std::optional<PluginFacts> facts; ///< when there is a note that can be read
    std::vector<std::string> refusals; ///< sentences, without the path; empty: it may come in
};
GateFindings examinePlugin(ByteView file, const std::string& name, const HostAbi& host);

/// The bytes of a plugin's file, read once. Refused are files that are missing, larger than
/// 256 MiB, not regular, or that somebody else could have written: file and folder must belong to
/// root or to us and not be writable by everybody. Thread: [any]; blocks on the disk.
Result<std::vector<std::uint8_t>, std::string> readPluginFile(const std::string& path);

} // namespace nanomq
