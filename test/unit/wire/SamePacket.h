#pragma once

#include "wire/Packets.h"

namespace nanomq::test
{

/// Whether both hold the same properties with the same values, in the same order.
bool same(const Properties& a, const Properties& b);

/// Whether both say the same, field by field.
bool same(const Packet& a, const Packet& b);

} // namespace nanomq::test
