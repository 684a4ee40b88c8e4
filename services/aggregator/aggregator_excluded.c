/* Figures that a late catalogue left without a unit: kept, in no sum, listed here. */
#include <inttypes.h>

#include "services/aggregator/aggregator_service.h"

static void count_one(void *arg, uint32_t indicator, uint32_t code, day_t day, uint32_t source,
                      int64_t value)
{
    uint64_t *count = arg;
    (void)indicator, (void)code, (void)day, (void)source, (void)value;
    ++*count;
}

/* Walks all facts, so only when a rebuild has done that as well, and once at the start. */
void aggregator_excluded_count(struct aggregator_service *s)
{
    struct kv *kv = NULL;
    struct err e;
    uint64_t count = 0;
    if (store_begin(s->store, false, &kv, &e) != 0) {
        log_warn(s->log, log_event("read_failed"), log_err(&e));
        return;
    }
    ledger_visit_excluded(s->ledger, kv, count_one, &count);
    store_abort(&kv);
    if (count > 0 && count != *s->count.figures_excluded)
        log_warn(s->log, log_event("figures_excluded"), log_uint("figures", count),
                 log_text("message", "no unit bears their code on their day, so they are in no "
                                     "sum: list them with --excluded, then correct the catalogue "
                                     "or have them reported under the right code"));
    *s->count.figures_excluded = count;
}

struct listing {
    const struct registry *registry;
    FILE *out;
};

/* Identifiers have no comma and no quote. */
static void list_one(void *arg, uint32_t indicator, uint32_t code, day_t day, uint32_t source,
                     int64_t value)
{
    const struct listing *l = arg;
    char text[DAY_TEXT_BYTES];
    fprintf(l->out, "%s,%s,%s,%s,%" PRId64 "\n",
            catalogue_code_text(registry_catalogue(l->registry), code),
            registry_indicator(l->registry, indicator)->id.text, day_format(day, text),
            registry_source(l->registry, source)->id.text, value);
}

static int list(struct kv *kv, FILE *out, struct err *e)
{
    struct ledger *ledger = NULL;
    int rc = ledger_open(&ledger, kv, &wire_codec, e);
    if (rc == 0) {
        struct listing listing = {ledger_registry(ledger), out};
        fputs("unit,indicator,day,source,value\n", out);
        ledger_visit_excluded(ledger, kv, list_one, &listing);
    }
    ledger_close(ledger);
    return rc;
}

/* Beside a running service: the registry is read with the facts, or it might not know them. */
int aggregator_excluded(struct service *service, FILE *out, struct err *e)
{
    struct aggregator_service *s = service_state(service);
    struct kv *kv = NULL;
    int rc = store_begin(s->store, false, &kv, e);
    if (rc != 0)
        return rc;
    rc = list(kv, out, e);
    if (rc == 0 && kv_failed(kv))
        rc = err_set(e, kv->err.code, "%s", kv->err.text);
    store_abort(&kv);
    return rc;
}
