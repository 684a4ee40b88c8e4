/* What the readers of a plan file share: lists that gather, days, paths. */
#ifndef TONGHOP_CLI_PLAN_YAML_H
#define TONGHOP_CLI_PLAN_YAML_H

#include "common/base/arena.h"
#include "common/config/doc.h"
#include "common/model/day.h"
#include "common/model/ident.h"

enum { PLAN_PATH_BYTES_MAX = 1024 };

/* Items of a list of the file, until they move into the plan's arena. {0} is empty. */
struct gather {
    void *items;
    size_t count;
    size_t capacity;
};
void *gather_add(struct gather *g, size_t each); /* a zeroed item, until the next one */
void *gather_move(struct gather *g, size_t each, struct arena *arena);
void gather_fini(struct gather *g);

/* Schema and model agree on identifiers: what comes from doc_identifier always fits. */
void plan_yaml_ident(struct ident *out, const char *text);
/* The day under a dotted key that the schema has found to be there. */
int plan_yaml_day(const struct doc_node *map, const char *key, day_t *out, struct err *e);
/* Relative paths start at the plan file's folder. */
void plan_yaml_join(const char *plan_path, const char *path, char out[2 * PLAN_PATH_BYTES_MAX]);

#endif
