#include "tests/support/suite.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

START_TEST(a_set_error_carries_its_code_and_sentence)
{
    struct err e;
    int rc = err_set(&e, ERR_FULL, "map full at %d GiB: raise %s", 1, "store.map_size");
    ck_assert_int_eq(rc, ERR_FULL);
    ck_assert_int_eq(e.code, ERR_FULL);
    ck_assert_str_eq(e.text, "map full at 1 GiB: raise store.map_size");
}
END_TEST

START_TEST(each_layer_puts_its_words_in_front)
{
    struct err e;
    err_set(&e, ERR_FULL, "map full");
    ck_assert_int_eq(err_wrap(&e, "open store %s", "/data/agg"), ERR_FULL);
    ck_assert_int_eq(err_wrap(&e, "start"), ERR_FULL);
    ck_assert_str_eq(e.text, "start: open store /data/agg: map full");
}
END_TEST

START_TEST(nobody_has_to_want_the_sentence)
{
    ck_assert_int_eq(err_set(NULL, ERR_IO, "%d", 1), ERR_IO);
    ck_assert_int_lt(err_wrap(NULL, "open"), 0);
}
END_TEST

START_TEST(errno_is_left_as_it_was)
{
    struct err e;
    errno = EDOM;
    err_set(&e, ERR_IO, "%s", strerror(ENOENT));
    err_wrap(&e, "open");
    ck_assert_int_eq(errno, EDOM);
}
END_TEST

START_TEST(the_old_text_may_be_an_argument)
{
    struct err e;
    err_set(&e, ERR_IO, "disk");
    err_set(&e, ERR_CORRUPT, "because of %s", e.text);
    ck_assert_str_eq(e.text, "because of disk");
}
END_TEST

static void fill(char *text, size_t len)
{
    memset(text, 'x', len);
    text[len] = '\0';
}

START_TEST(a_long_sentence_is_cut_and_says_so)
{
    struct {
        const char *reason;
        size_t len;
        bool cut;
    } rows[] = {
        {"just fits", ERR_TEXT_BYTES - 1, false},
        {"one too many", ERR_TEXT_BYTES, true},
        {"far too many", 3 * ERR_TEXT_BYTES, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[4 * ERR_TEXT_BYTES];
        struct err e;
        fill(text, rows[i].len);
        err_set(&e, ERR_INVALID, "%s", text);
        ck_assert_msg(strlen(e.text) == ERR_TEXT_BYTES - 1, "%s: %zu bytes", rows[i].reason,
                      strlen(e.text));
        bool cut = strcmp(e.text + ERR_TEXT_BYTES - 4, "...") == 0;
        ck_assert_msg(cut == rows[i].cut, "%s: ends in %s", rows[i].reason,
                      e.text + ERR_TEXT_BYTES - 4);
    }
}
END_TEST

START_TEST(a_cut_never_splits_a_character)
{
    char text[2 * ERR_TEXT_BYTES] = "";
    struct err e;
    for (size_t shift = 0; shift < 3; shift++) {
        fill(text, shift);
        while (strlen(text) < ERR_TEXT_BYTES)
            strcat(text, "\xE1\xBB\x87"); /* three bytes each */
        err_set(&e, ERR_INVALID, "%s", text);
        size_t len = strlen(e.text);
        ck_assert_msg((len - 3 - shift) % 3 == 0, "shift %zu: cut at %zu", shift, len - 3);
        ck_assert_str_eq(e.text + len - 3, "...");
    }
}
END_TEST

START_TEST(wrapping_a_full_sentence_keeps_the_front_and_cuts_the_end)
{
    char text[ERR_TEXT_BYTES];
    struct err e;
    fill(text, ERR_TEXT_BYTES - 1);
    err_set(&e, ERR_INVALID, "%s", text);
    err_wrap(&e, "line 7");
    ck_assert_uint_eq(strlen(e.text), ERR_TEXT_BYTES - 1);
    ck_assert(strncmp(e.text, "line 7: xxx", 11) == 0);
    ck_assert_str_eq(e.text + ERR_TEXT_BYTES - 4, "...");
}
END_TEST

START_TEST(every_code_has_a_name_of_its_own)
{
    for (int a = ERR_OK; a >= ERR_NET; a--)
        for (int b = a - 1; b >= ERR_NET; b--)
            ck_assert_str_ne(err_name(a), err_name(b));
    ck_assert_str_eq(err_name(ERR_NET - 1), "unknown");
    ck_assert_str_eq(err_name(1), "unknown");
}
END_TEST

START_TEST(a_failed_check_stops_the_process)
{
    int two = 2;
    require(two == 3);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_set_error_carries_its_code_and_sentence,
        each_layer_puts_its_words_in_front,
        nobody_has_to_want_the_sentence,
        errno_is_left_as_it_was,
        the_old_text_may_be_an_argument,
        a_long_sentence_is_cut_and_says_so,
        a_cut_never_splits_a_character,
        wrapping_a_full_sentence_keeps_the_front_and_cuts_the_end,
        every_code_has_a_name_of_its_own,
    };
    Suite *suite = suite_create("err");
    TCase *cases = tcase_create("err");
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(cases, tests[i]);
    tcase_add_test_raise_signal(cases, a_failed_check_stops_the_process, SIGABRT);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
