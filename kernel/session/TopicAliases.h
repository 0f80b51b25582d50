#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace nanomq
{

/// How a PUBLISH that goes out makes use of a Topic Alias.
struct TopicAliasUse
{
    std::uint16_t alias = 0; // 0: not at all
    bool isSet = false;      // the client knows it already: the Topic Name is left out
};

/// The Topic Aliases that the broker has set on one Network Connection (§3.3.2.3.4).
///
/// The first topics with names long enough to be worth it get one each; none is ever set anew, so
/// a topic that comes later goes without. Thread: the holder of the outbound lock.
class TopicAliases
{
public:
    /// Shorter names gain nothing that could be measured; longer ones would cost memory.
    static constexpr std::size_t kShortestName = 16, kLongestName = 1024; // bytes
    static constexpr std::uint16_t kMost = 64;

    /// @param maximum  the client's Topic Alias Maximum; more than kMost are not used.
    explicit TopicAliases(std::uint16_t maximum) noexcept;

    /// The alias for a message on this topic, which the caller sends before it asks again.
    /// @param maySet  whether the packet may become longer by what it takes to set an alias.
    TopicAliasUse use(std::string_view topicName, bool maySet);

private:
    struct Hash
    {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept
        {
            return std::hash<std::string_view>()(text);
        }
    };

    std::unordered_map<std::string, std::uint16_t, Hash, std::equal_to<>> _aliases;
    const std::uint16_t _maximum;
};

} // namespace nanomq
