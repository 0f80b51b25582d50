#include "DeliveryFixture.h"
#include "Spool.h"
#include "Verbs.h"
#include "support/TemporaryFolder.h"
#include "support/TestEndpoint.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Parser.h>

#include <csignal>
#include <filesystem>
#include <sys/resource.h>

namespace
{

namespace fs = std::filesystem;

constexpr char kLittleMemory[] = "web.hook.queue.max_events=4\nweb.hook.pool_size=2\n"
                                 "web.hook.retry.min_delay=1ms\nweb.hook.retry.max_delay=2ms\n";

/// "client:number", so that a test can tell the order.
void submitRounds(DeliveryFixture& delivery, int from, int to)
{
    for (int i = from; i < to; ++i)
        for (const char* client : {"a", "b", "c", "d", "e"})
            delivery.submit(client, "{\"" + std::string(client) + "\":" + std::to_string(i) + "}");
}

/// Every client's events are there once, in order, from 0 on.
void assertWholeAndInOrder(const std::vector<std::string>& taken, int rounds)
{
    CPPUNIT_ASSERT_EQUAL(static_cast<std::size_t>(rounds) * 5, taken.size());
    std::map<char, int> next;
    for (const std::string& body : taken)
        CPPUNIT_ASSERT_EQUAL_MESSAGE(body, next[body.at(2)]++, std::stoi(body.substr(5)));
}

/// Files may be no longer than this, as on a full disk, while it lives.
class SmallDisk
{
public:
    explicit SmallDisk(rlim_t bytes)
    {
        _handler = std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &_before);
        rlimit limit = _before;
        limit.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~SmallDisk()
    {
        ::setrlimit(RLIMIT_FSIZE, &_before);
        std::signal(SIGXFSZ, _handler);
    }

private:
    rlimit _before{};
    void (*_handler)(int);
};

class SpoolTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(SpoolTest);
    CPPUNIT_TEST(whatFindsNoRoomInMemoryGoesToDiskAndComesBackInOrder);
    CPPUNIT_TEST(everythingWaitsOnDiskForTheNextStart);
    CPPUNIT_TEST(endpointThatIsAwayCostsNoEventItsAttempts);
    CPPUNIT_TEST(reloadMergesMemoryAndDiskInOrder);
    CPPUNIT_TEST(fullSpoolDropsNewEvents);
    CPPUNIT_TEST(refusedEventIsADeadLetterToBeReplayedOrDropped);
    CPPUNIT_TEST(deadLettersBeyondTheLimitAreDroppedOldestFirst);
    CPPUNIT_TEST(tooOldOnDiskIsADeadLetter);
    CPPUNIT_TEST(damagedFileIsPutAsideAndToldOf);
    CPPUNIT_TEST(damageFoundOnTheWayLosesOnlyWhatWasOnDisk);
    CPPUNIT_TEST(diskThatTakesNothingLeavesTheQueueInMemory);
    CPPUNIT_TEST(fileThatSomebodyElseHasIsLeftAlone);
    CPPUNIT_TEST_SUITE_END();

    nanomq::test::TemporaryFolder _folder;

