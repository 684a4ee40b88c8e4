/* A table of options: what it takes from a file, what it refuses, and what it prints. */
#include "common/config/schema.h"
#include "tests/support/suite.h"

#include <string.h>

struct key {
    const char *name;
    int64_t weight;
};

struct keys {
    struct key items[4];
    size_t count;
};

struct sample {
    const char *directory;
    int64_t map_bytes;
    int64_t beat_ms;
    int64_t rows_max;
    bool strict;
    size_t mode;
    const char *since;
    struct keys keys;
    struct schema_strings peers;
};

static const struct schema_row key_rows[] = {
    {.key = "name",
     .type = SCHEMA_IDENTIFIER,
     .required = true,
     .help = "Whose key it is.",
     SCHEMA_AT(struct key, name)},
    {.key = "weight",
     .type = SCHEMA_INTEGER,
     .minimum = 1,
     .maximum = 9,
     .standard = "5",
     .help = "How much it counts.",
     SCHEMA_AT(struct key, weight)},
};

static int read_key(const struct doc_node *item, void *field, struct err *e)
{
    struct keys *keys = field;
    int rc = schema_read(key_rows, 2, item, &keys->items[keys->count], e);
    keys->count += rc == 0;
    return rc;
}

static const char *const modes[] = {"live", "replay", NULL};

static const struct schema_row rows[] = {
    {.key = "store.directory",
     .type = SCHEMA_STRING,
     .minimum = 1,
     .maximum = 100,
     .required = true,
     .help = "Where the store lies.",
     SCHEMA_AT(struct sample, directory)},
    {.key = "store.map_size",
     .type = SCHEMA_SIZE,
     .minimum = 1 << 20,
     .maximum = 1LL << 40,
     .standard = "1GiB",
     .help = "The most the store may hold. It is address space and not disk, so be generous.",
     SCHEMA_AT(struct sample, map_bytes)},
    {.key = "feed.beat",
     .type = SCHEMA_DURATION,
     .minimum = 10,
     .maximum = 60000,
     .standard = "250ms",
     .help = "How often changes are sent.",
     SCHEMA_AT(struct sample, beat_ms)},
    {.key = "feed.keys",
     .type = SCHEMA_LIST,
     .minimum = 0,
     .maximum = 3,
     .unit = "keys",
     .standard = "[]",
     .help = "Who may listen.",
     .item = read_key,
     SCHEMA_AT(struct sample, keys)},
    {.key = "rows_max",
     .type = SCHEMA_INTEGER,
     .minimum = 1,
     .maximum = 100000,
     .standard = "1000",
     .unit = "observations",
     .help = "The largest batch.",
     SCHEMA_AT(struct sample, rows_max)},
    {.key = "strict",
     .type = SCHEMA_BOOLEAN,
     .standard = "true",
     .help = "Whether to be strict.",
     SCHEMA_AT(struct sample, strict)},
    {.key = "mode",
     .type = SCHEMA_CHOICE,
     .choices = modes,
     .standard = "live",
     .help = "Where time comes from.",
     SCHEMA_AT(struct sample, mode)},
    {.key = "since", .type = SCHEMA_DATE, .help = "First day.", SCHEMA_AT(struct sample, since)},
    {.key = "peers",
     .type = SCHEMA_LIST,
     .minimum = 1,
     .maximum = 10,
     .help = "Whom to call.",
     .item = schema_item_string,
     SCHEMA_AT(struct sample, peers)},
};

enum { ROWS = sizeof rows / sizeof *rows };

static const char full[] = "store:\n"
                           "  directory: \"/var/lib/tonghop: agg\"\n"
                           "  map_size: 64MiB\n"
                           "feed:\n"
                           "  keys:\n"
                           "    - {name: gateway, weight: 3}\n"
                           "    - name: notifier\n"
                           "strict: false\n"
                           "mode: replay\n"
                           "peers: [tcp://127.0.0.1:1, \"a,b\"]\n";

static struct doc *load(const char *yaml, struct sample *out)
{
    struct doc *doc = NULL;
    struct err e = {0};
    ck_assert_msg(doc_parse("t.yaml", yaml, strlen(yaml), &doc, &e) == 0, "%s", e.text);
    ck_assert_msg(schema_load(rows, ROWS, doc, out, &e) == 0, "%s", e.text);
    return doc;
}

