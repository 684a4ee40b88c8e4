/* The process around the sequencer: messages in, one synced commit a round, answers out. Everything
 * that decides anything is in the cores. Only this folder includes it.
 *
 * A round of the loop: the gates take a bounded number of messages and give each to the core; its
 * answer is packed at once and kept. After the round comes the commit, and only then the answers
 * leave; when the commit fails, none of it happened and each becomes "unavailable". What counters,
 * log and Health tell waits for the commit too. Pulls of the journal are served last, from what is
 * committed. */
#ifndef TONGHOP_COLLECTOR_COLLECTOR_SERVICE_H
#define TONGHOP_COLLECTOR_COLLECTOR_SERVICE_H

#include "common/net/loop.h"
#include "common/service/responder.h"
#include "common/service/store_watch.h"
#include "services/collector/collector_config.h"
#include "services/collector/collector_core.h"

/* One above the last of enum refusal of each sort. */
enum {
    COLLECTOR_REFUSALS = REFUSAL_BAD_CODE + 1,
    COLLECTOR_ROW_REFUSALS = REFUSAL_PERIOD_TOO_OLD + 1,
};

/* Cells of the registry of counters. */
struct collector_counters {
    uint64_t *batches[COLLECTOR_REFUSALS]; /* by refusal; 0: taken; NULL: none of a batch */
    uint64_t *batches_repeated;
    uint64_t *rows_accepted;
    uint64_t *rows_refused[COLLECTOR_ROW_REFUSALS]; /* by refusal */
    uint64_t *commits;
    uint64_t *commits_failed;
    uint64_t *answers_unavailable;
    uint64_t *fetches_served;
    uint64_t *fetches_empty;
    uint64_t *fetches_refused;
    uint64_t *clock_held;
};

/* What a round adds to the counters if its commit succeeds. */
struct collector_tally {
    uint64_t batches[COLLECTOR_REFUSALS];
    uint64_t batches_repeated;
    uint64_t rows_accepted;
    uint64_t rows_refused[COLLECTOR_ROW_REFUSALS];
};

/* Waits for the commit. */
struct collector_answer {
    struct asker to;
    size_t start; /* in the outbox's bytes */
    size_t len;
    /* for the log, when it leaves */
    uint16_t refusal;        /* of a batch */
    uint64_t applied_offset; /* 0: nothing was applied */
};

/* What the last commit left: all that may be told of the journal. */
struct collector_told {
    struct collector_head head;
    struct clock_core clock;
};

struct collector_outbox {
    struct collector_answer *answers;
    size_t count;
    size_t capacity;
    struct buf bytes;
};

/* A pull of the journal that was not answered yet. */
struct collector_pull {
    struct asker from;
    struct wire_fetch fetch;
    int64_t deadline_ms; /* monotonic */
    bool tried;          /* there was nothing for it when it came */
};

struct collector_service {
    struct service *service;
    const struct collector_config *config;
    const struct log *log;
    struct collector_counters count;

    struct store *store;
    struct store_watch store_watch;
    struct collector *core;

    struct responder responder;

    /* the round */
    struct kv *kv; /* its write transaction; NULL until something needs it */
    struct collector_outbox outbox;
    struct collector_tally tally;
    struct arena arena; /* of one message */

    struct collector_told told;

    struct collector_pull *pulls;
    size_t pull_count;
    struct buf pull_bytes;
    uint64_t pull_timer;
    int64_t pull_timer_ms; /* when it is due */
    int64_t pull_pause_ms; /* until then the store is not read: it could not be */
    struct log_complaint pull_complaint;

    bool store_full; /* the last commit failed */
    struct log_complaint commit_complaint;
    struct log_complaint clock_complaint;
};

extern const struct service_definition collector_definition;

/* --- collector_counters.c */
void collector_counters_register(struct collector_service *s);
void collector_counters_note(struct collector_service *s, const struct verdict *v);
/* At the round's end: what was noted counts, or did not happen. */
void collector_counters_keep(struct collector_service *s);
void collector_counters_drop(struct collector_service *s);

/* --- collector_request.c: one message to the core */
extern const struct responder_definition collector_requests;

/* --- collector_round.c: the commit, and answers */
/* The round's write transaction, begun with a reading of the clocks; NULL when the store gives
 * none: then the request is answered unavailable. */
struct kv *collector_round_kv(struct collector_service *s);
/* Keeps `message` (copied) until the commit. The answer, until the next: say there what the log is
 * to tell. */
struct collector_answer *collector_round_answer(struct collector_service *s, const struct asker *to,
                                                struct slice message);
void collector_round_finish(void *service); /* loop_after */
void collector_round_tick(void *service);   /* once a second: due ticks, the clock's state */

/* --- collector_pull.c: pulls of the journal */
responder_take_fn collector_pull_take;
void collector_pull_serve(struct collector_service *s);

/* --- collector_print.c: the store as text */
int collector_dump_store(struct service *service, FILE *out, struct err *e);
int collector_print_quarantine(struct service *service, FILE *out, struct err *e);

#endif
