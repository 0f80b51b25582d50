#include "plugin/ControlVerbs.h"

#include <cppunit/extensions/HelperMacros.h>
#include <future>
#include <stdexcept>
#include <thread>

using namespace nanomq;

class ControlVerbsTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(ControlVerbsTest);
    CPPUNIT_TEST(runsAVerbAndTellsWhenThereIsNone);
    CPPUNIT_TEST(whatAVerbThrowsIsARefusal);
    CPPUNIT_TEST(nextVersionsVerbStaysWhenTheOldOneGoes);
    CPPUNIT_TEST(withdrawWaitsForRunningCalls);
    CPPUNIT_TEST_SUITE_END();

    ControlVerbs _verbs;

    static ControlVerbs::Verb verb(const std::string& json)
    {
        return {"test status", "Tells.", [json](std::string_view) {
                    return VerbResult{json, {}, {}};
                }};
    }

public:
    void runsAVerbAndTellsWhenThereIsNone()
    {
        CPPUNIT_ASSERT(!_verbs.run("test status", "{}"));
        _verbs.add(1, {"test echo", "Says it back.", [](std::string_view arguments) {
                           return VerbResult{std::string(arguments), {}, {}};
                       }});
        CPPUNIT_ASSERT_EQUAL(std::string("{\"a\":1}"), _verbs.run("test echo", "{\"a\":1}")->json);
        CPPUNIT_ASSERT_EQUAL(std::string("Says it back."), _verbs.list().at(0).help);
    }

    void whatAVerbThrowsIsARefusal()
    {
        _verbs.add(
            1, {"a", "", [](std::string_view) -> VerbResult { throw std::runtime_error("x"); }});
        _verbs.add(1, {"b", "", [](std::string_view) -> VerbResult { throw 7; }});
        CPPUNIT_ASSERT_EQUAL(std::string("internal"), _verbs.run("a", "")->code);
        CPPUNIT_ASSERT_EQUAL(std::string("x"), _verbs.run("a", "")->message);
        CPPUNIT_ASSERT_EQUAL(std::string("internal"), _verbs.run("b", "")->code);
    }

    void nextVersionsVerbStaysWhenTheOldOneGoes()
    {
        _verbs.add(1, verb("1"));
        _verbs.add(2, verb("2"));
        CPPUNIT_ASSERT(_verbs.withdraw(1, std::chrono::seconds(10)));
        CPPUNIT_ASSERT_EQUAL(std::string("2"), _verbs.run("test status", "")->json);
        CPPUNIT_ASSERT(_verbs.withdraw(2, std::chrono::seconds(10)));
        CPPUNIT_ASSERT(!_verbs.run("test status", ""));
    }

    void withdrawWaitsForRunningCalls()
    {
        std::promise<void> entered, open;
        _verbs.add(1, {"slow", "", [&](std::string_view) {
                           entered.set_value();
                           open.get_future().wait();
                           return VerbResult{"1", {}, {}};
                       }});
        std::thread caller([&] { _verbs.run("slow", ""); });
        entered.get_future().wait();
        CPPUNIT_ASSERT(!_verbs.withdraw(1, std::chrono::milliseconds(10)));
        open.set_value();
        CPPUNIT_ASSERT(_verbs.withdraw(1, std::chrono::seconds(10)));
        caller.join();
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ControlVerbsTest);
