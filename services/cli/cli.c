#include "services/cli/cli.h"

#include "common/base/text.h"
#include "services/cli/cli_args.h"
#include "services/cli/cmd.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum { NAMES_MAX = 64, PATH_BYTES = 4096 };

volatile sig_atomic_t cli_stop;

const struct cli_command *const cli_commands[] = {
    &cmd_submit,      &cmd_import,       &cmd_query,       &cmd_status,         &cmd_watch,
    &cmd_trace,       &cmd_alerts_list,  &cmd_alerts_show, &cmd_alerts_history, &cmd_alerts_watch,
    &cmd_plan_check,  &cmd_plan_apply,   &cmd_keys_make,   &cmd_keys_add,       &cmd_keys_set,
    &cmd_keys_rotate, &cmd_keys_revoke,  &cmd_keys_retire, &cmd_clock_tick,     &cmd_clock_accept,
    &cmd_verify,      &cmd_check_config, &cmd_rehearse,
};
const size_t cli_command_count = sizeof cli_commands / sizeof *cli_commands;

static void on_signal(int number)
{
    (void)number;
    cli_stop = 1;
}

void cli_catch_signals(void)
{
    struct sigaction once = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &once, NULL);
    sigaction(SIGTERM, &once, NULL);
}

/* ---- speaking ---- */

const char *cli_say(const struct cli *cli, const char *vietnamese, const char *english)
{
    return cli->english ? english : vietnamese;
}

int cli_exit_of(int code)
{
    switch (code) {
    case 0:
        return CLI_OK;
    case ERR_NET:
    case ERR_AGAIN:
    case ERR_FULL:
        return CLI_UNREACHABLE;
    case ERR_DENIED:
        return CLI_DENIED;
    case ERR_INVALID:
    case ERR_LIMIT:
    case ERR_NOT_FOUND:
    case ERR_EXISTS:
        return CLI_REFUSED;
    default:
        return CLI_FAILED;
    }
}

/* What officers meet on any day, in their language; the cause follows for who helps them. */
static const char *explain(const struct cli *cli, int code)
{
    if (cli->english || cli->misconfigured)
        return NULL;
    if (code == ERR_NET)
        return "Không nhận được trả lời của hệ thống: đề nghị kiểm tra đường truyền rồi thử lại.";
    if (code == ERR_DENIED)
        return "Khóa này không được hệ thống chấp nhận (chưa đăng ký, đã bị thu hồi hoặc không đủ "
               "quyền): đề nghị liên hệ bộ phận công nghệ thông tin của tỉnh.";
    return NULL;
}

static void print_error(const struct cli *cli, const char *sentence, const struct err *e)
{
    if (sentence)
        fprintf(cli->err, "tonghop: %s\n  (%s)\n", sentence, e->text);
    else
        fprintf(cli->err, "tonghop: %s\n", e->text);
}

int cli_fail(const struct cli *cli, const struct err *e)
{
    print_error(cli, explain(cli, e->code), e);
    return cli->misconfigured ? CLI_USAGE : cli_exit_of(e->code);
}

/* The service's own sentence names the word, in English. */
static const char *explain_refused(const struct cli *cli, int code)
{
    if (cli->english)
        return NULL;
    if (code == ERR_DENIED)
        return "Khóa này không được xem đơn vị này: đề nghị kiểm tra lại mã đơn vị, hoặc liên hệ "
               "bộ "
               "phận công nghệ thông tin của tỉnh để điều chỉnh phạm vi.";
    if (code == ERR_NOT_FOUND)
        return "Không có đơn vị hoặc chỉ tiêu thống kê như đã hỏi: đề nghị kiểm tra lại mã và "
               "ngày.";
    return "Hệ thống không trả lời được câu hỏi này.";
}

int cli_fail_refused(const struct cli *cli, const struct err *e)
{
    print_error(cli, explain_refused(cli, e->code), e);
    return e->code == ERR_DENIED ? CLI_DENIED : CLI_REFUSED;
}

int cli_fail_blocked(const struct cli *cli, enum refusal refusal)
{
    fprintf(cli->err, "tonghop: %s (%s)\n",
            cli->english ? refusal_sentence_en(refusal) : refusal_sentence_vi(refusal),
            refusal_name(refusal));
    return refusal == REFUSAL_UNAVAILABLE ? CLI_UNREACHABLE : CLI_DENIED;
}

int cli_usage(const struct cli *cli, const struct err *e)
{
    fprintf(cli->err, "tonghop: %s\n", e->text);
    return CLI_USAGE;
}

int64_t cli_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int cli_make_directories(const char *path, struct err *e)
{
    char part[PATH_BYTES];
    for (const char *at = path; *at; at++) {
        if (at[1] != '/' && at[1] != '\0')
            continue;
        snprintf(part, sizeof part, "%.*s", (int)(at + 1 - path), path);
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return err_set(e, ERR_IO, "%s: cannot be made: %m", part);
    }
    return 0;
}

/* ---- help ---- */

static const char exit_codes[] =
    "Exit codes:\n"
    "  0  done\n"
    "  1  failed\n"
    "  2  the command line, the configuration or a key file is wrong; nothing was done\n"
    "  3  the input, or some rows of it, was refused; the rest went through\n"
    "  4  no answer, or not now; what was to be sent is kept and goes out next time\n"
    "  5  this key may not do that\n";

