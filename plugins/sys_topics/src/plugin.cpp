#include "SysTopics.h"

NANOMQ_PLUGIN(sys_topics::SysTopics, "sys_topics", "1.0.0", NANOMQ_PLUGIN_RELOAD_OVERLAP)
