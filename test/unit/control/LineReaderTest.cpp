#include "LineReader.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

namespace nanomq::ctl::test
{

class LineReaderTest : public CppUnit::TestFixture
{
    CPPUNIT_TEST_SUITE(LineReaderTest);
    CPPUNIT_TEST(givesLinesAsTheyBecomeComplete);
    CPPUNIT_TEST(givesALastLineThatHasNoEnd);
    CPPUNIT_TEST(keepsEmptyLines);
    CPPUNIT_TEST(readsLinesThatAreLongerThanOneRead);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { CPPUNIT_ASSERT_EQUAL(0, ::pipe(_ends)); }
    void tearDown() override
    {
        ::close(_ends[0]);
        if (_ends[1] >= 0) ::close(_ends[1]);
    }

    void givesLinesAsTheyBecomeComplete()
    {
        LineReader reader(_ends[0]);
        write("one\ntw");
        reader.read();
        CPPUNIT_ASSERT_EQUAL(std::string("one"), *reader.next());
        CPPUNIT_ASSERT(!reader.next());
        write("o\n");
        reader.read();
        CPPUNIT_ASSERT_EQUAL(std::string("two"), *reader.next());
        CPPUNIT_ASSERT(!reader.next() && !reader.atEnd());
    }

    void givesALastLineThatHasNoEnd()
    {
        LineReader reader(_ends[0]);
        write("one\ntwo");
        end();
        reader.read();
        reader.read();
        CPPUNIT_ASSERT_EQUAL(std::string("one"), *reader.next());
        CPPUNIT_ASSERT_EQUAL(std::string("two"), *reader.next());
        CPPUNIT_ASSERT(!reader.next() && reader.atEnd());
    }

    void keepsEmptyLines()
    {
        LineReader reader(_ends[0]);
        write("\n\nx\n");
        reader.read();
        CPPUNIT_ASSERT_EQUAL(std::string(), *reader.next());
        CPPUNIT_ASSERT_EQUAL(std::string(), *reader.next());
        CPPUNIT_ASSERT_EQUAL(std::string("x"), *reader.next());
    }

    void readsLinesThatAreLongerThanOneRead()
    {
        LineReader reader(_ends[0]);
        std::string whole;
        for (int i = 0; i < 4; ++i)
        {
            const std::string piece(50'000, static_cast<char>('a' + i));
            whole += piece;
            write(piece);
            while (!reader.next() && pending()) reader.read();
        }
        write("\n");
        reader.read();
        CPPUNIT_ASSERT_EQUAL(whole, *reader.next());
    }

private:
    void write(std::string_view text)
    {
        CPPUNIT_ASSERT_EQUAL(static_cast<ssize_t>(text.size()),
                             ::write(_ends[1], text.data(), text.size()));
    }
    void end()
    {
        ::close(_ends[1]);
        _ends[1] = -1;
    }
    bool pending() const
    {
        int bytes = 0;
        ::ioctl(_ends[0], FIONREAD, &bytes);
        return bytes > 0;
    }

    int _ends[2] = {-1, -1};
};

CPPUNIT_TEST_SUITE_REGISTRATION(LineReaderTest);

} // namespace nanomq::ctl::test
