#include "services/aggregator/aggregator_service.h"

static void register_requests(struct aggregator_counters *n, struct counters *c)
{
    static const struct {
        enum wire_kind kind;
        const char *name;
    } kinds[] = {
        {WIRE_QUERY, "query"},       {WIRE_TRACE, "trace"},   {WIRE_UNITS, "units"},
        {WIRE_SNAPSHOT, "snapshot"}, {WIRE_HEALTH, "health"}, {WIRE_COUNTERS, "counters"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        n->requests[kinds[i].kind] =
            counters_add(c, "requests_total", kinds[i].name, "Requests taken, by kind.");
    static const char help[] = "Requests not served, by reason.";
    n->requests_malformed = counters_add(c, "requests_refused_total", "malformed", help);
    n->requests_unknown = counters_add(c, "requests_refused_total", "unknown_kind", help);
    n->requests_denied = counters_add(c, "requests_refused_total", "denied", help);
    n->requests_catching_up = counters_add(c, "requests_refused_total", "catching_up", help);
    n->requests_timed_out = counters_add(c, "requests_refused_total", "wait_over", help);
    n->requests_waiting_full = counters_add(c, "requests_refused_total", "too_many_wait", help);
    n->questions_denied = counters_add(c, "questions_denied_total", NULL,
                                       "Questions about units outside the key's subtree.");
    static const char dropped[] = "Answers that could not be sent; the peer asks again.";
    n->answers_dropped_full = counters_add(c, "answers_dropped_total", "queue_full", dropped);
    n->answers_dropped_gone = counters_add(c, "answers_dropped_total", "peer_gone", dropped);
}

static void register_following(struct aggregator_counters *n, struct counters *c)
{
    static const char pulls[] = "Pulls of the journal, by how they ended.";
    n->pulls = counters_add(c, "pulls_total", "answered", pulls);
    n->pulls_failed = counters_add(c, "pulls_total", "failed", pulls);
    n->pulls_retried = counters_add(c, "pulls_total", "unanswered", pulls);
    n->pulls_stale = counters_add(c, "pulls_total", "stale", pulls);
    n->commits_applied =
        counters_add(c, "commits_applied_total", NULL, "Commits of the journal applied.");
    n->entries_applied =
        counters_add(c, "entries_applied_total", NULL, "Entries of the journal applied.");
    n->rows_applied = counters_add(c, "rows_applied_total", NULL, "Rows of batches applied.");
    n->checkpoints = counters_add(c, "checkpoints_total", NULL, "Synced checkpoints.");
    n->checkpoints_failed =
        counters_add(c, "checkpoints_failed_total", NULL,
                     "Checkpoints that failed; what they held is pulled and applied again.");
    n->figures_excluded =
        counters_gauge(c, "figures_excluded", NULL,
                       "Figures in no sum, as no unit bears their code on their day.");
    n->lag_entries = counters_gauge(c, "lag_entries", NULL,
                                    "Journal entries that the collector has and no checkpoint.");
}

static void register_feed(struct aggregator_counters *n, struct counters *c)
{
    static const char asked[] = "Subscriptions, by what was given.";
    n->feed_updates = counters_add(c, "feed_updates_total", NULL, "Updates published.");
    n->feed_cells = counters_add(c, "feed_cells_total", NULL, "Cells in them.");
    n->feed_epochs = counters_add(c, "feed_epochs_total", NULL, "Epochs begun.");
    n->feed_dropped = counters_gauge(c, "feed_messages_dropped", NULL,
                                     "Messages dropped for subscribers that were too slow.");
    n->subscriptions_allowed = counters_add(c, "subscriptions_total", "allowed", asked);
    n->subscriptions_narrowed = counters_add(c, "subscriptions_total", "narrowed", asked);
    n->subscriptions_refused = counters_add(c, "subscriptions_total", "refused", asked);
    n->subscriptions_revoked =
        counters_add(c, "subscriptions_revoked_total", NULL,
                     "Keys whose subscriptions were taken away because their rights changed.");
}

static void register_process(struct aggregator_counters *n, struct counters *c)
{
    n->keys_refused = counters_add(c, "keys_refused_total", NULL,
                                   "Handshakes under keys that are unknown or were revoked.");
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

void aggregator_counters_register(struct aggregator_service *s)
{
    struct counters *c = service_counters(s->service);
    register_requests(&s->count, c);
    register_following(&s->count, c);
    register_feed(&s->count, c);
    register_process(&s->count, c);
}

void aggregator_counters_refresh(struct aggregator_service *s)
{
    const struct net_counters *net = net_counters(s->net);
    *s->count.net_admitted = net->peers_admitted;
    *s->count.net_refused = net->peers_refused;
    *s->count.net_handshakes_failed = net->handshakes_failed;
    *s->count.net_links_lost = net->links_lost;
    *s->count.net_malformed = net->messages_malformed;
    *s->count.feed_dropped = net->messages_slow_dropped;
    *s->count.pulls_retried = s->puller.retries;
    *s->count.pulls_stale = s->puller.stale;
    *s->count.lag_entries = s->head_offset > s->done.offset ? s->head_offset - s->done.offset : 0;
}
