#include "base/Quiescence.h"

#include <Poco/Exception.h>
#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

namespace nanomq
{

namespace
{

using std::chrono::milliseconds;

/// Counts how many of its kind are left.
struct Tracked
{
    explicit Tracked(int& alive) : count(alive) { ++count; }
    ~Tracked() { --count; }
    int& count;
};

} // namespace

class QuiescenceTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(QuiescenceTest);
    CPPUNIT_TEST(freesAtOnceWhenNobodyReads);
    CPPUNIT_TEST(keepsWhatAReaderMayHold);
    CPPUNIT_TEST(readersThatCameLaterHoldNothingUp);
    CPPUNIT_TEST(freesInTheOrderRetired);
    CPPUNIT_TEST(countsRetiredBytes);
    CPPUNIT_TEST(freeingMayRetireMore);
    CPPUNIT_TEST(itsEndFreesTheRest);
    CPPUNIT_TEST(namesTheReaderThatMissedTheDeadline);
    CPPUNIT_TEST(aGracePeriodPassesWithoutOldReaders);
    CPPUNIT_TEST(hasRoomFor64Readers);
    CPPUNIT_TEST(neverFreesWhatAReaderLooksAt);
    CPPUNIT_TEST_SUITE_END();

public:
    void freesAtOnceWhenNobodyReads()
    {
        retire();
        CPPUNIT_ASSERT_EQUAL_MESSAGE("not before reclaim()", 1, _alive);
        _quiescence.reclaim();
        CPPUNIT_ASSERT_EQUAL(0, _alive);
    }

    void keepsWhatAReaderMayHold()
    {
        const auto reader = _quiescence.join();
        _quiescence.online(reader);
        retire();
        _quiescence.reclaim();
        CPPUNIT_ASSERT_EQUAL(1, _alive);
        _quiescence.quiescent(reader);
        _quiescence.reclaim();
        CPPUNIT_ASSERT_EQUAL(0, _alive);

        retire();
        _quiescence.reclaim();
        CPPUNIT_ASSERT_EQUAL_MESSAGE("still online", 1, _alive);
        _quiescence.offline(reader);
        _quiescence.reclaim();
        CPPUNIT_ASSERT_EQUAL(0, _alive);
    }

    void readersThatCameLaterHoldNothingUp()
    {
        const auto reader = _quiescence.join();
        retire();
        _quiescence.online(reader);
        _quiescence.reclaim();
        CPPUNIT_ASSERT_EQUAL(0, _alive);
        _quiescence.leave(reader);
    }

    void freesInTheOrderRetired()
    {
        const auto first = _quiescence.join();
        const auto second = _quiescence.join();
        _quiescence.online(first);
        retire();
        _quiescence.online(second);
        retire();
        _quiescence.offline(first);
        _quiescence.reclaim();
        CPPUNIT_ASSERT_EQUAL_MESSAGE("the second reader can hold the second only", 1, _alive);
        _quiescence.leave(second);
        _quiescence.reclaim();
        CPPUNIT_ASSERT_EQUAL(0, _alive);
    }

