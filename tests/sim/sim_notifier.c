/* The notifier's wiring: pulls frames, applies some in one transaction, and after its commit works
 * the outbox channel by channel: handed over, synced, marked as delivered in a transaction of its
 * own. */
#include "tests/sim/sim.h"

#include <inttypes.h>

#include "common/wire/wire.h"

enum {
    ANSWER_MS = 12 * 1000, /* for an answer, beyond what the aggregator may keep a pull */
    WAIT_MS_MAX = 90 * 1000,
    RETRY_MS = 3 * 1000, /* after a failed commit or delivery */
    DELIVER_MAX = 4,     /* of one channel, before the others have their turn */
    KEEP_BYTES = 1 << 20,
};

/* A message as it goes out; the transaction it was read in is over then. */
struct parcel {
    uint64_t number;
    struct slice place;
    struct slice message;
};

static void pull(struct sim *w, struct sim_event *e);
static void apply(struct sim *w, struct sim_event *e);
static void work_maildir(struct sim *w, struct sim_event *e);
static void work_feed(struct sim *w, struct sim_event *e);

static struct random *dice_of(struct sim *w)
{
    return &w->dice[SIM_NOTIFIER];
}

static void schedule(struct sim *w, int64_t after_ms, void (*run)(struct sim *, struct sim_event *))
{
    sim_schedule(
        w, after_ms,
        (struct sim_event){.run = run, .node = SIM_NOTIFIER, .life = w->nodes[SIM_NOTIFIER].life});
}

static bool crashes(struct sim *w, const char *where)
{
    return sim_crashes(w, SIM_NOTIFIER, where);
}

/* --- life and death --- */

static void open_core(struct sim *w)
{
    struct sim_notifier *n = &w->notifier;
    struct err err = {0};
    struct kv *kv = memkv_begin(n->disk, false);
    if (notifier_open(&n->core, kv, &wire_codec, &err) != 0)
        sim_fail(w, "the notifier does not start: %s", err.text);
    memkv_abort(&kv);
    n->done = notifier_position(n->core);
}

static void deliver_more(struct sim *w, enum notifier_channel channel, int64_t after_ms)
{
    struct sim_channel *c = &w->notifier.channels[channel];
    if (c->due)
        return;
    c->due = true;
    schedule(w, after_ms, channel == CHANNEL_MAILDIR ? work_maildir : work_feed);
}

void sim_notifier_start(struct sim *w)
{
    struct sim_notifier *n = &w->notifier;
    arena_init(&n->arena, KEEP_BYTES);
    open_core(w);
    n->earlier_offset = n->done.offset;
    pull(w, NULL);
    for (unsigned i = 0; i < CHANNEL_COUNT; i++)
        deliver_more(w, (enum notifier_channel)i, 0);
}

void sim_notifier_die(struct sim *w)
{
    struct sim_notifier *n = &w->notifier;
    memkv_crash(n->disk);
    notifier_close(n->core);
    n->core = NULL;
    n->reply = NULL;
    memset(n->channels, 0, sizeof n->channels);
    arena_fini(&n->arena);
    sim_maildir_crash(w);
}

void sim_notifier_fini(struct sim *w)
{
    if (w->nodes[SIM_NOTIFIER].up)
        sim_notifier_die(w);
    memkv_destroy(w->notifier.disk);
}

bool sim_notifier_idle(const struct sim *w)
{
    const struct sim_notifier *n = &w->notifier;
    return w->nodes[SIM_NOTIFIER].up && n->reply == NULL &&
           n->done.offset == ledger_position(w->aggregator.ledger).tick_offset &&
           memkv_count(n->disk, NOTIFIER_OUTBOX) == 0;
}

/* --- pulling --- */

static void pull_again(struct sim *w, struct sim_event *e)
{
    if (e->message->id == w->notifier.pull_id && w->notifier.reply == NULL)
        pull(w, NULL);
}

/* Now and then it asks for what it has already: a frame that comes twice is nothing new. */
static void pull(struct sim *w, struct sim_event *e)
{
    struct sim_notifier *n = &w->notifier;
    struct sim_message *m = sim_message(w, SIM_FRAMES_PULL, SIM_NOTIFIER, SIM_AGGREGATOR);
    (void)e;
    m->id = ++n->pull_id;
    m->pull.after_offset = random_chance(dice_of(w), 15) ? n->earlier_offset : n->done.offset;
    m->pull.bytes_max = (uint32_t)random_between(dice_of(w), 1, 6000);
    m->pull.wait_ms = random_below(dice_of(w), WAIT_MS_MAX);
    sim_send(w, m);
    sim_schedule(w, m->pull.wait_ms + ANSWER_MS,
                 (struct sim_event){.run = pull_again,
                                    .node = SIM_NOTIFIER,
                                    .life = w->nodes[SIM_NOTIFIER].life,
                                    .message = m});
}

/* --- applying --- */

