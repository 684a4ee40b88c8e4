#include "services/cli/cli_print.h"
#include "services/cli/cmd.h"
#include "services/cli/figure.h"
#include "services/cli/status_states.h"

#include "common/base/parse.h"

#include <inttypes.h>
#include <jansson.h>

enum { DEPTH_MAX = 8, BAR_WIDTH = 20, INDENT_MAX = 8, HEALTH_COLUMNS = 7 };

/* ---- health ---- */

static int ask_health(struct cli *cli, enum cli_service service, struct arena *arena,
                      struct wire_health *out, struct err *e)
{
    struct buf reply = {0};
    int rc = cli_ask(cli, service, WIRE_HEALTH, slice_of(NULL, 0), &reply, e);
    if (rc == 0)
        rc = wire_unpack_health(buf_slice(&reply), arena, out, e);
    buf_fini(&reply);
    return rc;
}

/* Null for what a service does not have: a clock of its own, commits. */
static json_t *health_json(const struct wire_health *h)
{
    char journal[32], clock[32], hash[2 * HASH_BYTES + 1];
    format_hex(h->head_hash, HASH_BYTES, hash);
    return json_pack(
        "{s:s, s:b, s:s, s:s, s:I, s:I, s:s, s:o, s:o, s:I, s:b}", "version", h->version, "ready",
        h->ready, "state", h->state, "detail", h->detail, "offset", (json_int_t)h->offset,
        "head_offset", (json_int_t)h->head_offset, "time", day_time_format(h->time_ms, journal),
        "clock", h->clock_ms != 0 ? json_string(day_time_format(h->clock_ms, clock)) : json_null(),
        "head_hash", h->commit_number > 0 ? json_string(hash) : json_null(), "commit",
        (json_int_t)h->commit_number, "replay", h->replay);
}

static void add_health(struct cli_table *t, const struct cli *cli, const char *name,
                       const struct wire_health *h)
{
    char time[FIGURE_TIME_BYTES], hash[2 * HASH_BYTES + 1];
    format_hex(h->head_hash, HASH_BYTES, hash);
    cli_table_add(t, "%s", name);
    cli_table_add(t, "%s", h->state);
    cli_table_add(t, "%" PRIu64, h->offset);
    cli_table_add(t, "%s%s", figure_time(h->time_ms, cli->english, time),
                  h->replay ? " (replay)" : "");
    /* A notifier has no commits of its own to compare. */
    if (h->commit_number > 0)
        cli_table_add(t, "%" PRIu64, h->commit_number);
    else
        cli_table_add(t, "-");
    cli_table_add(t, "%.16s", h->commit_number > 0 ? hash : "-");
    cli_table_add(t, "%s", h->detail ? h->detail : "");
}

static void add_unreachable(struct cli_table *t, const char *name, const struct err *e)
{
    cli_table_add(t, "%s", name);
    cli_table_add(t, "%s", e->code == ERR_DENIED ? "denied" : "unreachable");
    for (unsigned i = 0; i < 4; i++)
        cli_table_add(t, "-");
    cli_table_add(t, "%s", e->text);
}

static void begin_table(struct cli_table *t, const struct cli *cli)
{
    static const char *const vi[HEALTH_COLUMNS] = {
        "dịch vụ", "tình trạng", "mục nhật ký", "giờ nhật ký", "lần ghi", "mã băm", ""};
    static const char *const en[HEALTH_COLUMNS] = {
        "service", "state", "journal entry", "journal time", "commit", "hash", ""};
    cli_table_init(t, "llrlrll");
    for (unsigned i = 0; i < HEALTH_COLUMNS; i++)
        cli_table_add(t, "%s", cli->english ? en[i] : vi[i]);
}

/* The states, where there is a notifier that answers. */
static int add_states(struct cli *cli, struct status_states *states, json_t *all, bool json,
                      struct err *e)
{
    struct request *link = NULL;
    struct arena arena;
    arena_init(&arena, 0);
    int rc = cli_connect(cli, CLI_NOTIFIER, &link, e);
    if (rc == 0)
        rc = status_states_ask(link, cli, states, &arena, e);
    if (rc == 0 && json)
        json_object_set_new(all, "states", status_states_json(states));
    else if (rc == 0)
        status_states_print(cli, states);
    request_close(link);
    arena_fini(&arena);
    return rc;
}

