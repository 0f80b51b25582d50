#include "base/OutputBuffer.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace nanomq
{

namespace
{

constexpr std::size_t kChunk = OutputBuffer::kMaxExtend;

/// A buffer whose sending side the test plays.
class Output final : public OutputBuffer
{
public:
    ~Output() { clear(); }
    using OutputBuffer::answers;
    using OutputBuffer::clear;
    using OutputBuffer::consume;
    using OutputBuffer::unmark;

    std::string content() const
    {
        std::string all;
        for (auto* chunk = firstChunk(); chunk; chunk = chunk->next)
            all += asText({chunk->data + chunk->begin, chunk->end - chunk->begin});
        return all;
    }
    int chunks() const
    {
        int count = 0;
        for (auto* chunk = firstChunk(); chunk; chunk = chunk->next) ++count;
        return count;
    }
    bool idle() const { return firstChunk() == nullptr; }
};

/// Bytes with many owners; counts those objects that are left.
class SharedBytes final : public Counted
{
public:
    SharedBytes(std::string text, int& alive) : _text(std::move(text)), _alive(alive) { ++_alive; }
    ~SharedBytes() override { --_alive; }
    ByteView bytes() const { return asBytes(_text); }

private:
    std::string _text;
    int& _alive;
};

std::string pattern(std::size_t size, char first)
{
    std::string text(size, ' ');
    std::iota(text.begin(), text.end(), first);
    return text;
}

} // namespace

class OutputBufferTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(OutputBufferTest);
    CPPUNIT_TEST(holdsWhatWasAppendedInOrder);
    CPPUNIT_TEST(fillsAChunkBeforeItTakesAnother);
    CPPUNIT_TEST(extendGivesBytesInOnePiece);
    CPPUNIT_TEST(sharesLargeBytesWithoutCopyingThem);
    CPPUNIT_TEST(writesBehindSharedBytesIntoAChunkOfItsOwn);
    CPPUNIT_TEST(releasesSharedBytesWhenTheyAreSent);
    CPPUNIT_TEST(consumesAcrossChunks);
    CPPUNIT_TEST(anIdleBufferOwnsNoMemory);
    CPPUNIT_TEST(standsOnceInTheListOfATurn);
    CPPUNIT_TEST(standsInTheListOfEachWorker);
    CPPUNIT_TEST(countsAppendedBytesForTheTurn);
    CPPUNIT_TEST(countsAnswers);
    CPPUNIT_TEST(behavesLikeAString);
    CPPUNIT_TEST_SUITE_END();

public:
    void holdsWhatWasAppendedInOrder()
    {
        append("ab");
        append("");
        append("c");
        CPPUNIT_ASSERT_EQUAL(std::string("abc"), _output.content());
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, _output.unsent());
    }

    void fillsAChunkBeforeItTakesAnother()
    {
        const std::string text = pattern(3 * kChunk + 5, 'a');
        append("x");
        append(text);
        CPPUNIT_ASSERT_EQUAL("x" + text, _output.content());
        CPPUNIT_ASSERT_EQUAL(4, _output.chunks());
    }

    void extendGivesBytesInOnePiece()
    {
        append(pattern(kChunk - 1, 'a'));
        std::uint8_t* const bytes = _output.extend(2, _turn);
        std::memcpy(bytes, "yz", 2);
        CPPUNIT_ASSERT_EQUAL(2, _output.chunks());
        CPPUNIT_ASSERT_EQUAL(pattern(kChunk - 1, 'a') + "yz", _output.content());
        std::memset(_output.extend(kChunk, _turn), '-', kChunk);
        CPPUNIT_ASSERT_EQUAL(3, _output.chunks());
    }

    void sharesLargeBytesWithoutCopyingThem()
    {
        const auto shared = share("large");
        _output.appendShared(shared, shared->bytes(), _turn);
        CPPUNIT_ASSERT_EQUAL(std::string("large"), _output.content());
        CPPUNIT_ASSERT_EQUAL(2U, shared->owners());
    }

    void writesBehindSharedBytesIntoAChunkOfItsOwn()
    {
        append("a");
        const auto shared = share(pattern(5000, '0'));
        _output.appendShared(shared, shared->bytes(), _turn);
        append("b");
        std::memcpy(_output.extend(2, _turn), "cd", 2);
        CPPUNIT_ASSERT_EQUAL("a" + pattern(5000, '0') + "bcd", _output.content());
        CPPUNIT_ASSERT_EQUAL(3, _output.chunks());
        CPPUNIT_ASSERT_EQUAL_MESSAGE("untouched", pattern(5000, '0'),
                                     std::string(asText(shared->bytes())));
    }

    void releasesSharedBytesWhenTheyAreSent()
    {
        auto shared = share("large");
        _output.appendShared(shared, shared->bytes(), _turn);
        shared = {};
        _output.consume(4, _turn);
        CPPUNIT_ASSERT_EQUAL(1, _alive);
        _output.consume(1, _turn);
        CPPUNIT_ASSERT_EQUAL(0, _alive);
        shared = share("again");
        _output.appendShared(shared, shared->bytes(), _turn);
        shared = {};
        _output.clear();
        CPPUNIT_ASSERT_EQUAL(0, _alive);
    }

    void consumesAcrossChunks()
    {
        const std::string text = pattern(4 * kChunk, 'A');
        append(text);
        std::size_t gone = 0;
        for (const std::size_t size :
             {std::size_t{1}, kChunk - 1, std::size_t{0}, kChunk + 7, 2 * kChunk - 8})
        {
            _output.consume(size, _turn);
            gone += size;
            CPPUNIT_ASSERT_EQUAL(text.substr(gone), _output.content());
            CPPUNIT_ASSERT_EQUAL(text.size() - gone, _output.unsent());
        }
        _output.consume(1, _turn);
        CPPUNIT_ASSERT(_output.idle());
        append("new");
        CPPUNIT_ASSERT_EQUAL(std::string("new"), _output.content());
    }

    void anIdleBufferOwnsNoMemory()
    {
        append(pattern(3 * kChunk, 'a'));
        _output.consume(3 * kChunk, _turn);
        CPPUNIT_ASSERT(_output.idle());
    }

    void standsOnceInTheListOfATurn()
    {
        append("a");
        append("b");
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, _turn.dirty().size());
        CPPUNIT_ASSERT(_turn.dirty().front() == &_output);
        _turn.dirty().clear();
        append("c");
        CPPUNIT_ASSERT_MESSAGE("not before it was flushed", _turn.dirty().empty());
        _output.unmark(_turn);
        append("d");
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, _turn.dirty().size());
    }

    void standsInTheListOfEachWorker()
    {
        OutputTurn other(31);
        append("a");
        _output.append(asBytes("b"), other);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, _turn.dirty().size());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, other.dirty().size());
        _output.consume(2, other); // its chunk came from the other worker
    }

    void countsAppendedBytesForTheTurn()
    {
        append("abc");
        const auto shared = share("large");
        _output.appendShared(shared, shared->bytes(), _turn);
        CPPUNIT_ASSERT_EQUAL(std::size_t{8}, _turn.appended());
        _turn.flushed();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _turn.appended());
    }

    void countsAnswers()
    {
        append("abcd");
        _output.countAnswer(4);
        append("message");
        append("abcd");
        _output.countAnswer(4);
        CPPUNIT_ASSERT_EQUAL(std::size_t{8}, _output.answers());
    }

    void behavesLikeAString()
    {
        std::mt19937 random(7);
        std::string expected;
        for (int step = 0; step < 5000; ++step)
        {
            const std::string text = pattern(random() % 6000, static_cast<char>('a' + step % 26));
            switch (random() % 4)
            {
            case 0:
                append(text);
                expected += text;
                break;
            case 1:
            {
                const auto shared = share(text);
                _output.appendShared(shared, shared->bytes(), _turn);
                expected += text;
                break;
            }
            default:
            {
                const std::size_t gone = std::min<std::size_t>(expected.size(), random() % 9000);
                _output.consume(gone, _turn);
                expected.erase(0, gone);
            }
            }
            CPPUNIT_ASSERT_EQUAL(expected.size(), _output.unsent());
            if (step % 50 == 0) CPPUNIT_ASSERT_EQUAL(expected, _output.content());
        }
    }

private:
    void append(std::string_view text) { _output.append(asBytes(text), _turn); }
    Ref<const SharedBytes> share(std::string text)
    {
        return Ref<const SharedBytes>::adopt(
            std::make_unique<SharedBytes>(std::move(text), _alive).release());
    }

    int _alive = 0;
    OutputTurn _turn{0};
    Output _output;
};

CPPUNIT_TEST_SUITE_REGISTRATION(OutputBufferTest);

} // namespace nanomq
