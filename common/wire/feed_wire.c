#include "common/wire/proto.h"
#include "common/wire/query_wire.h"
#include "feed.pb-c.h"

#include <stdio.h>

/* Streams. */

char *wire_subtree_format(const struct wire_stream *s, char out[WIRE_SUBTREE_BYTES])
{
    snprintf(out, WIRE_SUBTREE_BYTES, "%s%s", s->root ? "@" : "", s->subtree.text);
    return out;
}

bool wire_subtree_parse(struct slice text, struct wire_stream *out)
{
    const char *bytes = text.data;
    out->root = text.len > 0 && bytes[0] == '@';
    return ident_set(&out->subtree, out->root ? slice_of(bytes + 1, text.len - 1) : text);
}

static void make_stream(const struct wire_stream *s, struct arena *arena, Tonghop__V1__Stream *m)
{
    tonghop__v1__stream__init(m);
    m->indicator = proto_string(s->indicator.text);
    m->subtree = wire_subtree_format(s, arena_alloc(arena, WIRE_SUBTREE_BYTES));
}

static void take_stream(struct proto_check *c, const Tonghop__V1__Stream *m,
                        struct wire_stream *out)
{
    *out = (struct wire_stream){0};
    if (!proto_present(c, "stream", m))
        return;
    proto_ident(c, "stream.indicator", m->indicator, &out->indicator);
    if (c->code == 0 && !wire_subtree_parse(slice_str(m->subtree), out))
        proto_fail(c, ERR_INVALID, "stream.subtree",
                   "'%.64s' is not 1 to %d bytes of [0-9A-Za-z._-], a @ before them for a root",
                   m->subtree, IDENT_BYTES_MAX);
}

/* Cells. */

static Tonghop__V1__Cell **make_cells(const struct wire_cells *u, struct arena *arena)
{
    Tonghop__V1__Cell *cells = arena_alloc(arena, u->cell_count * sizeof *cells);
    for (uint32_t i = 0; i < u->cell_count; i++) {
        tonghop__v1__cell__init(&cells[i]);
        cells[i].unit = proto_string(u->cells[i].unit.text);
        cells[i].day = u->cells[i].day;
        cells[i].amount = u->cells[i].amount;
        cells[i].figures = u->cells[i].figures;
        cells[i].reported = u->cells[i].reported;
        cells[i].on_time = u->cells[i].on_time;
    }
    return proto_pointers(arena, cells, u->cell_count, sizeof *cells);
}

static void take_cells(struct proto_check *c, Tonghop__V1__Cell *const *cells, size_t count,
                       struct arena *arena, struct wire_cells *out)
{
    out->cell_count = proto_count(c, "cells", count, UINT32_MAX);
    out->cells = arena_alloc(arena, count * sizeof *out->cells);
    for (uint32_t i = 0; i < out->cell_count && c->code == 0; i++) {
        struct wire_cell *cell = &out->cells[i];
        proto_at(c, "cells", i);
        proto_ident(c, "unit", cells[i]->unit, &cell->unit);
        cell->day = proto_day(c, "day", cells[i]->day);
        cell->amount = cells[i]->amount;
        cell->figures = cells[i]->figures;
        cell->reported = cells[i]->reported;
        cell->on_time = cells[i]->on_time;
    }
}

void wire_pack_update(const struct wire_cells *u, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 0);
    Tonghop__V1__Stream stream;
    make_stream(&u->stream, &arena, &stream);
    Tonghop__V1__Update m;
    tonghop__v1__update__init(&m);
    m.epoch = u->epoch;
    m.number = u->number;
    m.offset = u->offset;
    m.time_ms = u->time_ms;
    m.stream = &stream;
    m.n_cells = u->cell_count;
    m.cells = make_cells(u, &arena);
    proto_pack(&m.base, out);
    arena_fini(&arena);
}

int wire_unpack_update(struct slice s, struct arena *arena, struct wire_cells *out, struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__update__descriptor;
    struct proto_check c = proto_check_of(type, err);
    const Tonghop__V1__Update *m = proto_unpack(&c, s, type, &proto_limit_large, arena);
    if (m == NULL)
        return c.code;
    *out = (struct wire_cells){
        .epoch = m->epoch,
        .number = m->number,
        .offset = m->offset,
        .time_ms = m->time_ms,
        .message = "",
    };
    take_stream(&c, m->stream, &out->stream);
    take_cells(&c, m->cells, m->n_cells, arena, out);
    return c.code;
}

