#include "AuthHttp.h"

NANOMQ_PLUGIN(auth_http::AuthHttp, "auth_http", "1.0.0",
              NANOMQ_PLUGIN_RELOAD_OVERLAP | NANOMQ_PLUGIN_HAS_STATE | NANOMQ_PLUGIN_GUARD)
