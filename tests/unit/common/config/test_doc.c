/* What the tree takes and refuses, with the whole sentence each time: it is what an operator gets.
 */
#include "common/config/doc.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct doc *parsed(const char *yaml)
{
    struct doc *doc = NULL;
    struct err e = {0};
    ck_assert_msg(doc_parse("t.yaml", yaml, strlen(yaml), &doc, &e) == 0, "%s", e.text);
    return doc;
}

static const struct {
    const char *reason;
    const char *yaml;
    const char *sentence;
} refused[] = {
    {"nothing at all", "", "t.yaml:1:1: the file is empty"},
    {"only a comment", "# later\n", "t.yaml:2:1: the file is empty"},
    {"the same key twice", "a: 1\nb: 2\na: 3\n",
     "t.yaml:3:1: the key \"a\" stands here again, first at line 1: keep one"},
    {"the same key twice, inside", "s:\n  k: 1\n  \"k\": 2\n",
     "t.yaml:3:3: the key \"k\" stands here again, first at line 2: keep one"},
    {"three of a key: the earliest repetition", "a: 1\na: 2\na: 3\n",
     "t.yaml:2:1: the key \"a\" stands here again, first at line 1: keep one"},
    {"a tab as indentation", "a:\n\tb: 1\n",
     "t.yaml:2:1: a tab in the indentation: indent with spaces"},
    {"a tab behind blanks", "a:\n  b: 1\n  \tc: 2\n",
     "t.yaml:3:3: a tab in the indentation: indent with spaces"},
    {"an anchor", "a: &x 1\n",
     "t.yaml:1:4: &x refers elsewhere (anchors and aliases), which is not taken here: write the "
     "value out; a text that begins with & goes in quotes"},
    {"an anchor on a map", "a: &x {b: 1}\n",
     "t.yaml:1:4: &x refers elsewhere (anchors and aliases), which is not taken here: write the "
     "value out; a text that begins with & goes in quotes"},
    {"an alias", "a: 1\nb: *x\n",
     "t.yaml:2:4: *x refers elsewhere (anchors and aliases), which is not taken here: write the "
     "value out; a text that begins with * goes in quotes"},
    {"a tag", "a: !!int 3\n",
     "t.yaml:1:4: the tag tag:yaml.org,2002:int is not taken here: leave it out; a text that "
     "begins with ! goes in quotes"},
    {"two documents", "a: 1\n---\nb: 2\n",
     "t.yaml:2:1: a second document begins here: one file holds one"},
    {"17 lists in one another", "a: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\n",
     "t.yaml:1:19: nested deeper than 16 levels"},
    {"a byte that is not UTF-8", "a: 1\nb: x\xE1y\n",
     "t.yaml:2:5: not UTF-8 (byte 0xE1): save the file as UTF-8"},
    {"columns count characters", "xã: đường \xFF\n",
     "t.yaml:1:11: not UTF-8 (byte 0xFF): save the file as UTF-8"},
    {"a raw control character", "a: \x1B[31m\n",
     "t.yaml:1:4: the character U+001B does not belong in a text: remove it"},
    {"an escaped NUL", "a: \"x\\0y\"\n", "t.yaml:1:4: a control character in the text: remove it"},
    {"a list as a key", "? [a]\n: 1\n",
     "t.yaml:1:3: a key is missing before the colon, or is not a plain word"},
    {"no key", ": 1\n",
     "t.yaml:1:1: not YAML: did not find expected key, while parsing a block "
     "mapping that began at line 1"},
    {"two colons", "a: b: c\n",
     "t.yaml:1:5: not YAML: mapping values are not allowed in this "
     "context"},
    {"an open bracket", "a: [1, 2\n",
     "t.yaml:2:1: not YAML: did not find expected ',' or ']', while parsing a flow sequence that "
     "began at line 1"},
    {"a wrong indentation", "a:\n    b: 1\n  c: 2\n",
     "t.yaml:3:3: not YAML: did not find expected key, while parsing a block mapping that began "
     "at line 1"},
};

START_TEST(what_is_not_plain_yaml_is_refused_with_its_place)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct doc *doc = NULL;
        struct err e = {0};
        int rc = doc_parse("t.yaml", refused[i].yaml, strlen(refused[i].yaml), &doc, &e);
        ck_assert_msg(rc == ERR_INVALID && !doc, "%s: %d", refused[i].reason, rc);
        ck_assert_msg(strcmp(e.text, refused[i].sentence) == 0, "%s:\n got %s\nwant %s",
                      refused[i].reason, e.text, refused[i].sentence);
    }
}
END_TEST

START_TEST(a_nul_byte_is_refused)
{
    struct doc *doc = NULL;
    struct err e = {0};
    ck_assert_int_eq(doc_parse("t.yaml", "a: x\0y\n", 7, &doc, &e), ERR_INVALID);
    ck_assert_str_eq(e.text, "t.yaml:1:5: the character U+0000 does not belong in a text: remove "
                             "it");
}
END_TEST

