#include "services/cli/cli_print.h"
#include "services/cli/cmd.h"
#include "services/cli/csv_file.h"
#include "services/cli/figure.h"
#include "services/cli/import_compare.h"
#include "services/cli/import_spool.h"

#include "common/base/alloc.h"
#include "common/net/loop.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHOW = 10, BAR_WIDTH = 30, PROGRESS_MS = 200 };

/* One import under way. */
struct import {
    struct cli *cli;
    const char *path;
    struct buf csv;
    char spool_path[IMPORT_PATH_BYTES];
    struct import_file file;
    struct import_batches batches;
    struct import_compare compare;
    bool compared;        /* the aggregator answered */
    bool aggregator_lost; /* it did not, and that was said */
    struct submit_client *client;
    struct import_note note;
    bool resumed; /* the batches were in the spool already */
    struct import_result result;
    enum refusal blocked; /* nothing goes on until somebody acts */
    uint64_t show;
    /* progress */
    bool bar;
    uint64_t told; /* tenths of the batches */
    int64_t drawn_ms;
};

/* ---- progress ---- */

static void draw_bar(struct import *im, uint64_t done, bool last)
{
    struct buf bar = {0};
    int64_t now_ms = loop_now_ms();
    if (!last && now_ms - im->drawn_ms < PROGRESS_MS)
        return;
    im->drawn_ms = now_ms;
    cli_bar(&bar, done, im->batches.count, BAR_WIDTH);
    fprintf(im->cli->err,
            cli_say(im->cli, "\r%s %" PRIu64 "/%zu lô", "\r%s %" PRIu64 "/%zu batches"),
            (const char *)bar.data, done, im->batches.count);
    if (last)
        fputc('\n', im->cli->err);
    fflush(im->cli->err);
    buf_fini(&bar);
}

static void tell_progress(struct import *im, bool last)
{
    uint64_t done = im->batches.count - submit_client_pending(im->client);
    if (im->bar) {
        draw_bar(im, done, last);
        return;
    }
    uint64_t tenths = im->batches.count == 0 ? 10 : done * 10 / im->batches.count;
    if (tenths == im->told && !last)
        return;
    im->told = tenths;
    fprintf(im->cli->err,
            cli_say(im->cli, "đã gửi %" PRIu64 "/%zu lô\n", "%" PRIu64 "/%zu batches answered\n"),
            done, im->batches.count);
}

static void on_restamp(void *arg, uint64_t ticket, int64_t reported_at_ms)
{
    struct import *im = arg;
    char time[FIGURE_TIME_BYTES];
    fprintf(im->cli->err,
            cli_say(im->cli,
                    "\nlô %" PRIu64
                    ": thời điểm báo cáo nằm trong tương lai; gửi lại với giờ của hệ thống "
                    "tiếp nhận %s\n",
                    "\nbatch %" PRIu64 ": reported in the future; sent again under the collector's "
                    "time %s\n"),
            ticket, figure_time(reported_at_ms, im->cli->english, time));
}

static void on_reopen(void *arg, enum spool_reason reason, const struct spool_id *id)
{
    struct import *im = arg;
    (void)reason;
    (void)id;
    fprintf(im->cli->err, "%s",
            cli_say(im->cli,
                    "\nhệ thống tiếp nhận không khớp hàng chờ gửi này: mở hàng chờ mới và gửi "
                    "tiếp\n",
                    "\nthe collector does not know this spool any more: a new one was opened, "
                    "sending goes on\n"));
}

static void on_blocked(void *arg, enum refusal refusal)
{
    struct import *im = arg;
    im->blocked = refusal;
}

/* ---- steps ---- */

