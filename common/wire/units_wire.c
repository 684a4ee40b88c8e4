#include "common/wire/proto.h"
#include "common/wire/query_wire.h"
#include "query.pb-c.h"

void wire_pack_units(const struct wire_units *u, struct buf *out)
{
    Tonghop__V1__UnitsRequest m;
    tonghop__v1__units_request__init(&m);
    m.unit = proto_string(u->unit.text);
    m.day = u->day;
    m.depth = u->depth;
    proto_pack(&m.base, out);
}

int wire_unpack_units(struct slice s, struct wire_units *out, struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__units_request__descriptor;
    struct proto_check c = proto_check_of(type, err);
    struct arena arena;
    arena_init(&arena, 0);
    const Tonghop__V1__UnitsRequest *m = proto_unpack(&c, s, type, &proto_limit_small, &arena);
    if (m != NULL) {
        proto_ident_or_empty(&c, "unit", m->unit, &out->unit);
        out->day = proto_day(&c, "day", m->day);
        out->depth = m->depth;
    }
    arena_fini(&arena);
    return c.code;
}

/* The reply. */

static void make_unit(const struct wire_unit_info *u, Tonghop__V1__UnitInfo *m)
{
    tonghop__v1__unit_info__init(m);
    m->code = proto_string(u->code.text);
    m->name = proto_string(u->name);
    m->type = proto_string(u->type);
    m->level = u->level;
    m->parent = proto_string(u->parent.text);
    m->from = u->from;
    m->to = u->to;
}

static void make_indicator(const struct wire_indicator_info *i, Tonghop__V1__IndicatorInfo *m)
{
    tonghop__v1__indicator_info__init(m);
    m->id = proto_string(i->id.text);
    m->name = proto_string(i->name);
    m->kind = i->kind;
    m->period = i->period;
    m->calendar = i->calendar;
    m->measure = proto_string(i->measure.text);
}

void wire_pack_units_reply(const struct wire_units_reply *r, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 0);
    Tonghop__V1__UnitsReply m;
    tonghop__v1__units_reply__init(&m);
    m.code = r->code;
    m.message = proto_sentence(&arena, r->message);
    Tonghop__V1__UnitInfo *units = arena_alloc(&arena, r->unit_count * sizeof *units);
    for (uint32_t i = 0; i < r->unit_count; i++)
        make_unit(&r->units[i], &units[i]);
    m.n_units = r->unit_count;
    m.units = proto_pointers(&arena, units, r->unit_count, sizeof *units);
    Tonghop__V1__IndicatorInfo *infos = arena_alloc(&arena, r->indicator_count * sizeof *infos);
    for (uint32_t i = 0; i < r->indicator_count; i++)
        make_indicator(&r->indicators[i], &infos[i]);
    m.n_indicators = r->indicator_count;
    m.indicators = proto_pointers(&arena, infos, r->indicator_count, sizeof *infos);
    proto_pack(&m.base, out);
    arena_fini(&arena);
}

static void take_unit(struct proto_check *c, const Tonghop__V1__UnitInfo *m,
                      struct wire_unit_info *out)
{
    proto_ident(c, "code", m->code, &out->code);
    out->name = m->name;
    out->type = m->type;
    out->level = m->level;
    proto_ident_or_empty(c, "parent", m->parent, &out->parent);
    out->from = proto_day(c, "from", m->from);
    out->to = proto_day_or_never(c, "to", m->to);
}

static void take_indicator(struct proto_check *c, const Tonghop__V1__IndicatorInfo *m,
                           struct wire_indicator_info *out)
{
    proto_ident(c, "id", m->id, &out->id);
    out->name = m->name;
    out->kind = proto_up_to(c, "kind", m->kind, INDICATOR_RATIO);
    out->period = proto_up_to(c, "period", m->period, PERIOD_KIND_COUNT - 1);
    out->calendar = proto_up_to(c, "calendar", m->calendar, CALENDAR_ADMINISTRATIVE);
    proto_ident_or_empty(c, "measure", m->measure, &out->measure);
}

static void take_lists(struct proto_check *c, const Tonghop__V1__UnitsReply *m, struct arena *arena,
                       struct wire_units_reply *out)
{
    out->units = arena_alloc(arena, out->unit_count * sizeof *out->units);
    for (uint32_t i = 0; i < out->unit_count && c->code == 0; i++) {
        proto_at(c, "units", i);
        take_unit(c, m->units[i], &out->units[i]);
    }
    out->indicators = arena_alloc(arena, out->indicator_count * sizeof *out->indicators);
    for (uint32_t i = 0; i < out->indicator_count && c->code == 0; i++) {
        proto_at(c, "indicators", i);
        take_indicator(c, m->indicators[i], &out->indicators[i]);
    }
}

int wire_unpack_units_reply(struct slice s, struct arena *arena, struct wire_units_reply *out,
                            struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__units_reply__descriptor;
    struct proto_check c = proto_check_of(type, err);
    const Tonghop__V1__UnitsReply *m = proto_unpack(&c, s, type, &proto_limit_large, arena);
    if (m == NULL)
        return c.code;
    *out = (struct wire_units_reply){
        .code = proto_code(&c, m->code),
        .message = m->message,
        .unit_count = proto_count(&c, "units", m->n_units, CATALOGUE_SPANS_MAX),
        .indicator_count = proto_count(&c, "indicators", m->n_indicators, UINT32_MAX),
    };
    take_lists(&c, m, arena, out);
    return c.code;
}
