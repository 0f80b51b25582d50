#pragma once

#include "broker/ClientIdentity.h"
#include "broker/HookQuestions.h"
#include "broker/Worker.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nanomq
{

/// Asks `client.authorize` (sdk::Access::Receive) whether the subscriptions of one session may
/// stay, ends those that may not, and throws away what was queued because of them alone. Asks
/// about the Will that waits for the connection's end, too, and takes it back if it is denied.
///
/// A slice per turn; hooks may answer later. Subscriptions made meanwhile were authorized as such
/// and are not asked about. What is in flight already goes on: it has left (§4.4). The session
/// may end, and its connection may go, at any time. Thread: [worker].
class RightsReview final : private Worker::Recurring, private HookQuestions::Waiting
{
public:
    class Done
    {
    public:
        /// May destroy the review.
        virtual void reviewed() = 0;

    protected:
        ~Done() = default;
    };

    /// @param identity  who is asked about; names the session, too.
    RightsReview(Worker& worker, Ref<const ClientIdentity> identity, Done& done);
    ~RightsReview();
    RightsReview(const RightsReview&) = delete;
    RightsReview& operator=(const RightsReview&) = delete;

    /// Asks the first slice. Returns whether that was all; else done.reviewed() will be called.
    bool start();
    bool finished() const noexcept { return _progress == Progress::Finished; }

private:
    enum class Progress : std::uint8_t
    {
        More,
        Waits, // for a hook's answer
        Finished,
    };

    Progress advance();
    /// Whether it is allowed; nothing when the answer comes later.
    std::optional<bool> ask(sdk::Access access, std::string_view topic);
    std::optional<bool> askNext(Session& session);
    bool reviewWill(Session& session);
    void endSubscription(Session& session, FilterId filter);
    void dropQueued(Session& session);
    bool runSlice() override;
    void answered() override;

    Worker& _worker;
    const Ref<const ClientIdentity> _identity;
    Done& _done;
    HookQuestions _questions;
    std::vector<FilterId> _left; // not settled yet; the last one is next
    std::string _asking;         // its text, while it waits for an answer
    std::vector<std::string> _denied;
    bool _begun = false;
    bool _willDone = false;
    Progress _progress = Progress::More;
};

/// Reviews the rights of all sessions of a worker that have a connection, one after the other.
/// Thread: [worker].
class RightsRound final : private Worker::Recurring, private RightsReview::Done
{
public:
    explicit RightsRound(Worker& worker) noexcept : _worker(worker) {}
    ~RightsRound();

    /// Begins; from the start, after the session at work, when a round is under way.
    void begin();

private:
    bool runSlice() override;
    void reviewed() override;
    /// False at the end of the round.
    bool reviewNext();

    Worker& _worker;
    std::string _after; // Client Identifiers up to here are done
    std::unique_ptr<RightsReview> _review;
    bool _running = false;
};

} // namespace nanomq
