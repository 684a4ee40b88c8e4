#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/journal/journal.h"
#include "common/wire/wire.h"

enum {
    MINUTE_MS = 60 * 1000,
    STORM_MINUTES_MIN = 25,
    STORM_MINUTES_MAX = 70,
    TICKS_GO_ON_MINUTES = 10,
    CALM_MINUTES_MAX = 24 * 60, /* by then all must be delivered */
    STEPS_MAX = 400 * 1000,
    DAYS_BACK = 12,
    DAYS_AHEAD = 7,
    HOUR_OF_START = 22, /* so that most worlds see a midnight */
    NIGHTS_MAX = 10,
    CAMPAIGN_NIGHTS = 10, /* more */
};

static const struct sim *current;

const struct sim *sim_current(void)
{
    return current;
}

/* --- saying --- */

__attribute__((format(printf, 3, 0))) static void say(const struct sim *w, FILE *to,
                                                      const char *format, va_list args)
{
    fprintf(to, "seed %" PRIu64 " step %" PRIu64 " at %" PRId64 " ms: ", w->seed, w->step,
            w->now_ms - w->start_ms);
    vfprintf(to, format, args);
    fputc('\n', to);
}

void sim_log(const struct sim *w, const char *format, ...)
{
    va_list args;
    if (!w->options.verbose)
        return;
    va_start(args, format);
    say(w, stdout, format, args);
    va_end(args);
}

void sim_fail(const struct sim *w, const char *format, ...)
{
    va_list args;
    fflush(stdout);
    va_start(args, format);
    say(w, stderr, format, args);
    va_end(args);
    fprintf(stderr, "again: simulator --seed %" PRIu64 " --verbose\n", w->seed);
    exit(1);
}

/* --- time and memory --- */

int64_t sim_true_ms(const struct sim *w)
{
    return w->now_ms + w->slept_ms;
}

struct slice sim_keep(struct sim *w, struct slice bytes)
{
    return slice_of(arena_string(&w->memory, bytes.data, bytes.len), bytes.len);
}

/* --- events: a heap, the earliest on top --- */

static bool comes_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

void sim_schedule(struct sim *w, int64_t after_ms, struct sim_event event)
{
    event.at_ms = w->now_ms + (after_ms > 0 ? after_ms : 0);
    event.order = w->next_order++;
    void *events = w->events;
    alloc_reserve(&events, &w->event_capacity, w->event_count + 1, sizeof *w->events);
    w->events = events;
    size_t at = w->event_count++;
    for (size_t up = (at - 1) / 2; at > 0 && comes_before(&event, &w->events[up]);
         up = (at - 1) / 2) {
        w->events[at] = w->events[up];
        at = up;
    }
    w->events[at] = event;
}

static struct sim_event take_event(struct sim *w)
{
    struct sim_event first = w->events[0], last = w->events[--w->event_count];
    size_t at = 0;
    for (size_t down = 1; down < w->event_count; down = 2 * at + 1) {
        if (down + 1 < w->event_count && comes_before(&w->events[down + 1], &w->events[down]))
            down++;
        if (!comes_before(&w->events[down], &last))
            break;
        w->events[at] = w->events[down];
        at = down;
    }
    w->events[at] = last;
    return first;
}

int64_t sim_after(struct sim *w, unsigned node, int64_t low_ms, int64_t high_ms)
{
    return low_ms + (int64_t)(random_next(&w->dice[node]) % (uint64_t)(high_ms - low_ms + 1));
}

bool sim_chance_permille(struct random *r, unsigned permille)
{
    return permille > 0 && random_below(r, 1000) < permille;
}

/* --- crashes --- */

static void node_die(struct sim *w, unsigned node)
{
    if (node == SIM_COLLECTOR)
        sim_collector_die(w);
    else if (node == SIM_AGGREGATOR)
        sim_aggregator_die(w);
    else if (node == SIM_NOTIFIER)
        sim_notifier_die(w);
    else
        sim_producer_die(w, node);
}

