/* What the aggregator's file says. config/aggregator.yaml has every option. */
#ifndef TONGHOP_AGGREGATOR_AGGREGATOR_CONFIG_H
#define TONGHOP_AGGREGATOR_AGGREGATOR_CONFIG_H

#include "common/net/net.h"
#include "common/service/endpoint_config.h"

enum { AGGREGATOR_CONFIG_SHARED = 2, AGGREGATOR_CONFIG_ROWS = 12 };

struct aggregator_config {
    struct endpoint_config endpoint;
    struct store_config store;
    struct schema_strings feed_listen;
    const char *collector_endpoint;
    const char *collector_key;
    int64_t fetch_bytes;
    int64_t fetch_wait_ms;
    int64_t checkpoint_idle_ms;
    int64_t checkpoint_busy_ms;
    int64_t checkpoint_pending;
    int64_t beat_ms;
    int64_t waiting_max;
    int64_t queue_messages_max;
};

extern const struct schema_part aggregator_config_shared[AGGREGATOR_CONFIG_SHARED];
extern const struct schema_row aggregator_config_rows[AGGREGATOR_CONFIG_ROWS];

/* What no row can say: that the collector's key decodes. */
int aggregator_config_check(const void *config, const struct doc *doc, struct err *e);
void aggregator_config_fini(void *config);
/* The collector's key; the configuration was checked. */
struct net_key aggregator_config_collector_key(const struct aggregator_config *c);

#endif
