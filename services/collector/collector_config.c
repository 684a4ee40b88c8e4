#include "services/collector/collector_config.h"

const struct schema_part collector_config_shared[COLLECTOR_CONFIG_SHARED] = {
    {endpoint_config_rows, ENDPOINT_CONFIG_ROWS, offsetof(struct collector_config, endpoint)},
    {store_config_rows, STORE_CONFIG_ROWS, offsetof(struct collector_config, store)},
};

const struct schema_row collector_config_rows[COLLECTOR_CONFIG_ROWS] = {
    {
        .key = "service_keys",
        .type = SCHEMA_LIST,
        .maximum = FIXED_KEYS_MAX,
        .standard = "[]",
        .unit = "keys",
        .item = endpoint_config_item_service_key,
        .help = "Who may pull the journal (the aggregator), each a name and a public key.",
        SCHEMA_AT(struct collector_config, endpoint.keys),
    },
    {
        .key = "journal.replay",
        .type = SCHEMA_BOOLEAN,
        .standard = "false",
        .help = "For a new journal: true when its time is moved by an operate key alone, to play "
                "past reports again. Fixed by the journal's first entry.",
        SCHEMA_AT(struct collector_config, replay),
    },
    {
        .key = "round.messages",
        .type = SCHEMA_INTEGER,
        .minimum = 1,
        .maximum = 65536,
        .standard = "4096",
        .unit = "messages",
        .help = "At most so many are taken before a commit. More gives fewer syncs under load and "
                "later answers.",
        SCHEMA_AT(struct collector_config, round_messages),
    },
    {
        .key = "round.bytes",
        .type = SCHEMA_SIZE,
        .minimum = 64 << 10,
        .maximum = 8 << 20,
        .standard = "8MiB",
        .help = "At most so many bytes are gathered before a commit.",
        SCHEMA_AT(struct collector_config, round_bytes),
    },
    {
        .key = "fetch.bytes",
        .type = SCHEMA_SIZE,
        .minimum = 64 << 10,
        .maximum = 8 << 20,
        .standard = "8MiB",
        .help = "The most that one pull of the journal is answered with, whatever it asks for; a "
                "single larger commit is still given whole.",
        SCHEMA_AT(struct collector_config, fetch_bytes_max),
    },
    {
        .key = "fetch.parked",
        .type = SCHEMA_INTEGER,
        .minimum = 1,
        .maximum = 4096,
        .standard = "64",
        .unit = "requests",
        .help = "So many pulls may wait for new entries at once; a further one is told to try "
                "again.",
        SCHEMA_AT(struct collector_config, fetches_parked_max),
    },
    {
        .key = "queue.messages",
        .type = SCHEMA_INTEGER,
        .minimum = 10,
        .maximum = 100000,
        .standard = "8192",
        .unit = "messages",
        .help = "Held for each peer, each way; at least round.messages, so that the answers to one "
                "round fit. A producer whose queue is full waits, a peer that does not take its "
                "answers loses them and asks again.",
        SCHEMA_AT(struct collector_config, queue_messages_max),
    },
};

/* All messages of a round may be one peer's, and their answers leave together: what does not fit
 * into its queue would be dropped, and be asked for again. */
int collector_config_check(const void *config, const struct doc *doc, struct err *e)
{
    const struct collector_config *c = config;
    const struct doc_node *at = schema_find(doc_root(doc), "queue.messages");
    if (c->queue_messages_max >= c->round_messages)
        return 0;
    return doc_error(at ? at : schema_find(doc_root(doc), "round.messages"), e,
                     "queue.messages is %lld and round.messages %lld: the answers to one round "
                     "must fit into a peer's queue; write at least as many",
                     (long long)c->queue_messages_max, (long long)c->round_messages);
}

void collector_config_fini(void *config)
{
    endpoint_config_fini(&((struct collector_config *)config)->endpoint);
}
