#include "tests/support/memkv.h"
#include "tests/support/suite.h"

#include <signal.h>
#include <stdio.h>

enum { TABLES = 3, KEYS = 40, STEPS = 20000 };

/* The naive store: for each table and key, the value or -1. */
struct model {
    int values[TABLES][KEYS];
};

static void model_init(struct model *model)
{
    memset(model, 0xFF, sizeof *model);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 11;
}

/* Keys of one to three bytes, in the order of their numbers. */
static struct slice key_of(int number, uint8_t bytes[3])
{
    bytes[0] = (uint8_t)(number / 4);
    bytes[1] = 0;
    bytes[2] = (uint8_t)(number % 4);
    return slice_of(bytes, number % 4 == 0 ? 1 : 3);
}

static void put_number(struct kv *kv, unsigned table, int key, int value)
{
    uint8_t bytes[3];
    char text[16];
    snprintf(text, sizeof text, "%d", value);
    kv_put(kv, table, key_of(key, bytes), slice_str(text));
}

static int number_of(struct slice value)
{
    char text[16] = "";
    memcpy(text, value.data, value.len);
    return atoi(text);
}

static int get_number(struct kv *kv, unsigned table, int key)
{
    uint8_t bytes[3];
    struct slice value;
    return kv_get(kv, table, key_of(key, bytes), &value) ? number_of(value) : -1;
}

static void del_number(struct kv *kv, unsigned table, int key)
{
    uint8_t bytes[3];
    kv_del(kv, table, key_of(key, bytes));
}

static int model_next(const struct model *model, unsigned table, int from, int step)
{
    while (from >= 0 && from < KEYS && model->values[table][from] < 0)
        from += step;
    return from;
}

static void check_place(const struct model *model, unsigned table, int expected, bool found,
                        struct slice key, struct slice value)
{
    bool expect_found = expected >= 0 && expected < KEYS;
    /* An assertion that holds costs a write to a pipe: millions of them are made by hand. */
    if (found != expect_found)
        ck_abort_msg("table %u: key %d expected, found is %d", table, expected, found);
    if (!found)
        return;
    uint8_t bytes[3];
    if (!slice_equal(key, key_of(expected, bytes)) ||
        number_of(value) != model->values[table][expected])
        ck_abort_msg("table %u: key %d=%d expected, value %d found", table, expected,
                     model->values[table][expected], number_of(value));
}

static void check_walk(struct kv *kv, const struct model *model, unsigned table, enum kv_move start,
                       int from)
{
    int step = start == KV_LAST ? -1 : 1;
    struct kv_cursor *c = kv_cursor_open(kv, table);
    uint8_t bytes[3];
    struct slice key = key_of(from, bytes), value = {0};
    bool found = kv_cursor_move(c, start, &key, &value);
    int at = start == KV_FIRST ? 0 : start == KV_LAST ? KEYS - 1 : from;
    at = model_next(model, table, at, step);
    check_place(model, table, at, found, key, value);
    while (found) {
        found = kv_cursor_move(c, step < 0 ? KV_PREV : KV_NEXT, &key, &value);
        at = model_next(model, table, at + step, step);
        check_place(model, table, at, found, key, value);
    }
    kv_cursor_close(c);
}

static void check_content(struct kv *kv, const struct model *model)
{
    for (unsigned table = 0; table < TABLES; table++) {
        check_walk(kv, model, table, KV_FIRST, 0);
        check_walk(kv, model, table, KV_LAST, 0);
    }
}

struct run {
    uint64_t random;
    struct memkv *m;
    struct kv *kv;
    struct model committed;
    struct model seen; /* by the open transaction */
};

static void end_write(struct run *run)
{
    switch (next_random(&run->random) % 4) {
    case 0:
        memkv_abort(&run->kv);
        break;
    case 1:
        memkv_fail_commit_after(run->m, 1, ERR_FULL);
        ck_assert_int_eq(memkv_commit(&run->kv, NULL), ERR_FULL);
        break;
    case 2:
        memkv_crash(run->m);
        run->kv = NULL;
        break;
    default:
        ck_assert_int_eq(memkv_commit(&run->kv, NULL), 0);
        run->committed = run->seen;
    }
    ck_assert_ptr_null(run->kv);
    run->kv = memkv_begin(run->m, false);
    check_content(run->kv, &run->committed);
    memkv_abort(&run->kv);
    run->kv = memkv_begin(run->m, true);
    run->seen = run->committed;
}

