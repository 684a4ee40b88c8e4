#include "common/model/registry.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/dict.h"
#include "common/model/owed.h"
#include "common/model/plan_tree.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROLES_ALL = ROLE_SUBMIT | ROLE_SUBSCRIBE | ROLE_OPERATE | ROLE_SERVICE | ROLE_DELEGATE };

/* Days in which reports are owed, whatever plans say so. */
struct duty_run {
    day_t from;
    day_t to;
};

/* An indicator under its ordinal, as the plan applied last defines it. */
struct counted {
    struct indicator def; /* its name is owned here: a plan's goes with the plan */
    char *name;
    uint32_t record_sources[INDICATOR_RECORDS_MAX]; /* ordinals, beside def.records */
    const struct duty **duties; /* into the plans; the first to fall due first */
    size_t duty_count;
    size_t duty_capacity;
    struct duty_run *runs; /* the days of all duties, ascending, with a gap between any two */
    size_t run_count;
    bool targeted; /* a target names it, or a ratio that it is part of */
};

struct named_source {
    struct source def;
    char *name;
};

struct speaker {
    struct producer def;
    uint32_t scope_codes[PRODUCER_SCOPES_MAX]; /* ordinals, beside def.scopes */
};

/* Every key that was ever bound, revoked ones included, in order of its bytes. */
struct bound_key {
    uint8_t bytes[KEY_BYTES];
    uint32_t producer;
    bool revoked;
};

/* Things under ordinals, each allocated alone so that what was handed out stays where it is. */
struct table {
    void **items;
    size_t count;
    size_t capacity;
};

struct registry {
    struct catalogue *catalogue;
    struct owed_cache *owed;
    struct dict *indicator_ids;
    struct table indicators; /* struct counted */
    struct dict *source_ids;
    struct table sources; /* struct named_source */
    struct dict *plan_ids;
    struct table plans; /* struct plan, from plan_copy */
    struct dict *producer_names;
    struct table producers; /* struct speaker */
    struct bound_key *keys;
    size_t key_count;
    size_t key_capacity;
};

static void table_add(struct table *t, void *item)
{
    void *items = t->items;
    alloc_reserve(&items, &t->capacity, t->count + 1, sizeof *t->items);
    t->items = items;
    t->items[t->count++] = item;
}

static struct counted *counted_at(const struct registry *r, uint32_t ordinal)
{
    require(ordinal < r->indicators.count);
    return r->indicators.items[ordinal];
}

static struct speaker *speaker_at(const struct registry *r, uint32_t ordinal)
{
    require(ordinal < r->producers.count);
    return r->producers.items[ordinal];
}

struct registry *registry_create(void)
{
    static const struct catalogue_spec empty;
    struct registry *r = alloc_zeroed(1, sizeof *r);
    int rc = catalogue_build(&empty, NULL, &r->catalogue, NULL);
    require(rc == 0);
    r->owed = owed_create();
    r->indicator_ids = dict_create();
    r->source_ids = dict_create();
    r->plan_ids = dict_create();
    r->producer_names = dict_create();
    return r;
}

static void counted_destroy(struct counted *c)
{
    free(c->duties);
    free(c->runs);
    free(c->name);
    free(c);
}

static void named_source_destroy(struct named_source *s)
{
    free(s->name);
    free(s);
}

void registry_destroy(struct registry *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->indicators.count; i++)
        counted_destroy(r->indicators.items[i]);
    for (size_t i = 0; i < r->sources.count; i++)
        named_source_destroy(r->sources.items[i]);
    for (size_t i = 0; i < r->plans.count; i++)
        plan_destroy(r->plans.items[i]);
    for (size_t i = 0; i < r->producers.count; i++)
        free(r->producers.items[i]);
    free(r->indicators.items);
    free(r->sources.items);
    free(r->plans.items);
    free(r->producers.items);
    free(r->keys);
    dict_destroy(r->indicator_ids);
    dict_destroy(r->source_ids);
    dict_destroy(r->plan_ids);
    dict_destroy(r->producer_names);
    owed_destroy(r->owed);
    catalogue_destroy(r->catalogue);
    free(r);
}