static int64_t file_time_ms(const char *path)
{
    struct stat st;
    if (strcmp(path, "-") == 0 || stat(path, &st) != 0)
        return cli_now_ms();
    return (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
}

static int unreadable(const struct import *im, struct err *e)
{
    struct err why = *e;
    return err_set(e, why.code,
                   cli_say(im->cli, "%s: không đọc được tệp này\n  (%s)",
                           "%s: this file cannot be read\n  (%s)"),
                   im->path, why.text);
}

static int read_input(struct import *im, const struct cli_args *args, struct err *e)
{
    const char *at = cli_option(args, "reported-at");
    im->note.reported_at_ms = file_time_ms(im->path);
    if (at && cli_reported_at(im->cli, at, &im->note.reported_at_ms, e) != 0)
        return ERR_INVALID;
    int rc = csv_file_load(im->path, CSV_FILE_BYTES_MAX, &im->csv, e);
    if (rc == ERR_NOT_FOUND)
        return err_set(e, rc, cli_say(im->cli, "%s: không có tệp này", "%s: there is no such file"),
                       im->path);
    if (rc == ERR_LIMIT)
        return err_set(e, rc,
                       cli_say(im->cli, "%s: lớn hơn %d MiB: đề nghị chia thành nhiều tệp",
                               "%s: larger than %d MiB: split the file"),
                       im->path, CSV_FILE_BYTES_MAX >> 20);
    if (rc == ERR_IO)
        return unreadable(im, e);
    return rc;
}

static int find_spool(struct import *im, bool again, struct err *e)
{
    struct request_peer peer = {0};
    int rc = cli_peer(im->cli, CLI_COLLECTOR, &peer, e);
    if (rc == 0)
        rc = import_spool_path(im->cli, &peer.self.public_key, buf_slice(&im->csv), again,
                               im->spool_path, e);
    keypair_wipe(&peer.self);
    return rc != 0 && e->code == ERR_EXISTS ? err_wrap(e, "%s", im->path) : rc;
}

static int open_spool(struct import *im, struct err *e)
{
    struct request_peer peer = {0};
    int rc = cli_peer(im->cli, CLI_COLLECTOR, &peer, e);
    if (rc == 0) {
        struct submit_client_options o = {
            .endpoint = peer.endpoint,
            .server_key = peer.server_key,
            .self = peer.self,
            .spool_directory = im->spool_path,
            .keep_answers = true,
            .hooks = {
                .arg = im, .restamped = on_restamp, .reopened = on_reopen, .blocked = on_blocked}};
        rc = submit_client_open(&im->client, im->cli->net, &o, e);
        keypair_wipe(&o.self);
    }
    keypair_wipe(&peer.self);
    return rc;
}

/* Which periods the indicators of the file have; without an answer the collector alone judges. */
static void ask_expectations(struct import *im, struct import_expect *expect)
{
    struct err e = {0};
    struct arena arena;
    struct request *link = NULL;
    struct wire_units_reply r = {0};
    arena_init(&arena, 0);
    int rc = cli_connect(im->cli, CLI_AGGREGATOR, &link, &e);
    if (rc == 0)
        rc = cli_indicators(link, im->cli, &arena, &r, &e);
    for (uint32_t i = 0; i < dict_count(im->file.indicators) && rc == 0; i++) {
        const struct wire_indicator_info *info =
            cli_find_indicator(&r, dict_text(im->file.indicators, i));
        if (info && info->kind != INDICATOR_RATIO)
            expect[i] =
                (struct import_expect){true, (uint8_t)info->period, (uint8_t)info->calendar};
    }
    im->aggregator_lost = rc != 0;
    if (rc != 0)
        fprintf(im->cli->err,
                cli_say(im->cli, "Không so sánh được với số liệu đang có: %s\n",
                        "Not compared with what stands: %s\n"),
                e.text);
    request_close(link);
    arena_fini(&arena);
}

/* An import begun before is checked by what was known then, or its batches would be other ones. */
static int check_periods(struct import *im, struct err *e)
{
    uint32_t count = dict_count(im->file.indicators);
    struct import_expect *expect = alloc_zeroed((size_t)count + 1, sizeof *expect);
    int rc = 0;
    if (im->resumed) {
        rc = import_spool_expect(&im->note, expect, count, e);
    } else {
        ask_expectations(im, expect);
        import_spool_pack_expect(expect, count, &im->note.expect);
    }
    if (rc == 0)
        import_file_check_periods(&im->file, expect, im->cli->english);
    free(expect);
    return rc;
}

/* Rows and batches; those of an import begun before are cut by what it noted. */
static int read_rows(struct import *im, struct err *e)
{
    struct import_note before = {0};
    if (im->client) {
        int rc = import_spool_note(submit_client_spool(im->client), &before, e);
        if (rc != 0 && rc != ERR_NOT_FOUND)
            return rc;
        im->resumed = rc == 0;
    }
    if (im->resumed)
        im->note = before;
    int rc = import_file_read(im->path, buf_slice(&im->csv), im->note.reported_at_ms,
                              im->cli->english, &im->file, e);
    if (rc == 0)
        rc = check_periods(im, e);
    if (rc != 0)
        return rc;
    import_batches_cut(&im->file, &im->batches);
    import_compare_init(&im->compare, &im->file, &im->batches);
    if (im->resumed && im->batches.count != im->note.batch_count)
        return err_set(e, ERR_CORRUPT,
                       cli_say(im->cli,
                               "%s: lần nhập dở trước đã chia tệp này thành %" PRIu64
                               " lô, nay là %zu lô: đề nghị nhập lại từ đầu với --again",
                               "%s: the import begun before cut this file into %" PRIu64
                               " batches, now it is %zu: begin anew with --again"),
                       im->path, im->note.batch_count, im->batches.count);
    return 0;
}

/* The import goes on without the aggregator; it only says so. */
static void compare(struct import *im, bool after)
{
    struct err e = {0};
    struct request *link = NULL;
    int rc = cli_connect(im->cli, CLI_AGGREGATOR, &link, &e);
    if (rc == 0 && after)
        rc = import_compare_after(&im->compare, &im->file, im->cli, link, im->result.offset, &e);
    else if (rc == 0)
        rc = import_compare_before(&im->compare, &im->file, im->cli, link, &e);
    if (rc == 0 && after)
        import_compare_print_after(&im->compare, &im->file, im->cli, link, im->show);
    else if (rc == 0)
        import_compare_print_before(&im->compare, &im->file, im->cli, link, im->show);
    else
        fprintf(im->cli->err,
                cli_say(im->cli, "Không so sánh được với số liệu đang có: %s\n",
                        "Not compared with what stands: %s\n"),
                e.text);
    im->compared = rc == 0;
    request_close(link);
}

static int enqueue(struct import *im, struct err *e)
{
    struct buf *payloads = alloc_zeroed(im->batches.count + 1, sizeof *payloads);
    struct slice *slices = alloc_zeroed(im->batches.count + 1, sizeof *slices);
    struct buf note = {0};
    for (size_t t = 0; t < im->batches.count; t++) {
        import_batches_pack(&im->file, &im->batches, t, &payloads[t]);
        slices[t] = buf_slice(&payloads[t]);
    }
    im->note.imported_at_ms = cli_now_ms();
    im->note.batch_count = im->batches.count;
    import_spool_pack_note(&im->note, &note);
    int rc = submit_client_put_payloads(im->client, slices, im->batches.count, "import",
                                        buf_slice(&note), e);
    for (size_t t = 0; t < im->batches.count; t++)
        buf_fini(&payloads[t]);
    buf_fini(&note);
    free(payloads);
    free(slices);
    return rc;
}

/* Runs in short stretches, so that progress is told between. */
static int send_all(struct import *im, struct err *e)
{
    int64_t alive_ms = loop_now_ms();
    int rc = 0;
    while (rc == 0 && submit_client_pending(im->client) > 0) {
        uint64_t pending = submit_client_pending(im->client);
        rc = submit_client_run(im->client, PROGRESS_MS, &cli_stop, e);
        if (submit_client_pending(im->client) != pending)
            alive_ms = loop_now_ms();
        bool quiet = rc == ERR_NET || (rc == ERR_AGAIN && !cli_stop);
        if (quiet && loop_now_ms() - alive_ms < im->cli->timeout_ms)
            rc = 0;
        tell_progress(im, rc != 0 || submit_client_pending(im->client) == 0);
    }
    if (rc == ERR_AGAIN && submit_client_refusal(im->client) == REFUSAL_UNAVAILABLE)
        im->blocked = REFUSAL_UNAVAILABLE;
    return rc;
}

/* ---- the end ---- */

static void print_summary(const struct import *im, const char *refused_path)
{
    const struct cli *cli = im->cli;
    char a[CLI_NUMBER_BYTES], b[CLI_NUMBER_BYTES];
    cli_number((int64_t)im->file.refusal_count, cli->english, b);
    if (im->client)
        fprintf(cli->err,
                cli_say(cli, "Đã tiếp nhận %s dòng, từ chối %s dòng.\n",
                        "%s rows accepted, %s refused.\n"),
                cli_number((int64_t)im->result.accepted, cli->english, a), b);
    else
        fprintf(cli->err,
                cli_say(cli, "%s dòng gửi được, %s dòng sai; chưa gửi gì.\n",
                        "%s rows could be sent, %s are wrong; nothing was sent.\n"),
                cli_number((int64_t)im->file.row_count, cli->english, a), b);
    if (im->file.refusal_count > 0)
        fprintf(cli->err,
                cli_say(cli,
                        "Dòng bị từ chối và lý do: %s. Sửa tệp đó rồi nhập, không nhập lại cả tệp "
                        "này.\n",
                        "Refused rows and why: %s. Correct that file and import it, not this one "
                        "again.\n"),
                refused_path);
}

static void print_json(const struct import *im)
{
    const struct import_compare *c = &im->compare;
    json_t *all = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:b, s:I}", "rows",
        (json_int_t)(im->file.row_count + im->file.refusal_count - im->result.refused), "accepted",
        (json_int_t)im->result.accepted, "refused", (json_int_t)im->file.refusal_count, "batches",
        (json_int_t)im->batches.count, "repeated", (json_int_t)im->compare.repeated, "resumed",
        im->resumed, "offset", (json_int_t)im->result.offset);
    if (im->compared)
        json_object_set_new(all, "superseded", json_integer((json_int_t)c->superseded));
    if (im->compared && !im->resumed) {
        json_object_set_new(all, "new", json_integer((json_int_t)c->standing[IMPORT_NEW]));
        json_object_set_new(all, "same", json_integer((json_int_t)c->standing[IMPORT_SAME]));
        json_object_set_new(all, "changed", json_integer((json_int_t)c->standing[IMPORT_CHANGE]));
    }
    json_dumpf(all, im->cli->out, JSON_INDENT(2));
    fputc('\n', im->cli->out);
    json_decref(all);
}

