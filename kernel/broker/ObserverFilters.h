#pragma once

#include "hook/HookBus.h"
#include "topic/SubscriptionIndex.h"

namespace nanomq
{

/// Puts the topic filters of plugins' observers into the subscription index, where they stand
/// among the subscriptions: a rule on webhook/msg/# costs other topics nothing. Thread: [any].
class ObserverFilters final : public TopicFilters
{
public:
    explicit ObserverFilters(SubscriptionIndex& index) noexcept : _index(index) {}

    bool insert(std::string_view topicFilter, std::uint32_t observer) override;
    void remove(std::string_view topicFilter, std::uint32_t observer) override;
    bool matches(std::string_view topicFilter, std::string_view topic) const override;

private:
    SubscriptionIndex& _index;
};

} // namespace nanomq
