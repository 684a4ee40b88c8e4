#include "services/cli/cmd.h"

#include <inttypes.h>

static int apply_time(struct cli *cli, const struct cli_args *args, enum wire_apply_kind kind,
                      const char *done)
{
    struct err e = {0};
    struct request *link = NULL;
    struct wire_apply a = {.kind = kind};
    uint64_t offset = 0;
    char text[32];
    if (cli_time(args->words[0], &a.time_ms, &e) != 0)
        return cli_usage(cli, &e);
    int rc = cli_connect(cli, CLI_COLLECTOR, &link, &e);
    if (rc == 0)
        rc = cli_apply(link, cli, &a, &offset, &e);
    request_close(link);
    if (rc != 0)
        return cli_fail(cli, &e);
    fprintf(cli->out, "%s %s, journal entry %" PRIu64 "\n", done, day_time_format(a.time_ms, text),
            offset);
    return CLI_OK;
}

static int run_tick(struct cli *cli, const struct cli_args *args)
{
    return apply_time(cli, args, WIRE_APPLY_REPLAY_TICK, "journal time is now");
}

static int run_accept(struct cli *cli, const struct cli_args *args)
{
    return apply_time(cli, args, WIRE_APPLY_CLOCK_ACCEPT, "accepted:");
}

const struct cli_command cmd_clock_tick = {
    .name = "clock tick",
    .words = "TIME",
    .words_min = 1,
    .words_max = 1,
    .summary = "move the time of a replay journal forward",
    .help = "Only in replay mode, which is fixed when a journal begins: there the clock moves by\n"
            "this command alone. TIME is a day (its first moment) or 2024-09-05T08:00:00+07:00.\n\n"
            "  tonghop clock tick 2024-09-06\n",
    .run = run_tick,
};

const struct cli_command cmd_clock_accept = {
    .name = "clock accept",
    .words = "TIME",
    .words_min = 1,
    .words_max = 1,
    .summary = "confirm a jump of the collector's clock",
    .help = "When the machine's clock jumps by more than an hour the collector waits (status says\n"
            "clock_held) until somebody confirms the time it shows. Look at a wall clock first:\n"
            "journal time never goes back.\n\n"
            "  tonghop clock accept 2024-09-06T07:30:00+07:00\n",
    .run = run_accept,
};