static int report(struct import *im, const struct cli_args *args, struct err *e)
{
    char path[IMPORT_PATH_BYTES];
    snprintf(path, sizeof path, "%s.refused.csv", strcmp(im->path, "-") == 0 ? "stdin" : im->path);
    int rc = 0;
    if (im->client)
        rc = import_spool_result(submit_client_spool(im->client), &im->file, &im->batches,
                                 im->cli->english, &im->result, e);
    if (rc == 0 && im->file.refusal_count > 0)
        rc = import_file_write_refusals(&im->file, path, im->cli->english, e);
    if (rc != 0)
        return rc;
    if (im->result.accepted > 0 && !im->aggregator_lost)
        compare(im, true);
    print_summary(im, path);
    if (cli_switch(args, "json"))
        print_json(im);
    return 0;
}

/* What to do next, when not everything was answered. */
static void say_unfinished(const struct import *im)
{
    fprintf(im->cli->err,
            cli_say(im->cli,
                    "Còn %" PRIu64
                    " lô chưa gửi xong, được giữ trong hàng chờ gửi. Chạy lại lệnh này để "
                    "gửi tiếp: không số nào bị tính hai lần.\n",
                    "%" PRIu64 " batches are not answered yet; they are kept. Run the same command "
                    "again to go on: nothing is counted twice.\n"),
            submit_client_pending(im->client));
}

