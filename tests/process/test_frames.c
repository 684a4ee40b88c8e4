/* What the aggregator hands to those who judge: by whom it may be pulled, when it comes, and that
 * it is the same after whatever happened. */
#include "common/wire/frame_wire.h"
#include "tests/support/province.h"
#include "tests/support/suite.h"

#include <stdio.h>

enum { WAIT_MS = 30000, MINUTE_MS = 60000, FRAMES_MAX = 64 };

struct world {
    struct cluster c;
    struct net_keypair commune_keys;
    struct peer commune;
    struct arena arena;
    int64_t time_ms;
};

static void open_world(struct world *w)
{
    arena_init(&w->arena, 1 << 20);
    cluster_open(&w->c, "frames");
    cluster_start(&w->c);
    province_apply(&w->c);
    province_add_target(&w->c);
    w->time_ms = PROVINCE_TIME_MS;
    cluster_add_producer(&w->c, "xa", ROLE_SUBMIT, province_code, &w->commune_keys);
    cluster_peer_collector(&w->c, &w->commune, &w->commune_keys);
}

static void close_world(struct world *w)
{
    peer_close(&w->commune);
    cluster_close(&w->c);
    arena_fini(&w->arena);
}

static uint64_t tick(struct world *w)
{
    struct wire_apply a = {.kind = WIRE_APPLY_REPLAY_TICK, .time_ms = w->time_ms += MINUTE_MS};
    return cluster_apply(&w->c, &a);
}

static uint64_t report(struct world *w, const char *unit, int64_t value)
{
    struct batch batch = province_batch(&w->arena, unit, "classes", PROVINCE_DAY, OP_SET, value);
    struct wire_submit_answer answer;
    struct err e = {0};
    int rc = peer_submit(&w->commune, &batch, NULL, &answer, &e);
    ck_assert_msg(rc == 0 && answer.refusal == 0 && answer.refused_count == 0, "%d %s", rc, e.text);
    return answer.offset;
}

/* --- pulling */

static void ask(struct peer *p, uint64_t id, uint64_t after, uint32_t bytes_max, uint32_t wait_ms)
{
    struct wire_frames_request request = {after, bytes_max, wait_ms};
    struct wire_head head = {WIRE_VERSION, WIRE_FRAMES, id, {{0}}};
    uint8_t bytes[WIRE_HEAD_BYTES];
    struct buf message = {0};
    wire_pack_frames_request(&request, &message);
    wire_head_encode(&head, bytes);
    struct slice frames[] = {slice_of(bytes, sizeof bytes), buf_slice(&message)};
    peer_send(p, frames, 2);
    buf_fini(&message);
}

/* The code of a Failure, or 0; the frames live until the next receive. */
static int take(struct peer *p, uint64_t id, struct wire_frames *out, struct slice *frames)
{
    struct err e = {0}, why = {0};
    peer_receive(p, id);
    if (p->head.kind == (WIRE_FAILURE | WIRE_ANSWER)) {
        ck_assert_int_eq(wire_unpack_failure(p->reply.frames[1], &why, &e), 0);
        return why.code;
    }
    ck_assert_int_eq(p->head.kind, WIRE_FRAMES | WIRE_ANSWER);
    ck_assert_msg(wire_unpack_frames(p->reply.frames[1], out, &e) == 0, "%s", e.text);
    *frames = p->reply.frame_count > 2 ? p->reply.frames[2] : slice_of(NULL, 0);
    return 0;
}

/* All frames up to the tick at `until`, as bytes, pulled in answers of at most `bytes_max`. */
static struct buf pull_all(struct world *w, uint64_t until, uint32_t bytes_max)
{
    struct peer p;
    struct buf all = {0};
    struct arena arena;
    uint64_t after = 0;
    arena_init(&arena, 1 << 20);
    cluster_peer_aggregator(&w->c, &p, &w->c.notifier_keys);
    for (uint64_t id = 1; after < until; id++) {
        struct wire_frames told;
        struct wire_frame frame;
        struct slice frames;
        struct err e = {0};
        ask(&p, id, after, bytes_max, WAIT_MS);
        ck_assert_int_eq(take(&p, id, &told, &frames), 0);
        buf_bytes(&all, frames.data, frames.len);
        for (uint32_t i = 0; i < told.frame_count; i++) {
            ck_assert_msg(wire_unpack_frame(&frames, &arena, &frame, &e) == 0, "%s", e.text);
            ck_assert_uint_eq(frame.previous_offset, after);
            after = frame.offset;
        }
        ck_assert_uint_eq(frames.len, 0);
    }
    ck_assert_uint_eq(after, until);
    peer_close(&p);
    arena_fini(&arena);
    return all;
}

static void require_same(const struct buf *a, const struct buf *b, const char *when)
{
    ck_assert_msg(slice_equal(buf_slice(a), buf_slice(b)), "%s: %zu bytes of frames, not the %zu",
                  when, b->len, a->len);
}

/* --- what is in them */

static const struct wire_frame_cell *find_cell(const struct wire_frame *f, const char *unit)
{
    for (uint32_t i = 0; i < f->cell_count; i++)
        if (strcmp(f->cells[i].unit, unit) == 0 && strcmp(f->cells[i].indicator, "classes") == 0)
            return &f->cells[i];
    return NULL;
}

