#include "common/wire/alert_wire.h"

#include "alert.pb-c.h"
#include "common/wire/proto.h"

enum { REASON_LAST = 3 };

/* The feed. */

void wire_pack_notification(const struct wire_notification *n, struct buf *out)
{
    Tonghop__V1__Notification m;
    tonghop__v1__notification__init(&m);
    m.id = proto_string(n->id);
    m.plan = proto_string(n->plan.text);
    m.target = proto_string(n->target.text);
    m.unit = proto_string(n->unit.text);
    m.from_state = n->from_state;
    m.to_state = n->to_state;
    m.tick_ms = n->tick_ms;
    m.recipient = proto_string(n->recipient);
    m.recipient_name = proto_string(n->recipient_name);
    m.channel = proto_string(n->channel);
    m.subject = proto_string(n->subject);
    m.body = proto_string(n->body);
    m.corrects = proto_string(n->corrects);
    m.number = n->number;
    proto_pack(&m.base, out);
}

int wire_unpack_notification(struct slice s, struct arena *arena, struct wire_notification *out,
                             struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__notification__descriptor;
    struct proto_check c = proto_check_of(type, err);
    const Tonghop__V1__Notification *m = proto_unpack(&c, s, type, &proto_limit_large, arena);
    if (m == NULL)
        return c.code;
    *out = (struct wire_notification){
        .id = m->id,
        .from_state = proto_up_to(&c, "from_state", m->from_state, WIRE_ALERT_STATES - 1),
        .to_state = proto_up_to(&c, "to_state", m->to_state, WIRE_ALERT_STATES - 1),
        .tick_ms = m->tick_ms,
        .recipient = m->recipient,
        .recipient_name = m->recipient_name,
        .channel = m->channel,
        .subject = m->subject,
        .body = m->body,
        .corrects = m->corrects,
        .number = m->number,
    };
    proto_ident(&c, "plan", m->plan, &out->plan);
    proto_ident(&c, "target", m->target, &out->target);
    proto_ident(&c, "unit", m->unit, &out->unit);
    return c.code;
}

void wire_pack_alerts_head(const struct wire_alerts_head *h, struct buf *out)
{
    Tonghop__V1__AlertsHead m;
    tonghop__v1__alerts_head__init(&m);
    m.number = h->number;
    m.offset = h->offset;
    m.time_ms = h->time_ms;
    proto_pack(&m.base, out);
}

int wire_unpack_alerts_head(struct slice s, struct wire_alerts_head *out, struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__alerts_head__descriptor;
    struct proto_check c = proto_check_of(type, err);
    struct arena arena;
    arena_init(&arena, 0);
    const Tonghop__V1__AlertsHead *m = proto_unpack(&c, s, type, &proto_limit_small, &arena);
    if (m != NULL)
        *out = (struct wire_alerts_head){m->number, m->offset, m->time_ms};
    arena_fini(&arena);
    return c.code;
}

/* The question. */

void wire_pack_alerts(const struct wire_alerts *a, struct buf *out)
{
    Tonghop__V1__AlertsRequest m;
    tonghop__v1__alerts_request__init(&m);
    m.what = a->what;
    m.plan = proto_string(a->plan.text);
    m.target = proto_string(a->target.text);
    m.unit = proto_string(a->unit.text);
    m.id = proto_string(a->id);
    m.after = a->after;
    m.count_max = a->count_max;
    m.not_before = a->not_before;
    m.wait_ms = a->wait_ms;
    proto_pack(&m.base, out);
}

