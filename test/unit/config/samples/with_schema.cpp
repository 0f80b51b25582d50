// As nanomq_add_plugin() does it, but that the text stands here.
__asm__(".pushsection .nanomq.schema,\"\",@progbits\n"
        ".ascii \"{\\\"keys\\\":{\\\"sample.url\\\":{\\\"type\\\":\\\"text\\\"}}}\"\n"
        ".popsection\n");

extern "C" int sample()
{
    return 1;
}