static void arm_faults(struct sim *w)
{
    struct random *dice = dice_of(w);
    struct memkv *disk = w->notifier.disk;
    if (w->calm || !sim_chance_permille(dice, w->weather.commit_fail_permille))
        return;
    int code = random_chance(dice, 70) ? ERR_FULL : ERR_IO;
    if (random_chance(dice, 50))
        memkv_fail_commit_after(disk, 1, code);
    else
        memkv_fail_put_after(disk, random_between(dice, 1, 12), code);
}

static struct notifier_entry *take_entries(const struct wire_frame *f, struct arena *arena)
{
    struct notifier_entry *entries = arena_alloc(arena, (f->entry_count + 1) * sizeof *entries);
    for (uint32_t i = 0; i < f->entry_count; i++)
        entries[i] =
            (struct notifier_entry){f->entries[i].kind, f->entries[i].offset, f->entries[i].body};
    return entries;
}

static struct notifier_cell *take_cells(const struct wire_frame *f, struct arena *arena)
{
    struct notifier_cell *cells = arena_alloc(arena, (f->cell_count + 1) * sizeof *cells);
    for (uint32_t i = 0; i < f->cell_count; i++) {
        const struct wire_frame_cell *from = &f->cells[i];
        cells[i] = (struct notifier_cell){.indicator = slice_str(from->indicator),
                                          .unit = slice_str(from->unit),
                                          .day = from->day,
                                          .amount = from->amount,
                                          .figures = from->figures,
                                          .reported = from->reported,
                                          .on_time = from->on_time};
    }
    return cells;
}

int sim_notifier_apply(struct notifier *core, struct kv *kv, const struct wire_frame *f,
                       struct arena *arena, struct err *err)
{
    struct notifier_frame frame = {.offset = f->offset,
                                   .previous_offset = f->previous_offset,
                                   .time_ms = f->time_ms,
                                   .entries = take_entries(f, arena),
                                   .entry_count = f->entry_count,
                                   .everything = f->everything,
                                   .cells = take_cells(f, arena),
                                   .cell_count = f->cell_count};
    return notifier_apply_frame(core, kv, &frame, err);
}

static void apply_next(struct sim *w, struct kv *kv)
{
    struct sim_notifier *n = &w->notifier;
    struct wire_frame frame;
    struct err err = {0};
    int rc = wire_unpack_frame(&n->rest, &n->arena, &frame, &err);
    if (rc == 0)
        rc = sim_notifier_apply(n->core, kv, &frame, &n->arena, &err);
    if (rc != 0 && !kv_failed(kv))
        sim_fail(w, "the notifier cannot go on: %s", err.text);
    arena_reset(&n->arena);
}

/* Nothing in memory outlives a failed commit: all since the last one is pulled again. */
static void start_over(struct sim *w, const struct err *why)
{
    struct sim_notifier *n = &w->notifier;
    sim_log(w, "the notifier's commit fails: %s", why->text);
    n->reply = NULL;
    notifier_close(n->core);
    n->core = NULL;
    open_core(w);
    n->pull_id++;
    schedule(w, RETRY_MS, pull);
}

/* False: the notifier is dead, or has to start over. */
static bool commit(struct sim *w, struct kv *kv)
{
    struct sim_notifier *n = &w->notifier;
    struct err err = {0};
    if (memkv_commit(&kv, &err) != 0) {
        start_over(w, &err);
        return false;
    }
    n->earlier_offset = n->done.offset;
    n->done = notifier_position(n->core);
    sim_post_follow(w);
    if (crashes(w, "notifier: committed, nothing delivered"))
        return false;
    for (unsigned i = 0; i < CHANNEL_COUNT; i++)
        deliver_more(w, (enum notifier_channel)i, 0);
    return true;
}

/* Several frames may share a transaction: each is in it whole, and so is all that it led to. */
static void apply(struct sim *w, struct sim_event *e)
{
    struct sim_notifier *n = &w->notifier;
    struct kv *kv = memkv_begin(n->disk, true);
    (void)e;
    arm_faults(w);
    do {
        apply_next(w, kv);
        if (crashes(w, "notifier: frame applied, not committed"))
            return;
    } while (!kv_failed(kv) && n->rest.len > 0 && random_chance(dice_of(w), 75));
    if (!commit(w, kv))
        return;
    if (n->rest.len > 0) {
        schedule(w, sim_after(w, SIM_NOTIFIER, 0, 50), apply);
        return;
    }
    n->reply = NULL;
    pull(w, NULL);
}

static void take_frames(struct sim *w, const struct sim_message *m)
{
    struct sim_notifier *n = &w->notifier;
    if (m->id != n->pull_id || n->reply != NULL)
        return; /* of a pull that was given up */
    if (m->frames.len == 0) {
        pull(w, NULL);
        return;
    }
    n->reply = m;
    n->rest = m->frames;
    if (!crashes(w, "notifier: frames come, nothing applied"))
        schedule(w, sim_after(w, SIM_NOTIFIER, 0, 50), apply);
}

