#include "services/collector/collector_config.h"

#include "common/net/net.h"

struct key_record {
    const char *name;
    const char *key;
};

static const struct schema_row key_rows[] = {
    {
        .key = "name",
        .type = SCHEMA_IDENTIFIER,
        .required = true,
        .help = "Whose key it is, for people.",
        SCHEMA_AT(struct key_record, name),
    },
    {
        .key = "key",
        .type = SCHEMA_STRING,
        .minimum = 40,
        .maximum = 40,
        .required = true,
        .help = "The public key, 40 characters of Z85, in double quotes.",
        SCHEMA_AT(struct key_record, key),
    },
};

static int read_key(const struct doc_node *item, uint32_t roles, struct collector_keys *keys,
                    struct err *e)
{
    struct key_record record = {0};
    struct net_key key;
    struct err why;
    int rc = schema_read(key_rows, sizeof key_rows / sizeof *key_rows, item, &record, e);
    if (rc != 0)
        return rc;
    if (key_parse_z85(slice_str(record.key), &key, &why) != 0)
        return doc_error(doc_find(item, "key"), e, "key of %s: %s", record.name, why.text);
    struct fixed_key *fixed = &keys->items[keys->count++];
    memcpy(fixed->key, key.bytes, KEY_BYTES);
    fixed->roles = roles;
    return 0;
}

static int read_service_key(const struct doc_node *item, void *field, struct err *e)
{
    return read_key(item, ROLE_SERVICE, field, e);
}

static int read_operate_key(const struct doc_node *item, void *field, struct err *e)
{
    return read_key(item, ROLE_OPERATE, field, e);
}

const struct schema_row collector_config_rows[COLLECTOR_CONFIG_ROWS] = {
    {
        .key = "listen",
        .type = SCHEMA_LIST,
        .minimum = 1,
        .maximum = COLLECTOR_ENDPOINTS_MAX,
        .required = true,
        .unit = "endpoints",
        .item = schema_item_string,
        .help = "Where producers, operators and services connect: tcp://ADDRESS:PORT or "
                "ipc:///path in a private directory.",
        SCHEMA_AT(struct collector_config, listen),
    },
    {
        .key = "key_file",
        .type = SCHEMA_STRING,
        .minimum = 1,
        .maximum = 4096,
        .required = true,
        .help = "The collector's own key pair, made by: tonghop keys make. Only its user may read "
                "it.",
        SCHEMA_AT(struct collector_config, key_file),
    },
    {
        .key = "service_keys",
        .type = SCHEMA_LIST,
        .maximum = COLLECTOR_FIXED_KEYS_MAX,
        .standard = "[]",
        .unit = "keys",
        .item = read_service_key,
        .help = "Who may pull the journal (the aggregator), each a name and a public key.",
        SCHEMA_AT(struct collector_config, keys),
    },
    {
        .key = "operate_keys",
        .type = SCHEMA_LIST,
        .maximum = COLLECTOR_FIXED_KEYS_MAX,
        .standard = "[]",
        .unit = "keys",
        .item = read_operate_key,
        .help = "The first operators, who apply catalogues, plans and producers; further ones are "
                "applied as producers with the role operate.",
        SCHEMA_AT(struct collector_config, keys),
    },
    {
        .key = "store.directory",
        .type = SCHEMA_STRING,
        .minimum = 1,
        .maximum = 3072,
        .required = true,
        .help = "Where the journal is kept: a local disk, never a network file system. Created "
                "when missing; its parent must exist.",
        SCHEMA_AT(struct collector_config, directory),
    },
    {
        .key = "store.map_size",
        .type = SCHEMA_SIZE,
        .minimum = 1 << 20,
        .maximum = INT64_C(1) << 46,
        .standard = "64GiB",
        .help = "The most that the journal may grow to. It is address space and takes no disk "
                "until it is used; when it is full nothing more is accepted until it is raised.",
        SCHEMA_AT(struct collector_config, map_bytes),
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
    schema_strings_fini(&((struct collector_config *)config)->listen);
}
