/* What every service that keeps a store does once a minute: frees what killed readers left behind,
 * shows how full the store is, and complains in time. */
#ifndef TONGHOP_SERVICE_STORE_WATCH_H
#define TONGHOP_SERVICE_STORE_WATCH_H

#include "common/service/service.h"
#include "common/store/store.h"

struct store_watch {
    struct store *store;
    const struct log *log;
    uint64_t *used_bytes;
    uint64_t *map_bytes;
    uint64_t *readers_cleared;
    struct log_complaint complaint;
};

/* Looks now and from then on by the service's loop; `w` and the store live as long as that runs. */
void store_watch_start(struct store_watch *w, struct service *service, struct store *store);

#endif
