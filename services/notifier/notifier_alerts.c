/* What stands and what was decided, as far as the asker may see it. */
#include <stdlib.h>

#include "common/base/alloc.h"
#include "services/notifier/notifier_service.h"

/* --- states: read in the order of the store, told in that of the tree */

struct states {
    struct notifier_service *service;
    struct identity who;
    const struct wire_alerts *asked;
    day_t judged_on; /* states of other days are of units that have no share any longer */
    struct notifier_state *items;
    size_t count;
    size_t capacity;

    const struct plan *plan;
    const struct target *target;
    unsigned above[CATALOGUE_DEPTH_MAX]; /* units with a share down to each depth */
    struct wire_alert_state *out;
    uint32_t out_count;
    bool too_many;
};

static bool is_asked(const struct ident *asked, const struct ident *id)
{
    return asked->text[0] == '\0' || strcmp(asked->text, id->text) == 0;
}

static void keep_state(void *arg, const struct notifier_state *state)
{
    struct states *g = arg;
    if (state->judged_on != g->judged_on || !is_asked(&g->asked->plan, &state->plan) ||
        !is_asked(&g->asked->target, &state->target))
        return;
    void *items = g->items;
    alloc_reserve(&items, &g->capacity, g->count + 1, sizeof *g->items);
    g->items = items;
    g->items[g->count++] = *state;
}

static int compare_states(const void *a, const void *b)
{
    const struct notifier_state *x = a, *y = b;
    int order = strcmp(x->plan.text, y->plan.text);
    if (order == 0)
        order = strcmp(x->target.text, y->target.text);
    if (order == 0)
        order = strcmp(x->unit.text, y->unit.text);
    return order != 0 ? order : (x->unit_from > y->unit_from) - (x->unit_from < y->unit_from);
}

static const struct notifier_state *find_state(const struct states *g, uint32_t unit)
{
    const struct catalogue *c = registry_catalogue(notifier_registry(g->service->core));
    struct notifier_state key = {.plan = g->plan->id, .target = g->target->id};
    key.unit_from = catalogue_unit(c, unit)->from;
    if (g->count == 0 ||
        !ident_set(&key.unit, slice_str(catalogue_code_text(c, catalogue_unit(c, unit)->code))))
        return NULL;
    return bsearch(&key, g->items, g->count, sizeof key, compare_states);
}

static const struct indicator *indicator_of(const struct states *g)
{
    const struct registry *r = notifier_registry(g->service->core);
    return registry_indicator(r, registry_indicator_find(r, ident_slice(&g->target->indicator)));
}

static void fill_target(const struct states *g, struct wire_alert_state *out)
{
    const struct indicator *i = indicator_of(g);
    out->plan = g->plan->id;
    out->target = g->target->id;
    out->target_title = g->target->title;
    out->due = g->target->due;
    out->indicator = g->target->indicator;
    out->ratio = i->kind == INDICATOR_RATIO;
    if (!out->ratio)
        out->measure = i->measure;
}

static void fill_standing(const struct notifier_state *s, struct wire_alert_state *out)
{
    out->state = s->record.state;
    out->since = s->record.since;
    out->lower = s->lower;
    out->stretch = s->stretch;
    out->has_actual = (s->record.facts & FACT_SEEN) != 0;
    out->actual = s->pace.actual;
    out->expected = s->pace.expected;
    out->expected_today = s->pace.expected_today;
    out->judged = s->pace.judged;
    out->owed = s->pace.owed;
    out->reported = s->pace.reported;
    out->has_forecast = s->pace.has_forecast;
    out->projected = s->pace.projected;
    out->needed = s->pace.needed;
    out->silent_from = s->silent_from;
    out->silent_to = s->silent_to;
}

