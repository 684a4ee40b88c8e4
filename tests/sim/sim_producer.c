/* A producer: the spool's core, a disk under it that syncs or does not, and accidents. */
#include "tests/sim/sim.h"

#include <inttypes.h>

#include "common/base/alloc.h"

enum {
    MINUTE_MS = 60 * 1000,
    STATEMENTS_MAX = 10,
};

/* --- the disk: what is written is there after a crash only when it was synced --- */

static void spool_begin(struct sim *w, unsigned node, struct sim_spool *s)
{
    uint64_t id[2] = {random_next(&w->dice[node]), random_next(&w->dice[node])};
    *s = (struct sim_spool){.next_number = 1};
    memcpy(&s->id, id, sizeof s->id);
}

static void hold(struct sim *w, struct sim_spool *s, uint64_t number,
                 const struct sim_content *content)
{
    if (s->held_count == SIM_SPOOL_HELD_MAX)
        sim_fail(w, "a spool is full");
    s->held[s->held_count++] = (struct sim_held){number, content};
    s->next_number = number + 1;
}

static struct sim_held *find_held(struct sim_spool *s, uint64_t number)
{
    for (unsigned i = 0; i < s->held_count; i++)
        if (s->held[i].number == number)
            return &s->held[i];
    return NULL;
}

static void forget(struct sim_spool *s, uint64_t number)
{
    struct sim_held *h = find_held(s, number);
    if (h == NULL)
        return;
    s->held_count--;
    memmove(h, h + 1, (size_t)(s->held + s->held_count - h) * sizeof *h);
}

static void renumber(struct sim_spool *s, const struct spool_id *id)
{
    s->id = *id;
    for (unsigned i = 0; i < s->held_count; i++)
        s->held[i].number = i + 1;
    s->next_number = s->held_count + 1;
}

/* False: the producer died, before the sync or after it. */
static bool sync_disk(struct sim *w, unsigned node)
{
    struct sim_producer *p = &w->producers[node];
    if (sim_crashes(w, node, "producer: written, not synced"))
        return false;
    p->disk = p->image;
    return !sim_crashes(w, node, "producer: synced");
}

/* --- effects --- */

static void send(struct sim *w, unsigned node, const struct sim_held *h)
{
    const struct sim_producer *p = &w->producers[node];
    struct sim_message *m = sim_message(w, SIM_SUBMIT, node, SIM_COLLECTOR);
    m->id = h->number;
    memcpy(m->submit.key, p->key, KEY_BYTES);
    m->submit.spool = p->image.id;
    m->submit.number = h->number;
    m->submit.content = h->content;
    m->submit.link = p->link;
    sim_log(w, "node %u sends number %" PRIu64 ", statement %u", node, h->number,
            h->content->statement);
    if (p->speaks_for != p->identity)
        m->submit.officer = w->operator.identities[p->speaks_for].name;
    sim_send(w, m);
}

static bool restamp(struct sim *w, unsigned node, const struct spool_effect *fx)
{
    struct sim_producer *p = &w->producers[node];
    const struct sim_held *h = find_held(&p->image, fx->number);
    if (h == NULL)
        sim_fail(w, "node %u is to stamp number %" PRIu64 " again and does not hold it", node,
                 fx->number);
    const struct sim_content *again = sim_batch_restamp(w, h->content, fx->time_ms);
    forget(&p->image, fx->number);
    hold(w, &p->image, fx->to, again);
    return sync_disk(w, node);
}

static bool carry_out_one(struct sim *w, unsigned node, const struct spool_effect *fx)
{
    struct sim_producer *p = &w->producers[node];
    switch (fx->kind) {
    case SPOOL_SEND: {
        const struct sim_held *h = find_held(&p->image, fx->number);
        if (h == NULL)
            sim_fail(w, "node %u is to send number %" PRIu64 " and does not hold it", node,
                     fx->number);
        send(w, node, h);
        return !sim_crashes(w, node, "producer: sent");
    }
    case SPOOL_DONE:
        forget(&p->image, fx->number);
        return sync_disk(w, node);
    case SPOOL_RESTAMP:
        return restamp(w, node, fx);
    case SPOOL_REOPEN:
        sim_log(w, "node %u opens a new spool with %u batches", node, p->image.held_count);
        renumber(&p->image, &fx->id);
        return sync_disk(w, node);
    case SPOOL_BLOCKED:
        sim_log(w, "node %u is blocked: %s", node, refusal_name(fx->refusal));
        return true;
    }
    return true;
}

/* False: the producer is dead. */
static bool carry_out(struct sim *w, unsigned node, const struct spool_effects *fx)
{
    for (unsigned i = 0; i < fx->count; i++)
        if (!carry_out_one(w, node, &fx->items[i]))
            return false;
    return true;
}

