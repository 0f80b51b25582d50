#pragma once

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <deque>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace nanomq::sdk::testing
{

/// An MQTT 5.0 client for tests, on 127.0.0.1: enough to see what a plugin does to a client.
/// Blocks, ten seconds at most; then, and when the broker says what makes no sense, it throws
/// std::runtime_error. No keep alive, no QoS 2 towards this client. Thread: one at a time.
class MqttClient
{
public:
    struct Login
    {
        std::string clientId;
        std::string userName{}; ///< empty: none is sent, and no password
        std::string password{};
    };
    struct Message
    {
        std::string topic, payload;
        unsigned qos = 0;
        bool retain = false;
    };

    /// Connects. connectReason() tells what the broker answered: 0 is success.
    MqttClient(std::uint16_t port, const Login& login)
    {
        _socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(_socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            fail(std::string("no connection: ") + std::strerror(errno));
        logIn(login);
    }
    /// The same over a stream socket that is connected already; it is the client's from here on.
    struct Connected
    {
        int descriptor;
    };
    MqttClient(Connected connected, const Login& login) : _socket(connected.descriptor)
    {
        logIn(login);
    }
    ~MqttClient() { disconnect(); }
    MqttClient(const MqttClient&) = delete;
    MqttClient& operator=(const MqttClient&) = delete;

    std::uint8_t connectReason() const noexcept { return _connectReason; }

    /// Returns the Reason Code of SUBACK: the granted QoS, or 0x80 and above.
    std::uint8_t subscribe(std::string_view topicFilter, unsigned qos = 0)
    {
        const std::string id = identifier();
        send(0x82, id + '\0' + text(topicFilter) + static_cast<char>(qos));
        return answerTo(id, 9).body.back();
    }
    /// With QoS 1 it waits for PUBACK and returns its Reason Code; with QoS 0 it returns 0 at once.
    std::uint8_t publish(std::string_view topic, std::string_view payload, unsigned qos = 0)
    {
        const std::string id = qos > 0 ? identifier() : std::string();
        send(static_cast<std::uint8_t>(0x30 | qos << 1),
             text(topic) + id + '\0' + std::string(payload));
        if (qos == 0) return 0;
        const Packet answer = answerTo(id, 4);
        return answer.body.size() > 2 ? answer.at(2) : 0;
    }
    /// The next message that comes; nothing when the time is over first.
    std::optional<Message> receive(std::chrono::milliseconds limit = std::chrono::seconds(10))
    {
        try
        {
            const Packet packet =
                next([](const Packet& candidate) { return candidate.type() == 3; }, limit);
            return messageOf(packet);
        }
        catch (const TimeOver&)
        {
            return std::nullopt;
        }
    }
    /// A PINGREQ there and back: what was sent before has been handled by the broker.
    void ping()
    {
        send(0xC0, {});
        next([](const Packet& packet) { return packet.type() == 13; });
    }
    /// The Reason Code of a DISCONNECT, or nothing when the broker just closed the connection.
    /// Waits for either.
    std::optional<std::uint8_t> waitForDisconnect()
    {
        try
        {
            const Packet packet = next([](const Packet& candidate) { return candidate.type() == 14; });
            return packet.body.empty() ? std::uint8_t{0} : packet.at(0);
        }
        catch (const Closed&)
        {
            return std::nullopt;
        }
    }
    void disconnect() noexcept
    {
        if (_socket < 0) return;
        static constexpr char kDisconnect[] = {'\xE0', 0};
        // Nobody may be there to hear it.
        [[maybe_unused]] const auto sent = ::send(_socket, kDisconnect, 2, MSG_NOSIGNAL);
        ::close(std::exchange(_socket, -1));
    }

private:
    struct TimeOver : std::runtime_error
    {
        TimeOver() : std::runtime_error("the broker did not answer in time") {}
    };
    struct Closed : std::runtime_error
    {
        Closed() : std::runtime_error("the broker closed the connection") {}
    };
    struct Packet
    {
        std::uint8_t first = 0;
        std::string body;

        unsigned type() const noexcept { return first >> 4; }
        std::uint8_t at(std::size_t index) const
        {
            if (index >= body.size()) fail("a packet of the broker is too short");
            return static_cast<std::uint8_t>(body[index]);
        }
    };

    [[noreturn]] static void fail(const std::string& what) { throw std::runtime_error(what); }

    void logIn(const Login& login)
    {
        std::string body = text("MQTT") + '\x05';
        body += static_cast<char>(login.userName.empty() ? 0x02 : 0xC2); // Clean Start
        body += std::string(3, '\0'); // Keep Alive 0, no properties
        body += text(login.clientId);
        if (!login.userName.empty()) body += text(login.userName) + text(login.password);
        send(0x10, body);
        const Packet answer = next([](const Packet& packet) { return packet.type() == 2; });
        _connectReason = answer.at(1);
    }

    static std::string text(std::string_view value)
    {
        return std::string{static_cast<char>(value.size() >> 8), static_cast<char>(value.size())} +
               std::string(value);
    }
    std::string identifier()
    {
        ++_lastIdentifier;
        return {static_cast<char>(_lastIdentifier >> 8), static_cast<char>(_lastIdentifier)};
    }
    static Message messageOf(const Packet& packet)
    {
        Message message;
        message.qos = packet.first >> 1 & 3;
        message.retain = packet.first & 1;
        const std::size_t topicSize = std::size_t{packet.at(0)} << 8 | packet.at(1);
        message.topic = packet.body.substr(2, topicSize);
        std::size_t at = 2 + topicSize + (message.qos > 0 ? 2 : 0);
        std::size_t properties = 0;
        for (unsigned shift = 0;; shift += 7)
        {
            const std::uint8_t byte = packet.at(at++);
            properties |= std::size_t{byte & 0x7Fu} << shift;
            if (byte < 0x80) break;
        }
        if (at + properties > packet.body.size()) fail("a PUBLISH of the broker is too short");
        message.payload = packet.body.substr(at + properties);
        return message;
    }

    void send(std::uint8_t first, const std::string& body)
    {
        std::string packet(1, static_cast<char>(first));
        for (std::size_t left = body.size();;)
        {
            packet += static_cast<char>((left & 0x7F) | (left > 0x7F ? 0x80 : 0));
            if ((left >>= 7) == 0) break;
        }
        packet += body;
        for (std::string_view rest(packet); !rest.empty();)
        {
            const auto sent = ::send(_socket, rest.data(), rest.size(), MSG_NOSIGNAL);
            if (sent < 0) throw Closed();
            rest.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    Packet answerTo(const std::string& packetIdentifier, unsigned type)
    {
        return next([&](const Packet& packet) {
            return packet.type() == type && packet.body.compare(0, 2, packetIdentifier) == 0;
        });
    }
    /// The first packet that is wanted; others stay for later. QoS 1 is acknowledged as it comes.
    template <class Wanted>
    Packet next(Wanted wanted, std::chrono::milliseconds limit = std::chrono::seconds(10))
    {
        const auto end = std::chrono::steady_clock::now() + limit;
        for (std::size_t seen = 0;; ++seen)
        {
            while (seen == _packets.size()) read(end);
            if (!wanted(_packets[seen])) continue;
            Packet packet = std::move(_packets[seen]);
            _packets.erase(_packets.begin() + static_cast<std::ptrdiff_t>(seen));
            return packet;
        }
    }
    void read(std::chrono::steady_clock::time_point end)
    {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            end - std::chrono::steady_clock::now());
        pollfd wait{_socket, POLLIN, 0};
        if (left.count() < 0 || ::poll(&wait, 1, static_cast<int>(left.count())) <= 0)
            throw TimeOver();
        char buffer[4096];
        const auto got = ::recv(_socket, buffer, sizeof buffer, 0);
        if (got <= 0) throw Closed();
        _unread.append(buffer, static_cast<std::size_t>(got));
        while (takePacket()) {}
    }
    bool takePacket()
    {
        std::size_t at = 1, size = 0;
        for (unsigned shift = 0;; shift += 7)
        {
            if (at >= _unread.size()) return false;
            const auto byte = static_cast<std::uint8_t>(_unread[at++]);
            size |= std::size_t{byte & 0x7Fu} << shift;
            if (byte < 0x80) break;
        }
        if (_unread.size() < at + size) return false;
        Packet packet{static_cast<std::uint8_t>(_unread[0]), _unread.substr(at, size)};
        _unread.erase(0, at + size);
        if (packet.type() == 3 && (packet.first >> 1 & 3) == 1)
        {
            const std::size_t topicSize = std::size_t{packet.at(0)} << 8 | packet.at(1);
            send(0x40, packet.body.substr(2 + topicSize, 2));
        }
        _packets.push_back(std::move(packet));
        return true;
    }

    int _socket = -1;
    std::uint8_t _connectReason = 0xFF;
    std::uint16_t _lastIdentifier = 0;
    std::string _unread;
    std::deque<Packet> _packets; // that came, and were not asked for
};

} // namespace nanomq::sdk::testing
