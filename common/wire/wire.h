/* Between protobuf and our values, in both directions; the only includer of generated code. Every
 * unpack bounds sizes first, then decodes, then checks shape (UTF-8, dictionary references, array
 * lengths, enum ranges): what comes out is safe to use; whether it makes sense is for others.
 * Unpacked values live in the arena. */
#ifndef TONGHOP_WIRE_WIRE_H
#define TONGHOP_WIRE_WIRE_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/model/catalogue.h"
#include "common/model/codec.h"
#include "common/model/observation.h"
#include "common/model/plan.h"
#include "common/model/producer.h"
#include "common/model/refusal.h"

enum wire_kind {
    WIRE_SUBMIT = 1,
    WIRE_SPOOL_STATE = 2,
    WIRE_FETCH = 3,
    WIRE_APPLY = 4,
    WIRE_QUERY = 16,
    WIRE_TRACE = 17,
    WIRE_UNITS = 18,
    WIRE_SNAPSHOT = 19,
    WIRE_FRAMES = 20,
    WIRE_ALERTS = 24,
    WIRE_HEALTH = 32,
    WIRE_COUNTERS = 33,
    WIRE_FAILURE = 127,
    WIRE_ANSWER = 128, /* added to a kind in its answer */
};

enum { WIRE_VERSION = 1, WIRE_HEAD_BYTES = 28, WIRE_MESSAGE_BYTES_MAX = 16 << 20 };

struct wire_head {
    uint8_t version;
    uint8_t kind;
    uint64_t id;
    struct spool_id spool;
};

void wire_head_encode(const struct wire_head *h, uint8_t out[WIRE_HEAD_BYTES]);
int wire_head_decode(struct slice frame, struct wire_head *out, struct err *err);

void wire_pack_batch(const struct batch *b, struct buf *out);
/* ERR_INVALID (malformed; a field unknown here as well, since payloads are kept as they came) or
 * ERR_LIMIT (too large); the sentence says what. Words of the dictionaries may be any bytes. */
int wire_unpack_batch(struct slice payload, struct arena *arena, struct batch *out,
                      struct err *err);

struct wire_submit_answer {
    uint32_t refusal;
    uint64_t offset;
    int64_t collector_time_ms;
    uint32_t accepted_rows;
    uint32_t refused_count;
    const uint32_t *refused_rows;
    const uint32_t *refused_codes;
    uint64_t expected_number;
};
void wire_pack_submit_answer(const struct wire_submit_answer *a, struct buf *out);
int wire_unpack_submit_answer(struct slice s, struct arena *arena, struct wire_submit_answer *out,
                              struct err *err);

/* Registry documents: as stored in the journal's bodies and sent in Apply. */
void wire_pack_catalogue(const struct catalogue_spec *c, struct buf *out);
int wire_unpack_catalogue(struct slice s, struct arena *arena, struct catalogue_spec *out,
                          struct err *err);
void wire_pack_plan(const struct plan *p, struct buf *out);
int wire_unpack_plan(struct slice s, struct arena *arena, struct plan *out, struct err *err);
void wire_pack_producer_change(const struct producer_change *c, struct buf *out);
int wire_unpack_producer_change(struct slice s, struct arena *arena, struct producer_change *out,
                                struct err *err);
/* The four above, for the cores. */
extern const struct codec wire_codec;

enum wire_apply_kind {
    WIRE_APPLY_CATALOGUE,
    WIRE_APPLY_PLAN,
    WIRE_APPLY_PRODUCER,
    WIRE_APPLY_REPLAY_TICK,
    WIRE_APPLY_CLOCK_ACCEPT,
};
struct wire_apply {
    enum wire_apply_kind kind;
    bool dry_run;
    int64_t time_ms;   /* REPLAY_TICK, CLOCK_ACCEPT */
    struct slice body; /* the packed document alone, as the journal will hold it; in the arena */
    union {
        struct catalogue_spec catalogue;
        struct plan plan;
        struct producer_change producer;
    };
};
void wire_pack_apply(const struct wire_apply *a, struct buf *out); /* from the union, not body */
/* ERR_VERSION: it says something, however deep inside, that is not understood here; journalled
 * without it, it would mean something else than its sender meant. */
int wire_unpack_apply(struct slice s, struct arena *arena, struct wire_apply *out, struct err *err);
struct wire_apply_answer {
    int code;
    const char *message;
    uint64_t offset;
};
void wire_pack_apply_answer(const struct wire_apply_answer *a, struct buf *out);
int wire_unpack_apply_answer(struct slice s, struct arena *arena, struct wire_apply_answer *out,
                             struct err *err);

void wire_pack_spool_state(uint64_t last_number, struct buf *out);
int wire_unpack_spool_state(struct slice s, uint64_t *last_number, struct err *err);
void wire_pack_failure(int code, const char *message, struct buf *out);
/* Fills *err with the peer's code and sentence; returns 0 when it could be read. */
int wire_unpack_failure(struct slice s, struct err *out, struct err *err);

struct wire_fetch {
    uint64_t from_offset;
    uint32_t bytes_max;
    uint32_t wait_ms;
    uint8_t previous_hash[HASH_BYTES];
};
void wire_pack_fetch(const struct wire_fetch *f, struct buf *out);
int wire_unpack_fetch(struct slice s, struct wire_fetch *out, struct err *err);
struct wire_commits {
    uint64_t first_offset;
    uint32_t commit_count;
    uint64_t head_offset;
    int64_t head_time_ms;
};
void wire_pack_commits(const struct wire_commits *c, struct buf *out);
int wire_unpack_commits(struct slice s, struct wire_commits *out, struct err *err);

struct wire_health {
    const char *service;
    const char *version;
    bool ready;
    const char *state;
    const char *detail;
    uint64_t offset;
    uint64_t head_offset;
    int64_t time_ms;
    int64_t clock_ms;
    uint8_t head_hash[HASH_BYTES];
    uint64_t commit_number;
    bool replay;
};
void wire_pack_health(const struct wire_health *h, struct buf *out);
int wire_unpack_health(struct slice s, struct arena *arena, struct wire_health *out,
                       struct err *err);
void wire_pack_counters(const char *text, struct buf *out);
int wire_unpack_counters(struct slice s, struct arena *arena, const char **text, struct err *err);

#endif
