#pragma once

#include "nanomq/types.h"

namespace nanomq::sdk
{
inline namespace v1
{

/// From plugin to plugin: one provides a service, others use it, without linking to one another.
///
/// A service is an abstract class of the two plugins' own, in a header that both include, known by
/// a versioned name ("word_list.check/1"; a break is a new name). The border of types.h is theirs, too:
/// views and plain structs, no standard or Poco types, no exception.
///
/// A reference keeps the provider's code in memory. When the provider is to be unloaded or
/// replaced, no new references are given, its users are told through watch(), and it goes when all
/// references are back; if they are not within some seconds, it stays, and `plugin unload` says
/// which plugin uses it. What a user has not given back when it is unloaded itself is taken back.
class Registry
{
public:
    static constexpr const char* kInterface = "nanomq.registry/1";

    struct Reference
    {
        void* service;
        std::uint64_t token; ///< for release()
    };

    /// Offers a service, that others find when the plugin's hooks are active (it may be called
    /// before start()). `service` is a pointer to the abstract class, made void: with two bases,
    /// `static_cast<Service*>(this)` first. Only in init(). -EEXIST when another plugin provides
    /// that name, -EINVAL for a name or pointer that makes no sense. [host]
    virtual Status provide(Str name, void* service) = 0;
    /// Finds a service and keeps its provider, until release(). -ENOENT when nobody provides it
    /// now, or its provider is about to go. Takes a mutex for a moment. [any]
    virtual Status acquire(Str name, Reference* reference) = 0;
    /// Gives a reference back; unknown tokens are ignored. [any]
    virtual void release(std::uint64_t token) = 0;
    /// Calls `changed` when the service comes (at once, behind start(), if it is there) and when it
    /// is about to go: then release what you keep, soon. A new version of the provider is both, one
    /// behind the other. Only in init(). [host]; so is `changed`, which must not wait.
    virtual Status watch(Str name, void (*changed)(void* self, Str name, std::uint8_t available),
                         void* self) = 0;

protected:
    ~Registry() = default;
};

/// A reference for as long as this object lives: for a call, or for a while.
///
///     if (ServicePin<WordList> words(registry); words) words->contains(payload);
///
/// `Service::kService` is its name.
template <class Service> class ServicePin
{
public:
    explicit ServicePin(Registry& registry) : _registry(registry)
    {
        if (registry.acquire(Service::kService, &_reference) != 0) _reference = {nullptr, 0};
    }
    ~ServicePin()
    {
        if (_reference.service) _registry.release(_reference.token);
    }
    ServicePin(const ServicePin&) = delete;
    ServicePin& operator=(const ServicePin&) = delete;

    explicit operator bool() const noexcept { return _reference.service != nullptr; }
    Service* operator->() const noexcept { return static_cast<Service*>(_reference.service); }

private:
    Registry& _registry;
    Registry::Reference _reference{nullptr, 0};
};

} // namespace v1
} // namespace nanomq::sdk
