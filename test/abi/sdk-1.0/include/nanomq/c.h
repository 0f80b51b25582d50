/*
 * nanomq/c.h: plugins in C.
 *
 * Build with nanomq_add_c_plugin() of the CMake package. It compiles the SDK's shim into the plugin,
 * which exports what the broker looks for and forwards to one table of functions:
 *
 *     static int32_t on_message(void *self, const nanomq_event_header *event, nanomq_context *context);
 *     static int32_t init(nanomq_host *host, void **self)
 *     {
 *         return nanomq_hook(host, NANOMQ_MESSAGE_PUBLISHED, 0, 0, on_message, NULL, NULL, 0);
 *     }
 *     const nanomq_plugin_table nanomq_plugin = {sizeof(nanomq_plugin_table), init, NULL, NULL, NULL};
 *
 * Rules, threads and lifetimes are those of the C++ headers, which say more about each call: plugin.h,
 * hooks.h, events.h, services.h. Functions return 0 or a negative errno number unless said otherwise.
 */
#ifndef NANOMQ_C_H
#define NANOMQ_C_H

#include "nanomq/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Text or bytes that somebody else owns; not terminated; valid for the call. */
typedef struct nanomq_str
{
    const char *data;
    uint64_t size;
} nanomq_str;
typedef nanomq_str nanomq_bytes;

typedef struct nanomq_host nanomq_host;       /* the broker; valid until destroy() returns */
typedef struct nanomq_context nanomq_context; /* valid for one call of a hook */
typedef struct nanomq_counter nanomq_counter; /* a figure in the broker's registry */
typedef struct nanomq_reply nanomq_reply;     /* valid for one call of a verb */

/* What a hook returns. */
enum
{
    NANOMQ_NEXT = 0,
    NANOMQ_ALLOW = 1,
    NANOMQ_DENY = 2,
    NANOMQ_DROP = 3,
    NANOMQ_PENDING = 4, /* only after nanomq_defer() */
    NANOMQ_ERROR = -1
};

/* Hook points (events.h has the whole list; the numbers are for ever). */
enum
{
    NANOMQ_CLIENT_CONNECT = 1,
    NANOMQ_CLIENT_AUTHENTICATE = 2,
    NANOMQ_CLIENT_AUTHORIZE = 4,
    NANOMQ_CLIENT_CONNECTED = 6,
    NANOMQ_CLIENT_DISCONNECTED = 7,
    NANOMQ_CLIENT_SUBSCRIBE = 8,
    NANOMQ_MESSAGE_PUBLISH = 16,
    NANOMQ_MESSAGE_PUBLISHED = 17
};

/* Flags of a hook. */
enum
{
    NANOMQ_INLINE = 1 << 0,
    NANOMQ_FAIL_CLOSED = 1 << 1,
    NANOMQ_DRY_RUN_AWARE = 1 << 2
};

enum
{
    NANOMQ_LOG_ERROR = 3,
    NANOMQ_LOG_WARNING = 4,
    NANOMQ_LOG_INFORMATION = 6,
    NANOMQ_LOG_DEBUG = 7
};

/* Events: each begins with the header, and grows at its end only. */
typedef struct nanomq_event_header
{
    uint32_t size;
    uint16_t point;
    uint16_t worker;
    uint32_t flags; /* 1: a dry run */
    uint32_t reserved;
    uint64_t time_ms;
    uint64_t id;
} nanomq_event_header;

typedef struct nanomq_client_info
{
    uint32_t size;
    uint8_t protocol_version, clean_start, has_user_name, reserved0;
    uint16_t keep_alive_seconds, peer_port;
    uint32_t reserved1;
    uint64_t connected_at_ms;
    nanomq_str client_id, user_name, peer_address, listener, certificate_common_name,
        certificate_subject;
} nanomq_client_info;

/* client.connected, and how every client.* and session.* event begins. */
typedef struct nanomq_client_event
{
    nanomq_event_header header;
    const nanomq_client_info *client; /* may be null */
} nanomq_client_event;

typedef struct nanomq_client_authenticate
{
    nanomq_event_header header;
    const nanomq_client_info *client;
    nanomq_bytes password;
    uint8_t has_password, reserved[7];
} nanomq_client_authenticate;

