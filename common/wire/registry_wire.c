#include "common/wire/registry_wire.h"

#include "common/base/check.h"

/* Catalogues. */

static void make_span(const struct unit_span *span, Tonghop__V1__UnitSpan *m)
{
    tonghop__v1__unit_span__init(m);
    m->code = proto_string(span->code.text);
    m->from = span->from;
    m->to = span->to;
    m->name = proto_string(span->name);
    m->type = proto_string(span->type);
    m->level = span->level;
    m->parent = proto_string(span->parent.text);
    m->begins = span->begins;
}

static void make_succession(const struct succession *s, Tonghop__V1__Succession *m)
{
    tonghop__v1__succession__init(m);
    m->on = s->on;
    m->old_code = proto_string(s->old_code.text);
    m->new_code = proto_string(s->new_code.text);
    m->people = s->people;
}

Tonghop__V1__Catalogue *registry_make_catalogue(const struct catalogue_spec *c, struct arena *arena)
{
    Tonghop__V1__Catalogue *m = arena_alloc(arena, sizeof *m);
    tonghop__v1__catalogue__init(m);
    Tonghop__V1__UnitSpan *spans = arena_alloc(arena, c->span_count * sizeof *spans);
    for (uint32_t i = 0; i < c->span_count; i++)
        make_span(&c->spans[i], &spans[i]);
    m->n_spans = c->span_count;
    m->spans = proto_pointers(arena, spans, c->span_count, sizeof *spans);
    Tonghop__V1__Succession *rows = arena_alloc(arena, c->succession_count * sizeof *rows);
    for (uint32_t i = 0; i < c->succession_count; i++)
        make_succession(&c->successions[i], &rows[i]);
    m->n_successions = c->succession_count;
    m->successions = proto_pointers(arena, rows, c->succession_count, sizeof *rows);
    return m;
}

static void take_span(struct proto_check *c, const Tonghop__V1__UnitSpan *m, struct unit_span *out)
{
    proto_ident(c, "code", m->code, &out->code);
    out->from = proto_day(c, "from", m->from);
    out->to = proto_day_or_never(c, "to", m->to);
    out->name = m->name;
    out->type = m->type;
    out->level = (uint8_t)proto_up_to(c, "level", m->level, CATALOGUE_LEVEL_MAX);
    proto_ident_or_empty(c, "parent", m->parent, &out->parent);
    out->begins = m->begins;
}

static void take_succession(struct proto_check *c, const Tonghop__V1__Succession *m,
                            struct succession *out)
{
    out->on = proto_day(c, "on", m->on);
    proto_ident(c, "old_code", m->old_code, &out->old_code);
    proto_ident(c, "new_code", m->new_code, &out->new_code);
    out->people = (enum succession_people)proto_up_to(c, "people", m->people, PEOPLE_NONE);
}

void registry_take_catalogue(struct proto_check *c, const Tonghop__V1__Catalogue *m,
                             struct arena *arena, struct catalogue_spec *out)
{
    *out = (struct catalogue_spec){
        .span_count = proto_count(c, "spans", m->n_spans, CATALOGUE_SPANS_MAX),
        .succession_count =
            proto_count(c, "successions", m->n_successions, CATALOGUE_SUCCESSIONS_MAX),
    };
    out->spans = arena_alloc(arena, out->span_count * sizeof *out->spans);
    for (uint32_t i = 0; i < out->span_count && c->code == 0; i++) {
        proto_at(c, "spans", i);
        take_span(c, m->spans[i], &out->spans[i]);
    }
    out->successions = arena_alloc(arena, out->succession_count * sizeof *out->successions);
    for (uint32_t i = 0; i < out->succession_count && c->code == 0; i++) {
        proto_at(c, "successions", i);
        take_succession(c, m->successions[i], &out->successions[i]);
    }
    proto_at(c, NULL, 0);
}

/* Plans. */

static Tonghop__V1__SourceOfRecord **make_records(const struct indicator *i, struct arena *arena)
{
    Tonghop__V1__SourceOfRecord *records = arena_alloc(arena, i->record_count * sizeof *records);
    for (unsigned r = 0; r < i->record_count; r++) {
        tonghop__v1__source_of_record__init(&records[r]);
        records[r].from = i->records[r].from;
        records[r].source = proto_string(i->records[r].source.text);
    }
    return proto_pointers(arena, records, i->record_count, sizeof *records);
}

