/* What the collector's file says. config/collector.yaml has every option. */
#ifndef TONGHOP_COLLECTOR_COLLECTOR_CONFIG_H
#define TONGHOP_COLLECTOR_COLLECTOR_CONFIG_H

#include "common/service/endpoint_config.h"

enum { COLLECTOR_CONFIG_SHARED = 2, COLLECTOR_CONFIG_ROWS = 7 };

struct collector_config {
    struct endpoint_config endpoint;
    struct store_config store;
    bool replay;
    int64_t round_messages;
    int64_t round_bytes;
    int64_t fetch_bytes_max;
    int64_t fetches_parked_max;
    int64_t queue_messages_max; /* each way, each peer */
};

extern const struct schema_part collector_config_shared[COLLECTOR_CONFIG_SHARED];
extern const struct schema_row collector_config_rows[COLLECTOR_CONFIG_ROWS];

/* What no row can say: that a queue holds the answers to a round. */
int collector_config_check(const void *config, const struct doc *doc, struct err *e);
void collector_config_fini(void *config); /* a struct collector_config */

#endif
