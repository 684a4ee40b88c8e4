/* Pulls of frames: answered from what is checkpointed, also while the aggregator catches up, as a
 * frame is what it is; one that wants a tick which is not there yet waits until it is, or until its
 * time is over. */
#include "common/wire/frame_wire.h"
#include "services/aggregator/aggregator_service.h"

enum { WAIT_MAX_MS = 60 * 1000, ANSWER_BYTES_MAX = 8 << 20 };

/* --- taking */

int aggregator_frames_take(void *service, const struct asker *from, const struct net_message *m,
                           struct err *e)
{
    struct aggregator_service *s = service;
    struct aggregator_frames_waiter w = {.from = *from};
    int rc = wire_unpack_frames_request(responder_frame(m, 1), &w.request, e);
    if (rc == 0 && s->frames_waiter_count == FRAMES_WAITERS_MAX)
        rc = err_set(e, ERR_AGAIN, "%d pulls of frames wait already: ask again later",
                     FRAMES_WAITERS_MAX);
    if (rc != 0)
        return rc;
    uint32_t wait_ms = w.request.wait_ms < WAIT_MAX_MS ? w.request.wait_ms : WAIT_MAX_MS;
    w.deadline_ms = loop_now_ms() + wait_ms;
    s->frames_waiters[s->frames_waiter_count++] = w;
    return 0;
}

/* --- one frame */

static void gather_entries(struct aggregator_service *s, struct kv *kv,
                           const struct ledger_frame *frame, struct wire_frame *out)
{
    uint64_t offset = frame->previous_offset;
    struct wire_frame_entry entry;
    uint32_t room = 0;
    while (ledger_registry_after(kv, offset, &offset, &entry.kind, &entry.body) &&
           offset < frame->offset) {
        if (out->entry_count == room) {
            room = room == 0 ? 8 : room * 2;
            struct wire_frame_entry *more = arena_alloc(&s->arena, room * sizeof *more);
            if (out->entry_count > 0)
                memcpy(more, out->entries, out->entry_count * sizeof *more);
            out->entries = more;
        }
        entry.offset = offset;
        out->entries[out->entry_count++] = entry;
    }
}

static int gather_cells(struct aggregator_service *s, struct ledger_frame *frame,
                        struct wire_frame *out, struct err *e)
{
    const struct registry *r = ledger_registry(s->ledger);
    struct ledger_cell_key key;
    struct ledger_cell cell;
    out->cells = arena_alloc(&s->arena, frame->cell_count * sizeof *out->cells);
    while (out->cell_count < frame->cell_count && ledger_frame_next_cell(frame, &key, &cell))
        out->cells[out->cell_count++] =
            (struct wire_frame_cell){.indicator = registry_indicator(r, key.indicator)->id.text,
                                     .unit = catalogue_code_text(registry_catalogue(r), key.code),
                                     .day = key.day,
                                     .amount = cell.amount,
                                     .figures = cell.figures,
                                     .reported = cell.reported,
                                     .on_time = cell.on_time};
    if (out->cell_count == frame->cell_count)
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "the frame of tick %llu cannot be read; let the store be made again from the "
                   "journal",
                   (unsigned long long)frame->offset);
}

static int pack_frame(struct aggregator_service *s, struct kv *kv, struct ledger_frame *frame,
                      struct buf *out, struct err *e)
{
    struct wire_frame f = {.offset = frame->offset,
                           .previous_offset = frame->previous_offset,
                           .time_ms = frame->time_ms,
                           .everything = frame->everything};
    gather_entries(s, kv, frame, &f);
    int rc = gather_cells(s, frame, &f, e);
    if (rc == 0)
        rc = wire_pack_frame(&f, out, e);
    arena_reset(&s->arena);
    return rc;
}

/* --- one answer */

static int check_follows(struct aggregator_service *s, struct kv *kv, uint64_t after, struct err *e)
{
    if (after == 0 || after > s->done.tick_offset || ledger_frame_at(kv, after))
        return 0;
    return err_set(
        e, ERR_CORRUPT,
        "entry %llu of this journal is no tick, and was one for who asks: one of the two "
        "was restored from a backup; compare heads before going on",
        (unsigned long long)after);
}

/* As many as fit into `bytes_max`, one at least. */
static int gather_frames(struct aggregator_service *s, struct kv *kv,
                         const struct wire_frames_request *request, struct buf *out,
                         uint32_t *count, struct err *e)
{
    struct ledger_frame frame = {.offset = request->after_offset};
    size_t most = request->bytes_max == 0 || request->bytes_max > ANSWER_BYTES_MAX
                      ? ANSWER_BYTES_MAX
                      : request->bytes_max;
    int rc = check_follows(s, kv, request->after_offset, e);
    while (rc == 0 && out->len < most) {
        size_t before = out->len;
        rc = ledger_frame_after(kv, frame.offset, &frame, e);
        if (rc == ERR_NOT_FOUND)
            return kv_failed(kv) ? err_set(e, kv->err.code, "%s", kv->err.text) : 0;
        if (rc == 0)
            rc = pack_frame(s, kv, &frame, out, e);
        /* What is too much for this answer, or for any, is the next one's affair. */
        if (before > 0 && (rc == ERR_LIMIT || (rc == 0 && out->len > most))) {
            out->len = before;
            return 0;
        }
        *count += rc == 0;
    }
    return rc;
}

static void answer(struct aggregator_service *s, const struct aggregator_frames_waiter *w,
                   struct slice frames, uint32_t count)
{
    struct wire_frames told = {count, s->done.tick_offset, s->done.tick_time_ms};
    struct buf message = {0};
    wire_pack_frames(&told, &message);
    responder_send(&s->responder, &w->from, WIRE_FRAMES, buf_slice(&message), frames);
    *s->count.frames_sent += count;
    buf_fini(&message);
}

/* Its key may have been revoked while it waited. */
static void serve(struct aggregator_service *s, const struct aggregator_frames_waiter *w)
{
    struct buf frames = {0};
    struct kv *kv = NULL;
    struct err e;
    uint32_t count = 0;
    int rc = responder_check(&s->responder, &w->from, &e);
    if (rc == 0)
        rc = store_begin(s->store, false, &kv, &e);
    if (rc == 0)
        rc = gather_frames(s, kv, &w->request, &frames, &count, &e);
    store_abort(&kv);
    if (rc == 0)
        answer(s, w, buf_slice(&frames), count);
    else
        responder_fail(&s->responder, &w->from, &e);
    buf_fini(&frames);
}

/* A follower that is ahead waits too: this store is being made again, and will come to it. */
void aggregator_frames_serve(struct aggregator_service *s)
{
    int64_t now_ms = loop_now_ms(), next_ms = INT64_MAX;
    unsigned kept = 0;
    for (unsigned i = 0; i < s->frames_waiter_count; i++) {
        const struct aggregator_frames_waiter *w = &s->frames_waiters[i];
        if (w->request.after_offset < s->done.tick_offset || w->deadline_ms <= now_ms) {
            serve(s, w);
            continue;
        }
        if (w->deadline_ms < next_ms)
            next_ms = w->deadline_ms;
        s->frames_waiters[kept++] = *w;
    }
    s->frames_waiter_count = kept;
    if (kept > 0)
        aggregator_follow_wake(s, next_ms - now_ms);
}
