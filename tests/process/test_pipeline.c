/* A figure's whole way through the real programs: over encrypted sockets into the journal, from
 * there into the ledger, and back as an answer, a snapshot or an update. */
#include "tests/support/province.h"
#include "tests/support/suite.h"

#include "common/model/day.h"

#include <time.h>

enum { PATIENCE_MS = PEER_PATIENCE_MS };

/* --- a province, and the officer of its district 303 */

struct world {
    struct cluster c;
    struct net_keypair officer;
    struct peer office; /* the officer at the collector */
    struct arena arena;
};

static void open_world(struct world *w)
{
    arena_init(&w->arena, 1 << 16);
    cluster_open(&w->c, "pipeline");
    cluster_start(&w->c);
    province_apply(&w->c);
    uint64_t offset =
        cluster_add_producer(&w->c, "303.office", ROLE_SUBMIT | ROLE_SUBSCRIBE, "303", &w->officer);
    province_sum(&w->c, province_code, "classes", offset); /* the aggregator knows the key */
    cluster_peer_collector(&w->c, &w->office, &w->officer);
}

static void close_world(struct world *w)
{
    peer_close(&w->office);
    cluster_close(&w->c);
    arena_fini(&w->arena);
}

/* The third row is another district's. */
static struct batch report(struct world *w)
{
    static const struct province_row rows[] = {
        {"11001", "classes", "2024-09-04", OP_SET, 7},
        {"11002", "classes", "2024-09-04", OP_SET, 5},
        {"11101", "classes", "2024-09-04", OP_SET, 900},
        {"11001", "classes", "2024-09-03", OP_SET, 4},
    };
    return province_batch_of(&w->arena, rows, sizeof rows / sizeof *rows);
}

