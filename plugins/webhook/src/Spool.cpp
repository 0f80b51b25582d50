#include "Spool.h"

#include <Poco/Timestamp.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace webhook
{

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace
{

constexpr const char* kTables = R"(
    CREATE TABLE IF NOT EXISTS meta(lanes INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS events(
        sequence INTEGER PRIMARY KEY, lane INTEGER NOT NULL, bytes INTEGER NOT NULL,
        accepted_ms INTEGER NOT NULL, client INTEGER NOT NULL, kind INTEGER NOT NULL,
        attempts INTEGER NOT NULL, id_high INTEGER NOT NULL, id_low INTEGER NOT NULL,
        headers BLOB NOT NULL, body BLOB NOT NULL);
    CREATE INDEX IF NOT EXISTS events_by_lane ON events(lane, sequence, bytes);
    CREATE TABLE IF NOT EXISTS dead(
        number INTEGER PRIMARY KEY AUTOINCREMENT, died_ms INTEGER NOT NULL,
        reason INTEGER NOT NULL, error BLOB NOT NULL, bytes INTEGER NOT NULL,
        accepted_ms INTEGER NOT NULL, client INTEGER NOT NULL, kind INTEGER NOT NULL,
        attempts INTEGER NOT NULL, id_high INTEGER NOT NULL, id_low INTEGER NOT NULL,
        headers BLOB NOT NULL, body BLOB NOT NULL);
    CREATE INDEX IF NOT EXISTS dead_bytes ON dead(number, bytes);
    PRAGMA user_version=1;
)";

constexpr std::size_t kMostExpired = 500; // in one transaction
constexpr std::int64_t kWorthShrinking = 256; // pages of 4 KiB

std::int64_t nowMs()
{
    return Poco::Timestamp().epochMicroseconds() / 1000;
}

// On disk is the time of day, in memory that of the process. A clock that was set back makes no
// event younger than now.
std::int64_t toUnixMs(SteadyTime time)
{
    return nowMs() - std::chrono::duration_cast<milliseconds>(steady_clock::now() - time).count();
}
SteadyTime toSteady(std::int64_t unixMs)
{
    return steady_clock::now() - milliseconds(std::max<std::int64_t>(0, nowMs() - unixMs));
}

std::int64_t asSigned(std::uint64_t value)
{
    return static_cast<std::int64_t>(value);
}

} // namespace

struct Spool::Statements
{
    using Statement = Database::Statement;

    explicit Statements(Database& d)
        : insert(d, "INSERT INTO events(sequence,lane,bytes,accepted_ms,client,kind,attempts,"
                    "id_high,id_low,headers,body) VALUES(?,?,?,?,?,?,?,?,?,?,?)"),
          erase(d, "DELETE FROM events WHERE sequence=?"),
          load(d, "SELECT sequence,bytes,accepted_ms,client,kind,attempts,id_high,id_low,headers,"
                  "body FROM events WHERE lane=? AND sequence>? ORDER BY sequence"),
          next(d, "SELECT sequence FROM events WHERE lane=? AND sequence>? ORDER BY sequence "
                  "LIMIT 1"),
          bury(d, "INSERT INTO dead(died_ms,reason,error,bytes,accepted_ms,client,kind,attempts,"
                  "id_high,id_low,headers,body) VALUES(?,?,?,?,?,?,?,?,?,?,?,?)"),
          eraseDead(d, "DELETE FROM dead WHERE number=?"),
          oldestDead(d, "SELECT number,bytes,died_ms FROM dead ORDER BY number LIMIT 1"),
          dead(d, "SELECT number,died_ms,reason,error,accepted_ms,client,kind,attempts,id_high,"
                  "id_low,headers,body FROM dead WHERE number>? ORDER BY number LIMIT ?")
    {
    }

    Statement insert, erase, load, next, bury, eraseDead, oldestDead, dead;
};

Spool::Spool(std::string file, std::size_t lanes) : _file(std::move(file)), _lanes(lanes) {}

Spool::~Spool() = default;

bool Spool::exists() const
{
    std::error_code ignored;
    return _database || fs::exists(_file, ignored);
}

void Spool::ensureOpen()
{
    if (_database) return;
    auto database = std::make_unique<Database>(_file);
    _database = std::move(database);
    try
    {
        makeTables();
        sortLanes();
        _statements = std::make_unique<Statements>(*_database);
        _deadBytes = static_cast<std::uint64_t>(valueOf("SELECT COALESCE(SUM(bytes),0) FROM dead"));
    }
    catch (const DatabaseError&)
    {
        _statements.reset();
        _database.reset();
        throw;
    }
}

void Spool::makeTables()
{
    const std::int64_t version = valueOf("PRAGMA user_version");
    if (version > 1)
        throw DatabaseError(_file + ": is of a later version (" + std::to_string(version) + ")", 0);
    Database::Transaction transaction(*_database);
    _database->run(kTables);
    transaction.commit();
}

void Spool::sortLanes()
{
    const auto known = static_cast<std::size_t>(valueOf("SELECT COALESCE(MAX(lanes),0) FROM meta"));
    if (known == _lanes) return;
    Database::Transaction transaction(*_database);
    Database::Statement(*_database, "UPDATE events SET lane=client%?").with(asSigned(_lanes)).done();
    _database->run("DELETE FROM meta");
    Database::Statement(*_database, "INSERT INTO meta VALUES(?)").with(asSigned(_lanes)).done();
    transaction.commit();
}

std::int64_t Spool::valueOf(const char* sql)
{
    Database::Statement statement(*_database, sql);
    return statement.step() ? statement.number(0) : 0;
}

Spool::Found Spool::open()
{
    ensureOpen();
    Found found;
    Database::Statement lanes(*_database, "SELECT lane,COUNT(*),MIN(sequence),MAX(sequence),"
                                          "SUM(bytes) FROM events GROUP BY lane");
    while (lanes.step())
    {
        found.lanes.push_back({static_cast<std::size_t>(lanes.number(0)),
                               static_cast<std::uint64_t>(lanes.number(1)),
                               static_cast<std::uint64_t>(lanes.number(2)), 0});
        found.lastSequence =
            std::max(found.lastSequence, static_cast<std::uint64_t>(lanes.number(3)));
        found.bytes += static_cast<std::uint64_t>(lanes.number(4));
    }
    found.dead = static_cast<std::uint64_t>(valueOf("SELECT COUNT(*) FROM dead"));
    return found;
}

std::string Spool::setAside()
{
    _statements.reset();
    _database.reset();
    _deadBytes = 0;
    const std::string aside = _file + ".damaged-" + std::to_string(nowMs());
    std::error_code ignored; // a file that cannot be moved is met again, and told again
    fs::rename(_file, aside, ignored);
    fs::rename(_file + "-wal", aside + "-wal", ignored);
    return aside;
}

void Spool::insert(const Event& event)
{
    _statements->insert.with(asSigned(event.sequence))
        .with(asSigned(event.client % _lanes))
        .with(asSigned(event.bytes()))
        .with(toUnixMs(event.acceptedAt))
        .with(asSigned(event.client))
        .with(static_cast<std::int64_t>(event.kind))
        .with(std::int64_t{event.attempts})
        .with(asSigned(event.id.high))
        .with(asSigned(event.id.low))
        .with(event.headers)
        .with(event.body)
        .done();
}

void Spool::bury(const Event& event, DropReason reason, const std::string& error)
{
    _statements->bury.with(nowMs())
        .with(static_cast<std::int64_t>(reason))
        .with(error)
        .with(asSigned(event.bytes()))
        .with(toUnixMs(event.acceptedAt))
        .with(asSigned(event.client))
        .with(static_cast<std::int64_t>(event.kind))
        .with(std::int64_t{event.attempts})
        .with(asSigned(event.id.high))
        .with(asSigned(event.id.low))
        .with(event.headers)
        .with(event.body)
        .done();
    _statements->erase.with(asSigned(event.sequence)).done();
}

void Spool::write(const Outbox::Work& work)
{
    ensureOpen();
    Database::Transaction transaction(*_database);
    std::uint64_t buried = 0;
    for (const Event& event : work.toDisk) insert(event);
    for (const auto& letter : work.dead)
    {
        bury(letter.event, letter.reason, letter.error);
        buried += letter.event.bytes();
    }
    for (const auto& one : work.settled) _statements->erase.with(asSigned(one.sequence)).done();
    transaction.commit();
    _deadBytes += buried;
}

void Spool::write(const std::vector<Event>& events)
{
    ensureOpen();
    Database::Transaction transaction(*_database);
    for (const Event& event : events) insert(event);
    transaction.commit();
}

namespace
{

/// The columns accepted_ms … body, from `first` on.
bool read(Database::Statement& row, int first, Event& event)
{
    const std::int64_t kind = row.number(first + 2);
    event.kind = static_cast<EventKind>(kind);
    event.acceptedAt = toSteady(row.number(first));
    event.client = static_cast<std::uint64_t>(row.number(first + 1));
    event.attempts = static_cast<std::uint32_t>(row.number(first + 3));
    event.id = {static_cast<std::uint64_t>(row.number(first + 4)),
                static_cast<std::uint64_t>(row.number(first + 5))};
    event.headers = row.blob(first + 6);
    event.body = row.blob(first + 7);
    return kind >= 0 && kind < static_cast<std::int64_t>(kEventKinds);
}

} // namespace

Spool::Loaded Spool::load(const Outbox::Work::Load& load)
{
    ensureOpen();
    Loaded loaded;
    std::size_t bytes = 0;
    auto& row = _statements->load;
    row.with(asSigned(load.lane)).with(asSigned(load.loadedUpTo));
    while (row.step())
    {
        const auto sequence = static_cast<std::uint64_t>(row.number(0));
        bytes += static_cast<std::size_t>(row.number(1));
        const bool enough = loaded.events.size() >= load.events ||
                            (bytes > load.bytes && !loaded.events.empty());
        if (enough)
        {
            loaded.next = sequence;
            row.reset();
            break;
        }
        Event& event = loaded.events.emplace_back();
        event.sequence = sequence;
        if (!read(row, 2, event)) event.kind = EventKind::ClientConnect; // of a later version
    }
    return loaded;
}

std::uint64_t Spool::firstBehind(std::size_t lane, std::uint64_t sequence)
{
    auto& row = _statements->next;
    row.with(asSigned(lane)).with(asSigned(sequence));
    if (!row.step()) return 0;
    const auto first = static_cast<std::uint64_t>(row.number(0));
    row.reset();
    return first;
}

Spool::Expired Spool::expire(const Outbox::OnDisk& lane, milliseconds age)
{
    ensureOpen();
    const std::int64_t limit = nowMs() - age.count();
    std::vector<Event> old;
    auto& row = _statements->load;
    row.with(asSigned(lane.lane)).with(asSigned(lane.loadedUpTo));
    while (row.step())
    {
        if (row.number(2) >= limit || old.size() >= kMostExpired)
        {
            row.reset();
            break;
        }
        Event& event = old.emplace_back();
        event.sequence = static_cast<std::uint64_t>(row.number(0));
        read(row, 2, event);
    }
    Expired expired;
    if (old.empty()) return {0, 0, lane.first};
    Database::Transaction transaction(*_database);
    for (const Event& event : old)
    {
        bury(event, DropReason::Expired, "waited on disk for too long");
        ++expired.events;
        expired.bytes += event.bytes();
    }
    transaction.commit();
    _deadBytes += expired.bytes;
    expired.next = firstBehind(lane.lane, lane.loadedUpTo);
    return expired;
}

Spool::Trimmed Spool::trimDead(std::uint64_t most, milliseconds age)
{
    ensureOpen();
    Trimmed trimmed;
    const std::int64_t limit = nowMs() - age.count();
    std::uint64_t bytes = _deadBytes;
    Database::Transaction transaction(*_database);
    auto& row = _statements->oldestDead;
    while (row.step())
    {
        const bool tooMany = bytes > most;
        const std::int64_t number = row.number(0);
        const auto size = static_cast<std::uint64_t>(row.number(1));
        const bool tooOld = row.number(2) < limit;
        row.reset();
        if (!tooMany && !tooOld) break;
        _statements->eraseDead.with(number).done();
        bytes -= std::min(bytes, size);
        ++(tooMany ? trimmed.tooMany : trimmed.tooOld);
    }
    transaction.commit();
    _deadBytes = bytes;
    return trimmed;
}

void Spool::shrink()
{
    if (!_database || valueOf("PRAGMA freelist_count") < kWorthShrinking) return;
    _database->run("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)");
}

std::vector<Spool::DeadRecord> Spool::dead(std::optional<std::uint64_t> number,
                                           std::uint64_t after, std::size_t limit)
{
    std::vector<DeadRecord> records;
    if (!exists()) return records;
    ensureOpen();
    if (number && *number == 0) return records;
    auto& row = _statements->dead;
    row.with(asSigned(number ? *number - 1 : after)).with(asSigned(number ? 1 : limit));
    while (row.step())
    {
        DeadRecord record;
        record.number = static_cast<std::uint64_t>(row.number(0));
        record.diedMs = row.number(1);
        const auto reason = static_cast<std::size_t>(row.number(2));
        record.reason = static_cast<DropReason>(std::min(reason, kDropReasons - 1));
        record.error = row.blob(3);
        if (!read(row, 4, record.event)) record.event.kind = EventKind::ClientConnect;
        if (!number || record.number == *number) records.push_back(std::move(record));
    }
    return records;
}

std::uint64_t Spool::dropDead(std::optional<std::uint64_t> number)
{
    if (!exists()) return 0;
    ensureOpen();
    Database::Transaction transaction(*_database);
    const std::int64_t before = valueOf("SELECT COUNT(*) FROM dead");
    if (number) _statements->eraseDead.with(asSigned(*number)).done();
    else _database->run("DELETE FROM dead");
    const std::int64_t after = valueOf("SELECT COUNT(*) FROM dead");
    const std::int64_t bytes = valueOf("SELECT COALESCE(SUM(bytes),0) FROM dead");
    transaction.commit();
    _deadBytes = static_cast<std::uint64_t>(bytes);
    return static_cast<std::uint64_t>(before - after);
}

void Spool::revive(const std::vector<DeadRecord>& records)
{
    ensureOpen();
    Database::Transaction transaction(*_database);
    std::uint64_t bytes = 0;
    for (const DeadRecord& record : records)
    {
        insert(record.event);
        _statements->eraseDead.with(asSigned(record.number)).done();
        bytes += record.event.bytes();
    }
    transaction.commit();
    _deadBytes -= std::min(_deadBytes, bytes);
}

} // namespace webhook
