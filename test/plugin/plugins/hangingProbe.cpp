#include <unistd.h>

/// A probe that does not end by itself.
int main()
{
    for (;;) ::pause();
}
