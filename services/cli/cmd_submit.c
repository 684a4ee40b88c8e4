#include "services/cli/cli_print.h"
#include "services/cli/cmd.h"

#include "common/base/parse.h"
#include "common/net/loop.h"

#include <inttypes.h>
#include <jansson.h>
#include <time.h>

enum { PATH_BYTES = 4096, RETRY_MS = 50, CHECK_MS = 2000 };

/* One figure, and what became of the batches that were sent with it. */
struct submission {
    struct cli *cli;
    bool json;
    struct ident unit;
    struct ident indicator;
    struct period period;
    enum op op;
    int64_t value;
    int64_t reported_at_ms;
    uint64_t ticket; /* 0: only what waits is sent */
    bool refused;
};

/* ---- the figure ---- */

static int take_value(const struct cli_args *args, struct submission *s, struct err *e)
{
    bool clear = cli_switch(args, "clear"), add = cli_switch(args, "add");
    if (clear && add)
        return err_set(e, ERR_INVALID, "--clear and --add contradict each other");
    s->op = clear ? OP_CLEAR : add ? OP_ADD : OP_SET;
    if (clear && args->word_count == 3)
        return 0;
    if (clear || args->word_count != 4)
        return err_set(e, ERR_INVALID, "write tonghop submit UNIT INDICATOR PERIOD VALUE%s",
                       clear ? ", or with --clear without a VALUE" : "");
    int rc = parse_i64(slice_str(args->words[3]), -OBSERVATION_VALUE_MAX, OBSERVATION_VALUE_MAX,
                       &s->value, e);
    return rc != 0 ? err_wrap(e, "VALUE") : 0;
}

static int take_figure(const struct cli_args *args, struct submission *s, struct err *e)
{
    const char *at = cli_option(args, "reported-at");
    s->reported_at_ms = cli_now_ms();
    if (args->word_count < 3)
        return err_set(e, ERR_INVALID, "write tonghop submit UNIT INDICATOR PERIOD VALUE");
    int rc = cli_ident(args->words[0], "the unit", &s->unit, e);
    if (rc == 0)
        rc = cli_ident(args->words[1], "the indicator", &s->indicator, e);
    if (rc == 0)
        rc = cli_period(args->words[2], &s->period, e);
    if (rc == 0 && strstr(args->words[2], ".."))
        rc = err_set(e, ERR_INVALID, "%s: a figure is of one period: 2024-09-05, 2024-09 …",
                     args->words[2]);
    if (rc == 0 && at)
        rc = cli_time(at, &s->reported_at_ms, e);
    return rc != 0 ? rc : take_value(args, s, e);
}

/* "2024-09" for a daily figure would pass as that of 30 September: the aggregator knows. When it
 * does not answer soon, the collector alone judges. */
static int check_period(struct cli *cli, const char *word, const struct submission *s,
                        struct err *e)
{
    struct arena arena;
    struct request *link = NULL;
    struct wire_units_reply r = {0};
    struct period days;
    enum period_kind kind = PERIOD_DAY;
    enum period_calendar calendar = CALENDAR_CIVIL;
    struct cli soon = *cli;
    soon.timeout_ms = cli->timeout_ms < CHECK_MS ? cli->timeout_ms : CHECK_MS;
    period_parse(slice_str(word), &kind, &calendar, &days, NULL);
    if (!cli->config.aggregator.endpoint || kind == PERIOD_DAY)
        return 0;
    arena_init(&arena, 0);
    int rc = 0;
    const struct wire_indicator_info *info = NULL;
    if (cli_connect(cli, CLI_AGGREGATOR, &link, NULL) == 0 &&
        cli_indicators(link, &soon, &arena, &r, NULL) == 0)
        info = cli_find_indicator(&r, s->indicator.text);
    if (info && info->kind != INDICATOR_RATIO &&
        (info->period != kind || info->calendar != calendar))
        rc = err_set(e, ERR_INVALID, "%s: %s is reported by the %s (%s calendar)", word,
                     s->indicator.text, period_kind_name((enum period_kind)info->period),
                     period_calendar_name((enum period_calendar)info->calendar));
    request_close(link);
    arena_fini(&arena);
    return rc;
}