/* ---- the catalogue ---- */

int registry_apply_catalogue(struct registry *r, const struct catalogue_spec *spec, struct err *err)
{
    struct catalogue *next;
    int rc = catalogue_build(spec, r->catalogue, &next, err);
    if (rc < 0)
        return rc;
    catalogue_destroy(r->catalogue);
    r->catalogue = next;
    owed_clear(r->owed);
    return 0;
}

const struct catalogue *registry_catalogue(const struct registry *r)
{
    return r->catalogue;
}

/* A code that some unit of the catalogue bears, whenever. */
static uint32_t find_borne_code(const struct registry *r, const struct ident *code)
{
    uint32_t found = catalogue_code_find(r->catalogue, ident_slice(code));
    if (catalogue_unit_near(r->catalogue, found, DAY_NEVER) == CATALOGUE_NONE)
        return CATALOGUE_NONE;
    return found;
}

/* ---- plans: all that can be refused comes first ---- */

/* What no later plan may change, as the facts that stand under the indicator mean it. So all that
 * was ever applied agrees in it, and the last definition stands for them all. */
static const char *indicator_break(const struct indicator *a, const struct indicator *b)
{
    if (a->kind != b->kind)
        return "kind";
    if (a->entry != b->entry)
        return "entry";
    if (a->period != b->period)
        return "period";
    return a->calendar == b->calendar ? NULL : "calendar";
}

static int check_against_earlier(const struct registry *r, const struct indicator *one,
                                 unsigned index, struct err *err)
{
    uint32_t ordinal = registry_indicator_find(r, ident_slice(&one->id));
    if (ordinal == REGISTRY_NONE)
        return 0;
    const char *what = indicator_break(one, &counted_at(r, ordinal)->def);
    if (!what)
        return 0;
    return err_set(
        err, ERR_INVALID,
        "indicators[%u].%s: \"%s\" was applied with another, and figures may stand under "
        "it: give the changed indicator a new id",
        index, what, one->id.text);
}

static int check_plan_indicators(const struct registry *r, const struct plan *p, struct err *err)
{
    int rc = 0;
    for (unsigned i = 0; i < p->indicator_count && rc == 0; i++)
        rc = check_against_earlier(r, &p->indicators[i], i, err);
    return rc;
}

static int check_room(const char *what, size_t known, unsigned added, size_t most, struct err *err)
{
    if (known + added <= most)
        return 0;
    return err_set(err, ERR_LIMIT,
                   "%s: %u are new and %zu are known from all plans so far, which is above %zu: "
                   "use ids that were applied before",
                   what, added, known, most);
}

static int check_ordinals(const struct registry *r, const struct plan *p, struct err *err)
{
    unsigned indicators = 0, sources = 0;
    for (unsigned i = 0; i < p->indicator_count; i++)
        indicators +=
            registry_indicator_find(r, ident_slice(&p->indicators[i].id)) == REGISTRY_NONE;
    for (unsigned i = 0; i < p->source_count; i++)
        sources += registry_source_find(r, ident_slice(&p->sources[i].id)) == REGISTRY_NONE;
    int rc =
        check_room("indicators", r->indicators.count, indicators, REGISTRY_INDICATORS_MAX, err);
    return rc < 0 ? rc
                  : check_room("sources", r->sources.count, sources, REGISTRY_SOURCES_MAX, err);
}

static int check_scopes_of_targets(const struct registry *r, const struct plan *p, struct err *err)
{
    for (unsigned i = 0; i < p->target_count; i++)
        if (find_borne_code(r, &p->targets[i].unit) == CATALOGUE_NONE)
            return err_set(
                err, ERR_NOT_FOUND,
                "targets[%u].unit: \"%s\" is no unit of the catalogue: apply a catalogue "
                "that has it first, or correct the code",
                i, p->targets[i].unit.text);
    return plan_tree_check(p, r->catalogue, err);
}

