/* Options that services have in common, so that they are called, limited and explained alike. Each
 * table is a shared part of a service_definition: it fills the struct of its name, which stands
 * somewhere in the service's own. */
#ifndef TONGHOP_SERVICE_ENDPOINT_CONFIG_H
#define TONGHOP_SERVICE_ENDPOINT_CONFIG_H

#include "common/config/schema.h"
#include "common/model/producer.h"

enum { ENDPOINTS_MAX = 8, FIXED_KEYS_MAX = 64 /* of one list */ };
enum { ENDPOINT_CONFIG_ROWS = 3, STORE_CONFIG_ROWS = 2 };

/* All lists of keys go into one: who asks wants to know a key's roles. */
struct fixed_keys {
    struct fixed_key items[2 * FIXED_KEYS_MAX];
    unsigned count;
};

/* listen, key_file, operate_keys */
struct endpoint_config {
    struct schema_strings listen;
    const char *key_file;
    struct fixed_keys keys;
};
extern const struct schema_row endpoint_config_rows[ENDPOINT_CONFIG_ROWS];
void endpoint_config_fini(struct endpoint_config *c);

/* store.directory, store.map_size */
struct store_config {
    const char *directory;
    int64_t map_bytes;
};
extern const struct schema_row store_config_rows[STORE_CONFIG_ROWS];

/* For a service's own list of at most FIXED_KEYS_MAX keys, `.item` of a row whose destination is
 * the fixed_keys of its endpoint_config: each a name and a public key, with the role service. */
schema_item_fn endpoint_config_item_service_key;

#endif
