/* What a producer does with its numbered batches until each is answered: which numbers to send,
 * when to send again, when a number moves, when the spool must be given up for a new one. Pure: the
 * owner keeps the payloads and the sockets, passes in the time and random values, and carries out
 * the effects in their order. The same code runs in the command, the gateway and the simulator.
 *
 * What a number holds never changes. Numbers in flight go back N: a gap or a lost answer is sent
 * again from where the collector stands, and every copy gets the same answer. */
#ifndef TONGHOP_CLIENT_SPOOL_CORE_H
#define TONGHOP_CLIENT_SPOOL_CORE_H

#include "common/model/observation.h"
#include "common/model/refusal.h"

enum {
    SPOOL_WINDOW_MAX = 64,
    SPOOL_EFFECTS_MAX = SPOOL_WINDOW_MAX + 4,
    SPOOL_WAIT_FOREVER = -1,
};

enum spool_reason {
    SPOOL_NUMBER_REUSED, /* the collector holds another content under one of our numbers */
    SPOOL_NUMBER_LOST,   /* it asks for a number that was answered and forgotten long ago */
};

/* What the owner learned of one number. */
struct spool_answer {
    enum refusal refusal;
    uint64_t expected_number;  /* NUMBER_GAP, NUMBER_REUSED */
    int64_t collector_time_ms; /* CLOCK_AHEAD */
};

enum spool_effect_kind {
    SPOOL_SEND,    /* send `number` as it is stored */
    SPOOL_DONE,    /* `number` is answered for good: keep the answer, forget the payload */
    SPOOL_RESTAMP, /* store the statement of `number` stamped time_ms under `to`, forget `number` */
    SPOOL_REOPEN,  /* all that is held, in order, becomes 1, 2, 3 … of the new spool `id` */
    SPOOL_BLOCKED, /* nothing goes on until somebody acts: `refusal` says why; told once */
};

struct spool_effect {
    enum spool_effect_kind kind;
    uint64_t number;
    uint64_t to;
    int64_t time_ms;
    struct spool_id id;
    enum spool_reason reason;
    enum refusal refusal;
};

struct spool_effects {
    struct spool_effect items[SPOOL_EFFECTS_MAX];
    unsigned count;
};

/* Fresh for every call. */
struct spool_random {
    struct spool_id id; /* of the spool to open, should there be need */
    uint64_t jitter;
};

struct spool_options {
    unsigned window;        /* numbers in flight, at most SPOOL_WINDOW_MAX; 0: 32 */
    int64_t answer_ms;      /* without any answer for so long: send again; 0: 10 s */
    int64_t backoff_ms;     /* first pause after a failure, doubled each time; 0: 200 ms */
    int64_t backoff_max_ms; /* 0: 30 s */
    int64_t blocked_ms;     /* between tries while blocked; 0: 60 s */
};

/* Plain, so that the simulator can look at it; written by the functions below only. The bits of
 * `answered` and `rejected` stand for the numbers from `first` on. */
struct spool_core {
    struct spool_options options;
    struct spool_id id;
    uint64_t first;       /* lowest number held; next_number when nothing is */
    uint64_t next_number; /* what the next batch gets */
    uint64_t next_send;   /* go-back pointer, first..sent_end */
    uint64_t sent_end;    /* above every number ever sent since the start */
    uint64_t link_first;  /* `first` when the link last came up */
    uint64_t answered;
    uint64_t rejected; /* to be moved to a new spool */
    bool link_up;
    bool reopening; /* draining what is in flight, so that nothing is stated twice */
    enum spool_reason reason;
    enum refusal blocked;
    unsigned failures; /* in a row */
    int64_t retry_at_ms;
    int64_t deadline_ms; /* INT64_MAX: no answer is due */
};

/* From what the owner has stored: the spool's id, the lowest number held and the next to give
 * (equal when none is held; 1 and 1 for a new spool). The link is down. */
void spool_core_init(struct spool_core *s, const struct spool_options *options,
                     const struct spool_id *id, uint64_t first, uint64_t next_number);

/* Of a spool that was closed with a gap: `number`, above the lowest held and within a window of it,
 * is not held, as its answer came before that of an earlier one. Before anything else is called. */
void spool_core_skip(struct spool_core *s, uint64_t number);

/* The number of a new batch. The owner stores it durably before the next call. */
uint64_t spool_core_enqueue(struct spool_core *s);

/* Each of these overwrites *out. Pass in only answers that carry the spool's present id and came
 * over the present link. One to a number that is not held or was never sent does nothing: a copy
 * that came late. */
void spool_core_answer(struct spool_core *s, uint64_t number, const struct spool_answer *answer,
                       int64_t now_ms, const struct spool_random *random,
                       struct spool_effects *out);
void spool_core_link(struct spool_core *s, bool up, int64_t now_ms, struct spool_effects *out);
void spool_core_tick(struct spool_core *s, int64_t now_ms, const struct spool_random *random,
                     struct spool_effects *out);

/* Until when a tick would do nothing, in milliseconds; SPOOL_WAIT_FOREVER: until another event. */
int64_t spool_core_wait_ms(const struct spool_core *s, int64_t now_ms);
/* Batches not answered yet. */
uint64_t spool_core_pending(const struct spool_core *s);

#endif
