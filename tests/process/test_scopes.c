/* Who sees what when the tree, the day or the journal's head is not what it was when they asked:
 * two provinces under one aggregator, a district that goes from one to the other, questions about
 * entries that are not there. */
#include "tests/support/province.h"
#include "tests/support/suite.h"

#include "common/net/loop.h"

#include <stdio.h>

enum { WAIT_MS = PEER_PATIENCE_MS };

/* --- two provinces: 305 belongs to 31 until 2024-09-09, then to 33 */

#define MOVE_DAY "2024-09-10"
#define MOVED_TIME_MS (PROVINCE_TIME_MS + 5 * INT64_C(86400000))

static const struct {
    const char *code;
    const char *type;
    uint8_t level;
    const char *parent;
    const char *from;
    const char *to; /* NULL: still */
} units[] = {
    {"31", "province", 1, NULL, "2020-01-01", NULL},
    {"303", "district", 2, "31", "2020-01-01", NULL},
    {"11001", "commune", 3, "303", "2020-01-01", NULL},
    {"305", "district", 2, "31", "2020-01-01", "2024-09-09"},
    {"305", "district", 2, "33", MOVE_DAY, NULL},
    {"11201", "commune", 3, "305", "2020-01-01", NULL},
    {"33", "province", 1, NULL, "2020-01-01", NULL},
    {"11953", "commune", 3, "33", "2020-01-01", NULL},
};
enum { UNITS = sizeof units / sizeof *units };

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

static uint64_t apply_two_provinces(struct cluster *c)
{
    struct unit_span spans[UNITS] = {0};
    for (unsigned i = 0; i < UNITS; i++) {
        spans[i] = (struct unit_span){.code = ident_of(units[i].code),
                                      .from = day_from(units[i].from),
                                      .to = units[i].to ? day_from(units[i].to) : DAY_NEVER,
                                      .name = units[i].code,
                                      .type = units[i].type,
                                      .level = units[i].level};
        if (units[i].parent)
            spans[i].parent = ident_of(units[i].parent);
    }
    struct wire_apply a = {.kind = WIRE_APPLY_CATALOGUE,
                           .catalogue = {.spans = spans, .span_count = UNITS}};
    return cluster_apply(c, &a);
}

struct world {
    struct cluster c;
    struct net_keypair board; /* sees what is of 31 */
    struct net_keypair offices[2];
    struct peer office_31;
    struct peer office_33;
    struct arena arena;
};

/* Only 31 is known, and the aggregator knows the board. */
static void open_world(struct world *w)
{
    memset(w, 0, sizeof *w); /* not every test opens the second office */
    arena_init(&w->arena, 1 << 16);
    cluster_open(&w->c, "scopes");
    cluster_start(&w->c);
    province_apply(&w->c);
    cluster_add_producer(&w->c, "office.31", ROLE_SUBMIT, "31", &w->offices[0]);
    cluster_peer_collector(&w->c, &w->office_31, &w->offices[0]);
    uint64_t offset = cluster_add_producer(&w->c, "board", ROLE_SUBSCRIBE, "31", &w->board);
    province_sum(&w->c, "31", "classes", offset);
}

static uint64_t open_neighbour(struct world *w)
{
    apply_two_provinces(&w->c);
    uint64_t offset = cluster_add_producer(&w->c, "office.33", ROLE_SUBMIT, "33", &w->offices[1]);
    cluster_peer_collector(&w->c, &w->office_33, &w->offices[1]);
    return offset;
}

static void close_world(struct world *w)
{
    peer_close(&w->office_31);
    peer_close(&w->office_33);
    cluster_close(&w->c);
    arena_fini(&w->arena);
}

static uint64_t submit(struct world *w, struct peer *office, const char *unit, const char *day,
                       int64_t value)
{
    struct wire_submit_answer answer;
    struct err e = {0};
    struct batch b = province_batch(&w->arena, unit, "classes", day, OP_SET, value);
    int rc = peer_submit(office, &b, NULL, &answer, &e);
    ck_assert_msg(rc == 0 && answer.refusal == REFUSAL_NONE && answer.refused_count == 0,
                  "%s on %s: %s, %u rows refused", unit, day, e.text, answer.refused_count);
    return answer.offset;
}

/* --- what a subscriber hears, by the units of the cells */

