#include "wire/ForwardedProperties.h"

namespace nanomq
{

namespace
{

constexpr std::uint64_t bit(PropertyId id) noexcept
{
    return std::uint64_t{1} << static_cast<unsigned>(id);
}

constexpr std::uint64_t kLeftOut =
    bit(PropertyId::TopicAlias) | bit(PropertyId::MessageExpiryInterval) |
    bit(PropertyId::SubscriptionIdentifier) | bit(PropertyId::WillDelayInterval);

} // namespace

ByteView forwardedProperties(const Properties& properties, std::vector<std::uint8_t>& scratch)
{
    if ((properties.present & kLeftOut) == 0) return properties.raw;
    scratch.clear();
    if ((properties.present & ~kLeftOut) == 0) return {};
    for (PropertyReader property(properties.raw); property.next();)
    {
        if (bit(property.id()) & kLeftOut) continue;
        const ByteView encoded = property.encoded();
        scratch.insert(scratch.end(), encoded.begin(), encoded.end());
    }
    return scratch;
}

} // namespace nanomq