static void node_start(struct sim *w, struct sim_event *e)
{
    sim_log(w, "node %u starts", e->node);
    w->nodes[e->node].up = true;
    if (e->node == SIM_COLLECTOR)
        sim_collector_start(w);
    else if (e->node == SIM_AGGREGATOR)
        sim_aggregator_start(w);
    else if (e->node == SIM_NOTIFIER)
        sim_notifier_start(w);
    else
        sim_producer_start(w, e->node);
}

void sim_crash(struct sim *w, unsigned node, const char *where)
{
    sim_log(w, "node %u dies: %s", node, where);
    w->nodes[node].up = false;
    w->nodes[node].life++;
    w->crashes++;
    node_die(w, node);
    sim_schedule(w, sim_after(w, node, 100, w->calm ? 1000 : 90 * 1000),
                 (struct sim_event){.run = node_start, .node = node});
}

static bool is_asked_for(struct sim *w, const char *where)
{
    if (w->options.crash_where && strcmp(w->options.crash_where, where) != 0)
        return false;
    w->points++;
    return w->points == w->options.crash_at;
}

bool sim_crashes(struct sim *w, unsigned node, const char *where)
{
    bool strikes = !w->calm && sim_chance_permille(&w->dice[node], w->weather.crash_permille);
    if (!is_asked_for(w, where) && !strikes)
        return false;
    sim_crash(w, node, where);
    return true;
}

/* --- the network --- */

struct sim_message *sim_message(struct sim *w, enum sim_message_kind kind, unsigned from,
                                unsigned to)
{
    struct sim_message *m = arena_alloc(&w->memory, sizeof *m);
    memset(m, 0, sizeof *m);
    m->kind = kind;
    m->from = from;
    m->to = to;
    m->from_life = w->nodes[from].life;
    return m;
}

static void receive(struct sim *w, struct sim_message *m)
{
    switch (m->to) {
    case SIM_COLLECTOR:
        sim_collector_receive(w, m);
        break;
    case SIM_AGGREGATOR:
        sim_aggregator_receive(w, m);
        break;
    case SIM_OPERATOR:
        sim_operator_receive(w, m);
        break;
    case SIM_OBSERVER:
        sim_observer_receive(w, m);
        break;
    case SIM_INTRUDER:
        sim_intruder_receive(w, m);
        break;
    case SIM_NOTIFIER:
        sim_notifier_receive(w, m);
        break;
    default:
        sim_producer_receive(w, m);
    }
}

static void deliver(struct sim *w, struct sim_event *e)
{
    struct sim_message *m = e->message;
    const struct sim_node *to = &w->nodes[m->to];
    if (!to->up || to->cut || (m->to_life != 0 && m->to_life != to->life))
        return;
    receive(w, m);
}

/* One side of each exchange is not a service: the exchange takes its dice from there, so that what
 * happens between two parts does not shift the fate of a third. */
static struct random *link_dice(struct sim *w, const struct sim_message *m)
{
    return &w->dice[m->from > m->to ? m->from : m->to];
}

static void send_copy(struct sim *w, struct sim_message *m)
{
    struct random *dice = link_dice(w, m);
    int delay_ms = random_between(dice, 1, 20);
    if (!w->calm && random_chance(dice, 20))
        delay_ms = random_between(dice, 1, w->weather.delay_ms_max);
    sim_schedule(w, delay_ms, (struct sim_event){.run = deliver, .node = m->to, .message = m});
}

void sim_send(struct sim *w, struct sim_message *m)
{
    struct random *dice = link_dice(w, m);
    bool lost = random_chance(dice, w->weather.loss_percent);
    bool doubled = random_chance(dice, w->weather.double_percent);
    if (w->nodes[m->from].cut || w->nodes[m->to].cut || (lost && !w->calm))
        return;
    send_copy(w, m);
    if (doubled && !w->calm)
        send_copy(w, m);
}

/* A message of a dead life does not arrive: its link died with it. */
static void deliver_in_order(struct sim *w, struct sim_event *e)
{
    if (e->message->from_life == w->nodes[e->message->from].life)
        deliver(w, e);
}

