#include "common/wire/query_wire.h"

#include "tests/support/suite.h"
#include "tests/unit/common/wire/wire_random.h"

enum { ITEMS = 12, ROUNDS = 60 };

static void assert_same_ident(const struct ident *got, const struct ident *want)
{
    ck_assert_str_eq(got->text, want->text);
}

static uint32_t random_u32(struct random *r)
{
    return (uint32_t)random_u64(r);
}

static bool random_bool(struct random *r)
{
    return random_below(r, 2) == 1;
}

static int random_code(struct random *r)
{
    return -(int)random_below(r, 12);
}

/* One message on its way and back; the first ones are attacked as well. */
struct trip {
    struct random random;
    struct arena arena;
    struct buf bytes;
    struct err err;
    unsigned round;
};

static struct trip trip_of(uint64_t seed)
{
    struct trip t = {.random = {seed}};
    arena_init(&t.arena, 1 << 20);
    return t;
}

static bool trip_next(struct trip *t)
{
    arena_reset(&t->arena);
    buf_clear(&t->bytes);
    return t->round++ < ROUNDS;
}

static void trip_end(struct trip *t)
{
    arena_fini(&t->arena);
    buf_fini(&t->bytes);
}

static void assert_read(struct trip *t, int rc, decoder *decode)
{
    ck_assert_msg(rc == 0, "round %u: %s", t->round, t->err.text);
    if (t->round <= 4)
        attack(decode, &t->bytes, &t->random);
}

/* Queries. */

static int decode_query(struct slice s, struct arena *arena, struct err *err)
{
    struct wire_query q;
    return wire_unpack_query(s, arena, &q, err);
}

START_TEST(a_query_comes_back_as_it_went)
{
    struct trip t = trip_of(31);
    while (trip_next(&t)) {
        struct random *r = &t.random;
        struct wire_question questions[ITEMS];
        struct wire_query got, want = {.question_count = random_below(r, ITEMS + 1),
                                       .questions = questions,
                                       .not_before = random_u64(r),
                                       .wait_ms = random_u32(r),
                                       .has_as_known_on = random_bool(r)};
        want.as_known_on = want.has_as_known_on ? random_day(r) : 0;
        for (unsigned i = 0; i < ITEMS; i++)
            questions[i] =
                (struct wire_question){random_ident(r), random_ident(r), random_ident_or_empty(r),
                                       random_day(r), random_day(r)};
        wire_pack_query(&want, &t.bytes);
        assert_read(&t, wire_unpack_query(buf_slice(&t.bytes), &t.arena, &got, &t.err),
                    decode_query);
        ck_assert_uint_eq(got.question_count, want.question_count);
        ck_assert_uint_eq(got.not_before, want.not_before);
        ck_assert_uint_eq(got.wait_ms, want.wait_ms);
        ck_assert_int_eq(got.has_as_known_on, want.has_as_known_on);
        ck_assert_int_eq(got.as_known_on, want.as_known_on);
        for (uint32_t i = 0; i < want.question_count; i++) {
            assert_same_ident(&got.questions[i].unit, &questions[i].unit);
            assert_same_ident(&got.questions[i].indicator, &questions[i].indicator);
            assert_same_ident(&got.questions[i].source, &questions[i].source);
            ck_assert_int_eq(got.questions[i].first, questions[i].first);
            ck_assert_int_eq(got.questions[i].last, questions[i].last);
        }
    }
    trip_end(&t);
}
END_TEST

START_TEST(too_many_questions_are_refused)
{
    for (unsigned over = 0; over < 2; over++) {
        struct buf bytes = {0};
        for (unsigned i = 0; i < WIRE_QUESTIONS_MAX + over; i++)
            buf_bytes(&bytes, "\x0A\x06\x0A\x01u\x12\x01i", 8);
        int rc = decode_exact(decode_query, bytes.data, bytes.len);
        ck_assert_int_eq(rc, over == 0 ? 0 : ERR_LIMIT);
        buf_fini(&bytes);
    }
}
END_TEST

