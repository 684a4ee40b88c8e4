#include "services/cli/import_compare.h"

#include "common/base/alloc.h"
#include "services/cli/cli_print.h"
#include "services/cli/figure.h"

#include <inttypes.h>
#include <stdlib.h>

/* A stock is carried forward, so that the figure of the day before may answer for the day; only a
 * trace tells the two apart, and it is one request a cell. Beyond so many, equal values of both
 * days count as carried. */
enum { TRACES_MAX = 200 };

static uint32_t cell_number(struct dict *seen, const struct import_row *row)
{
    struct buf key = {0};
    buf_u32(&key, row->unit);
    buf_u32(&key, row->indicator);
    buf_i32_ordered(&key, row->day);
    uint32_t number = dict_add(seen, buf_slice(&key));
    buf_fini(&key);
    return number;
}

void import_compare_init(struct import_compare *c, const struct import_file *f,
                         const struct import_batches *b)
{
    struct dict *seen = dict_create();
    *c = (struct import_compare){0};
    for (size_t i = 0; i < f->row_count; i++) {
        uint32_t row = b->order[i];
        if (f->rows[row].op == OP_ADD)
            continue;
        uint32_t n = cell_number(seen, &f->rows[row]);
        if (n == c->count) {
            alloc_reserve((void **)&c->cells, &c->capacity, c->count + 1, sizeof *c->cells);
            c->cells[c->count++] = (struct import_cell){.standing = IMPORT_UNKNOWN};
        } else {
            c->cells[n].repeated++;
            c->repeated++;
        }
        c->cells[n].row = row;
    }
    dict_destroy(seen);
}

void import_compare_fini(struct import_compare *c)
{
    free(c->cells);
    *c = (struct import_compare){0};
}

static struct wire_question question_of(const struct import_file *f, const struct import_cell *cell,
                                        day_t day)
{
    const struct import_row *row = &f->rows[cell->row];
    struct wire_question q = {.source = cell->source, .first = day, .last = day};
    ident_set(&q.unit, slice_str(dict_text(f->units, row->unit)));
    ident_set(&q.indicator, slice_str(dict_text(f->indicators, row->indicator)));
    return q;
}

/* ---- whose figures to compare with ---- */

static struct dict *distinct_days(const struct import_compare *c, const struct import_file *f,
                                  uint32_t *of_cell, struct wire_question *questions)
{
    struct dict *days = dict_create();
    for (size_t i = 0; i < c->count; i++) {
        const struct import_row *row = &f->rows[c->cells[i].row];
        uint32_t count = dict_count(days);
        struct buf key = {0};
        buf_u32(&key, row->indicator);
        buf_i32_ordered(&key, row->day);
        of_cell[i] = dict_add(days, buf_slice(&key));
        buf_fini(&key);
        if (of_cell[i] == count)
            questions[count] = question_of(f, &c->cells[i], row->day);
    }
    return days;
}

/* The source of record hangs on indicator and day alone: one question each. */
static int ask_sources(struct import_compare *c, const struct import_file *f, struct cli *cli,
                       struct request *link, struct arena *arena, struct err *e)
{
    uint32_t *of_cell = arena_alloc(arena, (c->count + 1) * sizeof *of_cell);
    struct wire_question *questions = arena_alloc(arena, (c->count + 1) * sizeof *questions);
    struct wire_query_reply reply = {0};
    struct dict *days = distinct_days(c, f, of_cell, questions);
    struct wire_query q = {.question_count = dict_count(days), .questions = questions};
    int rc = cli_query(link, cli, &q, arena, &reply, e);
    for (size_t i = 0; i < c->count && rc == 0; i++)
        c->cells[i].source = reply.answers[of_cell[i]].source;
    dict_destroy(days);
    return rc;
}

static int find_sources(struct import_compare *c, const struct import_file *f, struct cli *cli,
                        struct request *link, struct arena *arena, struct err *e)
{
    for (size_t i = 0; i < c->count; i++)
        if (cli->config.source)
            ident_set(&c->cells[i].source, slice_str(cli->config.source));
    return cli->config.source ? 0 : ask_sources(c, f, cli, link, arena, e);
}

/* ---- what stands ---- */

