/* The command line itself: help, usage, exit codes, the sample configuration, numbers for people.
 */
#include "services/cli/cli.h"
#include "services/cli/cli_print.h"
#include "tests/support/suite.h"

#include <string.h>
#include <unistd.h>

struct said {
    int status;
    char *out;
    char *err;
};

static struct said run(int argc, const char *const *words)
{
    struct said s = {0};
    size_t out_bytes, err_bytes;
    char *argv[16] = {NULL}, copies[16][256];
    for (int i = 0; i < argc; i++) {
        snprintf(copies[i], sizeof copies[i], "%s", words[i]);
        argv[i] = copies[i];
    }
    FILE *out = open_memstream(&s.out, &out_bytes), *err = open_memstream(&s.err, &err_bytes);
    s.status = cli_main(argc, argv, out, err);
    fclose(out);
    fclose(err);
    return s;
}

static void said_fini(struct said *s)
{
    free(s->out);
    free(s->err);
}

START_TEST(every_command_teaches_and_names_the_exit_codes)
{
    for (size_t i = 0; i < cli_command_count; i++) {
        const struct cli_command *c = cli_commands[i];
        char first[64], second[64] = "";
        sscanf(c->name, "%63s %63s", first, second);
        const char *words[4] = {"tonghop", first, second[0] ? second : "--help", "--help"};
        struct said s = run(second[0] ? 4 : 3, words);
        ck_assert_msg(s.status == CLI_OK, "%s --help: %d, %s", c->name, s.status, s.err);
        ck_assert_msg(strstr(s.out, "Usage: tonghop ") && strstr(s.out, "Exit codes:"), "%s",
                      s.out);
        char example[96];
        snprintf(example, sizeof example, "\n  tonghop %s", c->name);
        ck_assert_msg(strstr(c->help, example) != NULL, "%s has no example", c->name);
        said_fini(&s);
    }
}
END_TEST

static const struct {
    const char *reason;
    const char *words[8];
    int status;
    const char *sentence;
} lines[] = {
    {"nothing", {"tonghop"}, CLI_USAGE, "Usage: tonghop COMMAND"},
    {"a misspelt command",
     {"tonghop", "sumbit"},
     CLI_USAGE,
     "tonghop: unknown command \"sumbit\": did you mean \"submit\"?\n"},
    {"a misspelt second word",
     {"tonghop", "plan", "chekc"},
     CLI_USAGE,
     "tonghop: unknown command \"plan chekc\": did you mean \"plan check\"?\n"},
    {"half a command",
     {"tonghop", "clock"},
     CLI_USAGE,
     "tonghop: write one of: tonghop clock tick, clock accept\n"},
    {"a misspelt option",
     {"tonghop", "query", "--jsom"},
     CLI_USAGE,
     "tonghop: unknown option --jsom: did you mean --json?\n"},
    {"an option without its value",
     {"tonghop", "query", "--source"},
     CLI_USAGE,
     "tonghop: --source wants a value: --source ID\n"},
    {"too few words",
     {"tonghop", "trace", "31"},
     CLI_USAGE,
     "tonghop: too few arguments: write tonghop trace UNIT INDICATOR PERIOD (see tonghop trace "
     "--help)\n"},
    {"a number with separators",
     {"tonghop", "submit", "31", "a", "2024-09-05", "90.000"},
     CLI_USAGE,
     "tonghop: số liệu \"90.000\": không phải số nguyên; nếu dấu chấm, phẩy để ngăn hàng nghìn, "
     "viết 90000\n"},
    {"the same in English",
     {"tonghop", "submit", "31", "a", "2024-09-05", "90.000", "--lang=en"},
     CLI_USAGE,
     "tonghop: VALUE \"90.000\": no whole number; if the mark separates thousands, write 90000\n"},
    {"two ops at once",
     {"tonghop", "submit", "31", "a", "2024", "1", "--add", "--clear"},
     CLI_USAGE,
     "tonghop: --clear và --add trái nhau: chỉ dùng một\n"},
    {"two ops at once, in English",
     {"tonghop", "submit", "31", "a", "2024", "--add", "--clear", "--lang=en"},
     CLI_USAGE,
     "tonghop: --clear and --add contradict each other\n"},
    {"a figure without its value",
     {"tonghop", "submit", "31", "a", "2024"},
     CLI_USAGE,
     "tonghop: viết tonghop submit ĐƠN-VỊ CHỈ-TIÊU KỲ SỐ-LIỆU\n"},
    {"a withdrawal with a value",
     {"tonghop", "submit", "31", "a", "2024", "7", "--clear"},
     CLI_USAGE,
     "tonghop: viết tonghop submit ĐƠN-VỊ CHỈ-TIÊU KỲ --clear (không kèm số liệu)\n"},
    {"a folder without --pending",
     {"tonghop", "submit", "31", "a", "2024", "7", "--from", "x"},
     CLI_USAGE,
     "tonghop: --from chỉ đi với --pending\n"},
    {"a bad day", {"tonghop", "clock", "tick", "2024-02-30"}, CLI_USAGE, "tonghop: 2024-02-30"},
    {"a bad timeout", {"tonghop", "status", "--timeout", "5"}, CLI_USAGE, "tonghop: --timeout: "},
    {"a configuration that is not there",
     {"tonghop", "status", "--config", "/nowhere/tonghop.yaml"},
     CLI_USAGE,
     "tonghop: cannot open /nowhere/tonghop.yaml"},
};

