/* Somebody who looks: asks questions, and holds a copy of every cell by snapshot and updates. What
 * it has seen once never falls back. */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/base/alloc.h"

enum { PAUSE_MS_MAX = 40 * 1000 };

struct sim_stream {
    struct feed_stream stream;
    bool has_state;
    uint64_t number;
    uint64_t offset; /* a snapshot may hold more than the updates up to its number */
    struct feed_cell *cells;
    size_t cell_count;
    size_t cell_capacity;
};

static void check_offset(struct sim *w, const struct sim_message *m, uint64_t offset,
                         const char *what)
{
    if (offset < m->floor)
        sim_fail(w, "%s of offset %" PRIu64 ", made when %" PRIu64 " had been seen", what, offset,
                 m->floor);
    if (offset > w->journal.count)
        sim_fail(w, "%s of offset %" PRIu64 ", the journal ends at %zu", what, offset,
                 w->journal.count);
    if (offset > w->observer.offset)
        w->observer.offset = offset;
}

/* --- questions --- */

static void ask(struct sim *w, struct sim_event *e)
{
    struct random *dice = &w->dice[SIM_OBSERVER];
    struct sim_message *m = sim_message(w, SIM_QUERY, SIM_OBSERVER, SIM_AGGREGATOR);
    m->id = ++w->observer.next_id;
    m->query.dice = random_next(dice);
    m->query.not_before = random_chance(dice, 30) ? w->observer.told_offset : 0;
    sim_send(w, m);
    if (!w->calm)
        sim_schedule(w, sim_after(w, SIM_OBSERVER, 10, PAUSE_MS_MAX), *e);
}

static void take_answer(struct sim *w, const struct sim_message *m)
{
    check_offset(w, m, m->query_answer.offset, "an answer");
    if (m->query_answer.offset < m->query_answer.not_before)
        sim_fail(w, "an answer of offset %" PRIu64 ", asked not before %" PRIu64,
                 m->query_answer.offset, m->query_answer.not_before);
    w->observer.answers++;
}

/* --- the feed --- */

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t sim_cell_sum(uint32_t indicator, const struct feed_cell *cell)
{
    const struct ledger_cell *v = &cell->value;
    if (v->amount == 0 && v->figures == 0 && v->reported == 0 && v->on_time == 0)
        return 0;
    uint64_t sum = mix((uint64_t)indicator << 32 | cell->code);
    sum = mix(sum + (uint64_t)(uint32_t)cell->day);
    sum = mix(sum + (uint64_t)v->amount);
    sum = mix(sum + (uint64_t)(uint32_t)v->figures);
    return mix(sum + ((uint64_t)v->reported << 32 | v->on_time));
}

static struct sim_stream *find_stream(struct sim *w, struct feed_stream s)
{
    struct sim_observer *o = &w->observer;
    for (size_t i = 0; i < o->stream_count; i++)
        if (o->streams[i].stream.indicator == s.indicator && o->streams[i].stream.code == s.code &&
            o->streams[i].stream.root == s.root)
            return &o->streams[i];
    return NULL;
}

static void forget_streams(struct sim_observer *o)
{
    for (size_t i = 0; i < o->stream_count; i++)
        free(o->streams[i].cells);
    o->stream_count = 0;
}

static void add_stream(struct sim *w, struct feed_stream s)
{
    struct sim_observer *o = &w->observer;
    void *streams = o->streams;
    alloc_reserve(&streams, &o->stream_capacity, o->stream_count + 1, sizeof *o->streams);
    o->streams = streams;
    o->streams[o->stream_count++] = (struct sim_stream){.stream = s};
}

static void ask_snapshot(struct sim *w, struct feed_stream s)
{
    struct sim_message *m = sim_message(w, SIM_SNAPSHOT_REQUEST, SIM_OBSERVER, SIM_AGGREGATOR);
    m->feed.stream = s;
    sim_send(w, m);
}