static int decode_query_reply(struct slice s, struct arena *arena, struct err *err)
{
    struct wire_query_reply reply;
    return wire_unpack_query_reply(s, arena, &reply, err);
}

static struct wire_answer random_answer(struct random *r)
{
    return (struct wire_answer){.code = random_code(r),
                                .message = random_text(r),
                                .has_value = random_bool(r),
                                .value = random_i64(r),
                                .numerator = random_i64(r),
                                .denominator = random_i64(r),
                                .figures = random_u32(r),
                                .owed = random_u32(r),
                                .reported = random_u32(r),
                                .on_time = random_u32(r),
                                .source = random_ident_or_empty(r)};
}

static void assert_same_answer(const struct wire_answer *got, const struct wire_answer *want)
{
    ck_assert_int_eq(got->code, want->code);
    ck_assert_str_eq(got->message, want->message);
    ck_assert_int_eq(got->has_value, want->has_value);
    ck_assert_int_eq(got->value, want->value);
    ck_assert_int_eq(got->numerator, want->numerator);
    ck_assert_int_eq(got->denominator, want->denominator);
    ck_assert_uint_eq(got->figures, want->figures);
    ck_assert_uint_eq(got->owed, want->owed);
    ck_assert_uint_eq(got->reported, want->reported);
    ck_assert_uint_eq(got->on_time, want->on_time);
    assert_same_ident(&got->source, &want->source);
}

START_TEST(answers_come_back_as_they_went)
{
    struct trip t = trip_of(32);
    while (trip_next(&t)) {
        struct random *r = &t.random;
        struct wire_answer answers[ITEMS];
        struct wire_query_reply got,
            want = {random_u64(r), random_i64(r), random_below(r, ITEMS + 1), answers};
        for (unsigned i = 0; i < ITEMS; i++)
            answers[i] = random_answer(r);
        wire_pack_query_reply(&want, &t.bytes);
        assert_read(&t, wire_unpack_query_reply(buf_slice(&t.bytes), &t.arena, &got, &t.err),
                    decode_query_reply);
        ck_assert_uint_eq(got.offset, want.offset);
        ck_assert_int_eq(got.time_ms, want.time_ms);
        ck_assert_uint_eq(got.answer_count, want.answer_count);
        for (uint32_t i = 0; i < want.answer_count; i++)
            assert_same_answer(&got.answers[i], &answers[i]);
    }
    trip_end(&t);
}
END_TEST

/* Traces. */

static int decode_trace(struct slice s, struct arena *arena, struct err *err)
{
    (void)arena;
    struct wire_trace trace;
    return wire_unpack_trace(s, &trace, err);
}

START_TEST(a_trace_request_comes_back_as_it_went)
{
    struct trip t = trip_of(33);
    while (trip_next(&t)) {
        struct random *r = &t.random;
        struct wire_trace got, want = {random_ident(r), random_ident(r), random_ident_or_empty(r),
                                       random_day(r),   random_u64(r),   random_u32(r),
                                       random_u32(r),   random_u64(r),   random_u32(r)};
        wire_pack_trace(&want, &t.bytes);
        assert_read(&t, wire_unpack_trace(buf_slice(&t.bytes), &got, &t.err), decode_trace);
        assert_same_ident(&got.unit, &want.unit);
        assert_same_ident(&got.indicator, &want.indicator);
        assert_same_ident(&got.source, &want.source);
        ck_assert_int_eq(got.day, want.day);
        ck_assert_uint_eq(got.not_before, want.not_before);
        ck_assert_uint_eq(got.wait_ms, want.wait_ms);
        ck_assert_uint_eq(got.versions_max, want.versions_max);
        ck_assert_uint_eq(got.before_offset, want.before_offset);
        ck_assert_uint_eq(got.before_row, want.before_row);
    }
    trip_end(&t);
}
END_TEST

