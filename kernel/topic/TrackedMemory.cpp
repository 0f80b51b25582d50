#include "topic/TrackedMemory.h"

#include <cstdlib>
#include <malloc.h>
#include <new>

namespace nanomq
{

namespace
{

// The allocator keeps one word beside each piece.
std::size_t sizeOf(void* piece) noexcept
{
    return malloc_usable_size(piece) + sizeof(std::size_t);
}

struct GraceToken
{
    explicit GraceToken(std::shared_ptr<std::atomic<bool>> flag) noexcept : passed(std::move(flag))
    {
    }
    ~GraceToken() { passed->store(true, std::memory_order_release); }

    std::shared_ptr<std::atomic<bool>> passed;
};

} // namespace

void* TrackedMemory::allocate(std::size_t size)
{
    void* const piece = std::malloc(size);
    if (!piece) throw std::bad_alloc();
    charge(static_cast<std::ptrdiff_t>(sizeOf(piece)));
    return piece;
}

void* TrackedMemory::allocateZeroed(std::size_t size)
{
    void* const piece = std::calloc(1, size);
    if (!piece) throw std::bad_alloc();
    charge(static_cast<std::ptrdiff_t>(sizeOf(piece)));
    return piece;
}

void TrackedMemory::free(void* piece) noexcept
{
    if (!piece) return;
    charge(-static_cast<std::ptrdiff_t>(sizeOf(piece)));
    std::free(piece);
}

void TrackedMemory::retire(void* piece)
{
    if (!piece) return;
    const std::size_t size = sizeOf(piece);
    charge(-static_cast<std::ptrdiff_t>(size));
    _quiescence.retire(piece, &std::free, size);
}

void GracePeriod::begin(Quiescence& quiescence)
{
    _passed = std::make_shared<std::atomic<bool>>(false);
    quiescence.retire(std::make_unique<GraceToken>(_passed).release());
}

} // namespace nanomq
