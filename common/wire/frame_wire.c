#include "common/wire/frame_wire.h"

#include "common/wire/proto.h"
#include "frame.pb-c.h"

static const struct proto_limit frame_limit = {WIRE_FRAME_BYTES_MAX, 1 << 30};

/* The conversation. */

void wire_pack_frames_request(const struct wire_frames_request *r, struct buf *out)
{
    Tonghop__V1__FramesRequest m;
    tonghop__v1__frames_request__init(&m);
    m.after_offset = r->after_offset;
    m.bytes_max = r->bytes_max;
    m.wait_ms = r->wait_ms;
    proto_pack(&m.base, out);
}

int wire_unpack_frames_request(struct slice s, struct wire_frames_request *out, struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__frames_request__descriptor;
    struct proto_check c = proto_check_of(type, err);
    struct arena arena;
    arena_init(&arena, 0);
    const Tonghop__V1__FramesRequest *m = proto_unpack(&c, s, type, &proto_limit_small, &arena);
    if (m != NULL)
        *out = (struct wire_frames_request){m->after_offset, m->bytes_max, m->wait_ms};
    arena_fini(&arena);
    return c.code;
}

void wire_pack_frames(const struct wire_frames *f, struct buf *out)
{
    Tonghop__V1__Frames m;
    tonghop__v1__frames__init(&m);
    m.frame_count = f->frame_count;
    m.head_offset = f->head_offset;
    m.head_time_ms = f->head_time_ms;
    proto_pack(&m.base, out);
}

int wire_unpack_frames(struct slice s, struct wire_frames *out, struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__frames__descriptor;
    struct proto_check c = proto_check_of(type, err);
    struct arena arena;
    arena_init(&arena, 0);
    const Tonghop__V1__Frames *m = proto_unpack(&c, s, type, &proto_limit_small, &arena);
    if (m != NULL)
        *out = (struct wire_frames){m->frame_count, m->head_offset, m->head_time_ms};
    arena_fini(&arena);
    return c.code;
}

/* Frames. */

static Tonghop__V1__FrameEntry **make_entries(const struct wire_frame *f, struct arena *arena)
{
    Tonghop__V1__FrameEntry *entries = arena_alloc(arena, f->entry_count * sizeof *entries);
    for (uint32_t i = 0; i < f->entry_count; i++) {
        tonghop__v1__frame_entry__init(&entries[i]);
        entries[i].kind = f->entries[i].kind;
        entries[i].offset = f->entries[i].offset;
        entries[i].body = proto_binary(f->entries[i].body.data, f->entries[i].body.len);
    }
    return proto_pointers(arena, entries, f->entry_count, sizeof *entries);
}

static Tonghop__V1__FrameCell **make_cells(const struct wire_frame *f, struct arena *arena)
{
    Tonghop__V1__FrameCell *cells = arena_alloc(arena, f->cell_count * sizeof *cells);
    for (uint32_t i = 0; i < f->cell_count; i++) {
        const struct wire_frame_cell *from = &f->cells[i];
        tonghop__v1__frame_cell__init(&cells[i]);
        cells[i].indicator = proto_string(from->indicator);
        cells[i].unit = proto_string(from->unit);
        cells[i].day = from->day;
        cells[i].amount = from->amount;
        cells[i].figures = from->figures;
        cells[i].reported = from->reported;
        cells[i].on_time = from->on_time;
    }
    return proto_pointers(arena, cells, f->cell_count, sizeof *cells);
}

int wire_pack_frame(const struct wire_frame *f, struct buf *out, struct err *err)
{
    struct arena arena;
    Tonghop__V1__Frame m;
    int rc = 0;
    arena_init(&arena, 0);
    tonghop__v1__frame__init(&m);
    m.offset = f->offset;
    m.previous_offset = f->previous_offset;
    m.time_ms = f->time_ms;
    m.everything = f->everything;
    m.n_entries = f->entry_count;
    m.entries = make_entries(f, &arena);
    m.n_cells = f->cell_count;
    m.cells = make_cells(f, &arena);
    size_t bytes = tonghop__v1__frame__get_packed_size(&m);
    if (bytes > WIRE_FRAME_BYTES_MAX) {
        rc = err_set(err, ERR_LIMIT,
                     "the frame of tick %llu has %zu bytes, and %d are the most: give the plans "
                     "fewer or coarser targets",
                     (unsigned long long)f->offset, bytes, WIRE_FRAME_BYTES_MAX);
    } else {
        buf_u32(out, (uint32_t)bytes);
        proto_pack(&m.base, out);
    }
    arena_fini(&arena);
    return rc;
}

