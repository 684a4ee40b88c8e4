/* The aggregator's answers to pulls of frames: from what is checkpointed, also while it catches up,
 * as a frame is what it is. One that wants a tick which is not there yet waits for it, or until its
 * time is over. */
#include "tests/sim/sim.h"

#include <inttypes.h>

static struct sim_event own_event(struct sim *w, void (*run)(struct sim *, struct sim_event *))
{
    return (struct sim_event){
        .run = run, .node = SIM_AGGREGATOR, .life = w->nodes[SIM_AGGREGATOR].life};
}

/* --- one frame --- */

static void read_entries(struct kv *kv, const struct ledger_frame *frame, struct arena *arena,
                         struct wire_frame *out)
{
    struct wire_frame_entry entry = {.offset = frame->previous_offset};
    uint32_t count = 0;
    while (ledger_registry_after(kv, entry.offset, &entry.offset, &entry.kind, &entry.body) &&
           entry.offset < frame->offset)
        count++;
    out->entries = arena_alloc(arena, (count + 1) * sizeof *out->entries);
    entry.offset = frame->previous_offset;
    while (out->entry_count < count) {
        ledger_registry_after(kv, entry.offset, &entry.offset, &entry.kind, &entry.body);
        out->entries[out->entry_count++] = entry;
    }
}

static void read_cells(struct sim *w, const struct registry *r, struct ledger_frame *frame,
                       struct arena *arena, struct wire_frame *out)
{
    struct ledger_cell_key key;
    struct ledger_cell cell;
    out->cells = arena_alloc(arena, (frame->cell_count + 1) * sizeof *out->cells);
    while (out->cell_count < frame->cell_count && ledger_frame_next_cell(frame, &key, &cell))
        out->cells[out->cell_count++] =
            (struct wire_frame_cell){.indicator = registry_indicator(r, key.indicator)->id.text,
                                     .unit = catalogue_code_text(registry_catalogue(r), key.code),
                                     .day = key.day,
                                     .amount = cell.amount,
                                     .figures = cell.figures,
                                     .reported = cell.reported,
                                     .on_time = cell.on_time};
    if (out->cell_count < frame->cell_count)
        sim_fail(w, "the frame of tick %" PRIu64 " ends early", frame->offset);
}

void sim_frame_read(struct sim *w, const struct ledger *l, struct kv *kv,
                    struct ledger_frame *frame, struct arena *arena, struct wire_frame *out)
{
    *out = (struct wire_frame){.offset = frame->offset,
                               .previous_offset = frame->previous_offset,
                               .time_ms = frame->time_ms,
                               .everything = frame->everything};
    read_entries(kv, frame, arena, out);
    read_cells(w, ledger_registry(l), frame, arena, out);
}

/* --- one answer --- */

static void check_follows(struct sim *w, struct kv *kv, uint64_t after)
{
    if (after != 0 && after <= ledger_position(w->aggregator.ledger).tick_offset &&
        !ledger_frame_at(kv, after))
        sim_fail(w, "entry %" PRIu64 " is no tick, and was one for the notifier", after);
}

/* As many as fit into `bytes_max`, one at least. */
static void gather_frames(struct sim *w, struct kv *kv, const struct wire_frames_request *request,
                          struct buf *out)
{
    struct sim_aggregator *a = &w->aggregator;
    struct ledger_frame frame = {.offset = request->after_offset};
    struct wire_frame packed;
    struct err err = {0};
    check_follows(w, kv, request->after_offset);
    size_t before = 0;
    while (err.code == 0 && out->len < request->bytes_max &&
           ledger_frame_after(kv, frame.offset, &frame, &err) == 0) {
        before = out->len;
        sim_frame_read(w, a->ledger, kv, &frame, &a->arena, &packed);
        wire_pack_frame(&packed, out, &err);
        arena_reset(&a->arena);
    }
    if (before > 0 && out->len > request->bytes_max)
        out->len = before;
    if (err.code != 0)
        sim_fail(w, "frames after %" PRIu64 ": %s", request->after_offset, err.text);
}

static void answer(struct sim *w, const struct sim_message *asked)
{
    struct sim_message *m = sim_message(w, SIM_FRAMES, SIM_AGGREGATOR, asked->from);
    struct buf frames = {0};
    struct kv *kv = memkv_begin(w->aggregator.disk, false);
    gather_frames(w, kv, &asked->pull, &frames);
    memkv_abort(&kv);
    m->to_life = asked->from_life;
    m->id = asked->id;
    m->frames = sim_keep(w, buf_slice(&frames));
    buf_fini(&frames);
    sim_send(w, m);
}

/* A follower that is ahead waits too: this store is being made again, and will come to it. */
bool sim_frames_serve(struct sim *w)
{
    struct sim_aggregator *a = &w->aggregator;
    unsigned kept = 0;
    for (unsigned i = 0; i < a->pull_count; i++) {
        struct sim_pull pull = a->pulls[i];
        bool is_there = pull.message->pull.after_offset < ledger_position(a->ledger).tick_offset;
        if (a->kv != NULL || (!is_there && w->now_ms < pull.deadline_ms)) {
            a->pulls[kept++] = pull;
            continue;
        }
        answer(w, pull.message);
        if (sim_crashes(w, SIM_AGGREGATOR, "aggregator: frames sent"))
            return false;
    }
    a->pull_count = kept;
    return true;
}

/* --- taking --- */

static void time_is_over(struct sim *w, struct sim_event *e)
{
    (void)e;
    sim_frames_serve(w);
}

void sim_frames_take(struct sim *w, const struct sim_message *m)
{
    struct sim_aggregator *a = &w->aggregator;
    if (a->pull_count == SIM_PULLS_MAX)
        return;
    a->pulls[a->pull_count++] = (struct sim_pull){m, w->now_ms + m->pull.wait_ms};
    sim_schedule(w, m->pull.wait_ms, own_event(w, time_is_over));
    sim_frames_serve(w);
}
