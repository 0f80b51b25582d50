#pragma once

#include <filesystem>
#include <string_view>

namespace nanomq::test
{

/// A folder of its own with a short path, removed with all it holds.
class TemporaryFolder
{
public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::filesystem::path& path() const noexcept { return _path; }
    std::filesystem::path operator/(std::string_view name) const { return _path / name; }

private:
    std::filesystem::path _path;
};

/// Writes a file whole, and replaces one that is there. Makes missing folders.
void writeFile(const std::filesystem::path& path, std::string_view text);

} // namespace nanomq::test
