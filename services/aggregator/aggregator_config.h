/* What the aggregator's file says. config/aggregator.yaml has every option. */
#ifndef TONGHOP_AGGREGATOR_AGGREGATOR_CONFIG_H
#define TONGHOP_AGGREGATOR_AGGREGATOR_CONFIG_H

#include "common/config/schema.h"
#include "common/net/net.h"

enum { AGGREGATOR_ENDPOINTS_MAX = 8, AGGREGATOR_KEYS_MAX = 64, AGGREGATOR_CONFIG_ROWS = 16 };

struct aggregator_keys {
    struct net_key items[AGGREGATOR_KEYS_MAX];
    unsigned count;
};

struct aggregator_config {
    struct schema_strings listen;
    struct schema_strings feed_listen;
    const char *key_file;
    struct aggregator_keys operate_keys;
    const char *collector_endpoint;
    const char *collector_key;
    const char *directory;
    int64_t map_bytes;
    int64_t fetch_bytes;
    int64_t fetch_wait_ms;
    int64_t checkpoint_idle_ms;
    int64_t checkpoint_busy_ms;
    int64_t checkpoint_pending;
    int64_t beat_ms;
    int64_t waiting_max;
    int64_t queue_messages_max;
};

extern const struct schema_row aggregator_config_rows[AGGREGATOR_CONFIG_ROWS];

/* What no row can say: that the collector's key decodes. */
int aggregator_config_check(const void *config, const struct doc *doc, struct err *e);
void aggregator_config_fini(void *config);
/* The collector's key; the configuration was checked. */
struct net_key aggregator_config_collector_key(const struct aggregator_config *c);

#endif
