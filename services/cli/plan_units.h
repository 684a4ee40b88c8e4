/* The CSV side of a plan: unit spans and successions. Inside plan_file only. */
#ifndef TONGHOP_CLI_PLAN_UNITS_H
#define TONGHOP_CLI_PLAN_UNITS_H

#include "services/cli/plan_file.h"

/* Gathers rows of several files; plan_units_finish sorts them, moves them into *out and builds the
 * catalogue, with errors at the rows they speak of. */
struct plan_units {
    struct plan_file *out; /* whose arena holds the texts */
    const char *file;      /* under way */
    struct unit_span *spans;
    struct plan_file_origin *span_origins;
    size_t span_count, span_capacity, span_origin_capacity;
    struct succession *successions;
    struct plan_file_origin *succession_origins;
    size_t succession_count, succession_capacity, succession_origin_capacity;
};

void plan_units_fini(struct plan_units *u); /* {0} is ready for use, with `out` set */
int plan_units_read(struct plan_units *u, const char *name, struct slice csv, struct err *e);
int plan_units_read_successions(struct plan_units *u, const char *name, struct slice csv,
                                struct err *e);
int plan_units_finish(struct plan_units *u, struct err *e);

#endif
