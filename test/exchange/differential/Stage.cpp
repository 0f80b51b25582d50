#include "differential/Stage.h"

#include <cppunit/TestAssert.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nanomq::test
{

/// A client's connection, and how its broker numbers messages.
struct Stage::Actor
{
    int socket = -1;
    std::vector<std::uint8_t> input;
    std::map<PacketIdentifier, int> numbers; // of the broker's Packet Identifiers
    PacketIdentifier lastIdentifier = 0;     // of its own
    bool answers = true;
    std::vector<std::string> replies, messages; // of this step
    std::string transcript;
};

namespace
{

int connectTo(std::uint16_t port)
{
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CPPUNIT_ASSERT_EQUAL(0,
                         ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address));
    return socket;
}

void sendAll(int socket, const std::vector<std::uint8_t>& bytes)
{
    // Scripts are short: whatever the kernel does not take, the broker has closed against.
    [[maybe_unused]] const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

std::vector<std::uint8_t> encoded(const Packet& packet, ProtocolVersion version)
{
    std::vector<std::uint8_t> bytes;
    encode(packet, version, bytes);
    return bytes;
}

/// The properties that two brokers must agree upon, in the order of their bytes.
std::string describeProperties(const Properties& properties)
{
    std::vector<std::string> all;
    PropertyReader reader(properties.raw);
    while (reader.next())
    {
        const auto bytes = reader.encoded();
        if (reader.id() == PropertyId::ReasonString) continue;
        all.emplace_back(bytes.begin(), bytes.end());
    }
    std::sort(all.begin(), all.end());
    std::string text;
    for (const auto& one : all)
    {
        text += " {";
        for (const char byte : one)
        {
            constexpr std::string_view digits = "0123456789abcdef";
            const auto code = static_cast<unsigned char>(byte);
            text += digits[code >> 4];
            text += digits[code & 15];
        }
        text += '}';
    }
    return text;
}

std::string describeReasons(const std::vector<ReasonCode>& reasons)
{
    std::string text;
    for (const auto reason : reasons)
        text += ' ' + (isFailure(reason) ? "failure" : std::to_string(static_cast<int>(reason)));
    return text;
}

bool isRetained(const std::string& line)
{
    return line.find(" retained") != std::string::npos;
}

} // namespace

Stage::Stage(std::uint16_t port, ProtocolVersion version) : _port(port), _version(version) {}

Stage::~Stage()
{
    for (auto& [name, actor] : _actors)
        if (actor.socket >= 0) ::close(actor.socket);
}

Stage& Stage::open(const std::string& name, const std::vector<std::uint8_t>& bytes)
{
    drop(name);
    Actor& actor = _actors[name];
    actor.socket = connectTo(_port);
    sendAll(actor.socket, bytes);
    settle();
    return *this;
}

Stage& Stage::connect(const ConnectOptions& options)
{
    Connect packet;
    packet.version = _version;
    packet.clientId = options.clientId;
    packet.cleanStart = options.cleanStart;
    packet.keepAlive = options.keepAlive;
    packet.will = options.will;
    packet.userName = options.userName;
    if (options.password) packet.password = asBytes(*options.password);
    packet.properties = options.properties.view();
    const std::string name(options.clientId);
    // The older connection is left open, so that the broker has to end it.
    Actor older;
    std::swap(older.socket, _actors[name].socket);
    open(name, encoded(packet, _version));
    if (older.socket < 0) return *this;
    std::array<std::uint8_t, 64> rest;
    pollfd readable{older.socket, POLLIN, 0};
    while (::poll(&readable, 1, static_cast<int>(kPatience.count())) == 1 &&
           ::recv(older.socket, rest.data(), rest.size(), 0) > 0)
    {
    }
    ::close(older.socket);
    _actors[name].transcript += name + " ends (the older connection)\n";
    return *this;
}

Stage& Stage::bytes(const std::string& name, const std::vector<std::uint8_t>& bytes)
{
    sendAll(_actors[name].socket, bytes);
    settle();
    return *this;
}

Stage& Stage::send(const std::string& name, const Packet& packet)
{
    return bytes(name, encoded(packet, _version));
}

Stage& Stage::subscribe(const std::string& name, std::string_view filter, QoS qos)
{
    const auto identifier = ++_actors[name].lastIdentifier;
    return send(name, Subscribe{identifier, {{.topicFilter = filter, .qos = qos}}, {}});
}

Stage& Stage::publish(const std::string& name, std::string_view topic, std::string_view payload,
                      const PublishOptions& options)
{
    Publish packet;
    packet.qos = options.qos;
    packet.retain = options.retain;
    packet.topicName = topic;
    packet.payload = asBytes(payload);
    packet.properties = options.properties.view();
    if (packet.qos != QoS::AtMostOnce) packet.packetIdentifier = ++_actors[name].lastIdentifier;
    return send(name, packet);
}

Stage& Stage::drop(const std::string& name)
{
    const auto found = _actors.find(name);
    if (found == _actors.end() || found->second.socket < 0) return *this;
    ::close(found->second.socket);
    found->second.socket = -1;
    found->second.input.clear();
    settle();
    return *this;
}

Stage& Stage::disconnect(const std::string& name)
{
    return send(name, Disconnect{});
}

Stage& Stage::answers(const std::string& name, bool on)
{
    _actors[name].answers = on;
    return *this;
}

std::string Stage::transcript() const
{
    std::string all;
    for (const auto& [name, actor] : _actors) all += actor.transcript;
    return all;
}

void Stage::note(const std::string& name, Actor& actor)
{
    std::stable_sort(actor.messages.begin(), actor.messages.end(),
                     [](const auto& one, const auto& other) {
                         return isRetained(one) && isRetained(other) && one < other;
                     });
    for (auto* const list : {&actor.replies, &actor.messages})
    {
        for (const auto& line : *list) actor.transcript += name + " < " + line + '\n';
        list->clear();
    }
}

void Stage::settle()
{
    // What one client hears may follow from what another one answers: twice without news is over.
    for (int quiet = 0; quiet < 2;)
    {
        bool news = false;
        for (auto& [name, actor] : _actors)
            if (actor.socket >= 0) news = readUntilPingresp(name, actor) || news;
        quiet = news ? 0 : quiet + 1;
    }
    for (auto& [name, actor] : _actors) note(name, actor);
}

bool Stage::readUntilPingresp(const std::string& name, Actor& actor)
{
    bool news = false;
    bool ended = false;
    sendAll(actor.socket, encoded(Pingreq{}, _version));
    const Deadline deadline(kPatience);
    for (bool pong = false; !pong && !ended;)
    {
        const auto header = readFixedHeader(actor.input);
        CPPUNIT_ASSERT_MESSAGE(name + " got a malformed Fixed Header", bool(header));
        if (*header && actor.input.size() >= (*header)->packetSize())
        {
            const std::vector<std::uint8_t> bytes(actor.input.begin(),
                                                  actor.input.begin() + (*header)->packetSize());
            actor.input.erase(actor.input.begin(), actor.input.begin() + (*header)->packetSize());
            const auto packet =
                decodePacket(**header, ByteView(bytes).subspan((*header)->size), _version);
            CPPUNIT_ASSERT_MESSAGE(name + " got a malformed packet " + std::to_string(bytes[0]) +
                                       ' ' + std::to_string(bytes.size()),
                                   bool(packet));
            pong = std::holds_alternative<Pingresp>(*packet);
            if (pong || std::holds_alternative<Disconnect>(*packet)) continue;
            auto& list = std::holds_alternative<Publish>(*packet) ? actor.messages : actor.replies;
            list.push_back(describe(actor, *packet));
            news = true;
            answer(actor, *packet);
            continue;
        }
        pollfd readable{actor.socket, POLLIN, 0};
        CPPUNIT_ASSERT_MESSAGE(name + " waits in vain",
                               ::poll(&readable, 1, deadline.remainingMs()));
        std::array<std::uint8_t, 4096> bytes;
        const auto got = ::recv(actor.socket, bytes.data(), bytes.size(), 0);
        ended = got <= 0;
        if (!ended) actor.input.insert(actor.input.end(), bytes.begin(), bytes.begin() + got);
    }
    if (ended)
    {
        note(name, actor);
        actor.transcript += name + " ends\n";
        ::close(actor.socket);
        actor.socket = -1;
        actor.input.clear();
    }
    return ended || news;
}

void Stage::answer(Actor& actor, const Packet& packet)
{
    if (!actor.answers) return;
    Acknowledgement answer;
    if (const auto* const publish = std::get_if<Publish>(&packet))
    {
        if (publish->qos == QoS::AtMostOnce) return;
        answer.type = publish->qos == QoS::AtLeastOnce ? PacketType::Puback : PacketType::Pubrec;
        answer.packetIdentifier = publish->packetIdentifier;
    }
    else if (const auto* const other = std::get_if<Acknowledgement>(&packet))
    {
        if (isFailure(other->reason)) return;
        if (other->type == PacketType::Pubrec) answer.type = PacketType::Pubrel;
        else if (other->type == PacketType::Pubrel) answer.type = PacketType::Pubcomp;
        else return;
        answer.packetIdentifier = other->packetIdentifier;
    }
    else return;
    sendAll(actor.socket, encoded(answer, _version));
}

std::string Stage::describe(Actor& actor, const Packet& packet) const
{
    const auto number = [&actor](PacketIdentifier identifier) {
        const auto next = static_cast<int>(actor.numbers.size()) + 1;
        return '#' + std::to_string(actor.numbers.emplace(identifier, next).first->second);
    };
    if (const auto* const connack = std::get_if<Connack>(&packet))
        return "CONNACK " +
               std::to_string(is5_0() ? static_cast<int>(connack->reason)
                                      : connectReturnCode(connack->reason)) +
               (connack->sessionPresent ? " session present" : "");
    if (const auto* const publish = std::get_if<Publish>(&packet))
    {
        std::string text = "PUBLISH " + std::string(publish->topicName) + " '" +
                           std::string(asText(publish->payload)) + "' QoS " +
                           std::to_string(static_cast<int>(publish->qos));
        if (publish->qos != QoS::AtMostOnce) text += ' ' + number(publish->packetIdentifier);
        if (publish->retain) text += " retained";
        if (publish->dup) text += " again";
        return text + describeProperties(publish->properties);
    }
    if (const auto* const acknowledgement = std::get_if<Acknowledgement>(&packet))
    {
        const bool ours = acknowledgement->type != PacketType::Pubrel;
        return std::string(packetTypeText(acknowledgement->type)) + ' ' +
               (ours ? std::to_string(acknowledgement->packetIdentifier)
                     : number(acknowledgement->packetIdentifier)) +
               " code " + std::to_string(static_cast<int>(acknowledgement->reason));
    }
    if (const auto* const suback = std::get_if<Suback>(&packet))
        return "SUBACK " + std::to_string(suback->packetIdentifier) +
               describeReasons(suback->reasons);
    if (const auto* const unsuback = std::get_if<Unsuback>(&packet))
        return "UNSUBACK " + std::to_string(unsuback->packetIdentifier) +
               describeReasons(unsuback->reasons);
    return std::string(nameOf(packet));
}

} // namespace nanomq::test
