#include "RestApi.h"

NANOMQ_PLUGIN(rest_api::RestApi, "rest_api", "1.0.0", 0)
