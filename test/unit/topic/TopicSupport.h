#pragma once

#include "base/Quiescence.h"
#include "topic/TopicFilter.h"
#include "wire/Message.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

// What the tests of this folder share: a reader's turn, messages and random topics.

namespace nanomq
{

/// A reader slot, online as long as a Turn lives.
class Reader
{
public:
    explicit Reader(Quiescence& quiescence) : _quiescence(quiescence), _id(quiescence.join()) {}
    ~Reader() { _quiescence.leave(_id); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    class Turn
    {
    public:
        explicit Turn(Reader& reader) noexcept : _reader(reader)
        {
            _reader._quiescence.online(_reader._id);
        }
        ~Turn() { _reader._quiescence.offline(_reader._id); }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

    private:
        Reader& _reader;
    };

private:
    Quiescence& _quiescence;
    const Quiescence::ReaderId _id;
};

inline TopicFilter filter(std::string_view text)
{
    auto parsed = TopicFilter::parse(text);
    CPPUNIT_ASSERT_MESSAGE(std::string(text), static_cast<bool>(parsed));
    return *parsed;
}

inline MessageRef message(std::string_view topicName, std::string_view payload,
                          MonotonicMs expiresAt = kNever)
{
    MessageView view;
    view.topicName = topicName;
    view.payload = asBytes(payload);
    view.retain = true;
    view.expiresAt = expiresAt;
    return Message::make(view);
}

/// Topic Names and Topic Filters over a small alphabet, so that they meet often.
class RandomTopics
{
public:
    explicit RandomTopics(std::uint32_t seed) : _random(seed) {}

    std::size_t below(std::size_t limit) { return _random() % limit; }
    bool oneIn(std::size_t n) { return below(n) == 0; }

    std::string name()
    {
        for (;;)
        {
            std::string topic = level();
            for (std::size_t more = below(5); more > 0; --more) topic += '/' + level();
            if (!topic.empty()) return topic;
        }
    }
    std::string plainFilter()
    {
        for (;;)
        {
            std::string topic = oneIn(4) ? "+" : level();
            for (std::size_t more = below(4); more > 0; --more)
                topic += '/' + (oneIn(3) ? std::string("+") : level());
            if (oneIn(5)) topic = oneIn(4) ? "#" : topic + "/#";
            if (!topic.empty()) return topic;
        }
    }
    std::string anyFilter()
    {
        if (!oneIn(4)) return plainFilter();
        return (oneIn(2) ? "$share/one/" : "$share/two/") + plainFilter();
    }

private:
    std::string level()
    {
        static constexpr const char* kLevels[] = {
            "", "a", "b", "a", "$x", "b!", "alongerlevelname"};
        return kLevels[below(std::size(kLevels))];
    }

    std::mt19937 _random;
};

} // namespace nanomq