static int decode_trace_reply(struct slice s, struct arena *arena, struct err *err)
{
    struct wire_trace_reply reply;
    return wire_unpack_trace_reply(s, arena, &reply, err);
}

static struct wire_version random_version(struct random *r)
{
    struct wire_version v = {.source = random_ident(r),
                             .op = (enum op)random_below(r, OP_COUNT),
                             .value = random_i64(r),
                             .holds = random_bool(r),
                             .superseded = random_bool(r),
                             .reported_at_ms = random_i64(r),
                             .received_at_ms = random_i64(r),
                             .producer = random_ident(r),
                             .delegate = random_ident_or_empty(r),
                             .number = random_u64(r),
                             .row = random_u32(r),
                             .offset = random_u64(r)};
    random_bytes(r, v.spool.bytes, SPOOL_ID_BYTES);
    return v;
}

static void assert_same_version(const struct wire_version *got, const struct wire_version *want)
{
    assert_same_ident(&got->source, &want->source);
    ck_assert_int_eq(got->op, want->op);
    ck_assert_int_eq(got->value, want->value);
    ck_assert_int_eq(got->holds, want->holds);
    ck_assert_int_eq(got->superseded, want->superseded);
    ck_assert_int_eq(got->reported_at_ms, want->reported_at_ms);
    ck_assert_int_eq(got->received_at_ms, want->received_at_ms);
    assert_same_ident(&got->producer, &want->producer);
    assert_same_ident(&got->delegate, &want->delegate);
    ck_assert_mem_eq(got->spool.bytes, want->spool.bytes, SPOOL_ID_BYTES);
    ck_assert_uint_eq(got->number, want->number);
    ck_assert_uint_eq(got->row, want->row);
    ck_assert_uint_eq(got->offset, want->offset);
}

START_TEST(a_trace_comes_back_as_it_went)
{
    struct trip t = trip_of(34);
    while (trip_next(&t)) {
        struct random *r = &t.random;
        struct wire_version versions[ITEMS];
        struct wire_trace_reply got,
            want = {random_code(r), random_text(r), random_u64(r), random_below(r, ITEMS + 1),
                    versions,       random_bool(r)};
        for (unsigned i = 0; i < ITEMS; i++)
            versions[i] = random_version(r);
        wire_pack_trace_reply(&want, &t.bytes);
        assert_read(&t, wire_unpack_trace_reply(buf_slice(&t.bytes), &t.arena, &got, &t.err),
                    decode_trace_reply);
        ck_assert_int_eq(got.code, want.code);
        ck_assert_str_eq(got.message, want.message);
        ck_assert_uint_eq(got.offset, want.offset);
        ck_assert_uint_eq(got.version_count, want.version_count);
        ck_assert_int_eq(got.more, want.more);
        for (uint32_t i = 0; i < want.version_count; i++)
            assert_same_version(&got.versions[i], &versions[i]);
    }
    trip_end(&t);
}
END_TEST

/* Units. */

static int decode_units(struct slice s, struct arena *arena, struct err *err)
{
    (void)arena;
    struct wire_units units;
    return wire_unpack_units(s, &units, err);
}

START_TEST(a_request_for_units_comes_back_as_it_went)
{
    struct trip t = trip_of(35);
    while (trip_next(&t)) {
        struct random *r = &t.random;
        struct wire_units got, want = {random_ident_or_empty(r), random_day(r), random_u32(r)};
        wire_pack_units(&want, &t.bytes);
        assert_read(&t, wire_unpack_units(buf_slice(&t.bytes), &got, &t.err), decode_units);
        assert_same_ident(&got.unit, &want.unit);
        ck_assert_int_eq(got.day, want.day);
        ck_assert_uint_eq(got.depth, want.depth);
    }
    trip_end(&t);
}
END_TEST

static int decode_units_reply(struct slice s, struct arena *arena, struct err *err)
{
    struct wire_units_reply reply;
    return wire_unpack_units_reply(s, arena, &reply, err);
}