void sim_send_in_order(struct sim *w, struct sim_message *m, int64_t *free_at_ms)
{
    struct random *dice = link_dice(w, m);
    int delay_ms = random_between(dice, 1, w->calm ? 20 : 20 + w->weather.delay_ms_max);
    bool lost = random_chance(dice, w->weather.loss_percent);
    if (w->nodes[m->from].cut || w->nodes[m->to].cut || (lost && !w->calm))
        return;
    if (*free_at_ms < w->now_ms + delay_ms)
        *free_at_ms = w->now_ms + delay_ms;
    sim_schedule(w, *free_at_ms - w->now_ms,
                 (struct sim_event){.run = deliver_in_order, .node = m->to, .message = m});
}

/* --- weather --- */

static void heal(struct sim *w, struct sim_event *e)
{
    w->nodes[e->node].cut = false;
    sim_log(w, "node %u is reached again", e->node);
}

static void cut(struct sim *w, struct sim_event *e)
{
    unsigned node = random_below(&w->weather_dice, w->node_count);
    int minutes = random_between(&w->weather_dice, 1, 8);
    (void)e;
    if (w->calm || w->nodes[node].cut)
        return;
    w->nodes[node].cut = true;
    sim_log(w, "node %u is cut off for %d minutes", node, minutes);
    sim_schedule(w, (int64_t)minutes * MINUTE_MS, (struct sim_event){.run = heal, .node = node});
}

/* From a minute to some days, in either direction; mostly somebody sets it right again. */
static void jump_clock(struct sim *w, struct sim_event *e)
{
    static const int64_t reach_ms[] = {MINUTE_MS, 50 * MINUTE_MS, 3 * 24 * 60 * MINUTE_MS};
    struct random *dice = &w->weather_dice;
    int64_t reach = reach_ms[random_below(dice, 3)];
    int64_t offset = (int64_t)(random_next(dice) % (uint64_t)(2 * reach)) - reach;
    (void)e;
    if (w->calm)
        return;
    w->collector.wall_offset_ms = random_chance(dice, 40) ? 0 : offset;
    sim_log(w, "the collector's machine is off by %" PRId64 " ms", w->collector.wall_offset_ms);
}

static void accident(struct sim *w, struct sim_event *e)
{
    unsigned producers = w->node_count - SIM_PRODUCER_FIRST;
    (void)e;
    if (!w->calm)
        sim_producer_accident(w, SIM_PRODUCER_FIRST + random_below(&w->weather_dice, producers));
}

/* A night, or a day: every clock goes on, nothing else. It is over a while after leaders came, or
 * before they leave: then targets are judged. */
static void sleep_on(struct sim *w, struct sim_event *e)
{
    static const int hours[] = {8, 17, 8 + 24};
    int64_t now = sim_true_ms(w), until = 0;
    (void)e;
    for (size_t i = 0; until <= now; i++)
        until = day_start_ms(day_of_ms(now)) + (int64_t)hours[i] * 60 * MINUTE_MS;
    w->slept_ms += until - now + random_between(&w->weather_dice, -2, 40) * MINUTE_MS;
    sim_log(w, "%" PRId64 " hours pass at once", (sim_true_ms(w) - now) / 60 / MINUTE_MS);
}

static void scatter(struct sim *w, unsigned count, void (*run)(struct sim *, struct sim_event *))
{
    uint64_t storm_ms = (uint64_t)(w->storm_end_ms - w->now_ms);
    for (unsigned i = 0; i < count; i++)
        sim_schedule(w, (int64_t)(random_next(&w->weather_dice) % storm_ms),
                     (struct sim_event){.run = run});
}

static void end_storm(struct sim *w, struct sim_event *e)
{
    (void)e;
    w->calm = true;
    for (unsigned i = 0; i < w->node_count; i++)
        w->nodes[i].cut = false;
    memkv_fail_commit_after(w->collector.disk, 0, 0);
    memkv_fail_put_after(w->collector.disk, 0, 0);
    memkv_fail_commit_after(w->aggregator.disk, 0, 0);
    memkv_fail_put_after(w->aggregator.disk, 0, 0);
    memkv_fail_commit_after(w->notifier.disk, 0, 0);
    memkv_fail_put_after(w->notifier.disk, 0, 0);
    sim_log(w, "the storm is over");
}

