#include "Webhook.h"

NANOMQ_PLUGIN(webhook::Webhook, "webhook", "1.0.0",
              NANOMQ_PLUGIN_RELOAD_OVERLAP | NANOMQ_PLUGIN_HAS_STATE)
