/* A plan as people write it: a YAML file, the units' CSV files beside it and their successions,
 * read into the values that are applied. Whatever is wrong is found here, before anything is sent,
 * and said with its place: file:line:column in YAML, file and row in CSV. config/plans/README.md
 * explains the keys, config/units/README.md the columns. */
#ifndef TONGHOP_CLI_PLAN_FILE_H
#define TONGHOP_CLI_PLAN_FILE_H

#include "common/base/arena.h"
#include "common/config/doc.h"
#include "common/model/catalogue.h"
#include "common/model/plan.h"

enum { PLAN_FILE_BYTES_MAX = 1 << 20, PLAN_FILE_LEVELS = 5 };

/* "country" … "village", by level. */
extern const char *const plan_file_levels[PLAN_FILE_LEVELS];

/* Where a row of the catalogue came from. */
struct plan_file_origin {
    const char *file;
    uint64_t row;
};

struct plan_file {
    struct plan plan; /* borrowed from arena and doc, like all below */
    struct catalogue_spec
        catalogue; /* spans by code, then first day; successions by day, new, old */
    struct plan_file_origin *span_origins;
    struct plan_file_origin *succession_origins;
    struct arena arena;
    struct doc *doc;
};

/* Reads everything and checks that plan and catalogue could be applied to an empty instance. On
 * failure *out owns nothing. ERR_INVALID, ERR_LIMIT, ERR_NOT_FOUND, ERR_IO. */
int plan_file_load(const char *path, struct plan_file *out, struct err *e);
void plan_file_fini(struct plan_file *p); /* also twice */

/* The YAML alone, without the files it names: for tests. `name` stands where the path would. */
int plan_file_parse(const char *name, struct slice yaml, struct plan_file *out, struct err *e);
/* Units and successions (empty: none) from memory, built as a catalogue. */
int plan_file_parse_units(const char *name, struct slice units, const char *successions_name,
                          struct slice successions, struct plan_file *out, struct err *e);

#endif