static void say_imported_before(const struct import *im)
{
    char time[FIGURE_TIME_BYTES];
    fprintf(im->cli->err,
            cli_say(im->cli, "Tệp này đã được nhập lúc %s; không gửi gì thêm (gửi lại: --again).\n",
                    "This file was imported already at %s; nothing is sent (send again: "
                    "--again).\n"),
            figure_time(im->note.imported_at_ms, im->cli->english, time));
}

/* Among rows of one cell the one stated last counts; of those stated at the same time, the last. */
static void say_repeated(const struct import *im)
{
    const struct cli *cli = im->cli;
    if (im->compare.repeated == 0)
        return;
    fprintf(cli->err,
            cli_say(cli,
                    "%zu dòng bị dòng khác của cùng đơn vị, chỉ tiêu thống kê và kỳ trong tệp thay "
                    "thế: dòng báo cáo sau cùng được tính.\n",
                    "%zu rows are replaced by others of the same unit, indicator and period in the "
                    "file: the one stated last counts.\n"),
            im->compare.repeated);
    import_compare_print_repeated(&im->compare, &im->file, cli, im->show);
}

/* A folder is made only for a file that can be read; one that is there says how to read it. */
static int prepare(struct import *im, const struct cli_args *args, bool dry_run, struct err *e)
{
    int rc = read_input(im, args, e);
    if (rc == 0)
        rc = cli_load_config(im->cli, e);
    if (rc == 0 && !dry_run)
        rc = find_spool(im, cli_switch(args, "again"), e);
    if (rc == 0 && !dry_run && access(im->spool_path, F_OK) == 0)
        rc = open_spool(im, e);
    if (rc == 0)
        rc = read_rows(im, e);
    if (rc == 0 && !dry_run && !im->client && im->batches.count > 0)
        rc = open_spool(im, e);
    return rc;
}