/* 0, or what is wrong with this service as an exit code. */
static int add_service(struct cli *cli, enum cli_service service, struct arena *arena,
                       struct cli_table *table, json_t *all)
{
    const char *name = cli_service_names[service];
    struct err e = {0};
    struct wire_health h = {0};
    int rc = ask_health(cli, service, arena, &h, &e);
    if (rc == 0)
        add_health(table, cli, name, &h);
    else
        add_unreachable(table, name, &e);
    json_object_set_new(all, name, rc == 0 ? health_json(&h) : json_pack("{s:s}", "error", e.text));
    if (rc != 0)
        return cli->misconfigured ? CLI_USAGE : cli_exit_of(rc);
    return h.ready ? CLI_OK : CLI_FAILED;
}

static void tell_no_states(const struct cli *cli)
{
    fprintf(cli->err,
            cli_say(cli, "Không hiển thị tình trạng chỉ tiêu: %s không có mục notifier.\n",
                    "States of targets are not shown: %s names no notifier.\n"),
            cli->config.path);
}

/* The worst of the answers decides the exit code. */
static int run_health(struct cli *cli, struct status_states *states, bool json)
{
    struct cli_table table;
    struct arena arena;
    struct err e = {0};
    json_t *all = json_object();
    bool notified = alert_view_configured(cli);
    int status = CLI_OK, last = CLI_OK;
    arena_init(&arena, 0);
    begin_table(&table, cli);
    for (unsigned i = 0; i < (notified ? CLI_SERVICE_COUNT : CLI_NOTIFIER); i++) {
        last = add_service(cli, (enum cli_service)i, &arena, &table, all);
        if (last > CLI_FAILED || status == CLI_OK)
            status = last;
    }
    if (!json)
        cli_table_print(&table, cli->out);
    if (notified && last == CLI_OK && add_states(cli, states, all, json, &e) != 0)
        status = cli_fail(cli, &e);
    if (!notified && !json)
        tell_no_states(cli);
    if (json) {
        json_dumpf(all, cli->out, JSON_INDENT(2));
        fputc('\n', cli->out);
    }
    json_decref(all);
    cli_table_fini(&table);
    arena_fini(&arena);
    return status;
}

/* ---- the tree ---- */

struct tree {
    struct ident indicator;
    struct wire_units units;
    struct period days;
    bool today; /* no --day */
    struct wire_units_reply found;
    struct wire_query_reply values;
};

static int take_tree(const struct cli *cli, const struct cli_args *args, struct tree *t,
                     struct err *e)
{
    const char *unit = cli_option(args, "unit"), *period = cli_option(args, "day");
    uint64_t depth = 1;
    int rc = cli_indicator(cli, cli_option(args, "indicator"), &t->indicator, e);
    if (rc == 0 && unit)
        rc = cli_unit(cli, unit, &t->units.unit, e);
    if (rc == 0)
        rc = cli_option_number(args, "depth", DEPTH_MAX, 1, &depth, e);
    t->units.depth = (uint32_t)depth;
    t->today = !period;
    if (rc == 0 && period)
        rc = cli_days(cli, period, &t->days, e);
    return rc;
}

/* Today is what the journal says it is. */
static int find_day(struct request *link, const struct cli *cli, struct tree *t, struct err *e)
{
    int rc = t->today ? cli_journal_day(link, cli, &t->days.last, e) : 0;
    if (t->today)
        t->days.first = t->days.last;
    t->units.day = t->days.last;
    return rc;
}

static int ask_units(struct request *link, struct cli *cli, struct tree *t, struct arena *arena,
                     struct err *e)
{
    struct buf message = {0}, reply = {0};
    wire_pack_units(&t->units, &message);
    int rc = cli_request(link, cli, WIRE_UNITS, buf_slice(&message), cli->timeout_ms, &reply, e);
    if (rc == 0)
        rc = wire_unpack_units_reply(buf_slice(&reply), arena, &t->found, e);
    if (rc == 0 && t->found.code != 0)
        rc = err_set(e, t->found.code, "%s", t->found.message);
    buf_fini(&reply);
    buf_fini(&message);
    return rc;
}