START_TEST(a_wrong_line_says_what_to_write)
{
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        int argc = 0;
        while (argc < 8 && lines[i].words[argc])
            argc++;
        struct said s = run(argc, lines[i].words);
        ck_assert_msg(s.status == lines[i].status && strstr(s.err, lines[i].sentence) != NULL,
                      "%s: %d, \"%s\"", lines[i].reason, s.status, s.err);
        said_fini(&s);
    }
}
END_TEST

START_TEST(the_sample_configuration_has_every_option)
{
    char path[1024];
    struct err e = {0};
    struct cli_config c;
    const char *source = getenv("TONGHOP_SOURCE");
    ck_assert_msg(source != NULL, "TONGHOP_SOURCE is not set: run through ctest");
    snprintf(path, sizeof path, "%s/config/tonghop.yaml", source);
    ck_assert_msg(cli_config_load(path, &c, &e) == 0, "%s", e.text);
    cli_config_fini(&c);
    char text[8192] = "";
    FILE *f = fopen(path, "r");
    ck_assert_uint_gt(fread(text, 1, sizeof text - 1, f), 0);
    fclose(f);
    for (size_t i = 0; i < CLI_CONFIG_ROWS; i++) {
        const char *dot = strrchr(cli_config_rows[i].key, '.');
        char word[SCHEMA_KEY_BYTES + 2];
        snprintf(word, sizeof word, "%s:", dot ? dot + 1 : cli_config_rows[i].key);
        ck_assert_msg(strstr(text, word) != NULL, "%s is not in config/tonghop.yaml",
                      cli_config_rows[i].key);
    }
}
END_TEST

START_TEST(numbers_read_as_people_write_them)
{
    char out[CLI_NUMBER_BYTES];
    ck_assert_str_eq(cli_number(90000, false, out), "90.000");
    ck_assert_str_eq(cli_number(90000, true, out), "90,000");
    ck_assert_str_eq(cli_number(-1234567, false, out), "-1.234.567");
    ck_assert_str_eq(cli_number(INT64_MIN, false, out), "-9.223.372.036.854.775.808");
    ck_assert_str_eq(cli_number(0, false, out), "0");
    struct wire_answer third = {
        .has_value = true, .value = 333333, .numerator = 1, .denominator = 3};
    ck_assert_str_eq(cli_value(&third, false, out), "33,3%");
    struct wire_answer none = {0};
    ck_assert_str_eq(cli_value(&none, false, out), "-");
}
END_TEST

START_TEST(table_columns_line_up_by_characters)
{
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    struct cli_table t;
    cli_table_init(&t, "lr");
    cli_table_add(&t, "Xã");
    cli_table_add(&t, "1");
    cli_table_add(&t, "Phường");
    cli_table_add(&t, "90.000");
    cli_table_print(&t, out);
    cli_table_fini(&t);
    fclose(out);
    ck_assert_str_eq(text, "Xã           1\nPhường  90.000\n");
    free(text);
}
END_TEST

SUITE_MAIN("cli/cli", every_command_teaches_and_names_the_exit_codes,
           a_wrong_line_says_what_to_write, the_sample_configuration_has_every_option,
           numbers_read_as_people_write_them, table_columns_line_up_by_characters)