static void check_full(const struct sample *s)
{
    ck_assert_str_eq(s->directory, "/var/lib/tonghop: agg");
    ck_assert_int_eq(s->map_bytes, 64 << 20);
    ck_assert_int_eq(s->beat_ms, 250);
    ck_assert_int_eq(s->rows_max, 1000);
    ck_assert(!s->strict);
    ck_assert_uint_eq(s->mode, 1);
    ck_assert_ptr_null(s->since);
    ck_assert_uint_eq(s->keys.count, 2);
    ck_assert_str_eq(s->keys.items[0].name, "gateway");
    ck_assert_int_eq(s->keys.items[0].weight, 3);
    ck_assert_int_eq(s->keys.items[1].weight, 5);
    ck_assert_uint_eq(s->peers.count, 2);
    ck_assert_str_eq(s->peers.items[0], "tcp://127.0.0.1:1");
    ck_assert_str_eq(s->peers.items[1], "a,b");
}

START_TEST(values_and_defaults_reach_their_fields)
{
    struct sample s = {0};
    struct doc *doc = load(full, &s);
    check_full(&s);
    schema_strings_fini(&s.peers);
    doc_destroy(doc);
}
END_TEST

static const struct {
    const char *reason;
    const char *yaml;
    const char *sentence;
} refused[] = {
    {"a slip in a nested key", "store:\n  directory: x\n  map_sise: 1GiB\n",
     "t.yaml:3:3: unknown key \"store.map_sise\": did you mean \"store.map_size\"?"},
    {"a slip in the group", "sotre:\n  directory: x\n",
     "t.yaml:1:1: unknown key \"sotre\": did you mean \"store\"?"},
    {"nothing like it", "xyz: 1\n",
     "t.yaml:1:1: unknown key \"xyz\": there are store.directory, store.map_size, feed.beat, "
     "feed.keys, rows_max, strict, mode, since, peers"},
    {"a key dotted in the file", "store.directory: x\n",
     "t.yaml:1:1: the key \"store.directory\" has a point in it: write each part on a line of its "
     "own, the next indented under it"},
    {"a key below an option", "store: {directory: x}\nstrict: {really: true}\n",
     "t.yaml:2:9: strict: a single value is wanted here, a map (\"key: value\" lines) is what "
     "stands"},
    {"a value where a group belongs", "store: 5\n",
     "t.yaml:1:8: store: a map (\"key: value\" lines) is wanted here, a single value is what "
     "stands"},
    {"a list for the whole", "- a\n",
     "t.yaml:1:1: a map (\"key: value\" lines) is wanted here, a list (\"- item\" lines) is what "
     "stands"},
    {"a required option left out", "store:\nstrict: true\n",
     "t.yaml:1:1: the option store.directory is missing: Where the store lies."},
    {"a number with points", "store: {directory: x}\nrows_max: 90.000\n",
     "t.yaml:2:11: rows_max: \"90.000\": '.' at column 3 is not a digit: if it separates "
     "thousands, write 90000"},
    {"a size out of range", "store:\n  directory: x\n  map_size: 1KiB\n",
     "t.yaml:3:13: map_size: \"1KiB\": out of range: write from 1MiB to 1TiB"},
    {"an unknown choice", "store: {directory: x}\nmode: replya\n",
     "t.yaml:2:7: unknown mode \"replya\": did you mean \"replay\"?"},
    {"a record of a list lacks its name",
     "store: {directory: x}\nfeed:\n  keys:\n    - weight: 2\n",
     "t.yaml:4:7: the option name is missing: Whose key it is."},
    {"an unknown key in a record", "store: {directory: x}\nfeed: {keys: [{name: a, wieght: 2}]}\n",
     "t.yaml:2:25: unknown key \"wieght\": did you mean \"weight\"?"},
    {"a list too short", "store: {directory: x}\npeers: []\n",
     "t.yaml:2:8: peers: 0 items: write from 1 to 10"},
    {"an item that is no text", "store: {directory: x}\npeers: [[a]]\n",
     "t.yaml:2:9: peers: a single value is wanted here, a list (\"- item\" lines) is what stands"},
    {"a value for a list", "store: {directory: x}\npeers: a\n",
     "t.yaml:2:8: peers: a list (\"- item\" lines) is wanted here, a single value is what stands"},
};

