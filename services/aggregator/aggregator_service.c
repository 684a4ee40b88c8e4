#include "services/aggregator/aggregator_service.h"

#include <sodium.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/journal/journal.h"

enum {
    ARENA_KEEP_BYTES = 4 << 20,
    POKE_MS = 100,
    REQUESTS_A_ROUND = 256,
    WAITING_BYTES_MAX = 64 << 20,
};
_Static_assert((size_t)AGGREGATOR_MESSAGE_BYTES_MAX > (size_t)JOURNAL_COMMIT_BYTES_MAX,
               "the largest commit must come in");

const struct store_options aggregator_store_options = {
    .tables = ledger_table_names,
    .table_count = LEDGER_TABLE_COUNT,
    .kind = "aggregator ledger",
    .format = LEDGER_FORMAT,
};

/* --- the store */

static int open_store(struct service *service, bool read_only, struct err *e)
{
    struct aggregator_service *s = alloc_zeroed(1, sizeof *s);
    service_set_state(service, s);
    s->service = service;
    s->config = service_config(service);
    s->log = service_log(service);
    arena_init(&s->arena, ARENA_KEEP_BYTES);
    struct store_options options = aggregator_store_options;
    options.directory = s->config->store.directory;
    options.map_bytes = (size_t)s->config->store.map_bytes;
    options.read_only = read_only;
    int rc = store_open(&s->store, &options, e);
    return rc == 0 ? aggregator_follow_open(s, e) : rc;
}

/* --- sockets */

static int open_responder(struct aggregator_service *s, struct err *e)
{
    struct responder_options options = {
        .endpoint = &s->config->endpoint,
        .net = {.queue_messages_max = (unsigned)s->config->queue_messages_max,
                .message_bytes_max = AGGREGATOR_MESSAGE_BYTES_MAX,
                .retry_ms = 1000},
        .arena = &s->arena,
        .round_messages = REQUESTS_A_ROUND,
        .round_bytes = INT64_MAX,
    };
    return responder_open(&s->responder, s->service, &aggregator_requests, s, &options, e);
}

static int connect_collector(struct aggregator_service *s, struct err *e)
{
    struct net_socket *socket;
    struct net_key key = aggregator_config_collector_key(s->config);
    int rc = net_connect(s->responder.net, NET_DEALER, s->config->collector_endpoint, &key,
                         &s->responder.keys, &socket, e);
    if (rc != 0)
        return rc;
    puller_init(&s->puller, socket, (uint32_t)s->config->fetch_bytes, 0); /* no wait: caught up? */
    puller_seek(&s->puller, s->done.offset + 1, s->done.commit_hash);
    loop_add_socket(service_loop(s->service), socket, aggregator_follow_receive, s);
    return 0;
}

static int open_net(struct aggregator_service *s, struct err *e)
{
    int rc = open_responder(s, e);
    if (rc == 0)
        rc = connect_collector(s, e);
    if (rc == 0)
        rc = feed_gates_open(&s->feed_gates, &s->responder, &s->config->feed_listen,
                             aggregator_feed_take, e);
    return rc;
}

/* --- the process */

static void after_round(void *service)
{
    struct aggregator_service *s = service;
    if (!s->ledger)
        return; /* it could not be opened again: the service has failed */
    aggregator_follow_round(s);
    if (!s->ledger)
        return;
    aggregator_request_serve_waiting(s);
    aggregator_frames_serve(s);
}

static int start(struct service *service, struct err *e)
{
    struct aggregator_service *s = service_state(service);
    if (sodium_init() < 0)
        return err_set(e, ERR_IO, "this machine gives no random numbers");
    s->feed = feed_create();
    waiting_init(&s->questions, (size_t)s->config->waiting_max, WAITING_BYTES_MAX);
    aggregator_follow_init(s);
    aggregator_counters_register(s);
    int rc = open_net(s, e);
    if (rc != 0)
        return rc;
    struct loop *loop = service_loop(service);
    loop_add_timer(loop, POKE_MS, aggregator_follow_poke, s);
    loop_add_timer(loop, s->config->beat_ms, aggregator_feed_beat, s);
    loop_after(loop, after_round, s);
    store_watch_start(&s->store_watch, service, s->store);
    aggregator_follow_poke(s);
    return 0;
}

/* What was applied is kept, though it would be pulled again; who waits is told to ask again. */
static void drain(struct service *service)
{
    struct aggregator_service *s = service_state(service);
    pull_reply_clear(&s->reply.raw);
    loop_remove_socket(service_loop(service), s->puller.pull.socket);
    if (s->ledger)
        aggregator_follow_checkpoint(s);
    if (s->ledger)
        aggregator_request_serve_waiting(s);
    aggregator_request_end_waiting(s);
    service_drained(service);
}

static void close_net(struct aggregator_service *s)
{
    pull_reply_clear(&s->reply.raw);
    responder_close_socket(&s->responder, s->puller.pull.socket);
    feed_gates_close(&s->feed_gates);
    responder_close(&s->responder);
}

static void stop(struct service *service)
{
    struct aggregator_service *s = service_state(service);
    if (!s)
        return;
    close_net(s);
    store_abort(&s->kv);
    ledger_close(s->ledger);
    store_close(s->store);
    feed_destroy(s->feed);
    waiting_fini(&s->questions);
    arena_fini(&s->arena);
    free(s);
}

/* --- the store as text */

static void print_line(void *arg, const char *text)
{
    fprintf(arg, "%s\n", text);
}

/* Beside a running service: the registry is read with the records, or it might not know them. */
static int dump_store(struct service *service, FILE *out, struct err *e)
{
    struct aggregator_service *s = service_state(service);
    struct ledger *ledger = NULL;
    struct kv *kv = NULL;
    int rc = store_begin(s->store, false, &kv, e);
    if (rc == 0)
        rc = ledger_open(&ledger, kv, &wire_codec, e);
    if (rc == 0)
        ledger_dump(ledger, kv, false, print_line, out);
    ledger_close(ledger);
    if (rc == 0 && kv_failed(kv))
        rc = err_set(e, kv->err.code, "%s", kv->err.text);
    store_abort(&kv);
    return rc;
}

static const struct service_mode modes[] = {
    {
        .option = "--verify",
        .help = "pull the journal from the collector, compute everything again and compare it "
                "with the store, beside a running service",
        .run = aggregator_verify,
    },
    {
        .option = "--excluded",
        .help = "list as CSV the figures that are in no sum, because a late catalogue left their "
                "code without a unit on their day",
        .run = aggregator_excluded,
    },
};

const struct service_definition aggregator_definition = {
    .name = "aggregator",
    .purpose = "Follows the journal, keeps what holds and what it adds up to over a tree that "
               "changes, answers questions and feeds subscribers.",
    .shared = aggregator_config_shared,
    .shared_count = AGGREGATOR_CONFIG_SHARED,
    .schema = aggregator_config_rows,
    .schema_count = AGGREGATOR_CONFIG_ROWS,
    .config_bytes = sizeof(struct aggregator_config),
    .check = aggregator_config_check,
    .config_fini = aggregator_config_fini,
    .open = open_store,
    .start = start,
    .ready_later = true,
    .drain = drain,
    .stop = stop,
    .dump_store = dump_store,
    .modes = modes,
    .mode_count = sizeof modes / sizeof *modes,
};
