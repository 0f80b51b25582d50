#pragma once

#include <string>
#include <string_view>

namespace nanomq
{

/// The text of a configuration file with one key set to a value: the line that sets it is changed,
/// or else one is added behind the last line that has the key commented out, or at the end.
/// Everything else stays as it is. Requires: neither key nor value holds a line end.
std::string withSetting(std::string_view text, std::string_view key, std::string_view value);

/// Puts a text in the place of a file, whole or not at all, with the old one's mode and owner.
/// Throws Poco::FileException that names it. Thread: [any]; blocks on the disk.
void replaceFile(const std::string& path, std::string_view text);

} // namespace nanomq
