#pragma once

#include "base/TimerWheel.h"
#include "broker/ClientIdentity.h"
#include "broker/HookQuestions.h"
#include "broker/RetainedReplay.h"
#include "net/Connection.h"
#include "net/Listener.h"
#include "session/Session.h"
#include "wire/Decoder.h"
#include "wire/Encoder.h"

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace nanomq
{

class Worker;

/// The far end of one Network Connection: reads its packets and does what each means.
///
/// Begins on the worker that accepted the connection, and moves with CONNECT to the worker of
/// its Client Identifier. What outlives the connection is the Session's. Sources: Client.cpp
/// (packets in general), ConnectPath.cpp, PublishIn.cpp (PUBLISH and acknowledgements),
/// SubscribePath.cpp. Thread: [worker].
class Client final : public ConnectionHandler, private Timer, private HookQuestions::Waiting
{
public:
    Client(Connection& connection, Worker& worker, const Listener& listener, PeerAddress peer);

    /// The connection reads. Begins to wait for CONNECT.
    void accepted();

    const ClientIdentity* identity() const noexcept { return _identity.get(); }
    ProtocolVersion version() const noexcept { return _version; }
    Session* session() noexcept { return _session; }
    Worker& worker() noexcept { return *_worker; }

    /// Ends the connection for a reason of the server's: DISCONNECT to a 5.0 client, then close.
    void disconnect(ReasonCode reason, std::string_view why);

    Client* next = nullptr; // the worker's list
    Client* previous = nullptr;

private:
    enum class State : std::uint8_t
    {
        AwaitsConnect,
        Connected,
        Closed,
    };
    /// What a packet's handling ends with.
    enum class Step : std::uint8_t
    {
        Done,   // the next packet
        Parked, // a hook answers later: this packet again
        Moved,  // to another worker: this packet again, over there
        Closed,
    };

    // ConnectionHandler
    std::size_t received(ByteView bytes) override;
    std::size_t expectedBytes() const noexcept override { return _expectedBytes; }
    void moved(EventLoop& loop) override;
    void closed(std::string_view why) override;

    void expired(MonotonicMs now) override; // Timer: CONNECT is late, or keep alive is over
    void answered() override;               // HookQuestions: go on reading

    Step handle(const FixedHeader& header, ByteView body);
    Step handleFirst(const FixedHeader& header, ByteView body);
    /// The peer broke a rule: tells it, closes.
    Step fail(ReasonCode reason, std::string_view what = {});

    // ConnectPath.cpp
    Step onConnect(const Connect& connect);
    Step refuse(const Connect& connect, ReasonCode reason, std::string_view text);
    void identify(const Connect& connect, std::string_view clientId,
                  std::optional<std::string_view> userName);
    void moveTo(Worker& target);
    const HookOutcome* askConnect(const Connect& connect);
    std::optional<Step> admit(const Connect& connect);
    std::optional<Step> authenticate(const Connect& connect);
    std::optional<Step> authorizeWill(const Connect& connect);
    Step begin(const Connect& connect);
    Session* takeSession(const Connect& connect, bool& present);
    void takeOver(Client& other);
    ConnectionTerms termsOf(const Connect& connect) const;
    void prepareWill(const Connect& connect);
    void sendConnack(const Connect& connect, bool present);
    void tellConnack(ReasonCode reason, bool present);
    std::string assignClientId() const;

    // PublishIn.cpp
    Step onPublish(const FixedHeader& header, ByteView body);
    Step resolveAlias(Publish& publish);
    Step publishThroughHooks(const MessageView& view, const Publish& publish);
    const HookOutcome* askPublish(const MessageView& view);
    void routeAndAcknowledge(const MessageView& view, const Publish& publish);
    void acknowledge(const Publish& publish, ReasonCode reason);
    Step onAcknowledgement(const FixedHeader& header, ByteView body);
    Step onPubrel(const Acknowledgement& pubrel);

    // SubscribePath.cpp
    Step onSubscribe(const FixedHeader& header, ByteView body);
    Step onUnsubscribe(const FixedHeader& header, ByteView body);
    struct Wanted;
    std::optional<Wanted> askSubscribe(const SubscriptionRequest& request,
                                       std::uint32_t identifier);
    std::optional<Wanted> askUnsubscribe(std::string_view topicFilter);
    ReasonCode subscribe(const Wanted& wanted, const SubscriptionRequest& request,
                         std::uint32_t identifier);
    ReasonCode unsubscribe(const Wanted& wanted);

    Step onDisconnect(const FixedHeader& header, ByteView body);

    template <class Packet> void send(const Packet& packet)
    {
        std::vector<std::uint8_t> bytes;
        if constexpr (requires { encode(packet, _version, bytes); }) encode(packet, _version, bytes);
        else encode(packet, bytes);
        sendBytes(bytes);
    }
    void sendBytes(ByteView packet);
    HookQuestions& questions();
    /// Whether this packet puts a question at this point; see HookQuestions::wants().
    bool asks(sdk::HookPoint point) const noexcept;
    /// Whether this packet has put questions before, and is handled again.
    bool replaying() const noexcept { return _questions && _questions->replaying(); }
    MonotonicMs keepAliveMs() const noexcept;
    EventOwners owners() const noexcept { return {_identity.get(), nullptr, nullptr}; }

    /// Known only until CONNECT has told the rest.
    struct Origin
    {
        const Listener& listener;
        PeerAddress peer;
    };

    Connection& _connection;
    Worker* _worker;
    Session* _session = nullptr;
    Ref<const ClientIdentity> _identity;
    std::unique_ptr<Origin> _origin;
    std::unique_ptr<HookQuestions> _questions;
    std::unique_ptr<std::vector<std::string>> _aliases; // by alias - 1 (§3.3.2.3.4)
    std::list<std::unique_ptr<RetainedReplay>> _replays;
    MonotonicMs _lastReceived = 0;
    std::uint32_t _expectedBytes = 0;
    std::uint16_t _keepAliveSeconds = 0;
    ProtocolVersion _version = ProtocolVersion::v3_1_1;
    State _state = State::AwaitsConnect;
    ReasonCode _endReason = ReasonCode::UnspecifiedError; // told to client.disconnected
    bool _byServer = false;
    bool _assignedId = false;  // the Client Identifier is ours [MQTT-3.1.3-6]
    bool _connectAsked = false; // client.connect has been asked, on the worker it came from
};

} // namespace nanomq
