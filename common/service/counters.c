#include "common/service/counters.h"

#include "common/base/alloc.h"
#include "common/base/check.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum counter_kind {
    COUNTER_TOTAL,
    COUNTER_GAUGE,
};

/* Each on the heap by itself: the address of its value is handed out and must stay. */
struct counter {
    const char *name;
    const char *reason;
    const char *help;
    enum counter_kind kind;
    uint64_t value;
};

struct counters {
    struct counter **all; /* those of one name stand together */
    size_t count;
    size_t capacity;
};

struct counters *counters_create(void)
{
    return alloc_zeroed(1, sizeof(struct counters));
}

void counters_destroy(struct counters *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++)
        free(c->all[i]);
    free(c->all);
    free(c);
}

static bool is_name(const char *text)
{
    if (!isalpha((unsigned char)*text))
        return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && *text != '_')
            return false;
    return true;
}

/* What would need escaping between the quotes of a label is refused. */
static bool is_reason(const char *text)
{
    for (const char *p = text; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
            return false;
    return *text != '\0';
}

static bool same_reason(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Behind the last of its name, at the end for a new one. */
static size_t place_of(const struct counters *c, const char *name)
{
    size_t place = c->count;
    while (place > 0 && strcmp(c->all[place - 1]->name, name) != 0)
        place--;
    return place == 0 ? c->count : place;
}

static struct counter *find(const struct counters *c, const char *name, const char *reason)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->all[i]->name, name) == 0 && same_reason(c->all[i]->reason, reason))
            return c->all[i];
    return NULL;
}

static struct counter *insert(struct counters *c, size_t place)
{
    struct counter *one = alloc_zeroed(1, sizeof *one);
    alloc_reserve((void **)&c->all, &c->capacity, c->count + 1, sizeof(struct counter *));
    memmove(&c->all[place + 1], &c->all[place], (c->count - place) * sizeof *c->all);
    c->all[place] = one;
    c->count++;
    return one;
}

static uint64_t *add(struct counters *c, enum counter_kind kind, const char *name,
                     const char *reason, const char *help)
{
    require(is_name(name) && (!reason || is_reason(reason)));
    struct counter *one = find(c, name, reason);
    if (!one) {
        size_t place = place_of(c, name);

        one = insert(c, place);
        one->name = name;
        one->reason = reason;
        one->help = help;
        one->kind = kind;
    }
    require(one->kind == kind);
    return &one->value;
}

uint64_t *counters_add(struct counters *c, const char *name, const char *reason, const char *help)
{
    return add(c, COUNTER_TOTAL, name, reason, help);
}

uint64_t *counters_gauge(struct counters *c, const char *name, const char *reason, const char *help)
{
    return add(c, COUNTER_GAUGE, name, reason, help);
}

static void render_heading(const struct counter *one, struct buf *out)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", one->name, one->help, one->name,
               one->kind == COUNTER_TOTAL ? "counter" : "gauge");
}

void counters_render(const struct counters *c, struct buf *out)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct counter *one = c->all[i];
        if (i == 0 || strcmp(c->all[i - 1]->name, one->name) != 0)
            render_heading(one, out);
        buf_printf(out, "%s", one->name);
        if (one->reason)
            buf_printf(out, "{reason=\"%s\"}", one->reason);
        buf_printf(out, " %" PRIu64 "\n", one->value);
    }
}
