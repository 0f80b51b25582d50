#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace nanomq
{

/// Base of objects with many owners: immutable once shared, counted inside, freed by whoever
/// drops the last Ref. Thread: [any].
class Counted
{
public:
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

    /// Adds `owners` to the count in one step. Each is given back with release().
    void retain(std::uint32_t owners = 1) const noexcept
    {
        _owners.fetch_add(owners, std::memory_order_relaxed);
    }
    void release() const noexcept
    {
        if (_owners.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
    }
    std::uint32_t owners() const noexcept { return _owners.load(std::memory_order_relaxed); }

protected:
    Counted() noexcept = default;
    virtual ~Counted() = default;

    /// Ends the object's life; classes that allocate themselves in an own way override it.
    virtual void destroy() const noexcept { delete this; }

private:
    mutable std::atomic<std::uint32_t> _owners{1};
};

/// One share in a Counted object.
template <class T> class Ref
{
public:
    Ref() noexcept = default;
    /// Takes over the share that `object` was created with, or that retain() added.
    static Ref adopt(T* object) noexcept { return Ref(object); }
    /// Adds a share.
    static Ref share(T* object) noexcept
    {
        if (object) object->retain();
        return Ref(object);
    }

    Ref(const Ref& other) noexcept : _object(other._object)
    {
        if (_object) _object->retain();
    }
    Ref(Ref&& other) noexcept : _object(std::exchange(other._object, nullptr)) {}
    template <class U> Ref(Ref<U> other) noexcept : _object(other.detach()) {}
    Ref& operator=(Ref other) noexcept
    {
        std::swap(_object, other._object);
        return *this;
    }
    ~Ref()
    {
        if (_object) _object->release();
    }

    T* get() const noexcept { return _object; }
    T& operator*() const noexcept { return *_object; }
    T* operator->() const noexcept { return _object; }
    explicit operator bool() const noexcept { return _object != nullptr; }
    /// Hands the share out; the caller releases it.
    T* detach() noexcept { return std::exchange(_object, nullptr); }

private:
    explicit Ref(T* object) noexcept : _object(object) {}
    T* _object = nullptr;
};

} // namespace nanomq
