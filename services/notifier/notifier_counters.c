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
    static const char pulls[] = "Pulls of frames, by how they ended.";
    n->pulls = counters_add(c, "pulls_total", "answered", pulls);
    n->pulls_failed = counters_add(c, "pulls_total", "failed", pulls);
    n->pulls_retried = counters_add(c, "pulls_total", "unanswered", pulls);
    n->pulls_stale = counters_add(c, "pulls_total", "stale", pulls);
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

static void register_feed(struct notifier_counters *n, struct counters *c)
{
    static const char asked[] = "Subscriptions, by what was given.";
    n->feed_dropped = counters_gauge(c, "feed_messages_dropped", NULL,
                                     "Messages dropped for subscribers that were too slow.");
    n->subscriptions_allowed = counters_add(c, "subscriptions_total", "allowed", asked);
    n->subscriptions_narrowed = counters_add(c, "subscriptions_total", "narrowed", asked);
    n->subscriptions_refused = counters_add(c, "subscriptions_total", "refused", asked);
    n->subscriptions_revoked =
        counters_add(c, "subscriptions_revoked_total", NULL,
                     "Keys whose subscriptions were taken away because their rights changed.");
}

void notifier_counters_register(struct notifier_service *s)
{
    struct counters *c = service_counters(s->service);
    register_requests(&s->count, c);
    register_following(&s->count, c);
    register_delivery(&s->count, c);
    register_feed(&s->count, c);
}

void notifier_counters_refresh(void *service)
{
    struct notifier_service *s = service;
    struct store_usage usage;
    *s->count.feed_dropped = net_counters(s->responder.net)->messages_slow_dropped;
    *s->count.pulls_retried = s->puller.retries;
    *s->count.pulls_stale = s->puller.stale;
    if (store_usage(s->store, &usage, NULL) == 0)
        *s->count.outbox = usage.entries[NOTIFIER_OUTBOX];
}
