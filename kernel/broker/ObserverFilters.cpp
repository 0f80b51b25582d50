#include "broker/ObserverFilters.h"

namespace nanomq
{

bool ObserverFilters::insert(std::string_view topicFilter, std::uint32_t observer)
{
    const auto filter = TopicFilter::parse(topicFilter);
    if (!filter || filter->isShared()) return false;
    _index.insert(*filter, observer, SubscriptionOptions(QoS::ExactlyOnce));
    return true;
}

void ObserverFilters::remove(std::string_view topicFilter, std::uint32_t observer)
{
    const auto filter = TopicFilter::parse(topicFilter);
    if (!filter) return;
    if (const auto id = _index.find(*filter)) _index.remove(*id, observer);
}

bool ObserverFilters::matches(std::string_view topicFilter, std::string_view topic) const
{
    return nanomq::matches(topicFilter, topic);
}

} // namespace nanomq
