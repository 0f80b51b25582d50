#include "BrokerFixture.h"

#include <cppunit/extensions/HelperMacros.h>

#include <dlfcn.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>

// This program takes the place of some of libc's functions, and counts their calls. Threads that
// play clients say so, and are not counted: what is left is the broker's.

namespace
{

thread_local bool isClient = false;
std::atomic<std::uint64_t> allocations{0};
std::atomic<std::uint64_t> systemCalls{0};

void count(std::atomic<std::uint64_t>& calls) noexcept
{
    if (!isClient) calls.fetch_add(1, std::memory_order_relaxed);
}

template <class Function> Function next(const char* name) noexcept
{
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

} // namespace

extern "C"
{
    void* __libc_malloc(std::size_t size);
    void* __libc_calloc(std::size_t count, std::size_t size);
    void* __libc_realloc(void* memory, std::size_t size);
    void* __libc_memalign(std::size_t alignment, std::size_t size);

    void* malloc(std::size_t size) noexcept
    {
        count(allocations);
        return __libc_malloc(size);
    }
    void* calloc(std::size_t number, std::size_t size) noexcept
    {
        count(allocations);
        return __libc_calloc(number, size);
    }
    void* realloc(void* memory, std::size_t size) noexcept
    {
        count(allocations);
        return __libc_realloc(memory, size);
    }
    void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept
    {
        count(allocations);
        return __libc_memalign(alignment, size);
    }

    ssize_t recv(int descriptor, void* into, std::size_t room, int flags)
    {
        static const auto real = next<decltype(&::recv)>("recv");
        count(systemCalls);
        return real(descriptor, into, room, flags);
    }
    ssize_t sendmsg(int descriptor, const msghdr* message, int flags)
    {
        static const auto real = next<decltype(&::sendmsg)>("sendmsg");
        count(systemCalls);
        return real(descriptor, message, flags);
    }
    int epoll_wait(int descriptor, epoll_event* events, int room, int timeout)
    {
        static const auto real = next<decltype(&::epoll_wait)>("epoll_wait");
        count(systemCalls);
        return real(descriptor, events, room, timeout);
    }
    int epoll_ctl(int descriptor, int operation, int other, epoll_event* event) noexcept
    {
        static const auto real = next<decltype(&::epoll_ctl)>("epoll_ctl");
        count(systemCalls);
        return real(descriptor, operation, other, event);
    }
    ssize_t write(int descriptor, const void* bytes, std::size_t size)
    {
        static const auto real = next<decltype(&::write)>("write");
        count(systemCalls);
        return real(descriptor, bytes, size);
    }
}

namespace nanomq::test
{

/// What a message costs when everything has found its place: counted, not timed.
class SteadyStateTest : public BrokerFixture
{
    CPPUNIT_TEST_SUITE(SteadyStateTest);
    CPPUNIT_TEST(countsWhatThisBinaryAllocates);
    CPPUNIT_TEST(aMessageWithQoS0AllocatesNothing);
    CPPUNIT_TEST(aFanOutWithQoS0AllocatesNothing);
    CPPUNIT_TEST(oneMessageTakesThreeSystemCalls);
    CPPUNIT_TEST(sixteenMessagesTogetherTakeAsManyAsOne);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { isClient = true; }
    void tearDown() override
    {
        BrokerFixture::tearDown();
        isClient = false;
    }

    void countsWhatThisBinaryAllocates()
    {
        const auto before = allocations.load();
        isClient = false;
        void* volatile memory = std::malloc(1); // nothing a compiler may leave out
        std::free(memory);
        isClient = true;
        CPPUNIT_ASSERT_EQUAL(before + 1, allocations.load());
    }

    void aMessageWithQoS0AllocatesNothing()
    {
        for (const auto version : {ProtocolVersion::v3_1_1, ProtocolVersion::v5_0})
            for (const unsigned worker : {0U, 1U}) allocatesNothing(1, worker, version);
    }

    void aFanOutWithQoS0AllocatesNothing() { allocatesNothing(20, 1, ProtocolVersion::v5_0); }

    void oneMessageTakesThreeSystemCalls()
    {
        // A wait, a read, and a send.
        CPPUNIT_ASSERT(callsPerRound(1) <= 3.05);
    }

    void sixteenMessagesTogetherTakeAsManyAsOne()
    {
        // They were written at once, and so are read at once and sent at once.
        CPPUNIT_ASSERT(callsPerRound(16) <= 3.05);
    }

private:
    static constexpr int kRounds = 500;

    /// Publishes a burst and waits until it has arrived, again and again.
    struct Conversation
    {
        ScriptedClient publisher;
        std::vector<ScriptedClient> subscribers;

        void round(const std::vector<std::uint8_t>& burst, std::size_t messages)
        {
            publisher.sendBytes(burst);
            for (auto& subscriber : subscribers)
                for (std::size_t n = 0; n < messages; ++n)
                    subscriber.expectPublish("steady/state", "payload");
        }
    };

    Conversation converse(unsigned subscribers, unsigned worker, ProtocolVersion version)
    {
        start();
        Conversation all{client(idOn(0, "publisher"), version), {}};
        for (unsigned n = 0; n < subscribers; ++n)
        {
            const std::string id = idOn((worker + n) % 2, "subscriber" + std::to_string(n));
            all.subscribers.push_back(client(id, version));
            all.subscribers.back().subscribe("steady/+");
        }
        return all;
    }

    static std::vector<std::uint8_t> burstOf(std::size_t messages, ProtocolVersion version)
    {
        Publish publish;
        publish.topicName = "steady/state";
        publish.payload = asBytes("payload");
        std::vector<std::uint8_t> bytes;
        for (std::size_t n = 0; n < messages; ++n) encode(publish, version, bytes);
        return bytes;
    }

    void allocatesNothing(unsigned subscribers, unsigned worker, ProtocolVersion version)
    {
        constexpr std::size_t kBurst = 10;
        auto all = converse(subscribers, worker, version);
        const auto burst = burstOf(kBurst, version);
        for (int round = 0; round < kRounds; ++round) all.round(burst, kBurst);
        const auto before = allocations.load();
        for (int round = 0; round < kRounds; ++round) all.round(burst, kBurst);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, allocations.load() - before);
    }

    double callsPerRound(std::size_t messages)
    {
        auto all = converse(1, 0, ProtocolVersion::v3_1_1);
        const auto burst = burstOf(messages, ProtocolVersion::v3_1_1);
        for (int round = 0; round < kRounds; ++round) all.round(burst, messages);
        const auto before = systemCalls.load();
        for (int round = 0; round < kRounds; ++round) all.round(burst, messages);
        return static_cast<double>(systemCalls.load() - before) / kRounds;
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SteadyStateTest);

} // namespace nanomq::test
