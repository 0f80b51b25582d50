#include "session/SessionSlots.h"
#include "session/Outbound.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace nanomq
{

class SessionSlotsTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(SessionSlotsTest);
    CPPUNIT_TEST(findsWhatWasSet);
    CPPUNIT_TEST(findsNothingInASlotThatWasGivenBack);
    CPPUNIT_TEST(givesASlotOutAgainOnlyAfterAGracePeriod);
    CPPUNIT_TEST(mayEndWhileSlotsWaitForTheirGracePeriod);
    CPPUNIT_TEST_SUITE_END();

public:
    void findsWhatWasSet()
    {
        SessionSlots slots(_quiescence);
        CPPUNIT_ASSERT(slots.find(0) == nullptr);
        std::vector<std::unique_ptr<Outbound>> sessions;
        for (int i = 0; i < 3000; ++i)
        {
            const auto id = slots.take();
            CPPUNIT_ASSERT(slots.find(id) == nullptr);
            sessions.push_back(std::make_unique<Outbound>(id, _policy));
            slots.set(id, *sessions.back());
        }
        for (const auto& session : sessions)
            CPPUNIT_ASSERT(slots.find(session->id()) == session.get());
    }

    void findsNothingInASlotThatWasGivenBack()
    {
        SessionSlots slots(_quiescence);
        Outbound session(slots.take(), _policy);
        slots.set(session.id(), session);
        slots.giveBack(session.id());
        CPPUNIT_ASSERT(slots.find(session.id()) == nullptr);
    }

    void givesASlotOutAgainOnlyAfterAGracePeriod()
    {
        SessionSlots slots(_quiescence);
        const auto reader = _quiescence.join();
        const auto id = slots.take();
        _quiescence.online(reader);
        slots.giveBack(id);
        _quiescence.reclaim();
        CPPUNIT_ASSERT(slots.take() != id);
        _quiescence.leave(reader);
        _quiescence.reclaim();
        CPPUNIT_ASSERT_EQUAL(id, slots.take());
    }

    void mayEndWhileSlotsWaitForTheirGracePeriod()
    {
        {
            SessionSlots slots(_quiescence);
            slots.giveBack(slots.take());
        }
        _quiescence.reclaim();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, _quiescence.retiredBytes());
    }

private:
    Quiescence _quiescence;
    OutboundPolicy _policy;
};

CPPUNIT_TEST_SUITE_REGISTRATION(SessionSlotsTest);

} // namespace nanomq
