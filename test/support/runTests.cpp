#include <cppunit/BriefTestProgressListener.h>
#include <cppunit/CompilerOutputter.h>
#include <cppunit/TestResult.h>
#include <cppunit/TestResultCollector.h>
#include <cppunit/TestRunner.h>
#include <cppunit/extensions/TestFactoryRegistry.h>

#include <csignal>
#include <iostream>
#include <string>

/// Runs every registered suite, or the one test whose path is given:
/// `broker_test QoSTest::completesExactlyOnce`.
int main(int argc, char** argv)
{
    std::signal(SIGPIPE, SIG_IGN);

    CppUnit::TestResult controller;
    CppUnit::TestResultCollector results;
    CppUnit::BriefTestProgressListener progress;
    controller.addListener(&results);
    controller.addListener(&progress);

    CppUnit::TestRunner runner;
    runner.addTest(CppUnit::TestFactoryRegistry::getRegistry().makeTest());
    try
    {
        runner.run(controller, argc > 1 ? argv[1] : "");
    }
    catch (const std::invalid_argument& unknown)
    {
        std::cerr << "no such test: " << unknown.what() << '\n';
        return 2;
    }
    CppUnit::CompilerOutputter(&results, std::cerr).write();
    if (results.runTests() == 0)
    {
        std::cerr << "no test was run\n";
        return 2;
    }
    return results.wasSuccessful() ? 0 : 1;
}
