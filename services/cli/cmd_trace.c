#include "services/cli/cli_print.h"
#include "services/cli/cmd.h"
#include "services/cli/figure.h"

#include "common/base/alloc.h"
#include "common/base/parse.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

enum { COLUMNS = 9 };

static const char *op_name(enum op op)
{
    static const char *const names[OP_COUNT] = {"set", "clear", "add"};
    return names[op];
}

static int take_question(const struct cli *cli, const struct cli_args *args, struct wire_trace *t,
                         struct err *e)
{
    struct period period;
    const char *source = cli_option(args, "source");
    int rc = cli_unit(cli, args->words[0], &t->unit, e);
    if (rc == 0)
        rc = cli_indicator(cli, args->words[1], &t->indicator, e);
    if (rc == 0)
        rc = cli_days(cli, args->words[2], &period, e);
    if (rc == 0 && source)
        rc = cli_ident(source, "--source", &t->source, e);
    if (rc != 0)
        return rc;
    t->day = period.last;
    return cli_option_number(args, "not-before", UINT64_MAX, 0, &t->not_before, e);
}

/* All pages as one reply. The caller frees the versions. */
static int ask(struct cli *cli, struct wire_trace *t, struct arena *arena,
               struct wire_trace_reply *out, struct err *e)
{
    struct request *link = NULL;
    struct wire_trace_reply page = {.more = true};
    struct wire_version *all = NULL;
    size_t count = 0, capacity = 0;
    int rc = cli_connect(cli, CLI_AGGREGATOR, &link, e);
    while (rc == 0 && page.more) {
        arena_reset(arena);
        rc = cli_trace(link, cli, t, arena, &page, e);
        if (rc != 0)
            break;
        if (count == 0)
            out->offset = page.offset;
        alloc_reserve((void **)&all, &capacity, count + page.version_count + 1, sizeof *all);
        memcpy(all + count, page.versions, page.version_count * sizeof *all);
        count += page.version_count;
    }
    out->code = page.code;
    out->versions = all;
    out->version_count = (uint32_t)count;
    request_close(link);
    return rc;
}

static const char *standing(const struct cli *cli, const struct wire_version *v)
{
    if (v->holds)
        return cli_say(cli, "đang được tính", "holds");
    if (v->superseded)
        return cli_say(cli, "đến sau, đã có số mới hơn", "superseded on arrival");
    return cli_say(cli, "đã được thay thế", "replaced");
}

static void add_version(struct cli_table *table, const struct cli *cli,
                        const struct wire_version *v)
{
    char number[CLI_NUMBER_BYTES], time[FIGURE_TIME_BYTES], spool[2 * SPOOL_ID_BYTES + 1];
    cli_table_add(table, "%s", standing(cli, v));
    cli_table_add(table, "%s", v->source.text);
    if (v->op == OP_CLEAR)
        cli_table_add(table, "%s", cli_say(cli, "(thu hồi)", "(withdrawn)"));
    else
        cli_table_add(table, "%s%s", v->op == OP_ADD ? "+" : "",
                      cli_number(v->value, cli->english, number));
    cli_table_add(table, "%s", figure_time(v->reported_at_ms, cli->english, time));
    cli_table_add(table, "%s", figure_time(v->received_at_ms, cli->english, time));
    cli_table_add(table, "%s%s%s", v->producer.text,
                  v->delegate.text[0] ? cli_say(cli, " qua ", " via ") : "", v->delegate.text);
    format_hex(v->spool.bytes, SPOOL_ID_BYTES, spool);
    cli_table_add(table, "%.8s/%" PRIu64 "/%" PRIu32, spool, v->number, v->row + 1);
    cli_table_add(table, "%" PRIu64, v->offset);
    cli_table_add(table, "%" PRIu64, v->commit);
}

