#pragma once

#include "base/Bytes.h"
#include "base/Clock.h"
#include "base/Counted.h"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <vector>

namespace nanomq
{

class OutputBuffer;

/// A piece of output: either bytes of its own, or a view into something shared.
struct OutputChunk
{
    static constexpr std::size_t kSize = 4096;

    OutputChunk* next;
    const std::uint8_t* data; // own storage behind the header, or into `owner`
    std::uint32_t begin;      // first byte not sent yet
    std::uint32_t end;        // one past the last byte
    std::uint32_t capacity;   // shared: the same as `end`, so that nothing can be appended
    Ref<const Counted> owner; // keeps shared bytes alive

    std::uint8_t* storage() noexcept { return reinterpret_cast<std::uint8_t*>(this + 1); }
    std::size_t room() const noexcept { return capacity - end; }
    bool isShared() noexcept { return data != storage(); }
};

/// What one worker produces in one turn of its loop: the buffers it wrote to, which it flushes
/// at the end of the turn, and the chunks it builds them of. Thread: [worker].
class OutputTurn
{
public:
    /// @param worker  0 to 31; its bit marks a buffer as being in this worker's list.
    explicit OutputTurn(unsigned worker) : _bit(std::uint32_t{1} << worker)
    {
        _free.reserve(kKeptChunks);
    }
    ~OutputTurn();
    OutputTurn(const OutputTurn&) = delete;
    OutputTurn& operator=(const OutputTurn&) = delete;

    std::uint32_t bit() const noexcept { return _bit; }

    /// The time of this turn: read once, good for all that happens in it.
    MonotonicMs now() const noexcept { return _now; }
    void begin(MonotonicMs now) noexcept { _now = now; }

    /// Bytes appended to any buffer since the last call of flushed().
    std::size_t appended() const noexcept { return _appended; }
    void flushed() noexcept { _appended = 0; }

    /// Bytes this worker has given to sockets, since it was made. Reading: [any].
    std::uint64_t sent() const noexcept { return _sent.load(std::memory_order_relaxed); }
    void countSent(std::uint64_t bytes) noexcept
    {
        _sent.store(sent() + bytes, std::memory_order_relaxed); // one writer
    }

    /// The buffers written to since the last flush, each once.
    std::vector<OutputBuffer*>& dirty() noexcept { return _dirty; }

    OutputChunk* takeChunk();
    OutputChunk* takeShared(Ref<const Counted> owner, ByteView bytes);
    void giveBack(OutputChunk* chunk) noexcept;

private:
    friend class OutputBuffer;
    /// One for each buffer that a loop writes to before it flushes: 4 MiB, after a large fan-out.
    static constexpr std::size_t kKeptChunks = 1024;

    const std::uint32_t _bit;
    MonotonicMs _now = 0;
    std::size_t _appended = 0;
    std::atomic<std::uint64_t> _sent{0};
    std::vector<OutputBuffer*> _dirty;
    std::vector<OutputChunk*> _free;
};

/// Where more output comes from when a buffer has been sent: the session's queue.
class OutputSource
{
public:
    /// Appends what is waiting, as far as it may. Called under the buffer's lock.
    virtual void refill(OutputTurn& turn) = 0;

protected:
    ~OutputSource() = default;
};

/// Bytes on their way to one Network Connection.
///
/// Any worker appends, under the lock of the recipient's outbound side (every call here requires
/// that lock, see Outbound), and flushes at the end of its turn. An idle buffer owns no memory.
/// The buffer knows no sockets: Connection, which derives from it, sends.
class OutputBuffer
{
public:
    /// The most that extend() gives at once.
    static constexpr std::size_t kMaxExtend = OutputChunk::kSize - sizeof(OutputChunk);

    OutputBuffer() noexcept = default;
    OutputBuffer(const OutputBuffer&) = delete;
    OutputBuffer& operator=(const OutputBuffer&) = delete;

    /// Appends `size` bytes (1 to kMaxExtend) and returns where the caller writes all of them
    /// before it gives the lock back.
    std::uint8_t* extend(std::size_t size, OutputTurn& turn)
    {
        mark(turn);
        if (!_last || _last->room() < size) link(turn.takeChunk());
        std::uint8_t* const bytes = _last->storage() + _last->end;
        _last->end += static_cast<std::uint32_t>(size);
        _unsent += size;
        turn._appended += size;
        return bytes;
    }
    /// Appends a copy, of any length.
    void append(ByteView bytes, OutputTurn& turn);
    /// Appends by reference: `owner` keeps `bytes` alive until they are sent.
    void appendShared(Ref<const Counted> owner, ByteView bytes, OutputTurn& turn);
    /// Says that `size` of the bytes appended answer a packet of the client's own. While many of
    /// them wait, nothing more is read from it: see Connection.
    void countAnswer(std::size_t size) noexcept { setAnswers(answers() + size); }

    /// Asks `source` for more whenever output runs low; null: nobody.
    void setSource(OutputSource* source) noexcept { _source = source; }

    /// Bytes appended and not sent.
    std::size_t unsent() const noexcept { return _unsent; }
    /// The connection is gone: nothing may be appended any more.
    bool closed() const noexcept { return _closed; }
    /// The socket took no more; the owner's loop goes on when it does.
    bool blocked() const noexcept { return _blocked; }

protected:
    ~OutputBuffer() = default; // Connection clears it first

    void mark(OutputTurn& turn)
    {
        if (_dirtyOf & turn.bit()) return;
        turn.dirty().push_back(this);
        _dirtyOf |= turn.bit();
    }
    void unmark(const OutputTurn& turn) noexcept { _dirtyOf &= ~turn.bit(); }

    const OutputChunk* firstChunk() const noexcept { return _first; }
    /// Takes `size` sent bytes off the front.
    void consume(std::size_t size, OutputTurn& turn) noexcept;
    /// Throws away everything.
    void clear() noexcept;

    /// Bytes of answers appended since the output was last nearly empty. The owner may look
    /// without the lock.
    std::size_t answers() const noexcept { return _answers.load(std::memory_order_relaxed); }
    void setAnswers(std::size_t size) noexcept { _answers.store(size, std::memory_order_relaxed); }

    bool _closed = false;
    bool _blocked = false;
    bool _flushing = false; // some worker is in send(), without the lock
    OutputSource* _source = nullptr;

private:
    void link(OutputChunk* chunk) noexcept;

    std::uint32_t _dirtyOf = 0; // bits of the workers that have it in their list
    std::size_t _unsent = 0;
    std::atomic<std::size_t> _answers{0};
    OutputChunk* _first = nullptr;
    OutputChunk* _last = nullptr;
};

} // namespace nanomq
