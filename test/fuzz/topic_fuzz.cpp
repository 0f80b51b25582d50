// The subscription index against the plain definition of §4.7, over any order of subscribing,
// unsubscribing and matching. Each line is one step: its first byte chooses which, and for whom.

#include "Fuzz.h"
#include "topic/SubscriptionIndex.h"
#include "topic/TopicFilter.h"
#include "topic/TopicName.h"
#include "wire/Utf8.h"

#include <map>
#include <set>
#include <string>
#include <utility>

namespace
{

using namespace nanomq;
using fuzz::require;

constexpr SubscriberId kSubscribers = 8;
constexpr std::size_t kMaximumSteps = 64;

class Comparison
{
public:
    ~Comparison()
    {
        while (!_model.empty())
        {
            const auto [text, subscriber] = _model.begin()->first;
            unsubscribe(text, subscriber);
        }
        require(_index.filters() == 0 && _index.subscriptions() == 0, "an empty index is not empty");
        require(_index.sharedSubscriptions() == 0, "an empty index counts shared subscriptions");
        _quiescence.leave(_reader);
    }

    void subscribe(const std::string& text, SubscriberId subscriber)
    {
        const auto filter = TopicFilter::parse(text);
        if (!filter) return;
        const SubscriptionOptions options(static_cast<QoS>(subscriber % 3));
        const auto inserted = _index.insert(*filter, subscriber, options);
        const bool isNew = _model.emplace(std::pair(text, subscriber), inserted.filter).second;
        require(inserted.existed != isNew, "existed is wrong");
        require(_index.find(*filter) == inserted.filter, "does not find what it has");
        require(_index.text(inserted.filter) == text, "does not know its text");
    }

    void unsubscribe(const std::string& text, SubscriberId subscriber)
    {
        const auto found = _model.find({text, subscriber});
        if (found == _model.end()) return;
        const bool last = _index.remove(found->second, subscriber);
        _model.erase(found);
        const auto next = _model.lower_bound({text, 0});
        require(last == (next == _model.end() || next->first.first != text), "last is wrong");
    }

    void match(std::string_view topicName)
    {
        if (!isValidTopicName(topicName)) return;
        std::multiset<SubscriberId> expected;
        std::multimap<std::string, SubscriberId> expectedShared;
        for (const auto& [key, id] : _model)
        {
            const auto filter = TopicFilter::parse(key.first);
            if (!matches(*filter, topicName)) continue;
            if (filter->isShared()) expectedShared.emplace(key.first, key.second);
            else expected.insert(key.second);
        }
        _quiescence.online(_reader);
        _matched.clear();
        _index.match(topicName, _matched);
        std::multiset<SubscriberId> found;
        for (const auto& list : _matched.lists())
            for (const Subscriber one : list)
                if (one.id != kNoSubscriber) found.insert(one.id);
        std::size_t shared = 0;
        for (const auto* group : _matched.groups())
            for (const Subscriber one : group->members()) shared += one.id != kNoSubscriber;
        _quiescence.offline(_reader);
        require(found == expected, "matches other subscribers than the definition");
        require(shared == expectedShared.size(), "matches other members than the definition");
        _quiescence.reclaim();
    }

private:
    Quiescence _quiescence;
    SubscriptionIndex _index{_quiescence};
    const Quiescence::ReaderId _reader = _quiescence.join();
    std::map<std::pair<std::string, SubscriberId>, FilterId> _model;
    MatchSet _matched;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    fuzz::Input input(data, size);
    Comparison comparison;
    for (std::size_t step = 0; step < kMaximumSteps && !input.done(); ++step)
    {
        const std::uint8_t choice = input.byte();
        const std::string text(input.line());
        if (text.size() > 65'535 || !isUtf8(text)) continue;
        const SubscriberId subscriber = choice / 3 % kSubscribers;
        switch (choice % 3)
        {
        case 0: comparison.subscribe(text, subscriber); break;
        case 1: comparison.unsubscribe(text, subscriber); break;
        case 2: comparison.match(text); break;
        }
    }
    return 0;
}
