#include "AuthFile.h"

NANOMQ_PLUGIN(auth_file::AuthFile, "auth_file", "1.0.0", NANOMQ_PLUGIN_RELOAD_OVERLAP | NANOMQ_PLUGIN_GUARD)
