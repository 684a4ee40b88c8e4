/* What the aggregator does when its store is full, when the journal it follows becomes another one,
 * when its store is not what the journal says, and when a late catalogue leaves figures without a
 * unit. */
#include "tests/support/province.h"
#include "tests/support/suite.h"

#include "common/wire/frame_wire.h"
#include "services/aggregator/aggregator_service.h"

#include <stdio.h>

struct world {
    struct cluster c;
    struct net_keypair keys;
    struct peer office; /* sends figures of the whole province */
    struct arena arena;
};

static void begin_world(struct world *w)
{
    arena_init(&w->arena, 1 << 20);
    cluster_open(&w->c, "aggregator");
}

static void settle_world(struct world *w)
{
    cluster_start(&w->c);
    province_apply(&w->c);
    cluster_add_producer(&w->c, "office", ROLE_SUBMIT, province_code, &w->keys);
    cluster_peer_collector(&w->c, &w->office, &w->keys);
}

static void close_world(struct world *w)
{
    peer_close(&w->office);
    cluster_close(&w->c);
    arena_fini(&w->arena);
}

static uint64_t submit(struct world *w, const struct batch *batch)
{
    struct wire_submit_answer answer;
    struct err e = {0};
    int rc = peer_submit(&w->office, batch, NULL, &answer, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    ck_assert_msg(answer.refusal == REFUSAL_NONE, "%s", refusal_name((enum refusal)answer.refusal));
    ck_assert_uint_eq(answer.refused_count, 0);
    return answer.offset;
}

static uint64_t submit_figure(struct world *w, const char *unit, int64_t value)
{
    struct batch batch = province_batch(&w->arena, unit, "classes", PROVINCE_DAY, OP_SET, value);
    return submit(w, &batch);
}

static void expect_sum(struct world *w, const char *unit, uint64_t not_before, int64_t wanted)
{
    int64_t got = province_sum(&w->c, unit, "classes", not_before);
    ck_assert_msg(got == wanted, "%s: %lld, not %lld", unit, (long long)got, (long long)wanted);
}

/* --- no more room */

enum { ROWS = 4000, BATCHES = 20, RETRIES_MS = 4000 /* the first two come after 1 s and 2 s */ };

struct filling {
    uint64_t offsets[BATCHES];
    int64_t sum; /* of each batch */
};

static void fill(struct world *w, struct filling *f)
{
    struct province_row *rows = arena_alloc(&w->arena, ROWS * sizeof *rows);
    f->sum = 0;
    for (unsigned i = 0; i < ROWS; i++) {
        rows[i] = (struct province_row){"11001", "calls", PROVINCE_DAY, OP_ADD, (int64_t)i};
        f->sum += rows[i].value;
    }
    struct batch batch = province_batch_of(&w->arena, rows, ROWS);
    for (unsigned i = 0; i < BATCHES; i++)
        f->offsets[i] = submit(w, &batch);
}

/* What is seen is what all batches up to some offset make, and that offset is told. */
static uint64_t expect_some_checkpoint(struct world *w, const struct filling *f)
{
    struct peer p;
    struct wire_question question = {0};
    struct wire_query query = {.question_count = 1, .questions = &question};
    struct wire_query_reply reply;
    struct err e = {0};
    int64_t expected = 0;
    ck_assert(ident_set(&question.unit, slice_str(province_code)));
    ck_assert(ident_set(&question.indicator, slice_str("calls")));
    ck_assert_int_eq(day_parse(slice_str(PROVINCE_DAY), &question.first, NULL), 0);
    question.last = question.first;
    cluster_peer_aggregator(&w->c, &p, &w->c.operator_keys);
    int rc = peer_query(&p, &query, &reply, &e);
    ck_assert_msg(rc == 0 && reply.answers[0].code == 0, "%s", e.text);
    uint64_t offset = reply.offset;
    for (unsigned i = 0; i < BATCHES && f->offsets[i] <= offset; i++)
        expected += f->sum;
    ck_assert_int_eq(reply.answers[0].value, expected);
    peer_close(&p);
    return offset;
}

/* A question that can have no answer passes the time. */
static void wait_for_retries(struct world *w, uint64_t beyond)
{
    struct peer p;
    struct wire_query query = {.not_before = beyond, .wait_ms = RETRIES_MS};
    struct wire_query_reply reply;
    struct err e = {0};
    cluster_peer_aggregator(&w->c, &p, &w->c.operator_keys);
    int rc = peer_query(&p, &query, &reply, &e);
    ck_assert_msg(rc == ERR_AGAIN, "%d %s", rc, e.text);
    peer_close(&p);
}

static void expect_health(struct world *w, const char *state)
{
    struct peer p;
    struct wire_health health;
    struct err e = {0};
    cluster_peer_aggregator(&w->c, &p, &w->c.operator_keys);
    int rc = peer_ask_health(&p, &health, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    ck_assert_msg(strcmp(health.state, state) == 0 && health.ready, "%s: %s", health.state,
                  health.detail);
    peer_close(&p);
}

/* --- who hears everything */

static struct net_socket *subscribe(struct world *w)
{
    struct net_socket *s;
    struct err e = {0};
    int rc = net_connect(w->c.net, NET_SUB, w->c.feed_ipc, &w->c.aggregator_keys.public_key,
                         &w->c.operator_keys, &s, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    ck_assert_int_eq(net_subscribe(s, slice_str("")), 0);
    ck_assert_int_eq(net_wait(s, PEER_PATIENCE_MS), 0);
    return s;
}

static uint64_t told_offset(struct world *w, const struct net_message *m)
{
    struct wire_heads heads;
    struct wire_cells update;
    if (*(const char *)m->frames[0].data == 'h')
        ck_assert_int_eq(wire_unpack_heads(m->frames[1], &w->arena, &heads, NULL), 0);
    else
        ck_assert_int_eq(wire_unpack_update(m->frames[1], &w->arena, &update, NULL), 0);
    return *(const char *)m->frames[0].data == 'h' ? heads.offset : update.offset;
}

/* Takes all that has come: nothing may be ahead of what the store has, for which a question asked
 * afterwards gets the offset. */
static void expect_heard(struct world *w, struct net_socket *s, const struct filling *f)
{
    struct net_message m;
    uint64_t last = 0;
    while (net_wait(s, 0) == 0 && net_receive(s, &m) == 0) {
        uint64_t offset = told_offset(w, &m);
        last = offset > last ? offset : last;
        net_message_clear(&m);
    }
    uint64_t stored = expect_some_checkpoint(w, f);
    ck_assert_msg(last > 0 && last <= stored, "%llu was told, the store has %llu",
                  (unsigned long long)last, (unsigned long long)stored);
}

/* Pulls are under way when a checkpoint fails, and their answers come afterwards: they are behind
 * where the store stands, and taken for its next part they would end the aggregator. */
START_TEST(a_full_store_is_told_once_and_its_figures_stand_until_it_is_raised)
{
    static struct world w;
    struct filling f;
    begin_world(&w);
    w.c.options.aggregator_map = "1MiB";
    cluster_configure(&w.c);
    settle_world(&w);
    expect_sum(&w, "31", submit_figure(&w, "11001", 5), 5);
    struct net_socket *subscriber = subscribe(&w);
    fill(&w, &f);
    process_await_log(&w.c.aggregator, "event=checkpoint_failed", 0);
    uint64_t last = submit_figure(&w, "11101", 3);
    uint64_t seen = expect_some_checkpoint(&w, &f);
    ck_assert_uint_lt(seen, f.offsets[BATCHES - 1]);
    expect_heard(&w, subscriber, &f);
    expect_sum(&w, "31", 0, 5);
    expect_health(&w, "store_full");
    wait_for_retries(&w, last);
    expect_heard(&w, subscriber, &f);
    ck_assert_uint_ge(cluster_aggregator_count(&w.c, "checkpoints_failed_total"), 2);
    ck_assert_uint_ge(cluster_aggregator_count(&w.c, "pulls_total{reason=\"stale\"}"), 1);
    ck_assert_uint_eq(process_log_count(&w.c.aggregator, "event=checkpoint_failed"), 1);

    net_close(subscriber);
    ck_assert_int_eq(process_stop(&w.c.aggregator), 0);
    w.c.options.aggregator_map = "64MiB";
    cluster_configure(&w.c);
    cluster_start(&w.c);
    expect_sum(&w, "31", last, 8);
    ck_assert_uint_ge(expect_some_checkpoint(&w, &f), last);
    expect_health(&w, "ready");
    cluster_verify(&w.c);
    close_world(&w);
}
END_TEST

/* --- another journal */

/* "mv" or "cp -r", of folders in the test's directory. */
static void move(const struct world *w, const char *how, const char *from, const char *to)
{
    struct buf command = {0};
    buf_printf(&command, "cd %s && %s %s %s", w->c.dir.path, how, from, to);
    int code = system((const char *)command.data);
    ck_assert_msg(code == 0, "%s: %d", (const char *)command.data, code);
    buf_fini(&command);
}

static void start_collector(struct world *w)
{
    process_start(&w->c.collector);
    process_await_ready(&w->c.collector);
}

static void stop_collector(struct world *w)
{
    peer_close(&w->office);
    ck_assert_int_eq(process_stop(&w->c.collector), 0);
}

/* Each from another commune, whose figures hold whatever spool they come from. */
static uint64_t submit_some(struct world *w, unsigned count, int64_t value)
{
    uint64_t offset = 0;
    for (unsigned i = 0; i < count; i++)
        offset = submit_figure(w, province_communes[i], value);
    return offset;
}

static const struct replacement {
    const char *reason;
    bool running;    /* the aggregator, while the journal is replaced */
    bool fresh;      /* by one that was begun anew; else by a backup */
    unsigned lost;   /* figures that the aggregator applied and the backup does not have */
    unsigned gained; /* figures that came after the backup was restored */
    const char *said;
} replacements[] = {
    {"a backup was restored under a running aggregator", true, false, 2, 0,
     "it is another journal, or this one was restored from a backup"},
    {"while the aggregator was away", false, false, 2, 0,
     "it is another journal, or this one was restored from a backup"},
    {"it has grown to the same length", false, false, 2, 2,
     "one of the two was restored from a backup"},
    {"and beyond", false, false, 2, 5, "one of the two was restored from a backup"},
    {"a journal begun anew", false, true, 0, 1, "one of the two was restored from a backup"},
};

static void lose_journal(struct world *w, const struct replacement *r)
{
    uint64_t offset = submit_figure(w, province_communes[PROVINCE_COMMUNES - 1], 5);
    stop_collector(w);
    move(w, "cp -r", "collector", "backup");
    start_collector(w);
    cluster_peer_collector(&w->c, &w->office, &w->keys);
    offset = r->lost > 0 ? submit_some(w, r->lost, 10) : offset;
    expect_sum(w, "31", offset, 10 * r->lost + 5);
    if (!r->running)
        ck_assert_int_eq(process_stop(&w->c.aggregator), 0);
    stop_collector(w);
    move(w, "mv", "collector", "lost");
}

static void replace_journal(struct world *w, const struct replacement *r)
{
    if (!r->fresh)
        move(w, "mv", "backup", "collector");
    start_collector(w);
    if (r->fresh) {
        province_apply(&w->c);
        cluster_add_producer(&w->c, "office", ROLE_SUBMIT, province_code, &w->keys);
    }
    cluster_peer_collector(&w->c, &w->office, &w->keys);
    submit_some(w, r->gained, 100);
}

static void expect_end(struct world *w, const struct replacement *r)
{
    struct process *p = &w->c.aggregator;
    unsigned ready = process_log_count(p, "event=ready");
    if (!r->running)
        process_start(p);
    int code = process_wait(p);
    ck_assert_msg(code == 1, "%s: it ended with %d", r->reason, code);
    ck_assert_msg(process_log_count(p, "event=ready") == ready, "%s: it served", r->reason);
    ck_assert_msg(process_log_count(p, r->said) == 1, "%s: not said: %s", r->reason, r->said);
    ck_assert_uint_eq(process_log_count(p, "this journal cannot be followed any further"), 1);
}

/* What the manual says to do when the journal is right: the store is put aside and made again. */
static void make_store_again(struct world *w)
{
    move(w, "mv", "aggregator", "aggregator.aside");
    cluster_start(&w->c);
    cluster_verify(&w->c);
}

START_TEST(a_replaced_journal_ends_the_aggregator)
{
    static struct world w;
    for (size_t i = 0; i < sizeof replacements / sizeof *replacements; i++) {
        const struct replacement *r = &replacements[i];
        begin_world(&w);
        settle_world(&w);
        lose_journal(&w, r);
        replace_journal(&w, r);
        expect_end(&w, r);
        make_store_again(&w);
        close_world(&w);
    }
}
END_TEST

/* --- verify */

static struct store *open_store(struct world *w)
{
    char directory[TEMP_PATH_BYTES];
    struct store_options options = aggregator_store_options;
    struct store *store = NULL;
    struct err e = {0};
    options.directory = temp_dir_file(&w->c.dir, "aggregator", directory);
    options.map_bytes = 1 << 30;
    ck_assert_msg(store_open(&store, &options, &e) == 0, "%s", e.text);
    return store;
}

/* Adds to the amount of the store's first cell, behind the aggregator's back; its name and amounts
 * as the dump has them. */
static void damage_first_cell(struct world *w)
{
    struct store *store = open_store(w);
    struct kv *kv;
    struct slice key, value;
    struct err e = {0};
    uint8_t key_copy[64], value_copy[64];
    ck_assert_msg(store_begin(store, true, &kv, &e) == 0, "%s", e.text);
    struct kv_cursor *cursor = kv_cursor_open(kv, LEDGER_CELLS);
    ck_assert(kv_cursor_move(cursor, KV_FIRST, &key, &value));
    ck_assert(key.len <= sizeof key_copy && value.len <= sizeof value_copy && value.len > 0);
    memcpy(key_copy, key.data, key.len);
    memcpy(value_copy, value.data, value.len);
    key.data = key_copy;
    value.data = value_copy;
    kv_cursor_close(cursor);
    value_copy[0] += 2; /* the amount comes first, as zigzag */
    kv_put(kv, LEDGER_CELLS, key, value);
    ck_assert_msg(store_commit(&kv, &e) == 0, "%s", e.text);
    store_close(store);
}

static void expect_difference(struct world *w)
{
    const char *const arguments[] = {"--config", w->c.aggregator.config, "--verify", NULL};
    struct buf out, err;
    int code = process_run(w->c.aggregator.program, arguments, &out, &err);
    const char *found = (const char *)out.data, *said = (const char *)err.data;
    ck_assert_msg(code == 1, "verify: %d\n%s%s", code, found, said);
    ck_assert_msg(strstr(found, "store:   cell classes 31 2024-09-05 8 1 1 1\n"
                                "journal: cell classes 31 2024-09-05 7 1 1 1\n"),
                  "%s", found);
    ck_assert_msg(strstr(said, "store and journal differ in 1 lines: stop the aggregator, move "
                               "its store away and let it be made again from the journal"),
                  "%s", said);
    buf_fini(&out);
    buf_fini(&err);
}

START_TEST(verify_names_the_cell_that_differs)
{
    static struct world w;
    begin_world(&w);
    settle_world(&w);
    expect_sum(&w, "31", submit_figure(&w, "11001", 7), 7);
    cluster_verify(&w.c);
    ck_assert_int_eq(process_stop(&w.c.aggregator), 0);
    damage_first_cell(&w);
    expect_difference(&w);
    make_store_again(&w);
    expect_sum(&w, "31", 0, 7);
    close_world(&w);
}
END_TEST

static void expect_nothing_to_compare(struct world *w)
{
    const char *const arguments[] = {"--config", w->c.aggregator.config, "--verify", NULL};
    struct buf out, err;
    int code = process_run(w->c.aggregator.program, arguments, &out, &err);
    const char *found = (const char *)out.data, *said = (const char *)err.data;
    ck_assert_msg(code == 0, "verify: %d\n%s%s", code, found, said);
    ck_assert_msg(strstr(found, "verify: the store holds no entry of the journal yet: there is "
                                "nothing to compare\n"),
                  "%s", found);
    buf_fini(&out);
    buf_fini(&err);
}

/* Before anything is journalled; and when a journal waits for its first follower. */
START_TEST(verify_of_a_store_that_holds_nothing_is_clean)
{
    static struct world w;
    begin_world(&w);
    store_close(open_store(&w));
    expect_nothing_to_compare(&w);
    process_start(&w.c.collector);
    process_await_ready(&w.c.collector);
    expect_nothing_to_compare(&w);
    close_world(&w);
}
END_TEST

/* --- figures without a unit */

static void expect_excluded(struct world *w, const char *wanted, uint64_t count)
{
    const char *const arguments[] = {"--config", w->c.aggregator.config, "--excluded", NULL};
    struct buf out;
    ck_assert_int_eq(process_run(w->c.aggregator.program, arguments, &out, NULL), 0);
    ck_assert_str_eq((const char *)out.data, wanted);
    ck_assert_uint_eq(cluster_aggregator_count(&w->c, "figures_excluded"), count);
    buf_fini(&out);
}

START_TEST(figures_that_a_late_catalogue_leaves_without_a_unit_are_listed)
{
    static const char none[] = "unit,indicator,day,source,value\n";
    static const char both[] = "unit,indicator,day,source,value\n"
                               "11001,classes,2024-09-04,hkh,4\n"
                               "11001,classes,2024-09-05,hkh,7\n";
    static const struct province_row rows[] = {{"11001", "classes", "2024-09-03", OP_SET, 2},
                                               {"11001", "classes", "2024-09-04", OP_SET, 4},
                                               {"11001", "classes", "2024-09-05", OP_SET, 7},
                                               {"11002", "classes", "2024-09-05", OP_SET, 1}};
    static struct world w;
    begin_world(&w);
    settle_world(&w);
    struct batch batch = province_batch_of(&w.arena, rows, sizeof rows / sizeof *rows);
    expect_sum(&w, "31", submit(&w, &batch), 8);
    expect_excluded(&w, none, 0);
    expect_sum(&w, "31", province_end_unit(&w.c, "11001", "2024-09-03"), 1);
    expect_excluded(&w, both, 2);
    ck_assert_uint_eq(process_log_count(&w.c.aggregator, "event=figures_excluded figures=2"), 1);
    ck_assert_int_eq(process_stop(&w.c.aggregator), 0);
    cluster_start(&w.c);
    expect_excluded(&w, both, 2);
    expect_sum(&w, "31", province_end_unit(&w.c, NULL, NULL), 8);
    expect_excluded(&w, none, 0);
    close_world(&w);
}
END_TEST

/* --- a frame that hardly fits */

enum { FORMER = 30000, CATALOGUES = 13, FRAME_MIB = 33 };

/* The bytes of all frames behind the tick at `after`, pulled as the notifier does. */
static size_t pull_frames(struct world *w, uint64_t after)
{
    struct peer p;
    struct wire_frames_request request = {.after_offset = after, .wait_ms = PEER_PATIENCE_MS / 2};
    struct buf message = {0};
    struct slice told;
    struct err e = {0};
    cluster_peer_aggregator(&w->c, &p, &w->c.notifier_keys);
    wire_pack_frames_request(&request, &message);
    int rc = peer_ask(&p, WIRE_FRAMES, buf_slice(&message), &told, &e);
    ck_assert_msg(rc == 0, "%d %s", rc, e.text);
    ck_assert_uint_eq(p.reply.frame_count, 3);
    size_t bytes = p.reply.frames[2].len;
    peer_close(&p);
    buf_fini(&message);
    return bytes;
}

/* All catalogues between two ticks are in one frame, which no other limit but its own may hold
 * back. */
START_TEST(a_frame_larger_than_all_other_messages_is_given)
{
    static struct world w;
    begin_world(&w);
    settle_world(&w);
    struct wire_apply tick = {.kind = WIRE_APPLY_REPLAY_TICK, .time_ms = PROVINCE_TIME_MS + 1};
    uint64_t before = cluster_apply(&w.c, &tick);
    for (uint32_t i = 0; i < CATALOGUES; i++)
        province_add_former(&w.c, FORMER + i);
    tick.time_ms++;
    cluster_apply(&w.c, &tick);
    size_t bytes = pull_frames(&w, before);
    ck_assert_msg(bytes > (size_t)FRAME_MIB << 20 && bytes <= WIRE_FRAME_BYTES_MAX, "%zu bytes",
                  bytes);
    close_world(&w);
}
END_TEST

SUITE_MAIN("process/aggregator", a_full_store_is_told_once_and_its_figures_stand_until_it_is_raised,
           a_replaced_journal_ends_the_aggregator, verify_names_the_cell_that_differs,
           verify_of_a_store_that_holds_nothing_is_clean,
           a_frame_larger_than_all_other_messages_is_given,
           figures_that_a_late_catalogue_leaves_without_a_unit_are_listed)