static void random_step(struct run *run)
{
    unsigned table = next_random(&run->random) % TABLES;
    int key = (int)(next_random(&run->random) % KEYS);
    int value = (int)(next_random(&run->random) % 100000);
    switch (next_random(&run->random) % 16) {
    case 0:
        end_write(run);
        return;
    case 1:
        check_content(run->kv, &run->seen);
        return;
    case 2:
        check_walk(run->kv, &run->seen, table, KV_SEEK, key);
        return;
    case 3:
    case 4:
    case 5:
    case 6:
        del_number(run->kv, table, key);
        run->seen.values[table][key] = -1;
        return;
    case 7:
    case 8:
        ck_assert_int_eq(get_number(run->kv, table, key), run->seen.values[table][key]);
        return;
    default:
        put_number(run->kv, table, key, value);
        run->seen.values[table][key] = value;
    }
}

START_TEST(random_operations_agree_with_a_naive_store)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        printf("seed %u\n", (unsigned)seed); /* the last line before a failure names it */
        fflush(stdout);
        struct run run = {.random = seed * UINT64_C(0x9E3779B97F4A7C15)};
        model_init(&run.committed);
        model_init(&run.seen);
        run.m = memkv_create(TABLES);
        run.kv = memkv_begin(run.m, true);
        for (int i = 0; i < STEPS; i++)
            random_step(&run);
        memkv_destroy(run.m);
    }
}
END_TEST

START_TEST(a_fault_in_a_put_sticks_and_spoils_the_commit)
{
    struct memkv *m = memkv_create(1);
    struct kv *kv = memkv_begin(m, true);
    put_number(kv, 0, 1, 10);
    ck_assert_int_eq(memkv_commit(&kv, NULL), 0);
    memkv_fail_put_after(m, 2, ERR_FULL);
    kv = memkv_begin(m, true);
    put_number(kv, 0, 1, 11);
    ck_assert(!kv_failed(kv));
    put_number(kv, 0, 2, 20);
    ck_assert(kv_failed(kv));
    put_number(kv, 0, 3, 30);
    ck_assert_int_eq(get_number(kv, 0, 1), -1);
    ck_assert_ptr_null(kv_cursor_open(kv, 0));
    struct err e = {0};
    ck_assert_int_eq(memkv_commit(&kv, &e), ERR_FULL);
    ck_assert_msg(strstr(e.text, "table 0") != NULL, "%s", e.text);
    kv = memkv_begin(m, true);
    ck_assert_int_eq(get_number(kv, 0, 1), 10);
    ck_assert_uint_eq(memkv_count(m, 0), 1);
    put_number(kv, 0, 2, 20); /* it strikes once */
    ck_assert_int_eq(memkv_commit(&kv, NULL), 0);
    memkv_destroy(m);
}
END_TEST

START_TEST(the_nth_commit_fails_and_only_that)
{
    struct memkv *m = memkv_create(1);
    memkv_fail_commit_after(m, 3, ERR_IO);
    for (int i = 1; i <= 5; i++) {
        struct kv *reader = memkv_begin(m, false);
        ck_assert_int_eq(memkv_commit(&reader, NULL), 0); /* readers do not count */
        struct kv *kv = memkv_begin(m, true);
        put_number(kv, 0, i, i);
        ck_assert_int_eq(memkv_commit(&kv, NULL), i == 3 ? ERR_IO : 0);
    }
    ck_assert_uint_eq(memkv_count(m, 0), 4);
    memkv_fail_commit_after(m, 1, ERR_IO);
    memkv_fail_commit_after(m, 0, 0);
    struct kv *kv = memkv_begin(m, true);
    ck_assert_int_eq(memkv_commit(&kv, NULL), 0);
    memkv_destroy(m);
}
END_TEST

START_TEST(a_copy_goes_its_own_way_and_differences_are_named)
{
    struct memkv *m = memkv_create(2);
    struct kv *kv = memkv_begin(m, true);
    put_number(kv, 0, 1, 1);
    put_number(kv, 1, 2, 2);
    ck_assert_int_eq(memkv_commit(&kv, NULL), 0);
    struct memkv *copy = memkv_copy(m);
    struct buf difference = {0};
    ck_assert(memkv_equal(m, copy, &difference));
    ck_assert_uint_eq(difference.len, 0);
    kv = memkv_begin(copy, true);
    put_number(kv, 1, 2, 3);
    ck_assert_int_eq(memkv_commit(&kv, NULL), 0);
    ck_assert(!memkv_equal(m, copy, NULL));
    ck_assert(!memkv_equal(m, copy, &difference));
    ck_assert_str_eq((const char *)difference.data,
                     "table 1 (1 and 1 records), record 0: 000002=32 and 000002=33\n");
    memkv_destroy(m);
    kv = memkv_begin(copy, false);
    ck_assert_int_eq(get_number(kv, 0, 1), 1);
    memkv_abort(&kv);
    memkv_destroy(copy);
    buf_fini(&difference);
}
END_TEST

