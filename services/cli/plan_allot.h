/* How a target is shared out to the units below its scope: level by level, by population or
 * equally, with exact sums; what the owner fixed in a table stands, and the others share the rest.
 * What comes out are explicit shares, which is all that is applied. */
#ifndef TONGHOP_CLI_PLAN_ALLOT_H
#define TONGHOP_CLI_PLAN_ALLOT_H

#include "services/cli/plan_file.h"
#include "services/cli/plan_yaml.h"

enum { PLAN_ALLOT_LEVELS = 2 }; /* districts, communes */

/* How the units of one level share what their parent has to bring. */
struct plan_allot_level {
    const struct doc_node *at; /* NULL: not shared out to that level */
    const char *file;          /* NULL: equally; else by the populations in it */
    int64_t year;
};

struct plan_override {
    const struct doc_node *at;
    struct target_share share;
    bool used;
};

struct plan_allotment {
    struct plan_allot_level levels[PLAN_ALLOT_LEVELS];
    struct gather overrides; /* struct plan_override */
};

/* Shares of every unit in force on the due day whose level is shared out to, by code, into the
 * plan's arena. ERR_INVALID, ERR_NOT_FOUND, ERR_IO, ERR_LIMIT, with file, line and column. */
int plan_allot(struct plan_allotment *how, const char *plan_path, const struct catalogue *c,
               const struct doc_node *at, struct target *t, struct arena *arena, struct err *e);

/* `total` over the weights by the largest remainder: the sum is exact and no share is a whole one
 * away from its part; of equal remainders the first gets the one. False when it is not 0 and all
 * weights are. total <= OBSERVATION_VALUE_MAX. */
bool plan_allot_divide(int64_t total, const uint64_t *weights, size_t count, int64_t *shares);

#endif
