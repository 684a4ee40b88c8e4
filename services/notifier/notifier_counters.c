#include "services/notifier/notifier_service.h"

static void register_requests(struct notifier_counters *n, struct counters *c)
{
    static const char help[] = "Requests not served, by reason.";
    n->requests_malformed = counters_add(c, "requests_refused_total", "malformed", help);
    n->requests_catching_up = counters_add(c, "requests_refused_total", "catching_up", help);
    n->requests_timed_out = counters_add(c, "requests_refused_total", "wait_over", help);
    n->requests_waiting_full = counters_add(c, "requests_refused_total", "too_many_wait", help);
}

static void register_following(struct notifier_counters *n, struct counters *c)
{
    n->frames_applied = counters_add(c, "frames_applied_total", NULL, "Frames applied.");
    n->commits = counters_add(c, "commits_total", NULL, "Synced commits of applied frames.");
    n->commits_failed = counters_add(c, "commits_failed_total", NULL,
                                     "Commits that failed; what they held is pulled again.");
}

static void register_delivery(struct notifier_counters *n, struct counters *c)
{
    for (unsigned i = 0; i < CHANNEL_COUNT; i++)
        n->delivered[i] = counters_add(c, "notifications_delivered_total",
                                       notifier_channel_names[i], "Messages delivered.");
    n->deliveries_failed = counters_add(c, "deliveries_failed_total", NULL,
                                        "Deliveries that failed and are tried again.");
    n->outbox = counters_gauge(c, "outbox_messages", NULL, "Messages that wait to be delivered.");
}

void notifier_counters_register(struct notifier_service *s)
{
    struct counters *c = service_counters(s->service);
    register_requests(&s->count, c);
    register_following(&s->count, c);
    register_delivery(&s->count, c);
    feed_gates_register(&s->feed_gates, c);
}

void notifier_counters_refresh(void *service)
{
    struct notifier_service *s = service;
    struct store_usage usage;
    feed_gates_refresh(&s->feed_gates);
    follower_refresh(&s->follower, &s->puller.pull);
    if (store_usage(s->store, &usage, NULL) == 0)
        *s->count.outbox = usage.entries[NOTIFIER_OUTBOX];
}
