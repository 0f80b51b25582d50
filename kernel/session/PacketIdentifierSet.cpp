#include "session/PacketIdentifierSet.h"

namespace nanomq
{

bool PacketIdentifierSet::insert(PacketIdentifier identifier)
{
    if (!_pages) _pages = std::make_unique<Pages>();
    auto& page = (*_pages)[identifier / kBitsPerPage];
    if (!page) page = std::make_unique<Page>();
    auto& word = page->words[identifier % kBitsPerPage / 64];
    const auto bit = std::uint64_t{1} << (identifier % 64);
    if (word & bit) return false;
    word |= bit;
    ++page->count;
    ++_size;
    return true;
}

bool PacketIdentifierSet::erase(PacketIdentifier identifier) noexcept
{
    if (!contains(identifier)) return false;
    auto& page = (*_pages)[identifier / kBitsPerPage];
    page->words[identifier % kBitsPerPage / 64] &= ~(std::uint64_t{1} << (identifier % 64));
    if (--page->count == 0) page.reset();
    if (--_size == 0) _pages.reset();
    return true;
}

bool PacketIdentifierSet::contains(PacketIdentifier identifier) const noexcept
{
    if (!_pages) return false;
    const auto& page = (*_pages)[identifier / kBitsPerPage];
    return page && (page->words[identifier % kBitsPerPage / 64] >> (identifier % 64)) & 1;
}

} // namespace nanomq