static void assert_same_unit(const struct wire_unit_info *got, const struct wire_unit_info *want)
{
    assert_same_ident(&got->code, &want->code);
    ck_assert_str_eq(got->name, want->name);
    ck_assert_str_eq(got->type, want->type);
    ck_assert_uint_eq(got->level, want->level);
    assert_same_ident(&got->parent, &want->parent);
    ck_assert_int_eq(got->from, want->from);
    ck_assert_int_eq(got->to, want->to);
}

static void assert_same_info(const struct wire_indicator_info *got,
                             const struct wire_indicator_info *want)
{
    assert_same_ident(&got->id, &want->id);
    ck_assert_str_eq(got->name, want->name);
    ck_assert_uint_eq(got->kind, want->kind);
    ck_assert_uint_eq(got->period, want->period);
    ck_assert_uint_eq(got->calendar, want->calendar);
    assert_same_ident(&got->measure, &want->measure);
}

START_TEST(units_come_back_as_they_went)
{
    struct trip t = trip_of(36);
    while (trip_next(&t)) {
        struct random *r = &t.random;
        struct wire_unit_info units[ITEMS];
        struct wire_indicator_info infos[ITEMS];
        struct wire_units_reply got, want = {random_code(r),
                                             random_text(r),
                                             random_below(r, ITEMS + 1),
                                             units,
                                             random_below(r, ITEMS + 1),
                                             infos};
        for (unsigned i = 0; i < ITEMS; i++) {
            units[i] = (struct wire_unit_info){
                random_ident(r),          random_text(r), random_text(r), random_u32(r),
                random_ident_or_empty(r), random_day(r),  DAY_NEVER};
            infos[i] = (struct wire_indicator_info){random_ident(r),    random_text(r),
                                                    random_below(r, 3), random_below(r, 7),
                                                    random_below(r, 2), random_ident_or_empty(r)};
        }
        wire_pack_units_reply(&want, &t.bytes);
        assert_read(&t, wire_unpack_units_reply(buf_slice(&t.bytes), &t.arena, &got, &t.err),
                    decode_units_reply);
        ck_assert_int_eq(got.code, want.code);
        ck_assert_str_eq(got.message, want.message);
        ck_assert_uint_eq(got.unit_count, want.unit_count);
        ck_assert_uint_eq(got.indicator_count, want.indicator_count);
        for (uint32_t i = 0; i < want.unit_count; i++)
            assert_same_unit(&got.units[i], &units[i]);
        for (uint32_t i = 0; i < want.indicator_count; i++)
            assert_same_info(&got.indicators[i], &infos[i]);
    }
    trip_end(&t);
}
END_TEST

/* The feed. */

static struct wire_stream random_stream(struct random *r)
{
    return (struct wire_stream){random_ident(r), random_ident(r), random_bool(r)};
}

static void assert_same_stream(const struct wire_stream *got, const struct wire_stream *want)
{
    assert_same_ident(&got->indicator, &want->indicator);
    assert_same_ident(&got->subtree, &want->subtree);
    ck_assert_int_eq(got->root, want->root);
}

static struct wire_cells random_cells(struct random *r, struct wire_cell cells[ITEMS])
{
    for (unsigned i = 0; i < ITEMS; i++)
        cells[i] = (struct wire_cell){random_ident(r),        random_day(r), random_i64(r),
                                      (int32_t)random_i64(r), random_u32(r), random_u32(r)};
    return (struct wire_cells){.epoch = random_u64(r),
                               .number = random_u64(r),
                               .offset = random_u64(r),
                               .time_ms = random_i64(r),
                               .stream = random_stream(r),
                               .cell_count = random_below(r, ITEMS + 1),
                               .cells = cells,
                               .message = ""};
}

