#pragma once

#include "support/BrokerProcess.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <cppunit/TestFixture.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace rest_api::test
{

/// A broker with the REST API on a free port of loopback, and somebody who calls it.
class RestFixture : public CppUnit::TestFixture
{
public:
    void tearDown() override;

protected:
    struct Answer
    {
        int status = 0;
        std::string type;
        std::string body;
        std::map<std::string, std::string> headers;

        /// Requires: the body is an object.
        Poco::JSON::Object::Ptr json() const;
        Poco::JSON::Array::Ptr data() const { return json()->getArray("data"); }
        int code() const { return json()->getValue<int>("code"); }
    };
    struct Call
    {
        std::string method = "GET";
        std::string path;
        std::string body{};
        std::string user = "admin";
        std::string password = "public";
        std::map<std::string, std::string> headers{};
    };

    /// @param more  lines of rest_api.conf.
    void start(const std::string& more = {});
    nanomq::test::BrokerProcess& broker() noexcept { return *_broker; }
    std::uint16_t httpPort();

    Answer call(const Call& call);
    Answer get(const std::string& path) { return call({.path = path}); }
    Answer post(const std::string& path, const std::string& body)
    {
        return call({.method = "POST", .path = path, .body = body});
    }
    /// Status and code of a refusal: "400/108".
    std::string refusal(const Call& wish);

    /// Writes bytes as they are, and reads until the server closes.
    std::string raw(const std::string& bytes);

private:
    std::unique_ptr<nanomq::test::BrokerProcess> _broker;
    std::uint16_t _port = 0;
};

} // namespace rest_api::test