/* --- time --- */

static void wake(struct sim *w, struct sim_event *e);

static void set_alarm(struct sim *w, unsigned node)
{
    struct sim_producer *p = &w->producers[node];
    int64_t wait_ms = spool_core_wait_ms(&p->core, w->now_ms);
    if (wait_ms == SPOOL_WAIT_FOREVER)
        return;
    int64_t at_ms = w->now_ms + (wait_ms > 0 ? wait_ms : 1);
    if (p->wake_at_ms != 0 && p->wake_at_ms <= at_ms)
        return;
    p->wake_at_ms = at_ms;
    sim_schedule(w, at_ms - w->now_ms,
                 (struct sim_event){.run = wake, .node = node, .life = w->nodes[node].life});
}

static struct spool_random fresh_random(struct sim *w, unsigned node)
{
    struct random *dice = &w->dice[node];
    struct spool_random r = {.jitter = random_next(dice)};
    uint64_t id[2] = {random_next(dice), random_next(dice)};
    memcpy(&r.id, id, sizeof r.id);
    return r;
}

static void tick(struct sim *w, unsigned node)
{
    struct spool_effects fx;
    struct spool_random random = fresh_random(w, node);
    spool_core_tick(&w->producers[node].core, w->now_ms, &random, &fx);
    if (carry_out(w, node, &fx))
        set_alarm(w, node);
}

static void wake(struct sim *w, struct sim_event *e)
{
    struct sim_producer *p = &w->producers[e->node];
    if (p->wake_at_ms == w->now_ms)
        p->wake_at_ms = 0;
    tick(w, e->node);
}

/* --- statements --- */

static uint32_t new_statement(struct sim *w, unsigned node)
{
    void *statements = w->statements;
    alloc_reserve(&statements, &w->statement_capacity, w->statement_count + 1,
                  sizeof *w->statements);
    w->statements = statements;
    w->statements[w->statement_count] = (struct sim_statement){.producer = node};
    return (uint32_t)w->statement_count++;
}

static const struct sim_content *make_content(struct sim *w, unsigned node, uint32_t statement)
{
    struct random *dice = &w->dice[node];
    if (!random_chance(dice, 3))
        return sim_batch_make(w, node, statement,
                              sim_true_ms(w) + w->producers[node].skew_ms -
                                  (int64_t)random_below(dice, 30) * MINUTE_MS);
    const struct sim_content *c = sim_batch_poison(w, node, statement);
    w->statements[statement].poison = true;
    memcpy(w->statements[statement].hash, c->hash, HASH_BYTES);
    return c;
}

/* The caller is told "kept" after the sync, unless the producer dies first. */
static void state_something(struct sim *w, unsigned node)
{
    struct sim_producer *p = &w->producers[node];
    if (p->image.held_count >= SIM_SPOOL_HELD_MAX - SPOOL_WINDOW_MAX / 4)
        return; /* full: the caller is told so */
    uint32_t statement = new_statement(w, node);
    const struct sim_content *c = make_content(w, node, statement);
    uint64_t number = spool_core_enqueue(&p->core);
    if (number != p->image.next_number)
        sim_fail(w, "node %u: the core gives number %" PRIu64 ", the disk has %" PRIu64, node,
                 number, p->image.next_number);
    hold(w, &p->image, number, c);
    if (!sync_disk(w, node))
        return;
    w->statements[statement].kept = true;
    tick(w, node);
}

static void keep_backup(struct sim *w, unsigned node)
{
    struct sim_producer *p = &w->producers[node];
    if (p->has_backup || !random_chance(&w->dice[node], 30))
        return;
    p->backup = p->disk;
    p->has_backup = true;
}

/* Its people go on stating, whether the producer is up or not. */
static void state_now(struct sim *w, struct sim_event *e)
{
    struct sim_producer *p = &w->producers[e->node];
    if (p->statements_left == 0 || w->calm)
        return;
    p->statements_left--;
    keep_backup(w, e->node);
    for (int i = random_chance(&w->dice[e->node], 20) ? 4 : 1; i > 0; i--)
        if (w->nodes[e->node].up)
            state_something(w, e->node);
    sim_schedule(w, sim_after(w, e->node, 1000, 12 * MINUTE_MS),
                 (struct sim_event){.run = state_now, .node = e->node});
}

/* --- life and death --- */

/* The line drops and comes back. */
static void flap(struct sim *w, struct sim_event *e)
{
    struct spool_effects fx;
    struct sim_producer *p = &w->producers[e->node];
    if (w->calm && p->core.link_up)
        return;
    p->link++;
    spool_core_link(&p->core, !p->core.link_up, w->now_ms, &fx);
    if (!carry_out(w, e->node, &fx))
        return;
    set_alarm(w, e->node);
    sim_schedule(w,
                 p->core.link_up ? sim_after(w, e->node, MINUTE_MS, 40 * MINUTE_MS)
                                 : sim_after(w, e->node, 10, MINUTE_MS),
                 (struct sim_event){.run = flap, .node = e->node, .life = w->nodes[e->node].life});
}

