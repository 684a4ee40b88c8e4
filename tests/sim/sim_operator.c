/* Provincial IT: catalogues, plans, producers, keys, the clock. One change at a time, sent until it
 * is answered. */
#include "tests/sim/sim.h"

#include <stdio.h>

#include "common/base/check.h"
#include "common/journal/journal.h"
#include "common/wire/wire.h"

enum {
    MINUTE_MS = 60 * 1000,
    HOUR_MS = 60 * MINUTE_MS,
    RETRY_MS = 8 * 1000,
    SOURCES = 2,
    INDICATORS = 6, /* reported ones; one ratio beside them */
    DUTIES_MAX = INDICATORS,
};

const struct fixed_key sim_operator_key = {.key = {0xaa, 0xbb}, .roles = ROLE_OPERATE};

static struct ident ident(const char *prefix, unsigned number)
{
    struct ident id;
    snprintf(id.text, sizeof id.text, "%s%u", prefix, number);
    return id;
}

static struct random *dice_of(struct sim *w)
{
    return &w->dice[SIM_OPERATOR];
}

static void new_key(struct sim *w, uint8_t out[KEY_BYTES])
{
    for (int i = 0; i < KEY_BYTES; i++)
        out[i] = (uint8_t)random_next(dice_of(w));
}

/* --- changes as messages --- */

static struct sim_message *apply_message(struct sim *w, enum entry_kind kind, struct buf *body)
{
    struct sim_message *m = sim_message(w, SIM_APPLY, SIM_OPERATOR, SIM_COLLECTOR);
    m->id = ++w->operator.next_id;
    m->apply.change.kind = kind;
    m->apply.change.body =
        slice_of(arena_string(&w->memory, (char *)body->data, body->len), body->len);
    journal_hash(m->apply.change.body, m->apply.change.hash);
    buf_fini(body);
    return m;
}

static struct sim_message *time_message(struct sim *w, enum sim_apply_kind kind, int64_t time_ms)
{
    struct sim_message *m = sim_message(w, SIM_APPLY, SIM_OPERATOR, SIM_COLLECTOR);
    m->id = ++w->operator.next_id;
    m->apply.kind = kind;
    m->apply.time_ms = time_ms;
    return m;
}

/* --- catalogues --- */

static struct sim_message *catalogue_message(struct sim *w)
{
    struct catalogue_spec spec;
    struct buf body = {0};
    random_tree_spec(w->operator.tree, &w->memory, &spec);
    if (registry_apply_catalogue(w->operator.registry, &spec, NULL) != 0)
        return NULL;
    wire_pack_catalogue(&spec, &body);
    return apply_message(w, ENTRY_CATALOGUE, &body);
}

/* NULL: that history cannot be. */
static struct sim_message *change_catalogue(struct sim *w)
{
    struct random_tree *tree = w->operator.tree;
    random_tree_change(tree, dice_of(w), w->first, w->last);
    struct sim_message *m = catalogue_message(w);
    if (m == NULL)
        random_tree_undo(tree);
    return m;
}

/* --- plans --- */

/* In a campaign mostly the same one, or few of its reports would count. */
static struct ident choose_source(struct sim *w)
{
    bool same = w->campaign && random_chance(dice_of(w), 85);
    return ident("s", same ? 0 : random_below(dice_of(w), SOURCES));
}

static void choose_records(struct sim *w, struct indicator *one)
{
    struct random *dice = dice_of(w);
    day_t from = w->first - 1;
    one->record_count = 0;
    for (int count = random_between(dice, 1, 2); count > 0 && from < w->last; count--) {
        one->records[one->record_count++] = (struct source_of_record){from, choose_source(w)};
        from += random_between(dice, 2, 10);
    }
}