START_TEST(maps_and_lists_keep_their_order_and_places)
{
    struct doc *doc = parsed("units:\n  - name: Lạc Viên\n    code: 11341\n  - {}\nlast: [a, b]\n");
    const struct doc_node *root = doc_root(doc);
    ck_assert_int_eq(root->kind, DOC_MAP);
    ck_assert_uint_eq(root->count, 2);
    ck_assert_str_eq(root->keys[0].text, "units");
    ck_assert_str_eq(root->keys[1].text, "last");
    const struct doc_node *units = doc_find(root, "units");
    ck_assert_int_eq(units->kind, DOC_LIST);
    ck_assert_uint_eq(units->count, 2);
    const struct doc_node *code = doc_find(&units->items[0], "code");
    ck_assert_uint_eq(code->line, 3);
    ck_assert_uint_eq(code->column, 11);
    ck_assert_str_eq(code->name, "code");
    ck_assert_str_eq(units->items[1].name, "units");
    ck_assert_uint_eq(units->items[1].count, 0);
    ck_assert_ptr_null(doc_find(root, "units.code"));
    ck_assert_ptr_null(doc_find(units, "code"));
    doc_destroy(doc);
}
END_TEST

START_TEST(a_byte_order_mark_is_passed_over)
{
    struct doc *doc = parsed("\xEF\xBB\xBF"
                             "a: 1\n");
    ck_assert_str_eq(doc_root(doc)->keys[0].text, "a");
    doc_destroy(doc);
}
END_TEST

START_TEST(a_thousand_keys_are_all_found)
{
    char yaml[16000];
    size_t len = 0;
    for (int i = 0; i < 1000; i++)
        len += (size_t)snprintf(yaml + len, sizeof yaml - len, "k%d: %d\n", i, i);
    struct doc *doc = parsed(yaml);
    ck_assert_uint_eq(doc_root(doc)->count, 1000);
    ck_assert_str_eq(doc_find(doc_root(doc), "k999")->text, "999");
    doc_destroy(doc);
}
END_TEST

/* --- getters */

enum getter {
    STRING_8,
    IDENTIFIER,
    INTEGER_0_TO_1000,
    BOOLEAN,
    DATE,
    SIZE,
    DURATION,
    CHOICE,
};

static int get(const struct doc_node *node, enum getter getter, char *out, size_t bytes,
               struct err *e)
{
    static const char *const kinds[] = {"flow", "stock", "ratio"};
    const char *text = "";
    int64_t number = 0;
    bool yes = false;
    size_t choice = 0;
    int rc = 0;
    switch (getter) {
    case STRING_8:
        rc = doc_string(node, 8, &text, e);
        break;
    case IDENTIFIER:
        rc = doc_identifier(node, &text, e);
        break;
    case DATE:
        rc = doc_date(node, &text, e);
        break;
    case INTEGER_0_TO_1000:
        rc = doc_integer(node, 0, 1000, &number, e);
        break;
    case SIZE:
        rc = doc_size(node, 1 << 20, 1LL << 40, &number, e);
        break;
    case DURATION:
        rc = doc_duration(node, 1, 3600000, &number, e);
        break;
    case BOOLEAN:
        rc = doc_boolean(node, &yes, e);
        number = yes;
        break;
    case CHOICE:
        rc = doc_choice(node, kinds, 3, &choice, e);
        number = (int64_t)choice;
        break;
    }
    if (getter == STRING_8 || getter == IDENTIFIER || getter == DATE)
        snprintf(out, bytes, "%s", text);
    else
        snprintf(out, bytes, "%lld", (long long)number);
    return rc;
}

