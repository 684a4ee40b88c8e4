#include "services/cli/cli_print.h"
#include "services/cli/cmd.h"
#include "services/cli/figure.h"

#include "common/net/loop.h"

#include <glob.h>
#include <inttypes.h>
#include <jansson.h>
#include <time.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, RETRY_MS = 50, CHECK_MS = 2000 };

/* One figure, and what became of the batches that were sent with it. */
struct submission {
    struct cli *cli;
    bool json;
    struct ident unit;
    struct ident indicator;
    struct figure_period period;
    enum op op;
    int64_t value;
    int64_t reported_at_ms;
    uint64_t ticket; /* 0: only what waits is sent */
    bool refused;
    enum refusal blocked; /* nothing goes on until somebody acts */
};

/* ---- the figure ---- */

static int misworded(const struct cli *cli, bool clear, struct err *e)
{
    if (clear)
        return err_set(e, ERR_INVALID, "%s",
                       cli_say(cli,
                               "viết tonghop submit ĐƠN-VỊ CHỈ-TIÊU KỲ --clear (không kèm số liệu)",
                               "write tonghop submit UNIT INDICATOR PERIOD VALUE, or with --clear "
                               "without a VALUE"));
    return err_set(e, ERR_INVALID, "%s",
                   cli_say(cli, "viết tonghop submit ĐƠN-VỊ CHỈ-TIÊU KỲ SỐ-LIỆU",
                           "write tonghop submit UNIT INDICATOR PERIOD VALUE"));
}

static int take_value(const struct cli_args *args, struct submission *s, struct err *e)
{
    bool clear = cli_switch(args, "clear"), add = cli_switch(args, "add");
    if (clear && add)
        return err_set(e, ERR_INVALID, "%s",
                       cli_say(s->cli, "--clear và --add trái nhau: chỉ dùng một",
                               "--clear and --add contradict each other"));
    s->op = clear ? OP_CLEAR : add ? OP_ADD : OP_SET;
    if (clear && args->word_count == 3)
        return 0;
    if (clear || args->word_count != 4)
        return misworded(s->cli, clear, e);
    struct slice word = slice_str(args->words[3]);
    int rc = figure_take_value(word, s->cli->english, &s->value, e);
    return rc == 0 ? 0 : figure_wrap(e, s->cli->english, "số liệu", "VALUE", word);
}

static int take_period(const struct cli *cli, const char *word, struct figure_period *out,
                       struct err *e)
{
    int rc = figure_take_period(slice_str(word), cli->english, out, e);
    return rc == 0 ? 0 : figure_wrap(e, cli->english, "kỳ", "the period", slice_str(word));
}

static int take_figure(const struct cli_args *args, struct submission *s, struct err *e)
{
    const char *at = cli_option(args, "reported-at");
    s->reported_at_ms = cli_now_ms();
    if (args->word_count < 3)
        return misworded(s->cli, false, e);
    int rc = cli_unit(s->cli, args->words[0], &s->unit, e);
    if (rc == 0)
        rc = cli_indicator(s->cli, args->words[1], &s->indicator, e);
    if (rc == 0)
        rc = take_period(s->cli, args->words[2], &s->period, e);
    if (rc == 0 && at)
        rc = cli_reported_at(s->cli, at, &s->reported_at_ms, e);
    return rc != 0 ? rc : take_value(args, s, e);
}

/* "2024-09" for a daily figure would pass as that of 30 September: the aggregator knows. When it
 * does not answer soon, the collector alone judges. */
static int check_period(struct cli *cli, const struct submission *s, struct err *e)
{
    struct arena arena;
    struct request *link = NULL;
    struct wire_units_reply r = {0};
    struct cli soon = *cli;
    const struct wire_indicator_info *info = NULL;
    int rc = 0;
    soon.timeout_ms = cli->timeout_ms < CHECK_MS ? cli->timeout_ms : CHECK_MS;
    if (!cli->config.aggregator.endpoint || s->period.kind == PERIOD_DAY)
        return 0;
    arena_init(&arena, 0);
    if (cli_connect(&soon, CLI_AGGREGATOR, &link, NULL) == 0 &&
        cli_indicators(link, &soon, &arena, &r, NULL) == 0)
        info = cli_find_indicator(&r, s->indicator.text);
    if (info && info->kind != INDICATOR_RATIO &&
        (info->period != s->period.kind || info->calendar != s->period.calendar))
        rc = figure_other_period(&s->period, (enum period_kind)info->period,
                                 (enum period_calendar)info->calendar, cli->english, e);
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
                      .days = &s->period.days.last,
                      .ops = &op,
                      .values = &s->value};
    return submit_client_put(c, &b, &s->ticket, e);
}

/* ---- answers ---- */

static enum refusal refusal_of(const struct wire_submit_answer *a)
{
    if (a->refusal == REFUSAL_SETTLED)
        return REFUSAL_NONE;
    if (a->refusal != REFUSAL_NONE)
        return (enum refusal)a->refusal;
    return a->refused_count > 0 ? (enum refusal)a->refused_codes[0] : REFUSAL_NONE;
}