static void make_indicator(const struct indicator *i, struct arena *arena,
                           Tonghop__V1__Indicator *m)
{
    require(i->record_count <= INDICATOR_RECORDS_MAX);
    tonghop__v1__indicator__init(m);
    m->id = proto_string(i->id.text);
    m->name = proto_string(i->name);
    m->kind = i->kind;
    m->entry = i->entry;
    m->measure = proto_string(i->measure.text);
    m->minimum = i->minimum;
    m->maximum = i->maximum;
    m->reporters = i->reporters;
    m->period = i->period;
    m->calendar = i->calendar;
    m->n_records = i->record_count;
    m->records = make_records(i, arena);
    m->numerator = proto_string(i->numerator.text);
    m->denominator = proto_string(i->denominator.text);
}

static Tonghop__V1__Source **make_sources(const struct plan *p, struct arena *arena)
{
    Tonghop__V1__Source *sources = arena_alloc(arena, p->source_count * sizeof *sources);
    for (unsigned i = 0; i < p->source_count; i++) {
        tonghop__v1__source__init(&sources[i]);
        sources[i].id = proto_string(p->sources[i].id.text);
        sources[i].name = proto_string(p->sources[i].name);
    }
    return proto_pointers(arena, sources, p->source_count, sizeof *sources);
}

static Tonghop__V1__Indicator **make_indicators(const struct plan *p, struct arena *arena)
{
    Tonghop__V1__Indicator *indicators =
        arena_alloc(arena, p->indicator_count * sizeof *indicators);
    for (unsigned i = 0; i < p->indicator_count; i++)
        make_indicator(&p->indicators[i], arena, &indicators[i]);
    return proto_pointers(arena, indicators, p->indicator_count, sizeof *indicators);
}

static Tonghop__V1__Duty **make_duties(const struct plan *p, struct arena *arena)
{
    Tonghop__V1__Duty *duties = arena_alloc(arena, p->duty_count * sizeof *duties);
    for (unsigned i = 0; i < p->duty_count; i++) {
        tonghop__v1__duty__init(&duties[i]);
        duties[i].indicator = proto_string(p->duties[i].indicator.text);
        duties[i].from = p->duties[i].from;
        duties[i].to = p->duties[i].to;
        duties[i].due_days = p->duties[i].due_days;
    }
    return proto_pointers(arena, duties, p->duty_count, sizeof *duties);
}

static Tonghop__V1__DayRange **make_suspended(const struct target *t, struct arena *arena)
{
    Tonghop__V1__DayRange *ranges = arena_alloc(arena, t->suspended_count * sizeof *ranges);
    for (unsigned i = 0; i < t->suspended_count; i++) {
        tonghop__v1__day_range__init(&ranges[i]);
        ranges[i].from = t->suspended[i].from;
        ranges[i].to = t->suspended[i].to;
    }
    return proto_pointers(arena, ranges, t->suspended_count, sizeof *ranges);
}

static Tonghop__V1__Share **make_shares(const struct target *t, struct arena *arena)
{
    Tonghop__V1__Share *shares = arena_alloc(arena, t->share_count * sizeof *shares);
    for (unsigned i = 0; i < t->share_count; i++) {
        tonghop__v1__share__init(&shares[i]);
        shares[i].unit = proto_string(t->shares[i].unit.text);
        shares[i].lower = t->shares[i].lower;
        shares[i].stretch = t->shares[i].stretch;
    }
    return proto_pointers(arena, shares, t->share_count, sizeof *shares);
}

static void make_target(const struct target *t, struct arena *arena, Tonghop__V1__Target *m)
{
    require(t->suspended_count <= TARGET_SUSPENDED_MAX);
    tonghop__v1__target__init(m);
    m->id = proto_string(t->id.text);
    m->title = proto_string(t->title);
    m->clause = proto_string(t->clause);
    m->indicator = proto_string(t->indicator.text);
    m->unit = proto_string(t->unit.text);
    m->lower = t->lower;
    m->stretch = t->stretch;
    m->start = t->start;
    m->due = t->due;
    m->weekend_permille = t->weekend_permille;
    m->n_suspended = t->suspended_count;
    m->suspended = make_suspended(t, arena);
    m->n_shares = t->share_count;
    m->shares = make_shares(t, arena);
}

