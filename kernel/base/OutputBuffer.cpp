#include "base/OutputBuffer.h"

#include "base/HeldMemory.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace nanomq
{

namespace
{

OutputChunk* makeChunk(std::size_t size)
{
    void* const memory = std::malloc(size);
    if (!memory) throw std::bad_alloc();
    HeldMemory::add(static_cast<std::ptrdiff_t>(size));
    auto* const chunk = new (memory) OutputChunk{};
    chunk->data = chunk->storage();
    chunk->capacity = static_cast<std::uint32_t>(size - sizeof(OutputChunk));
    return chunk;
}

void freeChunk(OutputChunk* chunk) noexcept
{
    const std::size_t size = chunk->isShared() ? sizeof(OutputChunk) : OutputChunk::kSize;
    HeldMemory::subtract(static_cast<std::ptrdiff_t>(size));
    chunk->~OutputChunk();
    std::free(chunk);
}

} // namespace

OutputTurn::~OutputTurn()
{
    for (auto* chunk : _free) freeChunk(chunk);
}

OutputChunk* OutputTurn::takeChunk()
{
    if (_free.empty()) return makeChunk(OutputChunk::kSize);
    auto* const chunk = _free.back();
    _free.pop_back();
    return chunk;
}

OutputChunk* OutputTurn::takeShared(Ref<const Counted> owner, ByteView bytes)
{
    auto* const chunk = makeChunk(sizeof(OutputChunk));
    chunk->data = bytes.data();
    chunk->end = chunk->capacity = static_cast<std::uint32_t>(bytes.size());
    chunk->owner = std::move(owner);
    return chunk;
}

void OutputTurn::giveBack(OutputChunk* chunk) noexcept
{
    if (chunk->isShared() || _free.size() >= kKeptChunks)
    {
        freeChunk(chunk);
        return;
    }
    chunk->next = nullptr;
    chunk->begin = chunk->end = 0;
    _free.push_back(chunk);
}

void OutputBuffer::link(OutputChunk* chunk) noexcept
{
    (_last ? _last->next : _first) = chunk;
    _last = chunk;
}

void OutputBuffer::append(ByteView bytes, OutputTurn& turn)
{
    while (!bytes.empty())
    {
        const std::size_t room = _last ? _last->room() : 0;
        const auto part = bytes.first(std::min(bytes.size(), room > 0 ? room : kMaxExtend));
        std::memcpy(extend(part.size(), turn), part.data(), part.size());
        bytes = bytes.subspan(part.size());
    }
}

void OutputBuffer::appendShared(Ref<const Counted> owner, ByteView bytes, OutputTurn& turn)
{
    if (bytes.empty()) return;
    mark(turn);
    link(turn.takeShared(std::move(owner), bytes));
    _unsent += bytes.size();
    turn._appended += bytes.size();
}

void OutputBuffer::consume(std::size_t size, OutputTurn& turn) noexcept
{
    _unsent -= size;
    while (size > 0)
    {
        OutputChunk* const chunk = _first;
        const std::size_t here = chunk->end - chunk->begin;
        if (size < here)
        {
            chunk->begin += static_cast<std::uint32_t>(size);
            return;
        }
        size -= here;
        _first = chunk->next;
        if (!_first) _last = nullptr;
        turn.giveBack(chunk);
    }
}

void OutputBuffer::clear() noexcept
{
    while (_first)
    {
        OutputChunk* const chunk = _first;
        _first = chunk->next;
        freeChunk(chunk);
    }
    _last = nullptr;
    _unsent = 0;
}

} // namespace nanomq
