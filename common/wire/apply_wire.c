#include "common/wire/registry_wire.h"

/* Out. */

static void put_tick(Tonghop__V1__Apply *m, int64_t time_ms, struct arena *arena)
{
    m->replay_tick = arena_alloc(arena, sizeof *m->replay_tick);
    tonghop__v1__replay_tick__init(m->replay_tick);
    m->replay_tick->time_ms = time_ms;
}

static void put_clock(Tonghop__V1__Apply *m, int64_t time_ms, struct arena *arena)
{
    m->clock_accept = arena_alloc(arena, sizeof *m->clock_accept);
    tonghop__v1__clock_accept__init(m->clock_accept);
    m->clock_accept->time_ms = time_ms;
}

static void put_what(Tonghop__V1__Apply *m, const struct wire_apply *a, struct arena *arena)
{
    switch (a->kind) {
    case WIRE_APPLY_CATALOGUE:
        m->what_case = TONGHOP__V1__APPLY__WHAT_CATALOGUE;
        m->catalogue = registry_make_catalogue(&a->catalogue, arena);
        break;
    case WIRE_APPLY_PLAN:
        m->what_case = TONGHOP__V1__APPLY__WHAT_PLAN;
        m->plan = registry_make_plan(&a->plan, arena);
        break;
    case WIRE_APPLY_PRODUCER:
        m->what_case = TONGHOP__V1__APPLY__WHAT_PRODUCER;
        m->producer = registry_make_change(&a->producer, arena);
        break;
    case WIRE_APPLY_REPLAY_TICK:
        m->what_case = TONGHOP__V1__APPLY__WHAT_REPLAY_TICK;
        put_tick(m, a->time_ms, arena);
        break;
    case WIRE_APPLY_CLOCK_ACCEPT:
        m->what_case = TONGHOP__V1__APPLY__WHAT_CLOCK_ACCEPT;
        put_clock(m, a->time_ms, arena);
        break;
    }
}

void wire_pack_apply(const struct wire_apply *a, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 0);
    Tonghop__V1__Apply m;
    tonghop__v1__apply__init(&m);
    put_what(&m, a, &arena);
    m.dry_run = a->dry_run;
    proto_pack(&m.base, out);
    arena_fini(&arena);
}

/* In. A document of a newer program is refused whole when it says what is not understood here. The
 * body is packed again from the value that was checked: what is journalled is exactly what was
 * understood. */

static void pack_body(struct wire_apply *a, struct arena *arena)
{
    struct buf body = {0};
    if (a->kind == WIRE_APPLY_CATALOGUE)
        wire_pack_catalogue(&a->catalogue, &body);
    else if (a->kind == WIRE_APPLY_PLAN)
        wire_pack_plan(&a->plan, &body);
    else if (a->kind == WIRE_APPLY_PRODUCER)
        wire_pack_producer_change(&a->producer, &body);
    uint8_t *kept = arena_alloc(arena, body.len);
    if (body.len > 0)
        memcpy(kept, body.data, body.len);
    a->body = slice_of(kept, body.len);
    buf_fini(&body);
}

static void take_what(struct proto_check *c, const Tonghop__V1__Apply *m, struct arena *arena,
                      struct wire_apply *out)
{
    switch (m->what_case) {
    case TONGHOP__V1__APPLY__WHAT_CATALOGUE:
        out->kind = WIRE_APPLY_CATALOGUE;
        registry_take_catalogue(c, m->catalogue, arena, &out->catalogue);
        return;
    case TONGHOP__V1__APPLY__WHAT_PLAN:
        out->kind = WIRE_APPLY_PLAN;
        registry_take_plan(c, m->plan, arena, &out->plan);
        return;
    case TONGHOP__V1__APPLY__WHAT_PRODUCER:
        out->kind = WIRE_APPLY_PRODUCER;
        registry_take_change(c, m->producer, &out->producer);
        return;
    case TONGHOP__V1__APPLY__WHAT_REPLAY_TICK:
        out->kind = WIRE_APPLY_REPLAY_TICK;
        out->time_ms = m->replay_tick->time_ms;
        return;
    case TONGHOP__V1__APPLY__WHAT_CLOCK_ACCEPT:
        out->kind = WIRE_APPLY_CLOCK_ACCEPT;
        out->time_ms = m->clock_accept->time_ms;
        return;
    default:
        proto_fail(c, ERR_INVALID, "what",
                   "nothing to apply: none of catalogue, plan, producer, replay_tick, "
                   "clock_accept is set");
    }
}

int wire_unpack_apply(struct slice s, struct arena *arena, struct wire_apply *out, struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__apply__descriptor;
    struct proto_check c = proto_check_of(type, err);
    const Tonghop__V1__Apply *m = proto_unpack(&c, s, type, &proto_limit_large, arena);
    if (m == NULL)
        return c.code;
    proto_known(&c, s, type);
    memset(out, 0, sizeof *out);
    out->dry_run = m->dry_run;
    take_what(&c, m, arena, out);
    if (c.code == 0)
        pack_body(out, arena);
    return c.code;
}

/* The answer. */

void wire_pack_apply_answer(const struct wire_apply_answer *a, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 0);
    Tonghop__V1__ApplyAnswer m;
    tonghop__v1__apply_answer__init(&m);
    m.code = a->code;
    m.message = proto_sentence(&arena, a->message);
    m.offset = a->offset;
    proto_pack(&m.base, out);
    arena_fini(&arena);
}

int wire_unpack_apply_answer(struct slice s, struct arena *arena, struct wire_apply_answer *out,
                             struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__apply_answer__descriptor;
    struct proto_check c = proto_check_of(type, err);
    const Tonghop__V1__ApplyAnswer *m = proto_unpack(&c, s, type, &proto_limit_small, arena);
    if (m == NULL)
        return c.code;
    *out = (struct wire_apply_answer){
        .code = proto_code(&c, m->code), .message = m->message, .offset = m->offset};
    return c.code;
}