static Tonghop__V1__Target **make_targets(const struct plan *p, struct arena *arena)
{
    Tonghop__V1__Target *targets = arena_alloc(arena, p->target_count * sizeof *targets);
    for (unsigned i = 0; i < p->target_count; i++)
        make_target(&p->targets[i], arena, &targets[i]);
    return proto_pointers(arena, targets, p->target_count, sizeof *targets);
}

Tonghop__V1__Plan *registry_make_plan(const struct plan *p, struct arena *arena)
{
    Tonghop__V1__Plan *m = arena_alloc(arena, sizeof *m);
    tonghop__v1__plan__init(m);
    m->id = proto_string(p->id.text);
    m->version = p->version;
    m->title = proto_string(p->title);
    m->document = proto_string(p->document);
    m->is_rehearsal = p->is_rehearsal;
    m->root = proto_string(p->root.text);
    m->from = p->from;
    m->to = p->to;
    m->n_sources = p->source_count;
    m->sources = make_sources(p, arena);
    m->n_indicators = p->indicator_count;
    m->indicators = make_indicators(p, arena);
    m->n_duties = p->duty_count;
    m->duties = make_duties(p, arena);
    m->n_targets = p->target_count;
    m->targets = make_targets(p, arena);
    return m;
}

static void take_records(struct proto_check *c, const Tonghop__V1__Indicator *m,
                         struct indicator *out)
{
    out->record_count = proto_count(c, "records", m->n_records, INDICATOR_RECORDS_MAX);
    for (unsigned i = 0; i < out->record_count; i++) {
        out->records[i].from = proto_day(c, "records.from", m->records[i]->from);
        proto_ident(c, "records.source", m->records[i]->source, &out->records[i].source);
    }
}

static void take_indicator(struct proto_check *c, const Tonghop__V1__Indicator *m,
                           struct indicator *out)
{
    proto_ident(c, "id", m->id, &out->id);
    out->name = m->name;
    out->kind = (enum indicator_kind)proto_up_to(c, "kind", m->kind, INDICATOR_RATIO);
    out->entry = (enum indicator_entry)proto_up_to(c, "entry", m->entry, ENTRY_TALLY);
    proto_ident_or_empty(c, "measure", m->measure, &out->measure);
    out->minimum = m->minimum;
    out->maximum = m->maximum;
    out->reporters = m->reporters;
    out->period = (enum period_kind)proto_up_to(c, "period", m->period, PERIOD_KIND_COUNT - 1);
    out->calendar =
        (enum period_calendar)proto_up_to(c, "calendar", m->calendar, CALENDAR_ADMINISTRATIVE);
    take_records(c, m, out);
    proto_ident_or_empty(c, "numerator", m->numerator, &out->numerator);
    proto_ident_or_empty(c, "denominator", m->denominator, &out->denominator);
}

static void take_sources(struct proto_check *c, const Tonghop__V1__Plan *m, struct arena *arena,
                         struct plan *out)
{
    out->source_count = proto_count(c, "sources", m->n_sources, PLAN_SOURCES_MAX);
    out->sources = arena_alloc(arena, out->source_count * sizeof *out->sources);
    for (unsigned i = 0; i < out->source_count && c->code == 0; i++) {
        proto_at(c, "sources", i);
        proto_ident(c, "id", m->sources[i]->id, &out->sources[i].id);
        out->sources[i].name = m->sources[i]->name;
    }
    proto_at(c, NULL, 0);
}

static void take_indicators(struct proto_check *c, const Tonghop__V1__Plan *m, struct arena *arena,
                            struct plan *out)
{
    out->indicator_count = proto_count(c, "indicators", m->n_indicators, PLAN_INDICATORS_MAX);
    out->indicators = arena_alloc(arena, out->indicator_count * sizeof *out->indicators);
    for (unsigned i = 0; i < out->indicator_count && c->code == 0; i++) {
        proto_at(c, "indicators", i);
        out->indicators[i] = (struct indicator){0};
        take_indicator(c, m->indicators[i], &out->indicators[i]);
    }
    proto_at(c, NULL, 0);
}

