// Linked into the broker `nanomq_without_grace` in the place of Quiescence::synchronize(): no grace
// period passes. The storm must break that broker; else it would prove nothing about ours.

#include "base/Quiescence.h"

extern "C" std::optional<nanomq::Quiescence::ReaderId>
__wrap__ZN6nanomq10Quiescence11synchronizeENSt6chrono8durationIlSt5ratioILl1ELl1000EEEE(
    nanomq::Quiescence*, std::chrono::milliseconds)
{
    return std::nullopt;
}
