#pragma once

#include "hook/EventViews.h"
#include "sandbox/Words.h"

#include <array>
#include <cstddef>

namespace nanomq::sandbox
{

/// Appends an event with all it shows.
void writeEvent(const sdk::EventHeader& event, WordWriter& words);

/// An event that was written by another process of the same program.
class ReadEvent
{
public:
    /// Views point into what is read. Throws std::out_of_range when something is missing.
    explicit ReadEvent(WordReader& words);
    ReadEvent(const ReadEvent&) = delete;
    ReadEvent& operator=(const ReadEvent&) = delete;

    const sdk::EventHeader& header() const noexcept
    {
        return *reinterpret_cast<const sdk::EventHeader*>(_event.data());
    }

private:
    alignas(std::max_align_t) std::array<std::byte, kMaxEventSize> _event{};
    sdk::ClientInfo _client{};
    sdk::ClientInfo _publisher{};
};

} // namespace nanomq::sandbox