    void countsRetiredBytes()
    {
        const auto reader = _quiescence.join();
        _quiescence.online(reader);
        retire();
        _quiescence.retire(
            nullptr, [](void*) {}, 1000);
        CPPUNIT_ASSERT_EQUAL(sizeof(Tracked) + 1000, _quiescence.retiredBytes());
        _quiescence.leave(reader);
        _quiescence.reclaim();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _quiescence.retiredBytes());
    }

    void freeingMayRetireMore()
    {
        retireChain();
        _quiescence.reclaim();
        CPPUNIT_ASSERT_EQUAL(1, _alive);
        _quiescence.reclaim();
        CPPUNIT_ASSERT_EQUAL(0, _alive);
    }

    void itsEndFreesTheRest()
    {
        int alive = 0;
        {
            Quiescence quiescence;
            quiescence.retire(std::make_unique<Tracked>(alive).release());
            quiescence.retire(std::make_unique<Tracked>(alive).release());
        }
        CPPUNIT_ASSERT_EQUAL(0, alive);
    }

    void namesTheReaderThatMissedTheDeadline()
    {
        const auto other = _quiescence.join();
        const auto reader = _quiescence.join();
        _quiescence.online(reader);
        const auto late = _quiescence.synchronize(milliseconds(1));
        CPPUNIT_ASSERT(late.has_value());
        CPPUNIT_ASSERT_EQUAL(reader, *late);
        _quiescence.leave(other);
        _quiescence.leave(reader);
    }

    void aGracePeriodPassesWithoutOldReaders()
    {
        const auto reader = _quiescence.join();
        std::atomic<bool> stop{false};
        std::thread worker([&] {
            while (!stop.load())
            {
                _quiescence.online(reader);
                _quiescence.offline(reader);
            }
        });
        const auto late = _quiescence.synchronize(std::chrono::seconds(10));
        stop.store(true);
        worker.join();
        CPPUNIT_ASSERT(!late.has_value());
    }

    void hasRoomFor64Readers()
    {
        std::vector<Quiescence::ReaderId> readers;
        for (unsigned i = 0; i < Quiescence::kMaxReaders; ++i)
            readers.push_back(_quiescence.join());
        CPPUNIT_ASSERT_THROW(_quiescence.join(), Poco::RangeException);
        _quiescence.leave(readers[17]);
        CPPUNIT_ASSERT_EQUAL(17U, _quiescence.join());
    }

    /// Two readers and a writer that also frees. What was freed is marked and kept, so that a
    /// reader that meets it sees the mark; the mark is plain, so that TSan sees a missing order.
    void neverFreesWhatAReaderLooksAt()
    {
        struct Node
        {
            int state = kAlive;
        };
        constexpr int kWrites = 20'000;
        std::vector<Node> nodes(kWrites + 1);
        std::atomic<Node*> shared{&nodes[0]};
        std::atomic<bool> stop{false};
        std::atomic<long> looks{0};
        std::atomic<int> dead{0};
        std::vector<std::thread> readers;
        for (int r = 0; r < 2; ++r)
            readers.emplace_back([&] {
                const auto reader = _quiescence.join();
                while (!stop.load(std::memory_order_relaxed))
                {
                    _quiescence.online(reader);
                    for (int turn = 0; turn < 4; ++turn)
                    {
                        const Node* const node = shared.load(std::memory_order_acquire);
                        for (int look = 0; look < 8; ++look)
                        {
                            if (node->state != kAlive) dead.fetch_add(1);
                            if (look == 4 && turn == 1) std::this_thread::yield();
                        }
                        _quiescence.quiescent(reader);
                    }
                    _quiescence.offline(reader);
                    looks.fetch_add(1, std::memory_order_relaxed);
                }
                _quiescence.leave(reader);
            });
        for (int write = 1; write <= kWrites; ++write)
        {
            Node* const old =
                shared.exchange(&nodes[static_cast<std::size_t>(write)], std::memory_order_acq_rel);
            _quiescence.retire(old, [](void* node) { static_cast<Node*>(node)->state = kFreed; });
            _quiescence.reclaim();
            if (write % 64 == 0) std::this_thread::yield();
        }
        while (looks.load(std::memory_order_relaxed) < 100) std::this_thread::yield();
        stop.store(true);
        for (auto& reader : readers) reader.join();
        _quiescence.reclaim();
        CPPUNIT_ASSERT_EQUAL(0, dead.load());
        int freed = 0;
        for (const auto& node : nodes) freed += node.state == kFreed ? 1 : 0;
        CPPUNIT_ASSERT_EQUAL(kWrites, freed);
    }

private:
    static constexpr int kAlive = 1, kFreed = 2;

    void retire() { _quiescence.retire(std::make_unique<Tracked>(_alive).release()); }
    void retireChain()
    {
        ++_alive;
        _quiescence.retire(this, [](void* self) {
            auto& test = *static_cast<QuiescenceTest*>(self);
            --test._alive;
            test.retire();
        });
    }

    Quiescence _quiescence;
    int _alive = 0;
};

CPPUNIT_TEST_SUITE_REGISTRATION(QuiescenceTest);

} // namespace nanomq