static int run_import(struct import *im, const struct cli_args *args, struct err *e)
{
    bool dry_run = cli_switch(args, "dry-run");
    int rc = prepare(im, args, dry_run, e);
    if (rc != 0)
        return rc;
    say_repeated(im);
    if (!im->resumed && !im->aggregator_lost)
        compare(im, false);
    if (cli_stop)
        return err_set(
            e, ERR_AGAIN, "%s",
            cli_say(im->cli, "đã dừng, chưa gửi gì", "stopped before anything was sent"));
    if (!im->client)
        return 0; /* a dry run, or no row that could be sent */
    if (!im->resumed)
        rc = enqueue(im, e);
    else if (submit_client_pending(im->client) == 0)
        say_imported_before(im);
    if (rc == 0)
        rc = send_all(im, e);
    if (rc != 0 && submit_client_pending(im->client) > 0)
        say_unfinished(im);
    return rc;
}

static void import_fini(struct import *im)
{
    submit_client_close(im->client);
    import_compare_fini(&im->compare);
    import_batches_fini(&im->batches);
    import_file_fini(&im->file);
    buf_fini(&im->note.expect);
    buf_fini(&im->csv);
}

static int run(struct cli *cli, const struct cli_args *args)
{
    struct err e = {0};
    struct import im = {.cli = cli, .path = args->words[0], .bar = isatty(fileno(cli->err)) == 1};
    if (cli_option_number(args, "show", IMPORT_ROWS_MAX, SHOW, &im.show, &e) != 0)
        return cli_usage(cli, &e);
    cli_catch_signals();
    int rc = run_import(&im, args, &e);
    if (rc == 0)
        rc = report(&im, args, &e);
    int status = im.file.refusal_count > 0 ? CLI_REFUSED : CLI_OK;
    if (rc != 0)
        status = im.blocked != REFUSAL_NONE ? cli_fail_blocked(cli, im.blocked) : cli_fail(cli, &e);
    import_fini(&im);
    return status;
}

static const struct cli_option options[] = {
    {"reported-at", "TIME", "when the figures were stated; else when the file was last changed"},
    {"dry-run", NULL, "read the file and compare it with what stands, send nothing"},
    {"again", NULL, "send a file that was imported before once more"},
    {"show", "N", "how many differing figures to list (10)"},
    {"json", NULL, "a summary for programs on standard output"},
};

const struct cli_command cmd_import = {
    .name = "import",
    .words = "FILE",
    .words_min = 1,
    .words_max = 1,
    .summary = "send the figures of a CSV file",
    .help =
        "The first row names the columns: unit, indicator, period, value; if wanted op (set, "
        "clear,\n"
        "add) and reported_at; name and note may stand there for people. Numbers are whole and\n"
        "without separators (90000). UTF-8; commas, semicolons or tabs between.\n\n"
        "Rows of one unit, indicator and period in one file: the one stated last counts, of those\n"
        "stated at the same time the last in the file; all are kept. What is added to a tally\n"
        "adds up.\n\n"
        "Shown before sending: how many figures are new, the same, or change what stands. Shown\n"
        "afterwards: those that a later statement overrides. Rows that are refused go with the\n"
        "reason to FILE.refused.csv, which may be corrected and imported (exit code 3).\n\n"
        "It may be interrupted (Ctrl-C, a lost line, a crash): the same command goes on where it\n"
        "stopped. Importing the same file twice sends nothing twice.\n\n"
        "  tonghop import --dry-run xa-11341.csv      what would happen\n"
        "  tonghop import xa-11341.csv\n"
        "  tonghop import --reported-at 2024-09-05T17:00:00+07:00 tong-hop.csv\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
