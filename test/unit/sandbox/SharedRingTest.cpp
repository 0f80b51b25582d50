#include "sandbox/SandboxProcess.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>
#include <string>
#include <thread>

namespace nanomq::sandbox::test
{

/// A ring between two threads; between two processes it is the same memory.
class SharedRingTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(SharedRingTest);
    CPPUNIT_TEST(givesRecordsInTheirOrder);
    CPPUNIT_TEST(hasRoomForSoMuchAndNoMore);
    CPPUNIT_TEST(hasRoomForManyWhereverItIsEmpty);
    CPPUNIT_TEST(skipsTheRecordThatWasBegun);
    CPPUNIT_TEST(losesNothingBetweenTwoThreads);
    CPPUNIT_TEST_SUITE_END();

    static std::string textOf(std::optional<ByteView> record)
    {
        return record ? std::string(asText(*record)) : "none";
    }
    std::string take()
    {
        const std::string text = textOf(_rings.events().front());
        if (text != "none") _rings.events().pop();
        return text;
    }
    bool give(const std::string& text) { return _rings.events().push(asBytes(text)); }

    SandboxRings _rings;

public:
    void givesRecordsInTheirOrder()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("none"), take());
        for (const char* text : {"one", "", "three and more than eight bytes"})
            CPPUNIT_ASSERT(give(text));
        CPPUNIT_ASSERT_EQUAL(std::string("one"), take());
        CPPUNIT_ASSERT_EQUAL(std::string(), take());
        CPPUNIT_ASSERT(give("four"));
        CPPUNIT_ASSERT_EQUAL(std::string("three and more than eight bytes"), take());
        CPPUNIT_ASSERT_EQUAL(std::string("four"), take());
        CPPUNIT_ASSERT_EQUAL(std::string("none"), take());
        CPPUNIT_ASSERT(_rings.events().empty());
    }

    void hasRoomForSoMuchAndNoMore()
    {
        const std::string large(SharedRing::kMaxRecord, 'x');
        CPPUNIT_ASSERT(!give(large + 'x'));
        for (int i = 0; i < 5; ++i)
        {
            CPPUNIT_ASSERT(give("small"));
            CPPUNIT_ASSERT_EQUAL(std::string("small"), take());
            CPPUNIT_ASSERT(give(large));
            CPPUNIT_ASSERT(!give(large));
            CPPUNIT_ASSERT(take() == large);
        }
    }

    void hasRoomForManyWhereverItIsEmpty()
    {
        const std::string record(100'000, 'x');
        for (int place = 0; place < 200; ++place)
        {
            for (int i = 0; i < 20; ++i) CPPUNIT_ASSERT(give(record));
            for (int i = 0; i < 20; ++i) CPPUNIT_ASSERT(take() == record);
            CPPUNIT_ASSERT(give("a step on"));
            CPPUNIT_ASSERT_EQUAL(std::string("a step on"), take());
        }
    }

    void skipsTheRecordThatWasBegun()
    {
        for (const char* text : {"done", "begun", "next"}) CPPUNIT_ASSERT(give(text));
        CPPUNIT_ASSERT_EQUAL(std::string("done"), take());
        CPPUNIT_ASSERT_EQUAL(std::string("begun"), textOf(_rings.events().front()));
        _rings.events().skipBegun();
        _rings.events().skipBegun();
        CPPUNIT_ASSERT_EQUAL(std::string("next"), take());
        CPPUNIT_ASSERT_EQUAL(std::string("none"), take());
    }

    void losesNothingBetweenTwoThreads()
    {
        constexpr int kRecords = 50'000;
        std::thread writer([this] {
            for (int i = 0; i < kRecords; ++i)
            {
                const std::string text = std::to_string(i) + std::string(i * 37 % 5'000, '.');
                while (!give(text))
                    _rings.events().waitForRoom(text.size(), std::chrono::milliseconds(10'000));
            }
        });
        int wrong = 0;
        for (int i = 0; i < kRecords; ++i)
        {
            while (!_rings.events().front()) _rings.events().wait();
            const std::string text = take();
            if (text != std::to_string(i) + std::string(i * 37 % 5'000, '.')) ++wrong;
        }
        writer.join();
        CPPUNIT_ASSERT_EQUAL(0, wrong);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SharedRingTest);

} // namespace nanomq::sandbox::test
