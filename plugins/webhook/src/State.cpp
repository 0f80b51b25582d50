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
    char magic[8] = {'N', 'M', 'Q', 'W', 'H', 'K', 0, 1};
    std::uint64_t accepted = 0;
    std::uint64_t delivered = 0;
    std::uint64_t failedAttempts = 0;
    std::uint64_t drops[kDropReasons] = {};
    std::uint64_t requests = 0;
};

struct Item
{
    std::uint64_t client;
    std::int64_t acceptedAt; // nanoseconds
    std::uint64_t bodySize;
    std::uint32_t attempts;
    std::uint32_t kind;
};

template <class Part> void write(sdk::Handover::Sink& sink, const Part& part)
{
    static_assert(std::has_unique_object_representations_v<Part>);
    sink.write({&part, sizeof part});
}

/// Takes what it reads off the front.
class Parser
{
public:
    explicit Parser(std::string_view rest) : _rest(rest) {}

    template <class Part> bool read(Part& part)
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

bool readRequest(Parser& parser, Request& request)
{
    Item item;
    if (!parser.read(item) || item.kind >= kEventKinds || !parser.read(request.body, item.bodySize))
        return false;
    request.kind = static_cast<EventKind>(item.kind);
    request.attempts = item.attempts;
    request.client = item.client;
    request.acceptedAt = SteadyTime(std::chrono::nanoseconds(item.acceptedAt));
    return true;
}

} // namespace

void writeState(const Outbox::Contents& contents, sdk::Handover::Sink& sink)
{
    Head head;
    head.accepted = contents.counts.accepted;
    head.delivered = contents.counts.delivered;
    head.failedAttempts = contents.counts.failedAttempts;
    for (std::size_t i = 0; i < kDropReasons; ++i) head.drops[i] = contents.counts.drops[i];
    head.requests = contents.requests.size();
    write(sink, head);
    for (const Request& request : contents.requests)
    {
        const std::chrono::nanoseconds acceptedAt = request.acceptedAt.time_since_epoch();
        write(sink, Item{request.client, acceptedAt.count(), request.body.size(), request.attempts,
                         static_cast<std::uint32_t>(request.kind)});
        sink.write({request.body.data(), request.body.size()});
    }
}

std::optional<Outbox::Contents> readState(sdk::Bytes state)
{
    Parser parser(state.view());
    Head head;
    if (!parser.read(head) || std::memcmp(head.magic, Head().magic, sizeof head.magic) != 0)
        return {};
    Outbox::Contents contents;
    contents.counts.accepted = head.accepted;
    contents.counts.delivered = head.delivered;
    contents.counts.failedAttempts = head.failedAttempts;
    contents.counts.queued = head.requests;
    for (std::size_t i = 0; i < kDropReasons; ++i) contents.counts.drops[i] = head.drops[i];
    for (std::uint64_t i = 0; i < head.requests; ++i)
    {
        if (!readRequest(parser, contents.requests.emplace_back())) return {};
        contents.counts.bytes += contents.requests.back().body.size();
    }
    if (!parser.atEnd()) return {};
    return contents;
}

} // namespace webhook
