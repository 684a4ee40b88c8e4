/* The process around the notifier's core: frames in, messages and answers out. What is decided is
 * decided in the core. Only this folder includes it.
 *
 * A frame's states, its decisions and the outbox are committed together, then the outbox is worked:
 * a message is laid down, synced, and only then marked as delivered. So whatever dies in between,
 * every message goes out at least once, under the id that it has had from the beginning. */
#ifndef TONGHOP_NOTIFIER_NOTIFIER_SERVICE_H
#define TONGHOP_NOTIFIER_NOTIFIER_SERVICE_H

#include "common/net/loop.h"
#include "common/service/feed_gates.h"
#include "common/service/follower.h"
#include "common/service/responder.h"
#include "common/service/store_retry.h"
#include "common/service/store_watch.h"
#include "common/service/waiting.h"
#include "common/service/wake_timer.h"
#include "common/wire/alert_wire.h"
#include "services/notifier/frame_puller.h"
#include "services/notifier/maildir.h"
#include "services/notifier/notifier_config.h"
#include "services/notifier/notifier_core.h"

/* Cells of the registry of counters. */
struct notifier_counters {
    uint64_t *requests_malformed;
    uint64_t *requests_catching_up;
    uint64_t *requests_timed_out;
    uint64_t *requests_waiting_full;
    uint64_t *frames_applied;
    uint64_t *commits;
    uint64_t *commits_failed;
    uint64_t *delivered[CHANNEL_COUNT];
    uint64_t *deliveries_failed;
    uint64_t *outbox;
};

/* How far the outbox is worked off, for one channel. */
struct notifier_delivery {
    uint64_t done_number;  /* nothing waits at or below */
    bool idle;             /* nothing waits */
    int64_t not_before_ms; /* after a failure */
    struct backoff backoff;
};

struct notifier_service {
    struct service *service;
    const struct notifier_config *config;
    const struct log *log;
    struct notifier_counters count;

    struct store *store;
    struct store_watch store_watch;
    struct notifier *core;
    struct kv *kv;                 /* holds what was applied in this slice; NULL: nothing */
    struct notifier_position done; /* committed: all that anybody may see */

    struct responder responder;
    struct arena arena; /* of one frame or one request */

    /* following */
    struct frame_puller puller;
    struct frame_reply reply; /* held while its frames are applied, a slice a round */
    struct follower follower; /* offsets are those of ticks */
    struct wake_timer wake_timer;
    struct store_retry store_retry;

    /* producers whose rights were changed by frames that are not committed yet */
    struct ident *changed;
    size_t changed_count;
    size_t changed_capacity;

    /* delivery */
    struct maildir maildir;
    struct notifier_delivery channels[CHANNEL_COUNT];
    struct log_complaint delivery_complaint;

    struct waiting questions; /* each for a tick */

    /* the feed */
    struct feed_gates feed_gates;
    uint64_t head_number; /* all notifications up to it were sent */
};

/* --- notifier_counters.c */
void notifier_counters_register(struct notifier_service *s);
void notifier_counters_refresh(void *service); /* gauges, before they are shown */

/* --- notifier_follow.c: from the aggregator into the store */
int notifier_follow_open(struct notifier_service *s, struct err *e); /* the core */
void notifier_follow_init(struct notifier_service *s);               /* before all else but that */
void notifier_follow_receive(void *service);                         /* the socket can be read */
void notifier_follow_poke(void *service);                            /* timer */
/* After each round: applies a slice of what was pulled and commits it. */
void notifier_follow_round(struct notifier_service *s);
void notifier_follow_wake(struct notifier_service *s, int64_t delay_ms); /* wake_timer.h */

/* --- notifier_deliver.c: from the outbox to maildir and feed */
void notifier_deliver_init(struct notifier_service *s);
void notifier_deliver_round(struct notifier_service *s);
void notifier_deliver_more(struct notifier_service *s); /* the outbox may have something new */
/* Nothing waits but what cannot be delivered now. */
bool notifier_deliver_rests(const struct notifier_service *s);

/* --- notifier_access.c: who may see what */
enum { ACCESS_ROLES_ASK = ROLE_SUBSCRIBE | ROLE_OPERATE | ROLE_SERVICE };
struct identity access_identify(const struct notifier_service *s, const struct net_key *key);
bool access_sees_all(struct identity who);
bool access_sees_unit(const struct notifier_service *s, struct identity who, uint32_t unit,
                      day_t on);
/* By code, as borne on that day or next to it. */
bool access_sees_code(const struct notifier_service *s, struct identity who,
                      const struct ident *code, day_t on);

/* --- notifier_request.c: one message */
extern const struct responder_definition notifier_requests;
/* Requests that waited: those whose tick is judged, and those whose time is over. */
void notifier_request_serve_waiting(struct notifier_service *s);
/* At the drain: each is told to ask again. */
void notifier_request_end_waiting(struct notifier_service *s);

/* --- notifier_alerts.c: answers, from a read of what is committed, in the arena */
int notifier_alerts_answer(struct notifier_service *s, struct kv *kv, struct identity who,
                           const struct wire_alerts *q, struct wire_alerts_reply *out,
                           struct err *e);

/* --- notifier_feed.c */
feed_request_fn notifier_feed_take;     /* one subscription */
void notifier_feed_beat(void *service); /* timer */
void notifier_feed_format_topic(const struct notifier_decision *d, struct buf *out);
void notifier_feed_publish(struct notifier_service *s, struct slice topic, struct slice message);
/* What the keys of these producers subscribed to is taken away. */
void notifier_feed_revoke(struct notifier_service *s, const struct ident *names, size_t count);

/* --- notifier_dump.c */
int notifier_dump(struct kv *kv, FILE *out, struct err *e);

extern const struct service_definition notifier_definition;

#endif
