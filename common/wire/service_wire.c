/* The small messages between services: where a spool stands, failures, the pull of the journal,
 * health and counters. */
#include "admin.pb-c.h"
#include "common/wire/proto.h"
#include "common/wire/wire.h"
#include "journal.pb-c.h"
#include "submit.pb-c.h"

void wire_pack_spool_state(uint64_t last_number, struct buf *out)
{
    Tonghop__V1__SpoolState m;
    tonghop__v1__spool_state__init(&m);
    m.last_number = last_number;
    proto_pack(&m.base, out);
}

int wire_unpack_spool_state(struct slice s, uint64_t *last_number, struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__spool_state__descriptor;
    struct proto_check c = proto_check_of(type, err);
    struct arena arena;
    arena_init(&arena, 0);
    const Tonghop__V1__SpoolState *m = proto_unpack(&c, s, type, &proto_limit_small, &arena);
    if (m != NULL)
        *last_number = m->last_number;
    arena_fini(&arena);
    return c.code;
}

void wire_pack_failure(int code, const char *message, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 0);
    Tonghop__V1__Failure m;
    tonghop__v1__failure__init(&m);
    m.code = code;
    m.message = proto_sentence(&arena, message);
    proto_pack(&m.base, out);
    arena_fini(&arena);
}

int wire_unpack_failure(struct slice s, struct err *out, struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__failure__descriptor;
    struct proto_check c = proto_check_of(type, err);
    struct arena arena;
    arena_init(&arena, 0);
    const Tonghop__V1__Failure *m = proto_unpack(&c, s, type, &proto_limit_small, &arena);
    if (m != NULL && proto_code(&c, m->code) == 0)
        proto_fail(&c, ERR_INVALID, "code", "0: a failure says what failed");
    if (c.code == 0)
        err_set(out, m->code, "%s", m->message);
    arena_fini(&arena);
    return c.code;
}

void wire_pack_fetch(const struct wire_fetch *f, struct buf *out)
{
    Tonghop__V1__Fetch m;
    tonghop__v1__fetch__init(&m);
    m.from_offset = f->from_offset;
    m.bytes_max = f->bytes_max;
    m.wait_ms = f->wait_ms;
    m.previous_hash = proto_binary(f->previous_hash, HASH_BYTES);
    proto_pack(&m.base, out);
}

int wire_unpack_fetch(struct slice s, struct wire_fetch *out, struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__fetch__descriptor;
    struct proto_check c = proto_check_of(type, err);
    struct arena arena;
    arena_init(&arena, 0);
    const Tonghop__V1__Fetch *m = proto_unpack(&c, s, type, &proto_limit_small, &arena);
    if (m != NULL) {
        out->from_offset = m->from_offset;
        out->bytes_max = m->bytes_max;
        out->wait_ms = m->wait_ms;
        proto_bytes(&c, "previous_hash", m->previous_hash, out->previous_hash, HASH_BYTES);
    }
    arena_fini(&arena);
    return c.code;
}

void wire_pack_commits(const struct wire_commits *commits, struct buf *out)
{
    Tonghop__V1__Commits m;
    tonghop__v1__commits__init(&m);
    m.first_offset = commits->first_offset;
    m.commit_count = commits->commit_count;
    m.head_offset = commits->head_offset;
    m.head_time_ms = commits->head_time_ms;
    proto_pack(&m.base, out);
}

int wire_unpack_commits(struct slice s, struct wire_commits *out, struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__commits__descriptor;
    struct proto_check c = proto_check_of(type, err);
    struct arena arena;
    arena_init(&arena, 0);
    const Tonghop__V1__Commits *m = proto_unpack(&c, s, type, &proto_limit_small, &arena);
    if (m != NULL)
        *out = (struct wire_commits){
            .first_offset = m->first_offset,
            .commit_count = m->commit_count,
            .head_offset = m->head_offset,
            .head_time_ms = m->head_time_ms,
        };
    arena_fini(&arena);
    return c.code;
}

void wire_pack_health(const struct wire_health *h, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 0);
    Tonghop__V1__Health m;
    tonghop__v1__health__init(&m);
    m.service = proto_string(h->service);
    m.version = proto_string(h->version);
    m.ready = h->ready;
    m.state = proto_string(h->state);
    m.detail = proto_sentence(&arena, h->detail);
    m.offset = h->offset;
    m.head_offset = h->head_offset;
    m.time_ms = h->time_ms;
    m.clock_ms = h->clock_ms;
    m.head_hash = proto_binary(h->head_hash, HASH_BYTES);
    m.commit_number = h->commit_number;
    m.replay = h->replay;
    proto_pack(&m.base, out);
    arena_fini(&arena);
}

int wire_unpack_health(struct slice s, struct arena *arena, struct wire_health *out,
                       struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__health__descriptor;
    struct proto_check c = proto_check_of(type, err);
    const Tonghop__V1__Health *m = proto_unpack(&c, s, type, &proto_limit_small, arena);
    if (m == NULL)
        return c.code;
    *out = (struct wire_health){
        .service = m->service,
        .version = m->version,
        .ready = m->ready,
        .state = m->state,
        .detail = m->detail,
        .offset = m->offset,
        .head_offset = m->head_offset,
        .time_ms = m->time_ms,
        .clock_ms = m->clock_ms,
        .commit_number = m->commit_number,
        .replay = m->replay,
    };
    proto_bytes(&c, "head_hash", m->head_hash, out->head_hash, HASH_BYTES);
    return c.code;
}

void wire_pack_counters(const char *text, struct buf *out)
{
    Tonghop__V1__Counters m;
    tonghop__v1__counters__init(&m);
    m.text = proto_string(text);
    proto_pack(&m.base, out);
}

int wire_unpack_counters(struct slice s, struct arena *arena, const char **text, struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__counters__descriptor;
    struct proto_check c = proto_check_of(type, err);
    const Tonghop__V1__Counters *m = proto_unpack(&c, s, type, &proto_limit_large, arena);
    if (m != NULL)
        *text = m->text;
    return c.code;
}