static const struct {
    const char *reason;
    enum getter getter;
    const char *yaml; /* value of the key k */
    const char *value;
    const char *sentence; /* behind "t.yaml:1:4: "; NULL: taken */
} values[] = {
    {"plain text", STRING_8, "abc", "abc", NULL},
    {"a plain number is a text too", STRING_8, "00123", "00123", NULL},
    {"null in quotes is a text", STRING_8, "\"null\"", "null", NULL},
    {"null", STRING_8, "null", "",
     "k: \"null\": that is YAML for no value: write one, or take the line out"},
    {"tilde", STRING_8, "~", "",
     "k: \"~\": that is YAML for no value: write one, or take the line out"},
    {"empty in quotes", STRING_8, "\"\"", "", "k: \"\": empty: write a text, or take the line out"},
    {"one byte too long", STRING_8, "123456789", "",
     "k: \"123456789\": 9 bytes long: write at most 8"},
    {"a list for a text", STRING_8, "[a]", "",
     "k: a single value is wanted here, a list (\"- item\" lines) is what stands"},
    {"a map for a text", STRING_8, "{a: 1}", "",
     "k: a single value is wanted here, a map (\"key: value\" lines) is what stands"},

    {"all kinds of characters", IDENTIFIER, "Ab9._-", "Ab9._-", NULL},
    {"32 characters", IDENTIFIER, "12345678901234567890123456789012",
     "12345678901234567890123456789012", NULL},
    {"33 characters", IDENTIFIER, "123456789012345678901234567890123", "",
     "k: \"123456789012345678901234567890123\": write 1 to 32 of 0-9 A-Z a-z . _ -, without "
     "accents or blanks"},
    {"an accent", IDENTIFIER, "xã", "",
     "k: \"xã\": write 1 to 32 of 0-9 A-Z a-z . _ -, without accents or blanks"},

    {"the least", INTEGER_0_TO_1000, "0", "0", NULL},
    {"the most", INTEGER_0_TO_1000, "1000", "1000", NULL},
    {"points in it", INTEGER_0_TO_1000, "90.000", "",
     "k: \"90.000\": '.' at column 3 is not a digit: if it separates thousands, write 90000"},
    {"commas in it", INTEGER_0_TO_1000, "90,000", "",
     "k: \"90,000\": ',' at column 3 is not a digit: if it separates thousands, write 90000"},
    {"junk behind it", INTEGER_0_TO_1000, "9x", "",
     "k: \"9x\": 'x' at column 2 is not a digit: write a whole number"},
    {"a fraction", INTEGER_0_TO_1000, "9.5", "",
     "k: \"9.5\": '.' at column 2 is not a digit: write a whole number"},
    {"quoted", INTEGER_0_TO_1000, "\"9\"", "",
     "k: \"9\": in quotes it is a text: write the number without them"},
    {"above the most", INTEGER_0_TO_1000, "1001", "",
     "k: \"1001\": out of range: write a number from 0 to 1000"},
    {"beyond 64 bits", INTEGER_0_TO_1000, "99999999999999999999", "",
     "k: \"99999999999999999999\": out of range: write a number from 0 to 1000"},
    {"a long text is shown cut", INTEGER_0_TO_1000, "ắắắắắắắắắắắắắắắắắắắắắắắắắắắắắắ", "",
     "k: \"ắắắắắắắắắắắắắắắắắắắắ…\": 0xe1 at column 1 is not a digit: write a whole number"},

    {"true", BOOLEAN, "true", "1", NULL},
    {"false", BOOLEAN, "false", "0", NULL},
    {"yes is not true", BOOLEAN, "yes", "", "k: \"yes\": write true or false"},
    {"True is not true", BOOLEAN, "True", "", "k: \"True\": write true or false"},
    {"quoted true", BOOLEAN, "'true'", "",
     "k: \"true\": in quotes it is a text: write true or false without them"},

    {"a date", DATE, "2024-10-05", "2024-10-05", NULL},
    {"a Vietnamese date", DATE, "05/10/2024", "",
     "k: \"05/10/2024\": write a date as YYYY-MM-DD, as in 2024-10-05"},
    {"a short month", DATE, "2024-1-05", "",
     "k: \"2024-1-05\": write a date as YYYY-MM-DD, as in 2024-10-05"},

    {"mebibytes", SIZE, "64MiB", "67108864", NULL},
    {"the least in bytes", SIZE, "1048576B", "1048576", NULL},
    {"no unit", SIZE, "67108864", "",
     "k: \"67108864\": no unit: write the number and right after it B, KiB, MiB, GiB or TiB, as in "
     "64MiB"},
    {"a decimal unit", SIZE, "64MB", "",
     "k: \"64MB\": unknown unit: write the number and right after it B, KiB, MiB, GiB or TiB, as "
     "in 64MiB"},
    {"too small", SIZE, "1023KiB", "", "k: \"1023KiB\": out of range: write from 1MiB to 1TiB"},
    {"overflow", SIZE, "9999999999TiB", "",
     "k: \"9999999999TiB\": out of range: write from 1MiB to 1TiB"},
    {"a blank before the unit", SIZE, "64 MiB", "",
     "k: \"64 MiB\": a blank at column 3 is not a digit: write a whole number"},

    {"milliseconds", DURATION, "250ms", "250", NULL},
    {"seconds", DURATION, "5s", "5000", NULL},
    {"minutes", DURATION, "2min", "120000", NULL},
    {"an hour", DURATION, "1h", "3600000", NULL},
    {"m is no unit: months or minutes?", DURATION, "2m", "",
     "k: \"2m\": unknown unit: write the number and right after it ms, s, min, h or d, as in "
     "250ms"},
    {"too long", DURATION, "2h", "", "k: \"2h\": out of range: write from 1ms to 1h"},

    {"one of them", CHOICE, "stock", "1", NULL},
    {"nearly one of them", CHOICE, "stok", "", "unknown k \"stok\": did you mean \"stock\"?"},
    {"none of them", CHOICE, "xyzzy", "", "unknown k \"xyzzy\": there are flow, stock, ratio"},
};

