/* The targets of a plan file, as the file has them and as the plan does. */
#ifndef TONGHOP_CLI_PLAN_TARGETS_H
#define TONGHOP_CLI_PLAN_TARGETS_H

#include "services/cli/plan_file.h"
#include "services/cli/plan_yaml.h"

/* What stands under `targets`; {0} is empty. */
struct plan_targets {
    struct gather items;
};

/* A schema_item_fn for a field of that type. */
int plan_targets_take(const struct doc_node *item, void *field, struct err *e);
void plan_targets_fini(struct plan_targets *t);

/* Into out->plan, without shares; the plan's indicators and root are there already. */
int plan_targets_make(const struct plan_targets *t, struct plan_file *out, struct err *e);
/* The shares, once the units are read. ERR_INVALID, ERR_NOT_FOUND, ERR_IO, with the place. */
int plan_targets_allot(struct plan_targets *t, const char *plan_path, struct plan_file *out,
                       struct err *e);

#endif
