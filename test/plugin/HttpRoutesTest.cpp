#include "plugin/PluginRoutes.h"

#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <cerrno>
#include <future>
#include <map>
#include <stdexcept>
#include <string>

using namespace nanomq;

/// The interface nanomq.http_routes/1, and the table behind it.
class HttpRoutesTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(HttpRoutesTest);
    CPPUNIT_TEST(callsTheHandlerWithTheParametersOfThePath);
    CPPUNIT_TEST(prefersAPlainLevelToAParameter);
    CPPUNIT_TEST(tellsAnUnknownPathFromAnUnknownMethod);
    CPPUNIT_TEST(servesNothingBeforeItsPluginIsActive);
    CPPUNIT_TEST(refusesRoutesThatMakeNoSense);
    CPPUNIT_TEST(oneVersionReplacesTheOtherAndNoOtherPlugin);
    CPPUNIT_TEST(withdrawalWaitsForHandlersThatRun);
    CPPUNIT_TEST(whatAHandlerThrowsIsAnError);
    CPPUNIT_TEST(whoIsNotAdmittedIsNotServed);
    CPPUNIT_TEST_SUITE_END();

    static constexpr std::chrono::seconds kPatience{20};

    struct Call final : sdk::HttpRoutes::Exchange
    {
        void parameter(sdk::Str name, sdk::Str value) override
        {
            parameters[std::string(name.view())] = value.view();
        }
        bool admit(const sdk::HttpRoutes::Route& route) override
        {
            path = route.path.view();
            return admitted;
        }
        const sdk::HttpRoutes::Request* request() override { return nullptr; }
        sdk::HttpRoutes::Answer* answer() override { return nullptr; }

        bool admitted = true;
        std::string path;
        std::map<std::string, std::string> parameters;
    };

    static sdk::HttpRoutes::Route route(const char* method, const char* path,
                                        sdk::HttpRoutes::Handler handler, void* self)
    {
        sdk::HttpRoutes::Route route{};
        route.size = sizeof route;
        route.role = sdk::HttpRole::Reader;
        route.method = method;
        route.path = path;
        route.handler = handler;
        route.self = self;
        return route;
    }
    static void count(void* self, const sdk::HttpRoutes::Request*, sdk::HttpRoutes::Answer*)
    {
        ++*static_cast<std::atomic<int>*>(self);
    }
    sdk::Status add(PluginRoutes& routes, const char* method, const char* path)
    {
        const auto added = route(method, path, count, &_calls);
        return routes.add(&added);
    }

    HttpRouteTable _table;
    std::atomic<int> _calls{0};

