#include "common/client/submit_client.h"

#include "common/base/alloc.h"
#include "common/net/loop.h"

#include <stdlib.h>
#include <sys/random.h>

enum {
    MESSAGES_A_STEP = 256,
    WAIT_SLICE_MS = 100, /* how soon a stop is seen */
    ARENA_KEEP_BYTES = 64 * 1024,
};

struct submit_client {
    struct spool *spool;
    struct spool_core core;
    struct net_socket *socket;
    struct submit_client_hooks hooks;
    struct ident officer; /* empty: none */
    struct arena arena;
    struct buf payload;
    int64_t alive_ms;     /* when a batch was last answered for good */
    uint64_t links;       /* of the socket, when it was last looked at */
    enum refusal refusal; /* what the collector said last, over this link */
    struct err failure;   /* its sentence, where that was no answer but a Failure */
};

static int open_socket(struct submit_client *c, struct net *net,
                       const struct submit_client_options *o, struct err *e)
{
    return net_connect(net, NET_DEALER, o->endpoint, &o->server_key, &o->self, &c->socket, e);
}

/* Answers may come out of order, and the process may have ended in between. */
static int init_core(struct submit_client *c, const struct spool_options *options, struct err *e)
{
    struct spool_stored st = spool_stored(c->spool);
    spool_core_init(&c->core, options, &st.id, st.first, st.next_number);
    for (uint64_t n = st.first + 1; n < st.next_number && n - st.first < SPOOL_WINDOW_MAX; n++) {
        buf_clear(&c->payload);
        int rc = spool_get(c->spool, n, NULL, &c->payload, e);
        if (rc == ERR_NOT_FOUND)
            spool_core_skip(&c->core, n);
        else if (rc != 0)
            return rc;
    }
    return 0;
}

int submit_client_open(struct submit_client **out, struct net *net,
                       const struct submit_client_options *options, struct err *e)
{
    struct submit_client *c = alloc_zeroed(1, sizeof *c);
    arena_init(&c->arena, ARENA_KEEP_BYTES);
    c->alive_ms = loop_now_ms();
    c->hooks = options->hooks;
    int rc = 0;
    if (options->officer && !ident_set(&c->officer, slice_str(options->officer)))
        rc = err_set(e, ERR_INVALID, "officer \"%s\" is no registered name", options->officer);
    if (rc == 0)
        rc = spool_open(&c->spool, options->spool_directory, options->keep_answers, e);
    if (rc == 0)
        rc = init_core(c, &options->spool, e);
    if (rc == 0)
        rc = open_socket(c, net, options, e);
    if (rc != 0) {
        submit_client_close(c);
        return rc;
    }
    *out = c;
    return 0;
}

void submit_client_close(struct submit_client *c)
{
    if (!c)
        return;
    net_close(c->socket);
    spool_close(c->spool);
    buf_fini(&c->payload);
    arena_fini(&c->arena);
    free(c);
}

struct spool *submit_client_spool(struct submit_client *c)
{
    return c->spool;
}

struct net_socket *submit_client_socket(struct submit_client *c)
{
    return c->socket;
}

uint64_t submit_client_pending(const struct submit_client *c)
{
    return spool_core_pending(&c->core);
}

static void follow_numbers(struct submit_client *c)
{
    while (c->core.next_number < spool_stored(c->spool).next_number)
        spool_core_enqueue(&c->core);
}

int submit_client_put(struct submit_client *c, const struct batch *batch, uint64_t *ticket,
                      struct err *e)
{
    struct buf b = {0};
    wire_pack_batch(batch, &b);
    struct slice payload = buf_slice(&b);
    int rc = spool_put(c->spool, &payload, 1, ticket, e);
    buf_fini(&b);
    if (rc == 0)
        follow_numbers(c);
    return rc;
}

int submit_client_put_payloads(struct submit_client *c, const struct slice *payloads, size_t count,
                               const char *note, struct slice value, struct err *e)
{
    int rc = note ? spool_put_with_note(c->spool, payloads, count, note, value, e)
                  : spool_put(c->spool, payloads, count, NULL, e);
    if (rc == 0)
        follow_numbers(c);
    return rc;
}

/* ---- effects ---- */

static int send_batch(struct submit_client *c, uint64_t number, struct err *e)
{
    buf_clear(&c->payload);
    int rc = spool_get(c->spool, number, NULL, &c->payload, e);
    if (rc != 0)
        return rc;
    uint8_t head[WIRE_HEAD_BYTES];
    struct wire_head h = {WIRE_VERSION, WIRE_SUBMIT, number, c->core.id};
    wire_head_encode(&h, head);
    struct slice frames[3] = {slice_of(head, sizeof head), buf_slice(&c->payload),
                              ident_slice(&c->officer)};
    if (net_send(c->socket, NULL, frames, c->officer.text[0] ? 3 : 2, NULL) == 0)
        return 0;
    /* No link or a full queue: the next round, once the socket takes messages, begins again. */
    struct spool_effects none;
    spool_core_link(&c->core, false, loop_now_ms(), &none);
    return 0;
}

