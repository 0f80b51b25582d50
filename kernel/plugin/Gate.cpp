#include "plugin/Gate.h"

#include "nanomq/plugin_base.h"
#include "plugin/ElfImage.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <link.h>
#include <optional>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace nanomq
{

namespace
{

constexpr std::string_view kPocoPrefix = "libPocoFoundation.so.";
constexpr off_t kMaxFileSize = off_t{256} * 1024 * 1024;

using Refusal = std::optional<std::string>;

std::string dotted(std::uint32_t poco)
{
    return std::to_string(poco >> 24) + '.' + std::to_string((poco >> 16) & 0xFF);
}

std::string buildText(std::uint32_t bits)
{
    std::string text = (bits & NANOMQ_BUILD_LIBCXX) != 0      ? "libc++"
                       : (bits & NANOMQ_BUILD_CXX11_ABI) != 0 ? "libstdc++"
                                                              : "libstdc++ with the old string";
    if ((bits & NANOMQ_BUILD_GLIBCXX_DEBUG) != 0) text += ", _GLIBCXX_DEBUG";
    if ((bits & NANOMQ_BUILD_ASAN) != 0) text += ", AddressSanitizer";
    if ((bits & NANOMQ_BUILD_TSAN) != 0) text += ", ThreadSanitizer";
    return text;
}

/// Text of a fixed-size field, if it is terminated.
template <std::size_t size> std::optional<std::string> fieldText(const char (&field)[size])
{
    const void* end = std::memchr(field, '\0', size);
    if (!end) return std::nullopt;
    return std::string(field);
}

std::optional<nanomq_plugin_description> findNote(const ElfImage& image)
{
    const auto note = image.note(NANOMQ_NOTE_OWNER, NANOMQ_NOTE_TYPE);
    // Append only: a later SDK's description is longer, and its beginning is ours.
    if (!note || note->size() < sizeof(nanomq_plugin_description)) return std::nullopt;
    nanomq_plugin_description description;
    std::memcpy(&description, note->data(), sizeof description);
    return description;
}

Refusal checkBuild(const nanomq_plugin_description& note, const HostAbi& host)
{
    if (note.abi_major != host.abiMajor)
        return "built for plugin ABI " + std::to_string(note.abi_major) + ", this broker has ABI " +
               std::to_string(host.abiMajor);
    if (note.min_host_minor > host.abiMinor)
        return "needs plugin ABI " + std::to_string(host.abiMajor) + '.' +
               std::to_string(note.min_host_minor) + " or later, this broker has " +
               std::to_string(host.abiMajor) + '.' + std::to_string(host.abiMinor);
    if (note.build_bits != host.buildBits)
        return "built with " + buildText(note.build_bits) + ", this broker with " +
               buildText(host.buildBits);
    if (dotted(note.poco_version) != dotted(host.pocoVersion))
        return "built with Poco " + dotted(note.poco_version) + ", this broker with Poco " +
               dotted(host.pocoVersion);
    return std::nullopt;
}

Refusal checkPoco(const std::vector<std::string>& needed, const HostAbi& host)
{
    for (const auto& library : needed)
        if (library.starts_with(kPocoPrefix) && library != host.pocoLibrary)
            return "links " + library + ", this broker " + host.pocoLibrary +
                   "; two of them in one process do not go together";
    return std::nullopt;
}

Refusal checkExports(const ElfImage& image)
{
    std::size_t foreign = 0;
    std::string first;
    bool manifest = false;
    for (const auto& symbol : image.symbols())
    {
        if (!symbol.defined || !symbol.visible) continue;
        if (symbol.name.starts_with("pocoBuildManifest")) manifest = true;
        else if (++foreign == 1) first = symbol.name;
    }
    if (!manifest) return "exports no pocoBuildManifest; build it with nanomq_add_plugin()";
    if (foreign > 0)
        return "exports " + std::to_string(foreign) + " symbols besides its manifest, such as '" +
               first + "'; build it with nanomq_add_plugin(), which uses the SDK's plugin.map";
    return std::nullopt;
}

Refusal checkRunPaths(const ElfImage& image)
{
    for (const auto& path : image.runPaths())
        if (path.find("$ORIGIN") != std::string::npos ||
            path.find("${ORIGIN}") != std::string::npos)
            return "has the run path '" + path +
                   "'; it is loaded from a private copy, so use an absolute path or none";
    return std::nullopt;
}

std::vector<std::string> residentReasons(const ElfImage& image, std::uint32_t flags)
{
    std::vector<std::string> reasons;
    if ((flags & NANOMQ_PLUGIN_RESIDENT) != 0) reasons.emplace_back("it asks to stay mapped");
    if (image.noDelete()) reasons.emplace_back("it is linked with -z nodelete");
    for (const auto& symbol : image.symbols())
    {
        if (symbol.unique) reasons.emplace_back("it has the unique symbol " + symbol.name);
        if (symbol.defined) continue;
        if (symbol.name == "__cxa_thread_atexit" || symbol.name == "__cxa_thread_atexit_impl")
            reasons.emplace_back("it has thread_local objects with destructors");
        if (symbol.name == "pthread_key_create")
            reasons.emplace_back("it uses pthread_key_create()");
    }
    return reasons;
}

/// Nothing when the folder or file is one that only we or root can write.
Refusal checkOwner(const struct stat& status, const std::string& path)
{
    if (status.st_uid != 0 && status.st_uid != ::geteuid())
        return path + ": belongs to user " + std::to_string(status.st_uid) +
               "; expected root or user " + std::to_string(::geteuid());
    if ((status.st_mode & S_IWOTH) != 0) return path + ": everybody may write to it";
    return std::nullopt;
}

class Descriptor
{
public:
    explicit Descriptor(int value) noexcept : _value(value) {}
    ~Descriptor()
    {
        if (_value >= 0) ::close(_value);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const noexcept { return _value; }

private:
    const int _value;
};

} // namespace

HostAbi HostAbi::ofThisProgram()
{
    HostAbi abi{NANOMQ_ABI_MAJOR, NANOMQ_ABI_MINOR, NANOMQ_BUILD_BITS, POCO_VERSION, {}};
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* found) {
            const std::string_view path = info->dlpi_name;
            const auto name = path.substr(path.rfind('/') + 1);
            if (!name.starts_with(kPocoPrefix)) return 0;
            // The file may be libPocoFoundation.so.80.1; the name that others link to is shorter.
            const auto end = name.find('.', kPocoPrefix.size());
            *static_cast<std::string*>(found) = name.substr(0, end);
            return 1;
        },
        &abi.pocoLibrary);
    return abi;
}

