/* Broken messages against the running services: each gets its answer and its counter, and neither
 * keeps the next good request, nor the next number of the spool, from going through. */
#include "tests/support/province.h"
#include "tests/support/random_world.h"
#include "tests/support/suite.h"

#include "common/base/alloc.h"
#include "common/net/net_internal.h"

#include <stdio.h>
#include <time.h>

enum { RANDOM_MESSAGES = 2000, RANDOM_BYTES_MAX = 400, ABOVE_MESSAGE_BYTES = 40 << 20 };

struct stage {
    struct cluster cluster;
    struct net_keypair keys; /* a producer's, of the whole province; it may also query */
    struct peer peer;        /* under them, to the collector */
    struct peer asker;       /* and to the aggregator */
    uint64_t accepted;       /* good batches so far, one to each figure */
    int64_t sum;
    struct arena arena;
};

static void stage_open(struct stage *s)
{
    cluster_open(&s->cluster, "broken");
    cluster_start(&s->cluster);
    province_apply(&s->cluster);
    uint64_t offset = cluster_add_producer(&s->cluster, "office", ROLE_SUBMIT | ROLE_SUBSCRIBE,
                                           province_code, &s->keys);
    province_sum(&s->cluster, province_code, "calls", offset);
    cluster_peer_collector(&s->cluster, &s->peer, &s->keys);
    cluster_peer_aggregator(&s->cluster, &s->asker, &s->keys);
    s->accepted = 0;
    s->sum = 0;
    arena_init(&s->arena, 0);
}

static void stage_close(struct stage *s)
{
    peer_close(&s->peer);
    peer_close(&s->asker);
    arena_fini(&s->arena);
    cluster_close(&s->cluster);
}

/* The next number goes through, and is counted. */
static void expect_alive(struct stage *s, const char *after)
{
    struct wire_submit_answer answer;
    struct err e = {0};
    int64_t amount = (int64_t)++s->accepted * 1000;
    struct batch b = province_batch(&s->arena, "11001", "calls", PROVINCE_DAY, OP_ADD, amount);
    int rc = peer_submit(&s->peer, &b, NULL, &answer, &e);
    ck_assert_msg(rc == 0 && answer.refusal == 0 && answer.accepted_rows == 1,
                  "after %s: number %llu: %s %s", after, (unsigned long long)s->peer.next_number,
                  e.text, refusal_name((enum refusal)answer.refusal));
    s->sum += amount;
    int64_t sum = province_sum(&s->cluster, province_code, "calls", answer.offset);
    ck_assert_msg(sum == s->sum, "after %s: %lld counted, %lld accepted", after, (long long)sum,
                  (long long)s->sum);
    arena_reset(&s->arena);
}

/* --- heads and frames */

struct head_case {
    const char *reason;
    struct wire_head head;
    size_t head_bytes; /* sent of it; more than WIRE_HEAD_BYTES: followed by zeros */
    uint8_t reserved;  /* where zero belongs */
    int code;
    const char *collector_says; /* NULL: as the aggregator */
    const char *says;
    const char *reason_label; /* of requests_refused_total */
};

