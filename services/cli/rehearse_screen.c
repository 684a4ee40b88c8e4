#include "services/cli/rehearse_screen.h"

#include "services/cli/alert_view.h"
#include "services/cli/cli_print.h"
#include "services/cli/figure.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    EVENING_STEP = 3,
    LAST_STEP = REHEARSE_STEPS_A_DAY - 1,
    RUSH_DAYS = 5,
    WEEK_DAYS = 7,
    WIDTH_PLAIN = 100, /* where there is no terminal */
    WIDTH_TEXT = 72,   /* of all columns but the bar, as a rule */
    BAR_MIN = 8,
    BAR_MAX = 30,
};

/* A block that is higher than the window cannot be drawn anew. */
static unsigned terminal_width(const struct cli *cli, const struct rehearse *story)
{
    struct winsize size = {0};
    int fd = fileno(cli->err);
    if (fd < 0 || !isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_row > story->group_count + 4 ? size.ws_col : 0;
}

void rehearse_screen_begin(struct rehearse_screen *s, struct cli *cli, const struct rehearse *story,
                           const struct rehearse_options *options, const char *source)
{
    *s = (struct rehearse_screen){.cli = cli, .story = story, .width = terminal_width(cli, story)};
    fprintf(cli->err, "%s",
            cli_say(cli,
                    "DIỄN TẬP. Đơn vị, chỉ tiêu, dân số là thật; số liệu đăng ký được sinh tự "
                    "động, không phải số thật.\n",
                    "REHEARSAL. Units, targets and populations are real; the counts are generated, "
                    "nobody registered.\n"));
    fprintf(cli->err,
            cli_say(cli,
                    "%u đơn vị báo cáo, nguồn số liệu \"%s\"; hạt giống %" PRIu64
                    ", kết cục %s. Cùng hạt giống thì cùng diễn biến.\n\n",
                    "%u units report, source \"%s\"; seed %" PRIu64
                    ", outcome %s. The same seed gives the same month.\n\n"),
            story->leaf_count, source, options->seed, rehearse_outcome_names[options->outcome]);
    fflush(cli->err);
}

day_t rehearse_screen_day(const struct rehearse *story, unsigned step)
{
    day_t day = story->steps[step].day;
    if (step % REHEARSE_STEPS_A_DAY < EVENING_STEP && day > story->start - 1)
        day--;
    return day < story->due ? day : story->due;
}

/* ---- what goes on ---- */

static void note_day(const struct rehearse_screen *s, day_t day, struct buf *out)
{
    const struct cli *cli = s->cli;
    const struct rehearse *r = s->story;
    if (rehearse_is_within(&r->storm, day))
        buf_printf(out, "%s", cli_say(cli, "; bão số 3 (Yagi) đổ bộ", "; typhoon Yagi lands"));
    if (rehearse_is_within(&r->dark, day))
        buf_printf(out, "%s",
                   cli_say(cli, "; mất điện sau bão: không đăng ký, không báo cáo",
                           "; no power after the typhoon: no registrations, no reports"));
    if (rehearse_is_within(&r->silent, day))
        buf_printf(out, cli_say(cli, "; %s không gửi báo cáo", "; no reports from %s"),
                   r->groups[r->silent_group].unit.name);
    if (day > r->due - RUSH_DAYS && day <= r->due)
        buf_printf(out, "%s",
                   cli_say(cli, "; những ngày cuối, đăng ký dồn dập",
                           "; the last days, registrations rush in"));
}

static void head(const struct rehearse_screen *s, unsigned step, struct buf *out)
{
    const struct rehearse *r = s->story;
    const struct rehearse_step *now = &r->steps[step];
    char time[FIGURE_TIME_BYTES], today[DAY_TEXT_BYTES], shown[DAY_TEXT_BYTES];
    day_t of = now->day < r->start ? r->start : now->day > r->due ? r->due : now->day;
    bool ends_day = step % REHEARSE_STEPS_A_DAY == LAST_STEP;
    figure_time(now->tick_ms, s->cli->english, time);
    figure_day(now->day, s->cli->english, today);
    figure_day(rehearse_screen_day(r, step), s->cli->english, shown);
    buf_printf(out,
               cli_say(s->cli, "%s %.5s, ngày %d/%d; số liệu tính đến ngày %s",
                       "%s %.5s, day %d of %d; figures as of %s"),
               today, ends_day ? "24:00" : time + DAY_TEXT_BYTES, (int)(of - r->start + 1),
               (int)(r->due - r->start + 1), shown);
    note_day(s, now->day, out);
}

/* ---- drawing ---- */

static const char *state_of(const struct cli *cli, const struct wire_alerts_reply *states,
                            const struct rehearse_unit *u)
{
    for (uint32_t i = 0; states && i < states->state_count; i++)
        if (strcmp(states->states[i].unit.text, u->code.text) == 0)
            return alert_view_state(cli, states->states[i].state);
    return "";
}

static unsigned bar_width(const struct rehearse_screen *s)
{
    unsigned width = s->width > 0 ? s->width : WIDTH_PLAIN;
    if (width < WIDTH_TEXT + BAR_MIN)
        return BAR_MIN;
    return width - WIDTH_TEXT < BAR_MAX ? width - WIDTH_TEXT : BAR_MAX;
}

static void add_row(const struct rehearse_screen *s, struct cli_table *t,
                    const struct rehearse_unit *u, const char *indent, const struct wire_answer *a,
                    const char *state)
{
    char number[CLI_NUMBER_BYTES], share[CLI_NUMBER_BYTES];
    struct buf bar = {0};
    uint64_t value = a->has_value && a->value > 0 ? (uint64_t)a->value : 0;
    cli_bar(&bar, value, (uint64_t)u->lower, bar_width(s));
    cli_table_add(t, "%s%s", indent, u->name);
    cli_table_add(t, "%s", (const char *)bar.data);
    cli_table_add(t, "%s", cli_value(a, s->cli->english, number));
    cli_table_add(t, "%s", cli_number(u->lower, s->cli->english, share));
    cli_table_add(t, "%" PRIu64 "%%", u->lower > 0 ? value * 100 / (uint64_t)u->lower : 0);
    cli_table_add(t, "%" PRIu32 "/%" PRIu32, a->reported, a->owed);
    cli_table_add(t, "%s", state);
    buf_fini(&bar);
}

static void begin_table(const struct rehearse_screen *s, struct cli_table *t)
{
    static const char *const words[][2] = {
        {"đơn vị", "unit"},      {"", ""}, {"đạt", "actual"},
        {"chỉ tiêu", "share"},   {"", ""}, {"báo cáo", "reports"},
        {"tình trạng", "state"},
    };
    cli_table_init(t, "llrrrrl");
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        cli_table_add(t, "%s", words[i][s->cli->english]);
}

static void print_block(const struct rehearse_screen *s, unsigned step,
                        const struct wire_query_reply *r, const struct wire_alerts_reply *states,
                        FILE *out)
{
    const struct rehearse *story = s->story;
    struct cli_table table;
    struct buf line = {0};
    head(s, step, &line);
    fprintf(out, "%s\n", (const char *)line.data);
    buf_fini(&line);
    begin_table(s, &table);
    add_row(s, &table, &story->top, "", &r->answers[0], state_of(s->cli, states, &story->top));
    for (unsigned i = 0; i < story->group_count; i++) {
        const struct rehearse_unit *u = &story->groups[i].unit;
        add_row(s, &table, u, "  ", &r->answers[1 + i], state_of(s->cli, states, u));
    }
    cli_table_print(&table, out);
    cli_table_fini(&table);
}

static void go_up(struct rehearse_screen *s)
{
    if (s->lines > 0)
        fprintf(s->cli->err, "\033[%uA", s->lines);
    fputs("\r\033[J", s->cli->err);
    s->lines = 0;
}

static void show_told(struct rehearse_screen *s)
{
    if (s->told.len > 0)
        fwrite(s->told.data, 1, s->told.len, s->cli->err);
    buf_clear(&s->told);
}

/* How many bytes of the line fit into so many characters. */
static size_t cut(const char *line, unsigned width)
{
    size_t len = 0;
    for (unsigned shown = 0; line[len]; len++) {
        bool begins = ((unsigned char)line[len] & 0xC0) != 0x80;
        if (begins && shown++ == width)
            break;
    }
    return len;
}

static void print_cut(const struct rehearse_screen *s, const char *line)
{
    size_t len = cut(line, s->width);
    bool whole = line[len] == '\0';
    if (!whole)
        len = cut(line, s->width - 1);
    fprintf(s->cli->err, "%.*s%s\n", (int)len, line, whole ? "" : "…");
}

/* Over the block before. */
static void redraw(struct rehearse_screen *s, char *text)
{
    go_up(s);
    show_told(s);
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) && rest; s->lines++)
        print_cut(s, line);
}