static void expect_cell(const struct wire_frame *f, const char *unit, int64_t amount)
{
    const struct wire_frame_cell *cell = find_cell(f, unit);
    ck_assert_msg(cell != NULL && cell->amount == amount, "%s: %lld, not %lld", unit,
                  cell ? (long long)cell->amount : -1, (long long)amount);
}

START_TEST(a_pull_that_waits_gets_the_next_tick_with_what_changed_and_nothing_else)
{
    struct world w = {0};
    struct peer p;
    struct wire_frames told;
    struct wire_frame frame = {0};
    struct slice frames;
    struct err e = {0};
    open_world(&w);
    report(&w, "11001", 5);
    uint64_t first = tick(&w);
    cluster_peer_aggregator(&w.c, &p, &w.c.notifier_keys);
    struct buf all = pull_all(&w, first, 0);
    struct slice rest = buf_slice(&all);
    while (rest.len > 0)
        ck_assert_msg(wire_unpack_frame(&rest, &w.arena, &frame, &e) == 0, "%s", e.text);
    ck_assert_msg(frame.everything, "a plan came");
    ck_assert_msg(frame.entry_count >= 3, "%u of catalogue, plans, producer", frame.entry_count);
    expect_cell(&frame, "11001", 5);
    expect_cell(&frame, province_code, 5);
    ask(&p, 77, first, 0, WAIT_MS);
    report(&w, "11002", 7);
    uint64_t second = tick(&w);
    ck_assert_int_eq(take(&p, 77, &told, &frames), 0);
    ck_assert_uint_eq(told.frame_count, 1);
    ck_assert_uint_eq(told.head_offset, second);
    ck_assert_int_eq(told.head_time_ms, w.time_ms);
    ck_assert_int_eq(wire_unpack_frame(&frames, &w.arena, &frame, &e), 0);
    ck_assert_uint_eq(frame.previous_offset, first);
    ck_assert_msg(!frame.everything && frame.entry_count == 0 && frame.cell_count == 3,
                  "%u cells: the commune, its district, the province", frame.cell_count);
    expect_cell(&frame, "11002", 7);
    expect_cell(&frame, "303", 12);
    buf_fini(&all);
    peer_close(&p);
    close_world(&w);
}
END_TEST

START_TEST(frames_are_the_same_after_a_kill_and_from_a_store_made_again)
{
    struct world w = {0};
    char store[TEMP_PATH_BYTES], away[TEMP_PATH_BYTES];
    uint64_t last = 0;
    open_world(&w);
    for (unsigned i = 0; i < FRAMES_MAX; i++) {
        report(&w, province_communes[i % PROVINCE_COMMUNES], i);
        if (i == FRAMES_MAX / 2)
            process_kill(&w.c.aggregator);
        last = tick(&w);
    }
    cluster_start(&w.c);
    struct buf before = pull_all(&w, last, 0);
    process_kill(&w.c.aggregator);
    cluster_start(&w.c);
    struct buf after = pull_all(&w, last, 1);
    require_same(&before, &after, "after a kill, one at a time");
    ck_assert_int_eq(process_stop(&w.c.aggregator), 0);
    temp_dir_file(&w.c.dir, "aggregator", store);
    temp_dir_file(&w.c.dir, "aggregator.away", away);
    ck_assert_int_eq(rename(store, away), 0);
    cluster_start(&w.c);
    struct buf anew = pull_all(&w, last, 3000);
    require_same(&before, &anew, "made again");
    cluster_verify(&w.c);
    buf_fini(&before);
    buf_fini(&after);
    buf_fini(&anew);
    close_world(&w);
}
END_TEST

static int code_of(struct world *w, const struct net_keypair *keys, uint64_t after)
{
    struct peer p;
    struct wire_frames told;
    struct slice frames;
    cluster_peer_aggregator(&w->c, &p, keys);
    ask(&p, 5, after, 0, 0);
    int rc = take(&p, 5, &told, &frames);
    peer_close(&p);
    return rc;
}

START_TEST(only_a_service_key_pulls_and_only_behind_a_tick)
{
    struct world w = {0};
    struct net_keypair watcher, service;
    open_world(&w);
    cluster_add_producer(&w.c, "watcher", ROLE_SUBSCRIBE, province_code, &watcher);
    uint64_t keyed = cluster_add_producer(&w.c, "judge", ROLE_SERVICE, NULL, &service);
    uint64_t last = tick(&w);
    struct buf all = pull_all(&w, last, 0); /* by then the keys are known */
    ck_assert_int_eq(code_of(&w, &w.c.notifier_keys, last), 0);
    ck_assert_int_eq(code_of(&w, &service, last), 0);
    ck_assert_int_eq(code_of(&w, &watcher, last), ERR_DENIED);
    ck_assert_int_eq(code_of(&w, &w.c.operator_keys, last), ERR_DENIED);
    ck_assert_msg(code_of(&w, &service, keyed) == ERR_CORRUPT, "a producer change is no tick");
    ck_assert_msg(code_of(&w, &service, last + 1000) == 0, "not come to yet: no frames");
    buf_fini(&all);
    close_world(&w);
}
END_TEST

SUITE_MAIN("process/frames",
           a_pull_that_waits_gets_the_next_tick_with_what_changed_and_nothing_else,
           frames_are_the_same_after_a_kill_and_from_a_store_made_again,
           only_a_service_key_pulls_and_only_behind_a_tick)