static void print_table(const struct cli *cli, const struct wire_trace_reply *r)
{
    static const char *const vi[COLUMNS] = {"tình trạng",       "nguồn",         "số liệu",
                                            "báo cáo lúc",      "tiếp nhận lúc", "người gửi",
                                            "hàng chờ/lô/dòng", "mục nhật ký",   "lần ghi"};
    static const char *const en[COLUMNS] = {"standing",        "source",        "figure",
                                            "reported at",     "received at",   "producer",
                                            "spool/batch/row", "journal entry", "commit"};
    struct cli_table table;
    cli_table_init(&table, "llrllllrr");
    for (unsigned i = 0; i < COLUMNS; i++)
        cli_table_add(&table, "%s", cli->english ? en[i] : vi[i]);
    for (uint32_t i = 0; i < r->version_count; i++)
        add_version(&table, cli, &r->versions[i]);
    cli_table_print(&table, cli->out);
    cli_table_fini(&table);
}

static json_t *version_json(const struct wire_version *v)
{
    char reported[32], received[32], spool[2 * SPOOL_ID_BYTES + 1];
    format_hex(v->spool.bytes, SPOOL_ID_BYTES, spool);
    json_t *one = json_pack(
        "{s:s, s:s, s:I, s:b, s:b, s:s, s:s, s:s, s:s, s:s, s:I, s:i, s:I, s:I}", "source",
        v->source.text, "op", op_name(v->op), "value", (json_int_t)v->value, "holds", v->holds,
        "superseded", v->superseded, "reported_at", day_time_format(v->reported_at_ms, reported),
        "received_at", day_time_format(v->received_at_ms, received), "producer", v->producer.text,
        "delegate", v->delegate.text, "spool", spool, "number", (json_int_t)v->number, "row",
        (int)v->row, "offset", (json_int_t)v->offset, "commit", (json_int_t)v->commit);
    return one;
}

static void print_json(const struct cli *cli, const struct wire_trace_reply *r)
{
    json_t *versions = json_array();
    for (uint32_t i = 0; i < r->version_count; i++)
        json_array_append_new(versions, version_json(&r->versions[i]));
    json_t *all = json_pack("{s:I, s:o}", "offset", (json_int_t)r->offset, "versions", versions);
    json_dumpf(all, cli->out, JSON_INDENT(2));
    fputc('\n', cli->out);
    json_decref(all);
}

static int run(struct cli *cli, const struct cli_args *args)
{
    struct err e = {0};
    struct arena arena;
    struct wire_trace_reply reply = {0};
    struct wire_trace t = {.wait_ms = (uint32_t)cli->timeout_ms};
    if (take_question(cli, args, &t, &e) != 0)
        return cli_usage(cli, &e);
    arena_init(&arena, 0);
    int rc = ask(cli, &t, &arena, &reply, &e);
    int status = CLI_OK;
    if (rc != 0)
        status = reply.code != 0 ? cli_fail_refused(cli, &e) : cli_fail(cli, &e);
    else if (cli_switch(args, "json"))
        print_json(cli, &reply);
    else if (reply.version_count == 0)
        fprintf(
            cli->out, "%s\n",
            cli_say(cli, "Chưa có ai báo cáo số liệu này.", "Nobody has reported this figure."));
    else
        print_table(cli, &reply);
    free(reply.versions);
    arena_fini(&arena);
    return status;
}

static const struct cli_option options[] = {
    {"source", "ID", "this source's figures only"},
    {"not-before", "OFFSET",
     "wait until this journal entry is in (answers to submissions name it)"},
    {"json", NULL, "for programs; rows count from 0"},
};

const struct cli_command cmd_trace = {
    .name = "trace",
    .words = "UNIT INDICATOR PERIOD",
    .words_min = 3,
    .words_max = 3,
    .summary = "who reported this figure, when, and what it was before",
    .help =
        "Every version of one figure, the last to arrive first: value, when it was stated and\n"
        "received, by whom, in which batch, the journal entry that holds it and the commit whose\n"
        "number and hash stand in printed reports. `holds` marks the one that counts.\n\n"
        "  tonghop trace 11341 cdht.dangky 2024-09-05\n"
        "  tonghop trace 11341 cdht.dangky 2024-09-05 --json\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
