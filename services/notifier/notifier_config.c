#include "services/notifier/notifier_config.h"

#include "common/base/check.h"

enum { NAME_BYTES = 128, ADDRESS_BYTES = 254, DOMAIN_BYTES = 128, PATH_BYTES = 1024 };

const struct schema_part notifier_config_shared[NOTIFIER_CONFIG_SHARED] = {
    {endpoint_config_rows, ENDPOINT_CONFIG_ROWS, offsetof(struct notifier_config, endpoint)},
    {store_config_rows, STORE_CONFIG_ROWS, offsetof(struct notifier_config, store)},
};

const struct schema_row notifier_config_rows[NOTIFIER_CONFIG_ROWS] = {
    {
        .key = "aggregator.endpoint",
        .type = SCHEMA_STRING,
        .minimum = 1,
        .maximum = 1024,
        .required = true,
        .help = "Where the aggregator listens.",
        SCHEMA_AT(struct notifier_config, aggregator_endpoint),
    },
    {
        .key = "aggregator.key",
        .type = SCHEMA_STRING,
        .minimum = 40,
        .maximum = 40,
        .required = true,
        .help = "The aggregator's public key, 40 characters of Z85, in double quotes.",
        SCHEMA_AT(struct notifier_config, aggregator_key),
    },
    {
        .key = "fetch.bytes",
        .type = SCHEMA_SIZE,
        .minimum = 64 << 10,
        .maximum = 8 << 20,
        .standard = "4MiB",
        .help = "How much of the frames is asked for at once.",
        SCHEMA_AT(struct notifier_config, fetch_bytes),
    },
    {
        .key = "fetch.wait",
        .type = SCHEMA_DURATION,
        .minimum = 10,
        .maximum = 60000,
        .standard = "1s",
        .help = "How long the aggregator keeps a pull that it has nothing for yet.",
        SCHEMA_AT(struct notifier_config, fetch_wait_ms),
    },
    {
        .key = "mail.maildir",
        .type = SCHEMA_STRING,
        .minimum = 1,
        .maximum = PATH_BYTES,
        .required = true,
        .help = "Folder in which messages are laid down, each a file in its new/. Made with mode "
                "0700 when it is not there.",
        SCHEMA_AT(struct notifier_config, maildir),
    },
    {
        .key = "mail.from_name",
        .type = SCHEMA_STRING,
        .minimum = 0,
        .maximum = NAME_BYTES,
        .standard = "Hệ thống tổng hợp số liệu",
        .help = "Whom messages come from, as readers see it.",
        SCHEMA_AT(struct notifier_config, from_name),
    },
    {
        .key = "mail.from",
        .type = SCHEMA_STRING,
        .minimum = 3,
        .maximum = ADDRESS_BYTES,
        .standard = "tonghop@tonghop.local",
        .help = "The address they come from.",
        SCHEMA_AT(struct notifier_config, from_address),
    },
    {
        .key = "mail.domain",
        .type = SCHEMA_STRING,
        .minimum = 1,
        .maximum = DOMAIN_BYTES,
        .standard = "tonghop.local",
        .help = "Right side of message ids and of recipients' addresses (quanhuyen.303@DOMAIN). "
                "Change it before the first message, never afterwards: a message's id would be "
                "another one.",
        SCHEMA_AT(struct notifier_config, domain),
    },
    {
        .key = "feed.listen",
        .type = SCHEMA_LIST,
        .maximum = ENDPOINTS_MAX,
        .standard = "[]",
        .unit = "endpoints",
        .item = schema_item_string,
        .help = "Where programs subscribe to notifications; none: there is no feed.",
        SCHEMA_AT(struct notifier_config, feed_listen),
    },
    {
        .key = "feed.beat",
        .type = SCHEMA_DURATION,
        .minimum = 10,
        .maximum = 60000,
        .standard = "1s",
        .help = "How often the number of the last decision is sent.",
        SCHEMA_AT(struct notifier_config, beat_ms),
    },
    {
        .key = "queue.messages",
        .type = SCHEMA_INTEGER,
        .minimum = 10,
        .maximum = 100000,
        .standard = "1000",
        .unit = "messages",
        .help = "Held for each peer, each way; a subscriber that is too slow loses notifications, "
                "knows it by the numbers and asks for them.",
        SCHEMA_AT(struct notifier_config, queue_messages_max),
    },
};

static bool is_address_byte(char c, bool at)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
           c == '-' || (at && (c == '@' || c == '_' || c == '+'));
}

/* What would break a header, or begin one of its own, is not to get there. */
static bool is_address_text(const char *text, bool at)
{
    unsigned ats = 0;
    for (const char *c = text; *c; c++) {
        if (!is_address_byte(*c, at))
            return false;
        ats += *c == '@';
    }
    return ats == (at ? 1 : 0) && text[0] != '@' && text[strlen(text) - 1] != '@';
}

int notifier_config_check(const void *config, const struct doc *doc, struct err *e)
{
    const struct notifier_config *c = config;
    const struct doc_node *root = doc_root(doc);
    struct net_key key;
    struct err why;
    if (key_parse_z85(slice_str(c->aggregator_key), &key, &why) != 0)
        return doc_error(schema_find(root, "aggregator.key"), e, "aggregator.key: %s", why.text);
    if (!is_address_text(c->from_address, true))
        return doc_error(schema_find(root, "mail.from"), e,
                         "mail.from: \"%s\" is no address: write NAME@DOMAIN", c->from_address);
    if (!is_address_text(c->domain, false))
        return doc_error(schema_find(root, "mail.domain"), e,
                         "mail.domain: \"%s\" is no domain: letters, digits, dots and dashes",
                         c->domain);
    return 0;
}

void notifier_config_fini(void *config)
{
    struct notifier_config *c = config;
    endpoint_config_fini(&c->endpoint);
    schema_strings_fini(&c->feed_listen);
}

struct net_key notifier_config_aggregator_key(const struct notifier_config *c)
{
    struct net_key key;
    require(key_parse_z85(slice_str(c->aggregator_key), &key, NULL) == 0);
    return key;
}