static void set_cell(struct sim_stream *s, const struct feed_cell *cell)
{
    for (size_t i = 0; i < s->cell_count; i++)
        if (s->cells[i].code == cell->code && s->cells[i].day == cell->day) {
            s->cells[i] = *cell;
            return;
        }
    void *cells = s->cells;
    alloc_reserve(&cells, &s->cell_capacity, s->cell_count + 1, sizeof *s->cells);
    s->cells = cells;
    s->cells[s->cell_count++] = *cell;
}

static void set_cells(struct sim_stream *s, const struct sim_message *m)
{
    for (size_t i = 0; i < m->feed.cell_count; i++)
        set_cell(s, &m->feed.cells[i]);
    s->number = m->feed.number;
    s->offset = m->feed.offset;
}

static void take_snapshot(struct sim *w, const struct sim_message *m)
{
    struct sim_stream *s = find_stream(w, m->feed.stream);
    check_offset(w, m, m->feed.offset, "a snapshot");
    if (m->feed.epoch != w->observer.epoch || s == NULL ||
        (s->has_state && s->number >= m->feed.number))
        return;
    s->has_state = true;
    s->cell_count = 0;
    set_cells(s, m);
}

/* The subscription keeps its order: another epoch is a newer one. */
static void see_epoch(struct sim *w, uint64_t epoch)
{
    if (w->observer.epoch == epoch)
        return;
    forget_streams(&w->observer);
    w->observer.epoch = epoch;
}

static void take_update(struct sim *w, const struct sim_message *m)
{
    check_offset(w, m, m->feed.offset, "an update");
    see_epoch(w, m->feed.epoch);
    struct sim_stream *s = find_stream(w, m->feed.stream);
    if (s == NULL || !s->has_state || m->feed.number <= s->number)
        return; /* the heads or the snapshot will tell */
    if (m->feed.number == s->number + 1)
        set_cells(s, m);
    else
        s->has_state = false; /* one was missed */
}

static void compare_cells(struct sim *w, const struct sim_message *m)
{
    struct sim_observer *o = &w->observer;
    uint64_t sum = 0;
    for (size_t i = 0; i < o->stream_count; i++)
        for (size_t k = 0; k < o->streams[i].cell_count; k++)
            sum += sim_cell_sum(o->streams[i].stream.indicator, &o->streams[i].cells[k]);
    if (sum != m->feed.truth)
        sim_fail(w,
                 "snapshots and updates up to offset %" PRIu64
                 " give other cells than the aggregator has",
                 m->feed.offset);
    o->true_offset = m->feed.offset;
    o->compared++;
}

static void take_heads(struct sim *w, const struct sim_message *m)
{
    bool complete = true;
    check_offset(w, m, m->feed.offset, "heads");
    see_epoch(w, m->feed.epoch);
    for (size_t i = 0; i < m->feed.head_count; i++) {
        const struct feed_head *head = &m->feed.heads[i];
        if (find_stream(w, head->stream) == NULL)
            add_stream(w, head->stream);
        const struct sim_stream *s = find_stream(w, head->stream);
        if (s->has_state && s->number == head->number && s->offset <= m->feed.offset)
            continue;
        complete = false;
        if (!s->has_state || s->number < head->number)
            ask_snapshot(w, head->stream);
    }
    if (complete)
        compare_cells(w, m);
}

/* --- life --- */

void sim_observer_begin(struct sim *w)
{
    sim_schedule(w, PAUSE_MS_MAX, (struct sim_event){.run = ask, .node = SIM_OBSERVER});
}

void sim_observer_receive(struct sim *w, struct sim_message *m)
{
    if (m->kind == SIM_QUERY_ANSWER)
        take_answer(w, m);
    else if (m->kind == SIM_SNAPSHOT)
        take_snapshot(w, m);
    else if (m->kind == SIM_UPDATE)
        take_update(w, m);
    else if (m->kind == SIM_HEADS)
        take_heads(w, m);
    else if (m->kind == SIM_NOTIFICATION)
        sim_post_hear(w, m);
}

bool sim_observer_idle(const struct sim *w)
{
    return w->observer.true_offset == w->aggregator.checkpoint_offset;
}

void sim_observer_fini(struct sim *w)
{
    forget_streams(&w->observer);
    free(w->observer.streams);
}
