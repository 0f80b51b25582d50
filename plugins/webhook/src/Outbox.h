#pragma once

#include "Event.h"
#include "Ledger.h"
#include "nanomq/services.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace webhook
{

/// The memory of one endpoint: the bounded queue between hooks, senders and the disk.
///
/// Events wait in lanes, one a sender, chosen by the hash of the client: a lane is strictly in
/// order, and what its sender has taken stays first until it is settled. The limits hold for all
/// lanes together, events in flight included.
///
/// With a spool, what finds no room is handed to the Keeper, which writes it to disk; and from then
/// on so is all that follows in the same lane, until the disk has given everything back. Without
/// one, or when the disk does not take it, the newest event is dropped.
///
/// Thread: [any], but for what belongs to a lane's sender, attach() to detach(), and to the Keeper.
class Outbox
{
public:
    struct Limits
    {
        std::size_t events;
        std::size_t bytes;
    };
    /// How many events make one request; a request is as large as can be without waiting longer.
    struct Batching
    {
        std::size_t events = 1;
        std::size_t bytes = std::size_t{1} << 20; ///< at least one event, whatever its size
        std::chrono::milliseconds delay{0};       ///< that the first may wait for others
    };

    /// @param metrics  may be null. The series are the broker's and go on through a reload.
    Outbox(std::string_view endpoint, std::size_t lanes, const Limits& limits,
           const Batching& batching, nanomq::sdk::Metrics* metrics);
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;

    std::size_t laneOf(std::uint64_t client) const noexcept { return client % _lanes.size(); }

    /// Whether an event with that many bytes could be taken now; saves building a body in vain.
    bool hasRoomFor(std::size_t bytes) const;
    /// Counts an event as accepted and dropped, for want of room for so many bytes.
    void refuse(std::size_t bytes);
    /// Takes an event, or drops it when there is no room: then false. Gives it id and sequence.
    /// @param lane  the lane that has work and no sender yet, once; else empty.
    bool accept(Event&& event, std::optional<std::size_t>& lane);

    /// Lets senders begin; until then events only wait. Gives the lanes that have work already,
    /// each of which now asks for a sender.
    std::vector<std::size_t> open();
    /// Whether the caller is the one to start the sender that the lane asked for.
    bool claimStart(std::size_t lane);
    /// It could not be started: the lane's next event, or askAgain(), asks for one again.
    void startFailed(std::size_t lane);
    /// Whether the lane has work and no sender; it asks for one then.
    bool askAgain(std::size_t lane);

    // For the sender of a lane.

    /// After claimStart(). From now on `stop` is notified when there is work, or when the outbox
    /// drains.
    void attach(std::size_t lane, nanomq::sdk::Tasks::Stop& stop);
    /// The lane's oldest events, as many as make one request, now in flight; null when there are
    /// none, or when they wait for others: until `due`. Valid until one of the calls below; what
    /// was put back comes again as it was.
    const std::vector<Event>* begin(std::size_t lane, SteadyTime now, SteadyTime& due);
    void delivered(std::size_t lane);
    /// After an attempt that failed for good. True: they become dead letters. False: dropped.
    bool giveUp(std::size_t lane, DropReason reason, const std::string& error);
    /// Back to waiting, first in its lane.
    enum class Blame
    {
        Nobody,   ///< the attempt was broken off
        Endpoint, ///< it failed, whatever the event
        Event,    ///< it failed, perhaps because of the event
    };
    void putBack(std::size_t lane, Blame blame);
    /// Back to waiting after a failed attempt; the next request has half as many events.
    void split(std::size_t lane);
    /// The sender ends. What it has not settled waits again; new work asks for another sender.
    void detach(std::size_t lane);

    // For the Keeper.

    struct DeadLetter
    {
        Event event;
        DropReason reason;
        std::string error;
    };
    struct Settled
    {
        std::uint64_t sequence;
        std::size_t bytes;
    };
    /// What the disk is to do.
    struct Work
    {
        struct Load
        {
            std::size_t lane;
            std::uint64_t loadedUpTo; ///< sequence
            std::size_t events;
            std::size_t bytes;
        };
        std::vector<Event> toDisk;
        std::vector<DeadLetter> dead;
        std::vector<Settled> settled; ///< need the disk no more
        std::vector<Load> loads;

        bool empty() const noexcept
        {
            return toDisk.empty() && dead.empty() && settled.empty() && loads.empty();
        }
    };
    /// What a lane has on disk, beyond what is loaded.
    struct OnDisk
    {
        std::size_t lane;
        std::uint64_t events;
        std::uint64_t first;      ///< the smallest sequence
        std::uint64_t loadedUpTo; ///< sequence
    };

    /// From now on events may go to disk: up to so many bytes. What is found there is told by
    /// recovered(), before that and before open().
    void useSpool(std::uint64_t maxBytes);
    /// The keeper looks for work now, and is told when there is more.
    void attachKeeper(nanomq::sdk::Tasks::Stop& keeper);
    /// From now on, nothing more goes to disk.
    void endSpool();
    void recovered(const std::vector<OnDisk>& lanes, std::uint64_t lastSequence,
                   std::uint64_t diskBytes, std::uint64_t dead);
    Work takeWork();
    /// All but the loads of `work` is on disk.
    void written(const Work& work);
    /// Nothing of it is. What can be goes back to memory, the rest is dropped. Gives the lanes
    /// that ask for a sender.
    std::vector<std::size_t> notWritten(Work&& work);
    struct AfterLoad
    {
        bool asksForSender;
        std::uint64_t lost; ///< events that should have been there
    };
    /// What a lane's disk had, in order.
    /// @param next  sequence of the first one that stayed there; 0: none.
    AfterLoad loaded(std::size_t lane, std::vector<Event>&& events, std::uint64_t next);
    /// Loading failed for now; it is asked for again.
    void notLoaded(std::size_t lane);
    /// Everything on disk is lost but what is loaded.
    void diskLost();
    /// The lanes that have events on disk beyond those loaded, with what is loaded.
    std::vector<OnDisk> lanesOnDisk() const;
    /// Of a lane's events that are not loaded, so many became dead letters.
    /// @param next  as in loaded().
    void expired(std::size_t lane, std::uint64_t events, std::uint64_t bytes, std::uint64_t next);
    void deadDropped(std::uint64_t events, DropReason reason);
    /// Dead letters are events again, the youngest of their lanes.
    void replayed(const std::vector<OnDisk>& lanes, std::uint64_t bytes);
    /// The first of so many sequences, for events that go straight to disk.
    std::uint64_t takeSequences(std::uint64_t count);

    // The end.

    /// Tells senders to end as soon as their lane is empty or an attempt fails. Gives the lanes
    /// that have work and no sender; none if the outbox was never open.
    std::vector<std::size_t> drain();
    bool isDraining() const;
    /// Waits until every sender that was claimed has detached. False when the deadline came first.
    bool awaitDetached(SteadyTime deadline);
    /// What waits in memory and nowhere else, by sequence: with what became of it to be told next.
    std::vector<Event> takeMemory();
    void memoryWritten(const std::vector<Event>& events);
    void memoryDropped(const std::vector<Event>& events, DropReason reason);

    /// What waits in memory and nowhere else, by sequence, with the counts, which begin anew here.
    struct Contents
    {
        Counts counts;
        std::vector<Event> events;
    };
    Contents takeAll();
    /// Puts what another outbox had before what this one has. The limits do not apply to it, so
    /// that nothing is lost. Requires: open() has not been called.
    void adopt(Contents&& contents);

    Counts counts() const;

private:
    struct Lane
    {
        std::vector<Event> batch;   // taken by the sender, until it is settled
        bool inFlight = false;      // the batch
        std::size_t batchLimit = 1; // events, less than the settings' after split()
        std::deque<Event> waiting;  // by sequence
        enum class Sender : std::uint8_t
        {
            None,
            Asked,    // for somebody to claim
            Starting, // claimed
            Attached,
        };
        Sender state = Sender::None;
        nanomq::sdk::Tasks::Stop* sender = nullptr; // when attached

        std::uint64_t staged = 0;     // on their way to the disk
        std::uint64_t onDisk = 0;     // there, and not loaded
        std::uint64_t diskFirst = 0;  // the smallest sequence of those, if any
        std::uint64_t loadedUpTo = 0; // sequence
        bool wantsLoad = false;

        bool isEmpty() const noexcept { return batch.empty() && waiting.empty(); }
        bool hasBacklog() const noexcept { return staged + onDisk > 0; }
        bool mayTakeHead() const noexcept
        {
            return !waiting.empty() && (onDisk == 0 || waiting.front().sequence < diskFirst);
        }
    };

    static Place placeOf(const Event& event) noexcept
    {
        return event.onDisk ? Place::Spooled : Place::Queued;
    }
    bool roomFor(std::size_t bytes) const noexcept;
    bool diskHasRoomFor(std::size_t bytes) const noexcept;
    bool stagingHasRoomFor(std::size_t bytes) const noexcept;
    void stage(Lane& lane, Event&& event);
    void unstage(std::size_t events, std::size_t bytes);
    void keep(Lane& lane, Event&& event);
    void forget(const Event& event);
    bool isBatchFull(const Lane& lane) const noexcept;
    void fillBatch(Lane& lane);
    void takeBatchBack(Lane& lane);
    void setInFlight(Lane& lane, bool inFlight);
    void settleBatch(Lane& lane);
    void askForLoad(Lane& lane);
    void tellKeeper();
    std::vector<Event> takeWaiting();
    std::vector<std::size_t> askForSenders();
    bool askForSender(Lane& lane);
    void senderGone(Lane& lane);

    const Limits _limits;
    const Batching _batching;
    mutable std::mutex _mutex; // guards all below; Stop::notify() is called under it
    std::condition_variable _detached;
    Ledger _ledger;
    std::vector<Lane> _lanes;
    std::size_t _eventsInMemory = 0; // of lanes, not of staging
    std::size_t _bytesInMemory = 0;
    EventId _lastId;
    std::uint64_t _lastSequence = 0;
    std::uint64_t _adoptedUpTo = 0; // sequence; what was accepted here comes after it
    std::size_t _senders = 0; // starting or attached
    bool _open = false;
    bool _draining = false;

    bool _spooling = false;
    nanomq::sdk::Tasks::Stop* _keeper = nullptr; // when attached
    std::uint64_t _maxDiskBytes = 0;
    Work _work; // its loads are found in the lanes
    bool _keeperTold = false;
    std::size_t _stagedEvents = 0; // in _work and with the keeper
    std::size_t _stagedBytes = 0;
};

} // namespace webhook
