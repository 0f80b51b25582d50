#pragma once

namespace nanomq
{

/// How many steps of TLS handshakes a worker takes in one turn of its loop. One costs some
/// hundred microseconds, so a thousand clients that come back at once would hold up those that
/// are there; with this they wait for the next turns instead. Thread: [worker].
class HandshakeBudget
{
public:
    static constexpr unsigned kPerTurn = 32;

    void beginTurn() noexcept { _left = kPerTurn; }
    /// Takes one step; false when this turn has none left.
    bool take() noexcept
    {
        if (_left == 0) return false;
        --_left;
        return true;
    }

private:
    unsigned _left = kPerTurn;
};

} // namespace nanomq