START_TEST(what_does_not_fit_the_table_is_refused_with_its_place)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct sample s = {0};
        struct doc *doc = NULL;
        struct err e = {0};
        ck_assert_msg(doc_parse("t.yaml", refused[i].yaml, strlen(refused[i].yaml), &doc, &e) == 0,
                      "%s: %s", refused[i].reason, e.text);
        int rc = schema_load(rows, ROWS, doc, &s, &e);
        ck_assert_msg(rc == ERR_INVALID && strcmp(e.text, refused[i].sentence) == 0,
                      "%s: %d\n got %s\nwant %s", refused[i].reason, rc, e.text,
                      refused[i].sentence);
        schema_strings_fini(&s.peers);
        doc_destroy(doc);
    }
}
END_TEST

static char *dumped(const struct doc *doc)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    schema_dump(rows, ROWS, doc, out);
    fclose(out);
    return text;
}

START_TEST(what_is_dumped_loads_to_the_same_values)
{
    struct sample s = {0}, again = {0};
    struct doc *doc = load(full, &s);
    char *text = dumped(doc);
    struct doc *second = load(text, &again);
    check_full(&again);
    free(text);
    schema_strings_fini(&s.peers);
    schema_strings_fini(&again.peers);
    doc_destroy(doc);
    doc_destroy(second);
}
END_TEST

START_TEST(a_dump_shows_each_option_with_its_help)
{
    static const char start[] =
        "store:\n"
        "  # Where the store lies.\n"
        "  # text of at most 100 bytes; required\n"
        "  directory: \"/var/lib/tonghop: agg\"\n"
        "  # The most the store may hold. It is address space and not disk, so be generous.\n"
        "  # 1MiB to 1TiB; default 1GiB\n"
        "  map_size: 64MiB\n"
        "feed:\n"
        "  # How often changes are sent.\n"
        "  # 10ms to 1min; default 250ms\n"
        "  beat: 250ms\n"
        "  # Who may listen.\n"
        "  # list of 0 to 3 keys; default []\n"
        "  keys:\n"
        "    - {\"name\": gateway, \"weight\": 3}\n"
        "    - {\"name\": notifier}\n"
        "# The largest batch.\n"
        "# 1 to 100000 observations; default 1000\n"
        "rows_max: 1000\n";
    struct sample s = {0};
    struct doc *doc = load(full, &s);
    char *text = dumped(doc);
    ck_assert_msg(strncmp(text, start, sizeof start - 1) == 0, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "# since:\n"));
    free(text);
    schema_strings_fini(&s.peers);
    doc_destroy(doc);
}
END_TEST

START_TEST(without_a_file_the_defaults_are_dumped)
{
    char *text = dumped(NULL);
    ck_assert_ptr_nonnull(strstr(text, "  # directory:\n"));
    ck_assert_ptr_nonnull(strstr(text, "  map_size: 1GiB\n"));
    ck_assert_ptr_nonnull(strstr(text, "  keys: []\n"));
    free(text);
}
END_TEST

START_TEST(the_manual_names_every_option)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    schema_help(rows, ROWS, out);
    fclose(out);
    for (size_t i = 0; i < ROWS; i++)
        ck_assert_msg(strstr(text, rows[i].key) && strstr(text, rows[i].help), "%s\n%s",
                      rows[i].key, text);
    ck_assert_ptr_nonnull(strstr(text, "  mode: one of live, replay; default live\n"
                                       "      Where time comes from.\n"));
    free(text);
}
END_TEST

SUITE_MAIN("config/schema", values_and_defaults_reach_their_fields,
           what_does_not_fit_the_table_is_refused_with_its_place,
           what_is_dumped_loads_to_the_same_values, a_dump_shows_each_option_with_its_help,
           without_a_file_the_defaults_are_dumped, the_manual_names_every_option)
