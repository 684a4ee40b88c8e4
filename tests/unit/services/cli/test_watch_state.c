/* A subscriber's copy: whole after snapshot and updates, and aware of what it missed. */
#include "services/cli/watch_state.h"
#include "tests/support/suite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct {
    unsigned changes;
    struct watch_cell last;
    unsigned wanted;
    char subtree[IDENT_BYTES_MAX + 1];
} seen;

static void on_change(void *arg, const struct watch_cell *cell)
{
    (void)arg;
    seen.changes++;
    seen.last = *cell;
}

static void on_want(void *arg, const struct wire_stream *stream)
{
    (void)arg;
    seen.wanted++;
    snprintf(seen.subtree, sizeof seen.subtree, "%s", stream->subtree.text);
}

static struct wire_cells cells(uint64_t epoch, uint64_t number, const char *subtree,
                               struct wire_cell *list, uint32_t count)
{
    struct wire_cells u = {.epoch = epoch, .number = number, .cell_count = count, .cells = list};
    ident_set(&u.stream.indicator, slice_str("a"));
    snprintf(u.stream.subtree.text, sizeof u.stream.subtree.text, "%s", subtree);
    return u;
}

static struct wire_cell cell(const char *unit, day_t day, int64_t amount)
{
    struct wire_cell c = {.day = day, .amount = amount, .figures = amount != 0};
    ident_set(&c.unit, slice_str(unit));
    return c;
}

static bool heads(struct watch_state *w, uint64_t epoch, uint64_t number, const char *subtree)
{
    struct wire_stream_head head = {.number = number};
    struct wire_heads h = {.epoch = epoch, .head_count = 1, .heads = &head};
    ident_set(&head.stream.indicator, slice_str("a"));
    snprintf(head.stream.subtree.text, sizeof head.stream.subtree.text, "%s", subtree);
    seen.wanted = 0;
    return watch_heads(w, &h, NULL, on_want, NULL);
}

static void snapshot(struct watch_state *w, const struct wire_cells *u)
{
    watch_snapshot(w, u, &u->stream);
}

START_TEST(heads_want_a_snapshot_of_what_is_not_held)
{
    struct watch_state *w = watch_create(on_change, NULL);
    struct wire_cell one = cell("31", 5, 10);
    ck_assert(!heads(w, 7, 3, "@"));
    ck_assert_uint_eq(seen.wanted, 1);
    ck_assert_str_eq(seen.subtree, "@");
    struct wire_cells snap = cells(7, 3, "@", &one, 1);
    snapshot(w, &snap);
    ck_assert(heads(w, 7, 3, "@"));
    ck_assert_int_eq(seen.last.total, 10);
    watch_destroy(w);
}
END_TEST

START_TEST(updates_follow_one_another_and_a_gap_is_noticed)
{
    struct watch_state *w = watch_create(on_change, NULL);
    struct wire_cell c[2] = {cell("31", 5, 10), cell("31", 6, 4)};
    heads(w, 7, 3, "@");
    struct wire_cells snap = cells(7, 3, "@", c, 2);
    snapshot(w, &snap);
    seen.changes = 0;
    struct wire_cell changed = cell("31", 6, 9);
    struct wire_cells old = cells(7, 3, "@", &changed, 1), next = cells(7, 4, "@", &changed, 1),
                      gap = cells(7, 6, "@", &changed, 1);
    ck_assert(watch_update(w, &old)); /* it is in the snapshot */
    ck_assert_uint_eq(seen.changes, 0);
    ck_assert(watch_update(w, &next));
    ck_assert_uint_eq(seen.changes, 1);
    ck_assert_int_eq(seen.last.before, 4);
    ck_assert_int_eq(seen.last.total, 19);
    ck_assert(!watch_update(w, &gap));
    ck_assert(!heads(w, 7, 6, "@"));
    ck_assert_uint_eq(seen.wanted, 1);
    watch_destroy(w);
}
END_TEST

