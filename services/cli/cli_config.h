/* Where the services are and which key is ours: tonghop.yaml. Looked for in this order: --config,
 * the variable TONGHOP_CONFIG, ./tonghop.yaml, /etc/tonghop/tonghop.yaml. */
#ifndef TONGHOP_CLI_CLI_CONFIG_H
#define TONGHOP_CLI_CLI_CONFIG_H

#include "common/config/schema.h"

enum { CLI_CONFIG_ROWS = 14, CLI_CONFIG_BYTES_MAX = 64 * 1024 };

struct cli_endpoint {
    const char *endpoint;
    const char *key;      /* Z85; or */
    const char *key_file; /* a public key file */
};

/* Texts live as long as `doc`; relative paths start at the file's folder. */
struct cli_config {
    struct cli_endpoint collector;
    struct cli_endpoint aggregator;
    struct cli_endpoint notifier; /* no endpoint: there is none */
    const char *feed;             /* the aggregator's feed endpoint */
    const char *alerts_feed;      /* the notifier's */
    const char *key_file;
    const char *spool;
    const char *source; /* on whose behalf this key reports; NULL: not said */
    struct doc *doc;    /* NULL: not loaded */
    const char *path;   /* borrowed from doc */
};

extern const struct schema_row cli_config_rows[CLI_CONFIG_ROWS];

/* `path` NULL: looked for. Caller calls cli_config_fini. */
int cli_config_load(const char *path, struct cli_config *out, struct err *e);
void cli_config_fini(struct cli_config *c);
/* `path` as seen from the file's folder; out holds `bytes`. */
const char *cli_config_path(const struct cli_config *c, const char *path, char *out, size_t bytes);

#endif