static void take_duties(struct proto_check *c, const Tonghop__V1__Plan *m, struct arena *arena,
                        struct plan *out)
{
    out->duty_count = proto_count(c, "duties", m->n_duties, PLAN_DUTIES_MAX);
    out->duties = arena_alloc(arena, out->duty_count * sizeof *out->duties);
    for (unsigned i = 0; i < out->duty_count && c->code == 0; i++) {
        proto_at(c, "duties", i);
        proto_ident(c, "indicator", m->duties[i]->indicator, &out->duties[i].indicator);
        out->duties[i].from = proto_day(c, "from", m->duties[i]->from);
        out->duties[i].to = proto_day(c, "to", m->duties[i]->to);
        out->duties[i].due_days = m->duties[i]->due_days;
    }
    proto_at(c, NULL, 0);
}

static void take_suspended(struct proto_check *c, const Tonghop__V1__Target *m, struct target *out)
{
    out->suspended_count = proto_count(c, "suspended", m->n_suspended, TARGET_SUSPENDED_MAX);
    for (unsigned i = 0; i < out->suspended_count; i++) {
        out->suspended[i].from = proto_day(c, "suspended.from", m->suspended[i]->from);
        out->suspended[i].to = proto_day(c, "suspended.to", m->suspended[i]->to);
    }
}

static void take_shares(struct proto_check *c, const Tonghop__V1__Target *m, struct arena *arena,
                        struct target *out)
{
    out->share_count = proto_count(c, "shares", m->n_shares, TARGET_SHARES_MAX);
    out->shares = arena_alloc(arena, out->share_count * sizeof *out->shares);
    for (unsigned i = 0; i < out->share_count && c->code == 0; i++) {
        proto_ident(c, "shares.unit", m->shares[i]->unit, &out->shares[i].unit);
        out->shares[i].lower = m->shares[i]->lower;
        out->shares[i].stretch = m->shares[i]->stretch;
    }
}

static void take_target(struct proto_check *c, const Tonghop__V1__Target *m, struct arena *arena,
                        struct target *out)
{
    *out = (struct target){.title = m->title,
                           .clause = m->clause,
                           .lower = m->lower,
                           .stretch = m->stretch,
                           .weekend_permille = m->weekend_permille};
    proto_ident(c, "id", m->id, &out->id);
    proto_ident(c, "indicator", m->indicator, &out->indicator);
    proto_ident(c, "unit", m->unit, &out->unit);
    out->start = proto_day(c, "start", m->start);
    out->due = proto_day(c, "due", m->due);
    take_suspended(c, m, out);
    take_shares(c, m, arena, out);
}

static void take_targets(struct proto_check *c, const Tonghop__V1__Plan *m, struct arena *arena,
                         struct plan *out)
{
    out->target_count = proto_count(c, "targets", m->n_targets, PLAN_TARGETS_MAX);
    out->targets = arena_alloc(arena, out->target_count * sizeof *out->targets);
    for (unsigned i = 0; i < out->target_count && c->code == 0; i++) {
        proto_at(c, "targets", i);
        take_target(c, m->targets[i], arena, &out->targets[i]);
    }
    proto_at(c, NULL, 0);
}

void registry_take_plan(struct proto_check *c, const Tonghop__V1__Plan *m, struct arena *arena,
                        struct plan *out)
{
    *out = (struct plan){.version = m->version,
                         .title = m->title,
                         .document = m->document,
                         .is_rehearsal = m->is_rehearsal != 0};
    proto_ident(c, "id", m->id, &out->id);
    proto_ident(c, "root", m->root, &out->root);
    out->from = proto_day(c, "from", m->from);
    out->to = proto_day(c, "to", m->to);
    take_sources(c, m, arena, out);
    take_indicators(c, m, arena, out);
    take_duties(c, m, arena, out);
    take_targets(c, m, arena, out);
}

/* Producers. */

enum { ROLES_ALL = ROLE_SUBMIT | ROLE_SUBSCRIBE | ROLE_OPERATE | ROLE_SERVICE | ROLE_DELEGATE };

static bool change_names_key(uint32_t kind)
{
    return kind == PRODUCER_KEY_ADD || kind == PRODUCER_KEY_REVOKE;
}

