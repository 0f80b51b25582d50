#include "PluginTemplate.h"
#include "Shell.h"
#include "Verbs.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace nanomq::ctl
{

namespace fs = std::filesystem;

namespace
{

constexpr std::string_view kTemplateName = "my_plugin";
constexpr std::string_view kTemplateClass = "MyPlugin";
constexpr std::string_view kTemplateMacro = "MY_PLUGIN";

bool isPluginName(std::string_view name) noexcept
{
    constexpr std::size_t kLongest = 31;
    const auto isSmall = [](char c) { return c >= 'a' && c <= 'z'; };
    return !name.empty() && name.size() <= kLongest && isSmall(name.front()) &&
           std::all_of(name.begin(), name.end(), [&](char c) {
               return isSmall(c) || (c >= '0' && c <= '9') || c == '_';
           });
}

/// "water_meter": "WaterMeter".
std::string classNameOf(std::string_view name)
{
    std::string className;
    bool capital = true;
    for (const char c : name)
    {
        if (c == '_') capital = true;
        else className += capital ? static_cast<char>(std::toupper(c)) : c;
        if (c != '_') capital = false;
    }
    return className;
}

void replaceAll(std::string& text, std::string_view from, std::string_view to)
{
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
}

std::string forPlugin(std::string_view templateText, const std::string& name)
{
    std::string text(templateText);
    std::string macro(name);
    std::transform(macro.begin(), macro.end(), macro.begin(),
                   [](char c) { return static_cast<char>(std::toupper(c)); });
    replaceAll(text, kTemplateName, name);
    replaceAll(text, kTemplateClass, classNameOf(name));
    replaceAll(text, kTemplateMacro, macro);
    return text;
}

void writeNew(const fs::path& path, const std::string& text)
{
    fs::create_directories(path.parent_path());
    std::ofstream file(path);
    file << text;
    file.close();
    if (!file) throw Failure(path.string() + ": " + std::strerror(errno));
}

} // namespace

int newPluginVerb(const Arguments& arguments)
{
    Options options("plugin new NAME [--dir DIR]",
                    "Writes a project for a plugin that builds, has tests and a configuration "
                    "file, into a new folder. Needs no broker.");
    options.value("dir", "", "DIR", "the folder to make; the plugin's name if not given");
    options.parse(arguments);
    if (options.has("help")) return std::cout << options.help(), 0;
    options.noWordsBeyond(1);
    const std::string& name = options.word(0, "the name of the plugin behind 'new'");
    if (!isPluginName(name))
        throw UsageError("'" + name + "' is no name for a plugin; expected small letters, digits and "
                                      "'_', beginning with a letter, at most 31");
    const fs::path folder = options.text("dir", name);
    if (fs::exists(folder)) throw Failure(folder.string() + " is there already");
    for (const TemplateFile& file : pluginTemplate())
        writeNew(folder / forPlugin(file.path, name), forPlugin(file.text, name));

    auto answer = makeObject();
    answer->set("folder", folder.string());
    Shell(options).tell("wrote " + folder.string() + "; next:\n    cd " + folder.string() +
                            " && cmake -S . -B build && cmake --build build && ctest --test-dir build\n"
                            "    nanomqctl plugin check build/plugins/" +
                            name + ".so",
                        answer);
    return 0;
}

} // namespace nanomq::ctl
