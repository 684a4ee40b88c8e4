#include "services/cli/cli_print.h"
#include "services/cli/cmd.h"
#include "services/cli/figure.h"
#include "services/cli/watch_state.h"

#include "common/net/loop.h"

#include <inttypes.h>
#include <jansson.h>

enum { WAIT_MS = 200, ARENA_KEEP_BYTES = 1 << 20 };

struct watch {
    struct cli *cli;
    struct watch_state *state;
    struct net_socket *feed;
    struct request *link; /* for snapshots */
    struct arena arena;
    const char *indicator; /* NULL: all */
    const char *unit;
    bool json;
    bool once;
    bool whole;   /* the last heads wanted nothing */
    bool started; /* past the first snapshots: changes are news */
    int rc;       /* of a snapshot; sticky */
    struct err err;
};

/* ---- printing ---- */

static void print_cell(const struct watch *w, const struct watch_cell *c)
{
    char day[DAY_TEXT_BYTES], amount[CLI_NUMBER_BYTES], total[CLI_NUMBER_BYTES];
    if (w->json) {
        json_t *one =
            json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "indicator", c->indicator, "unit",
                      c->unit, "day", day_format(c->day, day), "amount", (json_int_t)c->amount,
                      "figures", (json_int_t)c->figures, "reported", (json_int_t)c->reported,
                      "on_time", (json_int_t)c->on_time, "total", (json_int_t)c->total);
        json_dumpf(one, w->cli->out, JSON_COMPACT);
        fputc('\n', w->cli->out);
        json_decref(one);
        return;
    }
    fprintf(w->cli->out,
            cli_say(w->cli, "%s  %s  %s  %s  lũy kế %s  đã báo cáo %" PRIu32 "\n",
                    "%s  %s  %s  %s  total %s  reports %" PRIu32 "\n"),
            c->indicator, c->unit, figure_day(c->day, w->cli->english, day),
            cli_number(c->amount, w->cli->english, amount),
            cli_number(c->total, w->cli->english, total), c->reported);
}

static bool is_wanted(const struct watch *w, const struct watch_cell *c)
{
    return !w->unit || strcmp(w->unit, c->unit) == 0;
}

static void on_change(void *arg, const struct watch_cell *c)
{
    const struct watch *w = arg;
    if (w->started && !w->once && is_wanted(w, c))
        print_cell(w, c);
}

static void on_visit(void *arg, const struct watch_cell *c)
{
    const struct watch *w = arg;
    if (is_wanted(w, c))
        print_cell(w, c);
}

/* ---- the feed ---- */

static void take_snapshot(void *arg, const struct wire_stream *stream)
{
    struct watch *w = arg;
    struct buf message = {0}, reply = {0};
    struct wire_cells cells;
    if (w->rc != 0)
        return;
    wire_pack_snapshot_request(stream, &message);
    w->rc = cli_request(w->link, w->cli, WIRE_SNAPSHOT, buf_slice(&message), w->cli->timeout_ms,
                        &reply, &w->err);
    if (w->rc == 0)
        w->rc = wire_unpack_snapshot(buf_slice(&reply), &w->arena, &cells, &w->err);
    if (w->rc == 0)
        watch_snapshot(w->state, &cells, stream);
    buf_fini(&message);
    buf_fini(&reply);
}

static void take_message(struct watch *w, const struct net_message *m)
{
    struct wire_heads heads;
    struct wire_cells update;
    arena_reset(&w->arena);
    if (m->frame_count < 2 || m->frames[0].len == 0)
        return;
    char kind = *(const char *)m->frames[0].data;
    if (kind == 's' && wire_unpack_update(m->frames[1], &w->arena, &update, NULL) == 0)
        watch_update(w->state, &update);
    if (kind == 'h' && wire_unpack_heads(m->frames[1], &w->arena, &heads, NULL) == 0) {
        w->whole = watch_heads(w->state, &heads, w->indicator, take_snapshot, w);
        w->started |= w->whole;
    }
}