static void draw_block(struct rehearse_screen *s, unsigned step, const struct wire_query_reply *r,
                       const struct wire_alerts_reply *states)
{
    char *text = NULL;
    size_t len = 0;
    FILE *memory = open_memstream(&text, &len);
    if (!memory)
        return;
    print_block(s, step, r, states, memory);
    fclose(memory);
    redraw(s, text);
    free(text);
}

static void print_day(const struct rehearse_screen *s, unsigned step,
                      const struct wire_query_reply *r)
{
    const struct wire_answer *a = &r->answers[0];
    const struct rehearse_unit *top = &s->story->top;
    char value[CLI_NUMBER_BYTES], share[CLI_NUMBER_BYTES], reports[CLI_NUMBER_BYTES];
    struct buf line = {0};
    head(s, step, &line);
    fprintf(s->cli->err, cli_say(s->cli, "%s: %s / %s, báo cáo %s\n", "%s: %s / %s, reports %s\n"),
            (const char *)line.data, cli_value(a, s->cli->english, value),
            cli_number(top->lower, s->cli->english, share), cli_coverage(a, reports));
    buf_fini(&line);
}

static bool is_week_over(const struct rehearse *story, unsigned step)
{
    day_t day = story->steps[step].day;
    return (day - story->start + 1) % WEEK_DAYS == 0 || step + 1 == story->step_count;
}

void rehearse_screen_draw(struct rehearse_screen *s, unsigned step,
                          const struct wire_query_reply *answers,
                          const struct wire_alerts_reply *states)
{
    if (!answers)
        return;
    if (s->width > 0)
        draw_block(s, step, answers, states);
    else if (step % REHEARSE_STEPS_A_DAY != LAST_STEP)
        return;
    else if (is_week_over(s->story, step))
        print_block(s, step, answers, states, s->cli->err);
    else
        print_day(s, step, answers);
    fflush(s->cli->err);
}

void rehearse_screen_tell(struct rehearse_screen *s, const char *text)
{
    if (s->width > 0) {
        buf_printf(&s->told, "%s\n", text);
        return;
    }
    fprintf(s->cli->err, "%s\n", text);
    fflush(s->cli->err);
}

void rehearse_screen_end(struct rehearse_screen *s)
{
    show_told(s);
    buf_fini(&s->told);
}
