#include "common/client/spool_core.h"

#include "common/base/check.h"

enum {
    WINDOW = 32,
    ANSWER_MS = 10 * 1000,
    BACKOFF_MS = 200,
    BACKOFF_MAX_MS = 30 * 1000,
    BLOCKED_MS = 60 * 1000,
    GAP_PAUSE_MS =
        50, /* lets the other gap answers of one go-back pass, instead of one resend each */
};

void spool_core_init(struct spool_core *s, const struct spool_options *options,
                     const struct spool_id *id, uint64_t first, uint64_t next_number)
{
    require(first >= 1 && first <= next_number);
    *s = (struct spool_core){.id = *id,
                             .first = first,
                             .next_number = next_number,
                             .next_send = first,
                             .sent_end = first,
                             .link_first = first,
                             .deadline_ms = INT64_MAX};
    if (options)
        s->options = *options;
    struct spool_options *o = &s->options;
    if (o->window == 0)
        o->window = WINDOW;
    require(o->window <= SPOOL_WINDOW_MAX);
    o->answer_ms = o->answer_ms ? o->answer_ms : ANSWER_MS;
    o->backoff_ms = o->backoff_ms ? o->backoff_ms : BACKOFF_MS;
    o->backoff_max_ms = o->backoff_max_ms ? o->backoff_max_ms : BACKOFF_MAX_MS;
    o->blocked_ms = o->blocked_ms ? o->blocked_ms : BLOCKED_MS;
}

void spool_core_skip(struct spool_core *s, uint64_t number)
{
    require(number > s->first && number < s->next_number && number - s->first < SPOOL_WINDOW_MAX);
    s->answered |= UINT64_C(1) << (number - s->first);
}

uint64_t spool_core_enqueue(struct spool_core *s)
{
    return s->next_number++;
}

static bool is_marked(const struct spool_core *s, uint64_t bits, uint64_t number)
{
    uint64_t distance = number - s->first;
    return distance < SPOOL_WINDOW_MAX && (bits >> distance & 1) != 0;
}

static bool is_settled(const struct spool_core *s, uint64_t number)
{
    return is_marked(s, s->answered | s->rejected, number);
}

uint64_t spool_core_pending(const struct spool_core *s)
{
    return s->next_number - s->first - (uint64_t)__builtin_popcountll(s->answered);
}

static bool is_outstanding_before(const struct spool_core *s, uint64_t end)
{
    for (uint64_t n = s->first; n < end; n++)
        if (!is_settled(s, n))
            return true;
    return false;
}

static struct spool_effect *add(struct spool_effects *out, enum spool_effect_kind kind,
                                uint64_t number)
{
    require(out->count < SPOOL_EFFECTS_MAX);
    struct spool_effect *e = &out->items[out->count++];
    *e = (struct spool_effect){.kind = kind, .number = number};
    return e;
}

static void go_back(struct spool_core *s, uint64_t number)
{
    if (number < s->next_send)
        s->next_send = number;
}

static int64_t backoff(const struct spool_core *s, uint64_t jitter)
{
    int64_t pause = s->options.backoff_ms;
    for (unsigned i = 1; i < s->failures && pause < s->options.backoff_max_ms; i++)
        pause *= 2;
    if (pause > s->options.backoff_max_ms)
        pause = s->options.backoff_max_ms;
    return pause / 2 + (int64_t)(jitter % (uint64_t)(pause / 2 + 1));
}

static void pause_after_failure(struct spool_core *s, int64_t now_ms, uint64_t jitter)
{
    s->failures++;
    s->retry_at_ms = now_ms + backoff(s, jitter);
}

/* Past the window nothing new goes out; while reopening, nothing that was not sent before. */
static uint64_t send_end(const struct spool_core *s)
{
    uint64_t end = s->first + s->options.window;
    uint64_t held = s->reopening ? s->sent_end : s->next_number;
    return end < held ? end : held;
}

static void fill(struct spool_core *s, int64_t now_ms, struct spool_effects *out)
{
    if (!s->link_up || now_ms < s->retry_at_ms)
        return;
    for (uint64_t end = send_end(s); s->next_send < end; s->next_send++) {
        if (is_settled(s, s->next_send))
            continue;
        add(out, SPOOL_SEND, s->next_send);
        s->deadline_ms = now_ms + s->options.answer_ms;
    }
    if (s->next_send > s->sent_end)
        s->sent_end = s->next_send;
}

static void advance(struct spool_core *s)
{
    while (s->answered & 1) {
        s->first++;
        s->answered >>= 1;
        s->rejected >>= 1;
    }
    if (s->next_send < s->first)
        s->next_send = s->first;
}

static void reopen_when_drained(struct spool_core *s, const struct spool_random *random,
                                struct spool_effects *out)
{
    if (!s->reopening || is_outstanding_before(s, s->sent_end))
        return;
    struct spool_effect *e = add(out, SPOOL_REOPEN, 0);
    e->id = random->id;
    e->reason = s->reason;
    uint64_t held = spool_core_pending(s);
    s->id = random->id;
    s->first = s->next_send = s->sent_end = s->link_first = 1;
    s->next_number = held + 1;
    s->answered = s->rejected = 0;
    s->reopening = false;
    s->retry_at_ms = 0;
}