static const struct head_case heads[] = {
    {"an empty frame",
     {1, WIRE_HEALTH, 0, {{0}}},
     0,
     0,
     ERR_INVALID,
     NULL,
     "head frame of 0 bytes instead of 28",
     "malformed"},
    {"half a head",
     {1, WIRE_HEALTH, 0, {{0}}},
     14,
     0,
     ERR_INVALID,
     NULL,
     "head frame of 14 bytes instead of 28",
     "malformed"},
    {"a head and a half",
     {1, WIRE_HEALTH, 0, {{0}}},
     42,
     0,
     ERR_INVALID,
     NULL,
     "head frame of 42 bytes instead of 28",
     "malformed"},
    {"a version to come",
     {9, WIRE_HEALTH, 5, {{0}}},
     28,
     0,
     ERR_VERSION,
     NULL,
     "head of protocol version 9: version 1 is spoken here; install the same release on both sides",
     "bad_version"},
    {"something where zero belongs",
     {1, WIRE_HEALTH, 5, {{0}}},
     28,
     7,
     ERR_INVALID,
     NULL,
     "head with 7 where zero belongs; mend the sender",
     "malformed"},
    {"kind 0",
     {1, 0, 5, {{0}}},
     28,
     0,
     ERR_INVALID,
     "the collector serves no requests of kind 0",
     "the aggregator serves no requests of kind 0",
     "unknown_kind"},
    {"a kind nobody knows",
     {1, 99, 5, {{0}}},
     28,
     0,
     ERR_INVALID,
     "the collector serves no requests of kind 99",
     "the aggregator serves no requests of kind 99",
     "unknown_kind"},
    {"an answer as a request",
     {1, WIRE_HEALTH | WIRE_ANSWER, 5, {{0}}},
     28,
     0,
     ERR_INVALID,
     "the collector serves no requests of kind 160",
     "the aggregator serves no requests of kind 160",
     "unknown_kind"},
};

static void send_head(struct peer *p, const struct head_case *c)
{
    uint8_t bytes[64] = {0};
    wire_head_encode(&c->head, bytes);
    bytes[2] |= (uint8_t)(c->reserved >> 8);
    bytes[3] |= c->reserved;
    struct slice frames[] = {slice_of(bytes, c->head_bytes), slice_of(NULL, 0)};
    peer_send(p, frames, 2);
}

static void expect_failure(struct peer *p, const char *reason, int code, const char *says)
{
    struct err said = {0}, e = {0};
    ck_assert_msg(p->head.kind == (WIRE_FAILURE | WIRE_ANSWER), "%s: answer of kind %u", reason,
                  p->head.kind);
    ck_assert_int_eq(wire_unpack_failure(p->reply.frames[1], &said, &e), 0);
    ck_assert_msg(said.code == code && strcmp(said.text, says) == 0, "%s: %d \"%s\"\nnot %d \"%s\"",
                  reason, said.code, said.text, code, says);
}

static void expect_counted(struct stage *s, bool collector, const char *label, uint64_t before)
{
    char name[80];
    snprintf(name, sizeof name, "requests_refused_total{reason=\"%s\"}", label);
    uint64_t now = collector ? cluster_collector_count(&s->cluster, name)
                             : cluster_aggregator_count(&s->cluster, name);
    ck_assert_msg(now == before + 1, "%s: %llu, was %llu", name, (unsigned long long)now,
                  (unsigned long long)before);
}

static uint64_t count_refused(struct stage *s, bool collector, const char *label)
{
    char name[80];
    snprintf(name, sizeof name, "requests_refused_total{reason=\"%s\"}", label);
    return collector ? cluster_collector_count(&s->cluster, name)
                     : cluster_aggregator_count(&s->cluster, name);
}

static void try_head(struct stage *s, const struct head_case *c, bool collector)
{
    struct peer *p = collector ? &s->peer : &s->asker;
    uint64_t before = count_refused(s, collector, c->reason_label);
    send_head(p, c);
    peer_receive(
        p, c->head_bytes < WIRE_HEAD_BYTES || c->head_bytes > WIRE_HEAD_BYTES ? 0 : c->head.id);
    expect_failure(p, c->reason, c->code,
                   collector && c->collector_says ? c->collector_says : c->says);
    expect_counted(s, collector, c->reason_label, before);
}

START_TEST(a_broken_head_is_told_and_counted)
{
    struct stage s;
    stage_open(&s);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        try_head(&s, &heads[i], true);
        try_head(&s, &heads[i], false);
        expect_alive(&s, heads[i].reason);
    }
    stage_close(&s);
}
END_TEST

