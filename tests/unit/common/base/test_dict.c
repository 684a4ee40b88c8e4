#include "tests/support/suite.h"

#include <stdio.h>

#include "common/base/dict.h"

enum { MANY = 20000 };

static struct slice name(char out[16], int i)
{
    int len = snprintf(out, 16, "u%d", i);
    return slice_of(out, (size_t)len);
}

START_TEST(strings_are_numbered_in_the_order_they_came)
{
    struct dict *d = dict_create();
    char text[16];
    for (int i = 0; i < MANY; i++)
        ck_assert_uint_eq(dict_add(d, name(text, i)), (unsigned)i);
    for (int i = 0; i < MANY; i++) {
        ck_assert_uint_eq(dict_add(d, name(text, i)), (unsigned)i);
        ck_assert_uint_eq(dict_find(d, name(text, i)), (unsigned)i);
        ck_assert_str_eq(dict_text(d, (uint32_t)i), text);
    }
    ck_assert_uint_eq(dict_count(d), MANY);
    ck_assert_uint_eq(dict_find(d, name(text, MANY)), DICT_NONE);
    dict_destroy(d);
}
END_TEST

START_TEST(an_empty_dictionary_finds_nothing)
{
    struct dict *d = dict_create();
    ck_assert_uint_eq(dict_find(d, slice_str("a")), DICT_NONE);
    ck_assert_uint_eq(dict_count(d), 0);
    dict_destroy(d);
    dict_destroy(NULL);
}
END_TEST

START_TEST(length_tells_strings_apart)
{
    struct dict *d = dict_create();
    ck_assert_uint_eq(dict_add(d, slice_of("\0\0", 2)), 0);
    ck_assert_uint_eq(dict_add(d, slice_of("\0", 1)), 1);
    ck_assert_uint_eq(dict_add(d, slice_of(NULL, 0)), 2);
    ck_assert_uint_eq(dict_add(d, slice_str("12345678")), 3);
    ck_assert_uint_eq(dict_add(d, slice_str("123456789")), 4);
    ck_assert_uint_eq(dict_find(d, slice_str("")), 2);
    ck_assert_uint_eq(dict_find(d, slice_of("\0", 1)), 1);
    dict_destroy(d);
}
END_TEST

START_TEST(a_text_stays_where_it_is_while_others_are_added)
{
    struct dict *d = dict_create();
    char text[16];
    dict_add(d, slice_str("11341"));
    const char *first = dict_text(d, 0);
    for (int i = 0; i < MANY; i++)
        dict_add(d, name(text, i));
    ck_assert_ptr_eq(dict_text(d, 0), first);
    ck_assert_str_eq(first, "11341");
    dict_destroy(d);
}
END_TEST

START_TEST(a_copy_goes_its_own_way)
{
    struct dict *d = dict_create();
    char text[16];
    for (int i = 0; i < 100; i++)
        dict_add(d, name(text, i));
    struct dict *copy = dict_copy(d);
    ck_assert_uint_eq(dict_add(d, slice_str("left")), 100);
    ck_assert_uint_eq(dict_add(copy, slice_str("right")), 100);
    ck_assert_uint_eq(dict_find(copy, slice_str("left")), DICT_NONE);
    dict_destroy(d);
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(dict_find(copy, name(text, i)), (unsigned)i);
    ck_assert_str_eq(dict_text(copy, 99), "u99");
    dict_destroy(copy);
}
END_TEST

START_TEST(an_empty_dictionary_is_copied)
{
    struct dict *d = dict_create();
    struct dict *copy = dict_copy(d);
    ck_assert_uint_eq(dict_find(copy, slice_str("a")), DICT_NONE);
    ck_assert_uint_eq(dict_add(copy, slice_str("a")), 0);
    dict_destroy(copy);
    dict_destroy(d);
}
END_TEST

SUITE_MAIN("dict", strings_are_numbered_in_the_order_they_came, an_empty_dictionary_finds_nothing,
           length_tells_strings_apart, a_text_stays_where_it_is_while_others_are_added,
           a_copy_goes_its_own_way, an_empty_dictionary_is_copied)
