#include "services/aggregator/aggregator_config.h"

#include "common/base/check.h"

const struct schema_part aggregator_config_shared[AGGREGATOR_CONFIG_SHARED] = {
    {endpoint_config_rows, ENDPOINT_CONFIG_ROWS, offsetof(struct aggregator_config, endpoint)},
    {store_config_rows, STORE_CONFIG_ROWS, offsetof(struct aggregator_config, store)},
};

const struct schema_row aggregator_config_rows[AGGREGATOR_CONFIG_ROWS] = {
    {
        .key = "service_keys",
        .type = SCHEMA_LIST,
        .maximum = FIXED_KEYS_MAX,
        .standard = "[]",
        .unit = "keys",
        .item = endpoint_config_item_service_key,
        .help = "Who may pull frames (the notifier), each a name and a public key.",
        SCHEMA_AT(struct aggregator_config, endpoint.keys),
    },
    {
        .key = "collector.endpoint",
        .type = SCHEMA_STRING,
        .minimum = 1,
        .maximum = 1024,
        .required = true,
        .help = "Where the collector listens.",
        SCHEMA_AT(struct aggregator_config, collector_endpoint),
    },
    {
        .key = "collector.key",
        .type = SCHEMA_STRING,
        .minimum = 40,
        .maximum = 40,
        .required = true,
        .help = "The collector's public key, 40 characters of Z85, in double quotes.",
        SCHEMA_AT(struct aggregator_config, collector_key),
    },
    {
        .key = "fetch.bytes",
        .type = SCHEMA_SIZE,
        .minimum = 64 << 10,
        .maximum = 8 << 20,
        .standard = "4MiB",
        .help = "How much of the journal is asked for at once.",
        SCHEMA_AT(struct aggregator_config, fetch_bytes),
    },
    {
        .key = "fetch.wait",
        .type = SCHEMA_DURATION,
        .minimum = 10,
        .maximum = 60000,
        .standard = "1s",
        .help = "How long the collector keeps a pull that it has nothing for yet.",
        SCHEMA_AT(struct aggregator_config, fetch_wait_ms),
    },
    {
        .key = "checkpoint.idle",
        .type = SCHEMA_DURATION,
        .minimum = 1,
        .maximum = 10000,
        .standard = "20ms",
        .help = "With the journal's head reached: the least time between two checkpoints. It "
                "grows by itself when checkpoints take long.",
        SCHEMA_AT(struct aggregator_config, checkpoint_idle_ms),
    },
    {
        .key = "checkpoint.busy",
        .type = SCHEMA_DURATION,
        .minimum = 1,
        .maximum = 60000,
        .standard = "1s",
        .help = "Under load: the most time between two checkpoints, so also how old an answer may "
                "be.",
        SCHEMA_AT(struct aggregator_config, checkpoint_busy_ms),
    },
    {
        .key = "checkpoint.pending",
        .type = SCHEMA_SIZE,
        .minimum = 1 << 16,
        .maximum = 1 << 30,
        .standard = "32MiB",
        .help = "A checkpoint is made when changes of more than this wait in memory. More means "
                "fewer writes of a cell that changes again and again.",
        SCHEMA_AT(struct aggregator_config, checkpoint_pending),
    },
    {
        .key = "feed.listen",
        .type = SCHEMA_LIST,
        .maximum = ENDPOINTS_MAX,
        .standard = "[]",
        .unit = "endpoints",
        .item = schema_item_string,
        .help = "Where dashboards subscribe; none: there is no feed.",
        SCHEMA_AT(struct aggregator_config, feed_listen),
    },
    {
        .key = "feed.beat",
        .type = SCHEMA_DURATION,
        .minimum = 10,
        .maximum = 60000,
        .standard = "250ms",
        .help = "How often changed cells and the numbers of all streams are sent.",
        SCHEMA_AT(struct aggregator_config, beat_ms),
    },
    {
        .key = "query.waiting",
        .type = SCHEMA_INTEGER,
        .minimum = 1,
        .maximum = 65536,
        .standard = "1024",
        .unit = "questions",
        .help = "So many questions may wait for a journal entry (not_before), a sixteenth of them "
                "from one key unless it is a service's; a further one is told to try again.",
        SCHEMA_AT(struct aggregator_config, waiting_max),
    },
    {
        .key = "queue.messages",
        .type = SCHEMA_INTEGER,
        .minimum = 10,
        .maximum = 100000,
        .standard = "1000",
        .unit = "messages",
        .help = "Held for each peer, each way; a subscriber that is too slow loses updates, knows "
                "it by their numbers and takes a new snapshot.",
        SCHEMA_AT(struct aggregator_config, queue_messages_max),
    },
};

int aggregator_config_check(const void *config, const struct doc *doc, struct err *e)
{
    const struct aggregator_config *c = config;
    struct net_key key;
    struct err why;
    if (key_parse_z85(slice_str(c->collector_key), &key, &why) == 0)
        return 0;
    return doc_error(schema_find(doc_root(doc), "collector.key"), e, "collector.key: %s", why.text);
}

void aggregator_config_fini(void *config)
{
    struct aggregator_config *c = config;
    endpoint_config_fini(&c->endpoint);
    schema_strings_fini(&c->feed_listen);
}

struct net_key aggregator_config_collector_key(const struct aggregator_config *c)
{
    struct net_key key;
    require(key_parse_z85(slice_str(c->collector_key), &key, NULL) == 0);
    return key;
}