START_TEST(keys_have_1_to_511_bytes)
{
    uint8_t key[512] = {0};
    struct {
        size_t len;
        int rc;
    } rows[] = {{0, ERR_LIMIT}, {1, 0}, {511, 0}, {512, ERR_LIMIT}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct memkv *m = memkv_create(1);
        struct kv *kv = memkv_begin(m, true);
        kv_put(kv, 0, slice_of(key, rows[i].len), slice_str("v"));
        int rc = memkv_commit(&kv, NULL);
        ck_assert_msg(rc == rows[i].rc, "%zu bytes: %d", rows[i].len, rc);
        memkv_destroy(m);
    }
}
END_TEST

START_TEST(append_holds_to_its_promise)
{
    struct memkv *m = memkv_create(1);
    struct kv *kv = memkv_begin(m, true);
    kv_append(kv, 0, slice_str("a"), slice_str("1"));
    kv_append(kv, 0, slice_str("b"), slice_str("2"));
    ck_assert(!kv_failed(kv));
    kv_append(kv, 0, slice_str("b"), slice_str("3"));
    ck_assert_int_eq(memkv_commit(&kv, NULL), ERR_EXISTS);
    memkv_destroy(m);
}
END_TEST

START_TEST(an_empty_seek_is_the_first_and_no_answer_is_wanted)
{
    struct memkv *m = memkv_create(1);
    struct kv *kv = memkv_begin(m, true);
    struct kv_cursor *c = kv_cursor_open(kv, 0);
    ck_assert(!kv_cursor_move(c, KV_FIRST, NULL, NULL));
    ck_assert(!kv_cursor_move(c, KV_LAST, NULL, NULL));
    kv_put(kv, 0, slice_str("a"), slice_of(NULL, 0));
    struct slice key;
    ck_assert(kv_cursor_seek(c, slice_of(NULL, 0), &key, NULL));
    ck_assert(slice_equal(key, slice_str("a")));
    ck_assert(kv_cursor_seek(c, slice_str("a"), NULL, NULL));
    ck_assert(!kv_cursor_seek(c, slice_str("a0"), NULL, NULL));
    ck_assert(kv_get(kv, 0, slice_str("a"), NULL));
    ck_assert(!kv_cursor_move(NULL, KV_FIRST, NULL, NULL));
    kv_cursor_close(c);
    kv_cursor_close(NULL);
    memkv_abort(&kv);
    memkv_abort(&kv);
    memkv_destroy(m);
    memkv_destroy(NULL);
}
END_TEST

START_TEST(several_readers_live_side_by_side_and_a_crash_takes_all)
{
    struct memkv *m = memkv_create(1);
    struct kv *one = memkv_begin(m, false);
    struct kv *two = memkv_begin(m, false);
    ck_assert_ptr_nonnull(kv_cursor_open(one, 0));
    memkv_abort(&two);
    memkv_crash(m);
    struct kv *kv = memkv_begin(m, true);
    ck_assert_int_eq(memkv_commit(&kv, NULL), 0);
    memkv_destroy(m);
}
END_TEST

START_TEST(a_write_in_a_read_transaction_stops_the_process)
{
    struct memkv *m = memkv_create(1);
    put_number(memkv_begin(m, false), 0, 1, 1);
}
END_TEST

START_TEST(a_reader_beside_a_writer_stops_the_process)
{
    struct memkv *m = memkv_create(1);
    memkv_begin(m, true);
    memkv_begin(m, false);
}
END_TEST

START_TEST(a_cursor_moved_on_after_a_write_stops_the_process)
{
    struct memkv *m = memkv_create(1);
    struct kv *kv = memkv_begin(m, true);
    put_number(kv, 0, 1, 1);
    struct kv_cursor *c = kv_cursor_open(kv, 0);
    kv_cursor_move(c, KV_FIRST, NULL, NULL);
    put_number(kv, 0, 2, 2);
    kv_cursor_move(c, KV_NEXT, NULL, NULL);
}
END_TEST

START_TEST(a_cursor_left_open_stops_the_process)
{
    struct memkv *m = memkv_create(1);
    struct kv *kv = memkv_begin(m, false);
    kv_cursor_open(kv, 0);
    memkv_abort(&kv);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        random_operations_agree_with_a_naive_store,
        a_fault_in_a_put_sticks_and_spoils_the_commit,
        the_nth_commit_fails_and_only_that,
        a_copy_goes_its_own_way_and_differences_are_named,
        keys_have_1_to_511_bytes,
        append_holds_to_its_promise,
        an_empty_seek_is_the_first_and_no_answer_is_wanted,
        several_readers_live_side_by_side_and_a_crash_takes_all,
    };
    const TTest *const stops[] = {
        a_write_in_a_read_transaction_stops_the_process,
        a_reader_beside_a_writer_stops_the_process,
        a_cursor_moved_on_after_a_write_stops_the_process,
        a_cursor_left_open_stops_the_process,
    };
    Suite *suite = suite_create("memkv");
    TCase *cases = tcase_create("memkv");
    tcase_set_timeout(cases, 300);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(cases, tests[i]);
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
        tcase_add_test_raise_signal(cases, stops[i], SIGABRT);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