START_TEST(a_submission_of_a_version_to_come_is_refused_as_such)
{
    struct stage s;
    struct wire_submit_answer answer;
    struct err e = {0};
    stage_open(&s);
    send_head(&s.peer, &(struct head_case){.head = {9, WIRE_SUBMIT, 1, {{0}}}, .head_bytes = 28});
    peer_receive(&s.peer, 1);
    int rc = wire_unpack_submit_answer(s.peer.reply.frames[1], &s.peer.arena, &answer, &e);
    ck_assert_msg(rc == 0 && answer.refusal == REFUSAL_BAD_VERSION, "%s %u", e.text,
                  answer.refusal);
    expect_alive(&s, "a version to come");
    stage_close(&s);
}
END_TEST

static void send_parts(struct peer *p, unsigned count)
{
    zmq_msg_t parts[16];
    uint8_t bytes[WIRE_HEAD_BYTES];
    struct wire_head head = {.version = WIRE_VERSION, .kind = WIRE_HEALTH, .id = 5};
    wire_head_encode(&head, bytes);
    peer_await_link(p);
    for (unsigned i = 0; i < count; i++) {
        ck_assert_int_eq(zmq_msg_init_size(&parts[i], i == 0 ? sizeof bytes : 1), 0);
        memcpy(zmq_msg_data(&parts[i]), bytes, i == 0 ? sizeof bytes : 1);
    }
    ck_assert_int_eq(net_parts_send(p->socket->zmq, NULL, parts, count), 0);
}

START_TEST(too_many_frames_are_told_and_counted)
{
    struct stage s;
    stage_open(&s);
    uint64_t collector = count_refused(&s, true, "malformed");
    uint64_t aggregator = count_refused(&s, false, "malformed");
    send_parts(&s.peer, 9);
    peer_receive(&s.peer, 5);
    expect_failure(&s.peer, "nine frames", ERR_INVALID, "a request has two or three frames");
    send_parts(&s.asker, 9);
    peer_receive(&s.asker, 5);
    expect_failure(&s.asker, "nine frames", ERR_INVALID,
                   "a request has two frames, a head and a message");
    expect_counted(&s, true, "malformed", collector);
    expect_counted(&s, false, "malformed", aggregator);
    expect_alive(&s, "nine frames");
    stage_close(&s);
}
END_TEST

START_TEST(a_head_alone_is_told_and_counted)
{
    struct stage s;
    stage_open(&s);
    send_parts(&s.asker, 1);
    peer_receive(&s.asker, 5);
    expect_failure(&s.asker, "one frame", ERR_INVALID,
                   "a request has two frames, a head and a message");
    send_parts(&s.peer, 1);
    peer_receive(&s.peer, 5);
    expect_failure(&s.peer, "one frame", ERR_INVALID, "a request has two or three frames");
    expect_alive(&s, "a head alone");
    stage_close(&s);
}
END_TEST

/* --- payloads */

typedef void make_payload(struct stage *s, struct buf *out);

static void good_payload(struct stage *s, struct buf *out)
{
    struct batch b = province_batch(&s->arena, "11002", "calls", PROVINCE_DAY, OP_ADD, 77);
    wire_pack_batch(&b, out);
}

static void truncated(struct stage *s, struct buf *out)
{
    good_payload(s, out);
    out->len -= 3;
}

static void noise(struct stage *s, struct buf *out)
{
    struct random r = {42};
    (void)s;
    for (unsigned i = 0; i < 1000; i++)
        buf_u8(out, (uint8_t)random_next(&r));
}

static void above_payload_limit(struct stage *s, struct buf *out)
{
    (void)s;
    while (out->len <= BATCH_PAYLOAD_BYTES_MAX)
        buf_u64(out, UINT64_C(0x0a06313130303031)); /* one code after the other */
}

