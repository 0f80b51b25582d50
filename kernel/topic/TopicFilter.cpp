#include "topic/TopicFilter.h"

#include "topic/Levels.h"

namespace nanomq
{

namespace
{

constexpr std::string_view kSharePrefix = "$share/";

} // namespace

Decoded<TopicFilter> TopicFilter::parse(std::string_view text) noexcept
{
    TopicFilter parsed;
    if (text.size() > kMaxTopicBytes || text.find('\0') != std::string_view::npos)
        return ReasonCode::TopicFilterInvalid;
    parsed._text = text;
    parsed._filter = text;
    if (text.starts_with(kSharePrefix))
    {
        const auto rest = text.substr(kSharePrefix.size());
        const auto slash = rest.find('/');
        if (slash == std::string_view::npos) return ReasonCode::TopicFilterInvalid;
        parsed._shareName = rest.substr(0, slash);
        parsed._filter = rest.substr(slash + 1);
        if (parsed._shareName.empty() ||
            parsed._shareName.find_first_of("+#") != std::string_view::npos)
            return ReasonCode::TopicFilterInvalid;
    }
    if (parsed._filter.empty()) return ReasonCode::TopicFilterInvalid; // [MQTT-4.7.3-1]

    std::size_t count = 0;
    for (Levels levels(parsed._filter); !levels.atEnd(); levels.next())
    {
        if (++count > kMaxTopicLevels) return ReasonCode::TopicFilterInvalid;
        const auto level = levels.level();
        if (level.find_first_of("+#") == std::string_view::npos) continue;
        if (level.size() != 1) return ReasonCode::TopicFilterInvalid;
        if (level == "#" && levels.end() != parsed._filter.size())
            return ReasonCode::TopicFilterInvalid;
        parsed._hasWildcard = true;
    }
    return parsed;
}

bool matches(std::string_view filter, std::string_view topicName) noexcept
{
    Levels wanted(filter);
    Levels found(topicName);
    // At the root only: on deeper levels '$' is an ordinary character [MQTT-4.7.2-1].
    if (topicName.starts_with('$') && (wanted.level() == "#" || wanted.level() == "+"))
        return false;
    for (; !wanted.atEnd(); wanted.next(), found.next())
    {
        if (wanted.level() == "#") return true; // the parent level, too (§4.7.1.2)
        if (found.atEnd()) return false;
        if (wanted.level() != "+" && wanted.level() != found.level()) return false;
    }
    return found.atEnd();
}

} // namespace nanomq