static struct sim_weather choose_weather(struct random *dice)
{
    struct sim_weather x = {.delay_ms_max = random_between(dice, 50, 20000)};
    bool fair = random_chance(dice, 10);
    x.changes = random_below(dice, 12);
    x.nights = random_below(dice, NIGHTS_MAX);
    if (fair)
        return x;
    x.loss_percent = random_chance(dice, 70) ? random_below(dice, 25) : 0;
    x.double_percent = random_chance(dice, 70) ? random_below(dice, 25) : 0;
    x.crash_permille = random_chance(dice, 80) ? random_below(dice, 25) : 0;
    x.commit_fail_permille = random_chance(dice, 60) ? random_below(dice, 80) : 0;
    x.partitions = random_chance(dice, 60) ? random_below(dice, 5) : 0;
    x.clock_jumps = random_chance(dice, 40) ? random_below(dice, 5) : 0;
    x.accidents = random_chance(dice, 40) ? random_below(dice, 4) : 0;
    return x;
}

/* --- a run --- */

static void world_init(struct sim *w, uint64_t seed, const struct sim_options *options)
{
    w->seed = seed;
    w->options = *options;
    arena_init(&w->memory, 8 << 20);
    w->weather_dice.state = seed;
    struct random *dice = &w->weather_dice;
    for (unsigned i = 0; i < SIM_NODES_MAX; i++)
        w->dice[i].state = random_next(dice);
    w->weather = choose_weather(dice);
    if (options->no_faults)
        w->weather =
            (struct sim_weather){.changes = w->weather.changes, .nights = w->weather.nights};
    w->replay = random_chance(dice, 15);
    w->campaign = random_chance(dice, 50);
    w->weather.nights += w->campaign ? CAMPAIGN_NIGHTS : 0;
    w->pace = random_between(dice, 0, 40);
    w->turn = random_between(dice, 11, 15);
    w->pace_after = random_chance(dice, 50) ? w->pace : random_between(dice, 200, 900);
    w->node_count = SIM_PRODUCER_FIRST + (unsigned)random_between(dice, 3, SIM_PRODUCERS_MAX);
    day_t today = day_of(2024, 10, 5) + random_between(dice, 0, 60);
    w->first = today - DAYS_BACK;
    w->last = today + DAYS_AHEAD;
    w->start_ms = w->now_ms = day_start_ms(today) + (int64_t)HOUR_OF_START * 60 * MINUTE_MS +
                              (int64_t)random_below(dice, 100) * MINUTE_MS;
    w->storm_end_ms =
        w->now_ms + (int64_t)random_between(dice, STORM_MINUTES_MIN, STORM_MINUTES_MAX) * MINUTE_MS;
    w->last_tick_ms = w->storm_end_ms + (int64_t)TICKS_GO_ON_MINUTES * MINUTE_MS;
    w->statement_count = 1;
    for (unsigned i = 0; i < w->node_count; i++)
        w->nodes[i] = (struct sim_node){.up = true, .life = 1};
}

static void begin(struct sim *w)
{
    w->collector.disk = memkv_create(COLLECTOR_TABLE_COUNT);
    w->aggregator.disk = memkv_create(LEDGER_TABLE_COUNT);
    w->notifier.disk = memkv_create(NOTIFIER_TABLE_COUNT);
    sim_verifier_open(w);
    sim_operator_found(w);
    sim_aggregator_start(w);
    sim_notifier_start(w);
    sim_operator_begin(w);
    sim_observer_begin(w);
    sim_intruder_begin(w);
    for (unsigned node = SIM_PRODUCER_FIRST; node < w->node_count; node++)
        sim_producer_begin(w, node);
    scatter(w, w->weather.partitions, cut);
    scatter(w, w->weather.clock_jumps, jump_clock);
    scatter(w, w->weather.accidents, accident);
    scatter(w, w->weather.nights, sleep_on);
    sim_schedule(w, w->storm_end_ms - w->now_ms, (struct sim_event){.run = end_storm});
}