static Tonghop__V1__Producer *make_producer(const struct producer *p, bool whole,
                                            struct arena *arena)
{
    require(p->scope_count <= PRODUCER_SCOPES_MAX);
    Tonghop__V1__Producer *m = arena_alloc(arena, sizeof *m);
    tonghop__v1__producer__init(m);
    m->name = proto_string(p->name.text);
    if (!whole)
        return m;
    m->roles = p->roles;
    m->source = proto_string(p->source.text);
    m->n_scopes = p->scope_count;
    m->scopes_on = p->scopes_on;
    m->scopes = arena_alloc(arena, p->scope_count * sizeof *m->scopes);
    for (unsigned i = 0; i < p->scope_count; i++)
        m->scopes[i] = proto_string(p->scopes[i].text);
    return m;
}

Tonghop__V1__ProducerChange *registry_make_change(const struct producer_change *change,
                                                  struct arena *arena)
{
    Tonghop__V1__ProducerChange *m = arena_alloc(arena, sizeof *m);
    tonghop__v1__producer_change__init(m);
    m->kind = change->kind;
    m->producer = make_producer(&change->producer, change->kind == PRODUCER_SET, arena);
    if (change_names_key(change->kind))
        m->key = proto_binary(change->key, KEY_BYTES);
    return m;
}

static void take_producer(struct proto_check *c, const Tonghop__V1__Producer *m,
                          struct producer *out)
{
    proto_ident(c, "producer.name", m->name, &out->name);
    out->roles = m->roles;
    if ((m->roles & ~(uint32_t)ROLES_ALL) != 0)
        proto_fail(c, ERR_INVALID, "producer.roles", "0x%x has bits that are no role", m->roles);
    proto_ident_or_empty(c, "producer.source", m->source, &out->source);
    out->scope_count = proto_count(c, "producer.scopes", m->n_scopes, PRODUCER_SCOPES_MAX);
    for (unsigned i = 0; i < out->scope_count && c->code == 0; i++)
        proto_ident(c, "producer.scopes", m->scopes[i], &out->scopes[i]);
    out->scopes_on = proto_day(c, "producer.scopes_on", m->scopes_on);
}

void registry_take_change(struct proto_check *c, const Tonghop__V1__ProducerChange *m,
                          struct producer_change *out)
{
    *out = (struct producer_change){.kind = PRODUCER_SET};
    out->kind = (enum producer_change_kind)proto_up_to(c, "kind", m->kind, PRODUCER_RETIRE);
    if (proto_present(c, "producer", m->producer))
        take_producer(c, m->producer, &out->producer);
    if (change_names_key(out->kind))
        proto_bytes(c, "key", m->key, out->key, KEY_BYTES);
}

/* Each alone, as the journal holds it. */

void wire_pack_catalogue(const struct catalogue_spec *c, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 0);
    proto_pack(&registry_make_catalogue(c, &arena)->base, out);
    arena_fini(&arena);
}

int wire_unpack_catalogue(struct slice s, struct arena *arena, struct catalogue_spec *out,
                          struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__catalogue__descriptor;
    struct proto_check c = proto_check_of(type, err);
    const Tonghop__V1__Catalogue *m = proto_unpack(&c, s, type, &proto_limit_large, arena);
    if (m != NULL)
        registry_take_catalogue(&c, m, arena, out);
    return c.code;
}

void wire_pack_plan(const struct plan *p, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 0);
    proto_pack(&registry_make_plan(p, &arena)->base, out);
    arena_fini(&arena);
}

int wire_unpack_plan(struct slice s, struct arena *arena, struct plan *out, struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__plan__descriptor;
    struct proto_check c = proto_check_of(type, err);
    const Tonghop__V1__Plan *m = proto_unpack(&c, s, type, &proto_limit_large, arena);
    if (m != NULL)
        registry_take_plan(&c, m, arena, out);
    return c.code;
}

void wire_pack_producer_change(const struct producer_change *change, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 0);
    proto_pack(&registry_make_change(change, &arena)->base, out);
    arena_fini(&arena);
}

int wire_unpack_producer_change(struct slice s, struct arena *arena, struct producer_change *out,
                                struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__producer_change__descriptor;
    struct proto_check c = proto_check_of(type, err);
    const Tonghop__V1__ProducerChange *m = proto_unpack(&c, s, type, &proto_limit_small, arena);
    if (m != NULL)
        registry_take_change(&c, m, out);
    return c.code;
}
