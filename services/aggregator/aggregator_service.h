/* The process around the ledger: the journal in, checkpoints, answers and the feed out. Everything
 * that decides anything is in the cores. Only this folder includes it.
 *
 * Nothing leaves before its checkpoint: the feed's changes come out of ledger_flush and are noted
 * after store_commit, questions are answered from a read of what is committed. So no observed
 * figure falls back when this process dies (docs/decisions/0002). */
#ifndef TONGHOP_AGGREGATOR_AGGREGATOR_SERVICE_H
#define TONGHOP_AGGREGATOR_AGGREGATOR_SERVICE_H

#include "common/net/loop.h"
#include "common/service/feed_gates.h"
#include "common/service/follower.h"
#include "common/service/responder.h"
#include "common/service/store_retry.h"
#include "common/service/store_watch.h"
#include "common/service/waiting.h"
#include "common/service/wake_timer.h"
#include "common/wire/frame_wire.h"
#include "common/wire/query_wire.h"
#include "services/aggregator/aggregator_config.h"
#include "services/aggregator/feed_core.h"
#include "services/aggregator/follow.h"
#include "services/aggregator/puller.h"

/* Cells of the registry of counters. */
struct aggregator_counters {
    uint64_t *requests_malformed;
    uint64_t *requests_catching_up;
    uint64_t *requests_timed_out;
    uint64_t *requests_waiting_full;
    uint64_t *requests_beyond;
    uint64_t *questions_denied;
    uint64_t *commits_applied;
    uint64_t *entries_applied;
    uint64_t *rows_applied;
    uint64_t *checkpoints;
    uint64_t *checkpoints_failed;
    uint64_t *feed_updates;
    uint64_t *feed_cells;
    uint64_t *feed_epochs;
    uint64_t *lag_entries;
    uint64_t *figures_excluded;
    uint64_t *frames_sent;
};

enum {
    FRAMES_WAITERS_MAX = 16,
    /* Of one part of a message, in and out: the collector's commits, the notifier's frames. */
    AGGREGATOR_MESSAGE_BYTES_MAX = WIRE_FRAMES_BYTES_MAX + (1 << 20),
};

/* A pull of frames that waits for the next tick. */
struct aggregator_frames_waiter {
    struct asker from;
    struct wire_frames_request request;
    int64_t deadline_ms; /* monotonic */
};

struct aggregator_service {
    struct service *service;
    const struct aggregator_config *config;
    const struct log *log;
    struct aggregator_counters count;

    struct store *store;
    struct store_watch store_watch;
    struct ledger *ledger;
    struct kv *kv;               /* holds what was applied since the checkpoint; NULL: nothing */
    struct ledger_position done; /* the last checkpoint: all that anybody may see */

    struct responder responder;

    /* following */
    struct puller puller;
    struct puller_reply reply; /* held while its commits are applied, a slice a round */
    struct arena arena;        /* of one commit, one request or one beat */
    struct follower follower;
    uint64_t head_pull;         /* the answer to this pull told follower.head_offset */
    int64_t applied_since_ms;   /* first apply since the checkpoint */
    int64_t checkpoint_ms;      /* when the last one ended */
    int64_t checkpoint_cost_ms; /* how long it took */
    struct wake_timer wake_timer;
    struct store_retry store_retry; /* of checkpoints */

    struct waiting questions; /* each for a journal entry to be checkpointed */

    /* frames */
    struct aggregator_frames_waiter frames_waiters[FRAMES_WAITERS_MAX];
    unsigned frames_waiter_count;

    /* the feed */
    struct feed *feed;
    struct feed_gates feed_gates;
};

/* --- aggregator_counters.c */
void aggregator_counters_register(struct aggregator_service *s);
void aggregator_counters_refresh(void *service); /* gauges, before they are shown */

