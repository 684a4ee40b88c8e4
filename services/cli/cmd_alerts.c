#include "services/cli/alert_feed.h"
#include "services/cli/alert_view.h"
#include "services/cli/cli_print.h"
#include "services/cli/cmd.h"
#include "services/cli/figure.h"

#include "common/base/alloc.h"
#include "common/base/parse.h"

#include <inttypes.h>
#include <stdlib.h>

enum { LIST_COLUMNS = 5, HISTORY_COLUMNS = 6, ARENA_KEEP_BYTES = 1 << 20, WAIT_MS = 200 };

/* ---- asking ---- */

static int take_filters(const struct cli *cli, const struct cli_args *args, struct wire_alerts *q,
                        struct err *e)
{
    const char *plan = cli_option(args, "plan"), *target = cli_option(args, "target");
    const char *unit = cli_option(args, "unit");
    int rc = plan ? cli_ident(plan, "--plan", &q->plan, e) : 0;
    if (rc == 0 && target)
        rc = cli_ident(target, "--target", &q->target, e);
    if (rc == 0 && unit)
        rc = cli_unit(cli, unit, &q->unit, e);
    if (rc == 0)
        rc = cli_option_number(args, "after", UINT64_MAX, 0, &q->after, e);
    if (rc == 0)
        rc = cli_option_number(args, "not-before", UINT64_MAX, 0, &q->not_before, e);
    q->wait_ms = q->not_before > 0 ? (uint32_t)cli->timeout_ms : 0;
    return rc;
}

typedef void page_fn(void *arg, const struct wire_alerts_reply *page);

/* All of it, a page at a time; or count_max, if that is set. */
static int visit_pages(struct cli *cli, struct wire_alerts *q, page_fn *visit, void *arg,
                       struct err *e)
{
    struct request *link = NULL;
    struct arena arena;
    struct wire_alerts_reply page = {.more = true};
    arena_init(&arena, ARENA_KEEP_BYTES);
    int rc = cli_connect(cli, CLI_NOTIFIER, &link, e);
    while (rc == 0 && page.more) {
        rc = alert_view_ask_until_ready(link, cli, q, &arena, &page, e);
        if (rc != 0)
            break;
        visit(arg, &page);
        page.more = page.more && q->count_max == 0;
        if (page.decision_count > 0)
            q->after = page.decisions[page.decision_count - 1].number;
        arena_reset(&arena);
    }
    request_close(link);
    arena_fini(&arena);
    return rc;
}

/* ---- many, as a table or as JSON ---- */

struct listing {
    struct cli *cli;
    struct cli_table table;
    json_t *all;
    bool history;
    size_t count;
};

static void add_notification(struct listing *l, const struct wire_alert_decision *d)
{
    char time[FIGURE_TIME_BYTES];
    cli_table_add(&l->table, "%" PRIu64, d->number);
    cli_table_add(&l->table, "%s", figure_time(d->tick_ms, l->cli->english, time));
    cli_table_add(&l->table, "%s", d->recipient);
    cli_table_add(&l->table, "%s", alert_view_reason(l->cli, d));
    cli_table_add(&l->table, "%s", d->subject);
}

static void add_decision(struct listing *l, const struct wire_alert_decision *d)
{
    char time[FIGURE_TIME_BYTES];
    cli_table_add(&l->table, "%" PRIu64, d->number);
    cli_table_add(&l->table, "%s", figure_time(d->tick_ms, l->cli->english, time));
    cli_table_add(&l->table, "%s", d->target.text);
    cli_table_add(&l->table, "%s (%s)", d->unit_name, d->unit.text);
    cli_table_add(&l->table, "%s → %s", alert_view_state(l->cli, d->from_state),
                  alert_view_state(l->cli, d->to_state));
    if (d->reason == 2)
        cli_table_add(&l->table, "%s (%s)", alert_view_reason(l->cli, d), d->inhibitor.text);
    else
        cli_table_add(&l->table, "%s%s%s", alert_view_reason(l->cli, d), d->id[0] ? ": " : "",
                      d->recipient);
}