static struct wire_submit_answer submit(struct world *w)
{
    struct wire_submit_answer answer;
    struct err e = {0};
    struct batch batch = report(w);
    int rc = peer_submit(&w->office, &batch, NULL, &answer, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    return answer;
}

static struct ident ident_of(const char *text)
{
    struct ident id = {""};
    ck_assert(ident_set(&id, slice_str(text)));
    return id;
}

static day_t day_from(const char *text)
{
    day_t day = DAY_NEVER;
    ck_assert_int_eq(day_parse(slice_str(text), &day, NULL), 0);
    return day;
}

/* --- one figure */

START_TEST(a_figure_comes_back_with_its_coverage)
{
    struct world w;
    struct peer p;
    struct wire_query_reply reply;
    struct err e = {0};
    open_world(&w);
    struct wire_question question = {.unit = ident_of("303"),
                                     .indicator = ident_of("classes"),
                                     .first = day_from("2024-09-01"),
                                     .last = day_from("2024-09-30")};
    struct wire_query query = {.question_count = 1,
                               .questions = &question,
                               .not_before = submit(&w).offset,
                               .wait_ms = PATIENCE_MS / 2};
    cluster_peer_aggregator(&w.c, &p, &w.officer);
    int rc = peer_query(&p, &query, &reply, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    ck_assert_uint_eq(reply.answer_count, 1);
    const struct wire_answer *answer = &reply.answers[0];
    ck_assert_int_eq(answer->code, 0);
    ck_assert(answer->has_value);
    ck_assert_int_eq(answer->value, 16);
    ck_assert_uint_eq(answer->figures, 3);
    ck_assert_uint_eq(answer->owed, 120); /* four communes, 30 days */
    ck_assert_uint_eq(answer->reported, 3);
    ck_assert_uint_eq(answer->on_time, 2); /* of the third of September it came a day late */
    ck_assert_str_eq(answer->source.text, "hkh");
    peer_close(&p);
    close_world(&w);
}
END_TEST

START_TEST(a_row_outside_the_scope_is_refused_alone)
{
    struct world w;
    open_world(&w);
    struct wire_submit_answer answer = submit(&w);
    ck_assert_uint_eq(answer.refusal, REFUSAL_NONE);
    ck_assert_uint_eq(answer.accepted_rows, 3);
    ck_assert_uint_eq(answer.refused_count, 1);
    ck_assert_uint_eq(answer.refused_rows[0], 2);
    ck_assert_uint_eq(answer.refused_codes[0], REFUSAL_OUT_OF_SCOPE);
    close_world(&w);
}
END_TEST

/* Same spool, over a link of its own. */
static void kill_collector(struct world *w)
{
    struct spool_id spool = w->office.spool;
    peer_close(&w->office);
    process_kill(&w->c.collector);
    cluster_start(&w->c);
    cluster_peer_collector(&w->c, &w->office, &w->officer);
    w->office.spool = spool;
}

static void keep_answer(const struct peer *p, struct buf *out)
{
    buf_clear(out);
    buf_bytes(out, p->reply.frames[1].data, p->reply.frames[1].len);
}

START_TEST(the_same_batch_gets_the_same_bytes_again_even_after_a_kill)
{
    struct world w;
    struct buf first = {0}, again = {0};
    open_world(&w);
    submit(&w);
    keep_answer(&w.office, &first);
    for (unsigned life = 0; life < 2; life++) {
        if (life > 0)
            kill_collector(&w);
        w.office.next_number = 1;
        submit(&w);
        keep_answer(&w.office, &again);
        ck_assert_msg(slice_equal(buf_slice(&first), buf_slice(&again)), "in life %u", life);
    }
    cluster_verify(&w.c);
    buf_fini(&first);
    buf_fini(&again);
    close_world(&w);
}
END_TEST

/* The link still stands; another subscriber of the same scope still gets its answer. */
START_TEST(a_revoked_key_gets_no_answer_to_its_next_question)
{
    struct world w;
    struct peer p;
    struct wire_answer answer;
    struct err e = {0};
    open_world(&w);
    cluster_peer_aggregator(&w.c, &p, &w.officer);
    ck_assert_int_eq(province_ask(&p, "303", "classes", 0, &answer, &e), 0);
    uint64_t offset =
        cluster_change_key(&w.c, PRODUCER_KEY_REVOKE, "303.office", &w.officer.public_key);
    province_sum(&w.c, province_code, "classes", offset);
    int rc = province_ask(&p, "303", "classes", 0, &answer, &e);
    ck_assert_msg(rc == ERR_DENIED, "%d %s", rc, e.text);
    ck_assert_str_eq(e.text, "this key was revoked: ask provincial IT for a new one");
    peer_close(&p);
    close_world(&w);
}
END_TEST

static void expect_text(const char *program, const char *config, const char *mode, const char *one,
                        const char *other)
{
    const char *const arguments[] = {"--config", config, mode, NULL};
    struct buf out = {0};
    ck_assert_int_eq(process_run(program, arguments, &out, NULL), 0);
    const char *text = (const char *)out.data;
    ck_assert_msg(strstr(text, one) && strstr(text, other), "%s: neither \"%s\" nor \"%s\" in\n%s",
                  mode, one, other, text);
    buf_fini(&out);
}

START_TEST(the_journal_can_be_read_as_text)
{
    struct world w;
    open_world(&w);
    submit(&w);
    expect_text("tonghop-collector", w.c.collector.config, "--quarantine", " 303.office ",
                "out_of_scope\n");
    expect_text("tonghop-collector", w.c.collector.config, "--dump-store", " batch ",
                "producer=303.office ");
    close_world(&w);
}
END_TEST

/* --- many at once */

enum { BURST = 4000 };

START_TEST(every_batch_of_a_burst_is_answered_in_order)
{
    struct world w;
    struct buf payload = {0};
    uint8_t bytes[WIRE_HEAD_BYTES];
    open_world(&w);
    struct batch batch = report(&w);
    wire_pack_batch(&batch, &payload);
    for (uint64_t i = 1; i <= BURST; i++) {
        struct wire_head head = {WIRE_VERSION, WIRE_SUBMIT, i, w.office.spool};
        wire_head_encode(&head, bytes);
        struct slice frames[] = {slice_of(bytes, sizeof bytes), buf_slice(&payload)};
        peer_send(&w.office, frames, 2);
    }
    for (uint64_t i = 1; i <= BURST; i++)
        peer_receive(&w.office, i);
    buf_fini(&payload);
    close_world(&w);
}
END_TEST

START_TEST(a_queue_below_a_round_is_refused_with_the_line)
{
    struct cluster c;
    struct buf said = {0};
    cluster_open(&c, "pipeline");
    c.options.collector_more = "queue:\n  messages: 10\n";
    cluster_configure(&c);
    const char *const check[] = {"--config", c.collector.config, "--check-config", NULL};
    ck_assert_int_eq(process_run("tonghop-collector", check, NULL, &said), 3);
    const char *text = (const char *)said.data;
    ck_assert_msg(strstr(text, "queue.messages is 10 and round.messages 4096"), "%s", text);
    buf_fini(&said);
    cluster_close(&c);
}
END_TEST

/* --- time */

START_TEST(a_live_journal_has_the_clocks_time_and_nobody_moves_it)
{
    struct cluster c;
    struct peer p;
    struct wire_health health;
    struct err e = {0};
    struct wire_apply tick = {.kind = WIRE_APPLY_REPLAY_TICK, .time_ms = PROVINCE_TIME_MS};
    cluster_open(&c, "pipeline");
    c.options.live = true;
    cluster_configure(&c);
    cluster_start(&c);
    cluster_peer_collector(&c, &p, &c.operator_keys);
    int rc = peer_apply(&p, &tick, NULL, &e);
    ck_assert_msg(rc == ERR_INVALID && strstr(e.text, "replay mode"), "%d %s", rc, e.text);
    rc = peer_ask_health(&p, &health, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    int64_t behind_ms = (int64_t)time(NULL) * 1000 - health.time_ms;
    ck_assert_msg(!health.replay && behind_ms > -2000 && behind_ms < PATIENCE_MS,
                  "the journal is %lld ms behind the clock", (long long)behind_ms);
    peer_close(&p);
    cluster_close(&c);
}
END_TEST

/* --- the feed */

static struct net_socket *subscribe(struct world *w, const struct net_keypair *self)
{
    struct net_socket *s;
    struct err e = {0};
    int rc = net_connect(w->c.net, NET_SUB, w->c.feed_ipc, &w->c.aggregator_keys.public_key, self,
                         &s, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    ck_assert_int_eq(net_subscribe(s, slice_str("")), 0);
    return s;
}

/* The next message of which the topic begins with `prefix`. */
static void hear(struct net_socket *s, const char *prefix, struct net_message *m)
{
    for (;;) {
        ck_assert_int_eq(net_wait(s, PATIENCE_MS), 0);
        if (net_receive(s, m) != 0)
            continue;
        ck_assert_uint_eq(m->frame_count, 2);
        struct slice topic = m->frames[0];
        if (topic.len >= strlen(prefix) && memcmp(topic.data, prefix, strlen(prefix)) == 0)
            return;
        net_message_clear(m);
    }
}

static uint64_t hear_epoch(struct world *w, struct net_socket *s)
{
    struct net_message m;
    struct wire_heads heads;
    hear(s, "h/", &m);
    ck_assert_int_eq(wire_unpack_heads(m.frames[1], &w->arena, &heads, NULL), 0);
    net_message_clear(&m);
    return heads.epoch;
}

static struct wire_cells take_snapshot(struct world *w, const struct net_keypair *keys,
                                       const char *subtree)
{
    struct wire_stream stream = {.indicator = ident_of("classes")};
    struct wire_cells snapshot;
    struct buf message = {0};
    struct slice reply;
    struct peer p;
    struct err e = {0};
    ck_assert(wire_subtree_parse(slice_str(subtree), &stream));
    wire_pack_snapshot_request(&stream, &message);
    cluster_peer_aggregator(&w->c, &p, keys);
    int rc = peer_ask(&p, WIRE_SNAPSHOT, buf_slice(&message), &reply, &e);
    if (rc == 0)
        rc = wire_unpack_snapshot(reply, &w->arena, &snapshot, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    peer_close(&p);
    buf_fini(&message);
    return snapshot;
}

static void expect_same_cells(const struct wire_cells *a, const struct wire_cells *b)
{
    ck_assert_uint_eq(a->cell_count, b->cell_count);
    for (uint32_t i = 0; i < a->cell_count; i++) {
        const struct wire_cell *x = &a->cells[i], *y = &b->cells[i];
        ck_assert_str_eq(x->unit.text, y->unit.text);
        ck_assert_int_eq(x->day, y->day);
        ck_assert_int_eq(x->amount, y->amount);
        ck_assert_int_eq(x->figures, y->figures);
        ck_assert_uint_eq(x->reported, y->reported);
        ck_assert_uint_eq(x->on_time, y->on_time);
    }
}

START_TEST(an_update_tells_what_the_snapshot_behind_it_has)
{
    struct world w;
    struct net_message m;
    struct wire_cells update;
    open_world(&w);
    struct net_socket *s = subscribe(&w, &w.officer);
    uint64_t epoch = hear_epoch(&w, s);
    uint64_t offset = submit(&w).offset;
    hear(s, "s/", &m);
    ck_assert_int_eq(wire_unpack_update(m.frames[1], &w.arena, &update, NULL), 0);
    net_message_clear(&m);
    ck_assert_str_eq(update.stream.subtree.text, "303");
    ck_assert_uint_eq(update.epoch, epoch);
    ck_assert_uint_eq(update.number, 1);
    ck_assert_uint_ge(update.offset, offset);
    ck_assert_uint_eq(update.cell_count, 5); /* two communes' cells and their district's */
    struct wire_cells snapshot = take_snapshot(&w, &w.officer, "303");
    ck_assert_uint_eq(snapshot.number, 1);
    expect_same_cells(&update, &snapshot);
    net_close(s);
    close_world(&w);
}
END_TEST

START_TEST(a_snapshot_has_the_streams_cells_and_keeps_to_the_scope)
{
    struct world w;
    open_world(&w);
    province_sum(&w.c, province_code, "classes", submit(&w).offset);
    ck_assert_uint_eq(take_snapshot(&w, &w.officer, "303").cell_count, 5);
    ck_assert_uint_eq(take_snapshot(&w, &w.c.operator_keys, "@31").cell_count, 2);
    ck_assert_int_eq(take_snapshot(&w, &w.officer, "304").code, ERR_DENIED);
    ck_assert_int_eq(take_snapshot(&w, &w.officer, "@31").code, ERR_DENIED);
    close_world(&w);
}
END_TEST

SUITE_MAIN("process/pipeline", a_figure_comes_back_with_its_coverage,
           a_row_outside_the_scope_is_refused_alone,
           the_same_batch_gets_the_same_bytes_again_even_after_a_kill,
           a_revoked_key_gets_no_answer_to_its_next_question, the_journal_can_be_read_as_text,
           every_batch_of_a_burst_is_answered_in_order,
           a_queue_below_a_round_is_refused_with_the_line,
           a_live_journal_has_the_clocks_time_and_nobody_moves_it,
           an_update_tells_what_the_snapshot_behind_it_has,
           a_snapshot_has_the_streams_cells_and_keeps_to_the_scope)
