/* Cuts the rows of a file into batches, always the same way: an interrupted import finds its place
 * again, and batch t of the file is ticket t + 1 of its spool. */
#ifndef TONGHOP_CLI_IMPORT_BATCHES_H
#define TONGHOP_CLI_IMPORT_BATCHES_H

#include "services/cli/import_file.h"

enum { IMPORT_BATCH_ROWS = 4096 };

struct import_batches {
    uint32_t *order; /* rows by reported_at, those of one time as in the file */
    size_t *firsts;  /* batch t holds order[firsts[t]] up to before order[firsts[t + 1]] */
    size_t count;
};

void import_batches_cut(const struct import_file *f, struct import_batches *out);
void import_batches_fini(struct import_batches *b);
/* Appends the payload of batch t to *out. */
void import_batches_pack(const struct import_file *f, const struct import_batches *b, size_t t,
                         struct buf *out);

#endif