static bool all_delivered(const struct sim *w)
{
    if (!w->calm || (w->options.no_faults && w->now_ms <= w->last_tick_ms))
        return false;
    if (!w->nodes[SIM_COLLECTOR].up || !w->nodes[SIM_AGGREGATOR].up)
        return false;
    for (unsigned node = SIM_PRODUCER_FIRST; node < w->node_count; node++)
        if (!sim_producer_idle(w, node))
            return false;
    return sim_operator_idle(w) && w->aggregator.kv == NULL &&
           w->aggregator.checkpoint_offset == w->journal.count && sim_observer_idle(w) &&
           sim_notifier_idle(w);
}

static void step(struct sim *w)
{
    struct sim_event e = take_event(w);
    w->now_ms = e.at_ms;
    w->step++;
    if (e.life == 0 || e.life == w->nodes[e.node].life)
        e.run(w, &e);
}

static void run(struct sim *w)
{
    while (!all_delivered(w)) {
        if (w->event_count == 0)
            sim_fail(w, "nothing happens any more, and not all is delivered");
        if (w->step > STEPS_MAX ||
            w->now_ms > w->storm_end_ms + (int64_t)CALM_MINUTES_MAX * MINUTE_MS)
            sim_fail(w,
                     "faults are long over, and not all is delivered: journal %zu, aggregator "
                     "%" PRIu64,
                     w->journal.count, w->aggregator.checkpoint_offset);
        step(w);
    }
}

static void add_line(void *arg, const char *text)
{
    buf_bytes(arg, text, strlen(text));
    buf_u8(arg, '\n');
}

static void hash_dump(struct sim *w, uint8_t out[HASH_BYTES])
{
    struct buf dump = {0};
    struct kv *kv = memkv_begin(w->aggregator.disk, false);
    ledger_dump(w->aggregator.ledger, kv, false, add_line, &dump);
    memkv_abort(&kv);
    journal_hash(buf_slice(&dump), out);
    buf_fini(&dump);
}

static void hash_history(struct sim *w, uint8_t out[HASH_BYTES])
{
    struct buf history = {0};
    for (size_t i = 0; i < w->post.count; i++)
        buf_block(&history, w->post.decisions[i].record);
    journal_hash(buf_slice(&history), out);
    buf_fini(&history);
}

static struct sim_outcome outcome(struct sim *w)
{
    struct sim_outcome o = {.answers = w->observer.answers,
                            .compared = w->observer.compared,
                            .steps = w->step,
                            .points = w->points,
                            .crashes = w->crashes,
                            .entries = w->journal.count,
                            .decisions = w->post.count,
                            .told = w->post.told,
                            .redelivered = w->post.redelivered};
    memcpy(o.tells, w->post.tells, sizeof o.tells);
    memcpy(o.moves, w->post.moves, sizeof o.moves);
    memcpy(o.head, w->journal.head.hash, HASH_BYTES);
    if (w->options.no_faults)
        hash_dump(w, o.dump);
    if (w->options.no_faults)
        hash_history(w, o.history);
    return o;
}

static void world_fini(struct sim *w)
{
    sim_collector_fini(w);
    sim_aggregator_fini(w);
    sim_notifier_fini(w);
    sim_post_fini(&w->post);
    sim_operator_fini(w);
    sim_observer_fini(w);
    sim_verifier_close(w);
    sim_journal_fini(&w->journal);
    free(w->statements);
    free(w->events);
    arena_fini(&w->memory);
}

struct sim_outcome sim_run(uint64_t seed, const struct sim_options *options)
{
    struct sim *w = alloc_zeroed(1, sizeof *w);
    current = w;
    world_init(w, seed, options);
    begin(w);
    run(w);
    sim_verifier_check_end(w);
    struct sim_outcome o = outcome(w);
    world_fini(w);
    current = NULL;
    free(w);
    return o;
}