static void many_rows(struct stage *s, struct buf *out, uint32_t rows)
{
    struct batch b = province_batch(&s->arena, "11002", "calls", PROVINCE_DAY, OP_ADD, 77);
    b.row_count = rows;
    b.unit_refs = alloc_zeroed(rows, sizeof *b.unit_refs);
    b.indicator_refs = alloc_zeroed(rows, sizeof *b.indicator_refs);
    b.values = alloc_zeroed(rows, sizeof *b.values);
    day_t day = b.days[0];
    b.days = alloc_bytes(rows * sizeof *b.days);
    for (uint32_t i = 0; i < rows; i++)
        b.days[i] = day;
    b.ops = NULL;
    wire_pack_batch(&b, out);
    free(b.unit_refs);
    free(b.indicator_refs);
    free(b.values);
    free(b.days);
}

static void one_row_too_many(struct stage *s, struct buf *out)
{
    many_rows(s, out, BATCH_ROWS_MAX + 1);
}

static void no_rows(struct stage *s, struct buf *out)
{
    many_rows(s, out, 0);
}

static void reference_to_nothing(struct stage *s, struct buf *out)
{
    struct batch b = province_batch(&s->arena, "11002", "calls", PROVINCE_DAY, OP_ADD, 77);
    b.unit_refs[0] = 1;
    wire_pack_batch(&b, out);
}

static void unknown_op(struct stage *s, struct buf *out)
{
    struct batch b = province_batch(&s->arena, "11002", "calls", PROVINCE_DAY, OP_ADD, 77);
    b.ops[0] = OP_COUNT;
    wire_pack_batch(&b, out);
}

static void a_day_out_of_time(struct stage *s, struct buf *out)
{
    struct batch b = province_batch(&s->arena, "11002", "calls", PROVINCE_DAY, OP_ADD, 77);
    b.days[0] = DAY_LAST + 1;
    wire_pack_batch(&b, out);
}

static void ahead_of_the_clock(struct stage *s, struct buf *out)
{
    struct batch b = province_batch(&s->arena, "11002", "calls", PROVINCE_DAY, OP_ADD, 77);
    b.reported_at_ms = PROVINCE_TIME_MS + 5 * 60 * 1000 + 1;
    wire_pack_batch(&b, out);
}

static void nothing(struct stage *s, struct buf *out)
{
    (void)s;
    (void)out;
}

static const struct {
    const char *reason;
    make_payload *make;
    enum refusal refusal;
} payloads[] = {
    {"a truncated payload", truncated, REFUSAL_MALFORMED},
    {"noise", noise, REFUSAL_MALFORMED},
    {"a payload above the limit", above_payload_limit, REFUSAL_TOO_LARGE},
    {"65,537 rows", one_row_too_many, REFUSAL_TOO_LARGE},
    {"no rows", no_rows, REFUSAL_EMPTY},
    {"no payload", nothing, REFUSAL_EMPTY},
    {"a reference beyond the dictionary", reference_to_nothing, REFUSAL_MALFORMED},
    {"an unknown op", unknown_op, REFUSAL_MALFORMED},
    {"a day after the last one", a_day_out_of_time, REFUSAL_MALFORMED},
    {"a stamp five minutes ahead", ahead_of_the_clock, REFUSAL_CLOCK_AHEAD},
};

static uint64_t count_batches(struct stage *s, enum refusal refusal)
{
    char name[64];
    snprintf(name, sizeof name, "batches_total{reason=\"%s\"}", refusal_name(refusal));
    return cluster_collector_count(&s->cluster, name);
}