static int finish_batch(struct submit_client *c, uint64_t number, struct slice raw,
                        const struct wire_submit_answer *answer, struct err *e)
{
    uint64_t ticket;
    buf_clear(&c->payload);
    int rc = spool_get(c->spool, number, &ticket, &c->payload, e);
    if (rc == 0)
        rc = spool_done(c->spool, number, raw, e);
    if (rc == 0 && c->hooks.answered)
        c->hooks.answered(c->hooks.arg, ticket, answer);
    return rc;
}

static int restamp(struct submit_client *c, const struct spool_effect *fx, struct err *e)
{
    uint64_t ticket;
    struct batch batch;
    struct buf again = {0};
    buf_clear(&c->payload);
    int rc = spool_get(c->spool, fx->number, &ticket, &c->payload, e);
    if (rc == 0)
        rc = wire_unpack_batch(buf_slice(&c->payload), &c->arena, &batch, e);
    if (rc == 0) {
        batch.reported_at_ms = fx->time_ms;
        wire_pack_batch(&batch, &again);
        rc = spool_replace(c->spool, fx->number, fx->to, buf_slice(&again), e);
    }
    buf_fini(&again);
    if (rc == 0 && c->hooks.restamped)
        c->hooks.restamped(c->hooks.arg, ticket, fx->time_ms);
    return rc;
}

static int reopen(struct submit_client *c, const struct spool_effect *fx, struct err *e)
{
    int rc = spool_reopen(c->spool, &fx->id, e);
    if (rc == 0 && c->hooks.reopened)
        c->hooks.reopened(c->hooks.arg, fx->reason, &fx->id);
    return rc;
}

/* `raw` and `answer`: what led to the effects; NULL and empty when it was no answer. */
static int carry_out(struct submit_client *c, const struct spool_effects *fx, struct slice raw,
                     const struct wire_submit_answer *answer, struct err *e)
{
    int rc = 0;
    for (unsigned i = 0; i < fx->count && rc == 0; i++) {
        const struct spool_effect *one = &fx->items[i];
        switch (one->kind) {
        case SPOOL_SEND:
            if (c->core.link_up)
                rc = send_batch(c, one->number, e);
            break;
        case SPOOL_DONE:
            rc = finish_batch(c, one->number, raw, answer, e);
            break;
        case SPOOL_RESTAMP:
            rc = restamp(c, one, e);
            break;
        case SPOOL_REOPEN:
            rc = reopen(c, one, e);
            break;
        case SPOOL_BLOCKED:
            if (c->hooks.blocked)
                c->hooks.blocked(c->hooks.arg, one->refusal);
        }
    }
    return rc;
}

static struct spool_random fresh_random(void)
{
    struct spool_random r;
    spool_random_id(&r.id);
    memcpy(&r.jitter, r.id.bytes, sizeof r.jitter);
    spool_random_id(&r.id);
    return r;
}

/* ---- answers ---- */

/* What stands instead of an answer, as the refusal that it amounts to. */
static uint32_t failure_refusal(struct submit_client *c, struct slice body)
{
    if (wire_unpack_failure(body, &c->failure, NULL) != 0)
        return REFUSAL_UNAVAILABLE;
    if (c->failure.code == ERR_DENIED)
        return REFUSAL_NOT_ALLOWED;
    return c->failure.code == ERR_VERSION ? REFUSAL_BAD_VERSION : REFUSAL_UNAVAILABLE;
}

/* False for what is no answer to us: another spool's, or bytes that make no sense. */
static bool decode_answer(struct submit_client *c, const struct net_message *m,
                          struct wire_head *head, struct wire_submit_answer *out)
{
    if (m->frame_count < 2 || wire_head_decode(m->frames[0], head, NULL) != 0)
        return false;
    if (memcmp(head->spool.bytes, c->core.id.bytes, SPOOL_ID_BYTES) != 0)
        return false;
    *out = (struct wire_submit_answer){0};
    c->failure = (struct err){0};
    if (head->kind == WIRE_FAILURE || head->kind == (WIRE_FAILURE | WIRE_ANSWER)) {
        out->refusal = failure_refusal(c, m->frames[1]);
        return true;
    }
    return head->kind == (WIRE_SUBMIT | WIRE_ANSWER) &&
           wire_unpack_submit_answer(m->frames[1], &c->arena, out, NULL) == 0;
}

static bool is_settled(enum refusal refusal)
{
    return refusal == REFUSAL_SETTLED || refusal_consumes_number(refusal);
}

