#pragma once

#include <span>
#include <string_view>

namespace nanomq::ctl
{

/// A file of sdk/template, as it stood there when this program was built.
struct TemplateFile
{
    std::string_view path; // "test/my_plugin_test.cpp"
    std::string_view text;
};

/// The project that `plugin new` writes, for a plugin called my_plugin, class MyPlugin.
std::span<const TemplateFile> pluginTemplate() noexcept;

} // namespace nanomq::ctl
