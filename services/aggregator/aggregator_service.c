#include "services/aggregator/aggregator_service.h"

#include <sodium.h>
#include <stdlib.h>

#include "common/base/alloc.h"

enum {
    ARENA_KEEP_BYTES = 4 << 20,
    POKE_MS = 100,
    HOUSEKEEPING_MS = 60 * 1000,
    FILLING_PERCENT = 70,
    REQUESTS_A_ROUND = 256,
    /* As the collector's: its largest commit must fit. */
    MESSAGE_BYTES_MAX = 2 * WIRE_MESSAGE_BYTES_MAX,
};

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
    options.directory = s->config->directory;
    options.map_bytes = (size_t)s->config->map_bytes;
    options.read_only = read_only;
    int rc = store_open(&s->store, &options, e);
    return rc == 0 ? aggregator_follow_open(s, e) : rc;
}

static void check_usage(struct aggregator_service *s)
{
    struct store_usage usage;
    if (store_usage(s->store, &usage, NULL) != 0)
        return;
    *s->count.store_used_bytes = usage.used_bytes;
    *s->count.store_map_bytes = usage.map_bytes;
    if (usage.used_bytes / FILLING_PERCENT > usage.map_bytes / 100)
        log_complain(s->log, &s->usage_complaint, log_event("store_filling"),
                     log_uint("used_bytes", usage.used_bytes),
                     log_uint("map_bytes", usage.map_bytes),
                     log_text("message", "raise store.map_size before it is full"));
    else
        log_complain_over(s->log, &s->usage_complaint, "store_has_room");
}

static void keep_house(void *service)
{
    struct aggregator_service *s = service;
    unsigned cleared = 0;
    if (store_check_readers(s->store, &cleared, NULL) == 0)
        *s->count.readers_cleared += cleared;
    check_usage(s);
}

/* --- sockets */

static bool admit(void *arg, const struct net_key *key, const char *peer_address)
{
    struct aggregator_service *s = arg;
    struct identity who = access_identify(s, key);
    if (access_may_ask(who))
        return true;
    char text[NET_KEY_TEXT_BYTES];
    ++*s->count.keys_refused;
    key_format_z85(key, text);
    log_complain(s->log, &s->key_complaint, log_event("key_refused"), log_text("key", text),
                 log_text("address", peer_address),
                 log_text("revoked", who.revoked ? "true" : "false"));
    return false;
}

static void on_request(void *arg)
{
    struct aggregator_gate *gate = arg;
    struct net_message m;
    for (unsigned i = 0; i < REQUESTS_A_ROUND && net_receive(gate->socket, &m) == 0; i++) {
        aggregator_request_take(gate, &m);
        net_message_clear(&m);
    }
}

static int open_gates(struct aggregator_service *s, enum net_kind kind,
                      const struct schema_strings *endpoints, struct aggregator_gate *gates,
                      unsigned *count, struct err *e)
{
    for (size_t i = 0; i < endpoints->count; i++) {
        struct aggregator_gate *gate = &gates[*count];
        gate->owner = s;
        int rc = net_listen(s->net, kind, endpoints->items[i], &s->keys, &gate->socket, e);
        if (rc != 0)
            return rc;
        ++*count;
        if (kind == NET_ROUTER)
            loop_add_socket(service_loop(s->service), gate->socket, on_request, gate);
        log_info(s->log, log_event("listening"),
                 log_text("for", kind == NET_XPUB ? "subscriptions" : "questions"),
                 log_text("endpoint", net_endpoint(gate->socket)));
    }
    return 0;
}

static int connect_collector(struct aggregator_service *s, struct err *e)
{
    struct net_socket *socket;
    struct net_key key = aggregator_config_collector_key(s->config);
    int rc =
        net_connect(s->net, NET_DEALER, s->config->collector_endpoint, &key, &s->keys, &socket, e);
    if (rc != 0)
        return rc;
    puller_init(&s->puller, socket, (uint32_t)s->config->fetch_bytes, 0); /* no wait: caught up? */
    puller_seek(&s->puller, s->done.offset + 1, s->done.commit_hash);
    loop_add_socket(service_loop(s->service), socket, aggregator_follow_receive, s);
    return 0;
}

static int open_net(struct aggregator_service *s, struct err *e)
{
    struct net_options options = {.queue_messages_max = (unsigned)s->config->queue_messages_max,
                                  .message_bytes_max = MESSAGE_BYTES_MAX,
                                  .retry_ms = 1000};
    int rc = net_create(&s->net, &options, e);
    if (rc == 0)
        net_admit(s->net, admit, s);
    if (rc == 0)
        rc = connect_collector(s, e);
    if (rc == 0)
        rc = open_gates(s, NET_ROUTER, &s->config->listen, s->gates, &s->gate_count, e);
    if (rc == 0)
        rc = open_gates(s, NET_XPUB, &s->config->feed_listen, s->feeds, &s->feed_count, e);
    return rc;
}

/* --- the process */

static void after_round(void *service)
{
    struct aggregator_service *s = service;
    if (!s->ledger)
        return; /* it could not be opened again: the service has failed */
    aggregator_follow_round(s);
    if (s->ledger)
        aggregator_request_serve_waiting(s);
}

static int start(struct service *service, struct err *e)
{
    struct aggregator_service *s = service_state(service);
    if (sodium_init() < 0)
        return err_set(e, ERR_IO, "this machine gives no random numbers");
    s->feed = feed_create();
    s->waiters = alloc_zeroed((size_t)s->config->waiting_max, sizeof *s->waiters);
    aggregator_counters_register(s);
    int rc = keypair_load(s->config->key_file, &s->keys, e);
    if (rc == 0)
        rc = open_net(s, e);
    if (rc != 0)
        return rc;
    struct loop *loop = service_loop(service);
    loop_add_timer(loop, POKE_MS, aggregator_follow_poke, s);
    loop_add_timer(loop, s->config->beat_ms, aggregator_feed_beat, s);
    loop_add_timer(loop, HOUSEKEEPING_MS, keep_house, s);
    loop_after(loop, after_round, s);
    keep_house(s);
    s->linked_ms = loop_now_ms();
    aggregator_follow_poke(s);
    return 0;
}

/* What was applied is kept, though it would be pulled again; who waits will ask again. */
static void drain(struct service *service)
{
    struct aggregator_service *s = service_state(service);
    puller_reply_clear(&s->reply);
    loop_remove_socket(service_loop(service), s->puller.socket);
    if (s->ledger)
        aggregator_follow_checkpoint(s);
    service_drained(service);
}

static void close_socket(struct aggregator_service *s, struct net_socket *socket)
{
    if (socket)
        loop_remove_socket(service_loop(s->service), socket);
    net_close(socket);
}

static void close_net(struct aggregator_service *s)
{
    if (!s->net)
        return;
    puller_reply_clear(&s->reply);
    close_socket(s, s->puller.socket);
    for (unsigned i = 0; i < s->gate_count; i++)
        close_socket(s, s->gates[i].socket);
    for (unsigned i = 0; i < s->feed_count; i++)
        close_socket(s, s->feeds[i].socket);
    loop_remove_net(service_loop(s->service), s->net);
    net_destroy(s->net);
    keypair_wipe(&s->keys);
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
    for (size_t i = 0; i < s->waiter_count; i++)
        buf_fini(&s->waiters[i].message);
    free(s->waiters);
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