static int enqueue(struct submit_client *c, struct submission *s, struct err *e)
{
    struct slice unit = ident_slice(&s->unit), indicator = ident_slice(&s->indicator);
    uint32_t first = 0;
    uint8_t op = (uint8_t)s->op;
    struct batch b = {.reported_at_ms = s->reported_at_ms,
                      .unit_count = 1,
                      .indicator_count = 1,
                      .row_count = 1,
                      .units = &unit,
                      .indicators = &indicator,
                      .unit_refs = &first,
                      .indicator_refs = &first,
                      .days = &s->period.last,
                      .ops = &op,
                      .values = &s->value};
    return submit_client_put(c, &b, &s->ticket, e);
}

/* ---- answers ---- */

static uint32_t refusal_of(const struct wire_submit_answer *a)
{
    if (a->refusal == REFUSAL_SETTLED)
        return REFUSAL_NONE;
    return a->refusal != REFUSAL_NONE ? a->refusal : a->refused_count > 0 ? a->refused_codes[0] : 0;
}

static void print_json(const struct submission *s, const struct wire_submit_answer *a)
{
    char time[32];
    uint32_t code = refusal_of(a);
    json_t *all =
        json_pack("{s:b, s:s, s:s, s:I, s:s}", "accepted", code == 0, "refusal",
                  code ? refusal_name((enum refusal)code) : "", "sentence",
                  code ? refusal_sentence_en((enum refusal)code) : "", "offset",
                  (json_int_t)a->offset, "time", day_time_format(a->collector_time_ms, time));
    json_dumpf(all, s->cli->out, JSON_INDENT(2));
    fputc('\n', s->cli->out);
    json_decref(all);
}

static void print_answer(const struct submission *s, const struct wire_submit_answer *a)
{
    const struct cli *cli = s->cli;
    uint32_t code = refusal_of(a);
    if (code == 0)
        fprintf(cli->out,
                cli_say(cli, "Đã nhận: %s %s. Mục nhật ký %" PRIu64 ".\n",
                        "Accepted: %s %s. Journal entry %" PRIu64 ".\n"),
                s->unit.text, s->indicator.text, a->offset);
    else
        fprintf(cli->err, cli_say(cli, "Không nhận: %s (%s)\n", "Refused: %s (%s)\n"),
                cli->english ? refusal_sentence_en((enum refusal)code)
                             : refusal_sentence_vi((enum refusal)code),
                refusal_name((enum refusal)code));
}

/* Of a figure that waited from an earlier time. */
static void print_earlier(const struct submission *s, uint64_t ticket,
                          const struct wire_submit_answer *a)
{
    uint32_t code = refusal_of(a);
    const char *sentence = s->cli->english ? refusal_sentence_en((enum refusal)code)
                                           : refusal_sentence_vi((enum refusal)code);
    fprintf(s->cli->err,
            cli_say(s->cli, "Số gửi lần trước (số thứ tự %" PRIu64 "): %s\n",
                    "A figure of an earlier time (ticket %" PRIu64 "): %s\n"),
            ticket, code ? sentence : cli_say(s->cli, "đã nhận", "accepted"));
}

static void on_answer(void *arg, uint64_t ticket, const struct wire_submit_answer *a)
{
    struct submission *s = arg;
    s->refused |= refusal_of(a) != REFUSAL_NONE;
    if (ticket != s->ticket)
        print_earlier(s, ticket, a);
    else if (s->json)
        print_json(s, a);
    else
        print_answer(s, a);
}

static void on_restamp(void *arg, uint64_t ticket, int64_t reported_at_ms)
{
    struct submission *s = arg;
    char time[32];
    (void)ticket;
    fprintf(s->cli->err,
            cli_say(s->cli, "Giờ báo cáo nằm trong tương lai: gửi lại với giờ máy chủ %s\n",
                    "Reported in the future: sent again under the collector's time %s\n"),
            day_time_format(reported_at_ms, time));
}

static void on_reopen(void *arg, enum spool_reason reason, const struct spool_id *id)
{
    struct submission *s = arg;
    (void)reason;
    (void)id;
    fprintf(s->cli->err, "%s",
            cli_say(s->cli, "Máy chủ không khớp hàng chờ này: mở hàng chờ mới và gửi tiếp\n",
                    "The collector does not know this spool any more: a new one was opened\n"));
}

