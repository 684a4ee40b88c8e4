#include "services/cli/status_states.h"

#include "services/cli/cli_print.h"
#include "services/cli/figure.h"

#include <inttypes.h>
#include <poll.h>
#include <unistd.h>

enum { DEPTH_MAX = 8, BAR_WIDTH = 20, TICK_WAIT_MS = 1000, PAUSE_MS = 200, COLUMNS = 8 };

int status_states_take(const struct cli *cli, const struct cli_args *args,
                       struct status_states *out, struct err *e)
{
    const char *unit = cli_option(args, "unit"), *target = cli_option(args, "target");
    uint64_t depth = 1;
    *out = (struct status_states){.asked = {.what = WIRE_ALERTS_STATES}};
    int rc = target ? cli_ident(target, "--target", &out->asked.target, e) : 0;
    if (rc == 0 && unit)
        rc = cli_unit(cli, unit, &out->unit, e);
    if (rc == 0)
        rc = cli_option_number(args, "depth", DEPTH_MAX, 1, &depth, e);
    out->depth = (uint32_t)depth;
    return rc;
}

/* ---- which of them ---- */

static bool begins_target(const struct status_states *s, uint32_t i)
{
    const struct wire_alert_state *one = &s->reply.states[i];
    return i == 0 || strcmp(one->target.text, one[-1].target.text) != 0 ||
           strcmp(one->plan.text, one[-1].plan.text) != 0;
}

/* Keeps, of each target, the wanted unit and what lies below it, as deep as wanted. */
static void keep_wanted(struct status_states *s)
{
    struct wire_alert_state *states = s->reply.states;
    uint32_t kept = 0, top = 0;
    bool inside = false;
    for (uint32_t i = 0; i < s->reply.state_count; i++) {
        const struct wire_alert_state one = states[i];
        bool first = i == 0 || strcmp(one.target.text, states[i - 1].target.text) != 0 ||
                     strcmp(one.plan.text, states[i - 1].plan.text) != 0;
        bool is_top = s->unit.text[0] == '\0' ? first : strcmp(one.unit.text, s->unit.text) == 0;
        inside = is_top || (inside && !first && one.depth > top);
        if (is_top)
            top = one.depth;
        states[i].depth = inside ? one.depth - top : UINT32_MAX;
    }
    for (uint32_t i = 0; i < s->reply.state_count; i++)
        if (states[i].depth <= s->depth)
            states[kept++] = states[i];
    s->reply.state_count = kept;
}

int status_states_ask(struct request *link, const struct cli *cli, struct status_states *s,
                      struct arena *arena, struct err *e)
{
    bool watched = s->asked.not_before > 0; /* nothing new within wait_ms is no fault then */
    int rc = watched ? alert_view_ask(link, cli, &s->asked, arena, &s->reply, e)
                     : alert_view_ask_until_ready(link, cli, &s->asked, arena, &s->reply, e);
    if (rc == 0)
        keep_wanted(s);
    return rc;
}

/* ---- for people ---- */

static const char *value(const struct wire_alert_state *s, int64_t v, bool english,
                         char out[CLI_NUMBER_BYTES])
{
    struct wire_answer a = {.has_value = true, .value = v, .denominator = s->ratio};
    return cli_value(&a, english, out);
}

/* Cut off and not rounded: 100% is never said of less. */
static const char *percent(const struct wire_alert_state *s, bool english,
                           char out[CLI_NUMBER_BYTES])
{
    out[0] = '\0';
    if (s->has_actual && s->lower > 0 && !s->ratio) {
        int64_t tenths = (int64_t)((__int128)s->actual * 1000 / s->lower);
        snprintf(out, CLI_NUMBER_BYTES, "%" PRId64 "%c%" PRId64 "%%", tenths / 10,
                 english ? '.' : ',', tenths < 0 ? -tenths % 10 : tenths % 10);
    }
    return out;
}

/* Of which day, where that is not the day of the judgement; which days are missing. */
static void add_coverage(struct cli_table *t, const struct cli *cli, day_t today,
                         const struct wire_alert_state *s)
{
    struct wire_answer coverage = {.owed = s->owed, .reported = s->reported};
    char text[CLI_NUMBER_BYTES], from[DAY_TEXT_BYTES], to[DAY_TEXT_BYTES];
    cli_coverage(&coverage, text);
    if (s->state == STATE_NOT_REPORTED && s->silent_from <= s->silent_to)
        cli_table_add(t, cli_say(cli, "thiếu %s đến %s", "missing %s to %s"),
                      figure_day(s->silent_from, cli->english, from),
                      figure_day(s->silent_to, cli->english, to));
    else if (s->owed > 0 && s->judged < today)
        cli_table_add(t, cli_say(cli, "%s ngày %s", "%s on %s"), text,
                      figure_day(s->judged, cli->english, from));
    else
        cli_table_add(t, "%s", text);
}