/* Twice: the same number with the same content has the same answer. */
static void try_payload(struct stage *s, const char *reason, struct slice payload,
                        enum refusal refusal)
{
    struct wire_submit_answer answer[2];
    uint64_t number = s->peer.next_number, before = count_batches(s, refusal);
    for (unsigned i = 0; i < 2; i++) {
        struct err e = {0};
        int rc = peer_submit_payload(&s->peer, number, payload, NULL, &answer[i], &e);
        ck_assert_msg(rc == 0 && answer[i].refusal == refusal, "%s: %s %s", reason, e.text,
                      refusal_name((enum refusal)answer[i].refusal));
        ck_assert_int_eq(answer[i].collector_time_ms, PROVINCE_TIME_MS);
        ck_assert_uint_eq(answer[i].accepted_rows, 0);
    }
    ck_assert_uint_gt(answer[0].offset, 0);
    ck_assert_uint_eq(answer[0].offset, answer[1].offset);
    ck_assert_msg(count_batches(s, refusal) == before + 2, "%s is not counted", reason);
    s->peer.next_number++;
}

START_TEST(a_poison_batch_uses_up_its_number_and_blocks_nothing)
{
    struct stage s;
    stage_open(&s);
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        struct buf payload = {0};
        payloads[i].make(&s, &payload);
        try_payload(&s, payloads[i].reason, buf_slice(&payload), payloads[i].refusal);
        expect_alive(&s, payloads[i].reason);
        buf_fini(&payload);
    }
    cluster_verify(&s.cluster);
    stage_close(&s);
}
END_TEST

static const struct {
    const char *reason;
    const char *unit;
    size_t unit_bytes;
} words[] = {
    {"bytes that are no UTF-8", "\xff\xfe\x80", 3},
    {"a NUL behind a good code", "11002\0x", 7},
    {"an empty code", "", 0},
    {"a code of 33 bytes", "123456789012345678901234567890123", 33},
    {"a name instead of a code", "Lạc Viên", 11},
};

struct bodies {
    uint64_t kept;
    uint64_t refused;
};

static void count_bodies(void *arg, const struct entry *e)
{
    struct bodies *n = arg;
    if (e->kind != ENTRY_BATCH)
        return;
    n->kept += e->body.len > 0;
    n->refused += e->refusal == REFUSAL_BAD_CODE;
    ck_assert_msg((e->body.len > 0) == (e->refusal == REFUSAL_NONE), "entry %llu keeps %zu bytes",
                  (unsigned long long)e->offset, e->body.len);
}

/* Such a word may be anything, a person's name too, and nothing leaves the journal again. */
START_TEST(words_that_are_no_codes_do_not_enter_the_journal)
{
    struct stage s;
    struct net_keypair auditor;
    struct bodies bodies = {0};
    stage_open(&s);
    cluster_add_producer(&s.cluster, "auditor", ROLE_SERVICE, NULL, &auditor);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct wire_submit_answer answer;
        struct err e = {0};
        struct batch b = province_batch(&s.arena, "", "calls", PROVINCE_DAY, OP_ADD, 77);
        b.units[0] = slice_of(words[i].unit, words[i].unit_bytes);
        int rc = peer_submit(&s.peer, &b, NULL, &answer, &e);
        ck_assert_msg(rc == 0 && answer.refusal == REFUSAL_BAD_CODE && answer.refused_count == 1 &&
                          answer.refused_codes[0] == REFUSAL_BAD_CODE,
                      "%s: %s %s, %u rows refused", words[i].reason, e.text,
                      refusal_name((enum refusal)answer.refusal), answer.refused_count);
        expect_alive(&s, words[i].reason);
    }
    province_visit_journal(&s.cluster, &auditor, count_bodies, &bodies);
    ck_assert_uint_eq(bodies.refused, sizeof words / sizeof *words);
    ck_assert_uint_eq(bodies.kept, s.accepted);
    ck_assert_uint_eq(count_batches(&s, REFUSAL_BAD_CODE), bodies.refused);
    stage_close(&s);
}
END_TEST