    std::string folder() const { return _folder.path().string(); }

public:
    void whatFindsNoRoomInMemoryGoesToDiskAndComesBackInOrder()
    {
        TestEndpoint endpoint;
        endpoint.close();
        DeliveryFixture delivery(endpoint.url(), kLittleMemory, folder());
        delivery.start();
        submitRounds(delivery, 0, 100);
        CPPUNIT_ASSERT(eventually([&] {
            const Counts now = delivery.counts();
            return now.at(Place::Spooled) >= 490 && now.dropped() == 0;
        }));
        CPPUNIT_ASSERT(fs::exists(_folder / "default.db"));
        CPPUNIT_ASSERT(delivery.counts().diskBytes > 0);
        endpoint.open();
        submitRounds(delivery, 100, 120);
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(600));
        assertWholeAndInOrder(endpoint.taken(), 120);
        CPPUNIT_ASSERT(eventually([&] { return delivery.counts().diskBytes == 0; }));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, delivery.counts().memoryBytes);
        const FakeMetrics& metrics = *delivery.host().metrics;
        CPPUNIT_ASSERT_EQUAL(std::int64_t{0},
                             metrics.value("webhook_spooled", "endpoint=\"default\""));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{600},
                             metrics.value("webhook_accepted_total", "endpoint=\"default\""));
    }

    void everythingWaitsOnDiskForTheNextStart()
    {
        const auto metrics = std::make_shared<FakeMetrics>();
        {
            DeliveryFixture away("http://127.0.0.1:1", kLittleMemory, folder(), metrics);
            away.start();
            submitRounds(away, 0, 30);
            away.end();
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, away.host().logged("150 events for default wait "
                                                                    "on disk for the next start") +
                                                     away.host().logged("wait on disk"));
        }
        CPPUNIT_ASSERT_EQUAL(std::int64_t{150},
                             metrics->value("webhook_spooled", "endpoint=\"default\""));
        TestEndpoint endpoint;
        DeliveryFixture back(endpoint.url(), "web.hook.pool_size=7\n", folder(), metrics);
        submitRounds(back, 30, 31); // before the file is opened, and younger than all in it
        back.start();
        submitRounds(back, 31, 40);
        CPPUNIT_ASSERT(back.eventuallyDelivered(200));
        assertWholeAndInOrder(endpoint.taken(), 40);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{200}, back.counts().accepted);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{200},
                             metrics->value("webhook_accepted_total", "endpoint=\"default\""));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{0},
                             metrics->value("webhook_queued", "endpoint=\"default\""));
    }

    void endpointThatIsAwayCostsNoEventItsAttempts()
    {
        // Answers of gateways, and none at all, say nothing about the event; a 500 may.
        static constexpr int answers[] = {503, 502, 504, 429, 503, 500, 200};
        TestEndpoint endpoint(
            [](const std::string&, unsigned earlier) { return answers[std::min(earlier, 6u)]; });
        DeliveryFixture delivery(endpoint.url(),
                                 std::string(kLittleMemory) + "web.hook.retry.max_attempts=2\n",
                                 folder());
        delivery.start();
        delivery.submit("c", "{\"c\":1}");
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(1));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{6}, delivery.counts().failedAttempts);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, delivery.counts().at(Place::Dead));
    }

    void reloadMergesMemoryAndDiskInOrder()
    {
        const auto metrics = std::make_shared<FakeMetrics>();
        TestEndpoint endpoint;
        Outbox::Contents contents;
        std::string file;
        {
            DeliveryFixture old("http://127.0.0.1:1", kLittleMemory, folder(), metrics);
            old.start();
            submitRounds(old, 0, 20);
            CPPUNIT_ASSERT(eventually([&] { return old.counts().at(Place::Spooled) >= 80; }));
            old.stop(10s);
            old.host().tasks.stop();
            contents = old.delivery().takeAll();
        }
        CPPUNIT_ASSERT(!contents.events.empty());
        DeliveryFixture fresh(endpoint.url(), "web.hook.pool_size=3\n", folder(), metrics);
        submitRounds(fresh, 20, 22); // its hooks were active while the old one ended
        fresh.delivery().adopt(std::move(contents));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{110}, fresh.counts().accepted);
        fresh.start();
        CPPUNIT_ASSERT(fresh.eventuallyDelivered(110));
        assertWholeAndInOrder(endpoint.taken(), 22);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{110},
                             metrics->value("webhook_accepted_total", "endpoint=\"default\""));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{0},
                             metrics->value("webhook_queued_bytes", "endpoint=\"default\""));
    }

    void fullSpoolDropsNewEvents()
    {
        TestEndpoint endpoint;
        endpoint.close();
        DeliveryFixture delivery(endpoint.url(),
                                 std::string(kLittleMemory) + "web.hook.spool.max_bytes=1KB\n",
                                 folder());
        delivery.start();
        for (int i = 0; i < 100; ++i) delivery.submit("c", std::string(100, 'x'));
        CPPUNIT_ASSERT(delivery.counts().drop(DropReason::SpoolFull) >= 80);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, delivery.host().logged("new events are dropped"));
        CPPUNIT_ASSERT(eventually([&] { return delivery.counts().diskBytes <= 1'024; }));
        endpoint.open();
        const Counts now = delivery.counts();
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(now.accepted - now.dropped()));
    }

    void refusedEventIsADeadLetterToBeReplayedOrDropped()
    {
        std::atomic<int> answer{422};
        TestEndpoint endpoint([&answer](const std::string&, unsigned) { return answer.load(); });
        DeliveryFixture delivery(endpoint.url(), kLittleMemory, folder());
        delivery.start();
        for (int i = 0; i < 3; ++i) delivery.submit("c", "{\"c\":" + std::to_string(i) + "}");
        CPPUNIT_ASSERT(delivery.eventuallyAt(Place::Dead, 3));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, delivery.host().logged("is a dead letter now"));

        Keeper& keeper = *delivery.delivery().keeper();
        const auto letters = keeper.list({}, 0, 10).records;
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, letters.size());
        CPPUNIT_ASSERT_EQUAL(std::string("{\"c\":0}"), letters[0].event.body);
        CPPUNIT_ASSERT_EQUAL(std::string("answered 422 Because"), letters[0].error);
        CPPUNIT_ASSERT(letters[0].reason == DropReason::Refused);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, keeper.list({}, letters[0].number, 10).records.size());

        answer = 200;
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, keeper.replay(letters[1].number).done);
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(1));
        CPPUNIT_ASSERT_EQUAL(std::string("{\"c\":1}"), endpoint.taken().at(0));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, keeper.replay(letters[1].number).done);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, keeper.drop(letters[0].number).done);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, delivery.counts().drop(DropReason::Operator));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, keeper.replay({}).done);
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(2));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, delivery.counts().at(Place::Dead));
    }

    void deadLettersBeyondTheLimitAreDroppedOldestFirst()
    {
        TestEndpoint endpoint([](const std::string&, unsigned) { return 400; });
        DeliveryFixture delivery(endpoint.url(),
                                 std::string(kLittleMemory) + "web.hook.dead.max_bytes=1KB\n",
                                 folder());
        delivery.start();
        for (int i = 0; i < 8; ++i)
            delivery.submit("c", std::to_string(i) + std::string(300, 'x'));
        CPPUNIT_ASSERT(delivery.eventuallyDropped(DropReason::DeadFull, 5));
        CPPUNIT_ASSERT(delivery.eventuallyAt(Place::Dead, 3));
        const auto letters = delivery.delivery().keeper()->list({}, 0, 10).records;
        CPPUNIT_ASSERT_EQUAL('5', letters.at(0).event.body.at(0));
    }

    void tooOldOnDiskIsADeadLetter()
    {
        Spool spool((_folder / "x.db").string(), 1);
        std::vector<Event> events(3);
        for (std::size_t i = 0; i < 3; ++i)
        {
            events[i].sequence = i + 1;
            events[i].body = std::to_string(i);
            events[i].acceptedAt = std::chrono::steady_clock::now() - (i < 2 ? 1h : 1min);
        }
        spool.write(events);
        const Spool::Expired gone = spool.expire({0, 3, 1, 0}, 30min);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, gone.events);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, gone.bytes);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, gone.next);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, spool.dead({}, 0, 10).size());
        CPPUNIT_ASSERT(spool.dead({}, 0, 10)[0].reason == DropReason::Expired);
        const Spool::Trimmed trimmed = spool.trimDead(1'000, 0ms - 1h);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, trimmed.tooOld);
        CPPUNIT_ASSERT(spool.dead({}, 0, 10).empty());
    }

    void damagedFileIsPutAsideAndToldOf()
    {
        nanomq::test::writeFile(_folder / "default.db", std::string(10'000, 'x'));
        TestEndpoint endpoint;
        endpoint.close();
        DeliveryFixture delivery(endpoint.url(), kLittleMemory, folder());
        delivery.start();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, delivery.host().logged("is put aside as"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, delivery.delivery().spool()->errors);
        submitRounds(delivery, 0, 10);
        CPPUNIT_ASSERT(eventually([&] { return delivery.counts().at(Place::Spooled) >= 40; }));
        endpoint.open();
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(50));
        assertWholeAndInOrder(endpoint.taken(), 10);
        const auto isAside = [](const fs::directory_entry& entry) {
            return entry.path().string().find(".damaged-") != std::string::npos;
        };
        CPPUNIT_ASSERT(std::any_of(fs::directory_iterator(_folder.path()),
                                   fs::directory_iterator(), isAside));
    }

    void damageFoundOnTheWayLosesOnlyWhatWasOnDisk()
    {
        TestEndpoint endpoint;
        endpoint.close();
        DeliveryFixture delivery(endpoint.url(), kLittleMemory, folder());
        delivery.start();
        const std::string large(1'500, 'x'); // more than SQLite keeps in its own memory
        for (int i = 0; i < 2'000; ++i)
            delivery.submit(std::to_string(i % 5), "{\"" + large + "\":" + std::to_string(i) + "}");
        CPPUNIT_ASSERT(eventually([&] { return delivery.counts().at(Place::Spooled) > 1'900; }));
        for (const char* name : {"default.db", "default.db-wal"}) // all but the first page
        {
            const auto size = fs::file_size(_folder / name);
            std::fstream file(_folder / name, std::ios::in | std::ios::out);
            file.seekp(4'200);
            if (size > 4'200) file << std::string(size - 4'200, '\x5A');
        }
        endpoint.open();
        const auto isOver = [&] {
            const Counts now = delivery.counts();
            return now.accepted == now.delivered + now.dropped();
        };
        CPPUNIT_ASSERT(eventually(isOver, 60s));
        CPPUNIT_ASSERT(delivery.counts().drop(DropReason::SpoolFailed) > 0);
        CPPUNIT_ASSERT(delivery.delivery().spool()->errors > 0);
        CPPUNIT_ASSERT(delivery.host().logged("spool: ") > 0);
        delivery.submit("z", "{}"); // and on it goes
        CPPUNIT_ASSERT(eventually(isOver, 60s));
    }

    void diskThatTakesNothingLeavesTheQueueInMemory()
    {
        TestEndpoint endpoint;
        endpoint.close();
        DeliveryFixture delivery(endpoint.url(), kLittleMemory, folder());
        delivery.start();
        {
            const SmallDisk full(0);
            submitRounds(delivery, 0, 20);
            CPPUNIT_ASSERT(
                eventually([&] { return delivery.counts().drop(DropReason::SpoolFailed) > 0; }));
            CPPUNIT_ASSERT(delivery.counts().at(Place::Queued) > 0);
            CPPUNIT_ASSERT(delivery.host().logged("spool: " + folder()) >= 1);
        }
        CPPUNIT_ASSERT(delivery.delivery().spool()->errors > 0);
        // There is room again.
        const auto spoolsAgain = [&] {
            delivery.submit("a", "{}");
            return delivery.counts().at(Place::Spooled) > 0;
        };
        CPPUNIT_ASSERT(eventually(spoolsAgain, 30s));
        endpoint.open();
        CPPUNIT_ASSERT(eventually([&] {
            const Counts now = delivery.counts();
            return now.accepted == now.delivered + now.dropped();
        }));
    }

    void fileThatSomebodyElseHasIsLeftAlone()
    {
        Spool other((_folder / "default.db").string(), 1);
        Event event;
        event.sequence = 1;
        event.body = "theirs";
        other.write(std::vector<Event>{event});
        TestEndpoint endpoint;
        DeliveryFixture delivery(endpoint.url(), kLittleMemory, folder());
        delivery.start();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, delivery.host().logged("nothing is spooled"));
        delivery.submit("c", "{}");
        CPPUNIT_ASSERT(delivery.eventuallyDelivered(1));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, other.open().lanes.size());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SpoolTest);

} // namespace