static int ask_cells(const struct import_compare *c, const struct import_file *f, day_t shift,
                     uint64_t not_before, struct cli *cli, struct request *link,
                     struct arena *arena, struct wire_query_reply *out, struct err *e)
{
    struct wire_question *questions = arena_alloc(arena, (c->count + 1) * sizeof *questions);
    for (size_t i = 0; i < c->count; i++)
        questions[i] = question_of(f, &c->cells[i], f->rows[c->cells[i].row].day + shift);
    struct wire_query q = {.question_count = (uint32_t)c->count,
                           .questions = questions,
                           .not_before = not_before,
                           .wait_ms = (uint32_t)cli->timeout_ms};
    return cli_query(link, cli, &q, arena, out, e);
}

static bool holds(const struct wire_version *v)
{
    return v->holds && v->op != OP_CLEAR;
}

/* The version that holds, in *out; false: none, or not told. */
static bool trace_cell(const struct import_cell *cell, const struct import_file *f, struct cli *cli,
                       struct request *link, struct wire_version *out)
{
    struct arena arena;
    struct err e;
    struct wire_trace_reply page = {.more = true};
    const struct import_row *row = &f->rows[cell->row];
    struct wire_question q = question_of(f, cell, row->day);
    struct wire_trace t = {
        .unit = q.unit, .indicator = q.indicator, .source = q.source, .day = row->day};
    bool found = false;
    arena_init(&arena, 0);
    while (!found && page.more && cli_trace(link, cli, &t, &arena, &page, &e) == 0) {
        for (uint32_t i = 0; i < page.version_count && !found; i++) {
            found = holds(&page.versions[i]);
            *out = page.versions[i];
        }
        arena_reset(&arena);
    }
    arena_fini(&arena);
    return found;
}

static void judge(struct import_cell *cell, const struct import_row *row,
                  const struct wire_answer *now)
{
    cell->has_before = now->has_value;
    cell->before = now->value;
    if (now->code != 0)
        cell->standing = IMPORT_UNKNOWN;
    else if (!now->has_value)
        cell->standing = row->op == OP_CLEAR ? IMPORT_SAME : IMPORT_NEW;
    else if (row->op == OP_SET && now->value == row->value)
        cell->standing = IMPORT_SAME;
    else
        cell->standing = IMPORT_CHANGE;
}

static bool may_be_carried(const struct import_cell *cell, const struct wire_answer *day_before)
{
    return cell->standing == IMPORT_CHANGE && day_before->code == 0 && day_before->has_value &&
           day_before->value == cell->before;
}

int import_compare_before(struct import_compare *c, const struct import_file *f, struct cli *cli,
                          struct request *link, struct err *e)
{
    struct arena arena;
    struct wire_query_reply now = {0}, day_before = {0};
    struct wire_version version;
    size_t traces = 0;
    arena_init(&arena, 0);
    int rc = find_sources(c, f, cli, link, &arena, e);
    if (rc == 0)
        rc = ask_cells(c, f, 0, 0, cli, link, &arena, &now, e);
    if (rc == 0)
        rc = ask_cells(c, f, -1, 0, cli, link, &arena, &day_before, e);
    memset(c->standing, 0, sizeof c->standing);
    for (size_t i = 0; i < c->count && rc == 0; i++) {
        struct import_cell *cell = &c->cells[i];
        judge(cell, &f->rows[cell->row], &now.answers[i]);
        if (may_be_carried(cell, &day_before.answers[i]) &&
            (traces++ >= TRACES_MAX || !trace_cell(cell, f, cli, link, &version)))
            cell->standing = IMPORT_NEW;
        c->standing[cell->standing]++;
    }
    arena_fini(&arena);
    return rc;
}

int import_compare_after(struct import_compare *c, const struct import_file *f, struct cli *cli,
                         struct request *link, uint64_t offset, struct err *e)
{
    struct arena arena;
    struct wire_query_reply now = {0};
    arena_init(&arena, 0);
    int rc = find_sources(c, f, cli, link, &arena, e);
    if (rc == 0)
        rc = ask_cells(c, f, 0, offset, cli, link, &arena, &now, e);
    c->superseded = 0;
    for (size_t i = 0; i < c->count && rc == 0; i++) {
        struct import_cell *cell = &c->cells[i];
        const struct import_row *row = &f->rows[cell->row];
        const struct wire_answer *a = &now.answers[i];
        cell->after = a->value;
        cell->superseded = !row->refused && a->code == 0 && row->op == OP_SET &&
                           (!a->has_value || a->value != row->value);
        c->superseded += cell->superseded;
    }
    arena_fini(&arena);
    return rc;
}

/* ---- for people ---- */