int wire_unpack_alerts(struct slice s, struct arena *arena, struct wire_alerts *out,
                       struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__alerts_request__descriptor;
    struct proto_check c = proto_check_of(type, err);
    const Tonghop__V1__AlertsRequest *m = proto_unpack(&c, s, type, &proto_limit_small, arena);
    if (m == NULL)
        return c.code;
    *out = (struct wire_alerts){
        .what = (enum wire_alerts_what)proto_up_to(&c, "what", m->what, WIRE_ALERTS_ONE),
        .id = m->id,
        .after = m->after,
        .count_max = m->count_max,
        .not_before = m->not_before,
        .wait_ms = m->wait_ms,
    };
    proto_ident_or_empty(&c, "plan", m->plan, &out->plan);
    proto_ident_or_empty(&c, "target", m->target, &out->target);
    proto_ident_or_empty(&c, "unit", m->unit, &out->unit);
    return c.code;
}

/* The reply. */

static void make_state(const struct wire_alert_state *s, Tonghop__V1__AlertState *m)
{
    tonghop__v1__alert_state__init(m);
    m->plan = proto_string(s->plan.text);
    m->target = proto_string(s->target.text);
    m->unit = proto_string(s->unit.text);
    m->unit_name = proto_string(s->unit_name);
    m->depth = s->depth;
    m->target_title = proto_string(s->target_title);
    m->indicator = proto_string(s->indicator.text);
    m->measure = proto_string(s->measure.text);
    m->ratio = s->ratio;
    m->due = s->due;
    m->state = s->state;
    m->since = s->since;
    m->lower = s->lower;
    m->stretch = s->stretch;
    m->has_actual = s->has_actual;
    m->actual = s->actual;
    m->expected = s->expected;
    m->expected_today = s->expected_today;
    m->judged = s->judged;
    m->owed = s->owed;
    m->reported = s->reported;
    m->has_forecast = s->has_forecast;
    m->projected = s->projected;
    m->needed = s->needed;
    m->silent_from = s->silent_from;
    m->silent_to = s->silent_to;
}

static void make_decision(const struct wire_alert_decision *d, Tonghop__V1__AlertDecision *m)
{
    tonghop__v1__alert_decision__init(m);
    m->number = d->number;
    m->id = proto_string(d->id);
    m->plan = proto_string(d->plan.text);
    m->target = proto_string(d->target.text);
    m->unit = proto_string(d->unit.text);
    m->unit_name = proto_string(d->unit_name);
    m->from_state = d->from_state;
    m->to_state = d->to_state;
    m->reason = d->reason;
    m->tick_ms = d->tick_ms;
    m->recipient = proto_string(d->recipient);
    m->recipient_name = proto_string(d->recipient_name);
    m->subject = proto_string(d->subject);
    m->body = proto_string(d->body);
    m->corrects = proto_string(d->corrects);
    m->inhibitor = proto_string(d->inhibitor.text);
    m->waiting = d->waiting;
}

void wire_pack_alerts_reply(const struct wire_alerts_reply *r, struct buf *out)
{
    struct arena arena;
    Tonghop__V1__AlertsReply m;
    arena_init(&arena, 0);
    tonghop__v1__alerts_reply__init(&m);
    m.offset = r->offset;
    m.time_ms = r->time_ms;
    m.judged_ms = r->judged_ms;
    m.more = r->more;
    Tonghop__V1__AlertState *states = arena_alloc(&arena, r->state_count * sizeof *states);
    for (uint32_t i = 0; i < r->state_count; i++)
        make_state(&r->states[i], &states[i]);
    m.n_states = r->state_count;
    m.states = proto_pointers(&arena, states, r->state_count, sizeof *states);
    Tonghop__V1__AlertDecision *decisions =
        arena_alloc(&arena, r->decision_count * sizeof *decisions);
    for (uint32_t i = 0; i < r->decision_count; i++)
        make_decision(&r->decisions[i], &decisions[i]);
    m.n_decisions = r->decision_count;
    m.decisions = proto_pointers(&arena, decisions, r->decision_count, sizeof *decisions);
    proto_pack(&m.base, out);
    arena_fini(&arena);
}

