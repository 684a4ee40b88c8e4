#include "services/aggregator/aggregator_service.h"

static void register_requests(struct aggregator_counters *n, struct counters *c)
{
    static const char help[] = "Requests not served, by reason.";
    n->requests_malformed = counters_add(c, "requests_refused_total", "malformed", help);
    n->requests_catching_up = counters_add(c, "requests_refused_total", "catching_up", help);
    n->requests_timed_out = counters_add(c, "requests_refused_total", "wait_over", help);
    n->requests_waiting_full = counters_add(c, "requests_refused_total", "too_many_wait", help);
    n->requests_beyond = counters_add(c, "requests_refused_total", "beyond_head", help);
    n->questions_denied = counters_add(c, "questions_denied_total", NULL,
                                       "Questions about units outside the key's subtree.");
}

static void register_following(struct aggregator_counters *n, struct counters *c)
{
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
    n->frames_sent =
        counters_add(c, "frames_sent_total", NULL, "Frames given to who judges by them.");
    n->lag_entries = counters_gauge(c, "lag_entries", NULL,
                                    "Journal entries that the collector has and no checkpoint.");
}

static void register_feed(struct aggregator_counters *n, struct counters *c)
{
    n->feed_updates = counters_add(c, "feed_updates_total", NULL, "Updates published.");
    n->feed_cells = counters_add(c, "feed_cells_total", NULL, "Cells in them.");
    n->feed_epochs = counters_add(c, "feed_epochs_total", NULL, "Epochs begun.");
}

void aggregator_counters_register(struct aggregator_service *s)
{
    struct counters *c = service_counters(s->service);
    register_requests(&s->count, c);
    register_following(&s->count, c);
    register_feed(&s->count, c);
    feed_gates_register(&s->feed_gates, c);
}

void aggregator_counters_refresh(void *service)
{
    struct aggregator_service *s = service;
    uint64_t head = s->follower.head_offset;
    feed_gates_refresh(&s->feed_gates);
    follower_refresh(&s->follower, &s->puller.pull);
    *s->count.lag_entries = head > s->done.offset ? head - s->done.offset : 0;
}
