/* What every message needs on its way in and out, and protobuf-c does not give: bounded memory,
 * text that is text, fields in range. Only for common/wire.
 *
 * A check is sticky: the first fault fills *err and sets `code`, later calls do nothing but return
 * something harmless; ask once at the end. */
#ifndef TONGHOP_WIRE_PROTO_H
#define TONGHOP_WIRE_PROTO_H

#include <protobuf-c/protobuf-c.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/model/day.h"
#include "common/model/ident.h"

struct proto_check {
    struct err *err;     /* may be NULL */
    int code;            /* 0, ERR_INVALID, ERR_LIMIT or ERR_VERSION */
    const char *message; /* name of the message, for sentences */
    const char *list;    /* repeated field under way, or NULL */
    size_t index;
};

/* What one message may cost. The memory is what decoding may take from the arena: a hostile message
 * of many empty parts grows a hundredfold. */
struct proto_limit {
    size_t bytes_max;
    size_t memory_max;
};
extern const struct proto_limit proto_limit_small; /* requests and answers of a few fields */
extern const struct proto_limit
    proto_limit_large; /* those with lists: catalogues, queries, cells */

struct proto_check proto_check_of(const ProtobufCMessageDescriptor *type, struct err *err);
/* Bounds, scans and decodes; every string in it is UTF-8 without control characters. The message
 * lives in the arena. NULL when the check has failed. */
void *proto_unpack(struct proto_check *c, struct slice s, const ProtobufCMessageDescriptor *type,
                   const struct proto_limit *limit, struct arena *arena);
/* The same without a look at the strings, which protobuf-c ends at their first NUL. */
void *proto_unpack_raw(struct proto_check *c, struct slice s,
                       const ProtobufCMessageDescriptor *type, const struct proto_limit *limit,
                       struct arena *arena);

/* Nothing in it, however deep, that this program does not know: else ERR_VERSION, by field. */
void proto_known(struct proto_check *c, struct slice s, const ProtobufCMessageDescriptor *type);

/* Sentences from here on speak of list[index], until the next call; NULL for the message itself. */
void proto_at(struct proto_check *c, const char *list, size_t index);
void proto_fail(struct proto_check *c, int code, const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void proto_ident(struct proto_check *c, const char *field, const char *text, struct ident *out);
void proto_ident_or_empty(struct proto_check *c, const char *field, const char *text,
                          struct ident *out);
uint32_t proto_up_to(struct proto_check *c, const char *field, uint32_t value, uint32_t max);
uint32_t proto_count(struct proto_check *c, const char *field, size_t count, uint32_t max);
day_t proto_day(struct proto_check *c, const char *field, int32_t day);
day_t proto_day_or_never(struct proto_check *c, const char *field, int32_t day);
void proto_bytes(struct proto_check *c, const char *field, ProtobufCBinaryData bytes, void *out,
                 size_t len);
int proto_code(struct proto_check *c, int32_t code); /* 0 or negative */
bool proto_present(struct proto_check *c, const char *field, const void *message);

/* One field of a message as it stands on the wire. */
struct proto_field {
    uint32_t number;
    uint8_t wire_type;  /* ProtobufCWireType */
    struct slice bytes; /* of a length-delimited one */
};
/* False at the end and when malformed (r->bad). */
bool proto_field_next(struct reader *r, struct proto_field *out);

/* Going out. */
void proto_pack(const ProtobufCMessage *m, struct buf *out); /* appends */
/* protobuf-c's structs are not const, though packing changes nothing; NULL becomes "". */
char *proto_string(const char *text);
/* A sentence made from who knows what: what would be refused on arrival becomes '?'. */
char *proto_sentence(struct arena *arena, const char *text);
ProtobufCBinaryData proto_binary(const void *bytes, size_t len);
/* The array of pointers to `count` items of `each` bytes that a repeated field wants. */
void *proto_pointers(struct arena *arena, void *items, size_t count, size_t each);

#endif