static void assert_same_cells(const struct wire_cells *got, const struct wire_cells *want)
{
    ck_assert_uint_eq(got->epoch, want->epoch);
    ck_assert_uint_eq(got->number, want->number);
    ck_assert_uint_eq(got->offset, want->offset);
    ck_assert_int_eq(got->time_ms, want->time_ms);
    assert_same_stream(&got->stream, &want->stream);
    ck_assert_int_eq(got->code, want->code);
    ck_assert_str_eq(got->message, want->message);
    ck_assert_uint_eq(got->cell_count, want->cell_count);
    for (uint32_t i = 0; i < want->cell_count; i++) {
        assert_same_ident(&got->cells[i].unit, &want->cells[i].unit);
        ck_assert_int_eq(got->cells[i].day, want->cells[i].day);
        ck_assert_int_eq(got->cells[i].amount, want->cells[i].amount);
        ck_assert_int_eq(got->cells[i].figures, want->cells[i].figures);
        ck_assert_uint_eq(got->cells[i].reported, want->cells[i].reported);
        ck_assert_uint_eq(got->cells[i].on_time, want->cells[i].on_time);
    }
}

static int decode_update(struct slice s, struct arena *arena, struct err *err)
{
    struct wire_cells cells;
    return wire_unpack_update(s, arena, &cells, err);
}

static int decode_snapshot(struct slice s, struct arena *arena, struct err *err)
{
    struct wire_cells cells;
    return wire_unpack_snapshot(s, arena, &cells, err);
}

START_TEST(updates_and_snapshots_come_back_as_they_went)
{
    struct trip t = trip_of(37);
    while (trip_next(&t)) {
        struct wire_cell cells[ITEMS];
        struct wire_cells got, want = random_cells(&t.random, cells);
        wire_pack_update(&want, &t.bytes);
        assert_read(&t, wire_unpack_update(buf_slice(&t.bytes), &t.arena, &got, &t.err),
                    decode_update);
        assert_same_cells(&got, &want);
        want.code = random_code(&t.random);
        want.message = random_text(&t.random);
        buf_clear(&t.bytes);
        wire_pack_snapshot(&want, &t.bytes);
        assert_read(&t, wire_unpack_snapshot(buf_slice(&t.bytes), &t.arena, &got, &t.err),
                    decode_snapshot);
        assert_same_cells(&got, &want);
    }
    trip_end(&t);
}
END_TEST

static int decode_snapshot_request(struct slice s, struct arena *arena, struct err *err)
{
    (void)arena;
    struct wire_stream stream;
    return wire_unpack_snapshot_request(s, &stream, err);
}

START_TEST(a_request_for_a_snapshot_comes_back_as_it_went)
{
    struct trip t = trip_of(38);
    while (trip_next(&t)) {
        struct wire_stream got, want = random_stream(&t.random);
        wire_pack_snapshot_request(&want, &t.bytes);
        assert_read(&t, wire_unpack_snapshot_request(buf_slice(&t.bytes), &got, &t.err),
                    decode_snapshot_request);
        assert_same_stream(&got, &want);
    }
    ck_assert_int_eq(decode_exact(decode_snapshot_request, NULL, 0), ERR_INVALID);
    trip_end(&t);
}
END_TEST

static int decode_heads(struct slice s, struct arena *arena, struct err *err)
{
    struct wire_heads heads;
    return wire_unpack_heads(s, arena, &heads, err);
}

START_TEST(heads_come_back_as_they_went)
{
    struct trip t = trip_of(39);
    while (trip_next(&t)) {
        struct random *r = &t.random;
        struct wire_stream_head heads[ITEMS];
        struct wire_heads got,
            want = {random_u64(r), random_u64(r), random_i64(r), random_below(r, ITEMS + 1), heads};
        for (unsigned i = 0; i < ITEMS; i++)
            heads[i] = (struct wire_stream_head){random_stream(r), random_u64(r)};
        wire_pack_heads(&want, &t.bytes);
        assert_read(&t, wire_unpack_heads(buf_slice(&t.bytes), &t.arena, &got, &t.err),
                    decode_heads);
        ck_assert_uint_eq(got.epoch, want.epoch);
        ck_assert_uint_eq(got.offset, want.offset);
        ck_assert_int_eq(got.time_ms, want.time_ms);
        ck_assert_uint_eq(got.head_count, want.head_count);
        for (uint32_t i = 0; i < want.head_count; i++) {
            assert_same_stream(&got.heads[i].stream, &heads[i].stream);
            ck_assert_uint_eq(got.heads[i].number, heads[i].number);
        }
    }
    trip_end(&t);
}
END_TEST

