#include "Database.h"

#include <sqlite3.h>
#include <utility>

namespace webhook
{

bool DatabaseError::isDamage() const noexcept
{
    const int primary = _code & 0xFF;
    return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
}

Database::Database(const std::string& file) : _file(file)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    try
    {
        if (::sqlite3_open_v2(file.c_str(), &_handle, flags, nullptr) != SQLITE_OK) fail("open");
        ::sqlite3_extended_result_codes(_handle, 1);
        // Exclusive: no second broker on the same folder, and no shared memory file.
        run("PRAGMA locking_mode=EXCLUSIVE; PRAGMA auto_vacuum=INCREMENTAL;"
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-512");
    }
    catch (const DatabaseError&)
    {
        ::sqlite3_close_v2(_handle);
        throw;
    }
}

Database::~Database()
{
    ::sqlite3_close_v2(_handle);
}

void Database::fail(const char* what)
{
    const int code = _handle ? ::sqlite3_extended_errcode(_handle) : SQLITE_NOMEM;
    throw DatabaseError(_file + ": " + what + ": " +
                            (_handle ? ::sqlite3_errmsg(_handle) : "out of memory"),
                        code);
}

void Database::run(const char* sql)
{
    if (::sqlite3_exec(_handle, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail("run");
}

Database::Statement::Statement(Database& database, const char* sql) : _database(&database)
{
    if (::sqlite3_prepare_v3(database._handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &_statement,
                             nullptr) != SQLITE_OK)
        database.fail("prepare");
}

Database::Statement::Statement(Statement&& other) noexcept
    : _database(other._database),
      _statement(std::exchange(other._statement, nullptr)),
      _bound(other._bound)
{
}

Database::Statement::~Statement()
{
    ::sqlite3_finalize(_statement);
}

Database::Statement& Database::Statement::with(std::int64_t value)
{
    if (::sqlite3_bind_int64(_statement, ++_bound, value) != SQLITE_OK) failAndReset("bind");
    return *this;
}

Database::Statement& Database::Statement::with(std::string_view blob)
{
    if (::sqlite3_bind_blob64(_statement, ++_bound, blob.data() ? blob.data() : "", blob.size(),
                              SQLITE_STATIC) != SQLITE_OK)
        failAndReset("bind");
    return *this;
}

bool Database::Statement::step()
{
    const int result = ::sqlite3_step(_statement);
    if (result == SQLITE_ROW) return true;
    if (result == SQLITE_DONE)
    {
        reset();
        return false;
    }
    failAndReset("step");
}

void Database::Statement::failAndReset(const char* what)
{
    try
    {
        _database->fail(what);
    }
    catch (const DatabaseError&)
    {
        reset(); // not before the message is made, which would be gone
        throw;
    }
}

void Database::Statement::done()
{
    while (step()) {}
}

void Database::Statement::reset() noexcept
{
    ::sqlite3_reset(_statement);
    ::sqlite3_clear_bindings(_statement);
    _bound = 0;
}

std::int64_t Database::Statement::number(int column) const
{
    return ::sqlite3_column_int64(_statement, column);
}

std::string Database::Statement::blob(int column) const
{
    const void* const data = ::sqlite3_column_blob(_statement, column);
    const int size = ::sqlite3_column_bytes(_statement, column);
    return data ? std::string(static_cast<const char*>(data), static_cast<std::size_t>(size))
                : std::string();
}

Database::Transaction::Transaction(Database& database) : _database(database)
{
    database.run("BEGIN IMMEDIATE");
}

Database::Transaction::~Transaction()
{
    // A failure may have rolled back already; then this fails, and that is fine.
    if (_open) ::sqlite3_exec(_database._handle, "ROLLBACK", nullptr, nullptr, nullptr);
}

void Database::Transaction::commit()
{
    _database.run("COMMIT");
    _open = false;
}

} // namespace webhook
