#include "topic/MatchSet.h"

namespace nanomq
{

MatchSet::MatchSet()
{
    _lists.reserve(64);
    _groups.reserve(16);
}

} // namespace nanomq