/* Between services. */

static int decode_fetch(struct slice s, struct arena *arena, struct err *err)
{
    (void)arena;
    struct wire_fetch fetch;
    return wire_unpack_fetch(s, &fetch, err);
}

static int decode_commits(struct slice s, struct arena *arena, struct err *err)
{
    (void)arena;
    struct wire_commits commits;
    return wire_unpack_commits(s, &commits, err);
}

START_TEST(the_pull_of_the_journal_comes_back_as_it_went)
{
    struct trip t = trip_of(40);
    while (trip_next(&t)) {
        struct random *r = &t.random;
        struct wire_fetch fetch, want = {random_u64(r), random_u32(r), random_u32(r), {0}};
        random_bytes(r, want.previous_hash, HASH_BYTES);
        wire_pack_fetch(&want, &t.bytes);
        assert_read(&t, wire_unpack_fetch(buf_slice(&t.bytes), &fetch, &t.err), decode_fetch);
        ck_assert_uint_eq(fetch.from_offset, want.from_offset);
        ck_assert_uint_eq(fetch.bytes_max, want.bytes_max);
        ck_assert_uint_eq(fetch.wait_ms, want.wait_ms);
        ck_assert_mem_eq(fetch.previous_hash, want.previous_hash, HASH_BYTES);
        struct wire_commits got,
            sent = {random_u64(r), random_u32(r), random_u64(r), random_i64(r)};
        buf_clear(&t.bytes);
        wire_pack_commits(&sent, &t.bytes);
        assert_read(&t, wire_unpack_commits(buf_slice(&t.bytes), &got, &t.err), decode_commits);
        ck_assert_uint_eq(got.first_offset, sent.first_offset);
        ck_assert_uint_eq(got.commit_count, sent.commit_count);
        ck_assert_uint_eq(got.head_offset, sent.head_offset);
        ck_assert_int_eq(got.head_time_ms, sent.head_time_ms);
    }
    ck_assert_int_eq(decode_exact(decode_fetch, NULL, 0), ERR_INVALID);
    trip_end(&t);
}
END_TEST

static int decode_health(struct slice s, struct arena *arena, struct err *err)
{
    struct wire_health health;
    return wire_unpack_health(s, arena, &health, err);
}

START_TEST(health_comes_back_as_it_went)
{
    struct trip t = trip_of(41);
    while (trip_next(&t)) {
        struct random *r = &t.random;
        struct wire_health got, want = {.service = random_text(r),
                                        .version = random_text(r),
                                        .ready = random_bool(r),
                                        .state = random_text(r),
                                        .detail = random_text(r),
                                        .offset = random_u64(r),
                                        .head_offset = random_u64(r),
                                        .time_ms = random_i64(r),
                                        .clock_ms = random_i64(r),
                                        .commit_number = random_u64(r),
                                        .replay = random_bool(r)};
        random_bytes(r, want.head_hash, HASH_BYTES);
        wire_pack_health(&want, &t.bytes);
        assert_read(&t, wire_unpack_health(buf_slice(&t.bytes), &t.arena, &got, &t.err),
                    decode_health);
        ck_assert_str_eq(got.service, want.service);
        ck_assert_str_eq(got.version, want.version);
        ck_assert_int_eq(got.ready, want.ready);
        ck_assert_str_eq(got.state, want.state);
        ck_assert_str_eq(got.detail, want.detail);
        ck_assert_uint_eq(got.offset, want.offset);
        ck_assert_uint_eq(got.head_offset, want.head_offset);
        ck_assert_int_eq(got.time_ms, want.time_ms);
        ck_assert_int_eq(got.clock_ms, want.clock_ms);
        ck_assert_mem_eq(got.head_hash, want.head_hash, HASH_BYTES);
        ck_assert_uint_eq(got.commit_number, want.commit_number);
        ck_assert_int_eq(got.replay, want.replay);
    }
    trip_end(&t);
}
END_TEST

