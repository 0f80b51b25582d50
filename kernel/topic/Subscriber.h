#pragma once

#include "wire/Packets.h"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace nanomq
{

/// Who a subscription belongs to: a session's slot or, with kObserverBit, an observer filter's
/// entry in the hook table (below kNoSubscriber).
using SubscriberId = std::uint32_t;
inline constexpr SubscriberId kObserverBit = 0x8000'0000;
/// Stands where a subscriber was removed; whoever walks over subscribers skips it.
inline constexpr SubscriberId kNoSubscriber = 0xFFFF'FFFF;

/// The Subscription Options that matter when a message is routed (§3.8.3.1), and the
/// Subscription Identifier (§3.8.2.1.2), in 32 bits.
class SubscriptionOptions
{
public:
    constexpr SubscriptionOptions() noexcept = default;
    constexpr explicit SubscriptionOptions(QoS maximumQoS) noexcept
        : _bits(static_cast<std::uint32_t>(maximumQoS))
    {
    }
    static constexpr SubscriptionOptions fromBits(std::uint32_t bits) noexcept
    {
        SubscriptionOptions options;
        options._bits = bits;
        return options;
    }

    constexpr SubscriptionOptions& setNoLocal(bool on) noexcept { return set(kNoLocal, on); }
    constexpr SubscriptionOptions& setRetainAsPublished(bool on) noexcept
    {
        return set(kRetainAsPublished, on);
    }
    /// @param identifier  1 to 268,435,455; 0: none.
    constexpr SubscriptionOptions& setSubscriptionIdentifier(std::uint32_t identifier) noexcept
    {
        _bits = (_bits & kFlags) | (identifier << kIdentifierShift);
        return *this;
    }

    constexpr QoS maximumQoS() const noexcept { return static_cast<QoS>(_bits & kQoS); }
    constexpr bool noLocal() const noexcept { return _bits & kNoLocal; }
    constexpr bool retainAsPublished() const noexcept { return _bits & kRetainAsPublished; }
    /// 0: none.
    constexpr std::uint32_t subscriptionIdentifier() const noexcept
    {
        return _bits >> kIdentifierShift;
    }
    constexpr std::uint32_t bits() const noexcept { return _bits; }

    bool operator==(const SubscriptionOptions&) const = default;

private:
    static constexpr std::uint32_t kQoS = 3, kNoLocal = 4, kRetainAsPublished = 8, kFlags = 15;
    static constexpr unsigned kIdentifierShift = 4;

    constexpr SubscriptionOptions& set(std::uint32_t flag, bool on) noexcept
    {
        _bits = on ? _bits | flag : _bits & ~flag;
        return *this;
    }

    std::uint32_t _bits = 0;
};

/// One subscription as routing sees it.
struct Subscriber
{
    SubscriberId id = kNoSubscriber;
    SubscriptionOptions options;

    static constexpr Subscriber fromWord(std::uint64_t word) noexcept
    {
        return {static_cast<std::uint32_t>(word),
                SubscriptionOptions::fromBits(static_cast<std::uint32_t>(word >> 32))};
    }
    constexpr std::uint64_t word() const noexcept
    {
        return std::uint64_t{options.bits()} << 32 | id;
    }
    bool operator==(const Subscriber&) const = default;
};

/// The subscribers of one filter, in place: each is loaded when it is looked at, since writers go
/// on changing the list. Holds kNoSubscriber where one was removed. Valid until the reader's next
/// quiescent point.
class SubscriberSpan
{
public:
    class Iterator
    {
    public:
        explicit Iterator(const std::atomic<std::uint64_t>* at) noexcept : _at(at) {}
        Subscriber operator*() const noexcept
        {
            return Subscriber::fromWord(_at->load(std::memory_order_acquire));
        }
        Iterator& operator++() noexcept
        {
            ++_at;
            return *this;
        }
        bool operator==(const Iterator&) const = default;

    private:
        const std::atomic<std::uint64_t>* _at;
    };

    SubscriberSpan() noexcept = default;
    SubscriberSpan(const std::atomic<std::uint64_t>* first, std::uint32_t count) noexcept
        : _first(first),
          _count(count)
    {
    }

    std::uint32_t size() const noexcept { return _count; }
    bool empty() const noexcept { return _count == 0; }
    /// Requires: `index` < size().
    Subscriber operator[](std::uint32_t index) const noexcept { return *Iterator(_first + index); }
    Iterator begin() const noexcept { return Iterator(_first); }
    Iterator end() const noexcept { return Iterator(_first + _count); }

private:
    const std::atomic<std::uint64_t>* _first = nullptr;
    std::uint32_t _count = 0;
};

} // namespace nanomq
