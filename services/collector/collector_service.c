#include "services/collector/collector_service.h"

#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/alloc.h"
#include "common/base/parse.h"

enum {
    ARENA_KEEP_BYTES = 4 << 20,
    TICK_MS = 1000,
    HOUSEKEEPING_MS = 60 * 1000,
    FILLING_PERCENT = 70,
    /* Above the largest request that is answered (wire.h), and above the largest commit: a round's
     * bytes and one more message of that size. */
    MESSAGE_BYTES_MAX = 2 * WIRE_MESSAGE_BYTES_MAX,
};

/* --- the store */

/* A new one at every boot of the machine: "d0bee2f7-1f6b-4b5c-9d1f-0a3c5e7b9d11". */
static int read_boot_id(uint8_t out[CLOCK_BOOT_ID_BYTES], struct err *e)
{
    static const char path[] = "/proc/sys/kernel/random/boot_id";
    char text[64] = "", hex[64];
    size_t len = 0;
    FILE *file = fopen(path, "r");
    if (file && !fgets(text, sizeof text, file))
        text[0] = '\0';
    if (file)
        fclose(file);
    for (const char *at = text; *at; at++)
        if (*at != '-' && *at != '\n')
            hex[len++] = *at;
    if (parse_hex(slice_of(hex, len), out, CLOCK_BOOT_ID_BYTES, NULL) == 0)
        return 0;
    return err_set(e, ERR_IO,
                   "%s cannot be read: without it a restart would hide a jump of the clock; let "
                   "the service see /proc/sys",
                   path);
}

static int read_machine(struct clock_reading *out, struct err *e)
{
    struct timespec wall, monotonic;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_BOOTTIME, &monotonic);
    out->wall_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000;
    out->monotonic_ms = (int64_t)monotonic.tv_sec * 1000 + monotonic.tv_nsec / 1000000;
    return read_boot_id(out->boot_id, e);
}

static int open_core(struct collector_service *s, struct err *e)
{
    struct kv *kv = NULL;
    struct collector_options options = {.replay = s->config->replay,
                                        .fixed_keys = s->config->keys.items,
                                        .fixed_key_count = s->config->keys.count};
    if (sodium_init() < 0)
        return err_set(e, ERR_IO, "this machine gives no random numbers");
    randombytes_buf(options.instance, sizeof options.instance);
    int rc = read_machine(&options.now, e);
    if (rc == 0)
        rc = store_begin(s->store, true, &kv, e);
    if (rc == 0)
        rc = collector_open(&s->core, kv, &wire_codec, &options, e);
    if (rc == 0)
        return store_commit(&kv, e);
    store_abort(&kv);
    return rc;
}

static int open_store(struct service *service, bool read_only, struct err *e)
{
    struct collector_service *s = alloc_zeroed(1, sizeof *s);
    service_set_state(service, s);
    s->service = service;
    s->config = service_config(service);
    s->log = service_log(service);
    struct store_options options = {.directory = s->config->directory,
                                    .map_bytes = (size_t)s->config->map_bytes,
                                    .tables = collector_table_names,
                                    .table_count = COLLECTOR_TABLE_COUNT,
                                    .kind = "collector journal",
                                    .format = COLLECTOR_FORMAT,
                                    .read_only = read_only};
    int rc = store_open(&s->store, &options, e);
    return rc != 0 || read_only ? rc : open_core(s, e);
}

static void check_usage(struct collector_service *s)
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
    struct collector_service *s = service;
    unsigned cleared = 0;
    if (store_check_readers(s->store, &cleared, NULL) == 0)
        *s->count.readers_cleared += cleared;
    check_usage(s);
}

/* --- sockets */

static bool admit(void *arg, const struct net_key *key, const char *peer_address)
{
    struct collector_service *s = arg;
    struct identity who = collector_identify(s->core, key->bytes);
    if (who.roles != 0 && !who.revoked)
        return true;
    char text[NET_KEY_TEXT_BYTES];
    ++*s->count.keys_refused;
    key_format_z85(key, text);
    log_complain(s->log, &s->key_complaint, log_event("key_refused"), log_text("key", text),
                 log_text("address", peer_address),
                 log_text("revoked", who.revoked ? "true" : "false"));
    return false;
}

static bool round_has_room(const struct collector_service *s)
{
    return s->messages < s->config->round_messages && s->bytes < s->config->round_bytes;
}