static void visit_page(void *arg, const struct wire_alerts_reply *page)
{
    struct listing *l = arg;
    l->count += page->decision_count;
    for (uint32_t i = 0; i < page->decision_count; i++)
        if (l->all)
            json_array_append_new(l->all, alert_view_decision_json(&page->decisions[i]));
        else if (l->history)
            add_decision(l, &page->decisions[i]);
        else
            add_notification(l, &page->decisions[i]);
}

static void begin_listing(struct listing *l)
{
    static const char *const list[2][LIST_COLUMNS] = {
        {"số", "lúc", "nơi nhận", "tình trạng", "nội dung"},
        {"number", "at", "recipient", "standing", "subject"},
    };
    static const char *const history[2][HISTORY_COLUMNS] = {
        {"số", "lúc", "chỉ tiêu", "đơn vị", "tình trạng", "thông báo"},
        {"number", "at", "target", "unit", "state", "notification"},
    };
    cli_table_init(&l->table, l->history ? "rlllll" : "rllll");
    for (unsigned i = 0; i < (l->history ? HISTORY_COLUMNS : LIST_COLUMNS); i++)
        cli_table_add(&l->table, "%s",
                      l->history ? history[l->cli->english][i] : list[l->cli->english][i]);
}

static void keep_last(struct listing *l, size_t last)
{
    cli_table_keep_last(&l->table, last);
    while (l->all && json_array_size(l->all) > last)
        json_array_remove(l->all, 0);
}

static void print_listing(const struct listing *l)
{
    if (l->all) {
        json_dumpf(l->all, l->cli->out, JSON_INDENT(2));
        fputc('\n', l->cli->out);
    } else if (l->count == 0) {
        fprintf(l->cli->out, "%s",
                cli_say(l->cli, "Không có thông báo nào.\n", "There are none.\n"));
    } else {
        cli_table_print(&l->table, l->cli->out);
    }
}

static int list(struct cli *cli, const struct cli_args *args, enum wire_alerts_what what)
{
    struct err e = {0};
    uint64_t last;
    struct wire_alerts q = {.what = what};
    struct listing l = {.cli = cli, .history = what == WIRE_ALERTS_HISTORY};
    int rc = take_filters(cli, args, &q, &e);
    if (rc == 0)
        rc = cli_option_number(args, "last", SIZE_MAX, SIZE_MAX, &last, &e);
    if (rc != 0)
        return cli_usage(cli, &e);
    if (cli_switch(args, "json"))
        l.all = json_array();
    begin_listing(&l);
    rc = visit_pages(cli, &q, visit_page, &l, &e);
    if (rc == 0) {
        keep_last(&l, (size_t)last);
        print_listing(&l);
    }
    cli_table_fini(&l.table);
    json_decref(l.all);
    return rc == 0 ? CLI_OK : cli_fail(cli, &e);
}

static int run_list(struct cli *cli, const struct cli_args *args)
{
    return list(cli, args, WIRE_ALERTS_NOTIFICATIONS);
}

static int run_history(struct cli *cli, const struct cli_args *args)
{
    return list(cli, args, WIRE_ALERTS_HISTORY);
}

/* ---- one ---- */

static void print_one(const struct cli *cli, const struct wire_alert_decision *d)
{
    char time[FIGURE_TIME_BYTES];
    fprintf(cli->out,
            cli_say(cli, "Mã: %s\nLúc: %s\nNơi nhận: %s (%s)\nTình trạng: %s (%s → %s)\n",
                    "Id: %s\nAt: %s\nRecipient: %s (%s)\nStanding: %s (%s → %s)\n"),
            d->id, figure_time(d->tick_ms, cli->english, time), d->recipient_name, d->recipient,
            alert_view_reason(cli, d), alert_view_state(cli, d->from_state),
            alert_view_state(cli, d->to_state));
    if (d->corrects[0])
        fprintf(cli->out, cli_say(cli, "Tiếp theo thông báo: %s\n", "Follows: %s\n"), d->corrects);
    fprintf(cli->out, cli_say(cli, "Nội dung: %s\n\n%s", "Subject: %s\n\n%s"), d->subject, d->body);
}