/* Snapshots. */

void wire_pack_snapshot_request(const struct wire_stream *s, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 0);
    Tonghop__V1__Stream stream;
    make_stream(s, &arena, &stream);
    Tonghop__V1__SnapshotRequest m;
    tonghop__v1__snapshot_request__init(&m);
    m.stream = &stream;
    proto_pack(&m.base, out);
    arena_fini(&arena);
}

int wire_unpack_snapshot_request(struct slice s, struct wire_stream *out, struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__snapshot_request__descriptor;
    struct proto_check c = proto_check_of(type, err);
    struct arena arena;
    arena_init(&arena, 0);
    const Tonghop__V1__SnapshotRequest *m = proto_unpack(&c, s, type, &proto_limit_small, &arena);
    if (m != NULL)
        take_stream(&c, m->stream, out);
    arena_fini(&arena);
    return c.code;
}

void wire_pack_snapshot(const struct wire_cells *u, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 0);
    Tonghop__V1__Stream stream;
    make_stream(&u->stream, &arena, &stream);
    Tonghop__V1__Snapshot m;
    tonghop__v1__snapshot__init(&m);
    m.epoch = u->epoch;
    m.number = u->number;
    m.offset = u->offset;
    m.time_ms = u->time_ms;
    m.stream = &stream;
    m.n_cells = u->cell_count;
    m.cells = make_cells(u, &arena);
    m.code = u->code;
    m.message = proto_sentence(&arena, u->message);
    proto_pack(&m.base, out);
    arena_fini(&arena);
}

int wire_unpack_snapshot(struct slice s, struct arena *arena, struct wire_cells *out,
                         struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__snapshot__descriptor;
    struct proto_check c = proto_check_of(type, err);
    const Tonghop__V1__Snapshot *m = proto_unpack(&c, s, type, &proto_limit_large, arena);
    if (m == NULL)
        return c.code;
    *out = (struct wire_cells){
        .epoch = m->epoch,
        .number = m->number,
        .offset = m->offset,
        .time_ms = m->time_ms,
        .code = proto_code(&c, m->code),
        .message = m->message,
    };
    take_stream(&c, m->stream, &out->stream);
    take_cells(&c, m->cells, m->n_cells, arena, out);
    return c.code;
}

/* Heads. */

void wire_pack_heads(const struct wire_heads *h, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 0);
    Tonghop__V1__Stream *streams = arena_alloc(&arena, h->head_count * sizeof *streams);
    Tonghop__V1__StreamHead *heads = arena_alloc(&arena, h->head_count * sizeof *heads);
    for (uint32_t i = 0; i < h->head_count; i++) {
        make_stream(&h->heads[i].stream, &arena, &streams[i]);
        tonghop__v1__stream_head__init(&heads[i]);
        heads[i].stream = &streams[i];
        heads[i].number = h->heads[i].number;
    }
    Tonghop__V1__Heads m;
    tonghop__v1__heads__init(&m);
    m.epoch = h->epoch;
    m.offset = h->offset;
    m.time_ms = h->time_ms;
    m.n_heads = h->head_count;
    m.heads = proto_pointers(&arena, heads, h->head_count, sizeof *heads);
    proto_pack(&m.base, out);
    arena_fini(&arena);
}

int wire_unpack_heads(struct slice s, struct arena *arena, struct wire_heads *out, struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__heads__descriptor;
    struct proto_check c = proto_check_of(type, err);
    const Tonghop__V1__Heads *m = proto_unpack(&c, s, type, &proto_limit_large, arena);
    if (m == NULL)
        return c.code;
    *out = (struct wire_heads){
        .epoch = m->epoch,
        .offset = m->offset,
        .time_ms = m->time_ms,
        .head_count = proto_count(&c, "heads", m->n_heads, UINT32_MAX),
    };
    out->heads = arena_alloc(arena, out->head_count * sizeof *out->heads);
    for (uint32_t i = 0; i < out->head_count && c.code == 0; i++) {
        proto_at(&c, "heads", i);
        take_stream(&c, m->heads[i]->stream, &out->heads[i].stream);
        out->heads[i].number = m->heads[i]->number;
    }
    return c.code;
}