static void take_standing(struct proto_check *c, const Tonghop__V1__AlertState *m,
                          struct wire_alert_state *out)
{
    out->state = proto_up_to(c, "state", m->state, WIRE_ALERT_STATES - 1);
    out->since = proto_day(c, "since", m->since);
    out->lower = m->lower;
    out->stretch = m->stretch;
    out->has_actual = m->has_actual;
    out->actual = m->actual;
    out->expected = m->expected;
    out->expected_today = m->expected_today;
    out->judged = proto_day(c, "judged", m->judged);
    out->owed = m->owed;
    out->reported = m->reported;
    out->has_forecast = m->has_forecast;
    out->projected = m->projected;
    out->needed = m->needed;
    out->silent_from = m->silent_from;
    out->silent_to = m->silent_to;
}

static void take_state(struct proto_check *c, const Tonghop__V1__AlertState *m,
                       struct wire_alert_state *out)
{
    *out = (struct wire_alert_state){.unit_name = m->unit_name,
                                     .depth = proto_up_to(c, "depth", m->depth, UINT16_MAX),
                                     .target_title = m->target_title,
                                     .ratio = m->ratio,
                                     .due = proto_day(c, "due", m->due)};
    proto_ident(c, "plan", m->plan, &out->plan);
    proto_ident(c, "target", m->target, &out->target);
    proto_ident(c, "unit", m->unit, &out->unit);
    proto_ident(c, "indicator", m->indicator, &out->indicator);
    proto_ident_or_empty(c, "measure", m->measure, &out->measure);
    take_standing(c, m, out);
}

static void take_decision(struct proto_check *c, const Tonghop__V1__AlertDecision *m,
                          struct wire_alert_decision *out)
{
    *out = (struct wire_alert_decision){
        .number = m->number,
        .id = m->id,
        .unit_name = m->unit_name,
        .from_state = proto_up_to(c, "from_state", m->from_state, WIRE_ALERT_STATES - 1),
        .to_state = proto_up_to(c, "to_state", m->to_state, WIRE_ALERT_STATES - 1),
        .reason = proto_up_to(c, "reason", m->reason, REASON_LAST),
        .tick_ms = m->tick_ms,
        .recipient = m->recipient,
        .recipient_name = m->recipient_name,
        .subject = m->subject,
        .body = m->body,
        .corrects = m->corrects,
        .waiting = m->waiting,
    };
    proto_ident(c, "plan", m->plan, &out->plan);
    proto_ident(c, "target", m->target, &out->target);
    proto_ident(c, "unit", m->unit, &out->unit);
    proto_ident_or_empty(c, "inhibitor", m->inhibitor, &out->inhibitor);
}

static void take_lists(struct proto_check *c, const Tonghop__V1__AlertsReply *m,
                       struct arena *arena, struct wire_alerts_reply *out)
{
    out->states = arena_alloc(arena, out->state_count * sizeof *out->states);
    for (uint32_t i = 0; i < out->state_count && c->code == 0; i++) {
        proto_at(c, "states", i);
        take_state(c, m->states[i], &out->states[i]);
    }
    out->decisions = arena_alloc(arena, out->decision_count * sizeof *out->decisions);
    for (uint32_t i = 0; i < out->decision_count && c->code == 0; i++) {
        proto_at(c, "decisions", i);
        take_decision(c, m->decisions[i], &out->decisions[i]);
    }
}

int wire_unpack_alerts_reply(struct slice s, struct arena *arena, struct wire_alerts_reply *out,
                             struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__alerts_reply__descriptor;
    struct proto_check c = proto_check_of(type, err);
    const Tonghop__V1__AlertsReply *m = proto_unpack(&c, s, type, &proto_limit_large, arena);
    if (m == NULL)
        return c.code;
    *out = (struct wire_alerts_reply){
        .offset = m->offset,
        .time_ms = m->time_ms,
        .judged_ms = m->judged_ms,
        .state_count = proto_count(&c, "states", m->n_states, WIRE_ALERT_STATES_MAX),
        .decision_count = proto_count(&c, "decisions", m->n_decisions, WIRE_ALERT_DECISIONS_MAX),
        .more = m->more,
    };
    take_lists(&c, m, arena, out);
    return c.code;
}
