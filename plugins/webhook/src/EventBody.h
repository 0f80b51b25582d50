#pragma once

#include "Json.h"
#include "nanomq/events.h"

#include <string>

// What goes out for an event: one compact JSON object with exactly the keys, and their order, that
// the README of this plugin lists. The bodies of client_connack, message_publish and
// client_disconnected are NanoMQ's to the byte; the others are EMQX 4.4's without `node`.
// A user name that was not given is "undefined", a client that is none is null. Thread: [any].

namespace webhook
{

std::string bodyOf(const nanomq::sdk::ClientConnect& event);
std::string bodyOf(const nanomq::sdk::ClientConnack& event);
std::string bodyOf(const nanomq::sdk::ClientConnected& event);
std::string bodyOf(const nanomq::sdk::ClientDisconnected& event);
std::string bodyOf(const nanomq::sdk::ClientSubscribe& event);
std::string bodyOf(const nanomq::sdk::ClientUnsubscribe& event);
std::string bodyOf(const nanomq::sdk::SessionSubscribed& event);
std::string bodyOf(const nanomq::sdk::SessionUnsubscribed& event);
std::string bodyOf(const nanomq::sdk::SessionTerminated& event);
std::string bodyOf(const nanomq::sdk::MessagePublished& event, PayloadEncoding encoding);
std::string bodyOf(const nanomq::sdk::MessageDelivered& event, PayloadEncoding encoding);
std::string bodyOf(const nanomq::sdk::MessageAcked& event, PayloadEncoding encoding);

} // namespace webhook
