/* What the collector's file says. config/collector.yaml has every option. */
#ifndef TONGHOP_COLLECTOR_COLLECTOR_CONFIG_H
#define TONGHOP_COLLECTOR_COLLECTOR_CONFIG_H

#include "common/config/schema.h"
#include "services/collector/collector_core.h"

enum { COLLECTOR_ENDPOINTS_MAX = 8, COLLECTOR_FIXED_KEYS_MAX = 64, COLLECTOR_CONFIG_ROWS = 12 };

/* Both lists of keys go into one: the core only asks for a key's roles. */
struct collector_keys {
    struct fixed_key items[2 * COLLECTOR_FIXED_KEYS_MAX];
    unsigned count;
};

struct collector_config {
    struct schema_strings listen;
    const char *key_file;
    struct collector_keys keys;
    const char *directory;
    int64_t map_bytes;
    bool replay;
    int64_t round_messages;
    int64_t round_bytes;
    int64_t fetch_bytes_max;
    int64_t fetches_parked_max;
    int64_t queue_messages_max; /* each way, each peer */
};

extern const struct schema_row collector_config_rows[COLLECTOR_CONFIG_ROWS];

/* What no row can say: that a queue holds the answers to a round. */
int collector_config_check(const void *config, const struct doc *doc, struct err *e);
void collector_config_fini(void *config); /* a struct collector_config */

#endif
