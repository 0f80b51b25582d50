#pragma once

#include "broker/Worker.h"

#include <Poco/Exception.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace nanomq
{

/// Runs `look(worker)` on a worker; the future gets its result. What it shares outlives whoever
/// gives up waiting. Thread: any but a worker.
template <class Look> auto askWorker(Worker& worker, Look look)
{
    using Answer = decltype(look(worker));
    auto promise = std::make_shared<std::promise<Answer>>();
    auto future = promise->get_future();
    worker.loop().mailbox().post(
        [&worker, promise, look = std::move(look)]() mutable { promise->set_value(look(worker)); });
    return future;
}

/// Throws Poco::TimeoutException when the worker has not answered after 5 s, and
/// Poco::IllegalStateException when the broker does not run. Thread: any but a worker.
template <class Answer> Answer awaitWorker(std::future<Answer>& future, Worker& worker)
{
    constexpr std::chrono::seconds kDeadline{5};
    constexpr std::chrono::milliseconds kStep{50}; // so that the broker's end is noticed
    for (auto waited = std::chrono::milliseconds::zero(); waited < kDeadline; waited += kStep)
    {
        if (!worker.broker().running.load(std::memory_order_acquire))
            throw Poco::IllegalStateException("the broker does not run");
        if (future.wait_for(kStep) == std::future_status::ready) return future.get();
    }
    throw Poco::TimeoutException("worker " + std::to_string(worker.number()) +
                                 " did not answer within 5 s");
}

/// What a worker has found in one slice of a walk.
template <class Item> struct WalkSlice
{
    std::vector<Item> items;
    bool ended = false;
};

/// A walk through what all workers have, in the order of Client Identifiers.
///
/// Each worker looks through its own in slices, one a turn, and only when all it has found before
/// is taken; so a long listing costs messages a slice's time now and then, whoever reads it.
/// `Step` holds the place and runs on its worker: `WalkSlice<Item> operator()(Worker&)`, with
/// items that have a `clientId`. Thread: any but a worker; throws what awaitWorker() throws.
template <class Step> class WorkerWalk
{
public:
    using Item = typename Step::Item;

    /// Each worker begins with a copy of `first`.
    WorkerWalk(const std::vector<Worker*>& workers, const Step& first)
    {
        for (Worker* const worker : workers)
            _sources.push_back({worker, std::make_shared<Step>(first), {}, 0, false});
    }

    /// The next one; null at the end. Valid until the next call.
    const Item* next()
    {
        fill();
        Source* first = nullptr;
        for (Source& source : _sources)
            if (source.at < source.items.size() &&
                (!first || source.items[source.at].clientId < first->items[first->at].clientId))
                first = &source;
        return first ? &first->items[first->at++] : nullptr;
    }

private:
    struct Source
    {
        Worker* worker;
        std::shared_ptr<Step> step; // touched by its worker alone
        std::vector<Item> items;
        std::size_t at;
        bool ended;

        bool isDry() const noexcept { return at == items.size() && !ended; }
    };

    /// Asks all workers that have nothing left, at the same time.
    void fill()
    {
        std::vector<std::pair<Source*, std::future<WalkSlice<Item>>>> asked;
        for (Source& source : _sources)
            if (source.isDry()) asked.emplace_back(&source, ask(source));
        for (auto& [source, answer] : asked)
            for (take(*source, answer); source->isDry(); take(*source, answer))
                answer = ask(*source);
    }
    static std::future<WalkSlice<Item>> ask(Source& source)
    {
        return askWorker(*source.worker,
                         [step = source.step](Worker& worker) { return (*step)(worker); });
    }
    static void take(Source& source, std::future<WalkSlice<Item>>& answer)
    {
        WalkSlice<Item> slice = awaitWorker(answer, *source.worker);
        source.items = std::move(slice.items);
        source.at = 0;
        source.ended = slice.ended;
    }

    std::vector<Source> _sources;
};

} // namespace nanomq
