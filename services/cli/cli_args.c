#include "services/cli/cli_args.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/parse.h"
#include "common/base/text.h"
#include "common/config/quantity.h"
#include "common/model/period.h"
#include "common/model/scan.h"
#include "services/cli/figure.h"

enum { GLOBAL_CONFIG, GLOBAL_KEY, GLOBAL_LANG, GLOBAL_TIMEOUT, GLOBAL_HELP, GLOBAL_COUNT };
enum { NAME_COLUMN = 24, TIMEOUT_MAX_MS = 3600 * 1000 };

static const struct cli_option global_options[GLOBAL_COUNT] = {
    {"config", "FILE",
     "where the services are (else $TONGHOP_CONFIG, ./tonghop.yaml, "
     "/etc/tonghop/tonghop.yaml)"},
    {"my-key", "FILE", "speak with this key pair instead of the configuration's"},
    {"lang", "vi|en", "language of what officers read: vi unless said"},
    {"timeout", "DURATION", "how long to wait for an answer: 10s unless said"},
    {"help", NULL, "this text"},
};

void cli_args_print_option(const struct cli_option *o, FILE *out)
{
    char name[64];
    snprintf(name, sizeof name, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    fprintf(out, "  %-*s ", NAME_COLUMN, name);
    for (const char *at = o->help; *at; at++) {
        fputc(*at, out);
        if (*at == '\n')
            fprintf(out, "  %-*s ", NAME_COLUMN, "");
    }
    fputc('\n', out);
}

void cli_args_print_global(FILE *out)
{
    for (unsigned i = 0; i < GLOBAL_COUNT; i++)
        cli_args_print_option(&global_options[i], out);
}

static int set_global(struct cli *cli, unsigned which, const char *value, bool *help, struct err *e)
{
    int64_t ms = 0;
    int rc = 0;
    switch (which) {
    case GLOBAL_CONFIG:
        cli->config_path = value;
        break;
    case GLOBAL_KEY:
        cli->key_path = value;
        break;
    case GLOBAL_LANG:
        if (strcmp(value, "vi") != 0 && strcmp(value, "en") != 0)
            return err_set(e, ERR_INVALID, "--lang %s: write vi or en", value);
        cli->english = value[0] == 'e';
        break;
    case GLOBAL_TIMEOUT:
        rc = quantity_parse(QUANTITY_DURATION, value, 1, TIMEOUT_MAX_MS, &ms, e);
        if (rc != 0)
            return err_wrap(e, "--timeout");
        cli->timeout_ms = (int)ms;
        break;
    default:
        *help = true;
    }
    return 0;
}

/* Index into `options` of the argument "--name" or "--name=value"; `count` when there is none. */
static size_t find_option(const struct cli_option *options, size_t count, const char *argument)
{
    size_t len = strcspn(argument + 2, "=");
    for (size_t i = 0; i < count; i++)
        if (strlen(options[i].name) == len && strncmp(options[i].name, argument + 2, len) == 0)
            return i;
    return count;
}

static int unknown_option(const struct cli_command *c, const char *argument, struct err *e)
{
    const char *names[CLI_OPTIONS_MAX + GLOBAL_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < c->option_count; i++)
        names[count++] = c->options[i].name;
    for (size_t i = 0; i < GLOBAL_COUNT; i++)
        names[count++] = global_options[i].name;
    struct slice word = slice_of(argument + 2, strcspn(argument + 2, "="));
    const char *nearest = text_nearest(word, names, count);
    if (nearest)
        return err_set(e, ERR_INVALID, "unknown option %s: did you mean --%s?", argument, nearest);
    return err_set(e, ERR_INVALID, "unknown option %s: see tonghop %s --help", argument, c->name);
}

/* The value of an option: behind "=" or the next argument; "" for a switch. */
static int take_value(const struct cli_option *o, char **argv, int argc, int *at, const char **out,
                      struct err *e)
{
    const char *equals = strchr(argv[*at], '=');
    *out = "";
    if (!o->value)
        return equals ? err_set(e, ERR_INVALID, "--%s takes no value", o->name) : 0;
    if (equals) {
        *out = equals + 1;
        return 0;
    }
    if (*at + 1 >= argc)
        return err_set(e, ERR_INVALID, "--%s wants a value: --%s %s", o->name, o->name, o->value);
    *out = argv[++*at];
    return 0;
}

static int take_option(struct cli *cli, char **argv, int argc, int *at, struct cli_args *out,
                       bool *help, struct err *e)
{
    const struct cli_command *c = out->command;
    size_t own = find_option(c->options, c->option_count, argv[*at]);
    if (own < c->option_count)
        return take_value(&c->options[own], argv, argc, at, &out->values[own], e);
    size_t global = find_option(global_options, GLOBAL_COUNT, argv[*at]);
    if (global == GLOBAL_COUNT)
        return unknown_option(c, argv[*at], e);
    const char *value;
    int rc = take_value(&global_options[global], argv, argc, at, &value, e);
    return rc != 0 ? rc : set_global(cli, (unsigned)global, value, help, e);
}

static int check_words(const struct cli_args *a, struct err *e)
{
    const struct cli_command *c = a->command;
    if (a->word_count >= c->words_min && a->word_count <= c->words_max)
        return 0;
    return err_set(e, ERR_INVALID, "%s arguments: write tonghop %s%s%s (see tonghop %s --help)",
                   a->word_count < c->words_min ? "too few" : "too many", c->name,
                   c->words[0] ? " " : "", c->words, c->name);
}

int cli_args_parse(struct cli *cli, const struct cli_command *command, int argc, char **argv,
                   struct cli_args *out, const char ***words, bool *help, struct err *e)
{
    require(command->option_count <= CLI_OPTIONS_MAX);
    *out = (struct cli_args){.command = command};
    *words = alloc_zeroed((size_t)argc + 1, sizeof **words);
    out->words = *words;
    bool only_words = false;
    for (int i = 0; i < argc; i++) {
        if (!only_words && strcmp(argv[i], "--") == 0) {
            only_words = true;
        } else if (!only_words && strncmp(argv[i], "--", 2) == 0) {
            int rc = take_option(cli, argv, argc, &i, out, help, e);
            if (rc != 0)
                return rc;
        } else if (!only_words && strcmp(argv[i], "-h") == 0) {
            *help = true;
        } else {
            (*words)[out->word_count++] = argv[i]; /* "-5" and "-" are words */
        }
    }
    return *help ? 0 : check_words(out, e);
}

const char *cli_option(const struct cli_args *args, const char *name)
{
    for (size_t i = 0; i < args->command->option_count; i++)
        if (strcmp(args->command->options[i].name, name) == 0)
            return args->values[i];
    check_failed(__FILE__, __LINE__, __func__, name); /* a command asks for what it declares */
}

int cli_option_number(const struct cli_args *args, const char *name, uint64_t max,
                      uint64_t standard, uint64_t *out, struct err *e)
{
    const char *value = cli_option(args, name);
    struct err cause = {0};
    *out = standard;
    if (!value || parse_u64(slice_str(value), 0, max, out, &cause) == 0)
        return 0;
    return err_set(e, ERR_INVALID, "--%s %s: %s", name, value, cause.text);
}

int cli_option_day(const struct cli_args *args, const char *name, day_t standard, day_t *out,
                   struct err *e)
{
    const char *value = cli_option(args, name);
    struct err cause = {0};
    *out = standard;
    if (!value || day_parse(slice_str(value), out, &cause) == 0)
        return 0;
    return err_set(e, ERR_INVALID, "--%s: %s", name, cause.text);
}

int cli_ident(const char *word, const char *what, struct ident *out, struct err *e)
{
    char excerpt[SCAN_EXCERPT_BYTES];
    if (ident_set(out, slice_str(word)))
        return 0;
    return err_set(e, ERR_INVALID, "%s \"%s\" is not 1 to %d of the characters 0-9 A-Z a-z . _ -",
                   what, scan_excerpt(slice_str(word), excerpt), IDENT_BYTES_MAX);
}

int cli_unit(const struct cli *cli, const char *word, struct ident *out, struct err *e)
{
    struct slice s = slice_str(word);
    int rc = figure_take_code(s, cli->english, out, e);
    return rc == 0 ? 0 : figure_wrap(e, cli->english, "đơn vị", "the unit", s);
}

int cli_indicator(const struct cli *cli, const char *word, struct ident *out, struct err *e)
{
    struct slice s = slice_str(word);
    int rc = figure_take_code(s, cli->english, out, e);
    return rc == 0 ? 0 : figure_wrap(e, cli->english, "chỉ tiêu thống kê", "the indicator", s);
}

int cli_days(const struct cli *cli, const char *word, struct period *out, struct err *e)
{
    struct slice s = slice_str(word);
    int rc = figure_take_days(s, cli->english, out, e);
    return rc == 0 ? 0 : figure_wrap(e, cli->english, "kỳ", "the period", s);
}

int cli_reported_at(const struct cli *cli, const char *word, int64_t *out_ms, struct err *e)
{
    struct slice s = slice_str(word);
    if (strcmp(word, "now") == 0) {
        *out_ms = cli_now_ms();
        return 0;
    }
    int rc = figure_take_time(s, cli->english, out_ms, e);
    return rc == 0 ? 0 : figure_wrap(e, cli->english, "--reported-at", "--reported-at", s);
}

int cli_time(const char *word, int64_t *out_ms, struct err *e)
{
    day_t day;
    if (strcmp(word, "now") == 0) {
        *out_ms = cli_now_ms();
        return 0;
    }
    if (strlen(word) == DAY_TEXT_BYTES - 1) {
        int rc = day_parse(slice_str(word), &day, e);
        if (rc == 0)
            *out_ms = day_start_ms(day);
        return rc;
    }
    return day_time_parse(slice_str(word), out_ms, e);
}