public:
    void callsTheHandlerWithTheParametersOfThePath()
    {
        PluginRoutes routes("rules", 1, _table);
        CPPUNIT_ASSERT_EQUAL(0, add(routes, "GET", "/api/v4/rules/{id}/runs/{run}"));
        CPPUNIT_ASSERT(routes.publish().empty());
        Call call;
        CPPUNIT_ASSERT_EQUAL(0, routes.serve("GET", "/api/v4/rules/a b/runs/7", &call));
        CPPUNIT_ASSERT_EQUAL(1, _calls.load());
        CPPUNIT_ASSERT_EQUAL(std::string("a b"), call.parameters["id"]);
        CPPUNIT_ASSERT_EQUAL(std::string("7"), call.parameters["run"]);
    }

    void prefersAPlainLevelToAParameter()
    {
        PluginRoutes routes("rules", 1, _table);
        routes.publish();
        CPPUNIT_ASSERT_EQUAL(0, add(routes, "GET", "/rules/{id}"));
        CPPUNIT_ASSERT_EQUAL(0, add(routes, "GET", "/rules/all"));
        for (const char* path : {"/rules/all", "/rules/7"})
        {
            Call call;
            CPPUNIT_ASSERT_EQUAL(0, routes.serve("GET", path, &call));
            CPPUNIT_ASSERT_EQUAL(path == std::string("/rules/all") ? std::size_t{0} : 1,
                                 call.parameters.size());
        }
    }

    void tellsAnUnknownPathFromAnUnknownMethod()
    {
        PluginRoutes routes("rules", 1, _table);
        routes.publish();
        CPPUNIT_ASSERT_EQUAL(0, add(routes, "GET", "/rules/{id}"));
        Call call;
        CPPUNIT_ASSERT_EQUAL(-EPERM, routes.serve("PUT", "/rules/7", &call));
        for (const char* path : {"/rules", "/rules/", "/rules/7/8", "/", "", "rules/7"})
            CPPUNIT_ASSERT_EQUAL_MESSAGE(path, -ENOENT, routes.serve("GET", path, &call));
        CPPUNIT_ASSERT_EQUAL(0, _calls.load());
    }

    void servesNothingBeforeItsPluginIsActive()
    {
        PluginRoutes routes("rules", 1, _table);
        CPPUNIT_ASSERT_EQUAL(0, add(routes, "GET", "/rules"));
        Call call;
        CPPUNIT_ASSERT_EQUAL(-ENOENT, routes.serve("GET", "/rules", &call));
        routes.publish();
        CPPUNIT_ASSERT_EQUAL(0, routes.serve("GET", "/rules", &call));
        CPPUNIT_ASSERT(routes.withdraw(kPatience));
        CPPUNIT_ASSERT_EQUAL(-ENOENT, routes.serve("GET", "/rules", &call));
    }

    void refusesRoutesThatMakeNoSense()
    {
        PluginRoutes routes("rules", 1, _table);
        for (const char* path : {"", "/", "rules", "/a//b", "/a/", "/{a}/{a}", "/a{b}", "/a b",
                                 "/a?b", "/{}"})
            CPPUNIT_ASSERT_EQUAL_MESSAGE(path, -EINVAL, add(routes, "GET", path));
        for (const char* method : {"", "get", "GET "})
            CPPUNIT_ASSERT_EQUAL_MESSAGE(method, -EINVAL, add(routes, method, "/a"));
        for (int i = 0; i < 256; ++i)
            CPPUNIT_ASSERT_EQUAL(0, add(routes, "GET", ("/r/" + std::to_string(i)).c_str()));
        CPPUNIT_ASSERT_EQUAL(-E2BIG, add(routes, "GET", "/one/more"));
    }

    void oneVersionReplacesTheOtherAndNoOtherPlugin()
    {
        PluginRoutes old("rules", 1, _table);
        PluginRoutes fresh("rules", 2, _table);
        PluginRoutes other("other", 3, _table);
        old.publish();
        CPPUNIT_ASSERT_EQUAL(0, add(old, "GET", "/rules/{id}"));
        CPPUNIT_ASSERT_EQUAL(-EEXIST, add(other, "GET", "/rules/{name}"));
        CPPUNIT_ASSERT_EQUAL(0, add(fresh, "GET", "/rules/{id}"));
        CPPUNIT_ASSERT(fresh.publish().empty());
        CPPUNIT_ASSERT(old.withdraw(kPatience));
        Call call;
        CPPUNIT_ASSERT_EQUAL(0, other.serve("GET", "/rules/7", &call));
    }

    void withdrawalWaitsForHandlersThatRun()
    {
        struct Slow
        {
            std::promise<void> entered, leave;
        } slow;
        PluginRoutes routes("rules", 1, _table);
        routes.publish();
        const auto added = route(
            "GET", "/slow",
            [](void* self, const sdk::HttpRoutes::Request*, sdk::HttpRoutes::Answer*) {
                auto& called = *static_cast<Slow*>(self);
                called.entered.set_value();
                called.leave.get_future().wait();
            },
            &slow);
        CPPUNIT_ASSERT_EQUAL(0, routes.add(&added));
        Call call;
        auto served = std::async(std::launch::async,
                                 [&] { return routes.serve("GET", "/slow", &call); });
        slow.entered.get_future().wait();
        CPPUNIT_ASSERT(!routes.withdraw(std::chrono::milliseconds(1)));
        slow.leave.set_value();
        CPPUNIT_ASSERT(routes.withdraw(kPatience));
        CPPUNIT_ASSERT_EQUAL(0, served.get());
    }

    void whatAHandlerThrowsIsAnError()
    {
        PluginRoutes routes("rules", 1, _table);
        routes.publish();
        const auto added = route(
            "GET", "/throws",
            [](void*, const sdk::HttpRoutes::Request*, sdk::HttpRoutes::Answer*) {
                throw std::runtime_error("no");
            },
            nullptr);
        CPPUNIT_ASSERT_EQUAL(0, routes.add(&added));
        Call call;
        CPPUNIT_ASSERT_EQUAL(-EIO, routes.serve("GET", "/throws", &call));
        CPPUNIT_ASSERT(routes.withdraw(kPatience));
    }

    void whoIsNotAdmittedIsNotServed()
    {
        PluginRoutes routes("rules", 1, _table);
        routes.publish();
        CPPUNIT_ASSERT_EQUAL(0, add(routes, "GET", "/rules"));
        Call call;
        call.admitted = false;
        CPPUNIT_ASSERT_EQUAL(0, routes.serve("GET", "/rules", &call));
        CPPUNIT_ASSERT_EQUAL(0, _calls.load());
        CPPUNIT_ASSERT_EQUAL(std::string("/rules"), call.path);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HttpRoutesTest);
