#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace webhook
{

/// What SQLite could not do: what() names the file and the reason.
class DatabaseError : public std::runtime_error
{
public:
    DatabaseError(const std::string& text, int code) : std::runtime_error(text), _code(code) {}
    /// The file is no database, or a damaged one: trying again would not help.
    bool isDamage() const noexcept;

private:
    int _code;
};

/// One connection to one file, which is this process's alone. Throws DatabaseError from every call.
///
/// Thread: one at a time.
class Database
{
public:
    /// Opens or makes the file: write-ahead log, so that a transaction survives the process once
    /// it is committed, and the machine's power once the log is checkpointed.
    explicit Database(const std::string& file);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// Runs statements without results.
    void run(const char* sql);

    /// A statement, to be used many times.
    class Statement
    {
    public:
        Statement(Database& database, const char* sql);
        ~Statement();
        Statement(Statement&& other) noexcept;
        Statement(const Statement&) = delete;
        Statement& operator=(const Statement&) = delete;

        /// For the next `?`. A text must live until the statement is done.
        Statement& with(std::int64_t value);
        Statement& with(std::string_view blob);
        /// Whether there is a row. When there is none, the statement may be used anew.
        bool step();
        /// For a statement without rows.
        void done();
        /// Forgets rows and values.
        void reset() noexcept;

        std::int64_t number(int column) const;
        std::string blob(int column) const;

    private:
        [[noreturn]] void failAndReset(const char* what);

        Database* _database;
        sqlite3_stmt* _statement = nullptr;
        int _bound = 0;
    };

    /// All or nothing: rolled back unless commit() was reached.
    class Transaction
    {
    public:
        explicit Transaction(Database& database);
        ~Transaction();
        Transaction(const Transaction&) = delete;
        Transaction& operator=(const Transaction&) = delete;
        void commit();

    private:
        Database& _database;
        bool _open = true;
    };

private:
    [[noreturn]] void fail(const char* what);

    const std::string _file;
    sqlite3* _handle = nullptr;
};

} // namespace webhook