static const char *sentence_of(const struct submission *s, enum refusal refusal)
{
    return s->cli->english ? refusal_sentence_en(refusal) : refusal_sentence_vi(refusal);
}

static void print_json(const struct submission *s, const struct wire_submit_answer *a)
{
    char time[32];
    enum refusal why = refusal_of(a);
    bool accepted = why == REFUSAL_NONE;
    json_t *all = json_pack("{s:b, s:s, s:s, s:I, s:s}", "accepted", accepted, "refusal",
                            accepted ? "" : refusal_name(why), "sentence",
                            accepted ? "" : sentence_of(s, why), "offset", (json_int_t)a->offset,
                            "time", day_time_format(a->collector_time_ms, time));
    json_dumpf(all, s->cli->out, JSON_INDENT(2));
    fputc('\n', s->cli->out);
    json_decref(all);
}

static const char *what_was_said(const struct submission *s, char out[2 * CLI_NUMBER_BYTES])
{
    char number[CLI_NUMBER_BYTES];
    if (s->op == OP_CLEAR)
        return cli_say(s->cli, "thu hồi số liệu", "withdrawn");
    snprintf(out, 2 * CLI_NUMBER_BYTES, "%s%s", s->op == OP_ADD ? "+" : "",
             cli_number(s->value, s->cli->english, number));
    return out;
}

static void print_answer(const struct submission *s, const struct wire_submit_answer *a)
{
    const struct cli *cli = s->cli;
    char period[PERIOD_TEXT_BYTES], value[2 * CLI_NUMBER_BYTES];
    enum refusal why = refusal_of(a);
    if (why == REFUSAL_NONE)
        fprintf(cli->out,
                cli_say(cli, "Đã tiếp nhận: %s %s %s: %s. Mục nhật ký %" PRIu64 ".\n",
                        "Accepted: %s %s %s: %s. Journal entry %" PRIu64 ".\n"),
                s->unit.text, s->indicator.text,
                period_format(s->period.kind, s->period.calendar, s->period.days.last, period),
                what_was_said(s, value), a->offset);
    else
        fprintf(cli->err, cli_say(cli, "Từ chối: %s (%s)\n", "Refused: %s (%s)\n"),
                sentence_of(s, why), refusal_name(why));
}

/* Of a figure that waited from an earlier time. */
static void print_earlier(const struct submission *s, uint64_t ticket,
                          const struct wire_submit_answer *a)
{
    enum refusal why = refusal_of(a);
    fprintf(s->cli->err,
            cli_say(s->cli, "Số liệu gửi lần trước (số thứ tự %" PRIu64 "): %s\n",
                    "A figure of an earlier time (ticket %" PRIu64 "): %s\n"),
            ticket,
            why != REFUSAL_NONE ? sentence_of(s, why)
                                : cli_say(s->cli, "Đã tiếp nhận.", "Accepted."));
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
    char time[FIGURE_TIME_BYTES];
    (void)ticket;
    fprintf(s->cli->err,
            cli_say(s->cli,
                    "Thời điểm báo cáo nằm trong tương lai: gửi lại với giờ của hệ thống tiếp nhận "
                    "%s\n",
                    "Reported in the future: sent again under the collector's time %s\n"),
            figure_time(reported_at_ms, s->cli->english, time));
}

static void on_reopen(void *arg, enum spool_reason reason, const struct spool_id *id)
{
    struct submission *s = arg;
    (void)reason;
    (void)id;
    fprintf(s->cli->err, "%s",
            cli_say(s->cli,
                    "Hệ thống tiếp nhận không khớp hàng chờ gửi này: mở hàng chờ mới và gửi tiếp\n",
                    "The collector does not know this spool any more: a new one was opened\n"));
}

static void on_blocked(void *arg, enum refusal refusal)
{
    struct submission *s = arg;
    s->blocked = refusal;
}

/* ---- sending ---- */

static int spool_in_use(const struct cli *cli, struct err *e)
{
    struct err why = *e;
    return err_set(e, ERR_AGAIN,
                   cli_say(cli,
                           "Một lệnh khác đang dùng hàng chờ gửi: đề nghị đợi lệnh đó xong rồi thử "
                           "lại.\n  (%s)",
                           "%s"),
                   why.text);
}

/* Another `submit` may be at it: it takes a moment. */
static int open_client(struct submission *s, const struct submit_client_options *o,
                       struct submit_client **out, struct err *e)
{
    int64_t deadline_ms = loop_now_ms() + s->cli->timeout_ms;
    for (;;) {
        int rc = submit_client_open(out, s->cli->net, o, e);
        if (rc != ERR_AGAIN)
            return rc;
        if (loop_now_ms() > deadline_ms)
            return spool_in_use(s->cli, e);
        nanosleep(&(struct timespec){.tv_nsec = RETRY_MS * 1000000L}, NULL);
    }
}

