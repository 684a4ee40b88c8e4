#include "common/service/endpoint_config.h"

#include "common/base/check.h"
#include "common/net/net.h"

/* --- lists of keys */

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

static int read_key(const struct doc_node *item, uint32_t roles, struct fixed_keys *keys,
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
    require(keys->count < sizeof keys->items / sizeof *keys->items); /* two lists at most */
    struct fixed_key *fixed = &keys->items[keys->count++];
    memcpy(fixed->key, key.bytes, KEY_BYTES);
    fixed->roles = roles;
    return 0;
}

static int read_operate_key(const struct doc_node *item, void *field, struct err *e)
{
    return read_key(item, ROLE_OPERATE, field, e);
}

int endpoint_config_item_service_key(const struct doc_node *item, void *field, struct err *e)
{
    return read_key(item, ROLE_SERVICE, field, e);
}

/* --- the tables */

const struct schema_row endpoint_config_rows[ENDPOINT_CONFIG_ROWS] = {
    {
        .key = "listen",
        .type = SCHEMA_LIST,
        .minimum = 1,
        .maximum = ENDPOINTS_MAX,
        .required = true,
        .unit = "endpoints",
        .item = schema_item_string,
        .help = "Where requests are taken: tcp://ADDRESS:PORT or ipc:///path in a private "
                "directory.",
        SCHEMA_AT(struct endpoint_config, listen),
    },
    {
        .key = "key_file",
        .type = SCHEMA_STRING,
        .minimum = 1,
        .maximum = 4096,
        .required = true,
        .help = "This service's own key pair, made by: tonghop keys make. Only its user may read "
                "it; the public half stands in the files of those who connect.",
        SCHEMA_AT(struct endpoint_config, key_file),
    },
    {
        .key = "operate_keys",
        .type = SCHEMA_LIST,
        .maximum = FIXED_KEYS_MAX,
        .standard = "[]",
        .unit = "keys",
        .item = read_operate_key,
        .help = "The first operators, heard before the journal has told of any producer, each a "
                "name and a public key; further ones are applied as producers with the role "
                "operate.",
        SCHEMA_AT(struct endpoint_config, keys),
    },
};

void endpoint_config_fini(struct endpoint_config *c)
{
    schema_strings_fini(&c->listen);
}

const struct schema_row store_config_rows[STORE_CONFIG_ROWS] = {
    {
        .key = "store.directory",
        .type = SCHEMA_STRING,
        .minimum = 1,
        .maximum = 3072,
        .required = true,
        .help = "Where its store is kept: a local disk, never a network file system. Created when "
                "missing; its parent must exist.",
        SCHEMA_AT(struct store_config, directory),
    },
    {
        .key = "store.map_size",
        .type = SCHEMA_SIZE,
        .minimum = 1 << 20,
        .maximum = INT64_C(1) << 46,
        .standard = "64GiB",
        .help = "The most that the store may grow to. It is address space and takes no disk until "
                "it is used; when it is full nothing more is taken until it is raised.",
        SCHEMA_AT(struct store_config, map_bytes),
    },
};
