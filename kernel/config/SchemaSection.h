#pragma once

#include <optional>
#include <string>

namespace nanomq
{

/// Where a plugin's file keeps its schema (README.md beside this header).
inline constexpr const char* kSchemaSection = ".nanomq.schema";

/// The schema, as JSON, that the shared library at `path` carries; nothing when it has no such
/// section. Only reads the file: no code of it runs. Throws Poco::FileException when it cannot be
/// read, and Poco::DataFormatException when it is not a sound 64-bit ELF file or the section is
/// longer than Schema::kMaximumJsonBytes. Thread: [any]; blocks on the disk.
std::optional<std::string> readSchemaSection(const std::string& path);

} // namespace nanomq
