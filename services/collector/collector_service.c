#include "services/collector/collector_service.h"

#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/alloc.h"
#include "common/base/parse.h"

enum {
    ARENA_KEEP_BYTES = 4 << 20,
    TICK_MS = 1000,
    ENTRY_HEAD_BYTES_MAX = 1 << 20, /* with a refusal for each of 65,536 rows */
    /* Above the largest request that is answered (wire.h), and the largest commit that follows. */
    MESSAGE_BYTES_MAX = COLLECTOR_GROUP_BYTES_MAX + WIRE_MESSAGE_BYTES_MAX + ENTRY_HEAD_BYTES_MAX,
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
                                        .fixed_keys = s->config->endpoint.keys.items,
                                        .fixed_key_count = s->config->endpoint.keys.count};
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
    struct store_options options = {.directory = s->config->store.directory,
                                    .map_bytes = (size_t)s->config->store.map_bytes,
                                    .tables = collector_table_names,
                                    .table_count = COLLECTOR_TABLE_COUNT,
                                    .kind = "collector journal",
                                    .format = COLLECTOR_FORMAT,
                                    .read_only = read_only};
    int rc = store_open(&s->store, &options, e);
    return rc != 0 || read_only ? rc : open_core(s, e);
}

/* --- the process */

static int open_responder(struct collector_service *s, struct err *e)
{
    const struct collector_config *c = s->config;
    struct responder_options options = {
        .endpoint = &c->endpoint,
        .net = {.queue_messages_max = (unsigned)c->queue_messages_max,
                .message_bytes_max = MESSAGE_BYTES_MAX},
        .arena = &s->arena,
        .round_messages = c->round_messages,
        .round_bytes = c->round_bytes,
    };
    return responder_open(&s->responder, s->service, &collector_requests, s, &options, e);
}

static void log_journal(const struct collector_service *s)
{
    struct collector_head head = collector_head(s->core);
    log_info(s->log, log_event("journal_open"), log_uint("offset", head.offset),
             log_uint("commit", head.commit_number),
             log_text("mode", head.replay ? "replay" : "live"));
}

static int start(struct service *service, struct err *e)
{
    struct collector_service *s = service_state(service);
    struct loop *loop = service_loop(service);
    arena_init(&s->arena, ARENA_KEEP_BYTES);
    s->pulls = alloc_zeroed((size_t)s->config->fetches_parked_max, sizeof *s->pulls);
    collector_counters_register(s);
    int rc = open_responder(s, e);
    if (rc != 0)
        return rc;
    loop_add_timer(loop, TICK_MS, collector_round_tick, s);
    loop_after(loop, collector_round_finish, s);
    store_watch_start(&s->store_watch, service, s->store);
    collector_round_tick(s);
    collector_round_finish(s);
    log_journal(s);
    return 0;
}

static void stop(struct service *service)
{
    struct collector_service *s = service_state(service);
    if (!s)
        return;
    responder_close(&s->responder);
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
    .shared = collector_config_shared,
    .shared_count = COLLECTOR_CONFIG_SHARED,
    .schema = collector_config_rows,
    .schema_count = COLLECTOR_CONFIG_ROWS,
    .config_bytes = sizeof(struct collector_config),
    .check = collector_config_check,
    .config_fini = collector_config_fini,
    .open = open_store,
    .start = start,
    .drain = NULL, /* the round in hand is committed and answered; who pulls will ask again */
    .stop = stop,
    .dump_store = collector_dump_store,
    .modes = modes,
    .mode_count = sizeof modes / sizeof *modes,
};
