#include "services/notifier/notifier_service.h"

#include <stdlib.h>

#include "common/base/alloc.h"

enum {
    ARENA_KEEP_BYTES = 4 << 20,
    POKE_MS = 100,
    REQUESTS_A_ROUND = 256,
    WAITING_MAX = 64,
    MESSAGE_BYTES_MAX = WIRE_FRAME_BYTES_MAX + (1 << 20),
};

static const struct store_options store_options = {
    .tables = notifier_table_names,
    .table_count = NOTIFIER_TABLE_COUNT,
    .kind = "notifier alerts",
    .format = NOTIFIER_FORMAT,
};

/* --- the store */

static int open_store(struct service *service, bool read_only, struct err *e)
{
    struct notifier_service *s = alloc_zeroed(1, sizeof *s);
    service_set_state(service, s);
    s->service = service;
    s->config = service_config(service);
    s->log = service_log(service);
    s->maildir = (struct maildir){.tmp_fd = -1, .new_fd = -1};
    arena_init(&s->arena, ARENA_KEEP_BYTES);
    struct store_options options = store_options;
    options.directory = s->config->store.directory;
    options.map_bytes = (size_t)s->config->store.map_bytes;
    options.read_only = read_only;
    int rc = store_open(&s->store, &options, e);
    return rc == 0 ? notifier_follow_open(s, e) : rc;
}

/* --- sockets */

static int open_responder(struct notifier_service *s, struct err *e)
{
    struct responder_options options = {
        .endpoint = &s->config->endpoint,
        .net = {.queue_messages_max = (unsigned)s->config->queue_messages_max,
                .message_bytes_max = MESSAGE_BYTES_MAX,
                .retry_ms = 1000},
        .arena = &s->arena,
        .round_messages = REQUESTS_A_ROUND,
        .round_bytes = INT64_MAX,
    };
    return responder_open(&s->responder, s->service, &notifier_requests, s, &options, e);
}

static int connect_aggregator(struct notifier_service *s, struct err *e)
{
    struct net_socket *socket;
    struct net_key key = notifier_config_aggregator_key(s->config);
    int rc = net_connect(s->responder.net, NET_DEALER, s->config->aggregator_endpoint, &key,
                         &s->responder.keys, &socket, e);
    if (rc != 0)
        return rc;
    /* No wait at first: is there anything to catch up with? */
    frame_puller_init(&s->puller, socket, (uint32_t)s->config->fetch_bytes, 0);
    frame_puller_seek(&s->puller, s->done.offset);
    loop_add_socket(service_loop(s->service), socket, notifier_follow_receive, s);
    return 0;
}

static int open_net(struct notifier_service *s, struct err *e)
{
    int rc = open_responder(s, e);
    if (rc == 0)
        rc = connect_aggregator(s, e);
    if (rc == 0)
        rc = feed_gates_open(&s->feed_gates, &s->responder, &s->config->feed_listen,
                             notifier_feed_take, e);
    return rc;
}

/* --- the process */

static void after_round(void *service)
{
    struct notifier_service *s = service;
    if (!s->core)
        return; /* it could not be opened again: the service has failed */
    notifier_follow_round(s);
    if (!s->core)
        return;
    notifier_deliver_round(s);
    notifier_request_serve_waiting(s);
}

static int start(struct service *service, struct err *e)
{
    struct notifier_service *s = service_state(service);
    notifier_follow_init(s);
    notifier_deliver_init(s);
    notifier_counters_register(s);
    waiting_init(&s->questions, WAITING_MAX, SIZE_MAX);
    int rc = maildir_open(&s->maildir, s->config->maildir, e);
    if (rc == 0)
        rc = open_net(s, e);
    if (rc != 0)
        return rc;
    struct loop *loop = service_loop(service);
    loop_add_timer(loop, POKE_MS, notifier_follow_poke, s);
    loop_add_timer(loop, s->config->beat_ms, notifier_feed_beat, s);
    loop_after(loop, after_round, s);
    store_watch_start(&s->store_watch, service, s->store);
    notifier_follow_poke(s);
    return 0;
}

/* What was pulled and not applied is pulled again; what waits in the outbox goes out then. */
static void drain(struct service *service)
{
    struct notifier_service *s = service_state(service);
    pull_reply_clear(&s->reply.raw);
    loop_remove_socket(service_loop(service), s->puller.pull.socket);
    notifier_request_end_waiting(s);
    service_drained(service);
}

static void close_net(struct notifier_service *s)
{
    pull_reply_clear(&s->reply.raw);
    responder_close_socket(&s->responder, s->puller.pull.socket);
    feed_gates_close(&s->feed_gates);
    responder_close(&s->responder);
}

static void stop(struct service *service)
{
    struct notifier_service *s = service_state(service);
    if (!s)
        return;
    close_net(s);
    maildir_close(&s->maildir);
    store_abort(&s->kv);
    notifier_close(s->core);
    store_close(s->store);
    waiting_fini(&s->questions);
    free(s->changed);
    arena_fini(&s->arena);
    free(s);
}

static int dump_store(struct service *service, FILE *out, struct err *e)
{
    struct notifier_service *s = service_state(service);
    struct kv *kv = NULL;
    int rc = store_begin(s->store, false, &kv, e);
    if (rc == 0)
        rc = notifier_dump(kv, out, e);
    store_abort(&kv);
    return rc;
}

const struct service_definition notifier_definition = {
    .name = "notifier",
    .purpose = "Judges at each tick where every target stands at every unit, decides who is told "
               "what, and delivers it.",
    .shared = notifier_config_shared,
    .shared_count = NOTIFIER_CONFIG_SHARED,
    .schema = notifier_config_rows,
    .schema_count = NOTIFIER_CONFIG_ROWS,
    .config_bytes = sizeof(struct notifier_config),
    .check = notifier_config_check,
    .config_fini = notifier_config_fini,
    .open = open_store,
    .start = start,
    .ready_later = true,
    .drain = drain,
    .stop = stop,
    .dump_store = dump_store,
};