static struct indicator make_indicator(struct sim *w, unsigned number)
{
    static const struct {
        enum indicator_kind kind;
        enum indicator_entry entry;
        uint32_t reporters;
    } shapes[INDICATORS] = {
        {INDICATOR_STOCK, ENTRY_SET, 1u << 1}, /* by few, so that pace can be judged */
        {INDICATOR_FLOW, ENTRY_SET, REPORTS_LEAF},
        {INDICATOR_STOCK, ENTRY_SET, REPORTS_LEAF},
        {INDICATOR_STOCK, ENTRY_SET, 1u << 2 | 1u << 3},
        {INDICATOR_FLOW, ENTRY_TALLY, REPORTS_LEAF},
        {INDICATOR_STOCK, ENTRY_SET, REPORTS_LEAF},
    };
    struct indicator one = {.id = ident("i", number),
                            .name = "Chỉ tiêu",
                            .kind = shapes[number].kind,
                            .entry = shapes[number].entry,
                            .reporters = shapes[number].reporters,
                            .measure = ident("m", 0),
                            .minimum = -20,
                            .maximum = OBSERVATION_VALUE_MAX,
                            .period = number == 5 ? PERIOD_WEEK : PERIOD_DAY};
    choose_records(w, &one);
    return one;
}

static void choose_duties(struct sim *w, struct plan *p)
{
    struct random *dice = dice_of(w);
    for (unsigned i = 0; i < INDICATORS; i++)
        if (random_chance(dice, w->campaign && i == 0 ? 95 : 70))
            p->duties[p->duty_count++] =
                (struct duty){ident("i", i), w->first + random_between(dice, 0, 5),
                              w->last - random_between(dice, 0, 5), random_below(dice, 12)};
}

static struct sim_message *plan_message(struct sim *w)
{
    struct sim_operator *o = &w->operator;
    struct source sources[SOURCES];
    struct duty duties[DUTIES_MAX];
    struct buf body = {0};
    struct plan p = {.id = ident("ke-hoach", 0),
                     .version = ++o->plan_version,
                     .title = "Kế hoạch",
                     .document = "1/KH",
                     .root = ident("u", 0),
                     .from = w->first,
                     .to = w->last,
                     .sources = sources,
                     .source_count = SOURCES,
                     .indicators = o->indicators,
                     .indicator_count = INDICATORS + 1,
                     .duties = duties};
    for (unsigned i = 0; i < SOURCES; i++)
        sources[i] = (struct source){ident("s", i), "Nguồn"};
    choose_duties(w, &p);
    sim_targets_choose(w, &p);
    if (registry_apply_plan(o->registry, &p, NULL) != 0)
        return NULL;
    wire_pack_plan(&p, &body);
    return apply_message(w, ENTRY_PLAN, &body);
}

static struct sim_message *change_plan(struct sim *w)
{
    choose_records(w, &w->operator.indicators[random_below(dice_of(w), INDICATORS)]);
    return plan_message(w);
}

static void make_indicators(struct sim *w)
{
    struct indicator *all = arena_alloc(&w->memory, (INDICATORS + 1) * sizeof *all);
    for (unsigned i = 0; i < INDICATORS; i++)
        all[i] = make_indicator(w, i);
    all[INDICATORS] = (struct indicator){.id = ident("ratio", 0),
                                         .name = "Tỷ lệ",
                                         .kind = INDICATOR_RATIO,
                                         .numerator = ident("i", 2),
                                         .denominator = ident("i", 3)};
    w->operator.indicators = all;
}

/* --- producers and keys --- */

static struct sim_message *producer_message(struct sim *w, const struct producer_change *change)
{
    struct buf body = {0};
    if (registry_apply_producer(w->operator.registry, change, NULL) != 0)
        return NULL;
    wire_pack_producer_change(change, &body);
    return apply_message(w, ENTRY_PRODUCER, &body);
}

