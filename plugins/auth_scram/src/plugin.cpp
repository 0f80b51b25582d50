#include "AuthScram.h"

NANOMQ_PLUGIN(auth_scram::AuthScram, "auth_scram", "1.0.0", NANOMQ_PLUGIN_RELOAD_OVERLAP | NANOMQ_PLUGIN_GUARD)
