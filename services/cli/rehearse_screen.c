#include "services/cli/rehearse_screen.h"

#include "services/cli/cli_print.h"
#include "services/cli/figure.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BAR_WIDTH = 30, EVENING_STEP = 3, LAST_STEP = REHEARSE_STEPS_A_DAY - 1, RUSH_DAYS = 5 };

/* A block that is higher than the window cannot be drawn anew. */
static bool fits_terminal(const struct cli *cli, const struct rehearse *story)
{
    struct winsize size = {0};
    int fd = fileno(cli->err);
    if (fd < 0 || !isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) != 0)
        return false;
    return size.ws_row > story->group_count + REHEARSE_EVENTS_MAX + 3;
}

void rehearse_screen_begin(struct rehearse_screen *s, struct cli *cli, const struct rehearse *story,
                           const struct rehearse_options *options, const char *source)
{
    *s = (struct rehearse_screen){
        .cli = cli, .story = story, .is_terminal = fits_terminal(cli, story)};
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

static void add_row(const struct rehearse_screen *s, struct cli_table *t,
                    const struct rehearse_unit *u, const char *indent, const struct wire_answer *a)
{
    char number[CLI_NUMBER_BYTES], share[CLI_NUMBER_BYTES];
    struct buf bar = {0};
    uint64_t value = a->has_value && a->value > 0 ? (uint64_t)a->value : 0;
    cli_bar(&bar, value, (uint64_t)u->lower, BAR_WIDTH);
    cli_table_add(t, "%s%s", indent, u->name);
    cli_table_add(t, "%s", (const char *)bar.data);
    cli_table_add(t, "%s", cli_value(a, s->cli->english, number));
    cli_table_add(t, "/ %s", cli_number(u->lower, s->cli->english, share));
    cli_table_add(t, "%" PRIu64 "%%", u->lower > 0 ? value * 100 / (uint64_t)u->lower : 0);
    cli_table_add(t, "%s %s", cli_say(s->cli, "báo cáo", "reports"), cli_coverage(a, number));
    buf_fini(&bar);
}

static void print_block(const struct rehearse_screen *s, unsigned step,
                        const struct wire_query_reply *r, FILE *out)
{
    struct cli_table table;
    struct buf line = {0};
    head(s, step, &line);
    fprintf(out, "%s\n", (const char *)line.data);
    buf_fini(&line);
    cli_table_init(&table, "llrrrl");
    add_row(s, &table, &s->story->top, "", &r->answers[0]);
    for (unsigned i = 0; i < s->story->group_count; i++)
        add_row(s, &table, &s->story->groups[i].unit, "  ", &r->answers[1 + i]);
    cli_table_print(&table, out);
    cli_table_fini(&table);
    for (unsigned i = 0; i < s->event_count; i++)
        fprintf(out, "%s\n", s->events[i]);
}

/* Over the block before, line by line; a line too long for the window is cut, not wrapped. */
static void redraw(struct rehearse_screen *s, char *text)
{
    FILE *out = s->cli->err;
    fputs("\033[?7l", out);
    if (s->lines > 0)
        fprintf(out, "\033[%uA", s->lines);
    s->lines = 0;
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) && rest; s->lines++)
        fprintf(out, "\r%s\033[K\n", line);
    fputs("\033[J\033[?7h", out);
    fflush(out);
}

static void draw_block(struct rehearse_screen *s, unsigned step, const struct wire_query_reply *r)
{
    char *text = NULL;
    size_t len = 0;
    FILE *memory = open_memstream(&text, &len);
    if (!memory)
        return;
    print_block(s, step, r, memory);
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
    fflush(s->cli->err);
    buf_fini(&line);
}

void rehearse_screen_draw(struct rehearse_screen *s, unsigned step,
                          const struct wire_query_reply *answers)
{
    if (!answers)
        return;
    if (s->is_terminal)
        draw_block(s, step, answers);
    else if (step % REHEARSE_STEPS_A_DAY == LAST_STEP)
        print_day(s, step, answers);
}

void rehearse_screen_tell(struct rehearse_screen *s, const char *text)
{
    if (!s->is_terminal) {
        fprintf(s->cli->err, "%s\n", text);
        fflush(s->cli->err);
        return;
    }
    if (s->event_count < REHEARSE_EVENTS_MAX)
        snprintf(s->events[s->event_count++], REHEARSE_EVENT_BYTES, "%s", text);
}
