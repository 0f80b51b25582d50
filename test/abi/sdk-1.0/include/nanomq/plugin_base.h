#pragma once

#include "nanomq/reason_codes.h"
#include "nanomq/services.h"

#include <Poco/ClassLibrary.h>
#include <Poco/Version.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

/// The comfortable way to write a plugin: derive from PluginBase, name the class with
/// NANOMQ_PLUGIN(), build with nanomq_add_plugin(). Header only; all of it is compiled into the
/// plugin, nothing of it crosses the border.
///
///     class Counter final : public nanomq::sdk::PluginBase
///     {
///         void onInit() override { hook<&Counter::onPublished>(); }
///         void onPublished(const nanomq::sdk::MessagePublished&) { ++_seen; }
///         std::uint64_t _seen = 0;
///     };
///     NANOMQ_PLUGIN(Counter, "counter", "1.0.0", NANOMQ_PLUGIN_RELOAD_OVERLAP)
namespace nanomq::sdk
{
inline namespace v1
{

class PluginBase;

namespace detail
{

/// Makes a HookFunction of a member function; no exception leaves it.
template <auto Member> struct HookThunk;

template <class PluginClass, class EventType, Verdict (PluginClass::*Member)(const EventType&, HookContext&)>
struct HookThunk<Member>
{
    using Event = EventType;
    using Class = PluginClass;
    static Verdict call(void* self, const EventHeader* event, HookContext* context) noexcept;
};

template <class PluginClass, class EventType, void (PluginClass::*Member)(const EventType&)>
struct HookThunk<Member>
{
    using Event = EventType;
    using Class = PluginClass;
    static Verdict call(void* self, const EventHeader* event, HookContext* context) noexcept;
};

} // namespace detail

/// A Plugin whose hooks are member functions and whose failures are exceptions.
///
/// What onInit(), onStart() or a hook throws is told to Host::error() with its text, and becomes
/// a Status or Verdict::Error: an exception never crosses the border.
class PluginBase : public Plugin
{
public:
    /// Valid from onInit() on. Thread: [any].
    Host& host() const noexcept { return *_host; }

    Status init(Host* host) final
    {
        _host = host;
        return guarded("init", [this] { onInit(); });
    }
    Status start() final
    {
        return guarded("start", [this] { onStart(); });
    }
    void quiesce(std::uint32_t deadlineMs) final
    {
        guarded("quiesce", [this, deadlineMs] { onQuiesce(deadlineMs); });
    }
    /// Override it to offer interfaces; compare with Interface::kInterface, and return
    /// `static_cast<Interface*>(this)`: a plain `this` is wrong with two bases.
    void* query(const char*) override { return nullptr; }

protected:
    /// Read the configuration, call hook(), open resources; throw to refuse. [host]
    virtual void onInit() = 0;
    /// Hooks are active, and may have run already; throw to be unloaded again. [host]
    virtual void onStart() {}
    /// No hook runs any more: stop own threads, finish or keep what is queued, close. [host]
    virtual void onQuiesce(std::uint32_t /*deadlineMs*/) {}

    /// Registers a member function as a hook; only in onInit(). The event's type names the point:
    ///
    ///     Verdict onPublish(const MessagePublish&, HookContext&);   // intercept, decide
    ///     void onPublished(const MessagePublished&);                // observe
    ///     hook<&Guard::onPublish>(100, {"plant/#"}, kFailClosed);
    ///
    /// @param priority      higher first.
    /// @param topicFilters  only events whose topic matches one of them; none: all. Copied.
    /// @param flags         kInline, kFailClosed, kDryRunAware.
    template <auto Member>
    void hook(std::int16_t priority = 0, std::initializer_list<std::string_view> topicFilters = {},
              std::uint32_t flags = 0)
    {
        addHook<Member>(priority, std::vector<Str>(topicFilters.begin(), topicFilters.end()), flags);
    }
    /// The same with filters that come from the configuration.
    template <auto Member, class Filters>
        requires(!std::is_same_v<Filters, std::initializer_list<std::string_view>>)
    void hook(std::int16_t priority, const Filters& topicFilters, std::uint32_t flags = 0)
    {
        addHook<Member>(priority, std::vector<Str>(topicFilters.begin(), topicFilters.end()), flags);
    }

    /// An interface of the broker: `get<Config>()`. Throws when the broker has none. [any]
    template <class Interface> Interface& get() const
    {
        void* found = _host->query(Interface::kInterface);
        if (!found) throw MissingInterface(Interface::kInterface);
        return *static_cast<Interface*>(found);
    }
    /// The value of a key of the plugin's conf file, or `otherwise` when it is absent. [any]
    std::string configText(std::string_view key, std::string_view otherwise = {}) const
    {
        Str value;
        return std::string(get<Config>().text(key, &value) ? value.view() : otherwise);
    }

private:
    struct MissingInterface : std::exception
    {
        explicit MissingInterface(const char* id) : text(std::string("this broker has no ") + id) {}
        const char* what() const noexcept override { return text.c_str(); }
        std::string text;
    };
    struct HookRefused : std::exception
    {
        HookRefused(HookPoint point, Status status)
            : text("the broker refused a hook at " + std::string(hookPointName(point)) + ": " +
                   std::strerror(-status))
        {
        }
        const char* what() const noexcept override { return text.c_str(); }
        std::string text;
    };

    template <auto Member>
    void addHook(std::int16_t priority, const std::vector<Str>& topicFilters, std::uint32_t flags)
    {
        using Thunk = detail::HookThunk<Member>;
        HookSpec spec{};
        spec.size = sizeof spec;
        spec.point = Thunk::Event::kPoint;
        spec.priority = priority;
        spec.flags = flags;
        spec.filterCount = static_cast<std::uint32_t>(topicFilters.size());
        spec.function = &Thunk::call;
        spec.self = static_cast<typename Thunk::Class*>(this);
        spec.topicFilters = topicFilters.data();
        if (const Status status = _host->subscribe(&spec); status != 0)
            throw HookRefused(spec.point, status);
    }

    template <class Call> Status guarded(const char* where, Call call) noexcept
    {
        try
        {
            call();
            return 0;
        }
        catch (const std::exception& error)
        {
            _host->error(where, describe(error));
        }
        catch (...)
        {
            _host->error(where, "an exception of unknown type");
        }
        return -EIO;
    }

    template <auto Member> friend struct detail::HookThunk;

    /// Poco's exceptions keep their text apart from what().
    static std::string describe(const std::exception& error)
    {
        if (const auto* poco = dynamic_cast<const Poco::Exception*>(&error)) return poco->displayText();
        return error.what();
    }

    Host* _host = nullptr;
};

namespace detail
{

template <class PluginClass, class EventType, Verdict (PluginClass::*Member)(const EventType&, HookContext&)>
Verdict HookThunk<Member>::call(void* self, const EventHeader* event, HookContext* context) noexcept
{
    static_assert(hookKind(EventType::kPoint) != HookKind::Observe,
                  "an observer's hook is: void f(const Event&)");
    auto* plugin = static_cast<PluginClass*>(self);
    Verdict verdict = Verdict::Error;
    static_cast<PluginBase*>(plugin)->guarded(
        hookPointName(EventType::kPoint).data(), [&]
        { verdict = (plugin->*Member)(*reinterpret_cast<const EventType*>(event), *context); });
    return verdict;
}

template <class PluginClass, class EventType, void (PluginClass::*Member)(const EventType&)>
Verdict HookThunk<Member>::call(void* self, const EventHeader* event, HookContext*) noexcept
{
    static_assert(hookKind(EventType::kPoint) == HookKind::Observe,
                  "a hook that decides is: Verdict f(const Event&, HookContext&)");
    auto* plugin = static_cast<PluginClass*>(self);
    const Status status = static_cast<PluginBase*>(plugin)->guarded(
        hookPointName(EventType::kPoint).data(),
        [&] { (plugin->*Member)(*reinterpret_cast<const EventType*>(event)); });
    return status == 0 ? Verdict::Next : Verdict::Error;
}

} // namespace detail

} // namespace v1
} // namespace nanomq::sdk

