#include "services/cli/plan_yaml.h"

#include "common/base/alloc.h"
#include "common/config/schema.h"

#include <stdio.h>
#include <stdlib.h>

void *gather_add(struct gather *g, size_t each)
{
    alloc_reserve(&g->items, &g->capacity, g->count + 1, each);
    char *item = (char *)g->items + g->count++ * each;
    memset(item, 0, each);
    return item;
}

void *gather_move(struct gather *g, size_t each, struct arena *arena)
{
    void *out = arena_alloc(arena, (g->count + 1) * each);
    if (g->count > 0)
        memcpy(out, g->items, g->count * each);
    return out;
}

void gather_fini(struct gather *g)
{
    free(g->items);
    *g = (struct gather){0};
}

void plan_yaml_ident(struct ident *out, const char *text)
{
    ident_set(out, slice_str(text));
}

int plan_yaml_day(const struct doc_node *map, const char *key, day_t *out, struct err *e)
{
    const struct doc_node *node = schema_find(map, key);
    struct err cause = {0};
    if (day_parse(slice_str(node->text), out, &cause) == 0)
        return 0;
    return doc_error(node, e, "%s: %s", key, cause.text);
}

void plan_yaml_join(const char *plan_path, const char *path, char out[2 * PLAN_PATH_BYTES_MAX])
{
    const char *slash = strrchr(plan_path, '/');
    int folder = path[0] == '/' || !slash ? 0 : (int)(slash - plan_path) + 1;
    snprintf(out, 2 * PLAN_PATH_BYTES_MAX, "%.*s%s", folder, plan_path, path);
}
