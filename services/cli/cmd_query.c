#include "services/cli/cli_print.h"
#include "services/cli/cmd.h"

#include "common/base/alloc.h"
#include "services/cli/csv_file.h"
#include "services/cli/figure.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

enum { BATCH_ROWS = 1000000, BATCH_BYTES_MAX = 128 << 20, TEXT_BYTES_MAX = 64 };

/* Questions, and the words they were asked in. */
struct questions {
    const struct cli *cli;
    struct wire_question *items;
    char (*periods)[TEXT_BYTES_MAX];
    size_t count;
    size_t capacity;
    size_t period_capacity;
    const char *file;
    const char *source; /* --source, for all */
};

static int take_question(const struct cli *cli, const char *unit, const char *indicator,
                         const char *period, const char *source, struct wire_question *q,
                         struct err *e)
{
    struct period days;
    *q = (struct wire_question){0};
    int rc = cli_unit(cli, unit, &q->unit, e);
    if (rc == 0)
        rc = cli_indicator(cli, indicator, &q->indicator, e);
    if (rc == 0)
        rc = cli_days(cli, period, &days, e);
    if (rc == 0 && source)
        rc = cli_ident(source, "--source", &q->source, e);
    if (rc != 0)
        return rc;
    q->first = days.first;
    q->last = days.last;
    return 0;
}

static int take_options(struct cli *cli, const struct cli_args *args, struct wire_query *q,
                        struct err *e)
{
    q->has_as_known_on = cli_switch(args, "as-known-on");
    q->wait_ms = (uint32_t)cli->timeout_ms;
    int rc = cli_option_day(args, "as-known-on", 0, &q->as_known_on, e);
    return rc != 0 ? rc : cli_option_number(args, "not-before", UINT64_MAX, 0, &q->not_before, e);
}

/* Opens, asks, closes. */
static int ask(struct cli *cli, const struct wire_query *q, struct arena *arena,
               struct wire_query_reply *out, struct err *e)
{
    struct request *link = NULL;
    int rc = cli_connect(cli, CLI_AGGREGATOR, &link, e);
    if (rc == 0)
        rc = cli_query(link, cli, q, arena, out, e);
    request_close(link);
    return rc;
}

/* ---- one question ---- */

static void print_days(const struct cli *cli, const struct wire_question *q)
{
    char from[DAY_TEXT_BYTES], to[DAY_TEXT_BYTES];
    fprintf(cli->err, cli_say(cli, "%s của %s, ", "%s of %s, "), q->indicator.text, q->unit.text);
    if (q->first == q->last)
        fprintf(cli->err, cli_say(cli, "ngày %s", "%s"), figure_day(q->first, cli->english, from));
    else
        fprintf(cli->err, cli_say(cli, "từ %s đến %s", "%s to %s"),
                figure_day(q->first, cli->english, from), figure_day(q->last, cli->english, to));
}

/* The figure alone on stdout; how it is known follows on stderr. */
static void print_answer(const struct cli *cli, const struct wire_question *q,
                         const struct wire_query_reply *r)
{
    const struct wire_answer *a = &r->answers[0];
    char value[CLI_NUMBER_BYTES], part[CLI_NUMBER_BYTES], time[FIGURE_TIME_BYTES];
    fprintf(cli->out, "%s\n", cli_value(a, cli->english, value));
    fflush(cli->out);
    print_days(cli, q);
    if (!a->has_value)
        fprintf(cli->err, "%s", cli_say(cli, ": chưa có số liệu", ": nothing reported"));
    if (a->denominator != 0)
        fprintf(cli->err, " = %s / %s", cli_number(a->numerator, cli->english, value),
                cli_number(a->denominator, cli->english, part));
    fprintf(cli->err,
            cli_say(cli, "\n%u đơn vị có số liệu; đã báo cáo %s, đúng hạn %u; nguồn %s\n",
                    "\nunits with figures %u; reports %s, on time %u; source %s\n"),
            a->figures, cli_coverage(a, part), a->on_time,
            a->source.text[0] ? a->source.text : "-");
    fprintf(cli->err,
            cli_say(cli, "tính đến %s, mục nhật ký %" PRIu64 "\n",
                    "as of %s, journal entry %" PRIu64 "\n"),
            figure_time(r->time_ms, cli->english, time), r->offset);
}

