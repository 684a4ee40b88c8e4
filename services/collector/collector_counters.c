#include "common/model/refusal.h"
#include "services/collector/collector_service.h"

static void register_requests(struct collector_counters *n, struct counters *c)
{
    static const struct {
        enum wire_kind kind;
        const char *name;
    } kinds[] = {
        {WIRE_SUBMIT, "submit"}, {WIRE_SPOOL_STATE, "spool_state"}, {WIRE_FETCH, "fetch"},
        {WIRE_APPLY, "apply"},   {WIRE_HEALTH, "health"},           {WIRE_COUNTERS, "counters"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        n->requests[kinds[i].kind] =
            counters_add(c, "requests_total", kinds[i].name, "Requests taken, by kind.");
    static const char help[] = "Requests not served, by reason.";
    n->requests_malformed = counters_add(c, "requests_refused_total", "malformed", help);
    n->requests_unknown = counters_add(c, "requests_refused_total", "unknown_kind", help);
    n->requests_denied = counters_add(c, "requests_refused_total", "denied", help);
    n->requests_version = counters_add(c, "requests_refused_total", "bad_version", help);
}

static void register_batches(struct collector_counters *n, struct counters *c)
{
    static const char batches[] = "Batches answered, by the verdict on the whole.";
    static const char rows[] = "Rows refused, by code.";
    n->batches[0] = counters_add(c, "batches_total", "taken", batches);
    for (unsigned i = 1; i <= REFUSAL_EMPTY; i++)
        n->batches[i] = counters_add(c, "batches_total", refusal_name((enum refusal)i), batches);
    n->batches[REFUSAL_BAD_CODE] =
        counters_add(c, "batches_total", refusal_name(REFUSAL_BAD_CODE), batches);
    n->batches_repeated = counters_add(c, "batches_repeated_total", NULL,
                                       "Batches that came again and got their answer again.");
    n->rows_accepted = counters_add(c, "rows_accepted_total", NULL, "Rows accepted.");
    for (unsigned i = REFUSAL_BAD_CODE; i < COLLECTOR_ROW_REFUSALS; i++)
        n->rows_refused[i] =
            counters_add(c, "rows_refused_total", refusal_name((enum refusal)i), rows);
}

static void register_answers(struct collector_counters *n, struct counters *c)
{
    static const char dropped[] = "Answers that could not be sent; the peer asks again.";
    n->commits = counters_add(c, "commits_total", NULL, "Synced commits.");
    n->commits_failed = counters_add(c, "commits_failed_total", NULL,
                                     "Commits that failed; nothing of their round was kept.");
    n->answers_unavailable =
        counters_add(c, "answers_unavailable_total", NULL,
                     "Answers that became unavailable because their commit failed.");
    n->answers_dropped_full = counters_add(c, "answers_dropped_total", "queue_full", dropped);
    n->answers_dropped_gone = counters_add(c, "answers_dropped_total", "peer_gone", dropped);
    n->fetches_served = counters_add(c, "fetches_total", "served", "Pulls of the journal.");
    n->fetches_empty = counters_add(c, "fetches_total", "empty", "Pulls of the journal.");
    n->fetches_refused = counters_add(c, "fetches_total", "refused", "Pulls of the journal.");
}

static void register_process(struct collector_counters *n, struct counters *c)
{
    n->keys_refused = counters_add(c, "keys_refused_total", NULL,
                                   "Handshakes under keys that are unknown or were revoked.");
    n->clock_held = counters_gauge(c, "clock_held", NULL,
                                   "1 while a jump of the clock waits for an operate key.");
    n->store_used_bytes = counters_gauge(c, "store_used_bytes", NULL, "Bytes of the store in use.");
    n->store_map_bytes =
        counters_gauge(c, "store_map_bytes", NULL, "The most that the store may grow to.");
    n->readers_cleared = counters_add(c, "store_readers_cleared_total", NULL,
                                      "Places of killed readers that were freed.");
    n->net_admitted = counters_gauge(c, "net_peers_admitted", NULL, "Peers let in.");
    n->net_refused = counters_gauge(c, "net_peers_refused", NULL, "Peers not let in.");
    n->net_handshakes_failed =
        counters_gauge(c, "net_handshakes_failed", NULL, "Handshakes that came to nothing.");
    n->net_links_lost = counters_gauge(c, "net_links_lost", NULL, "Links lost.");
    n->net_malformed =
        counters_gauge(c, "net_messages_malformed", NULL, "Messages of too many frames.");
}

void collector_counters_register(struct collector_service *s)
{
    struct counters *c = service_counters(s->service);
    register_requests(&s->count, c);
    register_batches(&s->count, c);
    register_answers(&s->count, c);
    register_process(&s->count, c);
}

void collector_counters_refresh(struct collector_service *s)
{
    const struct net_counters *net = net_counters(s->net);
    *s->count.net_admitted = net->peers_admitted;
    *s->count.net_refused = net->peers_refused;
    *s->count.net_handshakes_failed = net->handshakes_failed;
    *s->count.net_links_lost = net->links_lost;
    *s->count.net_malformed = net->messages_malformed;
    *s->count.clock_held = collector_clock(s->core)->held;
}