/* Answers may have come out of order before it died. */
static void open_core(struct sim_producer *p)
{
    struct sim_spool *d = &p->disk;
    struct spool_options options = {.window = p->window};
    uint64_t first = d->held_count > 0 ? d->held[0].number : d->next_number;
    spool_core_init(&p->core, &options, &d->id, first, d->next_number);
    for (uint64_t n = first + 1; n < d->next_number && n - first < SPOOL_WINDOW_MAX; n++)
        if (find_held(d, n) == NULL)
            spool_core_skip(&p->core, n);
}

void sim_producer_start(struct sim *w, unsigned node)
{
    struct sim_producer *p = &w->producers[node];
    p->image = p->disk;
    open_core(p);
    p->wake_at_ms = 0;
    struct sim_event up = {.run = flap, .node = node, .life = w->nodes[node].life};
    sim_schedule(w, sim_after(w, node, 1, 2000), up);
}

void sim_producer_die(struct sim *w, unsigned node)
{
    w->producers[node].image = w->producers[node].disk;
}

static int64_t choose_skew(struct random *dice)
{
    if (random_chance(dice, 60))
        return random_between(dice, -2000, 2000);
    return (int64_t)random_between(dice, -90, 20) * MINUTE_MS;
}

void sim_producer_begin(struct sim *w, unsigned node)
{
    struct sim_producer *p = &w->producers[node];
    struct random *dice = &w->dice[node];
    unsigned officers = w->operator.identity_count - 1; /* the last one is the gateway */
    p->identity = random_below(dice, w->operator.identity_count);
    p->speaks_for = p->identity == officers ? random_below(dice, officers) : p->identity;
    memcpy(p->key, w->operator.identities[p->identity].key, KEY_BYTES);
    p->window = 1 + random_below(dice, 12);
    p->skew_ms = choose_skew(dice);
    p->statements_left = (unsigned)random_between(dice, 1, STATEMENTS_MAX);
    spool_begin(w, node, &p->disk);
    sim_producer_start(w, node);
    sim_schedule(w, sim_after(w, node, 1, 10 * MINUTE_MS),
                 (struct sim_event){.run = state_now, .node = node});
}

bool sim_producer_idle(const struct sim *w, unsigned node)
{
    return w->nodes[node].up && w->producers[node].image.held_count == 0;
}

void sim_producer_use_key(struct sim *w, unsigned identity, const uint8_t key[KEY_BYTES])
{
    for (unsigned node = SIM_PRODUCER_FIRST; node < w->node_count; node++)
        if (w->producers[node].identity == identity)
            memcpy(w->producers[node].key, key, KEY_BYTES);
}

/* --- accidents --- */

static void suspect(struct sim *w, unsigned node)
{
    for (size_t i = 1; i < w->statement_count; i++)
        if (w->statements[i].producer == node)
            w->statements[i].suspect = true;
}

void sim_producer_accident(struct sim *w, unsigned node)
{
    struct sim_producer *p = &w->producers[node];
    bool lost = !p->has_backup || random_chance(&w->dice[node], 35);
    if (!w->nodes[node].up)
        return;
    suspect(w, node);
    sim_crash(w, node, lost ? "its spool is lost" : "an older copy of its spool is put back");
    if (lost)
        spool_begin(w, node, &p->disk);
    else
        p->disk = p->backup;
    p->has_backup = false;
}

/* --- answers --- */

void sim_producer_receive(struct sim *w, struct sim_message *m)
{
    struct sim_producer *p = &w->producers[m->to];
    const struct verdict *v = &m->answer.verdict;
    struct spool_answer answer = {(enum refusal)v->refusal, v->expected_number, v->time_ms};
    struct spool_random random = fresh_random(w, m->to);
    struct spool_effects fx;
    sim_journal_check_answer(w, m);
    sim_log(w, "node %u is told '%s' of number %" PRIu64 ", offset %" PRIu64, m->to,
            refusal_name(answer.refusal), m->answer.asked.number, v->offset);
    if (m->answer.asked.link != p->link ||
        memcmp(&m->answer.asked.spool, &p->core.id, sizeof p->core.id) != 0)
        return; /* over a link that is gone, or to a spool that was given up */
    if (v->offset > w->observer.told_offset)
        w->observer.told_offset = v->offset;
    spool_core_answer(&p->core, m->answer.asked.number, &answer, w->now_ms, &random, &fx);
    if (carry_out(w, m->to, &fx))
        set_alarm(w, m->to);
}
