/* Questions that wait: who is served when, what is too much, and the timer that wakes for them. */
#include "common/net/loop.h"
#include "common/service/waiting.h"
#include "common/service/wake_timer.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

enum { MOST = 4, BYTES_MAX = 10 };

/* Serves what is asked up to `reached`, and notes the messages in turn. */
struct desk {
    struct waiting waiting;
    uint64_t reached;
    char served[64];
};

static bool is_due(void *owner, const struct waiter *w)
{
    const struct desk *d = owner;
    return w->not_before <= d->reached;
}

static void serve(void *owner, const struct waiter *w)
{
    struct desk *d = owner;
    size_t len = strlen(d->served);
    snprintf(d->served + len, sizeof d->served - len, "%.*s ", (int)w->message.len,
             (const char *)w->message.data);
}

static int ask(struct desk *d, const char *message, uint64_t not_before, uint32_t wait_ms,
               struct err *e)
{
    struct waiter w = {.not_before = not_before};
    return waiting_add(&d->waiting, &w, slice_str(message), wait_ms, e);
}

static void must_ask(struct desk *d, const char *message, uint64_t not_before, uint32_t wait_ms)
{
    struct err e = {0};
    ck_assert_msg(ask(d, message, not_before, wait_ms, &e) == 0, "%s: %s", message, e.text);
}

static int64_t serve_at(struct desk *d, int64_t now_ms)
{
    d->served[0] = '\0';
    return waiting_serve(&d->waiting, now_ms, is_due, serve, d);
}

START_TEST(those_who_are_due_are_served_in_turn_and_the_others_stay)
{
    struct desk d = {0};
    waiting_init(&d.waiting, MOST, BYTES_MAX);
    must_ask(&d, "a", 3, 50000);
    must_ask(&d, "b", 9, 50000);
    must_ask(&d, "c", 2, 50000);
    d.reached = 3;
    int64_t now_ms = loop_now_ms();
    int64_t next_ms = serve_at(&d, now_ms);
    ck_assert_str_eq(d.served, "a c ");
    ck_assert_uint_eq(d.waiting.count, 1);
    ck_assert_uint_eq(d.waiting.bytes, 1);
    ck_assert_int_gt(next_ms, now_ms);
    ck_assert_int_le(next_ms, now_ms + 50000);
    d.reached = 9;
    ck_assert_int_eq(serve_at(&d, now_ms), INT64_MAX);
    ck_assert_str_eq(d.served, "b ");
    ck_assert_uint_eq(d.waiting.bytes, 0);
    waiting_fini(&d.waiting);
}
END_TEST

START_TEST(whose_time_is_over_is_served_though_not_due)
{
    struct desk d = {0};
    waiting_init(&d.waiting, MOST, BYTES_MAX);
    int64_t before_ms = loop_now_ms();
    must_ask(&d, "short", 9, 100);
    must_ask(&d, "long", 9, 50000);
    ck_assert_int_gt(serve_at(&d, before_ms), before_ms + 99);
    ck_assert_str_eq(d.served, "");
    serve_at(&d, loop_now_ms() + 100);
    ck_assert_str_eq(d.served, "short ");
    waiting_fini(&d.waiting);
}
END_TEST

START_TEST(nobody_waits_longer_than_a_minute)
{
    struct desk d = {0};
    waiting_init(&d.waiting, MOST, BYTES_MAX);
    must_ask(&d, "a", 9, UINT32_MAX);
    ck_assert_int_eq(serve_at(&d, loop_now_ms() + 60000), INT64_MAX);
    ck_assert_str_eq(d.served, "a ");
    waiting_fini(&d.waiting);
}
END_TEST

static const struct {
    const char *reason;
    unsigned count;
    const char *message;
    const char *sentence; /* to one more */
} limits[] = {
    {"as many as may", MOST, "ab", "4 questions wait already: ask again later"},
    {"their bytes", 2, "abcd", "2 questions wait already: ask again later"},
};

START_TEST(one_too_many_is_sent_away_until_another_is_served)
{
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct desk d = {0};
        struct err e = {0};
        waiting_init(&d.waiting, MOST, BYTES_MAX);
        for (unsigned k = 0; k < limits[i].count; k++)
            must_ask(&d, limits[i].message, k, 50000);
        int rc = ask(&d, limits[i].message, 0, 50000, &e);
        ck_assert_msg(rc == ERR_AGAIN, "%s: %d", limits[i].reason, rc);
        ck_assert_str_eq(e.text, limits[i].sentence);
        serve_at(&d, loop_now_ms());
        must_ask(&d, limits[i].message, 9, 50000);
        waiting_fini(&d.waiting);
    }
}
END_TEST

/* --- the timer that wakes for them */

static void count_round(void *rounds)
{
    ++*(int *)rounds;
}

START_TEST(the_earliest_of_what_is_waited_for_wakes)
{
    static const int64_t delays_ms[][2] = {{600000, 1}, {1, 600000}};
    for (size_t i = 0; i < sizeof delays_ms / sizeof *delays_ms; i++) {
        struct wake_timer w = {0};
        struct loop *loop = loop_create();
        int rounds = 0;
        loop_after(loop, count_round, &rounds);
        wake_timer_set(&w, loop, delays_ms[i][0]);
        wake_timer_set(&w, loop, delays_ms[i][1]);
        while (w.id != 0)
            ck_assert_int_eq(loop_round(loop, -1, NULL), 0);
        ck_assert_int_gt(rounds, 0);
        ck_assert_int_ge(loop_now_ms(), w.due_ms);
        loop_destroy(loop);
    }
}
END_TEST

SUITE_MAIN("service/waiting", those_who_are_due_are_served_in_turn_and_the_others_stay,
           whose_time_is_over_is_served_though_not_due, nobody_waits_longer_than_a_minute,
           one_too_many_is_sent_away_until_another_is_served,
           the_earliest_of_what_is_waited_for_wakes)