static void on_readable(void *arg)
{
    struct collector_gate *gate = arg;
    struct collector_service *s = gate->owner;
    struct net_message m;
    while (round_has_room(s) && net_receive(gate->socket, &m) == 0) {
        s->messages++;
        for (unsigned i = 0; i < m.frame_count; i++)
            s->bytes += (int64_t)m.frames[i].len;
        collector_request_take(gate, &m);
        net_message_clear(&m);
    }
}

static int open_gate(struct collector_service *s, const char *endpoint, struct err *e)
{
    struct collector_gate *gate = &s->gates[s->gate_count];
    gate->owner = s;
    int rc = net_listen(s->net, NET_ROUTER, endpoint, &s->keys, &gate->socket, e);
    if (rc != 0)
        return rc;
    s->gate_count++;
    loop_add_socket(service_loop(s->service), gate->socket, on_readable, gate);
    log_info(s->log, log_event("listening"), log_text("endpoint", net_endpoint(gate->socket)));
    return 0;
}

static int open_net(struct collector_service *s, struct err *e)
{
    struct net_options options = {.queue_messages_max = (unsigned)s->config->queue_messages_max,
                                  .message_bytes_max = MESSAGE_BYTES_MAX};
    int rc = net_create(&s->net, &options, e);
    if (rc == 0)
        net_admit(s->net, admit, s);
    for (size_t i = 0; rc == 0 && i < s->config->listen.count; i++)
        rc = open_gate(s, s->config->listen.items[i], e);
    return rc;
}

/* --- the process */

static void add_timers(struct collector_service *s)
{
    struct loop *loop = service_loop(s->service);
    loop_add_timer(loop, TICK_MS, collector_round_tick, s);
    loop_add_timer(loop, HOUSEKEEPING_MS, keep_house, s);
    loop_after(loop, collector_round_finish, s);
}

static int start(struct service *service, struct err *e)
{
    struct collector_service *s = service_state(service);
    arena_init(&s->arena, ARENA_KEEP_BYTES);
    s->pulls = alloc_zeroed((size_t)s->config->fetches_parked_max, sizeof *s->pulls);
    collector_counters_register(s);
    int rc = keypair_load(s->config->key_file, &s->keys, e);
    if (rc == 0)
        rc = open_net(s, e);
    if (rc != 0)
        return rc;
    add_timers(s);
    keep_house(s);
    collector_round_tick(s);
    collector_round_finish(s);
    struct collector_head head = collector_head(s->core);
    log_info(s->log, log_event("journal_open"), log_uint("offset", head.offset),
             log_uint("commit", head.commit_number),
             log_text("mode", head.replay ? "replay" : "live"));
    return 0;
}

/* The round in hand is committed and answered after this returns; who pulls will ask again. */
static void drain(struct service *service)
{
    struct collector_service *s = service_state(service);
    for (unsigned i = 0; i < s->gate_count; i++)
        loop_remove_socket(service_loop(service), s->gates[i].socket);
    service_drained(service);
}

static void close_net(struct collector_service *s)
{
    struct loop *loop = service_loop(s->service);
    for (unsigned i = 0; i < s->gate_count; i++) {
        loop_remove_socket(loop, s->gates[i].socket);
        net_close(s->gates[i].socket);
    }
    if (s->net)
        loop_remove_net(loop, s->net);
    net_destroy(s->net);
    keypair_wipe(&s->keys);
}

static void stop(struct service *service)
{
    struct collector_service *s = service_state(service);
    if (!s)
        return;
    close_net(s);
    store_abort(&s->kv);
    collector_close(s->core);
    store_close(s->store);
    free(s->outbox.answers);
    buf_fini(&s->outbox.bytes);
    buf_fini(&s->pull_bytes);
    free(s->pulls);
    arena_fini(&s->arena);
    free(s);
}

static const struct service_mode modes[] = {
    {
        .option = "--quarantine",
        .help = "print every refused batch and row in the journal: time, producer, spool, number, "
                "row, code, name",
        .run = collector_print_quarantine,
    },
};

const struct service_definition collector_definition = {
    .name = "collector",
    .purpose = "Takes batches of figures from producers, judges each once, writes them with their "
               "verdicts into the journal, and answers after the synced commit.",
    .schema = collector_config_rows,
    .schema_count = COLLECTOR_CONFIG_ROWS,
    .config_bytes = sizeof(struct collector_config),
    .check = collector_config_check,
    .config_fini = collector_config_fini,
    .open = open_store,
    .start = start,
    .drain = drain,
    .stop = stop,
    .dump_store = collector_dump_store,
    .modes = modes,
    .mode_count = sizeof modes / sizeof *modes,
};
