#pragma once

#include "broker/Worker.h"

#include <vector>

namespace nanomq
{

/// Gives other members of a Shared Subscription what a session had not delivered when it ended
/// (§4.8.2), a slice per turn. Thread: [worker].
class SharedHandBack final : public Worker::Recurring
{
public:
    SharedHandBack(Worker& worker, std::vector<Delivery> left) noexcept
        : _worker(worker),
          _left(std::move(left))
    {
    }

    bool runSlice() override;
    bool done() const noexcept { return _next == _left.size(); }

private:
    Worker& _worker;
    std::vector<Delivery> _left;
    std::size_t _next = 0;
};

} // namespace nanomq
