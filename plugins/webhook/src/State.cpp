#include "State.h"

#include <cstring>
#include <type_traits>

namespace webhook
{

namespace sdk = nanomq::sdk;

namespace
{

// Plain structs in the machine's own layout: writer and reader run in one process.
struct Head
{
    char magic[8] = {'N', 'M', 'Q', 'W', 'H', 'K', 0, 2};
    std::uint64_t endpoints = 0;
};

struct Part
{
    std::uint64_t nameSize = 0;
    std::uint64_t accepted = 0;
    std::uint64_t delivered = 0;
    std::uint64_t failedAttempts = 0;
    std::uint64_t places[kPlaces] = {};
    std::uint64_t drops[kDropReasons] = {};
    std::uint64_t events = 0;
};

struct Item
{
    std::uint64_t client;
    std::uint64_t sequence;
    std::uint64_t idHigh;
    std::uint64_t idLow;
    std::int64_t acceptedAt; // nanoseconds
    std::uint64_t headersSize;
    std::uint64_t bodySize;
    std::uint32_t attempts;
    std::uint32_t kind;
};

template <class Plain> void write(sdk::Handover::Sink& sink, const Plain& part)
{
    static_assert(std::has_unique_object_representations_v<Plain>);
    sink.write({&part, sizeof part});
}

/// Takes what it reads off the front.
class Parser
{
public:
    explicit Parser(std::string_view rest) : _rest(rest) {}

    template <class Plain> bool read(Plain& part)
    {
        if (_rest.size() < sizeof part) return false;
        std::memcpy(&part, _rest.data(), sizeof part);
        _rest.remove_prefix(sizeof part);
        return true;
    }
    bool read(std::string& text, std::uint64_t size)
    {
        if (_rest.size() < size) return false;
        text = _rest.substr(0, size);
        _rest.remove_prefix(size);
        return true;
    }
    bool atEnd() const { return _rest.empty(); }

private:
    std::string_view _rest;
};

void writeEvent(sdk::Handover::Sink& sink, const Event& event)
{
    const std::chrono::nanoseconds acceptedAt = event.acceptedAt.time_since_epoch();
    write(sink, Item{event.client, event.sequence, event.id.high, event.id.low, acceptedAt.count(),
                     event.headers.size(), event.body.size(), event.attempts,
                     static_cast<std::uint32_t>(event.kind)});
    sink.write({event.headers.data(), event.headers.size()});
    sink.write({event.body.data(), event.body.size()});
}

bool readEvent(Parser& parser, Event& event)
{
    Item item;
    if (!parser.read(item) || item.kind >= kEventKinds) return false;
    event.kind = static_cast<EventKind>(item.kind);
    event.attempts = item.attempts;
    event.client = item.client;
    event.sequence = item.sequence;
    event.id = {item.idHigh, item.idLow};
    event.acceptedAt = SteadyTime(std::chrono::nanoseconds(item.acceptedAt));
    return parser.read(event.headers, item.headersSize) && parser.read(event.body, item.bodySize);
}

bool readLegacy(Parser& parser, Legacy& legacy)
{
    Part part;
    if (!parser.read(part) || !parser.read(legacy.endpoint, part.nameSize)) return false;
    Counts& counts = legacy.contents.counts;
    counts.accepted = part.accepted;
    counts.delivered = part.delivered;
    counts.failedAttempts = part.failedAttempts;
    for (std::size_t i = 0; i < kPlaces; ++i) counts.places[i] = part.places[i];
    for (std::size_t i = 0; i < kDropReasons; ++i) counts.drops[i] = part.drops[i];
    for (std::uint64_t i = 0; i < part.events; ++i)
        if (!readEvent(parser, legacy.contents.events.emplace_back())) return false;
    return true;
}

} // namespace

void writeState(const std::vector<Legacy>& legacies, sdk::Handover::Sink& sink)
{
    Head head;
    head.endpoints = legacies.size();
    write(sink, head);
    for (const auto& [name, contents] : legacies)
    {
        Part part;
        part.nameSize = name.size();
        part.accepted = contents.counts.accepted;
        part.delivered = contents.counts.delivered;
        part.failedAttempts = contents.counts.failedAttempts;
        for (std::size_t i = 0; i < kPlaces; ++i) part.places[i] = contents.counts.places[i];
        for (std::size_t i = 0; i < kDropReasons; ++i) part.drops[i] = contents.counts.drops[i];
        part.events = contents.events.size();
        write(sink, part);
        sink.write({name.data(), name.size()});
        for (const Event& event : contents.events) writeEvent(sink, event);
    }
}

std::optional<std::vector<Legacy>> readState(sdk::Bytes state)
{
    Parser parser(state.view());
    Head head;
    if (!parser.read(head) || std::memcmp(head.magic, Head().magic, sizeof head.magic) != 0)
        return {};
    std::vector<Legacy> legacies;
    for (std::uint64_t i = 0; i < head.endpoints; ++i)
        if (!readLegacy(parser, legacies.emplace_back())) return {};
    if (!parser.atEnd()) return {};
    return legacies;
}

} // namespace webhook
