/* What an import meets: for each figure of the file, what stands there before it is sent, and
 * afterwards whether it is the one that counts. Asked of the aggregator, in batches; an import goes
 * on without it. Adds to a tally are not compared: they replace nothing. */
#ifndef TONGHOP_CLI_IMPORT_COMPARE_H
#define TONGHOP_CLI_IMPORT_COMPARE_H

#include "services/cli/cli.h"
#include "services/cli/import_batches.h"

enum import_standing {
    IMPORT_NEW,     /* nothing stands there */
    IMPORT_SAME,    /* the same figure does */
    IMPORT_CHANGE,  /* another one does */
    IMPORT_UNKNOWN, /* the question was refused; the collector will say why */
    IMPORT_STANDING_COUNT
};

/* One (unit, indicator, period) of the file. */
struct import_cell {
    uint32_t row;      /* the one of the file that counts: the last by reported_at, then by place */
    uint32_t repeated; /* other rows of the same cell, which it replaces */
    struct ident source;
    enum import_standing standing;
    bool has_before;
    int64_t before;
    bool superseded; /* after the import a newer figure stands */
    int64_t after;
};

struct import_compare {
    struct import_cell *cells; /* in the order of the file */
    size_t count, capacity;
    size_t standing[IMPORT_STANDING_COUNT];
    size_t superseded;
    size_t repeated;
};

/* Which cells the file has; asks nobody. */
void import_compare_init(struct import_compare *c, const struct import_file *f,
                         const struct import_batches *b);
void import_compare_fini(struct import_compare *c);
/* What stands there now. The codes and sentences of cli_query; *c keeps its cells. */
int import_compare_before(struct import_compare *c, const struct import_file *f, struct cli *cli,
                          struct request *link, struct err *e);
/* What counts once journal entry `offset` is in. Call it also when `before` was not asked. */
int import_compare_after(struct import_compare *c, const struct import_file *f, struct cli *cli,
                         struct request *link, uint64_t offset, struct err *e);
/* The first `show` cells with more than one row. */
void import_compare_print_repeated(const struct import_compare *c, const struct import_file *f,
                                   const struct cli *cli, size_t show);
/* Counts, and the first `show` cells that change something; then those that came too late. */
void import_compare_print_before(const struct import_compare *c, const struct import_file *f,
                                 struct cli *cli, struct request *link, size_t show);
void import_compare_print_after(const struct import_compare *c, const struct import_file *f,
                                struct cli *cli, struct request *link, size_t show);

#endif
