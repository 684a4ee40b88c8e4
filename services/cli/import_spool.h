/* The import of one file: a spool of its own, found again by what the file holds, so that an
 * interrupted import goes on where it stopped and a second one sends nothing. */
#ifndef TONGHOP_CLI_IMPORT_SPOOL_H
#define TONGHOP_CLI_IMPORT_SPOOL_H

#include "services/cli/cli.h"
#include "services/cli/import_batches.h"

enum { IMPORT_PATH_BYTES = 4096 };

/* What is kept beside the batches. */
struct import_note {
    int64_t imported_at_ms;
    int64_t reported_at_ms; /* of rows that do not say: fixed at the first try */
    uint64_t batch_count;
    struct buf expect; /* the struct import_expect of the first try, as bytes; see import_spool.c */
};

struct import_result {
    uint64_t accepted; /* rows */
    uint64_t refused;  /* by the collector */
    uint64_t answered; /* batches */
    uint64_t offset;   /* last journal entry */
};

/* The folder for this content sent to this collector under this key, below the spool of the
 * configuration; made if it is not there. `again`: a new one, unless the last has not been answered
 * to the end. ERR_EXISTS: without it, when the content was imported under another key. */
int import_spool_path(struct cli *cli, const struct net_key *key, struct slice csv, bool again,
                      char out[IMPORT_PATH_BYTES], struct err *e);
/* ERR_NOT_FOUND: nothing was sent from there yet. Caller frees out->expect. */
int import_spool_note(struct spool *s, struct import_note *out, struct err *e);
void import_spool_pack_note(const struct import_note *n, struct buf *out);
/* The expectations as kept in a note, and back; `count` of them. ERR_CORRUPT. */
void import_spool_pack_expect(const struct import_expect *expect, uint32_t count, struct buf *out);
int import_spool_expect(const struct import_note *n, struct import_expect *out, uint32_t count,
                        struct err *e);
/* Adds up the answers kept, and sets the rows they refuse aside in `f`. */
int import_spool_result(struct spool *s, struct import_file *f, const struct import_batches *b,
                        bool english, struct import_result *out, struct err *e);

#endif