// How this file is being compiled (NANOMQ_BUILD_... of abi.h).
#if defined(__has_feature)
#define NANOMQ_HAS_FEATURE_(feature) __has_feature(feature)
#else
#define NANOMQ_HAS_FEATURE_(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || NANOMQ_HAS_FEATURE_(address_sanitizer)
#define NANOMQ_BUILD_BIT_ASAN_ NANOMQ_BUILD_ASAN
#else
#define NANOMQ_BUILD_BIT_ASAN_ 0
#endif
#if defined(__SANITIZE_THREAD__) || NANOMQ_HAS_FEATURE_(thread_sanitizer)
#define NANOMQ_BUILD_BIT_TSAN_ NANOMQ_BUILD_TSAN
#else
#define NANOMQ_BUILD_BIT_TSAN_ 0
#endif
#if defined(_GLIBCXX_DEBUG)
#define NANOMQ_BUILD_BIT_DEBUG_ NANOMQ_BUILD_GLIBCXX_DEBUG
#else
#define NANOMQ_BUILD_BIT_DEBUG_ 0
#endif
#if defined(_GLIBCXX_USE_CXX11_ABI) && _GLIBCXX_USE_CXX11_ABI
#define NANOMQ_BUILD_BIT_CXX11_ABI_ NANOMQ_BUILD_CXX11_ABI
#else
#define NANOMQ_BUILD_BIT_CXX11_ABI_ 0
#endif
#if defined(_LIBCPP_VERSION)
#define NANOMQ_BUILD_BIT_LIBCXX_ NANOMQ_BUILD_LIBCXX
#else
#define NANOMQ_BUILD_BIT_LIBCXX_ 0
#endif
/// The NANOMQ_BUILD_... bits of this compilation.
#define NANOMQ_BUILD_BITS                                                                          \
    (NANOMQ_BUILD_BIT_CXX11_ABI_ | NANOMQ_BUILD_BIT_DEBUG_ | NANOMQ_BUILD_BIT_ASAN_ |              \
     NANOMQ_BUILD_BIT_TSAN_ | NANOMQ_BUILD_BIT_LIBCXX_)

