#include "common/model/ident.h"

#include "tests/support/suite.h"

START_TEST(an_identifier_is_short_plain_text)
{
    static const struct {
        const char *text;
        bool valid;
        const char *reason;
    } rows[] = {
        {"11341", true, "a unit code"},
        {"registered-citizens_v2.1", true, "every kind of byte allowed"},
        {"a", true, "one byte"},
        {"01234567890123456789012345678901", true, "32 bytes"},
        {"012345678901234567890123456789012", false, "33 bytes"},
        {"", false, "empty"},
        {"gia vien", false, "a blank"},
        {"Viên", false, "a letter with diacritics"},
        {"a/b", false, "a slash"},
        {"a\n", false, "a line end"},
        {"@", false, "the byte before A"},
        {"[", false, "the byte after Z"},
        {"`", false, "the byte before a"},
        {"{", false, "the byte after z"},
        {":", false, "the byte after 9"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_msg(ident_valid(slice_str(rows[i].text)) == rows[i].valid, "'%s': %s",
                      rows[i].text, rows[i].reason);
    }
    ck_assert(!ident_valid(slice_of("a\0b", 3)));
}
END_TEST

START_TEST(a_refused_text_leaves_the_identifier_alone)
{
    struct ident id;
    ck_assert(ident_set(&id, slice_str("11341")));
    ck_assert(!ident_set(&id, slice_str("Gia Viên")));
    ck_assert_str_eq(id.text, "11341");
    ck_assert(slice_equal(ident_slice(&id), slice_str("11341")));
}
END_TEST

START_TEST(equal_identifiers_are_equal_bytes)
{
    struct ident a, b;
    memset(&a, 'x', sizeof a);
    memset(&b, 'y', sizeof b);
    ck_assert(ident_set(&a, slice_str("31")));
    ck_assert(ident_set(&b, slice_str("31")));
    ck_assert_int_eq(memcmp(&a, &b, sizeof a), 0);
    ck_assert(ident_equal(&a, &b));
    ck_assert(ident_set(&b, slice_str("312")));
    ck_assert(!ident_equal(&a, &b));
}
END_TEST

SUITE_MAIN("ident", an_identifier_is_short_plain_text, a_refused_text_leaves_the_identifier_alone,
           equal_identifiers_are_equal_bytes)