static int subscribe(struct watch *w, struct err *e)
{
    struct request_peer peer = {0};
    struct buf topic = {0};
    int rc = cli_peer(w->cli, CLI_AGGREGATOR, &peer, e);
    if (rc == 0 && !w->cli->config.feed)
        rc = err_set(e, ERR_INVALID, "%s: aggregator.feed is not given there, and watch needs it",
                     w->cli->config.path);
    if (rc == 0)
        rc = net_connect(w->cli->net, NET_SUB, w->cli->config.feed, &peer.server_key, &peer.self,
                         &w->feed, e);
    if (rc == 0)
        rc = cli_connect(w->cli, CLI_AGGREGATOR, &w->link, e);
    keypair_wipe(&peer.self);
    buf_printf(&topic, "s/%s%s", w->indicator ? w->indicator : "", w->indicator ? "/" : "");
    if (rc == 0)
        rc = net_subscribe(w->feed, slice_str("h/"));
    if (rc == 0)
        rc = net_subscribe(w->feed, buf_slice(&topic));
    buf_fini(&topic);
    return rc;
}

static int wait_failed(const struct watch *w, int rc, struct err *e)
{
    if (rc == ERR_DENIED)
        return err_set(e, rc, "%s: this key is not known there, or may not subscribe",
                       w->cli->config.feed);
    return err_set(e, ERR_NET, "%s: nothing came for %d ms: is the aggregator running?",
                   w->cli->config.feed, w->cli->timeout_ms);
}

/* Until Ctrl-C; with --once until the copy is whole. */
static int follow(struct watch *w, struct err *e)
{
    int64_t alive_ms = loop_now_ms();
    while (!cli_stop && !(w->once && w->whole)) {
        struct net_message m;
        int rc = net_wait(w->feed, WAIT_MS);
        if (rc != 0 && rc != ERR_AGAIN)
            return wait_failed(w, rc, e);
        if (loop_now_ms() - alive_ms > w->cli->timeout_ms)
            return wait_failed(w, ERR_NET, e);
        if (rc != 0 || net_receive(w->feed, &m) != 0)
            continue;
        alive_ms = loop_now_ms();
        take_message(w, &m);
        net_message_clear(&m);
        fflush(w->cli->out);
        if (w->rc != 0)
            return err_set(e, w->rc, "%s", w->err.text);
    }
    return 0;
}

static void show_all(struct watch *w)
{
    watch_visit(w->state, on_visit, w);
    fflush(w->cli->out);
    if (!watch_holds_any(w->state))
        fprintf(
            w->cli->err, "%s",
            cli_say(w->cli,
                    "Khóa này không xem được luồng số liệu nào (mỗi luồng là cả một đơn vị cấp "
                    "hai, như quận, huyện): dùng tonghop query hoặc tonghop status.\n",
                    "This key may see no stream (each is a whole unit of the second level, such "
                    "as a district): use tonghop query or tonghop status.\n"));
}

static int run(struct cli *cli, const struct cli_args *args)
{
    struct err e = {0};
    struct watch w = {.cli = cli,
                      .indicator = cli_option(args, "indicator"),
                      .unit = cli_option(args, "unit"),
                      .json = cli_switch(args, "json"),
                      .once = cli_switch(args, "once")};
    w.state = watch_create(on_change, &w);
    arena_init(&w.arena, ARENA_KEEP_BYTES);
    cli_catch_signals();
    int rc = subscribe(&w, &e);
    if (rc == 0)
        rc = follow(&w, &e);
    if (rc == 0 && w.once && w.whole)
        show_all(&w);
    net_close(w.feed);
    request_close(w.link);
    watch_destroy(w.state);
    arena_fini(&w.arena);
    return rc == 0 || cli_stop ? CLI_OK : cli_fail(cli, &e);
}

static const struct cli_option options[] = {
    {"indicator", "ID", "this indicator only"},
    {"unit", "CODE", "this unit's cells only"},
    {"once", NULL, "print all cells as they stand and end"},
    {"json", NULL, "one JSON object a line"},
};

const struct cli_command cmd_watch = {
    .name = "watch",
    .words = "",
    .summary = "follow the feed: every cell that changes, as it changes",
    .help =
        "Takes the snapshots, then the numbered updates; what is missed is noticed and taken\n"
        "anew. A cell is what one day adds to a unit and all below it; the total is what it comes\n"
        "to on that day. A stock that goes over to a successor is taken out on the day it goes.\n"
        "Ends with Ctrl-C.\n\n"
        "  tonghop watch --indicator cdht.dangky --unit 31\n"
        "  tonghop watch --once --json > cells.jsonl\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
