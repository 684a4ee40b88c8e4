#include "services/cli/cli_print.h"

#include "tests/support/suite.h"

/* The table with rows "1 a" to "4 d" below its heading, the last `rows` of them, as printed. */
static char *printed(size_t rows)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct cli_table t;
    cli_table_init(&t, "rl");
    cli_table_add(&t, "no");
    cli_table_add(&t, "what");
    for (int i = 1; i <= 4; i++) {
        cli_table_add(&t, "%d", i);
        cli_table_add(&t, "%c", 'a' + i - 1);
    }
    cli_table_keep_last(&t, rows);
    cli_table_print(&t, out);
    cli_table_fini(&t);
    fclose(out);
    return text;
}

static const struct {
    const char *reason;
    size_t rows;
    const char *wanted;
} kept[] = {
    {"the heading stays", 2, "no  what\n 3  c\n 4  d\n"},
    {"none but the heading", 0, "no  what\n"},
    {"as many as there are", 4, "no  what\n 1  a\n 2  b\n 3  c\n 4  d\n"},
    {"more than there are", SIZE_MAX, "no  what\n 1  a\n 2  b\n 3  c\n 4  d\n"},
};

START_TEST(the_last_rows_stay_below_the_heading)
{
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        char *text = printed(kept[i].rows);
        ck_assert_msg(strcmp(text, kept[i].wanted) == 0, "%s:\n%s", kept[i].reason, text);
        free(text);
    }
}
END_TEST

SUITE_MAIN("cli tables", the_last_rows_stay_below_the_heading)