static int ask_values(struct request *link, struct cli *cli, struct tree *t, struct arena *arena,
                      struct err *e)
{
    uint32_t count = t->found.unit_count;
    struct wire_question *questions = arena_alloc(arena, (count + 1) * sizeof *questions);
    for (uint32_t i = 0; i < count; i++)
        questions[i] = (struct wire_question){.unit = t->found.units[i].code,
                                              .indicator = t->indicator,
                                              .first = t->days.first,
                                              .last = t->days.last};
    struct wire_query q = {.question_count = count, .questions = questions};
    return cli_query(link, cli, &q, arena, &t->values, e);
}

/* How far below the first unit: parents stand before their children. */
static unsigned depth_of(const struct tree *t, uint32_t i)
{
    const struct ident *parent = &t->found.units[i].parent;
    unsigned depth = 0;
    for (uint32_t k = i; k-- > 0 && depth < INDENT_MAX;) {
        if (strcmp(t->found.units[k].code.text, parent->text) != 0)
            continue;
        depth++;
        parent = &t->found.units[k].parent;
    }
    return depth;
}

static void print_tree(const struct cli *cli, const struct tree *t)
{
    struct cli_table table;
    char text[CLI_NUMBER_BYTES];
    cli_table_init(&table, "llrll");
    cli_table_add(&table, "%s", cli_say(cli, "đơn vị", "unit"));
    cli_table_add(&table, "%s", cli_say(cli, "mã", "code"));
    cli_table_add(&table, "%s", cli_say(cli, "số liệu", "value"));
    cli_table_add(&table, "%s", cli_say(cli, "đã báo cáo", "reported"));
    cli_table_add(&table, "%s", "");
    for (uint32_t i = 0; i < t->found.unit_count; i++) {
        const struct wire_unit_info *u = &t->found.units[i];
        const struct wire_answer *a = &t->values.answers[i];
        struct buf bar = {0};
        cli_bar(&bar, a->reported, a->owed, a->owed > 0 ? BAR_WIDTH : 0);
        cli_table_add(&table, "%*s%s", (int)(2 * depth_of(t, i)), "", u->name);
        cli_table_add(&table, "%s", u->code.text);
        cli_table_add(&table, "%s", cli_value(a, cli->english, text));
        cli_table_add(&table, "%s", a->owed > 0 ? (const char *)bar.data : "");
        cli_table_add(&table, "%s", a->code != 0 ? a->message : cli_coverage(a, text));
        buf_fini(&bar);
    }
    cli_table_print(&table, cli->out);
    cli_table_fini(&table);
    fflush(cli->out);
    char day[DAY_TEXT_BYTES], time[FIGURE_TIME_BYTES];
    fprintf(cli->err,
            cli_say(cli, "%s ngày %s; tính đến %s, mục nhật ký %" PRIu64 "\n",
                    "%s on %s; as of %s, journal entry %" PRIu64 "\n"),
            t->indicator.text, figure_day(t->days.last, cli->english, day),
            figure_time(t->values.time_ms, cli->english, time), t->values.offset);
}

static void print_tree_json(const struct cli *cli, const struct tree *t)
{
    char first[DAY_TEXT_BYTES], last[DAY_TEXT_BYTES], time[32];
    json_t *units = json_array();
    for (uint32_t i = 0; i < t->found.unit_count; i++) {
        const struct wire_unit_info *u = &t->found.units[i];
        const struct wire_answer *a = &t->values.answers[i];
        json_array_append_new(
            units,
            json_pack("{s:s, s:s, s:s, s:I, s:o, s:I, s:I, s:I, s:s}", "unit", u->code.text, "name",
                      u->name, "parent", u->parent.text, "level", (json_int_t)u->level, "value",
                      a->has_value ? json_integer(a->value) : json_null(), "owed",
                      (json_int_t)a->owed, "reported", (json_int_t)a->reported, "on_time",
                      (json_int_t)a->on_time, "error", a->code != 0 ? a->message : ""));
    }
    json_t *all = json_pack("{s:s, s:s, s:s, s:I, s:s, s:o}", "indicator", t->indicator.text,
                            "first", day_format(t->days.first, first), "last",
                            day_format(t->days.last, last), "offset", (json_int_t)t->values.offset,
                            "time", day_time_format(t->values.time_ms, time), "units", units);
    json_dumpf(all, cli->out, JSON_INDENT(2));
    fputc('\n', cli->out);
    json_decref(all);
}

