#include "tests/support/suite.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/arena.h"

enum { PIECES = 2000 };

static void fill_and_check(struct arena *a)
{
    unsigned char *pieces[PIECES];
    for (size_t i = 0; i < PIECES; i++) {
        size_t bytes = i * 7 % 300;
        pieces[i] = arena_alloc(a, bytes);
        ck_assert_msg((uintptr_t)pieces[i] % _Alignof(max_align_t) == 0, "piece %zu at %p", i,
                      (void *)pieces[i]);
        memset(pieces[i], (int)(i & 0xFF), bytes);
    }
    for (size_t i = 0; i < PIECES; i++)
        for (size_t at = 0; at < i * 7 % 300; at++)
            if (pieces[i][at] != (i & 0xFF)) /* an assertion that holds is slow */
                ck_abort_msg("piece %zu holds %u at %zu", i, pieces[i][at], at);
}

START_TEST(pieces_are_aligned_and_do_not_overlap)
{
    struct arena a;
    arena_init(&a, 1 << 16);
    for (int round = 0; round < 3; round++) {
        fill_and_check(&a);
        arena_reset(&a);
    }
    arena_fini(&a);
    arena_fini(NULL);
}
END_TEST

START_TEST(a_steady_load_gets_the_same_memory_again)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    for (int round = 0; round < 2; round++) { /* the second fits in what the first left */
        for (int i = 0; i < 50; i++)
            arena_alloc(&a, 1000);
        arena_reset(&a);
    }
    void *first = arena_alloc(&a, 1000);
    arena_reset(&a);
    ck_assert_ptr_eq(arena_alloc(&a, 1000), first);
    arena_fini(&a);
}
END_TEST

START_TEST(more_than_it_may_keep_is_given_back)
{
    struct arena a;
    arena_init(&a, 0);
    arena_alloc(&a, 100);
    arena_reset(&a);
    ck_assert_ptr_null(a.blocks);
    arena_reset(&a);
    arena_fini(&a);
}
END_TEST

START_TEST(a_piece_larger_than_any_block_is_given)
{
    struct arena a;
    arena_init(&a, 1 << 12);
    char *before = arena_string(&a, "before", 6);
    memset(arena_alloc(&a, 5 << 20), 1, 5 << 20);
    ck_assert_str_eq(before, "before");
    arena_fini(&a);
}
END_TEST

START_TEST(strings_are_copied_and_terminated)
{
    struct arena a;
    arena_init(&a, 0);
    ck_assert_str_eq(arena_string(&a, "abcdef", 3), "abc");
    ck_assert_str_eq(arena_string(&a, NULL, 0), "");
    arena_fini(&a);
}
END_TEST

START_TEST(arrays_grow_and_keep_what_they_hold)
{
    void *memory = NULL;
    size_t capacity = 0;
    for (size_t i = 0; i < 1000; i++) {
        alloc_reserve(&memory, &capacity, i + 1, sizeof(uint32_t));
        ((uint32_t *)memory)[i] = (uint32_t)i;
    }
    for (size_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(((uint32_t *)memory)[i], i);
    ck_assert_uint_ge(capacity, 1000);
    free(memory);
}
END_TEST

START_TEST(nothing_is_still_a_pointer)
{
    void *a = alloc_bytes(0), *b = alloc_zeroed(0, 8), *c = alloc_resize(NULL, 0, 8);
    ck_assert(a != NULL && b != NULL && c != NULL);
    free(a);
    free(b);
    free(c);
}
END_TEST

START_TEST(a_product_that_wraps_stops_the_process)
{
    alloc_zeroed(SIZE_MAX / 4, 8);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        pieces_are_aligned_and_do_not_overlap,
        a_steady_load_gets_the_same_memory_again,
        more_than_it_may_keep_is_given_back,
        a_piece_larger_than_any_block_is_given,
        strings_are_copied_and_terminated,
        arrays_grow_and_keep_what_they_hold,
        nothing_is_still_a_pointer,
    };
    Suite *suite = suite_create("arena");
    TCase *cases = tcase_create("arena");
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(cases, tests[i]);
    tcase_add_test_raise_signal(cases, a_product_that_wraps_stops_the_process, SIGABRT);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