static void print_cell(const struct import_cell *cell, const struct import_file *f,
                       const struct cli *cli)
{
    const struct import_row *row = &f->rows[cell->row];
    char period[PERIOD_TEXT_BYTES];
    fprintf(cli->err,
            cli_say(cli, "  dòng %" PRIu64 ": %s %s %s: ", "  row %" PRIu64 ": %s %s %s: "),
            row->row, dict_text(f->units, row->unit), dict_text(f->indicators, row->indicator),
            period_format((enum period_kind)row->period_kind, (enum period_calendar)row->calendar,
                          row->day, period));
}

/* Who stated the standing figure, when, and whether that is later than the file's. */
static void print_holder(const struct import_cell *cell, const struct import_file *f,
                         struct cli *cli, struct request *link)
{
    struct wire_version v;
    char time[FIGURE_TIME_BYTES];
    if (!trace_cell(cell, f, cli, link, &v)) {
        fputc('\n', cli->err);
        return;
    }
    fprintf(cli->err, cli_say(cli, " (%s báo cáo lúc %s)", " (stated by %s at %s)"),
            v.producer.text, figure_time(v.reported_at_ms, cli->english, time));
    if (v.reported_at_ms > f->rows[cell->row].reported_at_ms)
        fprintf(cli->err, "%s",
                cli_say(cli, "; số đó mới hơn, số trong tệp không thay thế được",
                        "; that is newer, the file's does not replace it"));
    fputc('\n', cli->err);
}

void import_compare_print_repeated(const struct import_compare *c, const struct import_file *f,
                                   const struct cli *cli, size_t show)
{
    for (size_t i = 0, shown = 0; i < c->count && shown < show; i++) {
        const struct import_cell *cell = &c->cells[i];
        if (cell->repeated == 0)
            continue;
        shown++;
        print_cell(cell, f, cli);
        fprintf(cli->err,
                cli_say(cli, "tính dòng này, không tính %u dòng khác\n",
                        "this row counts, %u others do not\n"),
                cell->repeated);
    }
}

void import_compare_print_before(const struct import_compare *c, const struct import_file *f,
                                 struct cli *cli, struct request *link, size_t show)
{
    char before[CLI_NUMBER_BYTES], after[CLI_NUMBER_BYTES];
    fprintf(cli->err,
            cli_say(cli, "So với số liệu đang có: %zu số mới, %zu giữ nguyên, %zu thay đổi\n",
                    "Against what stands: %zu new, %zu the same, %zu changes\n"),
            c->standing[IMPORT_NEW], c->standing[IMPORT_SAME], c->standing[IMPORT_CHANGE]);
    size_t shown = 0;
    for (size_t i = 0; i < c->count && shown < show; i++) {
        const struct import_cell *cell = &c->cells[i];
        const struct import_row *row = &f->rows[cell->row];
        if (cell->standing != IMPORT_CHANGE)
            continue;
        shown++;
        print_cell(cell, f, cli);
        fprintf(cli->err, "%s -> %s", cli_number(cell->before, cli->english, before),
                row->op == OP_CLEAR ? cli_say(cli, "(thu hồi)", "(withdrawn)")
                                    : cli_number(row->value, cli->english, after));
        print_holder(cell, f, cli, link);
    }
    if (shown < c->standing[IMPORT_CHANGE])
        fprintf(cli->err, cli_say(cli, "  … và %zu thay đổi nữa\n", "  … and %zu changes more\n"),
                c->standing[IMPORT_CHANGE] - shown);
}

void import_compare_print_after(const struct import_compare *c, const struct import_file *f,
                                struct cli *cli, struct request *link, size_t show)
{
    char value[CLI_NUMBER_BYTES];
    if (c->superseded == 0)
        return;
    fprintf(cli->err,
            cli_say(cli, "%zu số đã tiếp nhận, nhưng số báo cáo sau đó đang được tính:\n",
                    "%zu figures were accepted, but a later statement counts:\n"),
            c->superseded);
    size_t shown = 0;
    for (size_t i = 0; i < c->count && shown < show; i++) {
        const struct import_cell *cell = &c->cells[i];
        if (!cell->superseded)
            continue;
        shown++;
        print_cell(cell, f, cli);
        fprintf(cli->err, "%s", cli_number(cell->after, cli->english, value));
        print_holder(cell, f, cli, link);
    }
    if (shown < c->superseded)
        fprintf(cli->err, cli_say(cli, "  … và %zu số nữa\n", "  … and %zu more\n"),
                c->superseded - shown);
}
