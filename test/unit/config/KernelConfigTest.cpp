#include "config/KernelConfig.h"
#include "Reports.h"
#include "config/ConfDir.h"

#include <cppunit/extensions/HelperMacros.h>

#include <fstream>
#include <set>
#include <sstream>

namespace nanomq::test
{

class KernelConfigTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(KernelConfigTest);
    CPPUNIT_TEST(standsOnItsDefaultsWithoutAnyFile);
    CPPUNIT_TEST(readsEverySetting);
    CPPUNIT_TEST(countsPacketSizesInKilobytesAsNanoMqDoes);
    CPPUNIT_TEST(takesTheSmallerOfBothPacketSizes);
    CPPUNIT_TEST(listensOnUrlsAndNamedListeners);
    CPPUNIT_TEST(replacesTheUrlByThoseOfTheCommandLine);
    CPPUNIT_TEST(refusesListenersThatCannotBe);
    CPPUNIT_TEST(readsWhatANamedListenerHasOfItsOwn);
    CPPUNIT_TEST(readsLimitsForAllListenersAndForOne);
    CPPUNIT_TEST(listensWhereNanoMqsKeysForTlsAndWebSocketSay);
    CPPUNIT_TEST(refusesListenerKeysThatWouldDoNothing);
    CPPUNIT_TEST(letsStrangersInFromBeyondOnlyIfThatIsWrittenOut);
    CPPUNIT_TEST(acceptsTheSampleFileOfNanoMq08);
    CPPUNIT_TEST(refusesAccessRulesRatherThanIgnoringThem);
    CPPUNIT_TEST(hasASoundSchema);
    CPPUNIT_TEST(shipsAFileWithEveryKeyAtItsDefault);
    CPPUNIT_TEST_SUITE_END();

    KernelConfig load(std::string_view text, const Overrides& overrides = {})
    {
        _report = {};
        const ConfigFile file = ConfigFile::parse("f", text, _report);
        const Configuration values = Configuration::load(file, kernelSchema(), overrides, _report);
        return KernelConfig::load(values, _report.errors);
    }

