#include "plugin/PluginLibrary.h"

#include <Poco/Exception.h>

#include <dlfcn.h>
#include <exception>
#include <link.h>
#include <utility>

namespace nanomq
{

namespace
{

/// The loader's message without the path of the private copy in front.
std::string loaderSays(const std::string& path)
{
    const char* said = ::dlerror();
    std::string text = said ? said : "the dynamic loader refuses it";
    if (text.starts_with(path + ": ")) text.erase(0, path.size() + 2);
    return text;
}

/// Runs code of the plugin. What it throws dies here, since its type may live in the library;
/// the text goes on.
template <class Call> void isolated(const std::string& what, Call call)
{
    std::string text;
    try
    {
        call();
        return;
    }
    catch (const Poco::Exception& error)
    {
        text = error.displayText();
    }
    catch (const std::exception& error)
    {
        text = error.what();
    }
    catch (...)
    {
        text = "an exception of unknown type";
    }
    throw Poco::RuntimeException(what + ": " + text);
}

} // namespace

PluginLibrary::PluginLibrary(std::string path) : _path(std::move(path))
{
    _handle = ::dlopen(_path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!_handle) throw Poco::LibraryLoadException(loaderSays(_path));
    try
    {
        pinDependencies();
        isolated("its manifest", [this] { _loader.loadLibrary(_path); });
    }
    catch (const Poco::Exception&)
    {
        // Poco has left its own reference behind; ours and this one are what keeps it mapped.
        if (void* again = ::dlopen(_path.c_str(), RTLD_NOW | RTLD_NOLOAD))
        {
            ::dlclose(again);
            ::dlclose(again);
        }
        ::dlclose(_handle);
        throw;
    }
}

PluginLibrary::~PluginLibrary()
{
    close();
}

void PluginLibrary::pinDependencies()
{
    link_map* map = nullptr;
    if (::dlinfo(_handle, RTLD_DI_LINKMAP, &map) != 0 || !map) return;
    const char* strings = nullptr;
    for (const auto* entry = map->l_ld; entry->d_tag != DT_NULL; ++entry)
        if (entry->d_tag == DT_STRTAB) strings = reinterpret_cast<const char*>(entry->d_un.d_ptr);
    for (const auto* entry = map->l_ld; strings && entry->d_tag != DT_NULL; ++entry)
        if (entry->d_tag == DT_NEEDED)
            // Loaded already, so this finds it by the same name; the handle is given up on purpose.
            ::dlopen(strings + entry->d_un.d_val, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

std::vector<std::string> PluginLibrary::classNames() const
{
    std::vector<std::string> names;
    const auto& manifest = _loader.manifestFor(_path);
    for (auto entry = manifest.begin(); entry != manifest.end(); ++entry)
        names.emplace_back(entry->name());
    return names;
}

std::unique_ptr<sdk::Plugin> PluginLibrary::create(const std::string& className)
{
    // By path, never by class name alone: another plugin may have a class of the same name.
    const auto& manifest = _loader.manifestFor(_path);
    const auto found = manifest.find(className);
    if (found == manifest.end())
        throw Poco::NotFoundException("its manifest has no class " + className);
    std::unique_ptr<sdk::Plugin> plugin;
    isolated("its constructor", [&] { plugin.reset(found->create()); });
    return plugin;
}

bool PluginLibrary::close()
{
    if (!_handle) return true;
    _loader.unloadLibrary(_path);
    ::dlclose(std::exchange(_handle, nullptr));
    return !mapped();
}

bool PluginLibrary::mapped() const
{
    return mappedBytes() > 0;
}

std::size_t PluginLibrary::mappedBytes() const
{
    std::pair<const std::string*, std::size_t> search(&_path, 0);
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* data) {
            auto& [path, bytes] = *static_cast<std::pair<const std::string*, std::size_t>*>(data);
            if (*path != info->dlpi_name) return 0;
            for (int i = 0; i < info->dlpi_phnum; ++i)
                if (info->dlpi_phdr[i].p_type == PT_LOAD) bytes += info->dlpi_phdr[i].p_memsz;
            return 1;
        },
        &search);
    return search.second;
}

} // namespace nanomq