START_TEST(spool_state_and_counters_come_back_as_they_went)
{
    struct buf bytes = {0};
    struct arena arena;
    const char *text;
    uint64_t number = 1;
    arena_init(&arena, 0);
    wire_pack_spool_state(0, &bytes);
    ck_assert_int_eq(wire_unpack_spool_state(buf_slice(&bytes), &number, NULL), 0);
    ck_assert_uint_eq(number, 0);
    wire_pack_spool_state(UINT64_MAX, &bytes);
    ck_assert_int_eq(wire_unpack_spool_state(buf_slice(&bytes), &number, NULL), 0);
    ck_assert_uint_eq(number, UINT64_MAX);
    buf_clear(&bytes);
    wire_pack_counters("rows{refusal=\"bad_code\"} 7\nrows_total 9\n", &bytes);
    ck_assert_int_eq(wire_unpack_counters(buf_slice(&bytes), &arena, &text, NULL), 0);
    ck_assert_str_eq(text, "rows{refusal=\"bad_code\"} 7\nrows_total 9\n");
    arena_fini(&arena);
    buf_fini(&bytes);
}
END_TEST

static int decode_failure(struct slice s, struct arena *arena, struct err *err)
{
    (void)arena;
    struct err failure;
    return wire_unpack_failure(s, &failure, err);
}

START_TEST(a_failure_becomes_the_error_it_was)
{
    struct buf bytes = {0};
    struct err out = {0};
    struct random r = {42};
    wire_pack_failure(ERR_CORRUPT, "chuỗi băm không khớp", &bytes);
    ck_assert_int_eq(wire_unpack_failure(buf_slice(&bytes), &out, NULL), 0);
    ck_assert_int_eq(out.code, ERR_CORRUPT);
    ck_assert_str_eq(out.text, "chuỗi băm không khớp");
    attack(decode_failure, &bytes, &r);
    ck_assert_int_eq(decode_exact(decode_failure, NULL, 0), ERR_INVALID);
    buf_fini(&bytes);
}
END_TEST

/* A sentence may quote what came in: it must not make the answer unreadable. */
START_TEST(a_sentence_that_quotes_rubbish_arrives_mended)
{
    struct buf bytes = {0};
    struct err out = {0};
    wire_pack_failure(ERR_INVALID, "mã \xC3x\x1By\xC2\x85z ở xã Đại Hợp", &bytes);
    ck_assert_int_eq(wire_unpack_failure(buf_slice(&bytes), &out, NULL), 0);
    ck_assert_str_eq(out.text, "mã ?x?y?"
                               "?z ở xã Đại Hợp");
    buf_fini(&bytes);
}
END_TEST

SUITE_MAIN("wire_query", a_query_comes_back_as_it_went, too_many_questions_are_refused,
           answers_come_back_as_they_went, a_trace_request_comes_back_as_it_went,
           a_trace_comes_back_as_it_went, a_request_for_units_comes_back_as_it_went,
           units_come_back_as_they_went, updates_and_snapshots_come_back_as_they_went,
           a_request_for_a_snapshot_comes_back_as_it_went, heads_come_back_as_they_went,
           the_pull_of_the_journal_comes_back_as_it_went, health_comes_back_as_it_went,
           spool_state_and_counters_come_back_as_they_went, a_failure_becomes_the_error_it_was,
           a_sentence_that_quotes_rubbish_arrives_mended)