/* --- aggregator_follow.c: from the collector into the store */
void aggregator_follow_receive(void *service); /* the puller's socket can be read */
void aggregator_follow_poke(void *service);    /* timer */
/* After each round: applies a slice of what was pulled, checkpoints when that is due. */
void aggregator_follow_round(struct aggregator_service *s);
void aggregator_follow_wake(struct aggregator_service *s, int64_t delay_ms); /* wake_timer.h */
/* Everything applied is checkpointed now; used by the drain. */
void aggregator_follow_checkpoint(struct aggregator_service *s);
int aggregator_follow_open(struct aggregator_service *s, struct err *e); /* the ledger */
void aggregator_follow_init(struct aggregator_service *s); /* before all else but that */

/* --- aggregator_access.c: who may see what */
struct identity access_identify(const struct aggregator_service *s, const struct net_key *key);
enum { ACCESS_ROLES_ASK = ROLE_SUBSCRIBE | ROLE_OPERATE | ROLE_SERVICE };
bool access_may_ask(struct identity who);
bool access_sees_all(const struct aggregator_service *s, struct identity who);
bool access_sees_unit(const struct aggregator_service *s, struct identity who, uint32_t unit,
                      day_t on);
/* A stream; as of today, or of the last day of what is no more. */
bool access_sees_stream(const struct aggregator_service *s, struct identity who,
                        struct feed_stream stream);
day_t access_today(const struct aggregator_service *s); /* civil day of the checkpoint */

/* --- aggregator_request.c: one message */
extern const struct responder_definition aggregator_requests;
/* Requests that waited: those whose entry is checkpointed, and those whose time is over. */
void aggregator_request_serve_waiting(struct aggregator_service *s);
/* At the drain: each is told to ask again. */
void aggregator_request_end_waiting(struct aggregator_service *s);
/* Is an entry waited for that was applied and is not checkpointed yet? */
bool aggregator_request_is_waited_for(const struct aggregator_service *s, uint64_t offset);

/* --- aggregator_frames.c: what those who judge pull */
responder_take_fn aggregator_frames_take;
/* Those whose tick is checkpointed, and those whose time is over. */
void aggregator_frames_serve(struct aggregator_service *s);

/* --- aggregator_query.c: questions, answered from a read of the checkpoint */
void aggregator_answer_query(struct aggregator_service *s, struct kv *kv, struct identity who,
                             const struct wire_query *q, struct buf *out);
void aggregator_answer_trace(struct aggregator_service *s, struct kv *kv, struct identity who,
                             const struct wire_trace *t, struct buf *out);
void aggregator_answer_units(struct aggregator_service *s, struct identity who,
                             const struct wire_units *u, struct buf *out);
void aggregator_answer_snapshot(struct aggregator_service *s, struct kv *kv, struct identity who,
                                const struct wire_stream *stream, struct buf *out);

/* --- aggregator_feed.c */
/* One subscription. None is taken before the feed begins: their streams are not known till then. */
feed_request_fn aggregator_feed_take;
void aggregator_feed_beat(void *service); /* timer */
void aggregator_feed_changed(struct aggregator_service *s, const struct ledger_changes *changes);
void aggregator_feed_begin(struct aggregator_service *s); /* a new epoch */
/* Rights of these producers changed: keys that have none left are forgotten. */
void aggregator_feed_revoke(struct aggregator_service *s, const struct follow_effects *effects);
/* Between the core's values and the wire's. */
struct wire_stream aggregator_feed_stream_to_wire(const struct aggregator_service *s,
                                                  struct feed_stream stream);
bool aggregator_feed_stream_from_wire(const struct aggregator_service *s,
                                      const struct wire_stream *stream, struct feed_stream *out);
void aggregator_feed_cells_to_wire(struct aggregator_service *s, const struct feed_cells *cells,
                                   struct wire_cells *out); /* in the arena */

/* --- the modes: aggregator_verify.c, aggregator_excluded.c */
int aggregator_verify(struct service *service, FILE *out, struct err *e);
int aggregator_excluded(struct service *service, FILE *out, struct err *e);
/* How many there are now, for the counter, and a line in the log when that is news. */
void aggregator_excluded_count(struct aggregator_service *s);

extern const struct service_definition aggregator_definition;
extern const struct store_options aggregator_store_options; /* directory and size left out */

#endif
