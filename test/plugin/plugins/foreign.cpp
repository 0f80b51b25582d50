// A shared library that is no plugin.
int answerOfSomethingElse()
{
    return 42;
}