    static std::string urls(const KernelConfig& config)
    {
        std::string all;
        for (const ListenerConfig& listener : config.listeners)
            all += listener.name + ' ' + listener.url.text() + '\n';
        return all;
    }

public:
    void standsOnItsDefaultsWithoutAnyFile()
    {
        const KernelConfig config = load("");
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(_report.errors));
        CPPUNIT_ASSERT_EQUAL(std::string("url nmq-tcp://127.0.0.1:1883\n"), urls(config));
        CPPUNIT_ASSERT(!config.allowAnonymous);
        CPPUNIT_ASSERT(config.workers >= 1 && config.workers <= 8);
        CPPUNIT_ASSERT_EQUAL(10U << 20, config.maxPacketSizeBytes);
        CPPUNIT_ASSERT_EQUAL(10U << 20, config.clientMaxPacketSizeBytes);
        CPPUNIT_ASSERT_EQUAL(1'500U, config.keepAliveFactorThousandths);
        CPPUNIT_ASSERT_EQUAL(0xFFFFFFFFU, config.maxSessionExpirySeconds);
        CPPUNIT_ASSERT_EQUAL(std::size_t{20'000}, config.sessionQueueMessages);
        CPPUNIT_ASSERT_EQUAL(std::size_t{16} << 20, config.sessionQueueBytes);
        CPPUNIT_ASSERT_EQUAL(std::size_t{4} << 20, config.connectionOutputBytes);
        CPPUNIT_ASSERT(config.connectTimeout == std::chrono::seconds(10));
        CPPUNIT_ASSERT(config.log.toConsole && !config.log.toFile && !config.log.toSyslog);
        CPPUNIT_ASSERT_EQUAL(std::string("information"), config.log.level);
        CPPUNIT_ASSERT(!config.daemon);
        CPPUNIT_ASSERT(config.plugins.watchFolders);
        CPPUNIT_ASSERT(config.plugins.reportAfter == std::chrono::seconds(1));
        CPPUNIT_ASSERT(config.plugins.abortAfter == std::chrono::seconds(0));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{50}, config.plugins.breakerFailures);
        CPPUNIT_ASSERT_EQUAL(50U, config.plugins.breakerSharePercent);
    }

    void readsEverySetting()
    {
        const KernelConfig config = load("num_taskq_thread=3\nallow_anonymous=false\n"
                                         "max_connections=1000\nconnect_timeout=3s\n"
                                         "keepalive_backoff=1250\nreceive_maximum=10\n"
                                         "max_inflight_window=20\ntopic_alias_maximum=0\n"
                                         "max_topic_levels=16\nmax_session_expiry=1h\n"
                                         "msq_len=256\nsession.queue.max_bytes=1MB\n"
                                         "connection.output.max_bytes=64KB\n"
                                         "retained.max_count=100\nretained.max_bytes=1GB\n"
                                         "log.to=file, syslog\nlog.level=WARN\nlog.dir=/tmp\n"
                                         "log.file=x.log\nlog.rotation.size=1MB\n"
                                         "log.rotation.count=2\ndaemon=true\nplugin_dir=/p\n"
                                         "plugin.watch=false\nwatchdog.report_after=2s\n"
                                         "watchdog.abort_after=1m\nbreaker.failures=7\n"
                                         "breaker.share=10\nbreaker.window=3s\n"
                                         "breaker.pause=200ms\n");
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(_report.errors));
        CPPUNIT_ASSERT_EQUAL(3U, config.workers);
        CPPUNIT_ASSERT(config.allowAnonymous == false);
        CPPUNIT_ASSERT_EQUAL(1'000U, config.maxConnections);
        CPPUNIT_ASSERT(config.connectTimeout == std::chrono::seconds(3));
        CPPUNIT_ASSERT_EQUAL(1'250U, config.keepAliveFactorThousandths);
        CPPUNIT_ASSERT_EQUAL(10, int{config.receiveMaximum});
        CPPUNIT_ASSERT_EQUAL(20, int{config.maxInflightWindow});
        CPPUNIT_ASSERT_EQUAL(0, int{config.topicAliasMaximum});
        CPPUNIT_ASSERT_EQUAL(16U, config.maxTopicLevels);
        CPPUNIT_ASSERT_EQUAL(3'600U, config.maxSessionExpirySeconds);
        CPPUNIT_ASSERT_EQUAL(std::size_t{256}, config.sessionQueueMessages);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1} << 20, config.sessionQueueBytes);
        CPPUNIT_ASSERT_EQUAL(std::size_t{64} << 10, config.connectionOutputBytes);
        CPPUNIT_ASSERT_EQUAL(std::size_t{100}, config.retainedMaxCount);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1} << 30, config.retainedMaxBytes);
        CPPUNIT_ASSERT(config.log.toFile && config.log.toSyslog && !config.log.toConsole);
        CPPUNIT_ASSERT_EQUAL(std::string("warning"), config.log.level);
        CPPUNIT_ASSERT_EQUAL(std::string("/tmp"), config.log.dir);
        CPPUNIT_ASSERT_EQUAL(std::string("x.log"), config.log.file);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1} << 20, config.log.rotationSizeBytes);
        CPPUNIT_ASSERT_EQUAL(2U, config.log.rotationCount);
        CPPUNIT_ASSERT(config.daemon);
        CPPUNIT_ASSERT_EQUAL(std::string("/p"), config.pluginDir);
        CPPUNIT_ASSERT(!config.plugins.watchFolders);
        CPPUNIT_ASSERT(config.plugins.reportAfter == std::chrono::seconds(2));
        CPPUNIT_ASSERT(config.plugins.abortAfter == std::chrono::minutes(1));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{7}, config.plugins.breakerFailures);
        CPPUNIT_ASSERT_EQUAL(10U, config.plugins.breakerSharePercent);
        CPPUNIT_ASSERT(config.plugins.breakerWindow == std::chrono::seconds(3));
        CPPUNIT_ASSERT(config.plugins.breakerPause == std::chrono::milliseconds(200));
    }

    void countsPacketSizesInKilobytesAsNanoMqDoes()
    {
        CPPUNIT_ASSERT_EQUAL(1U << 20, load("max_packet_size=1024\n").maxPacketSizeBytes);
        CPPUNIT_ASSERT_EQUAL(200U, load("max_packet_size=200B\n").maxPacketSizeBytes);
        load("max_packet_size=1GB\n");
        CPPUNIT_ASSERT(!_report.ok());
    }

    void takesTheSmallerOfBothPacketSizes()
    {
        CPPUNIT_ASSERT_EQUAL(
            1U << 20,
            load("max_packet_size=1MB\nclient_max_packet_size=2MB\n").clientMaxPacketSizeBytes);
        CPPUNIT_ASSERT_EQUAL(
            1U << 20,
            load("max_packet_size=2MB\nclient_max_packet_size=1MB\n").clientMaxPacketSizeBytes);
    }

    void listensOnUrlsAndNamedListeners()
    {
        const KernelConfig config = load("url=nmq-tcp://127.0.0.1:0, mqtt-tcp://[::1]:0\n"
                                         "listener.plant.url=nmq-tcp://127.0.0.1:0\n");
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(_report.errors));
        CPPUNIT_ASSERT_EQUAL(std::string("url nmq-tcp://127.0.0.1:0\n"
                                         "url.2 mqtt-tcp://[::1]:0\n"
                                         "plant nmq-tcp://127.0.0.1:0\n"),
                             urls(config));
        CPPUNIT_ASSERT_EQUAL(std::string("f:2"), config.listeners[2].where);
        CPPUNIT_ASSERT_EQUAL(std::string("plant nmq-tcp://127.0.0.1:1\n"),
                             urls(load("listener.plant.url=nmq-tcp://127.0.0.1:1\n")));
    }

    void replacesTheUrlByThoseOfTheCommandLine()
    {
        const Overrides line({}, {{"url", "nmq-tcp://127.0.0.1:2, nmq-tcp://127.0.0.1:3", {}}});
        const KernelConfig config = load("url=nmq-tcp://0.0.0.0:1\n", line);
        CPPUNIT_ASSERT_EQUAL(
            std::string("url nmq-tcp://127.0.0.1:2\nurl.2 nmq-tcp://127.0.0.1:3\n"), urls(config));
        CPPUNIT_ASSERT(_report.ok());
    }

    void refusesListenersThatCannotBe()
    {
        load("url=\nlistener.a.url=tls+nmq-tcp://127.0.0.1:8883\n"
             "listener.b.url=nmq-tcp://127.0.0.1:x\n"
             "listener.c.url=nmq-tcp://127.0.0.1:5\nlistener.d.url=mqtt-tcp://127.0.0.1:5\n");
        CPPUNIT_ASSERT_EQUAL(
            std::string("f:1: url: expected a URL such as nmq-tcp://127.0.0.1:1883; schemes are "
                        "nmq-tcp, mqtt-tcp, tls+nmq-tcp, tls+mqtt-tcp, nmq-ws, nmq-wss and unix, "
                        "found ''\n"
                        "f:2: listener.a.url: a TLS listener needs tls.certfile and tls.keyfile\n"
                        "f:3: listener.b.url: expected a port from 0 to 65535 (0: any free one), "
                        "found 'nmq-tcp://127.0.0.1:x'\n"
                        "f:5: listener.d.url: two listeners on mqtt-tcp://127.0.0.1:5\n"),
            lines(_report.errors));
    }

    void readsWhatANamedListenerHasOfItsOwn()
    {
        const KernelConfig config = load(
            "tls.certfile=a.pem\ntls.keyfile=a.key\ntls.key_password=p\n"
            "listener.plant.url=nmq-wss://127.0.0.1:0/x\nlistener.plant.path=/mq\n"
            "listener.plant.allow_anonymous=false\nlistener.plant.max_connections=7\n"
            "listener.plant.proxy_protocol=on\nlistener.plant.tls.certfile=b.pem, c.pem\n"
            "listener.plant.tls.keyfile=b.key, c.key\nlistener.plant.tls.cacertfile=ca.pem\n"
            "listener.plant.tls.crlfile=crl.pem\nlistener.plant.tls.verify_peer=true\n"
            "listener.plant.tls.fail_if_no_peer_cert=true\nlistener.plant.tls.username_from=SAN\n"
            "listener.file.url=unix:///run/mq\nlistener.file.unix.mode=0600\n"
            "listener.file.unix.owner=mq\nlistener.file.unix.group=33\n"
            "listener.other.url=tls+nmq-tcp://127.0.0.1:0\n");
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(_report.errors));
        const ListenerConfig& plant = config.listeners[0];
        CPPUNIT_ASSERT_EQUAL(std::string("/mq"), plant.url.path);
        CPPUNIT_ASSERT(plant.allowAnonymous == false && plant.proxyProtocol);
        CPPUNIT_ASSERT_EQUAL(7U, plant.maxConnections);
        CPPUNIT_ASSERT((plant.tls.certificateFiles == std::vector<std::string>{"b.pem", "c.pem"}));
        CPPUNIT_ASSERT((plant.tls.keyFiles == std::vector<std::string>{"b.key", "c.key"}));
        CPPUNIT_ASSERT_EQUAL(std::string("p"), plant.tls.keyPassword); // from tls.key_password
        CPPUNIT_ASSERT_EQUAL(std::string("ca.pem"), plant.tls.authorityFile);
        CPPUNIT_ASSERT_EQUAL(std::string("crl.pem"), plant.tls.revocationFile);
        CPPUNIT_ASSERT(plant.tls.verifyPeer && plant.tls.requirePeerCertificate);
        CPPUNIT_ASSERT(plant.tls.userNameFrom == TlsConfig::UserNameFrom::AlternativeName);
        const ListenerConfig& file = config.listeners[1];
        CPPUNIT_ASSERT_EQUAL(0600U, file.file.mode);
        CPPUNIT_ASSERT_EQUAL(std::string("mq 33"), file.file.owner + ' ' + file.file.group);
        const ListenerConfig& other = config.listeners[2];
        CPPUNIT_ASSERT(other.tls.certificateFiles == std::vector<std::string>{"a.pem"});
        CPPUNIT_ASSERT(!other.tls.verifyPeer && !other.proxyProtocol && !other.allowAnonymous);
    }

    void readsLimitsForAllListenersAndForOne()
    {
        const KernelConfig config =
            load("url=nmq-tcp://127.0.0.1:0\nlistener.plant.url=nmq-tcp://127.0.0.1:0\n"
                 "limit.topic_length=100\nlimit.user_properties=1\nlimit.filters_per_subscribe=2\n"
                 "limit.subscriptions=3\nlimit.packet_rate=4\nlimit.byte_rate=5KB\n"
                 "limit.slow_timeout=6s\nlimit.connections_per_address=7\nlimit.connect_rate=8\n"
                 "limit.connect_memory=1MB\nmemory.limit=1GB\nlistener.plant.limit.packet_rate=44\n"
                 "listener.plant.limit.slow_timeout=0s\nban.failed_logins.count=9\n"
                 "ban.failed_logins.window=10s\nban.failed_logins.duration=11s\n"
                 "ban.flapping.count=12\n");
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(_report.errors));
        const ClientLimitConfig& all = config.listeners[0].limits;
        CPPUNIT_ASSERT(all.topicLengthBytes == 100 && all.userProperties == 1);
        CPPUNIT_ASSERT(all.filtersPerSubscribe == 2 && all.subscriptions == 3);
        CPPUNIT_ASSERT(all.packetsPerSecond == 4 && all.bytesPerSecond == 5 * 1024);
        CPPUNIT_ASSERT(all.slowTimeout == std::chrono::seconds(6));
        CPPUNIT_ASSERT(all.connectionsPerAddress == 7 && all.connectsPerSecond == 8);
        const ClientLimitConfig& plant = config.listeners[1].limits;
        CPPUNIT_ASSERT(plant.packetsPerSecond == 44 && plant.slowTimeout.count() == 0);
        CPPUNIT_ASSERT(plant.topicLengthBytes == 100 && plant.connectsPerSecond == 8);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1} << 20, config.connectMemoryBytes);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1} << 30, config.memoryLimitBytes);
        CPPUNIT_ASSERT_EQUAL(9U, config.failedLogins.count);
        CPPUNIT_ASSERT(config.failedLogins.window == std::chrono::seconds(10));
        CPPUNIT_ASSERT(config.failedLogins.duration == std::chrono::seconds(11));
        CPPUNIT_ASSERT(config.flapping.count == 12 &&
                       config.flapping.duration == std::chrono::minutes(5));

        load("listener.plant.url=nmq-tcp://127.0.0.1:0\nlistener.plant.limit.packet_rate=-1\n"
             "limit.topic_length=0\n");
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, _report.errors.size());
    }

    void listensWhereNanoMqsKeysForTlsAndWebSocketSay()
    {
        constexpr const char* files = "tls.certfile=a.pem\ntls.keyfile=a.key\n";
        constexpr const char* tls = "tls.enable=true\ntls.url=tls+nmq-tcp://127.0.0.1:1\n";
        constexpr const char* webSocket = "websocket.enable=true\n"
                                          "websocket.url=nmq-ws://127.0.0.1:2/mqtt\n"
                                          "websocket.tls_url=nmq-wss://127.0.0.1:3/mqtt\n";
        const std::string urlOfTls = "tls tls+nmq-tcp://127.0.0.1:1\n";
        const std::string urlOfWebSocket = "websocket nmq-ws://127.0.0.1:2/mqtt\n";
        CPPUNIT_ASSERT_EQUAL(urlOfTls, urls(load(std::string(files) + tls)));
        CPPUNIT_ASSERT_EQUAL(urlOfWebSocket, urls(load(std::string(files) + webSocket)));
        CPPUNIT_ASSERT_EQUAL(urlOfTls + urlOfWebSocket +
                                 "websocket.tls nmq-wss://127.0.0.1:3/mqtt\n",
                             urls(load(std::string(files) + tls + webSocket)));
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(_report.errors));
    }

    void refusesListenerKeysThatWouldDoNothing()
    {
        load("listener.a.max_connections=1\n"
             "listener.b.url=nmq-tcp://127.0.0.1:0\nlistener.b.tls.verify_peer=true\n"
             "listener.b.unix.mode=0600\nlistener.b.path=/x\n"
             "listener.c.url=unix:///c\nlistener.c.unix.mode=rw\n");
        CPPUNIT_ASSERT_EQUAL(
            std::string("f:5: listener.b.path: only a WebSocket has a path\n"
                        "f:7: listener.c.unix.mode: expected an octal number such as 0660, found "
                        "'rw'\n"
                        "f:1: listener.a.max_connections: there is no listener.a.url\n"
                        "f:3: listener.b.tls.verify_peer: nmq-tcp:// has no TLS\n"
                        "f:4: listener.b.unix.mode: nmq-tcp:// is no Unix socket\n"),
            lines(_report.errors));

        // Demands on certificates that nobody would check.
        constexpr std::string_view tls = "tls.certfile=a\ntls.keyfile=a\n"
                                         "listener.d.url=tls+nmq-tcp://127.0.0.1:0\n";
        struct Case
        {
            const char* text;
            const char* error;
        };
        static constexpr Case cases[] = {
            {"tls.verify_peer=true\n",
             "f:4: tls.verify_peer: needs tls.cacertfile, which says whom to trust\n"},
            {"tls.fail_if_no_peer_cert=true\n",
             "f:4: tls.fail_if_no_peer_cert: needs tls.verify_peer = true\n"},
            {"tls.username_from=cn\n", "f:4: tls.username_from: needs tls.verify_peer = true\n"},
            {"tls.crlfile=x\n", "f:4: tls.crlfile: needs tls.verify_peer = true\n"},
            {"listener.d.tls.keyfile=a, b\n", "f:4: listener.d.tls.keyfile: expected a key for each "
                                              "certificate, in the same order\n"},
        };
        for (const auto& c : cases)
        {
            load(std::string(tls) + c.text);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.text, std::string(c.error), lines(_report.errors));
        }
    }

    void letsStrangersInFromBeyondOnlyIfThatIsWrittenOut()
    {
        struct Case
        {
            const char* text;
            bool starts;
        };
        static constexpr Case cases[] = {
            {"url=nmq-tcp://0.0.0.0:1883\n", false},
            {"url=nmq-tcp://127.0.0.1:1883\nlistener.a.url=nmq-tcp://[::]:1883\n", false},
            {"url=nmq-tcp://0.0.0.0:1883\nallow_anonymous=true\n", true},
            {"url=nmq-tcp://0.0.0.0:1883\nallow_anonymous=false\n", true},
            {"url=nmq-tcp://localhost:1883\n", true},
            {"listener.a.url=nmq-tcp://[::]:1883\nlistener.a.allow_anonymous=true\n", true},
            {"url=unix:///run/mq\n", true},
            {"tls.certfile=a\ntls.keyfile=a\ntls.cacertfile=a\ntls.verify_peer=true\n"
             "tls.fail_if_no_peer_cert=true\nurl=tls+nmq-tcp://0.0.0.0:8883\n",
             true},
        };
        for (const auto& c : cases)
        {
            load(c.text);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.text, c.starts, _report.ok());
        }
        load(cases[0].text);
        CPPUNIT_ASSERT_EQUAL(
            std::string("f:1: allow_anonymous: the listener nmq-tcp://0.0.0.0:1883 can be reached "
                        "from beyond this machine and would let anybody in; write "
                        "'allow_anonymous = true' to have it so, or 'allow_anonymous = false'\n"),
            lines(_report.errors));
        load(cases[0].text, Overrides({{"NANOMQ_ALLOW_ANONYMOUS", "true"}}, {}));
        CPPUNIT_ASSERT(_report.ok());
    }

    void acceptsTheSampleFileOfNanoMq08()
    {
        const KernelConfig config =
            load("url=nmq-tcp://0.0.0.0:1883\ndaemon=false\nnum_taskq_thread=4\n"
                 "max_taskq_thread=4\nparallel=32\nproperty_size=32\nmax_packet_size=1024\n"
                 "client_max_packet_size=1024\nmsq_len=256\nqos_duration=60\n"
                 "allow_anonymous=true\ntls.enable=false\ntls.url=tls+nmq-tcp://0.0.0.0:8883\n"
                 "tls.keyfile=/etc/certs/key.pem\ntls.certfile=/etc/certs/cert.pem\n"
                 "tls.cacertfile=/etc/certs/cacert.pem\ntls.key_password=x\n"
                 "tls.verify_peer=false\ntls.fail_if_no_peer_cert=false\nwebsocket.enable=true\n"
                 "websocket.url=nmq-ws://0.0.0.0:8083/mqtt\n"
                 "websocket.tls_url=nmq-wss://0.0.0.0:8084/mqtt\nhttp_server.enable=false\n"
                 "http_server.port=8081\nhttp_server.parallel=32\nhttp_server.username=admin\n"
                 "http_server.password=public\nhttp_server.auth_type=basic\n"
                 "http_server.jwt.public.keyfile=/etc/certs/jwt/jwtRS256.key.pub\n");
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(_report.errors));
        CPPUNIT_ASSERT_EQUAL(4U, config.workers);
        CPPUNIT_ASSERT_EQUAL(1U << 20, config.maxPacketSizeBytes);
        CPPUNIT_ASSERT_EQUAL(std::string("url nmq-tcp://0.0.0.0:1883\n"
                                         "websocket nmq-ws://0.0.0.0:8083/mqtt\n"),
                             urls(config));
    }

    void refusesAccessRulesRatherThanIgnoringThem()
    {
        load("auth_enable=true\nacl_enable=true\nacl.rule.1={\"permit\": \"deny\"}\n");
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, _report.errors.size());
        load("auth_enable=false\nacl_enable=false\nacl_nomatch=allow\n");
        CPPUNIT_ASSERT(_report.ok());
    }

    void hasASoundSchema()
    {
        std::set<std::string> names;
        const Schema schema = kernelSchema();
        for (const SchemaKey& key : schema.keys())
        {
            CPPUNIT_ASSERT_MESSAGE(key.key + " comes twice", names.insert(key.key).second);
            CPPUNIT_ASSERT_MESSAGE(key.key + " has no description", !key.description.empty());
            CPPUNIT_ASSERT_MESSAGE(key.key + " needs a note",
                                   (key.use == KeyUse::Used) == key.note.empty());
            if (!key.defaultText.empty())
                CPPUNIT_ASSERT_EQUAL_MESSAGE(key.key, std::string("fits"),
                                             key.refuse(key.defaultText).value_or("fits"));
        }
    }

    /// The file tells the defaults as commented keys; were they to differ, it would lie.
    void shipsAFileWithEveryKeyAtItsDefault()
    {
        const std::string path = std::string(NANOMQ_SHIPPED_CONF) + "/nanomq.conf";
        const ConfigFile shipped = ConfigFile::read(path, _report);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, shipped.entries().size());
        CPPUNIT_ASSERT_EQUAL(std::string("nmq-tcp://127.0.0.1:1883"), shipped.find("url")->value);

        std::ifstream stream(path);
        std::string uncommented;
        for (std::string line; std::getline(stream, line);)
        {
            const std::size_t equals = line.find(" =");
            const bool isKey = line.starts_with("# ") && equals != std::string::npos &&
                               line.find_first_of(" :", 2) == equals;
            uncommented += (isKey ? line.substr(2) : line) + '\n';
        }
        const ConfigFile whole = ConfigFile::parse(path, uncommented, _report);
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(_report.errors));
        const Schema schema = kernelSchema();
        for (const SchemaKey& key : schema.keys())
        {
            if (key.use != KeyUse::Used || key.isPattern() || key.key == "url") continue;
            const ConfigEntry* const entry = whole.find(key.key);
            CPPUNIT_ASSERT_MESSAGE(key.key + " is missing", entry != nullptr);
            if (key.key == "client_max_packet_size") continue; // its default is another key's
            CPPUNIT_ASSERT_EQUAL_MESSAGE(key.key, key.defaultText, entry->value);
        }
        Configuration::load(whole, schema, {}, _report);
        CPPUNIT_ASSERT_EQUAL(std::string(), lines(_report.errors));
    }

private:
    ConfigReport _report;
};

CPPUNIT_TEST_SUITE_REGISTRATION(KernelConfigTest);

} // namespace nanomq::test