START_TEST(a_code_nobody_bears_is_refused_by_its_row)
{
    struct stage s;
    struct wire_submit_answer answer;
    struct err e = {0};
    stage_open(&s);
    struct batch b = province_batch(&s.arena, "99999", "calls", PROVINCE_DAY, OP_ADD, 77);
    int rc = peer_submit(&s.peer, &b, NULL, &answer, &e);
    ck_assert_msg(rc == 0 && answer.refusal == 0 && answer.refused_count == 1 &&
                      answer.refused_codes[0] == REFUSAL_UNKNOWN_UNIT,
                  "%s refusal %u, %u rows refused", e.text, answer.refusal, answer.refused_count);
    expect_alive(&s, "an unknown code");
    stage_close(&s);
}
END_TEST

/* --- numbers */

static void expect_number(struct stage *s, const char *reason, uint64_t number, int64_t value,
                          enum refusal refusal, uint64_t expected)
{
    struct wire_submit_answer answer;
    struct err e = {0};
    struct buf payload = {0};
    struct batch b = province_batch(&s->arena, "11001", "calls", PROVINCE_DAY, OP_ADD, value);
    wire_pack_batch(&b, &payload);
    int rc = peer_submit_payload(&s->peer, number, buf_slice(&payload), NULL, &answer, &e);
    ck_assert_msg(rc == 0 && answer.refusal == refusal && answer.expected_number == expected,
                  "%s: %s %s, expected number %llu", reason, e.text,
                  refusal_name((enum refusal)answer.refusal),
                  (unsigned long long)answer.expected_number);
    if (refusal != REFUSAL_NONE)
        ck_assert_uint_eq(answer.offset, 0);
    buf_fini(&payload);
}

START_TEST(numbers_out_of_order_are_told_what_is_expected)
{
    struct stage s;
    stage_open(&s);
    expect_number(&s, "a gap at the start", 2, 5, REFUSAL_NUMBER_GAP, 1);
    expect_alive(&s, "a gap at the start"); /* 1: 1000 */
    expect_number(&s, "number 0", 0, 5, REFUSAL_NUMBER_GAP, 2);
    expect_number(&s, "a gap", 7, 5, REFUSAL_NUMBER_GAP, 2);
    expect_number(&s, "the largest number", UINT64_MAX, 5, REFUSAL_NUMBER_GAP, 2);
    expect_number(&s, "other content", 1, 5, REFUSAL_NUMBER_REUSED, 2);
    expect_number(&s, "the same again", 1, 1000, REFUSAL_NONE, 0);
    expect_alive(&s, "numbers out of order");
    stage_close(&s);
}
END_TEST

/* --- what is larger than any message may be */

static void send_above_limit(struct cluster *c, struct peer *p, enum wire_kind kind)
{
    uint8_t bytes[WIRE_HEAD_BYTES];
    struct wire_head head = {.version = WIRE_VERSION, .kind = (uint8_t)kind, .id = 1};
    void *much = alloc_zeroed(ABOVE_MESSAGE_BYTES, 1);
    wire_head_encode(&head, bytes);
    struct slice frames[] = {slice_of(bytes, sizeof bytes), slice_of(much, ABOVE_MESSAGE_BYTES)};
    (void)c;
    peer_send(p, frames, 2);
    free(much);
}

/* libzmq makes the link anew by itself: the same peer goes on. */
START_TEST(what_is_above_any_limit_cuts_the_link_and_no_more)
{
    struct stage s;
    stage_open(&s);
    uint64_t collector = cluster_collector_count(&s.cluster, "net_links_lost");
    uint64_t aggregator = cluster_aggregator_count(&s.cluster, "net_links_lost");
    struct peer giant;
    cluster_peer_collector(&s.cluster, &giant, &s.keys);
    send_above_limit(&s.cluster, &giant, WIRE_SUBMIT);
    while (cluster_collector_count(&s.cluster, "net_links_lost") == collector)
        ck_assert_int_eq(net_wait(giant.socket, 1), ERR_AGAIN);
    peer_close(&giant);
    cluster_peer_aggregator(&s.cluster, &giant, &s.keys);
    send_above_limit(&s.cluster, &giant, WIRE_QUERY);
    while (cluster_aggregator_count(&s.cluster, "net_links_lost") == aggregator)
        ck_assert_int_eq(net_wait(giant.socket, 1), ERR_AGAIN);
    peer_close(&giant);
    expect_alive(&s, "40 MiB");
    stage_close(&s);
}
END_TEST

