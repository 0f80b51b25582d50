#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <stdlib.h>
#include <string>
#include <vector>

/// A folder for one test; goes with it.
class TestFolder
{
public:
    TestFolder()
    {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "nanomq-test-XXXXXX").string();
        if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp");
        path = pattern;
    }
    ~TestFolder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    TestFolder(const TestFolder&) = delete;
    TestFolder& operator=(const TestFolder&) = delete;

    std::filesystem::path path;
};

inline std::vector<std::uint8_t> readBytes(const std::filesystem::path& path)
{
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path.string());
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Replaces the file as an installer does: a new one under the same name.
inline void writeBytes(const std::filesystem::path& path, const std::vector<std::uint8_t>& bytes)
{
    const auto temporary = path.string() + ".new";
    {
        std::ofstream file(temporary, std::ios::binary);
        file.write(reinterpret_cast<const char*>(bytes.data()),
                   static_cast<std::streamsize>(bytes.size()));
    }
    std::filesystem::rename(temporary, path);
}

/// A library that the tests' CMakeLists.txt builds.
inline std::filesystem::path testPlugin(const std::string& file)
{
    return std::filesystem::path(TEST_PLUGINS) / (file + ".so");
}