static int run_tree(struct cli *cli, const struct cli_args *args)
{
    struct err e = {0};
    struct arena arena;
    struct request *link = NULL;
    struct tree t = {0};
    if (take_tree(cli, args, &t, &e) != 0)
        return cli_usage(cli, &e);
    arena_init(&arena, 0);
    int rc = cli_connect(cli, CLI_AGGREGATOR, &link, &e);
    if (rc == 0)
        rc = find_day(link, cli, &t, &e);
    if (rc == 0)
        rc = ask_units(link, cli, &t, &arena, &e);
    if (rc == 0)
        rc = ask_values(link, cli, &t, &arena, &e);
    if (rc == 0 && cli_switch(args, "json"))
        print_tree_json(cli, &t);
    else if (rc == 0)
        print_tree(cli, &t);
    int status = CLI_OK;
    if (rc != 0)
        status = t.found.code != 0 ? cli_fail_refused(cli, &e) : cli_fail(cli, &e);
    request_close(link);
    arena_fini(&arena);
    return status;
}

static int run_states(struct cli *cli, const struct cli_args *args)
{
    struct err e = {0};
    struct status_states states;
    bool watched = cli_switch(args, "watch");
    int rc = status_states_take(cli, args, &states, &e);
    if (rc == 0 && watched && cli_switch(args, "json"))
        rc = err_set(&e, ERR_INVALID, "--watch is for people, --json for programs: keep one");
    if (rc != 0)
        return cli_usage(cli, &e);
    if (cli_load_config(cli, &e) != 0)
        return cli_fail(cli, &e);
    bool meant = watched || cli_switch(args, "unit") || cli_switch(args, "target") ||
                 cli_switch(args, "depth");
    if (meant && !alert_view_configured(cli)) {
        err_set(&e, ERR_INVALID,
                "%s: notifier.endpoint is not given there, and the states of targets come from "
                "it; --unit and --depth also go with --indicator ID",
                cli->config.path);
        return cli_usage(cli, &e);
    }
    return watched ? status_states_watch(cli, &states)
                   : run_health(cli, &states, cli_switch(args, "json"));
}

static int run(struct cli *cli, const struct cli_args *args)
{
    struct err e = {0};
    bool tree = cli_switch(args, "indicator");
    if (tree && (cli_switch(args, "target") || cli_switch(args, "watch")))
        err_set(&e, ERR_INVALID, "--target and --watch show states, without --indicator");
    else if (!tree && cli_switch(args, "day"))
        err_set(&e, ERR_INVALID, "--day goes with --indicator ID");
    if (e.code != 0)
        return cli_usage(cli, &e);
    return tree ? run_tree(cli, args) : run_states(cli, args);
}

static const struct cli_option options[] = {
    {"indicator", "ID", "show the tree with this indicator's figures and coverage"},
    {"day", "PERIOD", "of which day or period; else today, as the journal has it"},
    {"target", "ID", "states of this target only"},
    {"unit", "CODE", "from this unit down; else all that the key may see"},
    {"depth", "N", "how many levels below it (1)"},
    {"watch", NULL, "show the states again after each tick, until Ctrl-C"},
    {"json", NULL, "for programs"},
};

const struct cli_command cmd_status = {
    .name = "status",
    .words = "",
    .summary = "are the services up, where do targets stand; with --indicator, who has reported",
    .help =
        "Without options: state, position, commit number and hash of the services (exit code 1\n"
        "when one is not ready, 4 when one does not answer); and where tonghop.yaml names a\n"
        "notifier, each target as a tree: a bar of what was reached against the unit's share, its\n"
        "state and since when, and how many reports of the day judged by have come. With\n"
        "--indicator: the units with their figures and a bar of the reports owed that have come.\n"
        "\n"
        "  tonghop status\n"
        "  tonghop status --target HP1 --unit 303 --watch\n"
        "  tonghop status --indicator cdht.dangky --day 2024-09-05 --depth 2\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