/// Makes a class the plugin of this library: once, in one source file, outside of any namespace.
///
/// @param Class    derives from nanomq::sdk::Plugin and has a default constructor.
/// @param name     literal, [a-z][a-z0-9_]{0,30}: the library is NAME.so, its file NAME.conf.
/// @param version  literal, up to 15 characters, for people.
/// @param flags    NANOMQ_PLUGIN_... of abi.h, or 0.
#define NANOMQ_PLUGIN(Class, name, version, flags)                                                 \
    static_assert(sizeof(name) <= 32 && sizeof(version) <= 16 && sizeof(#Class) <= 64,             \
                  "name, version or class name is too long");                                      \
    extern "C"                                                                                     \
    {                                                                                              \
        extern const nanomq_plugin_note nanomqPluginNote __attribute__((visibility("hidden")));    \
        __attribute__((used, section(".note.nanomq"), aligned(4)))                                 \
        const nanomq_plugin_note nanomqPluginNote = {                                              \
            sizeof(NANOMQ_NOTE_OWNER),                                                             \
            sizeof(nanomq_plugin_description),                                                     \
            NANOMQ_NOTE_TYPE,                                                                      \
            NANOMQ_NOTE_OWNER,                                                                     \
            {sizeof(nanomq_plugin_description), NANOMQ_ABI_MAJOR, NANOMQ_ABI_MINOR,                \
             NANOMQ_SDK_VERSION, (flags), NANOMQ_BUILD_BITS, POCO_VERSION,                         \
             /* min_host_minor */ 0, {0, 0, 0}, name, version, #Class}};                           \
    }                                                                                              \
    POCO_BEGIN_MANIFEST(nanomq::sdk::Plugin)                                                       \
    POCO_EXPORT_CLASS(Class)                                                                       \
    POCO_END_MANIFEST