static struct sim_message *set_producer(struct sim *w, unsigned identity)
{
    struct random *dice = dice_of(w);
    const struct sim_identity *who = &w->operator.identities[identity];
    struct producer_change change = {.kind = PRODUCER_SET,
                                     .producer = {.name = who->name, .roles = who->roles}};
    if (who->roles & ROLE_SUBMIT) {
        change.producer.source = choose_source(w);
        change.producer.scopes[0] = ident("u", random_chance(dice, 75) ? 0 : 1);
        change.producer.scope_count = 1;
    }
    return producer_message(w, &change);
}

static struct sim_message *key_message(struct sim *w, enum producer_change_kind kind,
                                       const struct ident *name, const uint8_t key[KEY_BYTES])
{
    struct producer_change change = {.kind = kind, .producer = {.name = *name}};
    memcpy(change.key, key, KEY_BYTES);
    return producer_message(w, &change);
}

/* A new key comes first. Some producers get it before the old one goes; the others are refused for
 * a while. */
static struct sim_message *go_on_rotating(struct sim *w, struct sim_identity *who)
{
    struct sim_message *m = NULL;
    switch (who->rotation) {
    case SIM_KEY_STEADY:
        new_key(w, who->next_key);
        m = key_message(w, PRODUCER_KEY_ADD, &who->name, who->next_key);
        who->rotation = SIM_KEY_ADDING;
        break;
    case SIM_KEY_ADDING:
        if (random_chance(dice_of(w), 50))
            sim_producer_use_key(w, (unsigned)(who - w->operator.identities), who->next_key);
        m = key_message(w, PRODUCER_KEY_REVOKE, &who->name, who->key);
        memcpy(who->key, who->next_key, KEY_BYTES);
        who->rotation = SIM_KEY_REVOKING;
        break;
    case SIM_KEY_REVOKING:
        sim_producer_use_key(w, (unsigned)(who - w->operator.identities), who->key);
        who->rotation = SIM_KEY_STEADY;
    }
    return m;
}

static bool is_rotating(const struct sim *w)
{
    for (unsigned i = 0; i < w->operator.identity_count; i++)
        if (w->operator.identities[i].rotation != SIM_KEY_STEADY)
            return true;
    return false;
}

static struct sim_message *rotate_some_key(struct sim *w)
{
    struct sim_operator *o = &w->operator;
    for (unsigned i = 0; i < o->identity_count; i++)
        if (o->identities[i].rotation != SIM_KEY_STEADY)
            return go_on_rotating(w, &o->identities[i]);
    return go_on_rotating(w, &o->identities[random_below(dice_of(w), o->identity_count)]);
}

/* --- what to do next --- */

static struct sim_message *choose_change(struct sim *w)
{
    struct random *dice = dice_of(w);
    uint32_t kind = random_below(dice, 100);
    if (kind < (w->campaign ? 15 : 40))
        return change_catalogue(w);
    if (kind < 55)
        return change_plan(w);
    if (kind < 70)
        return set_producer(w, random_below(dice, w->operator.identity_count));
    return rotate_some_key(w);
}

static struct sim_message *choose_time(struct sim *w)
{
    struct sim_operator *o = &w->operator;
    if (w->replay) {
        o->replay_ms += random_chance(dice_of(w), 60)
                            ? sim_after(w, SIM_OPERATOR, 3 * HOUR_MS, 15 * HOUR_MS)
                            : sim_after(w, SIM_OPERATOR, 0, 9 * MINUTE_MS);
        return time_message(w, SIM_APPLY_REPLAY_TICK, o->replay_ms);
    }
    if (!w->nodes[SIM_COLLECTOR].up || !collector_clock(w->collector.core)->held)
        return NULL;
    return time_message(w, SIM_APPLY_CLOCK_ACCEPT, sim_collector_wall_ms(w));
}

static struct sim_message *choose(struct sim *w)
{
    struct sim_operator *o = &w->operator;
    if (w->calm)
        return is_rotating(w) ? rotate_some_key(w) : NULL;
    if (random_chance(dice_of(w), 40))
        return choose_time(w);
    if (o->changes_left == 0)
        return NULL;
    o->changes_left--;
    return choose_change(w);
}

