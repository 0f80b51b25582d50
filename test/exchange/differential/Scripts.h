#pragma once

#include "differential/Stage.h"

#include <span>

namespace nanomq::test
{

/// A dialogue that all brokers must answer alike.
struct Script
{
    const char* name;
    ProtocolVersion from; // the oldest version it can be held in
    void (*play)(Stage& stage);
};

std::span<const Script> scripts() noexcept;

} // namespace nanomq::test