/* As it is called now; of one that is not yet or no more, on the due day. */
static const char *name_of(const struct states *g, uint32_t unit)
{
    const struct catalogue *c = registry_catalogue(notifier_registry(g->service->core));
    const struct unit_span *span = catalogue_span_on(c, unit, g->judged_on);
    if (!span)
        span = catalogue_span_on(c, unit, g->target->due);
    return span->name;
}

static void tell_unit(void *arg, uint32_t unit, unsigned depth)
{
    struct states *g = arg;
    const struct notifier_state *state = find_state(g, unit);
    unsigned above = depth == 0 ? 0 : g->above[depth - 1];
    g->above[depth] = above + (state != NULL);
    if (!state || !is_asked(&g->asked->unit, &state->unit) ||
        !access_sees_unit(g->service, g->who, unit, g->target->due))
        return;
    if (g->out_count == WIRE_ALERT_STATES_MAX) {
        g->too_many = true;
        return;
    }
    struct wire_alert_state *out = &g->out[g->out_count++];
    *out = (struct wire_alert_state){
        .unit = state->unit, .unit_name = name_of(g, unit), .depth = above};
    fill_target(g, out);
    fill_standing(state, out);
}

static void tell_target(struct states *g)
{
    const struct catalogue *c = registry_catalogue(notifier_registry(g->service->core));
    uint32_t code = catalogue_code_find(c, ident_slice(&g->target->unit));
    uint32_t top =
        code == CATALOGUE_NONE ? CATALOGUE_NONE : catalogue_unit_on(c, code, g->target->due);
    if (top != CATALOGUE_NONE)
        catalogue_visit_on(c, top, g->target->due, tell_unit, g);
}

static void tell_targets(struct states *g)
{
    const struct registry *r = notifier_registry(g->service->core);
    for (uint32_t p = 0; p < registry_plan_count(r); p++) {
        g->plan = registry_plan(r, p);
        for (unsigned t = 0; t < g->plan->target_count; t++) {
            g->target = &g->plan->targets[t];
            tell_target(g);
        }
    }
}

static int answer_states(struct notifier_service *s, struct kv *kv, struct identity who,
                         const struct wire_alerts *q, struct wire_alerts_reply *out, struct err *e)
{
    struct states g = {
        .service = s, .who = who, .asked = q, .judged_on = day_of_ms(s->done.judged_ms)};
    int rc = notifier_visit_states(kv, keep_state, &g, e);
    size_t most = g.count < WIRE_ALERT_STATES_MAX ? g.count : WIRE_ALERT_STATES_MAX;
    g.out = arena_alloc(&s->arena, (most + 1) * sizeof *g.out);
    if (rc == 0)
        tell_targets(&g);
    free(g.items);
    out->states = g.out;
    out->state_count = g.out_count;
    if (rc == 0 && g.too_many)
        rc = err_set(e, ERR_LIMIT, "there are more than %d states: name a plan and a target",
                     WIRE_ALERT_STATES_MAX);
    return rc;
}

/* --- decisions */

struct decisions {
    struct notifier_service *service;
    struct kv *kv;
    struct identity who;
    const struct wire_alerts *asked;
    struct wire_alerts_reply *out;
    uint32_t most;
};

static const char *copy(struct notifier_service *s, struct slice text)
{
    return arena_string(&s->arena, text.data, text.len);
}

static const char *name_near(const struct notifier_service *s, const struct ident *code, day_t on)
{
    const struct catalogue *c = registry_catalogue(notifier_registry(s->core));
    const char *name = catalogue_name_near(c, ident_slice(code), on);
    return name ? name : code->text;
}

static uint32_t channels_waiting(struct kv *kv, uint64_t number)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < CHANNEL_COUNT; i++)
        if (notifier_is_waiting(kv, number, (enum notifier_channel)i))
            bits |= 1u << i;
    return bits;
}