/* --- the other requests */

static void expect_refused(struct peer *p, enum wire_kind kind, const char *reason,
                           struct slice message, int code)
{
    struct slice reply;
    struct err e = {0};
    int rc = peer_ask(p, kind, message, &reply, &e);
    if (rc == 0 && kind == WIRE_APPLY) {
        struct wire_apply_answer answer;
        ck_assert_int_eq(wire_unpack_apply_answer(reply, &p->arena, &answer, &e), 0);
        rc = err_set(&e, answer.code, "%s", answer.message);
    }
    ck_assert_msg(rc == code && e.text[0] != '\0', "%s, kind %d: %d \"%s\", not %d", reason,
                  (int)kind, rc, e.text, code);
}

START_TEST(broken_requests_of_every_kind_are_refused)
{
    static const enum wire_kind questions[] = {WIRE_QUERY, WIRE_TRACE, WIRE_UNITS, WIRE_SNAPSHOT};
    static const uint8_t broken[] = {0x0a, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3};
    struct stage s;
    struct net_keypair service;
    struct peer operator, puller;
    struct slice message = slice_of(broken, sizeof broken);
    stage_open(&s);
    cluster_add_producer(&s.cluster, "puller", ROLE_SERVICE, NULL, &service);
    cluster_peer_collector(&s.cluster, &operator, & s.cluster.operator_keys);
    cluster_peer_collector(&s.cluster, &puller, &service);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        expect_refused(&s.asker, questions[i], "a truncated message", message, ERR_INVALID);
    expect_refused(&operator, WIRE_APPLY, "a truncated message", message, ERR_INVALID);
    expect_refused(&operator, WIRE_APPLY, "nothing to apply", slice_of(NULL, 0), ERR_INVALID);
    expect_refused(&puller, WIRE_FETCH, "a truncated message", message, ERR_INVALID);
    expect_refused(&s.asker, (enum wire_kind)WIRE_SUBMIT, "a batch to the aggregator", message,
                   ERR_INVALID);
    expect_refused(&s.peer, WIRE_QUERY, "a question to the collector", message, ERR_INVALID);
    ck_assert_uint_ge(count_refused(&s, false, "malformed"), 4);
    expect_alive(&s, "broken requests");
    peer_close(&operator);
    peer_close(&puller);
    stage_close(&s);
}
END_TEST

START_TEST(pulls_that_do_not_fit_the_journal_are_refused)
{
    static const struct {
        const char *reason;
        uint64_t from;
        int code;
    } rows[] = {
        {"from nowhere", 0, ERR_INVALID},
        {"from beyond the head", 1000000, ERR_INVALID},
        {"after another commit than ours", 3, ERR_CORRUPT},
    };
    struct stage s;
    struct net_keypair service;
    struct peer puller;
    stage_open(&s);
    cluster_add_producer(&s.cluster, "puller", ROLE_SERVICE, NULL, &service);
    cluster_peer_collector(&s.cluster, &puller, &service);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wire_fetch fetch = {.from_offset = rows[i].from};
        struct buf message = {0};
        memset(fetch.previous_hash, 0xee, HASH_BYTES);
        wire_pack_fetch(&fetch, &message);
        expect_refused(&puller, WIRE_FETCH, rows[i].reason, buf_slice(&message), rows[i].code);
        buf_fini(&message);
    }
    expect_alive(&s, "pulls that do not fit");
    peer_close(&puller);
    stage_close(&s);
}
END_TEST