static void print_help(FILE *out)
{
    fputs("tonghop: figures from communes, summed up while there is time to act\n\n"
          "Usage: tonghop COMMAND [ARGUMENTS]\n"
          "       tonghop COMMAND --help        what a command does, with an example\n\n"
          "Commands:\n",
          out);
    for (size_t i = 0; i < cli_command_count; i++)
        fprintf(out, "  %-14s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    fputs("\nEverywhere:\n", out);
    cli_args_print_global(out);
    fprintf(out, "\n%s", exit_codes);
}

static void print_command_help(const struct cli_command *c, FILE *out)
{
    fprintf(out, "tonghop %s: %s\n\nUsage: tonghop %s%s%s [OPTIONS]\n\n%s\n", c->name, c->summary,
            c->name, c->words[0] ? " " : "", c->words, c->help);
    if (c->option_count > 0)
        fputs("Options:\n", out);
    for (size_t i = 0; i < c->option_count; i++)
        cli_args_print_option(&c->options[i], out);
    fputs("\nEverywhere:\n", out);
    cli_args_print_global(out);
    fprintf(out, "\n%s", exit_codes);
}

/* ---- dispatch ---- */

/* The command named by the first word, or the first two; *used is how many. */
static const struct cli_command *find_command(int argc, char **argv, int *used)
{
    for (size_t i = 0; i < cli_command_count; i++) {
        const char *name = cli_commands[i]->name, *space = strchr(name, ' ');
        size_t first = space ? (size_t)(space - name) : strlen(name);
        if (strlen(argv[0]) != first || strncmp(argv[0], name, first) != 0)
            continue;
        *used = space ? 2 : 1;
        if (!space || (argc > 1 && strcmp(argv[1], space + 1) == 0))
            return cli_commands[i];
    }
    return NULL;
}

static bool is_group(const char *first, const char *name)
{
    size_t len = strlen(first);
    return strncmp(name, first, len) == 0 && name[len] == ' ';
}

/* Only the first of two words: names those that could follow. */
static bool tell_second_words(const struct cli *cli, const char *first)
{
    unsigned found = 0;
    for (size_t i = 0; i < cli_command_count; i++)
        if (is_group(first, cli_commands[i]->name))
            fprintf(cli->err, "%s%s", found++ == 0 ? "tonghop: write one of: tonghop " : ", ",
                    cli_commands[i]->name);
    if (found > 0)
        fputc('\n', cli->err);
    return found > 0;
}

/* The same as help. */
static bool print_group_help(const char *first, FILE *out)
{
    unsigned found = 0;
    for (size_t i = 0; i < cli_command_count; i++) {
        if (!is_group(first, cli_commands[i]->name))
            continue;
        if (found++ == 0)
            fprintf(out, "Usage: tonghop %s COMMAND [ARGUMENTS]\n\n", first);
        fprintf(out, "  %-14s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    }
    if (found > 0)
        fprintf(out, "\ntonghop %s COMMAND --help teaches each, with an example.\n", first);
    return found > 0;
}

static int unknown_command(const struct cli *cli, int argc, char **argv)
{
    struct err e;
    if (argc == 1 && tell_second_words(cli, argv[0]))
        return CLI_USAGE;
    const char *names[NAMES_MAX];
    char two[2 * TEXT_WORD_BYTES_MAX];
    for (size_t i = 0; i < cli_command_count; i++)
        names[i] = cli_commands[i]->name;
    snprintf(two, sizeof two, "%s%s%s", argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
    const char *nearest = text_nearest(slice_str(two), names, cli_command_count);
    if (!nearest)
        nearest = text_nearest(slice_str(argv[0]), names, cli_command_count);
    if (nearest)
        err_set(&e, ERR_INVALID, "unknown command \"%s\": did you mean \"%s\"?",
                argc > 1 && strchr(nearest, ' ') ? two : argv[0], nearest);
    else
        err_set(&e, ERR_INVALID, "unknown command \"%s\": see tonghop --help", argv[0]);
    return cli_usage(cli, &e);
}

static int run_command(struct cli *cli, const struct cli_command *c, int argc, char **argv)
{
    struct err e;
    struct cli_args args;
    bool help = false;
    const char **words = NULL;
    int rc = cli_args_parse(cli, c, argc, argv, &args, &words, &help, &e);
    if (rc == 0 && help)
        print_command_help(c, cli->out);
    int status = CLI_OK;
    if (rc != 0)
        status = cli_usage(cli, &e);
    else if (!help)
        status = c->run(cli, &args);
    free(words);
    return status;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static int dispatch(struct cli *cli, int argc, char **argv)
{
    int used = 0;
    bool asks_help = argc > 0 && is_help(argv[0]);
    if (argc == 0 || (asks_help && argc == 1)) {
        print_help(argc == 0 ? cli->err : cli->out);
        return argc == 0 ? CLI_USAGE : CLI_OK;
    }
    if (strcmp(argv[0], "--version") == 0) {
        fprintf(cli->out, "tonghop %s\n", TONGHOP_VERSION);
        return CLI_OK;
    }
    if (asks_help) {
        argc--;
        argv++;
    }
    const struct cli_command *c = find_command(argc, argv, &used);
    bool of_group = asks_help ? argc == 1 : argc == 2 && is_help(argv[1]);
    if (!c && of_group && print_group_help(argv[0], cli->out))
        return CLI_OK;
    if (!c)
        return unknown_command(cli, argc, argv);
    if (asks_help) {
        print_command_help(c, cli->out);
        return CLI_OK;
    }
    return run_command(cli, c, argc - used, argv + used);
}

int cli_main(int argc, char **argv, FILE *out, FILE *err)
{
    struct cli cli = {.out = out, .err = err, .timeout_ms = CLI_TIMEOUT_MS};
    int status = dispatch(&cli, argc - 1, argv + 1);
    net_destroy(cli.net);
    cli_config_fini(&cli.config);
    if (fflush(out) != 0) {
        fprintf(err, "tonghop: the output could not be written: %m\n");
        return CLI_FAILED;
    }
    return status;
}
