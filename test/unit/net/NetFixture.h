#pragma once

#include "net/Connection.h"
#include "net/EventLoop.h"
#include "support/Patience.h"

#include <cppunit/TestFixture.h>

#include <atomic>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace nanomq::test
{

/// Waits for what another thread brings about; false when it does not come.
template <class Condition> bool eventually(Condition condition)
{
    const Deadline deadline(kPatience);
    while (!condition())
    {
        if (deadline.remainingMs() == 0) return false;
        std::this_thread::yield();
    }
    return true;
}

/// An event loop and its thread.
class Worker
{
public:
    Worker(unsigned number, Quiescence& quiescence);
    ~Worker();

    EventLoop& loop() noexcept { return _loop; }
    std::thread::id thread() const noexcept { return _thread.get_id(); }

    /// Runs a call on the worker's thread, within a turn, and waits for its result.
    template <class Call> auto run(Call call)
    {
        std::packaged_task<decltype(call())()> task(std::move(call));
        auto result = task.get_future();
        _loop.mailbox().post([task = std::move(task)]() mutable { task(); });
        return result.get();
    }
    /// Posts a call, and waits for nothing.
    void post(std::function<void()> call) { _loop.mailbox().post(std::move(call)); }
    /// Waits for two whole turns: what was ready or dirty before has been dealt with.
    void turn();

private:
    EventLoop _loop;
    std::thread _thread;
};

/// What has happened at the broker's end of a connection. Thread: [any].
class Record
{
public:
    void add(std::string message);
    void closed(std::string_view why);

    std::vector<std::string> messages() const;
    std::size_t count() const;
    /// Why it was closed; empty while it is open.
    std::string reason() const;

    std::atomic<int> closings{0};
    std::atomic<int> moves{0};
    std::atomic<bool> destroyed{false};
    std::atomic<EventLoop*> loop{nullptr};
    std::atomic<bool> onWrongThread{false};

private:
    mutable std::mutex _mutex;
    std::vector<std::string> _messages;
    std::string _reason;
};

/// What to do with a message.
enum class Then
{
    Next,
    Park, // pause reading; the message comes again
    Move, // to the other worker; the message comes again there
};

/// The far end of a connection: a plain socket.
class Peer
{
public:
    explicit Peer(int descriptor) noexcept : _descriptor(descriptor) {}
    Peer(Peer&& other) noexcept : _descriptor(std::exchange(other._descriptor, -1)) {}
    ~Peer() { close(); }

    void close() noexcept;
    /// Ends the connection with RST.
    void reset() noexcept;

    /// A message as it goes over the line: four bytes of length, then the text.
    static std::string framed(std::string_view text);

    void send(std::string_view bytes);
    /// The same; false when the other side has closed meanwhile.
    bool offer(std::string_view bytes);
    void sendMessage(std::string_view text) { send(framed(text)); }
    /// As much as the socket takes without waiting; returns how many bytes.
    std::size_t sendSome(std::string_view bytes);
    /// Waits until the other side has read everything. For socket pairs.
    bool waitUntilRead() const;

    /// Exactly so many bytes, or what came before the end.
    std::string receive(std::size_t size);
    /// What comes next, of any length; nothing: the end.
    std::string receiveSome();
    /// The next message, without its length.
    std::string receiveMessage();
    /// Nothing is left, and the other side has ended the connection.
    bool atEnd();

private:
    int _descriptor;
};

/// A connection between a worker and a peer; messages are framed as Peer does it.
struct Link
{
    std::shared_ptr<Record> record = std::make_shared<Record>();
    Connection* connection = nullptr;
    Peer peer;
};

/// Two workers, and any number of connections.
class NetFixture : public CppUnit::TestFixture
{
public:
    void tearDown() override;

protected:
    using OnMessage = std::function<Then(Connection&, const std::string&)>;

    /// A socket pair; its broker end belongs to the first worker, which calls `onMessage`.
    Link& link(OnMessage onMessage = {});
    /// The same over TCP on loopback.
    Link& tcpLink(OnMessage onMessage = {});
    /// Appends a framed message, as a handler does. Under no lock.
    static void append(Connection& connection, EventLoop& loop, std::string_view text);
    static void appendBytes(Connection& connection, EventLoop& loop, std::string_view bytes);
    bool received(const Link& link, std::size_t messages)
    {
        return eventually([&] { return link.record->count() >= messages; });
    }

    Quiescence _quiescence;
    Worker _first{0, _quiescence};
    Worker _second{1, _quiescence};
    std::list<Link> _links;
    /// Makes the transport of connections to come; empty: none.
    std::function<std::unique_ptr<Transport>(int descriptor)> _transportOf;

private:
    Link& add(int ours, int theirs, OnMessage onMessage);
};

} // namespace nanomq::test