static void mark_answered(struct spool_core *s, uint64_t number)
{
    s->answered |= UINT64_C(1) << (number - s->first);
    s->rejected &= ~s->answered;
    s->failures = 0;
    s->blocked = REFUSAL_NONE;
}

/* Draining first: a later number in flight may have been taken in the old spool, and moving it too
 * would state it twice. */
static void reject(struct spool_core *s, uint64_t number, enum spool_reason reason)
{
    s->rejected |= UINT64_C(1) << (number - s->first);
    if (!s->reopening)
        s->reason = reason;
    s->reopening = true;
}

/* All below link_first was answered before anything went over this link: a collector that asks for
 * it has lost it (it was restored, so the link is new). Between there and `first` it is an old copy
 * of an answer, and says nothing. */
static void take_gap(struct spool_core *s, uint64_t number, uint64_t expected, int64_t now_ms,
                     uint64_t jitter)
{
    if (expected < s->link_first) {
        reject(s, number, SPOOL_NUMBER_LOST);
    } else if (expected >= number || expected < s->first || is_settled(s, expected)) {
        go_back(s, number);
        pause_after_failure(s, now_ms, jitter);
    } else {
        go_back(s, expected);
        if (s->retry_at_ms < now_ms)
            s->retry_at_ms = now_ms + GAP_PAUSE_MS;
    }
}

static void take_blocked(struct spool_core *s, uint64_t number, enum refusal refusal,
                         int64_t now_ms, struct spool_effects *out)
{
    go_back(s, number);
    s->retry_at_ms = now_ms + s->options.blocked_ms;
    if (s->blocked == refusal)
        return;
    s->blocked = refusal;
    add(out, SPOOL_BLOCKED, number)->refusal = refusal;
}

static void take(struct spool_core *s, uint64_t number, const struct spool_answer *a,
                 int64_t now_ms, uint64_t jitter, struct spool_effects *out)
{
    switch (a->refusal) {
    case REFUSAL_NONE:
    case REFUSAL_MALFORMED:
    case REFUSAL_TOO_LARGE:
    case REFUSAL_EMPTY:
    case REFUSAL_BAD_CODE:
    case REFUSAL_SETTLED:
        mark_answered(s, number);
        add(out, SPOOL_DONE, number)->refusal = a->refusal;
        return;
    case REFUSAL_CLOCK_AHEAD: {
        mark_answered(s, number);
        struct spool_effect *e = add(out, SPOOL_RESTAMP, number);
        e->to = s->next_number++;
        e->time_ms = a->collector_time_ms;
        return;
    }
    case REFUSAL_NUMBER_REUSED:
        reject(s, number, SPOOL_NUMBER_REUSED);
        return;
    case REFUSAL_NUMBER_GAP:
        take_gap(s, number, a->expected_number, now_ms, jitter);
        return;
    case REFUSAL_NOT_ALLOWED:
    case REFUSAL_REVOKED:
    case REFUSAL_UNKNOWN_OFFICER:
    case REFUSAL_BAD_VERSION:
        take_blocked(s, number, a->refusal, now_ms, out);
        return;
    default: /* unavailable, or a code of a newer collector: the number was not consumed */
        go_back(s, number);
        pause_after_failure(s, now_ms, jitter);
    }
}

static void set_deadline(struct spool_core *s, int64_t now_ms)
{
    bool due = is_outstanding_before(s, s->next_send);
    s->deadline_ms = due ? now_ms + s->options.answer_ms : INT64_MAX;
}

void spool_core_answer(struct spool_core *s, uint64_t number, const struct spool_answer *answer,
                       int64_t now_ms, const struct spool_random *random, struct spool_effects *out)
{
    out->count = 0;
    if (number < s->first || number >= s->sent_end || is_settled(s, number))
        return;
    take(s, number, answer, now_ms, random->jitter, out);
    advance(s);
    reopen_when_drained(s, random, out);
    set_deadline(s, now_ms);
    fill(s, now_ms, out);
}

void spool_core_link(struct spool_core *s, bool up, int64_t now_ms, struct spool_effects *out)
{
    out->count = 0;
    if (s->link_up == up)
        return;
    s->link_up = up;
    s->link_first = s->first;
    s->next_send = s->first;
    s->deadline_ms = INT64_MAX;
    s->retry_at_ms = now_ms;
    fill(s, now_ms, out);
}

void spool_core_tick(struct spool_core *s, int64_t now_ms, const struct spool_random *random,
                     struct spool_effects *out)
{
    out->count = 0;
    if (!s->link_up)
        return;
    if (now_ms >= s->deadline_ms) {
        s->next_send = s->first;
        s->deadline_ms = INT64_MAX;
        pause_after_failure(s, now_ms, random->jitter);
    }
    fill(s, now_ms, out);
}

static bool has_to_send(const struct spool_core *s)
{
    for (uint64_t n = s->next_send, end = send_end(s); n < end; n++)
        if (!is_settled(s, n))
            return true;
    return false;
}

int64_t spool_core_wait_ms(const struct spool_core *s, int64_t now_ms)
{
    if (!s->link_up)
        return SPOOL_WAIT_FOREVER;
    int64_t at = s->deadline_ms;
    if (has_to_send(s) && s->retry_at_ms < at)
        at = s->retry_at_ms;
    if (at == INT64_MAX)
        return SPOOL_WAIT_FOREVER;
    return at > now_ms ? at - now_ms : 0;
}
