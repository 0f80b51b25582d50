/* A plugin in C: an observer, a publish filter, and a control verb. */

#include "nanomq/c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct counter
{
    nanomq_host *host;
    nanomq_counter *messages;
};

/* [executor] */
static int32_t on_published(void *self, const nanomq_event_header *event, nanomq_context *context)
{
    const struct counter *counter = self;
    const nanomq_message_published *message = (const nanomq_message_published *)event;
    (void)context;
    if (message->topic.size > 0)
        nanomq_counter_add(counter->messages, 1);
    return NANOMQ_NEXT;
}

/* [worker]: the broker has compared the filter. */
static int32_t on_publish(void *self, const nanomq_event_header *event, nanomq_context *context)
{
    (void)self;
    (void)event;
    nanomq_set_reason(context, 0x87, "c_counter.deny");
    return NANOMQ_DENY;
}

static void status(void *self, nanomq_str arguments, nanomq_reply *reply)
{
    const struct counter *counter = self;
    char json[64];
    (void)arguments;
    snprintf(json, sizeof json, "{\"messages\":%" PRId64 "}", nanomq_counter_value(counter->messages));
    nanomq_reply_json(reply, json);
}

static int32_t init(nanomq_host *host, void **self)
{
    struct counter *counter = calloc(1, sizeof *counter);
    nanomq_str denied;
    int32_t result;
    *self = counter; /* destroy() frees it, also when we fail */
    if (counter == NULL)
        return -12; /* ENOMEM */
    counter->host = host;
    counter->messages = nanomq_counter_of(host, "c_counter_messages_total", "", "Messages seen");
    if (nanomq_config(host, "c_counter.deny", &denied))
    {
        result = nanomq_hook(host, NANOMQ_MESSAGE_PUBLISH, 0, NANOMQ_FAIL_CLOSED | NANOMQ_DRY_RUN_AWARE,
                             on_publish, counter, &denied, 1);
        if (result != 0)
        {
            nanomq_error(host, "c_counter.deny", "this is no Topic Filter");
            return result;
        }
    }
    nanomq_verb(host, "status", "what was counted", status, counter);
    return nanomq_hook(host, NANOMQ_MESSAGE_PUBLISHED, 0, 0, on_published, counter, NULL, 0);
}

static void destroy(void *self)
{
    free(self);
}

const nanomq_plugin_table nanomq_plugin = {sizeof(nanomq_plugin_table), init, NULL, NULL, destroy};
