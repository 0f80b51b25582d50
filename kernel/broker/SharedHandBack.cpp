#include "broker/SharedHandBack.h"

#include <algorithm>

namespace nanomq
{

namespace
{

constexpr std::size_t kMessagesPerSlice = 1000;

} // namespace

bool SharedHandBack::runSlice()
{
    const std::size_t end = std::min(_left.size(), _next + kMessagesPerSlice);
    for (; _next < end; ++_next)
    {
        _worker.handBack(_left[_next]);
        _left[_next].message = {};
        _worker.loop().flushIfMuch();
    }
    return !done();
}

} // namespace nanomq