START_TEST(values_are_read_strictly)
{
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char yaml[200], value[100], sentence[300];
        struct err e = {0};
        snprintf(yaml, sizeof yaml, "k: %s\n", values[i].yaml);
        snprintf(sentence, sizeof sentence, "t.yaml:1:4: %s", values[i].sentence);
        struct doc *doc = parsed(yaml);
        int rc = get(doc_find(doc_root(doc), "k"), values[i].getter, value, sizeof value, &e);
        ck_assert_msg((rc == 0) == !values[i].sentence, "%s: %d %s", values[i].reason, rc, e.text);
        if (rc == 0)
            ck_assert_msg(strcmp(value, values[i].value) == 0, "%s: %s", values[i].reason, value);
        else
            ck_assert_msg(strcmp(e.text, sentence) == 0, "%s:\n got %s\nwant %s", values[i].reason,
                          e.text, sentence);
        doc_destroy(doc);
    }
}
END_TEST

START_TEST(a_key_without_a_value_says_so)
{
    struct doc *doc = parsed("a: 1\nk:\n");
    struct err e = {0};
    const char *text = "untouched";
    ck_assert_int_eq(doc_string(doc_find(doc_root(doc), "k"), 8, &text, &e), ERR_INVALID);
    ck_assert_str_eq(e.text, "t.yaml:2:3: k has no value: write one, or take the line out");
    ck_assert_str_eq(text, "untouched");
    doc_destroy(doc);
}
END_TEST

START_TEST(an_unknown_key_names_the_nearest)
{
    static const char *const keys[] = {"name", "population", "parent"};
    struct doc *doc = parsed("name: x\npopluation: 3\n");
    struct err e = {0};
    ck_assert_int_eq(doc_check_keys(doc_root(doc), keys, 3, &e), ERR_INVALID);
    ck_assert_str_eq(e.text,
                     "t.yaml:2:1: unknown key \"popluation\": did you mean \"population\"?");
    doc_destroy(doc);
}
END_TEST

START_TEST(a_missing_key_is_named)
{
    struct doc *doc = parsed("a:\n  name: x\n");
    struct err e = {0};
    const struct doc_node *out = NULL;
    ck_assert_int_eq(doc_need(doc_find(doc_root(doc), "a"), "code", &out, &e), ERR_INVALID);
    ck_assert_str_eq(e.text, "t.yaml:2:3: the key \"code\" is missing here");
    ck_assert_ptr_null(out);
    doc_destroy(doc);
}
END_TEST

START_TEST(a_null_err_is_allowed)
{
    struct doc *doc = NULL;
    ck_assert_int_eq(doc_parse("t.yaml", "a: [", 4, &doc, NULL), ERR_INVALID);
}
END_TEST

/* --- files */

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

START_TEST(a_file_is_bounded_before_it_is_read)
{
    char path[] = "/tmp/test_doc_XXXXXX";
    struct doc *doc = NULL;
    struct err e = {0};
    close(mkstemp(path));
    write_file(path, "a: 12\n");
    ck_assert_int_eq(doc_load(path, 6, &doc, &e), 0);
    ck_assert_str_eq(doc_name(doc), path);
    doc_destroy(doc);
    doc = NULL;
    ck_assert_int_eq(doc_load(path, 5, &doc, &e), ERR_LIMIT);
    ck_assert_ptr_null(doc);
    ck_assert_ptr_nonnull(strstr(e.text, ": larger than the 5 bytes that are taken"));
    unlink(path);
    ck_assert_int_eq(doc_load(path, 5, &doc, &e), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(e.text, ": No such file or directory"));
}
END_TEST

START_TEST(a_folder_is_an_error_and_not_a_file)
{
    struct doc *doc = NULL;
    struct err e = {0};
    ck_assert_int_eq(doc_load("/tmp", 100, &doc, &e), ERR_IO);
    ck_assert_str_eq(e.text, "cannot read /tmp: Is a directory");
}
END_TEST

SUITE_MAIN("config/doc", what_is_not_plain_yaml_is_refused_with_its_place, a_nul_byte_is_refused,
           maps_and_lists_keep_their_order_and_places, a_byte_order_mark_is_passed_over,
           a_thousand_keys_are_all_found, values_are_read_strictly, a_key_without_a_value_says_so,
           an_unknown_key_names_the_nearest, a_missing_key_is_named, a_null_err_is_allowed,
           a_file_is_bounded_before_it_is_read, a_folder_is_an_error_and_not_a_file)
