#include "common/wire/proto.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/base/utf8.h"
#include "common/wire/wire.h"

const struct proto_limit proto_limit_small = {64 << 10, 1 << 20};
/* 65,536 spans of a catalogue decode into 20 MiB; the cells of a full 16 MiB snapshot into 200. */
const struct proto_limit proto_limit_large = {WIRE_MESSAGE_BYTES_MAX, 256 << 20};

/* Faults. */

struct proto_check proto_check_of(const ProtobufCMessageDescriptor *type, struct err *err)
{
    return (struct proto_check){.err = err, .message = type->short_name};
}

void proto_at(struct proto_check *c, const char *list, size_t index)
{
    c->list = list;
    c->index = index;
}

void proto_fail(struct proto_check *c, int code, const char *field, const char *format, ...)
{
    if (c->code != 0)
        return;
    char what[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    char item[80] = "";
    if (c->list != NULL)
        snprintf(item, sizeof item, "%s[%zu].", c->list, c->index);
    c->code = err_set(c->err, code, "%s.%s%s: %s", c->message, item, field, what);
}

static void fail_whole(struct proto_check *c, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void fail_whole(struct proto_check *c, int code, const char *format, ...)
{
    char what[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (c->code == 0)
        c->code = err_set(c->err, code, "%s: %s", c->message, what);
}

/* The wire, field by field. */

enum { FIELD_TYPE_BITS = 3 };

bool proto_field_next(struct reader *r, struct proto_field *out)
{
    if (r->bad || r->at == r->end)
        return false;
    uint64_t tag = reader_varint(r);
    out->number = (uint32_t)(tag >> FIELD_TYPE_BITS);
    out->wire_type = tag & 7;
    out->bytes = slice_of(NULL, 0);
    switch (out->wire_type) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        reader_varint(r);
        break;
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        reader_bytes(r, 8);
        break;
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        out->bytes = reader_block(r);
        break;
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        reader_bytes(r, 4);
        break;
    default:
        r->bad = true;
    }
    if (tag >> FIELD_TYPE_BITS > UINT32_MAX)
        r->bad = true;
    return !r->bad;
}

/* Here and below: our messages do not contain themselves, so their descriptors bound the depth. */
static void scan_text(struct proto_check *c, struct slice s, const ProtobufCMessageDescriptor *type)
{
    struct reader r = reader_of(s);
    struct proto_field field;
    while (c->code == 0 && proto_field_next(&r, &field)) {
        const ProtobufCFieldDescriptor *d =
            protobuf_c_message_descriptor_get_field(type, field.number);
        if (d == NULL || field.wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
            continue;
        if (d->type == PROTOBUF_C_TYPE_MESSAGE)
            scan_text(c, field.bytes, d->descriptor);
        else if (d->type == PROTOBUF_C_TYPE_STRING && !utf8_text(field.bytes))
            fail_whole(c, ERR_INVALID,
                       "%s of %s is not UTF-8 text without control characters; mend the program "
                       "that sent it",
                       d->name, type->short_name);
    }
    if (r.bad)
        fail_whole(c, ERR_INVALID, "%s is not protobuf; mend the program that sent it",
                   type->short_name);
}

void proto_known(struct proto_check *c, struct slice s, const ProtobufCMessageDescriptor *type)
{
    struct reader r = reader_of(s);
    struct proto_field field;
    while (c->code == 0 && proto_field_next(&r, &field)) {
        const ProtobufCFieldDescriptor *d =
            protobuf_c_message_descriptor_get_field(type, field.number);
        if (d == NULL)
            fail_whole(c, ERR_VERSION,
                       "this collector does not know field %" PRIu32 " of %s; upgrade it first",
                       field.number, type->short_name);
        else if (d->type == PROTOBUF_C_TYPE_MESSAGE &&
                 field.wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
            proto_known(c, field.bytes, d->descriptor);
    }
}

/* Decoding into an arena. */

struct purse {
    struct arena *arena;
    size_t left;
    bool spent;
};

static void *purse_alloc(void *data, size_t bytes)
{
    struct purse *purse = data;
    if (bytes > purse->left) {
        purse->spent = true;
        return NULL;
    }
    purse->left -= bytes;
    return arena_alloc(purse->arena, bytes);
}

static void purse_free(void *data, void *memory)
{
    (void)data;
    (void)memory; /* the arena gives it back */
}

void *proto_unpack_raw(struct proto_check *c, struct slice s,
                       const ProtobufCMessageDescriptor *type, const struct proto_limit *limit,
                       struct arena *arena)
{
    if (s.len > limit->bytes_max) {
        fail_whole(c, ERR_LIMIT, "%zu bytes, and the most is %zu; split it", s.len,
                   limit->bytes_max);
        return NULL;
    }
    struct purse purse = {.arena = arena, .left = limit->memory_max};
    ProtobufCAllocator allocator = {purse_alloc, purse_free, &purse};
    const void *bytes = s.len == 0 ? (const void *)"" : s.data;
    ProtobufCMessage *m = protobuf_c_message_unpack(type, &allocator, s.len, bytes);
    if (m == NULL && purse.spent)
        fail_whole(c, ERR_LIMIT, "%zu bytes hold more parts than are decoded here; split it",
                   s.len);
    else if (m == NULL)
        fail_whole(c, ERR_INVALID, "not protobuf; mend the program that sent it");
    return m;
}

void *proto_unpack(struct proto_check *c, struct slice s, const ProtobufCMessageDescriptor *type,
                   const struct proto_limit *limit, struct arena *arena)
{
    if (s.len <= limit->bytes_max)
        scan_text(c, s, type);
    return c->code != 0 ? NULL : proto_unpack_raw(c, s, type, limit, arena);
}

/* Fields. */

void proto_ident(struct proto_check *c, const char *field, const char *text, struct ident *out)
{
    if (c->code == 0 && !ident_set(out, slice_str(text)))
        proto_fail(c, ERR_INVALID, field, "'%.64s' is not 1 to %d bytes of [0-9A-Za-z._-]", text,
                   IDENT_BYTES_MAX);
}

void proto_ident_or_empty(struct proto_check *c, const char *field, const char *text,
                          struct ident *out)
{
    if (text[0] == '\0')
        *out = (struct ident){0};
    else
        proto_ident(c, field, text, out);
}

uint32_t proto_up_to(struct proto_check *c, const char *field, uint32_t value, uint32_t max)
{
    if (value <= max)
        return value;
    proto_fail(c, ERR_INVALID, field, "%" PRIu32 " is above %" PRIu32, value, max);
    return 0;
}

uint32_t proto_count(struct proto_check *c, const char *field, size_t count, uint32_t max)
{
    if (count <= max)
        return (uint32_t)count;
    proto_fail(c, ERR_LIMIT, field, "%zu of them, and the most is %" PRIu32 "; split it", count,
               max);
    return 0;
}

day_t proto_day(struct proto_check *c, const char *field, int32_t day)
{
    if (day >= DAY_FIRST && day <= DAY_LAST)
        return day;
    proto_fail(c, ERR_INVALID, field,
               "day %" PRId32 " (since 1970-01-01) is not from 1900-01-01 to 2199-12-31", day);
    return DAY_FIRST;
}

day_t proto_day_or_never(struct proto_check *c, const char *field, int32_t day)
{
    return day == DAY_NEVER ? DAY_NEVER : proto_day(c, field, day);
}

void proto_bytes(struct proto_check *c, const char *field, ProtobufCBinaryData bytes, void *out,
                 size_t len)
{
    if (bytes.len == len)
        memcpy(out, bytes.data, len);
    else
        proto_fail(c, ERR_INVALID, field, "%zu bytes instead of %zu", bytes.len, len);
}

int proto_code(struct proto_check *c, int32_t code)
{
    if (code > 0)
        proto_fail(c, ERR_INVALID, "code", "%" PRId32 " is no code: those are 0 and below", code);
    return code;
}

bool proto_present(struct proto_check *c, const char *field, const void *message)
{
    if (message == NULL)
        proto_fail(c, ERR_INVALID, field, "missing");
    return message != NULL;
}

/* Going out. */

void proto_pack(const ProtobufCMessage *m, struct buf *out)
{
    size_t bytes = protobuf_c_message_get_packed_size(m);
    if (bytes == 0)
        return;
    buf_reserve(out, bytes);
    out->len += protobuf_c_message_pack(m, out->data + out->len);
}

char *proto_string(const char *text)
{
    return (char *)(uintptr_t)(text == NULL ? protobuf_c_empty_string : text);
}

/* Bytes of the character at `at` if it may be sent, else 0. */
static size_t sendable(const char *at, size_t left)
{
    for (size_t bytes = 1; bytes <= 4 && bytes <= left; bytes++)
        if (utf8_text(slice_of(at, bytes)))
            return bytes;
    return 0;
}

char *proto_sentence(struct arena *arena, const char *text)
{
    if (text == NULL || utf8_text(slice_str(text)))
        return proto_string(text);
    size_t len = strlen(text);
    char *clean = arena_string(arena, text, len);
    for (size_t at = 0; at < len;) {
        size_t bytes = sendable(clean + at, len - at);
        if (bytes == 0)
            clean[at++] = '?';
        at += bytes;
    }
    return clean;
}

ProtobufCBinaryData proto_binary(const void *bytes, size_t len)
{
    return (ProtobufCBinaryData){.len = len, .data = (uint8_t *)(uintptr_t)bytes};
}

void *proto_pointers(struct arena *arena, void *items, size_t count, size_t each)
{
    void **pointers = arena_alloc(arena, count * sizeof *pointers);
    for (size_t i = 0; i < count; i++)
        pointers[i] = (char *)items + i * each;
    return pointers;
}