GateFindings examinePlugin(ByteView file, const std::string& name, const HostAbi& host)
{
    const auto image = ElfImage::parse(file);
    if (!image) return {std::nullopt, {image.error()}};
    const auto note = findNote(*image);
    if (!note) return {std::nullopt, {"has no NanoMQ note; it is no plugin, or not of this SDK"}};

    const auto noteName = fieldText(note->name);
    const auto version = fieldText(note->version);
    const auto className = fieldText(note->class_name);
    if (!noteName || !version || !className || className->empty())
        return {std::nullopt, {"its NanoMQ note is damaged"}};

    GateFindings findings;
    if (*noteName != name)
        findings.refusals.push_back("is the plugin '" + *noteName + "'; expected '" + name +
                                    "', as the file is called");
    findings.facts = PluginFacts{*noteName,
                                 *version,
                                 *className,
                                 note->sdk_version,
                                 note->flags,
                                 image->needed(),
                                 residentReasons(*image, note->flags)};
    for (const Refusal& refusal :
         {checkBuild(*note, host), checkPoco(findings.facts->needed, host), checkExports(*image),
          checkRunPaths(*image)})
        if (refusal) findings.refusals.push_back(*refusal);
    return findings;
}

Result<PluginFacts, std::string> inspectPlugin(ByteView file, const std::string& path,
                                               const std::string& name, const HostAbi& host)
{
    auto findings = examinePlugin(file, name, host);
    if (!findings.refusals.empty()) return path + ": " + findings.refusals.front();
    return std::move(*findings.facts);
}

Result<std::vector<std::uint8_t>, std::string> readPluginFile(const std::string& path)
{
    const auto failed = [&path](const char* what) {
        return path + ": " + what + ": " + std::strerror(errno);
    };
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.get() < 0) return failed("cannot be opened");
    struct stat status = {};
    if (::fstat(file.get(), &status) != 0) return failed("cannot be looked at");
    if (!S_ISREG(status.st_mode)) return path + ": is not a regular file";
    if (status.st_size > kMaxFileSize) return path + ": is larger than 256 MiB";
    if (auto refusal = checkOwner(status, path)) return std::move(*refusal);

    const auto slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    struct stat folderStatus = {};
    if (::stat(folder.c_str(), &folderStatus) != 0) return failed("its folder cannot be looked at");
    if (auto refusal = checkOwner(folderStatus, folder)) return std::move(*refusal);

    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(status.st_size));
    std::size_t got = 0;
    while (got < bytes.size())
    {
        const ssize_t part = ::read(file.get(), bytes.data() + got, bytes.size() - got);
        if (part < 0 && errno == EINTR) continue;
        if (part < 0) return failed("cannot be read");
        if (part == 0) break; // it got shorter: the gate sees an incomplete file
        got += static_cast<std::size_t>(part);
    }
    bytes.resize(got);
    return bytes;
}

} // namespace nanomq
