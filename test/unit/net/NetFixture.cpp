#include "NetFixture.h"

#include <cppunit/TestAssert.h>

#include <arpa/inet.h>
#include <cerrno>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nanomq::test
{

namespace
{

/// Takes framed messages apart, and does with them what the test says.
class MessageHandler final : public ConnectionHandler
{
public:
    MessageHandler(Connection& connection, Worker& first, Worker& second,
                   std::shared_ptr<Record> record,
                   std::function<Then(Connection&, const std::string&)> onMessage)
        : _connection(connection),
          _first(first),
          _second(second),
          _record(std::move(record)),
          _onMessage(std::move(onMessage))
    {
        _record->loop = &_first.loop();
    }
    ~MessageHandler() override { _record->destroyed = true; }

private:
    std::size_t received(ByteView bytes) override
    {
        auto& worker = &_connection.loop() == &_first.loop() ? _first : _second;
        if (std::this_thread::get_id() != worker.thread()) _record->onWrongThread = true;
        std::size_t used = 0;
        while (bytes.size() - used >= 4)
        {
            const auto rest = bytes.subspan(used);
            const std::size_t size = 4 + (std::size_t{rest[0]} << 24 | std::size_t{rest[1]} << 16 |
                                          std::size_t{rest[2]} << 8 | std::size_t{rest[3]});
            _expected = size;
            if (rest.size() < size) break;
            const std::string text(asText(rest.subspan(4, size - 4)));
            const Then then = _onMessage ? _onMessage(_connection, text) : Then::Next;
            if (_connection.isClosed()) return bytes.size();
            if (then == Then::Park)
            {
                _connection.pauseReading();
                break;
            }
            if (then == Then::Move)
            {
                _connection.moveTo(&worker == &_first ? _second.loop() : _first.loop());
                break;
            }
            _record->add(text);
            used += size;
        }
        return used;
    }
    std::size_t expectedBytes() const noexcept override { return _expected; }
    void moved(EventLoop& loop) override
    {
        _record->loop = &loop;
        ++_record->moves;
    }
    void closed(std::string_view why) override { _record->closed(why); }

    Connection& _connection;
    Worker& _first;
    Worker& _second;
    std::shared_ptr<Record> _record;
    std::function<Then(Connection&, const std::string&)> _onMessage;
    std::size_t _expected = 0;
};

void setNonBlocking(int descriptor)
{
    ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
}

} // namespace

Worker::Worker(unsigned number, Quiescence& quiescence)
    : _loop(number, quiescence),
      _thread([this] { _loop.run(); })
{
}

Worker::~Worker()
{
    _loop.stop();
    _thread.join();
}

void Worker::turn()
{
    // A task that is posted from within a turn runs in the next one.
    for (int turns = 0; turns < 2; ++turns) run([] {});
}

void Record::add(std::string message)
{
    std::lock_guard guard(_mutex);
    _messages.push_back(std::move(message));
}

void Record::closed(std::string_view why)
{
    {
        std::lock_guard guard(_mutex);
        _reason = why;
    }
    ++closings;
}

std::vector<std::string> Record::messages() const
{
    std::lock_guard guard(_mutex);
    return _messages;
}

std::size_t Record::count() const
{
    std::lock_guard guard(_mutex);
    return _messages.size();
}

std::string Record::reason() const
{
    std::lock_guard guard(_mutex);
    return _reason;
}

void Peer::close() noexcept
{
    if (_descriptor >= 0) ::close(std::exchange(_descriptor, -1));
}

void Peer::reset() noexcept
{
    const linger now{1, 0};
    ::setsockopt(_descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
}

std::string Peer::framed(std::string_view text)
{
    std::string bytes;
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(text.size() >> shift);
    return bytes.append(text);
}

void Peer::send(std::string_view bytes)
{
    while (!bytes.empty())
    {
        pollfd descriptor{_descriptor, POLLOUT, 0};
        CPPUNIT_ASSERT_MESSAGE("the socket takes no more",
                               ::poll(&descriptor, 1, static_cast<int>(kPatience.count())) == 1);
        bytes.remove_prefix(sendSome(bytes));
    }
}

bool Peer::offer(std::string_view bytes)
{
    while (!bytes.empty())
    {
        const auto sent = ::send(_descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

std::size_t Peer::sendSome(std::string_view bytes)
{
    const auto sent = ::send(_descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    CPPUNIT_ASSERT(sent >= 0 || errno == EAGAIN);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

bool Peer::waitUntilRead() const
{
    return eventually([this] {
        int waiting = 0;
        return ::ioctl(_descriptor, SIOCOUTQ, &waiting) == 0 && waiting == 0;
    });
}

std::string Peer::receive(std::size_t size)
{
    std::string bytes(size, '\0');
    std::size_t have = 0;
    while (have < size)
    {
        pollfd descriptor{_descriptor, POLLIN, 0};
        CPPUNIT_ASSERT_MESSAGE("nothing comes",
                               ::poll(&descriptor, 1, static_cast<int>(kPatience.count())) == 1);
        const auto got = ::recv(_descriptor, bytes.data() + have, size - have, MSG_DONTWAIT);
        if (got <= 0) break;
        have += static_cast<std::size_t>(got);
    }
    bytes.resize(have);
    return bytes;
}

std::string Peer::receiveSome()
{
    std::string bytes(64 * 1024, '\0');
    pollfd descriptor{_descriptor, POLLIN, 0};
    CPPUNIT_ASSERT_MESSAGE("nothing comes",
                           ::poll(&descriptor, 1, static_cast<int>(kPatience.count())) == 1);
    const auto got = ::recv(_descriptor, bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
}

std::string Peer::receiveMessage()
{
    const std::string head = receive(4);
    CPPUNIT_ASSERT_EQUAL_MESSAGE("the end came", std::size_t{4}, head.size());
    std::size_t size = 0;
    for (const char byte : head) size = size << 8 | static_cast<unsigned char>(byte);
    return receive(size);
}

bool Peer::atEnd()
{
    pollfd descriptor{_descriptor, POLLIN, 0};
    char byte;
    return ::poll(&descriptor, 1, static_cast<int>(kPatience.count())) == 1 &&
           ::recv(_descriptor, &byte, 1, MSG_DONTWAIT) == 0;
}

void NetFixture::tearDown()
{
    for (auto& link : _links)
    {
        link.peer.close();
        CPPUNIT_ASSERT_MESSAGE("ends with its peer",
                               eventually([&] { return link.record->closings > 0; }));
        CPPUNIT_ASSERT_EQUAL_MESSAGE("told once", 1, link.record->closings.load());
        CPPUNIT_ASSERT_MESSAGE("on its worker's thread", !link.record->onWrongThread);
    }
    for (auto& link : _links)
        CPPUNIT_ASSERT_MESSAGE("freed", eventually([&] {
                                   _first.turn();
                                   _second.turn();
                                   return link.record->destroyed.load();
                               }));
}

Link& NetFixture::link(OnMessage onMessage)
{
    int pair[2];
    CPPUNIT_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    return add(pair[0], pair[1], std::move(onMessage));
}

Link& NetFixture::tcpLink(OnMessage onMessage)
{
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    CPPUNIT_ASSERT(::bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
    CPPUNIT_ASSERT(::listen(listener, 1) == 0);
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    const int theirs = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CPPUNIT_ASSERT(::connect(theirs, reinterpret_cast<sockaddr*>(&address), size) == 0);
    const int ours = ::accept(listener, nullptr, nullptr);
    ::close(listener);
    return add(ours, theirs, std::move(onMessage));
}

Link& NetFixture::add(int ours, int theirs, OnMessage onMessage)
{
    setNonBlocking(ours);
    Link& link = _links.emplace_back(Link{.peer = Peer(theirs)});
    auto connection = std::make_unique<Connection>(_first.loop(), ours,
                                                   _transportOf ? _transportOf(ours) : nullptr);
    link.connection = connection.get();
    auto handler = std::make_unique<MessageHandler>(*connection, _first, _second, link.record,
                                                    std::move(onMessage));
    _first.run([&] { connection.release()->start(std::move(handler)); });
    return link;
}

void NetFixture::append(Connection& connection, EventLoop& loop, std::string_view text)
{
    appendBytes(connection, loop, Peer::framed(text));
}

void NetFixture::appendBytes(Connection& connection, EventLoop& loop, std::string_view bytes)
{
    std::lock_guard guard(connection.lock());
    connection.append(asBytes(bytes), loop.turn());
}

} // namespace nanomq::test
