#include "services/cli/cli_config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 1024, ENDPOINT_BYTES = 256, KEY_BYTES = 40 };

const struct schema_row cli_config_rows[CLI_CONFIG_ROWS] = {
    {
        .key = "collector.endpoint",
        .type = SCHEMA_STRING,
        .minimum = 1,
        .maximum = ENDPOINT_BYTES,
        .help = "Where figures, plans and keys go: tcp://HOST:PORT or ipc:///PATH.",
        SCHEMA_AT(struct cli_config, collector.endpoint),
    },
    {
        .key = "collector.key",
        .type = SCHEMA_STRING,
        .minimum = KEY_BYTES,
        .maximum = KEY_BYTES,
        .help = "The collector's public key, 40 characters of Z85, in double quotes.",
        SCHEMA_AT(struct cli_config, collector.key),
    },
    {
        .key = "collector.key_file",
        .type = SCHEMA_STRING,
        .minimum = 1,
        .maximum = PATH_BYTES,
        .help = "Or the file that holds it (FILE.pub of: tonghop keys make FILE).",
        SCHEMA_AT(struct cli_config, collector.key_file),
    },
    {
        .key = "aggregator.endpoint",
        .type = SCHEMA_STRING,
        .minimum = 1,
        .maximum = ENDPOINT_BYTES,
        .help = "Where questions go.",
        SCHEMA_AT(struct cli_config, aggregator.endpoint),
    },
    {
        .key = "aggregator.feed",
        .type = SCHEMA_STRING,
        .minimum = 1,
        .maximum = ENDPOINT_BYTES,
        .help = "The aggregator's feed, for: tonghop watch.",
        SCHEMA_AT(struct cli_config, feed),
    },
    {
        .key = "aggregator.key",
        .type = SCHEMA_STRING,
        .minimum = KEY_BYTES,
        .maximum = KEY_BYTES,
        .help = "The aggregator's public key, 40 characters of Z85, in double quotes.",
        SCHEMA_AT(struct cli_config, aggregator.key),
    },
    {
        .key = "aggregator.key_file",
        .type = SCHEMA_STRING,
        .minimum = 1,
        .maximum = PATH_BYTES,
        .help = "Or the file that holds it.",
        SCHEMA_AT(struct cli_config, aggregator.key_file),
    },
    {
        .key = "notifier.endpoint",
        .type = SCHEMA_STRING,
        .minimum = 1,
        .maximum = ENDPOINT_BYTES,
        .help = "Where states and alerts are asked for; leave it out where there is no notifier.",
        SCHEMA_AT(struct cli_config, notifier.endpoint),
    },
    {
        .key = "notifier.feed",
        .type = SCHEMA_STRING,
        .minimum = 1,
        .maximum = ENDPOINT_BYTES,
        .help = "The notifier's feed, for: tonghop alerts watch.",
        SCHEMA_AT(struct cli_config, alerts_feed),
    },
    {
        .key = "notifier.key",
        .type = SCHEMA_STRING,
        .minimum = KEY_BYTES,
        .maximum = KEY_BYTES,
        .help = "The notifier's public key, 40 characters of Z85, in double quotes.",
        SCHEMA_AT(struct cli_config, notifier.key),
    },
    {
        .key = "notifier.key_file",
        .type = SCHEMA_STRING,
        .minimum = 1,
        .maximum = PATH_BYTES,
        .help = "Or the file that holds it.",
        SCHEMA_AT(struct cli_config, notifier.key_file),
    },
    {
        .key = "key_file",
        .type = SCHEMA_STRING,
        .minimum = 1,
        .maximum = PATH_BYTES,
        .help = "Our own key pair, made by: tonghop keys make FILE. --my-key FILE goes before it.",
        SCHEMA_AT(struct cli_config, key_file),
    },
    {
        .key = "spool",
        .type = SCHEMA_STRING,
        .minimum = 1,
        .maximum = PATH_BYTES,
        .standard = "spool",
        .help = "Folder for figures that are not acknowledged yet. Each place that sends has its "
                "own; never copy one.",
        SCHEMA_AT(struct cli_config, spool),
    },
    {
        .key = "source",
        .type = SCHEMA_IDENTIFIER,
        .help = "On whose behalf this key reports: import compares with figures of this source. "
                "Not said: with the source of record.",
        SCHEMA_AT(struct cli_config, source),
    },
};

static const char *find_file(const char *path)
{
    static const char here[] = "tonghop.yaml", system_wide[] = "/etc/tonghop/tonghop.yaml";
    const char *named = getenv("TONGHOP_CONFIG");
    if (path)
        return path;
    if (named && *named)
        return named;
    return access(here, F_OK) == 0 ? here : system_wide;
}

static int check_keys(const struct cli_endpoint *s, const char *name, const struct doc *doc,
                      struct err *e)
{
    const struct doc_node *node = doc_find(doc_root(doc), name);
    if (s->key && s->key_file)
        return doc_error(node, e, "%s: key and key_file are both given: keep one", name);
    return 0;
}

int cli_config_load(const char *path, struct cli_config *out, struct err *e)
{
    const char *file = find_file(path);
    struct cli_config c = {0};
    int rc = doc_load(file, CLI_CONFIG_BYTES_MAX, &c.doc, e);
    if (rc == ERR_NOT_FOUND && !path)
        return err_set(e, rc,
                       "%s is not there: write one (config/tonghop.yaml is a sample) and name it "
                       "by --config FILE or the variable TONGHOP_CONFIG",
                       file);
    if (rc != 0)
        return rc;
    rc = schema_load(cli_config_rows, CLI_CONFIG_ROWS, c.doc, &c, e);
    if (rc == 0)
        rc = check_keys(&c.collector, "collector", c.doc, e);
    if (rc == 0)
        rc = check_keys(&c.aggregator, "aggregator", c.doc, e);
    if (rc == 0)
        rc = check_keys(&c.notifier, "notifier", c.doc, e);
    if (rc != 0) {
        cli_config_fini(&c);
        return rc;
    }
    c.path = doc_name(c.doc);
    *out = c;
    return 0;
}

void cli_config_fini(struct cli_config *c)
{
    doc_destroy(c->doc);
    *c = (struct cli_config){0};
}

const char *cli_config_path(const struct cli_config *c, const char *path, char *out, size_t bytes)
{
    const char *slash = strrchr(c->path, '/');
    int folder = path[0] == '/' || !slash ? 0 : (int)(slash - c->path) + 1;
    snprintf(out, bytes, "%.*s%s", folder, c->path, path);
    return out;
}