START_TEST(a_total_runs_up_to_its_day)
{
    struct watch_state *w = watch_create(on_change, NULL);
    struct wire_cell c[3] = {cell("31", 9, -14), cell("31", 5, 10), cell("31", 6, 4)};
    ck_assert(!watch_holds_any(w));
    heads(w, 7, 3, "@");
    struct wire_cells snap = cells(7, 3, "@", c, 3);
    snapshot(w, &snap);
    ck_assert(watch_holds_any(w));
    ck_assert_int_eq(seen.last.total, 14); /* of day 6: what goes over on day 9 is still there */
    struct wire_cell gone = cell("31", 9, -15);
    struct wire_cells next = cells(7, 4, "@", &gone, 1);
    ck_assert(watch_update(w, &next));
    ck_assert_int_eq(seen.last.total, -1);
    watch_destroy(w);
}
END_TEST

START_TEST(what_a_later_snapshot_lacks_is_gone)
{
    struct watch_state *w = watch_create(on_change, NULL);
    struct wire_cell c[2] = {cell("31", 5, 10), cell("311", 5, 10)};
    heads(w, 7, 1, "@");
    struct wire_cells snap = cells(7, 1, "@", c, 2), later = cells(7, 5, "@", c, 1);
    snapshot(w, &snap);
    seen.changes = 0;
    snapshot(w, &later);
    ck_assert_uint_eq(seen.changes, 1);
    ck_assert_str_eq(seen.last.unit, "311");
    ck_assert_int_eq(seen.last.amount, 0);
    ck_assert_int_eq(seen.last.total, 0);
    watch_destroy(w);
}
END_TEST

START_TEST(a_new_epoch_takes_everything_anew_and_drops_what_is_left)
{
    struct watch_state *w = watch_create(on_change, NULL);
    struct wire_cell a = cell("311", 5, 10), b = cell("312", 5, 3);
    heads(w, 7, 1, "311");
    struct wire_cells before = cells(7, 1, "311", &a, 1), after = cells(8, 1, "312", &b, 1);
    snapshot(w, &before);
    ck_assert(heads(w, 7, 1, "311"));
    ck_assert(!heads(w, 8, 1, "312"));
    snapshot(w, &after);
    seen.changes = 0;
    ck_assert(heads(w, 8, 1, "312"));
    ck_assert_uint_eq(seen.changes, 1);
    ck_assert_str_eq(seen.last.unit, "311");
    ck_assert_int_eq(seen.last.amount, 0);
    watch_destroy(w);
}
END_TEST

START_TEST(a_refused_stream_that_is_heard_is_asked_for_again)
{
    struct watch_state *w = watch_create(on_change, NULL);
    struct wire_cell one = cell("312", 5, 10);
    struct wire_cells denied = cells(7, 0, "312", NULL, 0), heard = cells(7, 2, "312", &one, 1);
    denied.code = ERR_DENIED;
    heads(w, 7, 1, "312");
    snapshot(w, &denied);
    ck_assert(heads(w, 7, 1, "312"));
    ck_assert(!watch_update(w, &heard));
    ck_assert(!heads(w, 7, 2, "312"));
    ck_assert_uint_eq(seen.wanted, 1);
    watch_destroy(w);
}
END_TEST

START_TEST(a_stream_of_another_subtree_is_not_asked_for_again)
{
    struct watch_state *w = watch_create(on_change, NULL);
    heads(w, 7, 1, "312");
    struct wire_cells denied = cells(7, 0, "312", NULL, 0);
    denied.code = ERR_DENIED;
    snapshot(w, &denied);
    ck_assert(heads(w, 7, 2, "312"));
    ck_assert_uint_eq(seen.wanted, 0);
    watch_destroy(w);
}
END_TEST

SUITE_MAIN("cli/watch_state", heads_want_a_snapshot_of_what_is_not_held,
           updates_follow_one_another_and_a_gap_is_noticed, a_total_runs_up_to_its_day,
           what_a_later_snapshot_lacks_is_gone,
           a_new_epoch_takes_everything_anew_and_drops_what_is_left,
           a_refused_stream_that_is_heard_is_asked_for_again,
           a_stream_of_another_subtree_is_not_asked_for_again)
