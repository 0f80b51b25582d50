#pragma once

#include "Database.h"
#include "Outbox.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace webhook
{

/// The file of one endpoint: events that wait, by lane and sequence, and dead letters.
///
/// It is made when something is first written. Every call but the constructor throws DatabaseError
/// and then has changed nothing. Thread: one at a time.
class Spool
{
public:
    /// @param lanes  of the Outbox: events found under another number are sorted anew.
    Spool(std::string file, std::size_t lanes);
    ~Spool();

    const std::string& file() const noexcept { return _file; }
    /// Whether there is a file, open or not.
    bool exists() const;

    struct Found
    {
        std::vector<Outbox::OnDisk> lanes;
        std::uint64_t lastSequence = 0;
        std::uint64_t bytes = 0;
        std::uint64_t dead = 0;
    };
    /// Opens it, and tells what is there.
    Found open();
    /// Moves a damaged file away and goes on without one. Returns its new name.
    std::string setAside();

    /// Everything but the loads, in one transaction.
    void write(const Outbox::Work& work);
    /// The same for events alone.
    void write(const std::vector<Event>& events);

    struct Loaded
    {
        std::vector<Event> events;
        std::uint64_t next = 0; ///< sequence of the first that stayed; 0: none
    };
    Loaded load(const Outbox::Work::Load& load);

    struct Expired
    {
        std::uint64_t events = 0;
        std::uint64_t bytes = 0;
        std::uint64_t next = 0;
    };
    /// Makes dead letters of the lane's oldest events, as long as they were accepted before `limit`.
    Expired expire(const Outbox::OnDisk& lane, std::chrono::milliseconds age);

    struct Trimmed
    {
        std::uint64_t tooMany = 0;
        std::uint64_t tooOld = 0;
    };
    /// Deletes the oldest dead letters beyond so many bytes, and those older than `age`.
    Trimmed trimDead(std::uint64_t bytes, std::chrono::milliseconds age);

    /// Gives what the file does not need any more back to the disk, if that is worth it.
    void shrink();

    struct DeadRecord
    {
        std::uint64_t number;
        DropReason reason;
        std::string error;
        std::int64_t diedMs; ///< Unix time
        Event event;
    };
    /// @param number  one, or all behind `after` up to `limit`.
    std::vector<DeadRecord> dead(std::optional<std::uint64_t> number, std::uint64_t after,
                                 std::size_t limit);
    /// Deletes one, or all. Returns how many there were.
    std::uint64_t dropDead(std::optional<std::uint64_t> number);
    /// Makes events of these dead letters again, with their sequences as they are given.
    void revive(const std::vector<DeadRecord>& records);
    std::uint64_t deadBytes() const noexcept { return _deadBytes; }

private:
    struct Statements;

    void ensureOpen();
    void makeTables();
    void sortLanes();
    void insert(const Event& event);
    void bury(const Event& event, DropReason reason, const std::string& error);
    std::uint64_t firstBehind(std::size_t lane, std::uint64_t sequence);
    std::int64_t valueOf(const char* sql);

    const std::string _file;
    const std::size_t _lanes;
    std::unique_ptr<Database> _database;
    std::unique_ptr<Statements> _statements; // goes first
    std::uint64_t _deadBytes = 0;
};

} // namespace webhook
