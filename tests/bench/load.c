#include "tests/bench/load.h"

#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/alloc.h"
#include "common/wire/wire.h"

enum { RESEND_EVERY = 100, ANSWER_WAIT_MS = 20000 };

double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct flight {
    double sent_at;
    bool answered;
    unsigned answers_due;
    uint64_t offset;
};

struct loader {
    struct net_socket *socket;
    struct work *work;
    struct spool_id spool;
    int64_t time_ms;
    double created;
    uint64_t sent;     /* numbers used */
    uint64_t answered; /* numbers answered at least once */
    uint64_t extra;    /* second answers still to come */
    struct flight *flights;
    uint32_t window;
    double *waits; /* seconds from send to answer, one a batch */
    size_t wait_count;
    size_t wait_capacity;
    struct batch *batch;
    struct buf payload;
    struct arena arena;
    uint64_t resent;
    uint64_t last_offset;
};

/* The officers' time: journal time when the load began, and as long since. */
static int64_t reported_now(const struct loader *l)
{
    return l->time_ms + (int64_t)((now_seconds() - l->created) * 1000);
}

struct loader *loader_create(struct net_socket *socket, struct work *work, int64_t time_ms)
{
    struct loader *l = alloc_zeroed(1, sizeof *l);
    l->socket = socket;
    l->work = work;
    l->time_ms = time_ms;
    l->created = now_seconds();
    randombytes_buf(l->spool.bytes, sizeof l->spool.bytes);
    l->batch = work_batch(BATCH_ROWS_MAX);
    arena_init(&l->arena, 1 << 16);
    return l;
}

void loader_destroy(struct loader *l)
{
    if (l == NULL)
        return;
    free(l->flights);
    free(l->waits);
    buf_fini(&l->payload);
    arena_fini(&l->arena);
    free(l);
}

static int send_batch(struct loader *l, struct err *err)
{
    uint8_t head[WIRE_HEAD_BYTES];
    struct wire_head h = {WIRE_VERSION, WIRE_SUBMIT, l->sent + 1, l->spool};
    wire_head_encode(&h, head);
    struct slice frames[2] = {slice_of(head, sizeof head), buf_slice(&l->payload)};
    return net_send(l->socket, NULL, frames, 2, err);
}

/* Makes the next batch and sends it, every hundredth twice. ERR_AGAIN: the link is full; the batch
 * stays in l->payload and the call is made again. */
static int send_next(struct loader *l, uint32_t rows, bool *made, struct err *err)
{
    if (!*made) {
        work_next(l->work, l->batch, rows, reported_now(l));
        buf_clear(&l->payload);
        wire_pack_batch(l->batch, &l->payload);
        *made = true;
    }
    int rc = send_batch(l, err);
    if (rc != 0)
        return rc;
    *made = false;
    l->sent++;
    struct flight *f = &l->flights[l->sent % l->window];
    *f = (struct flight){.sent_at = now_seconds()};
    if (l->sent % RESEND_EVERY == 0) {
        l->sent--; /* the same number again */
        if (send_batch(l, NULL) == 0) {
            l->resent++;
            l->extra++;
        }
        l->sent++;
    }
    return 0;
}

static int check_answer(struct loader *l, const struct wire_head *head, struct slice body,
                        struct err *err)
{
    struct wire_submit_answer answer;
    arena_reset(&l->arena);
    int rc = wire_unpack_submit_answer(body, &l->arena, &answer, err);
    if (rc != 0)
        return rc;
    if (answer.refusal != 0 || answer.refused_count != 0)
        return err_set(err, ERR_INVALID, "batch %llu was refused: %s", (unsigned long long)head->id,
                       refusal_sentence_en(answer.refusal != 0
                                               ? (enum refusal)answer.refusal
                                               : (enum refusal)answer.refused_codes[0]));
    struct flight *f = &l->flights[head->id % l->window];
    if (f->answered) {
        l->extra--;
        return f->offset == answer.offset
                   ? 0
                   : err_set(err, ERR_CORRUPT,
                             "batch %llu was answered twice with different offsets",
                             (unsigned long long)head->id);
    }
    f->answered = true;
    f->offset = answer.offset;
    l->answered++;
    l->last_offset = answer.offset > l->last_offset ? answer.offset : l->last_offset;
    alloc_reserve((void **)&l->waits, &l->wait_capacity, l->wait_count + 1, sizeof *l->waits);
    l->waits[l->wait_count++] = now_seconds() - f->sent_at;
    return 0;
}

/* Takes every answer that has come. */
static int take_answers(struct loader *l, struct err *err)
{
    struct net_message m;
    while (net_receive(l->socket, &m) == 0) {
        struct wire_head head;
        int rc = m.frame_count < 2 ? err_set(err, ERR_INVALID, "an answer without a body")
                                   : wire_head_decode(m.frames[0], &head, err);
        if (rc == 0 && head.kind == WIRE_SUBMIT + WIRE_ANSWER)
            rc = check_answer(l, &head, m.frames[1], err);
        else if (rc == 0)
            rc = err_set(err, ERR_INVALID, "an answer of kind %u", head.kind);
        net_message_clear(&m);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double percentile_ms(double *seconds, size_t count, double p)
{
    if (count == 0)
        return 0;
    qsort(seconds, count, sizeof *seconds, compare_doubles);
    return seconds[(size_t)(p * (double)(count - 1))] * 1000;
}

/* The oldest unanswered number must be less than a window behind, so that its place in the ring is
 * its own; doubled answers are awaited before the place is used again. */
static bool may_send(const struct loader *l, const struct load_options *o, uint64_t target,
                     double since, uint64_t first)
{
    if (l->sent >= target || l->sent - l->answered + l->extra >= o->in_flight)
        return false;
    if (o->rows_per_second == 0)
        return true;
    double due = (double)((l->sent - first) * o->batch_rows) / o->rows_per_second;
    return now_seconds() - since >= due;
}

static void begin_run(struct loader *l, const struct load_options *o)
{
    l->window = o->in_flight * 2 + 1;
    free(l->flights);
    l->flights = alloc_zeroed(l->window, sizeof *l->flights);
    l->wait_count = 0;
    l->resent = 0;
}

int loader_run(struct loader *l, const struct load_options *o, struct load_result *out,
               struct err *err)
{
    begin_run(l, o);
    uint64_t first = l->sent;
    uint64_t target = first + (o->rows + o->batch_rows - 1) / o->batch_rows;
    bool made = false;
    int rc = 0;
    double since = now_seconds();
    while (rc == 0 && (l->answered < target || l->extra > 0)) {
        while (rc == 0 && may_send(l, o, target, since, first))
            rc = send_next(l, o->batch_rows, &made, err);
        rc = rc == ERR_AGAIN ? 0 : rc;
        if (rc == 0 &&
            (o->rows_per_second == 0 || l->sent - l->answered + l->extra >= o->in_flight))
            rc = net_wait(l->socket, ANSWER_WAIT_MS);
        else if (rc == 0 && net_wait(l->socket, 1) != 0)
            rc = 0;
        if (rc == 0)
            rc = take_answers(l, err);
    }
    if (rc == ERR_AGAIN)
        return err_set(err, ERR_AGAIN, "no answer within %d s", ANSWER_WAIT_MS / 1000);
    out->seconds = now_seconds() - since;
    out->batches = target - first;
    out->rows = out->batches * o->batch_rows;
    out->resent = l->resent;
    out->last_offset = l->last_offset;
    out->ack_p50_ms = percentile_ms(l->waits, l->wait_count, 0.50);
    out->ack_p99_ms = percentile_ms(l->waits, l->wait_count, 0.99);
    return rc;
}
