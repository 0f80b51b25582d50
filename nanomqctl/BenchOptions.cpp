#include "BenchOptions.h"

#include <Poco/NumberParser.h>

#include <unistd.h>

namespace nanomq::ctl
{

void addBenchOptions(Options& options, const std::string& seconds)
{
    options.value("host", "h", "HOST", "the broker (127.0.0.1)")
        .value("port", "p", "PORT", "its port (1883; with --ssl 8883, with --ws 8083)")
        .value("version", "V", "VERSION", "MQTT version: 3 (3.1), 4 (3.1.1), 5 (5)")
        .value("user", "u", "NAME", "user name")
        .value("password", "P", "TEXT", "password")
        .value("keepalive", "k", "SECONDS", "Keep Alive; 0: none (300)")
        .value("clean", "C", "BOOL", "begin with a new session (true)")
        .value("session-expiry", "x", "SECONDS", "Session Expiry Interval, for version 5 (0)")
        .value("identifier", "", "PREFIX", "of the Client Identifiers (made up)")
        .flag("ssl", "S", "over TLS")
        .value("cafile", "", "FILE", "certificates that the broker's must come from (any will do)")
        .value("certfile", "", "FILE", "the clients' certificate")
        .value("keyfile", "", "FILE", "its key")
        .flag("ws", "", "over WebSocket")
        .value("path", "", "PATH", "of the WebSocket (/mqtt)")
        .value("sources", "", "COUNT", "source addresses, for a broker on loopback (1)")
        .value("seconds", "", "SECONDS", "how long (" + seconds + ")")
        .value("broker-pid", "", "PID", "measure that process, too");
}

double decimalOption(const Options& options, const char* name, double absent, double maximum)
{
    if (!options.has(name)) return absent;
    double number = 0;
    if (!Poco::NumberParser::tryParseFloat(options.text(name), number) || !(number >= 0) ||
        number > maximum)
        throw UsageError("--" + std::string(name) + " takes a number from 0 on");
    return number;
}

BenchCommon benchCommon(const Options& options, double seconds)
{
    constexpr double kLongest = 1e6;
    BenchCommon common;
    auto& endpoint = common.endpoint;
    endpoint.host = options.text("host", endpoint.host);
    endpoint.tls = options.has("ssl");
    endpoint.caFile = options.text("cafile");
    endpoint.certFile = options.text("certfile");
    endpoint.keyFile = options.text("keyfile");
    if (endpoint.certFile.empty() != endpoint.keyFile.empty())
        throw UsageError("--certfile and --keyfile go together");
    if (!endpoint.tls && !(endpoint.caFile + endpoint.certFile).empty())
        throw UsageError("certificates are for --ssl");
    if (options.has("ws")) endpoint.webSocketPath = options.text("path", "/mqtt");
    else if (options.has("path")) throw UsageError("--path is for --ws");
    const int usualPort = options.has("ws") ? (endpoint.tls ? 8084 : 8083)
                          : endpoint.tls    ? 8883
                                            : 1883;
    endpoint.port = static_cast<std::uint16_t>(options.number("port", usualPort, 1, 65'535));
    endpoint.sources = static_cast<unsigned>(options.number("sources", 1, 1, 250));

    auto& terms = common.terms;
    terms.version = static_cast<ProtocolVersion>(options.number("version", 5, 3, 5));
    terms.keepAliveSeconds =
        static_cast<std::uint16_t>(options.number("keepalive", 300, 0, 65'535));
    terms.cleanStart = options.truth("clean", true);
    terms.sessionExpirySeconds =
        static_cast<std::uint32_t>(options.number("session-expiry", 0, 0, 0xFFFFFFFF));
    if (options.has("user")) terms.userName = options.text("user");
    if (options.has("password")) terms.password = options.text("password");
    if (terms.password && !terms.userName && terms.version != ProtocolVersion::v5_0)
        throw UsageError("before MQTT 5.0 a --password needs a --user");

    common.idPrefix = options.text("identifier", "bench" + std::to_string(::getpid()));
    common.seconds = decimalOption(options, "seconds", seconds, kLongest);
    common.brokerProcess = static_cast<pid_t>(options.number("broker-pid", 0, 1, 1 << 30));
    return common;
}

} // namespace nanomq::ctl