static void take_entries(struct proto_check *c, const Tonghop__V1__Frame *m, struct arena *arena,
                         struct wire_frame *out)
{
    out->entry_count = proto_count(c, "entries", m->n_entries, WIRE_FRAME_ENTRIES_MAX);
    out->entries = arena_alloc(arena, out->entry_count * sizeof *out->entries);
    for (uint32_t i = 0; i < out->entry_count && c->code == 0; i++) {
        const Tonghop__V1__FrameEntry *from = m->entries[i];
        proto_at(c, "entries", i);
        if (from->kind < ENTRY_CATALOGUE || from->kind > ENTRY_PRODUCER)
            proto_fail(c, ERR_INVALID, "kind", "%u is no catalogue, plan or producer", from->kind);
        out->entries[i] = (struct wire_frame_entry){(enum entry_kind)from->kind, from->offset,
                                                    slice_of(from->body.data, from->body.len)};
    }
    proto_at(c, NULL, 0);
}

static void take_cell(struct proto_check *c, const Tonghop__V1__FrameCell *m,
                      struct wire_frame_cell *out)
{
    struct ident checked;
    proto_ident(c, "indicator", m->indicator, &checked);
    proto_ident(c, "unit", m->unit, &checked);
    *out = (struct wire_frame_cell){.indicator = m->indicator,
                                    .unit = m->unit,
                                    .day = proto_day(c, "day", m->day),
                                    .amount = m->amount,
                                    .figures = m->figures,
                                    .reported = m->reported,
                                    .on_time = m->on_time};
}

static void take_cells(struct proto_check *c, const Tonghop__V1__Frame *m, struct arena *arena,
                       struct wire_frame *out)
{
    out->cell_count = proto_count(c, "cells", m->n_cells, WIRE_FRAME_CELLS_MAX);
    out->cells = arena_alloc(arena, out->cell_count * sizeof *out->cells);
    for (uint32_t i = 0; i < out->cell_count && c->code == 0; i++) {
        proto_at(c, "cells", i);
        take_cell(c, m->cells[i], &out->cells[i]);
    }
    proto_at(c, NULL, 0);
}

static int unpack_frame(struct slice s, struct arena *arena, struct wire_frame *out,
                        struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__frame__descriptor;
    struct proto_check c = proto_check_of(type, err);
    const Tonghop__V1__Frame *m = proto_unpack(&c, s, type, &frame_limit, arena);
    if (m == NULL)
        return c.code;
    *out = (struct wire_frame){.offset = m->offset,
                               .previous_offset = m->previous_offset,
                               .time_ms = m->time_ms,
                               .everything = m->everything};
    if (m->previous_offset >= m->offset)
        proto_fail(&c, ERR_INVALID, "previous_offset", "%llu is not below %llu, its own offset",
                   (unsigned long long)m->previous_offset, (unsigned long long)m->offset);
    take_entries(&c, m, arena, out);
    take_cells(&c, m, arena, out);
    return c.code;
}

int wire_unpack_frame(struct slice *rest, struct arena *arena, struct wire_frame *out,
                      struct err *err)
{
    struct reader r = reader_of(*rest);
    struct slice frame = reader_bytes(&r, reader_u32(&r));
    if (r.bad)
        return err_set(err, ERR_INVALID,
                       "frames: a length that does not fit into the %zu bytes "
                       "left",
                       rest->len);
    int rc = unpack_frame(frame, arena, out, err);
    if (rc == 0)
        *rest = slice_of(r.at, (size_t)(r.end - r.at));
    return rc;
}