struct heard {
    struct net_socket *socket;
    unsigned own;     /* 11001 */
    unsigned total;   /* 31 */
    unsigned moved;   /* 11201 */
    unsigned foreign; /* 33, 11953 */
    uint64_t epoch;
    uint64_t offset; /* of the last heads */
};

static void listen_to_all(struct world *w, struct heard *h)
{
    struct err e = {0};
    *h = (struct heard){0};
    int rc = net_connect(w->c.net, NET_SUB, w->c.feed_ipc, &w->c.aggregator_keys.public_key,
                         &w->board, &h->socket, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    ck_assert_int_eq(net_subscribe(h->socket, slice_str("")), 0);
}

static void take_cells(struct heard *h, const struct wire_cells *update)
{
    for (uint32_t i = 0; i < update->cell_count; i++) {
        const char *unit = update->cells[i].unit.text;
        h->own += strcmp(unit, "11001") == 0;
        h->total += strcmp(unit, "31") == 0;
        h->moved += strcmp(unit, "11201") == 0;
        h->foreign += strcmp(unit, "33") == 0 || strcmp(unit, "11953") == 0;
    }
}

static void take_message(struct heard *h, const struct net_message *m)
{
    struct arena arena;
    struct wire_cells update;
    struct wire_heads heads;
    arena_init(&arena, 0);
    ck_assert_uint_eq(m->frame_count, 2);
    if (slice_equal(m->frames[0], slice_str("h/"))) {
        ck_assert_int_eq(wire_unpack_heads(m->frames[1], &arena, &heads, NULL), 0);
        h->epoch = heads.epoch;
        h->offset = heads.offset;
    } else {
        ck_assert_int_eq(wire_unpack_update(m->frames[1], &arena, &update, NULL), 0);
        take_cells(h, &update);
    }
    arena_fini(&arena);
}

/* Heads are told after the updates of their beat. */
static void hear_until(struct heard *h, uint64_t offset)
{
    int64_t deadline_ms = loop_now_ms() + WAIT_MS;
    while (h->offset < offset) {
        struct net_message m;
        int rc = net_wait(h->socket, (int)(deadline_ms - loop_now_ms()));
        ck_assert_msg(rc == 0, "nothing of entry %llu is heard: %s", (unsigned long long)offset,
                      err_name(rc));
        if (net_receive(h->socket, &m) != 0)
            continue;
        take_message(h, &m);
        net_message_clear(&m);
    }
}

static void expect_heard(struct heard *h, uint64_t offset, unsigned own, unsigned total,
                         unsigned moved)
{
    h->own = h->total = h->moved = h->foreign = 0;
    hear_until(h, offset);
    ck_assert_msg(h->own == own && h->total == total && h->moved == moved && h->foreign == 0,
                  "cells heard: %u of 11001, %u of 31, %u of 11201, %u of the other province; "
                  "wanted %u, %u, %u, 0",
                  h->own, h->total, h->moved, h->foreign, own, total, moved);
}

/* When it subscribed, what it may see was everything. */
START_TEST(a_new_province_is_not_heard_under_the_key_of_the_old_one)
{
    struct world w;
    struct heard h;
    open_world(&w);
    listen_to_all(&w, &h);
    hear_until(&h, 1);
    uint64_t epoch = h.epoch;
    expect_heard(&h, submit(&w, &w.office_31, "11001", PROVINCE_DAY, 5), 1, 1, 0);
    hear_until(&h, open_neighbour(&w));
    ck_assert_uint_ne(h.epoch, epoch);
    expect_heard(&h, submit(&w, &w.office_33, "11953", PROVINCE_DAY, 7), 0, 0, 0);
    expect_heard(&h, submit(&w, &w.office_31, "11001", PROVINCE_DAY, 6), 1, 1, 0);
    net_close(h.socket);
    close_world(&w);
}
END_TEST

/* The tree is the same, the epoch too; what changes is the day. */
START_TEST(a_district_that_left_is_heard_until_the_day_it_leaves)
{
    struct world w;
    struct heard h;
    struct wire_apply tick = {.kind = WIRE_APPLY_REPLAY_TICK, .time_ms = MOVED_TIME_MS};
    open_world(&w);
    uint64_t offset = open_neighbour(&w);
    province_sum(&w.c, "33", "classes", offset);
    listen_to_all(&w, &h);
    hear_until(&h, offset);
    expect_heard(&h, submit(&w, &w.office_31, "11201", PROVINCE_DAY, 3), 0, 1, 1);
    uint64_t epoch = h.epoch;
    hear_until(&h, cluster_apply(&w.c, &tick));
    expect_heard(&h, submit(&w, &w.office_31, "11201", PROVINCE_DAY, 4), 0, 1, 0);
    ck_assert_uint_eq(h.epoch, epoch);
    net_close(h.socket);
    close_world(&w);
}
END_TEST

static int ask_snapshot(struct world *w, const char *subtree, struct wire_cells *out)
{
    struct wire_stream stream = {.indicator = ident_of("classes")};
    struct buf message = {0};
    struct slice reply;
    struct peer p;
    struct err e = {0};
    ck_assert(wire_subtree_parse(slice_str(subtree), &stream));
    wire_pack_snapshot_request(&stream, &message);
    cluster_peer_aggregator(&w->c, &p, &w->board);
    int rc = peer_ask(&p, WIRE_SNAPSHOT, buf_slice(&message), &reply, &e);
    if (rc == 0)
        rc = wire_unpack_snapshot(reply, &w->arena, out, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    peer_close(&p);
    buf_fini(&message);
    return out->code;
}

START_TEST(each_province_has_a_total_of_its_own)
{
    struct world w;
    struct wire_cells cells;
    open_world(&w);
    open_neighbour(&w);
    submit(&w, &w.office_33, "11953", PROVINCE_DAY, 7);
    province_sum(&w.c, "31", "classes", submit(&w, &w.office_31, "11001", PROVINCE_DAY, 5));
    ck_assert_int_eq(ask_snapshot(&w, "@31", &cells), 0);
    ck_assert_uint_eq(cells.cell_count, 1);
    ck_assert_str_eq(cells.cells[0].unit.text, "31");
    ck_assert_int_eq(cells.cells[0].amount, 5);
    ck_assert_int_eq(ask_snapshot(&w, "303", &cells), 0);
    ck_assert_int_eq(ask_snapshot(&w, "@33", &cells), ERR_DENIED);
    ck_assert_int_eq(ask_snapshot(&w, "11953", &cells), ERR_DENIED);
    ck_assert_int_eq(ask_snapshot(&w, "@303", &cells), ERR_NOT_FOUND);
    ck_assert_int_eq(ask_snapshot(&w, "31", &cells), ERR_NOT_FOUND);
    close_world(&w);
}
END_TEST

/* --- the tree as it is told */

static struct wire_units_reply ask_units(struct world *w, const struct net_keypair *keys,
                                         const char *top)
{
    struct wire_units asked = {.day = day_from(PROVINCE_DAY), .depth = UINT32_MAX};
    struct wire_units_reply units_reply;
    struct buf message = {0};
    struct slice reply;
    struct peer p;
    struct err e = {0};
    if (top)
        asked.unit = ident_of(top);
    wire_pack_units(&asked, &message);
    cluster_peer_aggregator(&w->c, &p, keys);
    int rc = peer_ask(&p, WIRE_UNITS, buf_slice(&message), &reply, &e);
    if (rc == 0)
        rc = wire_unpack_units_reply(reply, &w->arena, &units_reply, &e);
    ck_assert_msg(rc == 0 && units_reply.code == 0, "%s", e.text);
    peer_close(&p);
    buf_fini(&message);
    return units_reply;
}

static void expect_unit(const struct wire_units_reply *r, uint32_t i, const char *code,
                        const char *parent)
{
    ck_assert_uint_lt(i, r->unit_count);
    ck_assert_str_eq(r->units[i].code.text, code);
    ck_assert_str_eq(r->units[i].parent.text, parent);
}

START_TEST(what_stands_above_the_scope_is_not_named)
{
    struct world w;
    struct net_keypair keys;
    open_world(&w);
    uint64_t offset = cluster_add_producer(&w.c, "303.board", ROLE_SUBSCRIBE, "303", &keys);
    province_sum(&w.c, "31", "classes", offset);
    struct wire_units_reply r = ask_units(&w, &keys, NULL);
    ck_assert_uint_eq(r.unit_count, 5);
    expect_unit(&r, 0, "303", "");
    expect_unit(&r, 1, "11001", "303");
    r = ask_units(&w, &keys, "11001");
    expect_unit(&r, 0, "11001", "303");
    r = ask_units(&w, &w.board, "303");
    expect_unit(&r, 0, "303", "31");
    close_world(&w);
}
END_TEST

/* --- questions about entries that are not there */

static struct buf question_of(uint64_t not_before)
{
    struct wire_question question = {.unit = ident_of("31"),
                                     .indicator = ident_of("classes"),
                                     .first = day_from(PROVINCE_DAY),
                                     .last = day_from(PROVINCE_DAY)};
    struct wire_query query = {
        .question_count = 1, .questions = &question, .not_before = not_before, .wait_ms = WAIT_MS};
    struct buf message = {0};
    wire_pack_query(&query, &message);
    return message;
}

static int ask_beyond(struct peer *p, uint64_t not_before, struct err *e)
{
    struct slice reply;
    struct buf message = question_of(not_before);
    int rc = peer_ask(p, WIRE_QUERY, buf_slice(&message), &reply, e);
    buf_fini(&message);
    return rc;
}

START_TEST(an_entry_that_the_journal_has_not_is_not_waited_for)
{
    struct world w;
    struct peer p;
    struct err e = {0};
    char head[64];
    open_world(&w);
    uint64_t offset = submit(&w, &w.office_31, "11001", PROVINCE_DAY, 5);
    int64_t began_ms = loop_now_ms();
    cluster_peer_aggregator(&w.c, &p, &w.board);
    int rc = ask_beyond(&p, UINT64_C(1) << 63, &e);
    snprintf(head, sizeof head, "its head is %llu", (unsigned long long)offset);
    ck_assert_msg(rc == ERR_INVALID && strstr(e.text, head), "%d %s", rc, e.text);
    ck_assert_int_lt(loop_now_ms() - began_ms, WAIT_MS / 2);
    rc = ask_beyond(&p, offset + 1, &e);
    ck_assert_msg(rc == ERR_INVALID, "%d %s", rc, e.text);
    rc = ask_beyond(&p, offset, &e);
    ck_assert_msg(rc == 0, "%d %s", rc, e.text);
    peer_close(&p);
    close_world(&w);
}
END_TEST

/* The collector being away, nobody can tell that there is no such entry: they wait. */
START_TEST(one_key_does_not_take_all_the_room_of_those_who_wait)
{
    enum { SHARE = 1024 / 16 };
    struct world w;
    struct peer greedy, other;
    struct wire_health health;
    struct err e = {0};
    open_world(&w);
    ck_assert_int_eq(process_stop(&w.c.collector), 0);
    cluster_peer_aggregator(&w.c, &greedy, &w.board);
    cluster_peer_aggregator(&w.c, &other, &w.c.operator_keys);
    struct buf message = question_of(UINT64_C(1) << 63);
    for (uint64_t id = 1000; id < 1000 + SHARE; id++) {
        uint8_t head[WIRE_HEAD_BYTES];
        wire_head_encode(&(struct wire_head){.version = WIRE_VERSION, .kind = WIRE_QUERY, .id = id},
                         head);
        const struct slice frames[] = {slice_of(head, sizeof head), buf_slice(&message)};
        peer_send(&greedy, frames, 2);
    }
    int rc = ask_beyond(&greedy, UINT64_C(1) << 63, &e);
    ck_assert_msg(rc == ERR_AGAIN && strstr(e.text, "64 questions of this key"), "%d %s", rc,
                  e.text);
    rc = peer_ask_health(&other, &health, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    ck_assert_uint_eq(
        cluster_aggregator_count(&w.c, "requests_refused_total{reason=\"too_many_wait\"}"), 1);
    buf_fini(&message);
    peer_close(&greedy);
    peer_close(&other);
    cluster_start(&w.c);
    close_world(&w);
}
END_TEST

SUITE_MAIN("process/scopes", a_new_province_is_not_heard_under_the_key_of_the_old_one,
           a_district_that_left_is_heard_until_the_day_it_leaves,
           each_province_has_a_total_of_its_own, what_stands_above_the_scope_is_not_named,
           an_entry_that_the_journal_has_not_is_not_waited_for,
           one_key_does_not_take_all_the_room_of_those_who_wait)
