extern "C" int sample()
{
    return 1;
}