void sim_notifier_receive(struct sim *w, struct sim_message *m)
{
    if (m->kind == SIM_FRAMES)
        take_frames(w, m);
}

/* --- delivering: taken --- */

static bool next_of(struct sim *w, struct kv *kv, enum notifier_channel channel, uint64_t after,
                    struct notification *out)
{
    enum notifier_channel after_channel = channel;
    struct err err = {0};
    int rc;
    while ((rc = notifier_outbox_next(kv, after, after_channel, out, &err)) > 0 &&
           out->channel != channel) {
        after = out->number;
        after_channel = out->channel;
    }
    if (rc < 0)
        sim_fail(w, "the notifier's outbox: %s", err.text);
    return rc > 0;
}

static unsigned take_parcels(struct sim *w, struct kv *kv, enum notifier_channel channel,
                             struct parcel parcels[], unsigned most)
{
    uint64_t after = w->notifier.channels[channel].done_number;
    struct notification next;
    unsigned count = 0;
    while (count < most && next_of(w, kv, channel, after, &next)) {
        struct parcel *p = &parcels[count++];
        p->number = after = next.number;
        sim_post_wrap(w, &next, &p->place, &p->message);
    }
    return count;
}

/* --- handed over --- */

static bool disk_refuses(struct sim *w)
{
    return !w->calm && sim_chance_permille(dice_of(w), w->weather.commit_fail_permille);
}

/* False: the notifier is dead. */
static bool lay_down(struct sim *w, const struct parcel *p)
{
    struct sim_mail *mail = sim_mail_write(w, p->place, p->message);
    if (crashes(w, "notifier: message written, not synced"))
        return false;
    sim_mail_sync(mail);
    if (crashes(w, "notifier: message synced, not in place"))
        return false;
    sim_mail_place(w, mail);
    return !crashes(w, "notifier: message in place, folder not synced");
}

/* *count: how many of them are there to stay. False: the notifier is dead. */
static bool hand_over_mail(struct sim *w, const struct parcel parcels[], unsigned *count)
{
    unsigned done = 0;
    for (; done < *count && !disk_refuses(w); done++)
        if (!lay_down(w, &parcels[done]))
            return false;
    *count = done > 0 && !disk_refuses(w) ? done : 0;
    if (*count == 0)
        return true;
    sim_maildir_sync(w);
    return !crashes(w, "notifier: folder synced, not marked");
}

/* Whoever listens may miss it: the feed tells those who are there. */
static bool hand_over_feed(struct sim *w, const struct parcel parcels[], unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct sim_message *m = sim_message(w, SIM_NOTIFICATION, SIM_NOTIFIER, SIM_OBSERVER);
        m->notification.number = parcels[i].number;
        m->notification.bytes = parcels[i].message;
        sim_post_publish(w, parcels[i].number, parcels[i].message);
        sim_send_in_order(w, m, &w->notifier.feed_free_at_ms);
        if (crashes(w, "notifier: notification sent"))
            return false;
    }
    return true;
}

/* --- marked --- */

/* False: the notifier is dead. */
static bool mark(struct sim *w, enum notifier_channel channel, const struct parcel parcels[],
                 unsigned *count)
{
    struct err err = {0};
    struct kv *kv = memkv_begin(w->notifier.disk, true);
    arm_faults(w);
    for (unsigned i = 0; i < *count; i++)
        notifier_outbox_delivered(kv, parcels[i].number, channel);
    if (crashes(w, "notifier: marked, not committed"))
        return false;
    if (memkv_commit(&kv, &err) != 0) {
        sim_log(w, "what was delivered is not marked: %s", err.text);
        *count = 0;
        return true;
    }
    sim_post_follow(w);
    w->notifier.channels[channel].done_number = parcels[*count - 1].number;
    return !crashes(w, "notifier: marked");
}

/* --- a channel's turn --- */

static void work(struct sim *w, enum notifier_channel channel)
{
    struct parcel parcels[DELIVER_MAX];
    unsigned most = 1 + random_below(dice_of(w), DELIVER_MAX);
    w->notifier.channels[channel].due = false;
    struct kv *kv = memkv_begin(w->notifier.disk, false);
    unsigned taken = take_parcels(w, kv, channel, parcels, most), done = taken;
    memkv_abort(&kv);
    if (taken == 0)
        return;
    if (channel == CHANNEL_MAILDIR ? !hand_over_mail(w, parcels, &done)
                                   : !hand_over_feed(w, parcels, done))
        return;
    if (done > 0 && !mark(w, channel, parcels, &done))
        return;
    if (done < taken)
        deliver_more(w, channel, RETRY_MS);
    else if (taken == most)
        deliver_more(w, channel, 0);
}

static void work_maildir(struct sim *w, struct sim_event *e)
{
    (void)e;
    work(w, CHANNEL_MAILDIR);
}

static void work_feed(struct sim *w, struct sim_event *e)
{
    (void)e;
    work(w, CHANNEL_FEED);
}