static int check_plan(const struct registry *r, const struct plan *p, struct err *err)
{
    int rc = plan_check(p, err);
    if (rc < 0)
        return rc;
    uint32_t known = dict_find(r->plan_ids, ident_slice(&p->id));
    if (known != DICT_NONE && p->version <= registry_plan(r, known)->version)
        return err_set(err, ERR_INVALID,
                       "version: %u is not above %u, which was applied already: raise it",
                       p->version, registry_plan(r, known)->version);
    if (find_borne_code(r, &p->root) == CATALOGUE_NONE)
        return err_set(err, ERR_NOT_FOUND,
                       "root: \"%s\" is no unit of the catalogue: apply a catalogue that has it "
                       "first, or correct the code",
                       p->root.text);
    rc = check_scopes_of_targets(r, p, err);
    if (rc == 0)
        rc = check_ordinals(r, p, err);
    return rc < 0 ? rc : check_plan_indicators(r, p, err);
}

/* ---- plans: taking effect, which cannot fail ---- */

static void replace_text(char **text, const char *with)
{
    char *copy = alloc_string(with);
    free(*text);
    *text = copy;
}

static void take_source(struct registry *r, const struct source *s)
{
    uint32_t ordinal = dict_add(r->source_ids, ident_slice(&s->id));
    if (ordinal == r->sources.count)
        table_add(&r->sources, alloc_zeroed(1, sizeof(struct named_source)));
    struct named_source *kept = r->sources.items[ordinal];
    replace_text(&kept->name, s->name);
    kept->def = (struct source){s->id, kept->name};
}

static void take_indicator(struct registry *r, const struct indicator *one)
{
    uint32_t ordinal = dict_add(r->indicator_ids, ident_slice(&one->id));
    if (ordinal == r->indicators.count)
        table_add(&r->indicators, alloc_zeroed(1, sizeof(struct counted)));
    struct counted *kept = counted_at(r, ordinal);
    replace_text(&kept->name, one->name);
    kept->def = *one;
    kept->def.name = kept->name;
    for (unsigned i = 0; i < one->record_count; i++)
        kept->record_sources[i] = registry_source_find(r, ident_slice(&one->records[i].source));
}

static void replace_plan(struct registry *r, const struct plan *p)
{
    uint32_t index = dict_add(r->plan_ids, ident_slice(&p->id));
    if (index == r->plans.count)
        table_add(&r->plans, NULL);
    plan_destroy(r->plans.items[index]);
    r->plans.items[index] = plan_copy(p);
}

static void add_duty(struct counted *c, const struct duty *duty)
{
    void *duties = c->duties;
    alloc_reserve(&duties, &c->duty_capacity, c->duty_count + 1, sizeof *c->duties);
    c->duties = duties;
    size_t at = c->duty_count++;
    for (; at > 0 && c->duties[at - 1]->due_days > duty->due_days; at--)
        c->duties[at] = c->duties[at - 1];
    c->duties[at] = duty;
}