typedef struct nanomq_client_authorize
{
    nanomq_event_header header;
    const nanomq_client_info *client;
    nanomq_str topic;
    uint8_t access; /* 1 subscribe, 2 publish, 3 receive, 4 will */
    uint8_t qos, retain, reserved[5];
} nanomq_client_authorize;

typedef struct nanomq_message_publish
{
    nanomq_event_header header;
    const nanomq_client_info *client;
    nanomq_str topic;
    nanomq_bytes payload, properties;
    uint8_t qos, retain, dup, is_will;
    uint32_t expiry_seconds;
} nanomq_message_publish;

typedef struct nanomq_message_published
{
    nanomq_event_header header;
    const nanomq_client_info *client;
    nanomq_str topic;
    nanomq_bytes payload, properties;
    uint8_t qos, retain, is_will, reserved[5];
} nanomq_message_published;

typedef int32_t (*nanomq_hook_function)(void *self, const nanomq_event_header *event,
                                        nanomq_context *context);

/* The plugin: what the shim calls. Any function but init may be null. Thread: [host]. */
typedef struct nanomq_plugin_table
{
    uint32_t size;
    /* Reads the configuration, registers hooks. Not 0: refused; tell why with nanomq_error().
       `*self` is handed to the other functions; hooks and verbs get what they are registered with. */
    int32_t (*init)(nanomq_host *host, void **self);
    int32_t (*start)(void *self);
    void (*quiesce)(void *self, uint32_t deadline_ms);
    void (*destroy)(void *self);
} nanomq_plugin_table;

/* Defined by the plugin. */
extern const nanomq_plugin_table nanomq_plugin;

/* Makes a nanomq_str of a terminated text. */
nanomq_str nanomq_text(const char *text);

/* Of the host. [any], but for nanomq_hook() and nanomq_verb(), which belong into init(). */
int32_t nanomq_hook(nanomq_host *host, uint16_t point, int16_t priority, uint32_t flags,
                    nanomq_hook_function function, void *self, const nanomq_str *topic_filters,
                    uint32_t filter_count);
int32_t nanomq_verb(nanomq_host *host, const char *path, const char *help,
                    void (*run)(void *self, nanomq_str arguments_json, nanomq_reply *reply),
                    void *self);
void nanomq_log(nanomq_host *host, int32_t level, const char *text);
void nanomq_error(nanomq_host *host, const char *where, const char *what);
/* 1 and the value, that lives as long as the plugin; 0 when the key is absent. */
int32_t nanomq_config(nanomq_host *host, const char *key, nanomq_str *value);
int32_t nanomq_publish(nanomq_host *host, nanomq_str topic, nanomq_bytes payload, uint8_t qos,
                       uint8_t retain);
/* Answers a deferral, from any thread. */
void nanomq_complete(nanomq_host *host, uint64_t deferral, int32_t verdict, uint8_t reason,
                     const char *text);
/* Never null. */
nanomq_counter *nanomq_counter_of(nanomq_host *host, const char *name, const char *labels,
                                  const char *help);
void nanomq_counter_add(nanomq_counter *counter, int64_t by);
int64_t nanomq_counter_value(const nanomq_counter *counter);
/* Any other interface of the broker, by its versioned name: for code that is C++ after all. */
void *nanomq_query(nanomq_host *host, const char *interface_id);

/* Of a hook's context. [worker] */
uint64_t nanomq_defer(nanomq_context *context, uint32_t timeout_ms, int32_t on_timeout);
int32_t nanomq_set_topic(nanomq_context *context, nanomq_str topic);
int32_t nanomq_set_payload(nanomq_context *context, nanomq_bytes payload);
int32_t nanomq_set_qos(nanomq_context *context, uint8_t qos);
void nanomq_set_reason(nanomq_context *context, uint8_t reason, const char *text);

/* Of a verb's reply: one of the two. */
void nanomq_reply_json(nanomq_reply *reply, const char *json);
void nanomq_reply_error(nanomq_reply *reply, const char *code, const char *message);

#ifdef __cplusplus
}
#endif

#endif