/* --- sending --- */

static void act(struct sim *w, struct sim_event *e)
{
    struct sim_operator *o = &w->operator;
    bool is_new = o->outstanding == NULL;
    if (is_new)
        o->outstanding = choose(w);
    if (o->outstanding != NULL)
        sim_send(w, o->outstanding);
    sim_schedule(w, o->outstanding ? RETRY_MS : sim_after(w, SIM_OPERATOR, 1000, 6 * MINUTE_MS),
                 *e);
}

/* An answer that was lost is asked for again, and the second time the change may be refused as
 * done already. */
void sim_operator_receive(struct sim *w, struct sim_message *m)
{
    struct sim_operator *o = &w->operator;
    int code = m->apply_answer.code;
    if (o->outstanding == NULL || m->id != o->outstanding->id || code == ERR_AGAIN ||
        code == ERR_FULL || code == ERR_IO)
        return;
    if (code == ERR_DENIED)
        sim_fail(w, "the operator's key was refused");
    if (m->apply_answer.offset > w->journal.count)
        sim_fail(w, "the operator was told offset %llu, the journal ends at %zu",
                 (unsigned long long)m->apply_answer.offset, w->journal.count);
    o->outstanding = NULL;
}

bool sim_operator_idle(const struct sim *w)
{
    return w->operator.outstanding == NULL && !is_rotating(w);
}

void sim_operator_begin(struct sim *w)
{
    w->operator.changes_left = w->weather.changes;
    sim_schedule(w, sim_after(w, SIM_OPERATOR, 1000, 3 * MINUTE_MS),
                 (struct sim_event){.run = act, .node = SIM_OPERATOR});
}

/* --- the beginning --- */

static void found_with(struct sim *w, struct sim_message *m)
{
    require(m != NULL);
    sim_collector_receive(w, m);
}

static void found_identity(struct sim *w, struct ident name, uint32_t roles)
{
    struct sim_operator *o = &w->operator;
    struct sim_identity *who = &o->identities[o->identity_count];
    *who = (struct sim_identity){.name = name, .roles = roles};
    new_key(w, who->key);
    found_with(w, set_producer(w, o->identity_count++));
    found_with(w, key_message(w, PRODUCER_KEY_ADD, &who->name, who->key));
}

static void found_revoked_key(struct sim *w)
{
    struct sim_operator *o = &w->operator;
    const struct ident *name = &o->identities[0].name;
    new_key(w, o->revoked_key);
    found_with(w, key_message(w, PRODUCER_KEY_ADD, name, o->revoked_key));
    found_with(w, key_message(w, PRODUCER_KEY_REVOKE, name, o->revoked_key));
}

void sim_operator_found(struct sim *w)
{
    struct sim_operator *o = &w->operator;
    o->registry = registry_create();
    o->tree = random_tree_create(dice_of(w), w->first, random_chance(dice_of(w), 60));
    o->replay_ms = w->now_ms;
    make_indicators(w);
    sim_collector_start(w);
    if (w->replay)
        found_with(w, time_message(w, SIM_APPLY_REPLAY_TICK, o->replay_ms));
    found_with(w, catalogue_message(w));
    found_with(w, plan_message(w));
    int officers = random_between(dice_of(w), 2, SIM_IDENTITIES_MAX - 2);
    for (int i = 0; i < officers; i++)
        found_identity(w, ident("p", (unsigned)i), ROLE_SUBMIT);
    found_identity(w, ident("gateway", 0), ROLE_DELEGATE);
    found_revoked_key(w);
    sim_collector_settle(w);
}

void sim_operator_fini(struct sim *w)
{
    random_tree_destroy(w->operator.tree);
    registry_destroy(w->operator.registry);
}
