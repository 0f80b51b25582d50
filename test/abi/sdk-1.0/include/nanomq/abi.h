/*
 * nanomq/abi.h: the note that every plugin carries in its file.
 *
 * An ELF note in section .note.nanomq, written by NANOMQ_PLUGIN(). It has fixed-size fields and no
 * relocations, so the broker reads it from the file before any code of the plugin runs, and
 * refuses a plugin that does not fit with a sentence instead of a crash. Plain C.
 */
#ifndef NANOMQ_ABI_H
#define NANOMQ_ABI_H

#include <stddef.h>
#include <stdint.h>

/* Breaks of the binary interface: refused unless equal. Also the inline namespace nanomq::sdk::v1. */
#define NANOMQ_ABI_MAJOR 1
/* Growth: interfaces get longer at the end. A plugin says which minor version it needs. */
#define NANOMQ_ABI_MINOR 0
/* Version of these headers: major << 16 | minor << 8 | patch. For people. */
#define NANOMQ_SDK_VERSION 0x00010000u

#define NANOMQ_NOTE_OWNER "NanoMQ"
#define NANOMQ_NOTE_TYPE 0x314D514Eu

/* How a plugin was built; must be equal to the broker's own bits. */
enum
{
    NANOMQ_BUILD_CXX11_ABI = 1u << 0,
    NANOMQ_BUILD_GLIBCXX_DEBUG = 1u << 1,
    NANOMQ_BUILD_ASAN = 1u << 2,
    NANOMQ_BUILD_TSAN = 1u << 3,
    NANOMQ_BUILD_LIBCXX = 1u << 4
};

/* What a plugin says of itself (nanomq_plugin_description.flags). */
enum
{
    /* Old and new version may live side by side during a reload. Without it the broker parks
       the plugin's hooks while the old one closes and the new one opens. */
    NANOMQ_PLUGIN_RELOAD_OVERLAP = 1u << 0,
    /* Implements nanomq.handover/1. */
    NANOMQ_PLUGIN_HAS_STATE = 1u << 1,
    /* Its code must never be unmapped; unloading destroys the instance only. */
    NANOMQ_PLUGIN_RESIDENT = 1u << 2,
    /* It keeps somebody out: a broker in whose configuration it is switched on, and that cannot
       load it, does not start. */
    NANOMQ_PLUGIN_GUARD = 1u << 3
};

/* Append only; `size` tells what is there. */
typedef struct nanomq_plugin_description
{
    uint32_t size;
    uint16_t abi_major;
    uint16_t abi_minor;      /* of the headers it was built with */
    uint32_t sdk_version;
    uint32_t flags;          /* NANOMQ_PLUGIN_... */
    uint32_t build_bits;     /* NANOMQ_BUILD_... */
    uint32_t poco_version;   /* POCO_VERSION; major and minor must be equal */
    uint32_t min_host_minor; /* the NANOMQ_ABI_MINOR it cannot do without */
    uint32_t reserved[3];
    char name[32];           /* [a-z][a-z0-9_]{0,30}; the file is NAME.so */
    char version[16];
    char class_name[64];     /* the class in the Poco manifest */
} nanomq_plugin_description;

typedef struct nanomq_plugin_note
{
    uint32_t namesz; /* 7: the owner with its terminating NUL */
    uint32_t descsz;
    uint32_t type;
    char owner[8];   /* padded to four bytes, as ELF wants it */
    nanomq_plugin_description description;
} nanomq_plugin_note;

#endif