static void fill_decision(struct notifier_service *s, struct kv *kv,
                          const struct notifier_decision *d, bool whole,
                          struct wire_alert_decision *out)
{
    *out = (struct wire_alert_decision){.number = d->number,
                                        .id = copy(s, d->id),
                                        .plan = d->plan,
                                        .target = d->target,
                                        .unit = d->unit,
                                        .unit_name = name_near(s, &d->unit, day_of_ms(d->tick_ms)),
                                        .from_state = d->from,
                                        .to_state = d->to,
                                        .reason = d->reason,
                                        .tick_ms = d->tick_ms,
                                        .recipient = copy(s, d->recipient),
                                        .recipient_name = copy(s, d->recipient_name),
                                        .subject = copy(s, d->subject),
                                        .body = whole ? copy(s, d->body) : "",
                                        .corrects = copy(s, d->corrects),
                                        .inhibitor = d->inhibitor,
                                        .waiting = channels_waiting(kv, d->number)};
}

static bool is_shown(const struct decisions *g, const struct notifier_decision *d)
{
    const struct wire_alerts *q = g->asked;
    return (q->what == WIRE_ALERTS_HISTORY || d->reason == REASON_TOLD) &&
           is_asked(&q->plan, &d->plan) && is_asked(&q->target, &d->target) &&
           is_asked(&q->unit, &d->unit) &&
           access_sees_code(g->service, g->who, &d->unit, day_of_ms(d->tick_ms));
}

static bool tell_decision(void *arg, const struct notifier_decision *d)
{
    struct decisions *g = arg;
    struct wire_alerts_reply *out = g->out;
    if (!is_shown(g, d))
        return true;
    out->more = out->decision_count == g->most;
    if (!out->more)
        fill_decision(g->service, g->kv, d, false, &out->decisions[out->decision_count++]);
    return !out->more;
}

static int answer_decisions(struct notifier_service *s, struct kv *kv, struct identity who,
                            const struct wire_alerts *q, struct wire_alerts_reply *out,
                            struct err *e)
{
    struct decisions g = {
        .service = s, .kv = kv, .who = who, .asked = q, .out = out, .most = q->count_max};
    if (g.most == 0 || g.most > WIRE_ALERT_DECISIONS_MAX)
        g.most = WIRE_ALERT_DECISIONS_MAX;
    out->decisions = arena_alloc(&s->arena, g.most * sizeof *out->decisions);
    return notifier_visit_history(kv, q->after, tell_decision, &g, e);
}

/* One that the key may not see is one that there is not. */
static int answer_one(struct notifier_service *s, struct kv *kv, struct identity who,
                      const struct wire_alerts *q, struct wire_alerts_reply *out, struct err *e)
{
    struct notifier_decision d;
    int rc = notifier_find(kv, slice_str(q->id), &d, e);
    if (rc < 0)
        return rc;
    if (rc == 0 || !access_sees_code(s, who, &d.unit, day_of_ms(d.tick_ms)))
        return err_set(e, ERR_NOT_FOUND, "there is no notification \"%.200s\"", q->id);
    out->decisions = arena_alloc(&s->arena, sizeof *out->decisions);
    out->decision_count = 1;
    fill_decision(s, kv, &d, true, out->decisions);
    return 0;
}

/* --- either */

int notifier_alerts_answer(struct notifier_service *s, struct kv *kv, struct identity who,
                           const struct wire_alerts *q, struct wire_alerts_reply *out,
                           struct err *e)
{
    *out = (struct wire_alerts_reply){
        .offset = s->done.offset, .time_ms = s->done.time_ms, .judged_ms = s->done.judged_ms};
    switch (q->what) {
    case WIRE_ALERTS_STATES:
        return answer_states(s, kv, who, q, out, e);
    case WIRE_ALERTS_ONE:
        return answer_one(s, kv, who, q, out, e);
    case WIRE_ALERTS_NOTIFICATIONS:
    case WIRE_ALERTS_HISTORY:
        break;
    }
    return answer_decisions(s, kv, who, q, out, e);
}
