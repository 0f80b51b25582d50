#pragma once

#include "broker/BanList.h"

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace nanomq
{

/// Keeps the ban list in a file of the state folder, so that it outlives the broker.
///
/// A thread of its own writes it, whole and by exchanging files, a moment after the list has
/// changed; changes in between go out with one write. Thread: [main].
class BanFile
{
public:
    /// Reads the file into the list, if there is one, and writes from now on what changes. Throws
    /// Poco::DataFormatException that names the file when it cannot be understood: a broker that
    /// ignored it would let in whom it keeps out.
    /// @param bans, alarms  outlive this. An alarm stands while the file cannot be written.
    BanFile(std::string path, BanList& bans, class AlarmList& alarms);
    /// Writes what is not written yet.
    ~BanFile();
    BanFile(const BanFile&) = delete;
    BanFile& operator=(const BanFile&) = delete;

private:
    void read();
    void run();
    void write();

    const std::string _path;
    BanList& _bans;
    AlarmList& _alarms;
    std::mutex _mutex; // guards the two
    bool _changed = false;
    bool _stopping = false;
    std::condition_variable _wake;
    std::thread _thread; // goes first
};

} // namespace nanomq
