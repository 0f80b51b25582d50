#include "nanomq/plugin_base.h"

#include <cppunit/extensions/HelperMacros.h>
#include <cstddef>

using namespace nanomq::sdk;

// The layout of everything that crosses the border, as version 1.0 has it. A number here changes
// only by growing an event at its end; anything else breaks every plugin there is.

static_assert(sizeof(Str) == 16 && offsetof(Str, size) == 8);
static_assert(sizeof(Bytes) == 16 && offsetof(Bytes, size) == 8);
static_assert(sizeof(Verdict) == 4 && sizeof(Deferral) == 8);

static_assert(sizeof(EventHeader) == 32);
static_assert(offsetof(EventHeader, point) == 4 && offsetof(EventHeader, worker) == 6);
static_assert(offsetof(EventHeader, flags) == 8 && offsetof(EventHeader, timeMs) == 16);
static_assert(offsetof(EventHeader, id) == 24);

static_assert(sizeof(ClientInfo) == 120);
static_assert(offsetof(ClientInfo, protocolVersion) == 4 && offsetof(ClientInfo, hasUserName) == 6);
static_assert(offsetof(ClientInfo, keepAliveSeconds) == 8 && offsetof(ClientInfo, peerPort) == 10);
static_assert(offsetof(ClientInfo, connectedAtMs) == 16 && offsetof(ClientInfo, clientId) == 24);
static_assert(offsetof(ClientInfo, userName) == 40 && offsetof(ClientInfo, peerAddress) == 56);
static_assert(offsetof(ClientInfo, listener) == 72);
static_assert(offsetof(ClientInfo, certificateCommonName) == 88);
static_assert(offsetof(ClientInfo, certificateSubject) == 104);

static_assert(sizeof(HookSpec) == 40);
static_assert(offsetof(HookSpec, point) == 4 && offsetof(HookSpec, priority) == 6);
static_assert(offsetof(HookSpec, flags) == 8 && offsetof(HookSpec, filterCount) == 12);
static_assert(offsetof(HookSpec, function) == 16 && offsetof(HookSpec, self) == 24);
static_assert(offsetof(HookSpec, topicFilters) == 32);

static_assert(sizeof(ClientConnect) == 64 && offsetof(ClientConnect, willTopic) == 40);
static_assert(offsetof(ClientConnect, willQoS) == 56);
static_assert(sizeof(ClientAuthenticate) == 64 && offsetof(ClientAuthenticate, password) == 40);
static_assert(offsetof(ClientAuthenticate, hasPassword) == 56);
static_assert(sizeof(ClientEnhancedAuth) == 96 && offsetof(ClientEnhancedAuth, method) == 40);
static_assert(offsetof(ClientEnhancedAuth, data) == 56 &&
              offsetof(ClientEnhancedAuth, stage) == 72);
static_assert(offsetof(ClientEnhancedAuth, state) == 80);
static_assert(sizeof(ClientAuthorize) == 64 && offsetof(ClientAuthorize, topic) == 40);
static_assert(offsetof(ClientAuthorize, access) == 56 && offsetof(ClientAuthorize, retain) == 58);
static_assert(sizeof(ClientConnack) == 48 && offsetof(ClientConnack, reason) == 40);
static_assert(sizeof(ClientConnected) == 40 && sizeof(SessionCreated) == 40);
static_assert(sizeof(SessionResumed) == 40 && sizeof(SessionTakenOver) == 40);
static_assert(sizeof(ClientDisconnected) == 64 && offsetof(ClientDisconnected, reasonText) == 40);
static_assert(offsetof(ClientDisconnected, reason) == 56);
static_assert(sizeof(SubscribeOptions) == 8);
static_assert(sizeof(ClientSubscribe) == 64 && offsetof(ClientSubscribe, options) == 56);
static_assert(sizeof(ClientUnsubscribe) == 56 && sizeof(SessionUnsubscribed) == 56);
static_assert(sizeof(SessionSubscribed) == 64 && offsetof(SessionSubscribed, options) == 56);
static_assert(sizeof(SessionTerminated) == 64 && offsetof(SessionTerminated, reason) == 56);
static_assert(sizeof(MessagePublish) == 96 && offsetof(MessagePublish, topic) == 40);
static_assert(offsetof(MessagePublish, payload) == 56 &&
              offsetof(MessagePublish, properties) == 72);
static_assert(offsetof(MessagePublish, qos) == 88 && offsetof(MessagePublish, expirySeconds) == 92);
static_assert(sizeof(MessagePublished) == 96 && offsetof(MessagePublished, qos) == 88);
static_assert(sizeof(MessageOfReceiver) == 120 && offsetof(MessageOfReceiver, publisher) == 40);
static_assert(offsetof(MessageOfReceiver, topic) == 48 &&
              offsetof(MessageOfReceiver, reasonText) == 96);
static_assert(offsetof(MessageOfReceiver, qos) == 112);
static_assert(sizeof(MessageDelivered) == 120 && sizeof(MessageAcked) == 120);
static_assert(sizeof(MessageDropped) == 120 && sizeof(MessageExpired) == 120);
static_assert(sizeof(RouteAdded) == 48 && sizeof(RouteRemoved) == 48);
static_assert(sizeof(BrokerStarted) == 32 && sizeof(BrokerStopping) == 32);
static_assert(sizeof(ConfigChanged) == 48);
static_assert(sizeof(Broker::Publication) == 64);
static_assert(offsetof(Broker::Publication, expirySeconds) == 56);
static_assert(sizeof(MetricsReader::Series) == 64 && offsetof(MetricsReader::Series, kind) == 4);
static_assert(offsetof(MetricsReader::Series, name) == 8 &&
              offsetof(MetricsReader::Series, value) == 56);

static_assert(sizeof(nanomq_plugin_description) == 152);
static_assert(offsetof(nanomq_plugin_description, abi_major) == 4);
static_assert(offsetof(nanomq_plugin_description, build_bits) == 16);
static_assert(offsetof(nanomq_plugin_description, min_host_minor) == 24);
static_assert(offsetof(nanomq_plugin_description, name) == 40);
static_assert(offsetof(nanomq_plugin_description, class_name) == 88);
static_assert(offsetof(nanomq_plugin_note, description) == 20);

/// What cannot be asserted by the compiler.
class SdkLayoutTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(SdkLayoutTest);
    CPPUNIT_TEST(eventsTellWhichOfTheirFieldsAreThere);
    CPPUNIT_TEST(everyPointHasANameAndKeepsItsNumber);
    CPPUNIT_TEST_SUITE_END();

public:
    void eventsTellWhichOfTheirFieldsAreThere()
    {
        ClientDisconnected event{};
        event.header.size = offsetof(ClientDisconnected, reason);
        CPPUNIT_ASSERT(has(event, &ClientDisconnected::reasonText));
        CPPUNIT_ASSERT(!has(event, &ClientDisconnected::reason));
    }

    void everyPointHasANameAndKeepsItsNumber()
    {
        for (std::uint16_t number = 1; number < kHookPoints; ++number)
            CPPUNIT_ASSERT(!hookPointName(static_cast<HookPoint>(number)).empty());
        CPPUNIT_ASSERT(hookPointName(static_cast<HookPoint>(0)).empty());
        CPPUNIT_ASSERT(hookPointName(static_cast<HookPoint>(kHookPoints)).empty());
        CPPUNIT_ASSERT(hookPointName(static_cast<HookPoint>(16)) == "message.publish");
        CPPUNIT_ASSERT(hookPointName(static_cast<HookPoint>(26)) == "config.changed");
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SdkLayoutTest);