static void print_json(const struct cli *cli, const struct wire_question *q,
                       const struct wire_query_reply *r)
{
    const struct wire_answer *a = &r->answers[0];
    char time[32], first[DAY_TEXT_BYTES], last[DAY_TEXT_BYTES];
    json_t *one = json_pack(
        "{s:s, s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:s, s:I, s:s}", "unit", q->unit.text,
        "indicator", q->indicator.text, "first", day_format(q->first, first), "last",
        day_format(q->last, last), "value", a->has_value ? json_integer(a->value) : json_null(),
        "figures", (json_int_t)a->figures, "owed", (json_int_t)a->owed, "reported",
        (json_int_t)a->reported, "on_time", (json_int_t)a->on_time, "source", a->source.text,
        "offset", (json_int_t)r->offset, "time", day_time_format(r->time_ms, time));
    if (a->denominator != 0) {
        json_object_set_new(one, "numerator", json_integer(a->numerator));
        json_object_set_new(one, "denominator", json_integer(a->denominator));
    }
    json_dumpf(one, cli->out, JSON_INDENT(2));
    fputc('\n', cli->out);
    json_decref(one);
}

static int run_one(struct cli *cli, const struct cli_args *args)
{
    struct err e = {0};
    struct arena arena;
    struct wire_question question;
    struct wire_query q = {.question_count = 1, .questions = &question};
    struct wire_query_reply reply = {0};
    if (args->word_count != 3) {
        err_set(&e, ERR_INVALID, "write tonghop query UNIT INDICATOR PERIOD, or --batch FILE");
        return cli_usage(cli, &e);
    }
    int rc = take_options(cli, args, &q, &e);
    if (rc == 0)
        rc = take_question(cli, args->words[0], args->words[1], args->words[2],
                           cli_option(args, "source"), &question, &e);
    if (rc != 0)
        return cli_usage(cli, &e);
    arena_init(&arena, 0);
    int status = CLI_OK;
    if (ask(cli, &q, &arena, &reply, &e) != 0) {
        status = cli_fail(cli, &e);
    } else if (reply.answers[0].code != 0) {
        err_set(&e, reply.answers[0].code, "%s", reply.answers[0].message);
        status = cli_fail_refused(cli, &e);
    } else if (cli_switch(args, "json")) {
        print_json(cli, &question, &reply);
    } else {
        print_answer(cli, &question, &reply);
    }
    arena_fini(&arena);
    return status;
}

/* ---- a file of questions ---- */

static const struct csv_column batch_columns[] = {
    {.name = "unit", .required = true},
    {.name = "indicator", .required = true},
    {.name = "period", .required = true},
};
static const struct csv_shape batch_shape = {
    .columns = batch_columns, .count = 3, .rows_max = BATCH_ROWS};

static int take_batch_row(void *arg, const struct csv_row *row, struct err *e)
{
    struct questions *qs = arg;
    char words[3][TEXT_BYTES_MAX];
    struct err cause = {0};
    if (row->given != row->expected)
        return csv_file_count_error(e, qs->file, row);
    for (unsigned i = 0; i < 3; i++)
        snprintf(words[i], sizeof words[i], "%.*s", (int)row->fields[i].len,
                 (const char *)row->fields[i].data);
    alloc_reserve((void **)&qs->items, &qs->capacity, qs->count + 1, sizeof *qs->items);
    alloc_reserve((void **)&qs->periods, &qs->period_capacity, qs->count + 1, sizeof *qs->periods);
    if (take_question(qs->cli, words[0], words[1], words[2], qs->source, &qs->items[qs->count],
                      &cause) != 0)
        return csv_file_error(e, qs->file, row->row, NULL, "%s", cause.text);
    memcpy(qs->periods[qs->count++], words[2], TEXT_BYTES_MAX);
    return 0;
}

static int read_batch(const char *path, struct questions *qs, struct err *e)
{
    struct buf data = {0};
    qs->file = strcmp(path, "-") == 0 ? "standard input" : path;
    int rc = csv_file_load(path, BATCH_BYTES_MAX, &data, e);
    if (rc == 0)
        rc = csv_file_read(qs->file, buf_slice(&data), &batch_shape, take_batch_row, qs, e);
    buf_fini(&data);
    return rc;
}

