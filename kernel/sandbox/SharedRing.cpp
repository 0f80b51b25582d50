#include "sandbox/SharedRing.h"

#include <Poco/Exception.h>

#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

namespace nanomq
{

namespace
{

constexpr std::size_t kPage = 4096;
constexpr std::size_t kLengthBytes = 8; // keeps records aligned
constexpr std::uint64_t kStartOver = ~std::uint64_t{0};

constexpr std::size_t stepOf(std::size_t bytes) noexcept
{
    return kLengthBytes + (bytes + 7) / 8 * 8;
}

void signal(int event) noexcept
{
    const std::uint64_t one = 1;
    while (::write(event, &one, sizeof one) < 0 && errno == EINTR) {}
}

void drain(int event) noexcept
{
    std::uint64_t count = 0;
    while (::read(event, &count, sizeof count) < 0 && errno == EINTR) {}
}

} // namespace

SharedRing::SharedRing(int memory, unsigned index, int ready, int room) : _ready(ready), _room(room)
{
    void* const mapped = ::mmap(nullptr, kMapped, PROT_READ | PROT_WRITE, MAP_SHARED, memory,
                                static_cast<off_t>(index * kMapped));
    if (mapped == MAP_FAILED)
        throw Poco::SystemException(std::string("mapping shared memory: ") + std::strerror(errno));
    _header = static_cast<SharedRingHeader*>(mapped); // memory of zeroes is a valid, empty ring
    _data = static_cast<std::uint8_t*>(mapped) + kPage;
}

SharedRing::~SharedRing()
{
    ::munmap(_header, kMapped);
}

std::optional<SharedRing::Place> SharedRing::placeFor(std::size_t bytes) const noexcept
{
    const std::uint64_t head = _header->head.load(std::memory_order_relaxed);
    const std::uint64_t used = head - _header->tail.load(std::memory_order_acquire);
    if (used > kBytes) return std::nullopt;
    const std::size_t step = stepOf(bytes);
    const std::size_t left = kBytes - head % kBytes;
    // What is skipped counts as used until the reader passes it, so it must not be much.
    const bool mayStartOver = used == 0 && left <= kBytes / 2 && left + step <= kBytes / 2;
    const Place place{head, left < step || mayStartOver ? left : 0};
    if (kBytes - used < step + place.skipped) return std::nullopt;
    return place;
}

bool SharedRing::push(ByteView record)
{
    if (record.size() > kMaxRecord) return false;
    std::lock_guard guard(_mutex);
    const auto place = placeFor(record.size());
    if (!place) return false;
    std::uint64_t head = place->head;
    if (place->skipped > 0) std::memcpy(_data + head % kBytes, &kStartOver, sizeof kStartOver);
    head += place->skipped;
    const std::uint64_t size = record.size();
    std::memcpy(_data + head % kBytes, &size, sizeof size);
    std::memcpy(_data + head % kBytes + kLengthBytes, record.data(), record.size());
    _header->head.exchange(head + stepOf(record.size()));
    if (_header->readerSleeps.load() != 0 && _header->readerSleeps.exchange(0) != 0) signal(_ready);
    return true;
}

void SharedRing::waitForRoom(std::size_t bytes, std::chrono::milliseconds most)
{
    _header->writerSleeps.exchange(1);
    if (placeFor(bytes)) return;
    pollfd room{_room, POLLIN, 0};
    if (::poll(&room, 1, static_cast<int>(most.count())) == 1) drain(_room);
}

void SharedRing::skipBegun()
{
    std::lock_guard guard(_mutex);
    const std::uint64_t tail = _header->tail.load();
    const std::uint64_t head = _header->head.load();
    if (head - tail > kBytes || tail % 8 != 0) return _header->tail.store(head);
    if (_header->begun.exchange(0) != tail + 1 || head == tail) return;
    std::uint64_t size = 0;
    std::memcpy(&size, _data + tail % kBytes, sizeof size);
    const std::uint64_t next = tail + stepOf(size);
    _header->tail.store(size <= kMaxRecord && next - tail <= head - tail ? next : head);
}

void SharedRing::clear()
{
    std::lock_guard guard(_mutex);
    _header->begun.store(0);
    _header->tail.store(_header->head.load());
}

bool SharedRing::empty() const noexcept
{
    return _header->head.load() == _header->tail.load();
}

std::optional<ByteView> SharedRing::front()
{
    for (;;)
    {
        const std::uint64_t tail = _header->tail.load(std::memory_order_relaxed);
        if (tail == _header->head.load(std::memory_order_acquire)) return std::nullopt;
        std::uint64_t size = 0;
        std::memcpy(&size, _data + tail % kBytes, sizeof size);
        if (size == kStartOver)
        {
            _header->tail.store(tail + kBytes - tail % kBytes, std::memory_order_release);
            continue;
        }
        _step = stepOf(size);
        _header->begun.store(tail + 1);
        return ByteView(_data + tail % kBytes + kLengthBytes, size);
    }
}

void SharedRing::pop()
{
    _header->begun.store(0);
    const std::uint64_t tail = _header->tail.load(std::memory_order_relaxed) + _step;
    _header->tail.exchange(tail);
    // A writer that waits is woken for more than one record's room.
    if (_header->head.load() - tail <= kBytes / 2 && _header->writerSleeps.load() != 0 &&
        _header->writerSleeps.exchange(0) != 0)
        signal(_room);
}

void SharedRing::wait()
{
    _header->readerSleeps.exchange(1);
    if (!empty()) return;
    pollfd ready{_ready, POLLIN, 0};
    if (::poll(&ready, 1, -1) == 1) drain(_ready);
}

} // namespace nanomq