static int compare_runs(const void *a, const void *b)
{
    const struct duty_run *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

static void join_runs(struct counted *c)
{
    size_t kept = 0;
    free(c->runs);
    c->runs = alloc_zeroed(c->duty_count + 1, sizeof *c->runs);
    for (size_t i = 0; i < c->duty_count; i++)
        c->runs[i] = (struct duty_run){c->duties[i]->from, c->duties[i]->to};
    qsort(c->runs, c->duty_count, sizeof *c->runs, compare_runs);
    for (size_t i = 0; i < c->duty_count; i++) {
        struct duty_run *last = kept > 0 ? &c->runs[kept - 1] : NULL;
        if (!last || c->runs[i].from > last->to + 1)
            c->runs[kept++] = c->runs[i];
        else if (c->runs[i].to > last->to)
            last->to = c->runs[i].to;
    }
    c->run_count = kept;
}

/* Those of all plans anew, as the ones of a replaced version are gone. */
static void gather_duties(struct registry *r)
{
    for (uint32_t i = 0; i < r->indicators.count; i++)
        counted_at(r, i)->duty_count = 0;
    for (size_t i = 0; i < r->plans.count; i++) {
        const struct plan *p = r->plans.items[i];
        for (unsigned k = 0; k < p->duty_count; k++) {
            uint32_t ordinal = registry_indicator_find(r, ident_slice(&p->duties[k].indicator));
            add_duty(counted_at(r, ordinal), &p->duties[k]);
        }
    }
    for (uint32_t i = 0; i < r->indicators.count; i++)
        join_runs(counted_at(r, i));
}

static void mark_targeted(struct registry *r, const struct ident *indicator)
{
    uint32_t ordinal = registry_indicator_find(r, ident_slice(indicator));
    struct counted *c = counted_at(r, ordinal);
    c->targeted = true;
    if (c->def.kind != INDICATOR_RATIO)
        return;
    mark_targeted(r, &c->def.numerator);
    mark_targeted(r, &c->def.denominator);
}

/* Those of all plans anew, as duties are. */
static void gather_targets(struct registry *r)
{
    for (uint32_t i = 0; i < r->indicators.count; i++)
        counted_at(r, i)->targeted = false;
    for (size_t i = 0; i < r->plans.count; i++) {
        const struct plan *p = r->plans.items[i];
        for (unsigned k = 0; k < p->target_count; k++)
            mark_targeted(r, &p->targets[k].indicator);
    }
}

int registry_apply_plan(struct registry *r, const struct plan *plan, struct err *err)
{
    int rc = check_plan(r, plan, err);
    if (rc < 0)
        return rc;
    for (unsigned i = 0; i < plan->source_count; i++)
        take_source(r, &plan->sources[i]);
    for (unsigned i = 0; i < plan->indicator_count; i++)
        take_indicator(r, &plan->indicators[i]);
    replace_plan(r, plan);
    gather_duties(r);
    gather_targets(r);
    return 0;
}

/* The version before is not enough to look at: another plan may have defined the indicator since.
 */
bool registry_counts_alike(const struct registry *r, const struct plan *plan)
{
    uint32_t known = dict_find(r->plan_ids, ident_slice(&plan->id));
    if (known == DICT_NONE || !plan_counts_alike(registry_plan(r, known), plan))
        return false;
    for (unsigned i = 0; i < plan->indicator_count; i++) {
        uint32_t ordinal = registry_indicator_find(r, ident_slice(&plan->indicators[i].id));
        if (!indicator_counts_alike(&counted_at(r, ordinal)->def, &plan->indicators[i]))
            return false;
    }
    return true;
}

uint32_t registry_indicator_count(const struct registry *r)
{
    return (uint32_t)r->indicators.count;
}

static uint32_t find_ordinal(const struct dict *names, struct slice name)
{
    uint32_t found = dict_find(names, name);
    return found == DICT_NONE ? REGISTRY_NONE : found;
}

uint32_t registry_indicator_find(const struct registry *r, struct slice id)
{
    return find_ordinal(r->indicator_ids, id);
}

const struct indicator *registry_indicator(const struct registry *r, uint32_t ordinal)
{
    return &counted_at(r, ordinal)->def;
}

bool registry_is_targeted(const struct registry *r, uint32_t indicator)
{
    return counted_at(r, indicator)->targeted;
}

uint32_t registry_source_count(const struct registry *r)
{
    return (uint32_t)r->sources.count;
}

uint32_t registry_source_find(const struct registry *r, struct slice id)
{
    return find_ordinal(r->source_ids, id);
}

const struct source *registry_source(const struct registry *r, uint32_t ordinal)
{
    require(ordinal < r->sources.count);
    const struct named_source *s = r->sources.items[ordinal];
    return &s->def;
}

uint32_t registry_record_on(const struct registry *r, uint32_t indicator, day_t on)
{
    const struct counted *c = counted_at(r, indicator);
    const struct source_of_record *record = indicator_record_on(&c->def, on);
    return record ? c->record_sources[record - c->def.records] : REGISTRY_NONE;
}

uint32_t registry_plan_count(const struct registry *r)
{
    return (uint32_t)r->plans.count;
}

const struct plan *registry_plan(const struct registry *r, uint32_t index)
{
    require(index < r->plans.count);
    return r->plans.items[index];
}

/* ---- keys ---- */

enum { KEY_TEXT_BYTES = 12 };

/* The first digits: enough to tell which, short enough for a sentence. */
static const char *key_text(const uint8_t key[KEY_BYTES], char out[KEY_TEXT_BYTES])
{
    snprintf(out, KEY_TEXT_BYTES, "%02x%02x%02x%02x...", key[0], key[1], key[2], key[3]);
    return out;
}

/* Where the key is, or where it would go. */
static size_t key_place(const struct registry *r, const uint8_t key[KEY_BYTES])
{
    size_t low = 0, high = r->key_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(r->keys[middle].bytes, key, KEY_BYTES) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct bound_key *key_find(const struct registry *r, const uint8_t key[KEY_BYTES])
{
    size_t place = key_place(r, key);
    if (place == r->key_count || memcmp(r->keys[place].bytes, key, KEY_BYTES) != 0)
        return NULL;
    return &r->keys[place];
}

static void key_insert(struct registry *r, const uint8_t key[KEY_BYTES], uint32_t producer)
{
    size_t place = key_place(r, key);
    void *keys = r->keys;
    alloc_reserve(&keys, &r->key_capacity, r->key_count + 1, sizeof *r->keys);
    r->keys = keys;
    memmove(&r->keys[place + 1], &r->keys[place], (r->key_count - place) * sizeof *r->keys);
    r->key_count++;
    r->keys[place] = (struct bound_key){.producer = producer};
    memcpy(r->keys[place].bytes, key, KEY_BYTES);
}

static unsigned valid_keys(const struct producer *p)
{
    unsigned count = 0;
    for (unsigned i = 0; i < p->key_count; i++)
        count += p->keys[i].revoked ? 0 : 1;
    return count;
}

static void drop_oldest_revoked(struct producer *p)
{
    unsigned i = 0;
    while (!p->keys[i].revoked)
        i++;
    memmove(&p->keys[i], &p->keys[i + 1], (p->key_count - i - 1) * sizeof *p->keys);
    p->key_count--;
}

/* ---- producers ---- */

static int find_speaker(const struct registry *r, const struct ident *name, uint32_t *out,
                        struct err *err)
{
    *out = dict_find(r->producer_names, ident_slice(name));
    if (*out != DICT_NONE)
        return 0;
    return err_set(err, ERR_NOT_FOUND, "producer %s: is not registered: register it first",
                   name->text);
}

static int find_living_speaker(const struct registry *r, const struct ident *name, uint32_t *out,
                               struct err *err)
{
    int rc = find_speaker(r, name, out, err);
    if (rc < 0 || !speaker_at(r, *out)->def.retired)
        return rc;
    return err_set(err, ERR_INVALID, "producer %s: is retired for good: register another name",
                   name->text);
}

static int check_roles(const struct producer *p, struct err *err)
{
    if (p->roles == 0 || (p->roles & ~(uint32_t)ROLES_ALL) != 0)
        return err_set(
            err, ERR_INVALID,
            "producer %s: roles: say one or more of submit, subscribe, operate, service, "
            "delegate",
            p->name.text);
    if ((p->roles & ROLE_SUBMIT) && p->source.text[0] == '\0')
        return err_set(err, ERR_INVALID,
                       "producer %s: source: who submits must say on whose behalf", p->name.text);
    if ((p->roles & ROLE_SUBMIT) && p->scope_count == 0)
        return err_set(err, ERR_INVALID,
                       "producer %s: scopes: who submits must say for which units", p->name.text);
    return 0;
}

static int check_source_known(const struct registry *r, const struct producer *p, struct err *err)
{
    if (p->source.text[0] == '\0' ||
        registry_source_find(r, ident_slice(&p->source)) != REGISTRY_NONE)
        return 0;
    return err_set(err, ERR_NOT_FOUND,
                   "producer %s: source: no plan has a source \"%s\": apply the plan first, or "
                   "correct the source",
                   p->name.text, p->source.text);
}

/* The unit that a scope code means, or NONE when the catalogue has it no longer. */
static uint32_t scope_unit(const struct registry *r, const struct producer *p, uint32_t code)
{
    return p->scopes_on == 0 ? catalogue_unit_near(r->catalogue, code, DAY_NEVER)
                             : catalogue_unit_on(r->catalogue, code, p->scopes_on);
}

static int check_scope(const struct registry *r, const struct producer *p, unsigned index,
                       struct err *err)
{
    char on[DAY_TEXT_BYTES];
    uint32_t code = find_borne_code(r, &p->scopes[index]);
    if (code == CATALOGUE_NONE)
        return err_set(err, ERR_NOT_FOUND,
                       "producer %s: scopes[%u]: \"%s\" is no unit of the catalogue: apply a "
                       "catalogue that has it first, or correct the code",
                       p->name.text, index, p->scopes[index].text);
    if (scope_unit(r, p, code) == CATALOGUE_NONE)
        return err_set(err, ERR_NOT_FOUND,
                       "producer %s: scopes[%u]: no unit bears \"%s\" on %s: correct the code, or "
                       "say a day on which the unit meant bears it",
                       p->name.text, index, p->scopes[index].text, day_format(p->scopes_on, on));
    return 0;
}

static int check_scopes(const struct registry *r, const struct producer *p, struct err *err)
{
    if (p->scope_count > PRODUCER_SCOPES_MAX)
        return err_set(err, ERR_LIMIT, "producer %s: scopes: %u of them: a producer has at most %d",
                       p->name.text, p->scope_count, PRODUCER_SCOPES_MAX);
    int rc = 0;
    for (unsigned i = 0; i < p->scope_count && rc == 0; i++)
        rc = check_scope(r, p, i, err);
    return rc;
}

static int check_set(const struct registry *r, const struct producer *p, struct err *err)
{
    uint32_t known = dict_find(r->producer_names, ident_slice(&p->name));
    if (known != DICT_NONE) {
        int rc = find_living_speaker(r, &p->name, &known, err);
        if (rc < 0)
            return rc;
    }
    int rc = check_roles(p, err);
    if (rc == 0)
        rc = check_source_known(r, p, err);
    return rc < 0 ? rc : check_scopes(r, p, err);
}

static int apply_set(struct registry *r, const struct producer *p, struct err *err)
{
    int rc = check_set(r, p, err);
    if (rc < 0)
        return rc;
    uint32_t ordinal = dict_add(r->producer_names, ident_slice(&p->name));
    if (ordinal == r->producers.count)
        table_add(&r->producers, alloc_zeroed(1, sizeof(struct speaker)));
    struct speaker *s = speaker_at(r, ordinal);
    s->def.name = p->name;
    s->def.roles = p->roles;
    s->def.source = p->source;
    s->def.scope_count = p->scope_count;
    s->def.scopes_on = p->scopes_on;
    memcpy(s->def.scopes, p->scopes, sizeof s->def.scopes);
    for (unsigned i = 0; i < p->scope_count; i++)
        s->scope_codes[i] = find_borne_code(r, &p->scopes[i]);
    return 0;
}

static int check_key_free(const struct registry *r, const struct producer_change *change,
                          struct err *err)
{
    static const uint8_t none[KEY_BYTES];
    char text[KEY_TEXT_BYTES];
    const struct bound_key *bound = key_find(r, change->key);
    if (memcmp(change->key, none, KEY_BYTES) == 0)
        return err_set(err, ERR_INVALID, "producer %s: the key is all zeros: it is no key",
                       change->producer.name.text);
    if (!bound)
        return 0;
    if (bound->revoked)
        return err_set(err, ERR_INVALID,
                       "producer %s: key %s was revoked, and is so for ever: make a new pair",
                       change->producer.name.text, key_text(change->key, text));
    return err_set(err, ERR_EXISTS, "producer %s: key %s is bound to %s already: make a new pair",
                   change->producer.name.text, key_text(change->key, text),
                   speaker_at(r, bound->producer)->def.name.text);
}

static int apply_key_add(struct registry *r, const struct producer_change *change, struct err *err)
{
    uint32_t ordinal;
    int rc = find_living_speaker(r, &change->producer.name, &ordinal, err);
    if (rc == 0)
        rc = check_key_free(r, change, err);
    if (rc < 0)
        return rc;
    struct producer *p = &speaker_at(r, ordinal)->def;
    if (valid_keys(p) == PRODUCER_KEYS_MAX)
        return err_set(err, ERR_LIMIT,
                       "producer %s: has %d valid keys, the most there may be: revoke one first",
                       p->name.text, PRODUCER_KEYS_MAX);
    if (p->key_count == PRODUCER_KEYS_MAX)
        drop_oldest_revoked(p);
    memcpy(p->keys[p->key_count].bytes, change->key, KEY_BYTES);
    p->keys[p->key_count++].revoked = false;
    key_insert(r, change->key, ordinal);
    return 0;
}

static int apply_key_revoke(struct registry *r, const struct producer_change *change,
                            struct err *err)
{
    uint32_t ordinal;
    char text[KEY_TEXT_BYTES];
    int rc = find_speaker(r, &change->producer.name, &ordinal, err);
    if (rc < 0)
        return rc;
    struct producer *p = &speaker_at(r, ordinal)->def;
    struct bound_key *bound = key_find(r, change->key);
    if (!bound || bound->producer != ordinal)
        return err_set(err, ERR_NOT_FOUND, "producer %s: key %s is not one of its keys",
                       p->name.text, key_text(change->key, text));
    if (bound->revoked)
        return err_set(err, ERR_EXISTS, "producer %s: key %s is revoked already", p->name.text,
                       key_text(change->key, text));
    bound->revoked = true;
    for (unsigned i = 0; i < p->key_count; i++)
        if (memcmp(p->keys[i].bytes, change->key, KEY_BYTES) == 0)
            p->keys[i].revoked = true;
    return 0;
}

static int apply_retire(struct registry *r, const struct producer_change *change, struct err *err)
{
    uint32_t ordinal;
    int rc = find_living_speaker(r, &change->producer.name, &ordinal, err);
    if (rc == 0)
        speaker_at(r, ordinal)->def.retired = true;
    return rc;
}

int registry_apply_producer(struct registry *r, const struct producer_change *change,
                            struct err *err)
{
    if (!ident_valid(ident_slice(&change->producer.name)))
        return err_set(err, ERR_INVALID,
                       "producer: its name is not 1 to %d of the characters 0-9 A-Z a-z . _ -",
                       IDENT_BYTES_MAX);
    switch (change->kind) {
    case PRODUCER_SET:
        return apply_set(r, &change->producer, err);
    case PRODUCER_KEY_ADD:
        return apply_key_add(r, change, err);
    case PRODUCER_KEY_REVOKE:
        return apply_key_revoke(r, change, err);
    case PRODUCER_RETIRE:
        return apply_retire(r, change, err);
    }
    return err_set(err, ERR_INVALID, "producer %s: %d is no kind of change",
                   change->producer.name.text, (int)change->kind);
}

/* ---- what a journal holds ---- */

int registry_apply_entry(struct registry *r, const struct codec *codec, enum entry_kind kind,
                         struct slice body, struct arena *arena, struct err *err)
{
    struct catalogue_spec catalogue;
    struct plan plan;
    struct producer_change change;
    int rc;
    switch (kind) {
    case ENTRY_CATALOGUE:
        rc = codec->unpack_catalogue(body, arena, &catalogue, err);
        return rc < 0 ? rc : registry_apply_catalogue(r, &catalogue, err);
    case ENTRY_PLAN:
        rc = codec->unpack_plan(body, arena, &plan, err);
        return rc < 0 ? rc : registry_apply_plan(r, &plan, err);
    case ENTRY_PRODUCER:
        rc = codec->unpack_producer_change(body, arena, &change, err);
        return rc < 0 ? rc : registry_apply_producer(r, &change, err);
    default:
        return err_set(err, ERR_INVALID,
                       "entry kind %d is neither a catalogue nor a plan nor a change of a producer",
                       (int)kind);
    }
}

uint32_t registry_producer_count(const struct registry *r)
{
    return (uint32_t)r->producers.count;
}

uint32_t registry_producer_find(const struct registry *r, struct slice name)
{
    return find_ordinal(r->producer_names, name);
}

const struct producer *registry_producer(const struct registry *r, uint32_t ordinal)
{
    return ordinal < r->producers.count ? &speaker_at(r, ordinal)->def : NULL;
}

uint32_t registry_producer_by_key(const struct registry *r, const uint8_t key[KEY_BYTES],
                                  bool *revoked)
{
    const struct bound_key *bound = key_find(r, key);
    *revoked = bound && bound->revoked;
    return bound ? bound->producer : REGISTRY_NONE;
}

static uint32_t fixed_roles(const struct fixed_key *fixed, unsigned count,
                            const uint8_t key[KEY_BYTES])
{
    for (unsigned i = 0; i < count; i++)
        if (memcmp(fixed[i].key, key, KEY_BYTES) == 0)
            return fixed[i].roles;
    return 0;
}

struct identity registry_identify(const struct registry *r, const struct fixed_key *fixed,
                                  unsigned fixed_count, const uint8_t key[KEY_BYTES])
{
    struct identity who = {.roles = fixed_roles(fixed, fixed_count, key)};
    who.producer = registry_producer_by_key(r, key, &who.revoked);
    if (who.revoked)
        who.roles = 0; /* also when the service's own file still names it */
    else if (who.producer != REGISTRY_NONE && !registry_producer(r, who.producer)->retired)
        who.roles |= registry_producer(r, who.producer)->roles;
    return who;
}

/* ---- judgements ---- */

bool registry_covers(const struct registry *r, uint32_t producer, uint32_t unit, day_t on)
{
    const struct producer *p = registry_producer(r, producer);
    if (!p || p->retired)
        return false;
    const uint32_t *codes = speaker_at(r, producer)->scope_codes;
    for (unsigned i = 0; i < p->scope_count; i++)
        if (catalogue_in_scope(r->catalogue, unit, on, scope_unit(r, p, codes[i])))
            return true;
    return false;
}

bool registry_in_scope(const struct registry *r, uint32_t producer, uint32_t unit, day_t on)
{
    const struct producer *p = registry_producer(r, producer);
    if (p && !p->retired && (p->roles & (ROLE_OPERATE | ROLE_SERVICE)))
        return true;
    return registry_covers(r, producer, unit, on);
}

bool registry_is_reporter(const struct registry *r, uint32_t indicator, uint32_t unit, day_t on)
{
    const struct indicator *def = &counted_at(r, indicator)->def;
    return def->kind != INDICATOR_RATIO && owed_reports(r->catalogue, def->reporters, unit, on);
}

const struct duty *registry_duty_on(const struct registry *r, uint32_t indicator, day_t period_last)
{
    const struct counted *c = counted_at(r, indicator);
    struct period period;
    if (!period_ending(c->def.period, c->def.calendar, period_last, &period))
        return NULL;
    for (size_t i = 0; i < c->duty_count; i++)
        if (c->duties[i]->from <= period_last && period_last <= c->duties[i]->to)
            return c->duties[i];
    return NULL;
}

uint32_t registry_owed(const struct registry *r, uint32_t indicator, uint32_t unit,
                       day_t period_last)
{
    if (!registry_duty_on(r, indicator, period_last))
        return 0;
    return owed_below(r->owed, r->catalogue, counted_at(r, indicator)->def.reporters, unit,
                      period_last);
}

uint64_t registry_owed_between(const struct registry *r, uint32_t indicator, uint32_t unit,
                               day_t first, day_t last)
{
    const struct counted *c = counted_at(r, indicator);
    uint64_t owed = 0;
    for (size_t i = 0; i < c->run_count && c->runs[i].from <= last; i++) {
        day_t from = first > c->runs[i].from ? first : c->runs[i].from;
        day_t to = last < c->runs[i].to ? last : c->runs[i].to;
        if (from <= to)
            owed += owed_between(r->owed, r->catalogue, &c->def, unit, from, to);
    }
    return owed;
}