static void put_batch_row(struct buf *out, const struct questions *qs, size_t i,
                          const struct wire_answer *a)
{
    buf_printf(out, "%s,%s,%s,", qs->items[i].unit.text, qs->items[i].indicator.text,
               qs->periods[i]);
    if (a->has_value)
        buf_printf(out, "%" PRId64, a->value);
    buf_printf(out, ",%u,%u,%u,%u,", a->figures, a->reported, a->owed, a->on_time);
    if (a->denominator != 0)
        buf_printf(out, "%" PRId64 ",%" PRId64 ",", a->numerator, a->denominator);
    else
        buf_printf(out, ",,");
    csv_file_put_field(out, slice_str(a->code != 0 ? a->message : ""));
    buf_u8(out, '\n');
}

/* ERR_INVALID when a question was refused; the answers are printed all the same. */
static int print_batch(const struct cli *cli, const struct questions *qs,
                       const struct wire_query_reply *r, struct err *e)
{
    struct buf out = {0};
    size_t refused = 0;
    buf_printf(&out, "unit,indicator,period,value,figures,reported,owed,on_time,numerator,"
                     "denominator,error\n");
    for (size_t i = 0; i < qs->count; i++) {
        put_batch_row(&out, qs, i, &r->answers[i]);
        refused += r->answers[i].code != 0;
    }
    fwrite(out.data, 1, out.len, cli->out);
    fflush(cli->out);
    buf_fini(&out);
    return refused == 0 ? 0
                        : err_set(e, ERR_INVALID, "%zu of %zu questions were refused: see `error`",
                                  refused, qs->count);
}

static int run_batch(struct cli *cli, const struct cli_args *args)
{
    struct err e = {0};
    struct arena arena;
    struct questions qs = {.cli = cli, .source = cli_option(args, "source")};
    struct wire_query q = {0};
    struct wire_query_reply reply = {0};
    if (args->word_count != 0 || cli_switch(args, "json")) {
        err_set(&e, ERR_INVALID,
                args->word_count != 0 ? "--batch takes its questions from the file: no UNIT "
                                        "INDICATOR PERIOD beside it"
                                      : "--batch answers with CSV, --json is for one question");
        return cli_usage(cli, &e);
    }
    arena_init(&arena, 0);
    int rc = take_options(cli, args, &q, &e);
    if (rc == 0)
        rc = read_batch(cli_option(args, "batch"), &qs, &e);
    q.questions = qs.items;
    q.question_count = (uint32_t)qs.count;
    if (rc == 0)
        rc = ask(cli, &q, &arena, &reply, &e);
    if (rc == 0)
        rc = print_batch(cli, &qs, &reply, &e);
    free(qs.items);
    free(qs.periods);
    arena_fini(&arena);
    return rc == 0 ? CLI_OK : cli_fail(cli, &e);
}

static int run(struct cli *cli, const struct cli_args *args)
{
    return cli_switch(args, "batch") ? run_batch(cli, args) : run_one(cli, args);
}

static const struct cli_option options[] = {
    {"batch", "FILE", "questions from a CSV (unit,indicator,period); - is standard input"},
    {"source", "ID", "the unit's own figure by this source, instead of the sum of record"},
    {"not-before", "OFFSET",
     "wait until this journal entry is in (answers to submissions name it)"},
    {"as-known-on", "DAY", "as it was known at the end of that day"},
    {"json", NULL, "for programs; a ratio is in parts per million"},
};

const struct cli_command cmd_query = {
    .name = "query",
    .words = "[UNIT INDICATOR PERIOD]",
    .words_min = 0,
    .words_max = 3,
    .summary = "what the figures of a unit and all below it add up to",
    .help =
        "PERIOD is 2024-09-05, 2024-W36, 2024-09, 2024-Q3, 2024-H1, 2024-9M, 2024, with hc: in\n"
        "front for the administrative calendar, or any days as 2024-09-05..2024-10-05. A flow is\n"
        "summed over the period, a stock is as of its last day, a ratio is in parts per million\n"
        "(--json, --batch) or percent. Coverage says how many of the reports owed have come.\n\n"
        "With --batch the answers come as CSV, in the order of the questions; `error` says why\n"
        "a question has none (exit code 3), an empty value is a figure nobody reported.\n\n"
        "  tonghop query 31 cdht.dangky 2024-09-05\n"
        "  tonghop query 31 cdht.dangky 2024-10-05 --as-known-on 2024-10-06\n"
        "  tonghop query --batch questions.csv > answers.csv\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