/* ---- sending ---- */

/* Another `submit` may be at it: it takes a moment. */
static int open_client(struct submission *s, const struct submit_client_options *o,
                       struct submit_client **out, struct err *e)
{
    int64_t deadline_ms = loop_now_ms() + s->cli->timeout_ms;
    for (;;) {
        int rc = submit_client_open(out, s->cli->net, o, e);
        if (rc != ERR_AGAIN || loop_now_ms() > deadline_ms)
            return rc;
        nanosleep(&(struct timespec){.tv_nsec = RETRY_MS * 1000000L}, NULL);
    }
}

static int open_spool(struct submission *s, struct submit_client **out, struct err *e)
{
    char folder[PATH_BYTES], path[PATH_BYTES + 8];
    struct request_peer peer = {0};
    int rc = cli_peer(s->cli, CLI_COLLECTOR, &peer, e);
    if (rc == 0) {
        cli_config_path(&s->cli->config, s->cli->config.spool, folder, sizeof folder);
        snprintf(path, sizeof path, "%s/submit", folder);
        rc = cli_make_directories(folder, e);
    }
    if (rc == 0) {
        struct submit_client_options o = {
            .endpoint = peer.endpoint,
            .server_key = peer.server_key,
            .self = peer.self,
            .spool_directory = path,
            .hooks = {
                .arg = s, .answered = on_answer, .restamped = on_restamp, .reopened = on_reopen}};
        rc = open_client(s, &o, out, e);
        keypair_wipe(&o.self);
    }
    keypair_wipe(&peer.self);
    return rc;
}

static int finish(struct submission *s, struct submit_client *c, int rc, struct err *e)
{
    uint64_t waiting = submit_client_pending(c);
    if (rc != 0 && waiting > 0)
        fprintf(s->cli->err,
                cli_say(s->cli,
                        "Chưa gửi được; %" PRIu64 " số đã lưu trong hàng chờ và sẽ gửi ở lần sau "
                        "(hoặc: tonghop submit --pending).\n",
                        "Not sent yet; %" PRIu64 " figures are kept and go out next time (or: "
                        "tonghop submit --pending).\n"),
                waiting);
    if (rc != 0)
        return cli_fail(s->cli, e);
    return s->refused ? CLI_REFUSED : CLI_OK;
}

static int run(struct cli *cli, const struct cli_args *args)
{
    struct err e = {0};
    struct submit_client *c = NULL;
    struct submission s = {.cli = cli, .json = cli_switch(args, "json")};
    bool only_pending = cli_switch(args, "pending") && args->word_count == 0;
    if (!only_pending && take_figure(args, &s, &e) != 0)
        return cli_usage(cli, &e);
    cli_catch_signals();
    int rc = open_spool(&s, &c, &e);
    if (rc == 0 && !only_pending)
        rc = check_period(cli, args->words[2], &s, &e);
    if (rc == 0 && !only_pending)
        rc = enqueue(c, &s, &e);
    if (rc != 0) {
        submit_client_close(c);
        return cli_fail(cli, &e);
    }
    rc = submit_client_run(c, cli->timeout_ms, &cli_stop, &e);
    int status = finish(&s, c, rc, &e);
    submit_client_close(c);
    return status;
}

static const struct cli_option options[] = {
    {"clear", NULL, "withdraw the figure (nothing is not zero)"},
    {"add", NULL, "VALUE is an amount to add; only for indicators with entry: tally"},
    {"reported-at", "TIME", "when it was stated; else now"},
    {"pending", NULL, "send only what waits from earlier times"},
    {"json", NULL, "the answer for programs"},
};

const struct cli_command cmd_submit = {
    .name = "submit",
    .words = "UNIT INDICATOR PERIOD VALUE",
    .words_min = 0,
    .words_max = 4,
    .summary = "report one figure",
    .help =
        "The figure is stored first, then sent: with the line down it waits, and goes out with "
        "the\n"
        "next submit. The answer names the journal entry; `query --not-before` it to see the sum.\n"
        "A later statement for the same period replaces the earlier one.\n\n"
        "  tonghop submit 11341 cdht.dangky 2024-09-05 123\n"
        "  tonghop submit 11341 cdht.dangky 2024-09-05 --clear\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