START_TEST(too_many_questions_are_refused)
{
    struct stage s;
    struct wire_query query = {.question_count = WIRE_QUESTIONS_MAX + 1};
    struct buf message = {0};
    stage_open(&s);
    query.questions = alloc_zeroed(query.question_count, sizeof *query.questions);
    for (uint32_t i = 0; i < query.question_count; i++) {
        ident_set(&query.questions[i].unit, slice_str("31"));
        ident_set(&query.questions[i].indicator, slice_str("calls"));
    }
    wire_pack_query(&query, &message);
    expect_refused(&s.asker, WIRE_QUERY, "65,537 questions", buf_slice(&message), ERR_LIMIT);
    free(query.questions);
    buf_fini(&message);
    expect_alive(&s, "too many questions");
    stage_close(&s);
}
END_TEST

/* --- anything */

static void send_noise(struct peer *p, struct random *r)
{
    static const uint8_t kinds[] = {1, 2, 3, 4, 16, 17, 18, 19, 32, 33, 127, 0, 255};
    uint8_t bytes[3][RANDOM_BYTES_MAX];
    struct slice frames[3];
    unsigned count = 1 + random_below(r, 3);
    for (unsigned i = 0; i < 3; i++) {
        frames[i] = slice_of(bytes[i], random_below(r, RANDOM_BYTES_MAX));
        for (size_t at = 0; at < frames[i].len; at++)
            bytes[i][at] = (uint8_t)random_next(r);
    }
    struct wire_head head = {.version = WIRE_VERSION,
                             .kind = kinds[random_below(r, sizeof kinds)],
                             .id = random_next(r)};
    if (random_chance(r, 80)) {
        wire_head_encode(&head, bytes[0]);
        frames[0].len = WIRE_HEAD_BYTES;
    }
    if (net_send(p->socket, NULL, frames, count, NULL) != 0)
        peer_await_link(p);
    for (struct net_message m; net_receive(p->socket, &m) == 0; net_message_clear(&m))
        ck_assert_uint_ge(m.frame_count, 2);
}

static void open_noise(struct cluster *c, struct peer *out, const char *endpoint,
                       const struct net_keypair *server)
{
    peer_open(out, c->net, endpoint, &server->public_key, &c->operator_keys);
    peer_await_link(out);
}

/* Under the operator's key, which may ask everything; the feed's endpoint gets it as well. */
START_TEST(noise_ends_nobody)
{
    struct stage s;
    struct peer to[3];
    const char *seed = getenv("TONGHOP_SEED");
    struct random r = {seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL)};
    printf("noise: TONGHOP_SEED=%llu\n", (unsigned long long)r.state);
    stage_open(&s);
    struct cluster *c = &s.cluster;
    open_noise(c, &to[0], c->collector_ipc, &c->collector_keys);
    open_noise(c, &to[1], c->query_ipc, &c->aggregator_keys);
    open_noise(c, &to[2], c->feed_ipc, &c->aggregator_keys);
    for (unsigned i = 0; i < RANDOM_MESSAGES; i++)
        send_noise(&to[i % 3], &r);
    for (unsigned i = 0; i < 3; i++)
        peer_close(&to[i]);
    expect_alive(&s, "noise");
    stage_close(&s);
}
END_TEST

SUITE_MAIN("process/broken_messages", a_broken_head_is_told_and_counted,
           a_submission_of_a_version_to_come_is_refused_as_such,
           too_many_frames_are_told_and_counted, a_head_alone_is_told_and_counted,
           a_poison_batch_uses_up_its_number_and_blocks_nothing,
           words_that_are_no_codes_do_not_enter_the_journal,
           a_code_nobody_bears_is_refused_by_its_row,
           numbers_out_of_order_are_told_what_is_expected,
           what_is_above_any_limit_cuts_the_link_and_no_more,
           broken_requests_of_every_kind_are_refused, pulls_that_do_not_fit_the_journal_are_refused,
           too_many_questions_are_refused, noise_ends_nobody)