/* Figures go out under the key they were stated under: each has its own folder. */
static int find_spool(struct submission *s, const struct net_key *key, const char *from,
                      char path[PATH_BYTES], struct err *e)
{
    char folder[PATH_BYTES / 2], name[CLI_KEY_NAME_BYTES];
    cli_config_path(&s->cli->config, s->cli->config.spool, folder, sizeof folder);
    snprintf(path, PATH_BYTES, "%s/submit.%s", folder, cli_key_name(key, name));
    if (!from)
        return cli_make_directories(folder, e);
    snprintf(path, PATH_BYTES, "%s", from);
    return access(from, F_OK) == 0 ? 0
                                   : err_set(e, ERR_NOT_FOUND,
                                             cli_say(s->cli, "--from %s: không có thư mục này",
                                                     "--from %s: there is no such folder"),
                                             from);
}

static uint64_t count_waiting(const char *folder)
{
    struct spool *other = NULL;
    uint64_t waiting = 0;
    if (spool_open(&other, folder, false, NULL) == 0) {
        struct spool_stored st = spool_stored(other);
        waiting = st.next_number - st.first;
    }
    spool_close(other);
    return waiting;
}

/* At the first use of a key: what was stated under another, before a rotation, must not be
 * forgotten, nor go out under a name that did not state it. */
static void tell_others(const struct submission *s, const char *path)
{
    char other[PATH_BYTES];
    glob_t found;
    snprintf(other, sizeof other, "%.*s/submit.*", (int)(strrchr(path, '/') - path), path);
    if (access(path, F_OK) == 0 || glob(other, 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        uint64_t waiting = count_waiting(found.gl_pathv[i]);
        if (waiting == 0)
            continue;
        fprintf(s->cli->err,
                cli_say(s->cli,
                        "%" PRIu64 " số liệu của một khóa khác còn chờ gửi. Nếu đó là khóa cũ của "
                        "mình: tonghop submit --pending --from %s\n",
                        "%" PRIu64 " figures stated under another key wait. If that was your own "
                        "former key: tonghop submit --pending --from %s\n"),
                waiting, found.gl_pathv[i]);
    }
    globfree(&found);
}

static int open_spool(struct submission *s, const char *from, struct submit_client **out,
                      struct err *e)
{
    char path[PATH_BYTES];
    struct request_peer peer = {0};
    int rc = cli_peer(s->cli, CLI_COLLECTOR, &peer, e);
    if (rc == 0)
        rc = find_spool(s, &peer.self.public_key, from, path, e);
    if (rc == 0)
        tell_others(s, path);
    if (rc == 0) {
        struct submit_client_options o = {.endpoint = peer.endpoint,
                                          .server_key = peer.server_key,
                                          .self = peer.self,
                                          .spool_directory = path,
                                          .hooks = {.arg = s,
                                                    .answered = on_answer,
                                                    .restamped = on_restamp,
                                                    .reopened = on_reopen,
                                                    .blocked = on_blocked}};
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
                        "Chưa gửi được; %" PRIu64 " số liệu đã lưu trong hàng chờ gửi và sẽ gửi ở "
                        "lần sau (hoặc: tonghop submit --pending).\n",
                        "Not sent yet; %" PRIu64 " figures are kept and go out next time (or: "
                        "tonghop submit --pending).\n"),
                waiting);
    if (rc != 0 && s->blocked != REFUSAL_NONE)
        return cli_fail_blocked(s->cli, s->blocked);
    if (rc == ERR_AGAIN && submit_client_refusal(c) == REFUSAL_UNAVAILABLE)
        return cli_fail_blocked(s->cli, REFUSAL_UNAVAILABLE);
    if (rc != 0)
        return cli_fail(s->cli, e);
    return s->refused ? CLI_REFUSED : CLI_OK;
}

static int run(struct cli *cli, const struct cli_args *args)
{
    struct err e = {0};
    struct submit_client *c = NULL;
    struct submission s = {.cli = cli, .json = cli_switch(args, "json")};
    const char *from = cli_option(args, "from");
    bool only_pending = cli_switch(args, "pending") && args->word_count == 0;
    if (!only_pending && from)
        err_set(&e, ERR_INVALID, "%s",
                cli_say(cli, "--from chỉ đi với --pending", "--from goes with --pending alone"));
    else if (!only_pending)
        take_figure(args, &s, &e);
    if (e.code != 0)
        return cli_usage(cli, &e);
    cli_catch_signals();
    int rc = open_spool(&s, from, &c, &e);
    if (rc == 0 && !only_pending)
        rc = check_period(cli, &s, &e);
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
    {"from", "FOLDER",
     "with --pending: what waits in this folder of the spool, stated under\n"
     "another key, such as the one before a rotation"},
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
        "  tonghop submit 11341 cdht.dangky 2024-09-05 --clear\n"
        "  tonghop submit --pending\n\n"
        "Each key has its own folder in the spool. After a rotation what waits under the old key\n"
        "goes out with: tonghop submit --pending --from spool/submit.OLDKEY\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