static int take_message(struct submit_client *c, const struct net_message *m, struct err *e)
{
    struct wire_head head;
    struct wire_submit_answer answer;
    arena_reset(&c->arena);
    if (!decode_answer(c, m, &head, &answer))
        return 0;
    c->refusal =
        is_settled((enum refusal)answer.refusal) ? REFUSAL_NONE : (enum refusal)answer.refusal;
    struct spool_answer a = {answer.refusal, answer.expected_number, answer.collector_time_ms};
    struct spool_random random = fresh_random();
    struct spool_effects fx;
    spool_core_answer(&c->core, head.id, &a, loop_now_ms(), &random, &fx);
    return carry_out(c, &fx, m->frames[1], &answer, e);
}

static int take_messages(struct submit_client *c, struct err *e)
{
    int rc = 0;
    struct net_message m;
    for (unsigned i = 0; i < MESSAGES_A_STEP && rc == 0; i++) {
        if (net_receive(c->socket, &m) != 0)
            break;
        rc = take_message(c, &m, e);
        net_message_clear(&m);
    }
    return rc;
}

/* A link that went and came again between two steps looks as before, but what was in flight over it
 * has no answer any more. */
static void look_at_link(struct submit_client *c, struct spool_effects *fx)
{
    bool up = net_state(c->socket) == NET_CONNECTED;
    uint64_t links = net_links(c->socket);
    if (!up || links != c->links) {
        spool_core_link(&c->core, false, loop_now_ms(), fx);
        c->refusal = REFUSAL_NONE;
        c->failure = (struct err){0};
    }
    c->links = links;
    spool_core_link(&c->core, up, loop_now_ms(), fx);
}

int submit_client_step(struct submit_client *c, struct err *e)
{
    int rc = take_messages(c, e);
    if (rc != 0)
        return rc;
    struct spool_effects fx;
    struct spool_random random = fresh_random();
    struct wire_submit_answer none = {0};
    look_at_link(c, &fx);
    rc = carry_out(c, &fx, slice_of(NULL, 0), &none, e);
    if (rc != 0)
        return rc;
    spool_core_tick(&c->core, loop_now_ms(), &random, &fx);
    return carry_out(c, &fx, slice_of(NULL, 0), &none, e);
}

enum refusal submit_client_refusal(const struct submit_client *c)
{
    return c->refusal;
}

int64_t submit_client_wait_ms(const struct submit_client *c)
{
    return spool_core_wait_ms(&c->core, loop_now_ms());
}

/* ---- for commands ---- */

static int wait_slice(struct submit_client *c)
{
    int64_t wait_ms = submit_client_wait_ms(c);
    int slice_ms = wait_ms >= 0 && wait_ms < WAIT_SLICE_MS ? (int)wait_ms : WAIT_SLICE_MS;
    return c->core.link_up ? net_wait(c->socket, slice_ms) : net_wait_writable(c->socket, slice_ms);
}

static int nothing_goes_on(const struct submit_client *c, struct err *e)
{
    const char *where = net_endpoint(c->socket);
    if (c->failure.code != 0)
        return err_set(e, ERR_AGAIN, "%s: %s", where, c->failure.text);
    if (c->refusal != REFUSAL_NONE)
        return err_set(e, ERR_AGAIN, "%s: %s: %s", where, refusal_name(c->refusal),
                       refusal_sentence_en(c->refusal));
    return err_set(e, ERR_NET,
                   "%s: no answer for %lld ms: is the collector running, and is its key right?",
                   where, (long long)(loop_now_ms() - c->alive_ms));
}

static int check_permission(const struct submit_client *c, int waited, struct err *e)
{
    if (waited == ERR_DENIED)
        return err_set(e, ERR_DENIED,
                       "%s: this key is not known there: ask provincial IT to register it",
                       net_endpoint(c->socket));
    if (c->core.blocked != REFUSAL_NONE)
        return err_set(e, ERR_DENIED, "%s: %s: %s", net_endpoint(c->socket),
                       refusal_name(c->core.blocked), refusal_sentence_en(c->core.blocked));
    return waited == ERR_NET
               ? err_set(e, ERR_NET, "%s: the socket is unusable", net_endpoint(c->socket))
               : 0;
}

int submit_client_run(struct submit_client *c, int quiet_ms, const volatile sig_atomic_t *stop,
                      struct err *e)
{
    int64_t begin_ms = loop_now_ms();
    while (submit_client_pending(c) > 0) {
        uint64_t pending = submit_client_pending(c);
        int waited = wait_slice(c);
        int rc = submit_client_step(c, e);
        if (rc == 0)
            rc = check_permission(c, waited, e);
        if (rc != 0)
            return rc;
        if (stop && *stop)
            return err_set(e, ERR_AGAIN, "stopped");
        if (submit_client_pending(c) != pending)
            c->alive_ms = begin_ms = loop_now_ms();
        else if (loop_now_ms() - begin_ms > quiet_ms)
            return nothing_goes_on(c, e);
    }
    return 0;
}
