#pragma once

#include <map>
#include <string>

namespace nanomq
{

/// The files of a configuration folder as they stand: name ("webhook.conf") to text. Files that do
/// not end with ".conf", or begin with '.', are somebody else's, as for ConfDir.
class ConfTexts
{
public:
    ConfTexts() = default;
    /// Throws Poco::FileException that names what cannot be read. A folder that is not there holds
    /// nothing. Thread: [any]; blocks on the disk.
    static ConfTexts read(const std::string& folder);

    /// Makes a folder (it is made if it is not there) hold these files and no others, each replaced
    /// whole and only if it differs, with the old one's mode. All is written beside the files first,
    /// so a full disk changes nothing. Throws Poco::FileException. Thread: [any]; blocks on the disk.
    void write(const std::string& folder) const;

    const std::map<std::string, std::string>& files() const noexcept { return _files; }
    bool operator==(const ConfTexts&) const = default;

private:
    std::map<std::string, std::string> _files;
};

} // namespace nanomq
