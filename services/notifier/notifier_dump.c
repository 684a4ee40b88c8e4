/* The store as text: what was decided in words, what it was made of in hexadecimal. */
#include <inttypes.h>

#include "services/notifier/notifier_service.h"

enum { TABLES_IN_HEX = NOTIFIER_STATES, TIME_BYTES = 32 };

static void print_line(void *arg, const char *text)
{
    fprintf(arg, "%s\n", text);
}

static void print_state(void *arg, const struct notifier_state *s)
{
    char since[DAY_TEXT_BYTES], judged[DAY_TEXT_BYTES];
    fprintf(arg,
            "state %s/%s/%s %s since %s lower %" PRId64 " stretch %" PRId64 " actual %" PRId64
            " expected %" PRId64 " judged by %s reported %" PRIu32 "/%" PRIu32 "\n",
            s->plan.text, s->target.text, s->unit.text, alert_state_id(s->record.state),
            day_format(s->record.since, since), s->lower, s->stretch, s->pace.actual,
            s->pace.expected, day_format(s->pace.judged, judged), s->pace.reported, s->pace.owed);
}

static bool print_decision(void *arg, const struct notifier_decision *d)
{
    char time[TIME_BYTES];
    fprintf(arg,
            "decision %" PRIu64 " %s %s/%s/%s %s -> %s reason %d id %.*s to %.*s corrects %.*s\n",
            d->number, day_time_format(d->tick_ms, time), d->plan.text, d->target.text,
            d->unit.text, alert_state_id(d->from), alert_state_id(d->to), d->reason, (int)d->id.len,
            (const char *)d->id.data, (int)d->recipient.len, (const char *)d->recipient.data,
            (int)d->corrects.len, (const char *)d->corrects.data);
    return true;
}

static int print_outbox(struct kv *kv, FILE *out, struct err *e)
{
    struct notification n = {0};
    int rc;
    while ((rc = notifier_outbox_next(kv, n.number, n.channel, &n, e)) > 0)
        fprintf(out, "waiting %" PRIu64 " %s\n", n.number, n.id);
    return rc;
}

int notifier_dump(struct kv *kv, FILE *out, struct err *e)
{
    int rc = store_dump(kv, notifier_table_names, TABLES_IN_HEX, print_line, out);
    if (rc != 0)
        return err_set(e, rc, "%s", kv->err.text);
    rc = notifier_visit_states(kv, print_state, out, e);
    if (rc == 0)
        rc = notifier_visit_history(kv, 0, print_decision, out, e);
    if (rc == 0)
        rc = print_outbox(kv, out, e);
    return kv_failed(kv) ? err_set(e, kv->err.code, "%s", kv->err.text) : rc;
}
