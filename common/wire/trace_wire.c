#include "common/wire/proto.h"
#include "common/wire/query_wire.h"
#include "query.pb-c.h"

void wire_pack_trace(const struct wire_trace *t, struct buf *out)
{
    Tonghop__V1__TraceRequest m;
    tonghop__v1__trace_request__init(&m);
    m.unit = proto_string(t->unit.text);
    m.indicator = proto_string(t->indicator.text);
    m.day = t->day;
    m.source = proto_string(t->source.text);
    m.not_before = t->not_before;
    m.wait_ms = t->wait_ms;
    m.versions_max = t->versions_max;
    m.before_offset = t->before_offset;
    m.before_row = t->before_row;
    proto_pack(&m.base, out);
}

static void take_trace(struct proto_check *c, const Tonghop__V1__TraceRequest *m,
                       struct wire_trace *out)
{
    proto_ident(c, "unit", m->unit, &out->unit);
    proto_ident(c, "indicator", m->indicator, &out->indicator);
    proto_ident_or_empty(c, "source", m->source, &out->source);
    out->day = proto_day(c, "day", m->day);
    out->not_before = m->not_before;
    out->wait_ms = m->wait_ms;
    out->versions_max = m->versions_max;
    out->before_offset = m->before_offset;
    out->before_row = m->before_row;
}

int wire_unpack_trace(struct slice s, struct wire_trace *out, struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__trace_request__descriptor;
    struct proto_check c = proto_check_of(type, err);
    struct arena arena;
    arena_init(&arena, 0);
    const Tonghop__V1__TraceRequest *m = proto_unpack(&c, s, type, &proto_limit_small, &arena);
    if (m != NULL)
        take_trace(&c, m, out);
    arena_fini(&arena);
    return c.code;
}

/* The reply. */

static void make_version(const struct wire_version *v, Tonghop__V1__Version *m)
{
    tonghop__v1__version__init(m);
    m->source = proto_string(v->source.text);
    m->op = v->op;
    m->value = v->value;
    m->holds = v->holds;
    m->superseded = v->superseded;
    m->reported_at_ms = v->reported_at_ms;
    m->received_at_ms = v->received_at_ms;
    m->producer = proto_string(v->producer.text);
    m->delegate = proto_string(v->delegate.text);
    m->spool = proto_binary(v->spool.bytes, SPOOL_ID_BYTES);
    m->number = v->number;
    m->row = v->row;
    m->offset = v->offset;
    m->commit = v->commit;
}

void wire_pack_trace_reply(const struct wire_trace_reply *r, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 0);
    Tonghop__V1__TraceReply m;
    tonghop__v1__trace_reply__init(&m);
    m.code = r->code;
    m.message = proto_sentence(&arena, r->message);
    m.offset = r->offset;
    m.more = r->more;
    Tonghop__V1__Version *versions = arena_alloc(&arena, r->version_count * sizeof *versions);
    for (uint32_t i = 0; i < r->version_count; i++)
        make_version(&r->versions[i], &versions[i]);
    m.n_versions = r->version_count;
    m.versions = proto_pointers(&arena, versions, r->version_count, sizeof *versions);
    proto_pack(&m.base, out);
    arena_fini(&arena);
}

static void take_version(struct proto_check *c, const Tonghop__V1__Version *m,
                         struct wire_version *out)
{
    proto_ident(c, "source", m->source, &out->source);
    out->op = (enum op)proto_up_to(c, "op", m->op, OP_COUNT - 1);
    out->value = m->value;
    out->holds = m->holds;
    out->superseded = m->superseded;
    out->reported_at_ms = m->reported_at_ms;
    out->received_at_ms = m->received_at_ms;
    proto_ident(c, "producer", m->producer, &out->producer);
    proto_ident_or_empty(c, "delegate", m->delegate, &out->delegate);
    proto_bytes(c, "spool", m->spool, out->spool.bytes, SPOOL_ID_BYTES);
    out->number = m->number;
    out->row = m->row;
    out->offset = m->offset;
    out->commit = m->commit;
}

int wire_unpack_trace_reply(struct slice s, struct arena *arena, struct wire_trace_reply *out,
                            struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__trace_reply__descriptor;
    struct proto_check c = proto_check_of(type, err);
    const Tonghop__V1__TraceReply *m = proto_unpack(&c, s, type, &proto_limit_large, arena);
    if (m == NULL)
        return c.code;
    *out = (struct wire_trace_reply){
        .code = proto_code(&c, m->code),
        .message = m->message,
        .offset = m->offset,
        .version_count = proto_count(&c, "versions", m->n_versions, WIRE_TRACE_VERSIONS_MAX),
        .more = m->more,
    };
    out->versions = arena_alloc(arena, out->version_count * sizeof *out->versions);
    for (uint32_t i = 0; i < out->version_count && c.code == 0; i++) {
        proto_at(&c, "versions", i);
        take_version(&c, m->versions[i], &out->versions[i]);
    }
    return c.code;
}
