#include "control/ControlPath.h"

#include <Poco/Exception.h>

#include <cppunit/extensions/HelperMacros.h>

#include <cstdlib>
#include <unistd.h>

namespace nanomq::test
{

class ControlPathTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(ControlPathTest);
    CPPUNIT_TEST(takesPathsThatFitIntoASocketAddress);
    CPPUNIT_TEST(standsWhereTheUserMayWrite);
    CPPUNIT_TEST_SUITE_END();

public:
    void takesPathsThatFitIntoASocketAddress()
    {
        checkControlPath(std::string(107, 'x'));
        CPPUNIT_ASSERT_THROW(checkControlPath(std::string(108, 'x')),
                             Poco::InvalidArgumentException);
        CPPUNIT_ASSERT_THROW(checkControlPath(""), Poco::InvalidArgumentException);
    }

    void standsWhereTheUserMayWrite()
    {
        const char* const before = std::getenv("XDG_RUNTIME_DIR");
        const std::string runtime = before != nullptr ? before : "";
        const std::string user = std::to_string(::geteuid());
        ::setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
        const std::string withRuntime = defaultControlPath();
        ::unsetenv("XDG_RUNTIME_DIR");
        const std::string without = defaultControlPath();
        if (before != nullptr) ::setenv("XDG_RUNTIME_DIR", runtime.c_str(), 1);

        const std::string root = "/run/nanomq/nanomq.sock";
        CPPUNIT_ASSERT_EQUAL(user == "0" ? root : "/run/user/7/nanomq.sock", withRuntime);
        CPPUNIT_ASSERT_EQUAL(user == "0" ? root : "/tmp/nanomq-" + user + "/nanomq.sock", without);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ControlPathTest);

} // namespace nanomq::test
