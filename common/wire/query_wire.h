/* Query, trace, units and feed messages as values; see wire.h for the rules. */
#ifndef TONGHOP_WIRE_QUERY_WIRE_H
#define TONGHOP_WIRE_QUERY_WIRE_H

#include "common/wire/wire.h"

enum { WIRE_QUESTIONS_MAX = 65536 };

struct wire_question {
    struct ident unit;
    struct ident indicator;
    struct ident source; /* empty: the source of record */
    day_t first;
    day_t last;
};
struct wire_query {
    uint32_t question_count;
    struct wire_question *questions;
    uint64_t not_before;
    uint32_t wait_ms;
    bool has_as_known_on;
    day_t as_known_on;
};
void wire_pack_query(const struct wire_query *q, struct buf *out);
int wire_unpack_query(struct slice s, struct arena *arena, struct wire_query *out, struct err *err);

struct wire_answer {
    int code;
    const char *message; /* NULL or "" when code is 0 */
    bool has_value;
    int64_t value;
    int64_t numerator;
    int64_t denominator;
    uint32_t figures;
    uint32_t owed;
    uint32_t reported;
    uint32_t on_time;
    struct ident source;
};
struct wire_query_reply {
    uint64_t offset;
    int64_t time_ms;
    uint32_t answer_count;
    struct wire_answer *answers;
};
void wire_pack_query_reply(const struct wire_query_reply *r, struct buf *out);
int wire_unpack_query_reply(struct slice s, struct arena *arena, struct wire_query_reply *out,
                            struct err *err);

enum { WIRE_TRACE_VERSIONS_MAX = 65536, WIRE_TRACE_PAGE_MAX = 8192 };
struct wire_trace {
    struct ident unit;
    struct ident indicator;
    struct ident source; /* empty: all */
    day_t day;
    uint64_t not_before;
    uint32_t wait_ms;
    uint32_t versions_max;  /* of a page; 0: all, up to WIRE_TRACE_VERSIONS_MAX */
    uint64_t before_offset; /* only versions before this row of this entry; 0: from the latest on */
    uint32_t before_row;
};
struct wire_version {
    struct ident source;
    enum op op;
    int64_t value;
    bool holds;
    bool superseded;
    int64_t reported_at_ms;
    int64_t received_at_ms;
    struct ident producer;
    struct ident delegate; /* empty: none */
    struct spool_id spool;
    uint64_t number;
    uint32_t row;
    uint64_t offset;
    uint64_t commit;
};
struct wire_trace_reply {
    int code;
    const char *message;
    uint64_t offset;
    uint32_t version_count;
    struct wire_version *versions;
    bool more; /* there are earlier ones */
};
void wire_pack_trace(const struct wire_trace *t, struct buf *out);
int wire_unpack_trace(struct slice s, struct wire_trace *out, struct err *err);
void wire_pack_trace_reply(const struct wire_trace_reply *r, struct buf *out);
int wire_unpack_trace_reply(struct slice s, struct arena *arena, struct wire_trace_reply *out,
                            struct err *err);

struct wire_units {
    struct ident unit; /* empty: all the key may see */
    day_t day;
    uint32_t depth;
};
struct wire_unit_info {
    struct ident code;
    const char *name;
    const char *type;
    uint32_t level;
    struct ident parent; /* empty: a root, or outside what the key may see */
    day_t from;
    day_t to;
};
struct wire_indicator_info {
    struct ident id;
    const char *name;
    uint32_t kind;     /* enum indicator_kind */
    uint32_t period;   /* enum period_kind */
    uint32_t calendar; /* enum period_calendar */
    struct ident measure;
};
struct wire_units_reply {
    int code;
    const char *message;
    uint32_t unit_count;
    struct wire_unit_info *units;
    uint32_t indicator_count;
    struct wire_indicator_info *indicators;
};
void wire_pack_units(const struct wire_units *u, struct buf *out);
int wire_unpack_units(struct slice s, struct wire_units *out, struct err *err);
void wire_pack_units_reply(const struct wire_units_reply *r, struct buf *out);
int wire_unpack_units_reply(struct slice s, struct arena *arena, struct wire_units_reply *out,
                            struct err *err);

struct wire_stream {
    struct ident indicator;
    struct ident subtree; /* unit code */
    bool root;            /* that root's own cells; "@" stands before the code then */
};
enum { WIRE_SUBTREE_BYTES = IDENT_BYTES_MAX + 2 };
/* SUBTREE as in feed.proto, which is in topics too; `out` holds WIRE_SUBTREE_BYTES and is returned.
 */
char *wire_subtree_format(const struct wire_stream *s, char out[WIRE_SUBTREE_BYTES]);
bool wire_subtree_parse(struct slice text, struct wire_stream *out);
struct wire_cell {
    struct ident unit;
    day_t day;
    int64_t amount;
    int32_t figures;
    uint32_t reported;
    uint32_t on_time;
};
/* An update or a snapshot: the same shape. */
struct wire_cells {
    uint64_t epoch;
    uint64_t number;
    uint64_t offset;
    int64_t time_ms;
    struct wire_stream stream;
    uint32_t cell_count;
    struct wire_cell *cells;
    int code; /* snapshot only */
    const char *message;
};
void wire_pack_update(const struct wire_cells *u, struct buf *out);
int wire_unpack_update(struct slice s, struct arena *arena, struct wire_cells *out,
                       struct err *err);
void wire_pack_snapshot_request(const struct wire_stream *s, struct buf *out);
int wire_unpack_snapshot_request(struct slice s, struct wire_stream *out, struct err *err);
void wire_pack_snapshot(const struct wire_cells *u, struct buf *out);
int wire_unpack_snapshot(struct slice s, struct arena *arena, struct wire_cells *out,
                         struct err *err);

struct wire_stream_head {
    struct wire_stream stream;
    uint64_t number;
};
struct wire_heads {
    uint64_t epoch;
    uint64_t offset;
    int64_t time_ms;
    uint32_t head_count;
    struct wire_stream_head *heads;
};
void wire_pack_heads(const struct wire_heads *h, struct buf *out);
int wire_unpack_heads(struct slice s, struct arena *arena, struct wire_heads *out, struct err *err);

#endif
