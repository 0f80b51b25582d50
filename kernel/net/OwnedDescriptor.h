#pragma once

#include <unistd.h>
#include <utility>

namespace nanomq
{

/// A descriptor that is closed at the end, unless somebody has taken it over before.
class OwnedDescriptor
{
public:
    explicit OwnedDescriptor(int descriptor) noexcept : _descriptor(descriptor) {}
    ~OwnedDescriptor()
    {
        if (_descriptor >= 0) ::close(_descriptor);
    }
    OwnedDescriptor(const OwnedDescriptor&) = delete;
    OwnedDescriptor& operator=(const OwnedDescriptor&) = delete;

    int get() const noexcept { return _descriptor; }
    int release() noexcept { return std::exchange(_descriptor, -1); }

private:
    int _descriptor;
};

} // namespace nanomq
