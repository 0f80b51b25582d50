#include "TopicFilter.h"

namespace webhook
{

namespace
{

/// Takes the first level off; `more` tells whether another one follows.
std::string_view nextLevel(std::string_view& rest, bool& more) noexcept
{
    const auto slash = rest.find('/');
    const std::string_view level = rest.substr(0, slash);
    more = slash != std::string_view::npos;
    rest = more ? rest.substr(slash + 1) : std::string_view();
    return level;
}

} // namespace

bool isTopicFilter(std::string_view text) noexcept
{
    if (text.empty() || text.size() > 65'535 || text.find('\0') != std::string_view::npos)
        return false;
    for (bool more = true; more;)
    {
        const std::string_view level = nextLevel(text, more);
        if (level == "#") return !more;
        if (level != "+" && level.find_first_of("+#") != std::string_view::npos) return false;
    }
    return true;
}

bool matches(std::string_view filter, std::string_view topic) noexcept
{
    // A filter that starts with a wildcard does not see $SYS [MQTT-4.7.2-1].
    if (topic.starts_with('$') && !filter.starts_with('$')) return false;
    for (;;)
    {
        bool moreFilter = false;
        bool moreTopic = false;
        const std::string_view wanted = nextLevel(filter, moreFilter);
        if (wanted == "#") return true;
        const std::string_view level = nextLevel(topic, moreTopic);
        if (wanted != "+" && wanted != level) return false;
        if (!moreTopic) return !moreFilter || filter == "#"; // "sport/#" matches "sport" too
        if (!moreFilter) return false;
    }
}

} // namespace webhook
