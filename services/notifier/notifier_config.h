/* What the notifier's file says. config/notifier.yaml has every option. */
#ifndef TONGHOP_NOTIFIER_NOTIFIER_CONFIG_H
#define TONGHOP_NOTIFIER_NOTIFIER_CONFIG_H

#include "common/net/net.h"
#include "common/service/endpoint_config.h"

enum { NOTIFIER_CONFIG_SHARED = 2, NOTIFIER_CONFIG_ROWS = 11 };

struct notifier_config {
    struct endpoint_config endpoint;
    struct store_config store;
    const char *aggregator_endpoint;
    const char *aggregator_key;
    int64_t fetch_bytes;
    int64_t fetch_wait_ms;
    const char *maildir;
    const char *from_name;
    const char *from_address;
    const char *domain;
    struct schema_strings feed_listen;
    int64_t beat_ms;
    int64_t queue_messages_max;
};

extern const struct schema_part notifier_config_shared[NOTIFIER_CONFIG_SHARED];
extern const struct schema_row notifier_config_rows[NOTIFIER_CONFIG_ROWS];

/* What no row can say: that the aggregator's key decodes, that addresses can stand in a header. */
int notifier_config_check(const void *config, const struct doc *doc, struct err *e);
void notifier_config_fini(void *config);
/* The aggregator's key; the configuration was checked. */
struct net_key notifier_config_aggregator_key(const struct notifier_config *c);

#endif
