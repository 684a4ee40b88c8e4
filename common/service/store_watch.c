#include "common/service/store_watch.h"

#include "common/net/loop.h"

enum { LOOK_MS = 60 * 1000, FILLING_PERCENT = 70 };

static void check_usage(struct store_watch *w)
{
    struct store_usage usage;
    if (store_usage(w->store, &usage, NULL) != 0)
        return;
    *w->used_bytes = usage.used_bytes;
    *w->map_bytes = usage.map_bytes;
    if (usage.used_bytes / FILLING_PERCENT > usage.map_bytes / 100)
        log_complain(w->log, &w->complaint, log_event("store_filling"),
                     log_uint("used_bytes", usage.used_bytes),
                     log_uint("map_bytes", usage.map_bytes),
                     log_text("message", "raise store.map_size before it is full"));
    else
        log_complain_over(w->log, &w->complaint, "store_has_room");
}

static void look(void *watch)
{
    struct store_watch *w = watch;
    unsigned cleared = 0;
    if (store_check_readers(w->store, &cleared, NULL) == 0)
        *w->readers_cleared += cleared;
    check_usage(w);
}

void store_watch_start(struct store_watch *w, struct service *service, struct store *store)
{
    struct counters *c = service_counters(service);
    w->store = store;
    w->log = service_log(service);
    w->used_bytes = counters_gauge(c, "store_used_bytes", NULL, "Bytes of the store in use.");
    w->map_bytes =
        counters_gauge(c, "store_map_bytes", NULL, "The most that the store may grow to.");
    w->readers_cleared = counters_add(c, "store_readers_cleared_total", NULL,
                                      "Places of killed readers that were freed.");
    loop_add_timer(service_loop(service), LOOK_MS, look, w);
    look(w);
}
