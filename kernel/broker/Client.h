#pragma once

#include "base/TimerWheel.h"
#include "broker/ClientIdentity.h"
#include "broker/ConnectionPlace.h"
#include "broker/HookQuestions.h"
#include "broker/MemoryBudget.h"
#include "broker/RetainedReplay.h"
#include "broker/RightsReview.h"
#include "broker/TrafficGate.h"
#include "net/Connection.h"
#include "net/Listener.h"
#include "session/Session.h"
#include "wire/Decoder.h"
#include "wire/Encoder.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace nanomq
{

class Worker;

/// Why clients are disconnected at the end.
inline constexpr std::string_view kBrokerStops = "the broker stops";

/// The far end of one Network Connection: reads its packets and does what each means.
///
/// Begins on the worker that accepted the connection, and moves with CONNECT to the worker of
/// its Client Identifier. What outlives the connection is the Session's. Sources: Client.cpp
/// (packets in general), ConnectPath.cpp, PublishIn.cpp (PUBLISH and acknowledgements),
/// SubscribePath.cpp, EnhancedAuth.cpp (AUTH). Thread: [worker].
class Client final : public ConnectionHandler,
                     private Timer,
                     private HookQuestions::Waiting,
                     private TrafficGate::Waiting,
                     private RightsReview::Done
{
public:
    /// @param place  taken.
    Client(Connection& connection, Worker& worker, const Listener& listener, PeerAddress peer,
           std::unique_ptr<ConnectionPlace> place);

    /// The connection reads. Begins to wait for CONNECT.
    void accepted();

    const ClientIdentity* identity() const noexcept { return _identity.get(); }
    ProtocolVersion version() const noexcept { return _version; }
    Session* session() noexcept { return _session; }
    Worker& worker() noexcept { return *_worker; }
    /// PUBLISH packets that were taken from it.
    std::uint64_t published() const noexcept { return _published; }

    /// Ends the connection for a reason of the server's: DISCONNECT to a 5.0 client, then close.
    void disconnect(ReasonCode reason, std::string_view why);
    /// Rights have changed: asks about its subscriptions anew. Requires: connected.
    void reviewRights();
    /// Somebody else subscribes for it, or unsubscribes; no hook is asked. Requires: connected.
    ReasonCode subscribeOnBehalf(std::string_view topicFilter, QoS qos);
    ReasonCode unsubscribeOnBehalf(std::string_view topicFilter);
    /// What has to be done from time to time, connected or not; see Patrol. Returns whether it is
    /// kept waiting for memory. It may be disconnected.
    bool lookAfter(MemoryLevel level, bool checkBans);
    /// "client 'a' at 192.0.2.7", for the log.
    std::string description() const;
    /// The server has ended a subscription of its session.
    void subscriptionEnded(FilterId filter);

    Client* next = nullptr; // the worker's list
    Client* previous = nullptr;

private:
    enum class State : std::uint8_t
    {
        AwaitsConnect,
        Authenticating, // CONNECT has come, and AUTH goes to and fro (§4.12)
        Connected,
        Closed,
    };
    /// What a packet's handling ends with.
    enum class Step : std::uint8_t
    {
        Done,   // the next packet
        Parked, // a hook answers later: this packet again
        Waits,  // for memory: this packet again
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
    void reviewed() override;               // RightsReview: the same, before CONNACK
    void gateOpens() override;              // TrafficGate: the same

    /// Why it is not read from.
    enum Hold : std::uint8_t
    {
        kForHook = 1,
        kForRate = 2,
        kForMemory = 4,
    };
    void hold(Hold why);
    void letGo(Hold why);

    bool beginReview(); // whether that was all

    std::size_t handlePackets(ByteView bytes);
    bool isExpectedFirst(PacketType type) const noexcept;
    Step handle(const FixedHeader& header, ByteView body);
    Step handleFirst(const FixedHeader& header, ByteView body);
    void answerBadConnect(ByteView body, ReasonCode reason);
    Step handleConnected(const FixedHeader& header, ByteView body);
    /// The peer broke a rule: tells it, closes.
    Step fail(ReasonCode reason, std::string_view what = {});
    /// It ran into a limit that costs it the connection.
    Step overLimit(Limit limit, ReasonCode reason, std::string_view what);
    const ClientLimits& limits() const noexcept { return _listener.settings().limits; }
    bool tooManyUserProperties(const Properties& properties) const noexcept
    {
        return properties.has(PropertyId::UserProperty) && limits().userProperties > 0 &&
               properties.userProperties > limits().userProperties;
    }
    /// The limit of topics that this one is beyond.
    std::optional<Limit> topicLimit(std::string_view topic) const noexcept;
    bool gateIsClosed();
    bool keepStranger(std::size_t bytes);

    // ConnectPath.cpp
    /// To be done to a CONNECT that was just decoded; the Will Topic is viewed in _mounted then.
    void mountWill(Connect& connect);
    Step onConnect(const Connect& connect);
    Step refuse(const Connect& connect, ReasonCode reason, std::string_view text,
                std::string_view serverReference = {});
    Step refuse(const Connect& connect, const HookOutcome& outcome, ReasonCode otherwise);
    std::optional<Step> checkTerms(const Connect& connect);
    std::optional<Step> checkBans(const Connect& connect);
    void countFailedLogin(ReasonCode reason);
    void countConnect();
    void identify(const Connect& connect, std::string_view clientId,
                  std::optional<std::string_view> userName);
    /// Takes over what the transports know. False: the listener demands a user name in the
    /// certificate, and there is none.
    bool learnOrigin();
    std::optional<std::string_view> userNameOf(const Connect& connect) const;
    void moveTo(Worker& target);
    const HookOutcome* askConnect(const Connect& connect);
    std::optional<Step> admit(const Connect& connect);
    std::optional<Step> authenticate(const Connect& connect);
    std::optional<Step> admitAuthenticated(const Connect& connect);
    bool belongsToAnother(const Connect& connect);
    std::optional<Step> reviewSession(const Connect& connect);
    std::optional<Step> authorizeWill(const Connect& connect);
    Step begin(const Connect& connect);
    Session* takeSession(const Connect& connect, bool& present);
    void takeOver(Client& other);
    ConnectionTerms termsOf(const Connect& connect) const;
    void prepareWill(const Connect& connect);
    std::vector<std::uint8_t> connackFor(const Connect& connect, bool present) const;
    std::uint16_t serverKeepAlive(const Connect& connect) const noexcept;
    std::string responseInformation() const;
    void tellConnack(ReasonCode reason, bool present);
    std::string assignClientId() const;

    // EnhancedAuth.cpp
    enum class AuthenticationStage : std::uint8_t
    {
        Connect,
        Goes,  // AUTH that continues
        Again, // re-authentication begins
    };
    const HookOutcome* askMethod(std::string_view method, const Properties& properties,
                                 AuthenticationStage stage);
    std::optional<Step> authenticateByMethod(const Connect& connect);
    std::optional<Step> settleBeforeConnack(const Connect& connect, const HookOutcome& outcome);
    void keepConnect(const FixedHeader& header, ByteView body);
    Step handleAuthenticating(const FixedHeader& header, ByteView body);
    Step onAuth(const FixedHeader& header, ByteView body);
    void authenticationDone();
    void addAuthentication(PropertyWriter& properties,
                           const std::optional<std::string>& data) const;
    void sendAuth(ReasonCode reason, const std::optional<std::string>& data);

    // PublishIn.cpp
    Step onPublish(const FixedHeader& header, ByteView body);
    Step resolveAlias(Publish& publish);
    Step shortOfMemory(const Publish& publish);
    Step publishThroughHooks(const MessageView& view, const Publish& publish);
    const HookOutcome* askPublish(const MessageView& view);
    void routeAndAcknowledge(const MessageView& view, const Publish& publish);
    /// @param text  goes out as Reason String, if the client wants one and has room for it.
    void acknowledge(const Publish& publish, ReasonCode reason, std::string_view text = {});
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
    void replayRetained(FilterId id, const TopicFilter& filter, SubscriptionOptions options);
    ReasonCode unsubscribe(const Wanted& wanted);
    std::optional<Limit> subscriptionLimit(const TopicFilter& filter) const;

    Step onDisconnect(const FixedHeader& header, ByteView body);

    template <class Packet> void send(const Packet& packet)
    {
        std::vector<std::uint8_t> bytes;
        if constexpr (requires { encode(packet, _version, bytes); }) encode(packet, _version, bytes);
        else encode(packet, bytes);
        sendBytes(bytes);
    }
    /// An answer that is larger than the client takes is not sent, and ends the connection.
    void sendBytes(ByteView packet);
    HookQuestions& questions();
    /// Whether this packet puts a question at this point; see HookQuestions::wants().
    bool asks(sdk::HookPoint point) const noexcept;
    /// Whether this packet has put questions before, and is handled again.
    bool replaying() const noexcept { return _questions && _questions->replaying(); }
    MonotonicMs keepAliveMs() const noexcept;
    std::string_view mountPoint() const noexcept { return _listener.settings().mountPoint; }
    EventOwners owners() const noexcept { return {_identity.get(), nullptr, nullptr}; }

    /// Known only until CONNECT has told the rest.
    struct Origin
    {
        PeerAddress peer;
        PeerFacts facts; // from CONNECT on
        /// From the certificate, where the listener wants it so; stands for CONNECT's.
        std::optional<std::string> userName;
    };

    /// Of a client that named an Authentication Method in CONNECT (§4.12).
    struct Authentication
    {
        std::string method;
        std::string state; // the hook's, from one step to the next
        /// CONNECT, while AUTH goes to and fro before it is answered.
        FixedHeader connectHeader;
        std::vector<std::uint8_t> connect;
        std::optional<std::string> answer; // data that CONNACK carries
        bool goes = false;                 // a re-authentication is under way
    };

    Connection& _connection;
    Worker* _worker;
    const Listener& _listener;
    const std::unique_ptr<ConnectionPlace> _place;
    Session* _session = nullptr;
    Ref<const ClientIdentity> _identity;
    std::unique_ptr<Origin> _origin;
    std::unique_ptr<HookQuestions> _questions;
    std::unique_ptr<Authentication> _authentication;
    std::unique_ptr<RightsReview> _review;
    std::unique_ptr<std::vector<std::string>> _aliases; // by alias - 1 (§3.3.2.3.4)
    std::unique_ptr<RetainedReplay> _replay; // since there was something to send
    std::string _mounted; // the latest PUBLISH's Topic Name or the Will Topic, behind a mount point
    std::unique_ptr<TrafficGate> _gate; // if it is limited in what it sends
    MonotonicMs _lastReceived = 0;
    MonotonicMs _waitsSince = 0; // for memory
    std::uint32_t _expectedBytes = 0;
    std::uint64_t _published = 0;
    std::uint64_t _connectAtNs = 0; // when CONNECT came; 0: it has not, or was answered
    std::uint32_t _maximumPacketSize = UINT32_MAX; // the client's, in bytes (§3.1.2.11.4)
    std::uint16_t _keepAliveSeconds = 0;
    ProtocolVersion _version = ProtocolVersion::v3_1_1;
    State _state = State::AwaitsConnect;
    ReasonCode _endReason = ReasonCode::UnspecifiedError; // told to client.disconnected
    std::uint8_t _held = 0; // bits of Hold
    bool _mayPass = false;  // has waited for memory long enough
    bool _byServer = false;
    bool _wantsProblemInformation = true; // §3.1.2.11.7
    bool _answerTooLarge = false;
    bool _displaced = false;   // by a connection that goes on with the session
    bool _assignedId = false;  // the Client Identifier is ours [MQTT-3.1.3-6]
    bool _connectAsked = false; // client.connect has been asked, on the worker it came from
};

} // namespace nanomq