static void add_state(struct cli_table *t, const struct cli *cli, day_t today,
                      const struct wire_alert_state *s)
{
    char text[CLI_NUMBER_BYTES], day[DAY_TEXT_BYTES];
    struct buf bar = {0};
    uint64_t part = s->has_actual && s->actual > 0 ? (uint64_t)s->actual : 0;
    cli_bar(&bar, part, s->lower > 0 ? (uint64_t)s->lower : 0, BAR_WIDTH);
    cli_table_add(t, "%*s%s", (int)(2 * s->depth), "", s->unit_name);
    cli_table_add(t, "%s", s->unit.text);
    cli_table_add(t, "%s", (const char *)bar.data);
    cli_table_add(t, "%s", s->has_actual ? value(s, s->actual, cli->english, text) : "-");
    cli_table_add(t, "/ %s", value(s, s->lower, cli->english, text));
    cli_table_add(t, "%s", percent(s, cli->english, text));
    cli_table_add(t, cli_say(cli, "%s từ %s", "%s since %s"), alert_view_state(cli, s->state),
                  figure_day(s->since, cli->english, day));
    add_coverage(t, cli, today, s);
    buf_fini(&bar);
}

static void begin_table(struct cli_table *t, const struct cli *cli)
{
    static const char *const vi[COLUMNS] = {"đơn vị",   "mã", "",           "đạt",
                                            "chỉ tiêu", "",   "tình trạng", "đã báo cáo"};
    static const char *const en[COLUMNS] = {"unit",  "code", "",      "actual",
                                            "share", "",     "state", "reported"};
    cli_table_init(t, "lllrrrll");
    for (unsigned i = 0; i < COLUMNS; i++)
        cli_table_add(t, "%s", cli->english ? en[i] : vi[i]);
}

static void print_title(const struct cli *cli, const struct wire_alert_state *s)
{
    char due[DAY_TEXT_BYTES];
    fprintf(cli->out, cli_say(cli, "\n%s: %s, hạn %s (%s)\n", "\n%s: %s, due %s (%s)\n"),
            s->target.text, s->target_title, figure_day(s->due, cli->english, due), s->plan.text);
}

static uint32_t print_target(const struct cli *cli, const struct status_states *s, uint32_t i)
{
    struct cli_table table;
    day_t today = day_of_ms(s->reply.judged_ms);
    print_title(cli, &s->reply.states[i]);
    begin_table(&table, cli);
    do
        add_state(&table, cli, today, &s->reply.states[i++]);
    while (i < s->reply.state_count && !begins_target(s, i));
    cli_table_print(&table, cli->out);
    cli_table_fini(&table);
    return i;
}

void status_states_print(const struct cli *cli, const struct status_states *s)
{
    char time[FIGURE_TIME_BYTES];
    for (uint32_t i = 0; i < s->reply.state_count;)
        i = print_target(cli, s, i);
    if (s->reply.state_count == 0)
        fprintf(cli->out, "%s",
                cli_say(cli, "\nChưa có chỉ tiêu nào được xét, hoặc khóa này không được xem.\n",
                        "\nNo target is judged yet, or this key may see none.\n"));
    else
        fprintf(cli->out, cli_say(cli, "\nXét lúc %s\n", "\nJudged %s\n"),
                figure_time(s->reply.judged_ms, cli->english, time));
    fflush(cli->out);
}

json_t *status_states_json(const struct status_states *s)
{
    json_t *all = json_array();
    for (uint32_t i = 0; i < s->reply.state_count; i++)
        json_array_append_new(all, alert_view_state_json(&s->reply.states[i]));
    return all;
}

/* ---- again and again ---- */

static void draw(const struct cli *cli, const struct status_states *s)
{
    static const char clear[] = "\033[H\033[J";
    if (isatty(fileno(cli->out)) == 1)
        fputs(clear, cli->out);
    status_states_print(cli, s);
}

/* A notifier that is away or catching up is waited for. */
static bool is_passing(int rc)
{
    return rc == 0 || rc == ERR_AGAIN || rc == ERR_NET;
}

int status_states_watch(struct cli *cli, struct status_states *s)
{
    struct err e = {0};
    struct arena arena;
    struct request *link = NULL;
    cli_catch_signals();
    arena_init(&arena, 0);
    int rc = cli_connect(cli, CLI_NOTIFIER, &link, &e);
    while (rc == 0 && !cli_stop) {
        int answer = status_states_ask(link, cli, s, &arena, &e);
        if (answer == 0) {
            draw(cli, s);
            s->asked.not_before = s->reply.offset + 1;
            s->asked.wait_ms = TICK_WAIT_MS;
        } else
            poll(NULL, 0, PAUSE_MS);
        arena_reset(&arena);
        rc = is_passing(answer) ? 0 : answer;
    }
    request_close(link);
    arena_fini(&arena);
    return rc == 0 || cli_stop ? CLI_OK : cli_fail(cli, &e);
}