static void visit_one(void *arg, const struct wire_alerts_reply *page)
{
    struct listing *l = arg;
    if (page->decision_count == 0)
        return;
    const struct wire_alert_decision *d = &page->decisions[0];
    l->count = 1;
    if (!l->all) {
        print_one(l->cli, d);
        return;
    }
    json_t *one = alert_view_decision_json(d);
    json_dumpf(one, l->cli->out, JSON_INDENT(2));
    fputc('\n', l->cli->out);
    json_decref(one);
}

struct numbered {
    uint64_t number;
    char *id; /* NULL: none of that number */
};

static void visit_numbered(void *arg, const struct wire_alerts_reply *page)
{
    struct numbered *n = arg;
    if (page->decision_count > 0 && page->decisions[0].number == n->number)
        n->id = alloc_string(page->decisions[0].id);
}

/* A number stands for the id of that notification; the caller frees *out, NULL where there is none.
 */
static int find_id(struct cli *cli, const char *word, char **out, struct err *e)
{
    struct numbered n = {0};
    *out = NULL;
    if (parse_u64(slice_str(word), 1, UINT64_MAX, &n.number, NULL) != 0) {
        *out = alloc_string(word);
        return 0;
    }
    struct wire_alerts q = {
        .what = WIRE_ALERTS_NOTIFICATIONS, .after = n.number - 1, .count_max = 1};
    int rc = visit_pages(cli, &q, visit_numbered, &n, e);
    *out = n.id;
    return rc == 0 && !n.id ? ERR_NOT_FOUND : rc;
}

static int run_show(struct cli *cli, const struct cli_args *args)
{
    struct err e = {0};
    char *id;
    struct listing l = {.cli = cli};
    if (cli_switch(args, "json"))
        l.all = json_array();
    int rc = find_id(cli, args->words[0], &id, &e);
    struct wire_alerts q = {.what = WIRE_ALERTS_ONE, .id = id};
    if (rc == 0)
        rc = visit_pages(cli, &q, visit_one, &l, &e);
    free(id);
    json_decref(l.all);
    if (rc == ERR_NOT_FOUND) {
        fprintf(cli->err,
                cli_say(cli, "tonghop: Không có thông báo \"%s\": xem tonghop alerts list.\n",
                        "tonghop: there is no notification \"%s\": see tonghop alerts list\n"),
                args->words[0]);
        return CLI_REFUSED;
    }
    return rc == 0 ? CLI_OK : cli_fail(cli, &e);
}

/* ---- as they are pushed ---- */

static json_t *notification_json(const struct wire_notification *n)
{
    char time[FIGURE_TIME_BYTES];
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "number",
                     (json_int_t)n->number, "id", n->id, "plan", n->plan.text, "target",
                     n->target.text, "unit", n->unit.text, "from",
                     alert_view_state_id(n->from_state), "to", alert_view_state_id(n->to_state),
                     "time", day_time_format(n->tick_ms, time), "recipient", n->recipient,
                     "subject", n->subject, "body", n->body, "corrects", n->corrects);
}

static void print_pushed(const struct cli *cli, bool json, const struct wire_notification *n)
{
    char time[FIGURE_TIME_BYTES];
    if (!json) {
        fprintf(cli->out, "%s  %s  %s\n", figure_time(n->tick_ms, cli->english, time), n->recipient,
                n->subject);
    } else {
        json_t *one = notification_json(n);
        json_dumpf(one, cli->out, JSON_COMPACT);
        fputc('\n', cli->out);
        json_decref(one);
    }
    fflush(cli->out);
}

static void tell_watching(const struct cli *cli)
{
    fprintf(cli->err, "%s",
            cli_say(cli, "Đang theo dõi thông báo mới; bấm Ctrl-C để kết thúc.\n",
                    "Watching for notifications; Ctrl-C ends it.\n"));
}

