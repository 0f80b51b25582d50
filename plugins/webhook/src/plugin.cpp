#include "Webhook.h"

NANOMQ_PLUGIN(webhook::Webhook, "webhook", "1.0.0",
              NANOMQ_PLUGIN_RELOAD_OVERLAP | NANOMQ_PLUGIN_HAS_STATE)

__asm__(".pushsection .nanomq.schema,\"\",@progbits\n.incbin \"" WEBHOOK_SCHEMA_FILE
        "\"\n.popsection");