/* Heads come every beat: silence is an outage, which is said once and waited out. */
static int follow(const struct cli *cli, struct alert_feed *feed, bool json, struct err *e)
{
    struct wire_notification n;
    int silent_ms = 0;
    bool heard = false;
    while (!cli_stop) {
        int rc = alert_feed_next(feed, WAIT_MS, &n, e);
        if (rc == ERR_DENIED)
            return rc;
        if (rc >= 0 && !heard)
            tell_watching(cli);
        heard |= rc >= 0;
        if (rc == 1)
            print_pushed(cli, json, &n);
        silent_ms = rc >= 0 ? 0 : silent_ms + WAIT_MS;
        if (rc < 0 && silent_ms / WAIT_MS == cli->timeout_ms / WAIT_MS)
            fprintf(
                cli->err,
                cli_say(cli, "%s: không nhận được gì, đang chờ\n", "%s: nothing comes, waiting\n"),
                cli->config.alerts_feed);
    }
    return 0;
}

static int run_watch(struct cli *cli, const struct cli_args *args)
{
    struct err e = {0};
    struct alert_feed *feed = NULL;
    cli_catch_signals();
    int rc = alert_feed_open(&feed, cli, &e);
    if (rc == 0)
        rc = follow(cli, feed, cli_switch(args, "json"), &e);
    alert_feed_close(feed);
    return rc == 0 || cli_stop ? CLI_OK : cli_fail(cli, &e);
}

/* ---- the commands ---- */

static const struct cli_option list_options[] = {
    {"plan", "ID", "of this plan only"},
    {"target", "ID", "of this target only"},
    {"unit", "CODE", "of this unit only, not of those below it"},
    {"after", "NUMBER", "numbers above this one"},
    {"not-before", "OFFSET", "wait until a tick at or after this journal entry is judged"},
    {"last", "N", "only the last so many"},
    {"json", NULL, "for programs"},
};
static const struct cli_option json_option[] = {
    {"json", NULL, "for programs"},
};

const struct cli_command cmd_alerts_list = {
    .name = "alerts list",
    .words = "",
    .summary = "the notifications so far: to whom, about what, delivered or not",
    .help = "One line a message, oldest first. What stands now is told by: tonghop status.\n\n"
            "  tonghop alerts list --last 20\n"
            "  tonghop alerts list --unit 303 --json\n",
    .options = list_options,
    .option_count = sizeof list_options / sizeof *list_options,
    .run = run_list,
};

const struct cli_command cmd_alerts_show = {
    .name = "alerts show",
    .words = "NUMBER|ID",
    .words_min = 1,
    .words_max = 1,
    .summary = "one notification, word for word",
    .help = "NUMBER stands in alerts list, ID at the foot of the message itself.\n\n"
            "  tonghop alerts show 12\n"
            "  tonghop alerts show "
            "haiphong-2024/HP1/303/behind/2024-09-18T08:00/quanhuyen.303\n",
    .options = json_option,
    .option_count = 1,
    .run = run_show,
};

const struct cli_command cmd_alerts_history = {
    .name = "alerts history",
    .words = "",
    .summary = "every change of state: who was told, and why nobody was",
    .help = "One line a decision, oldest first, also those that no message came of, with the\n"
            "reason.\n\n"
            "  tonghop alerts history --unit 303\n"
            "  tonghop alerts history --target HP1 --after 200 --json\n",
    .options = list_options,
    .option_count = sizeof list_options / sizeof *list_options,
    .run = run_history,
};

const struct cli_command cmd_alerts_watch = {
    .name = "alerts watch",
    .words = "",
    .summary = "notifications as they are pushed",
    .help = "One line a message, until Ctrl-C. What came while nobody watched: alerts list.\n\n"
            "  tonghop alerts watch\n"
            "  tonghop alerts watch --json >> alerts.jsonl\n",
    .options = json_option,
    .option_count = 1,
    .run = run_watch,
};
