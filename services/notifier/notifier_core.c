#include "services/notifier/notifier_core.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "services/notifier/notifier_internal.h"

enum { NOTIFIER_ARENA_KEEP = 1 << 20 };

static const char position_key[] = "position";
static const int64_t hour_ms = 3600 * 1000;
/* Of the civil day, in hours: when leaders have come to work, and before they leave. */
static const int judging_hours[] = {8, 17};

/* ---- opening ---- */

static int load_position(struct notifier *n, struct kv *kv, struct err *err)
{
    struct slice value;
    n->next_number = 1;
    if (!kv_get(kv, NOTIFIER_META, slice_str(position_key), &value))
        return 0;
    struct reader r = reader_of(value);
    unsigned format = reader_u8(&r);
    if (format > NOTIFIER_FORMAT)
        return err_set(err, ERR_VERSION,
                       "notifier: the store was written in format %u, this program knows %d: start "
                       "the later version again",
                       format, NOTIFIER_FORMAT);
    n->position.offset = reader_u64(&r);
    n->position.time_ms = reader_i64_ordered(&r);
    n->position.judged_ms = reader_i64_ordered(&r);
    n->next_number = reader_u64(&r);
    return reader_done(&r) ? 0 : notifier_corrupt(err, "meta");
}

static void save_position(const struct notifier *n, struct kv *kv)
{
    struct buf b = {0};
    buf_u8(&b, NOTIFIER_FORMAT);
    buf_u64(&b, n->position.offset);
    buf_i64_ordered(&b, n->position.time_ms);
    buf_i64_ordered(&b, n->position.judged_ms);
    buf_u64(&b, n->next_number);
    kv_put(kv, NOTIFIER_META, slice_str(position_key), buf_slice(&b));
    buf_fini(&b);
}

static int load_registry(struct notifier *n, struct kv *kv, struct err *err)
{
    struct slice key, value;
    int rc = 0;
    struct kv_cursor *c = kv_cursor_open(kv, NOTIFIER_REGISTRY);
    for (bool more = kv_cursor_move(c, KV_FIRST, &key, &value); more && rc == 0;
         more = kv_cursor_move(c, KV_NEXT, &key, &value)) {
        const uint8_t *bytes = value.data;
        rc = value.len < 1
                 ? notifier_corrupt(err, "registry")
                 : registry_apply_entry(n->registry, n->codec, (enum entry_kind)bytes[0],
                                        slice_of(bytes + 1, value.len - 1), &n->arena, err);
        arena_reset(&n->arena);
    }
    kv_cursor_close(c);
    return rc;
}

int notifier_open(struct notifier **out, struct kv *kv, const struct codec *codec, struct err *err)
{
    struct notifier *n = alloc_zeroed(1, sizeof *n);
    n->codec = codec;
    n->registry = registry_create();
    arena_init(&n->arena, NOTIFIER_ARENA_KEEP);
    int rc = load_position(n, kv, err);
    if (rc == 0)
        rc = load_registry(n, kv, err);
    if (rc == 0 && kv_failed(kv))
        rc = err_set(err, kv->err.code, "%s", kv->err.text);
    if (rc < 0) {
        notifier_close(n);
        return rc;
    }
    *out = n;
    return 0;
}

void notifier_close(struct notifier *n)
{
    if (!n)
        return;
    registry_destroy(n->registry);
    arena_fini(&n->arena);
    free(n);
}

struct notifier_position notifier_position(const struct notifier *n)
{
    return n->position;
}

const struct registry *notifier_registry(const struct notifier *n)
{
    return n->registry;
}

/* ---- a frame ---- */

static int apply_entry(struct notifier *n, struct kv *kv, const struct notifier_entry *e,
                       struct err *err)
{
    struct buf key = {0}, value = {0};
    int rc = registry_apply_entry(n->registry, n->codec, e->kind, e->body, &n->arena, err);
    arena_reset(&n->arena);
    if (rc < 0) {
        err_wrap(err, "journal entry %" PRIu64, e->offset);
        return rc;
    }
    buf_u64(&key, e->offset);
    buf_u8(&value, (uint8_t)e->kind);
    buf_bytes(&value, e->body.data, e->body.len);
    kv_append(kv, NOTIFIER_REGISTRY, buf_slice(&key), buf_slice(&value));
    buf_fini(&key);
    buf_fini(&value);
    return 0;
}

static int check_cell(const struct notifier_cell *cell, const struct notifier_frame *frame,
                      struct err *err)
{
    if (ident_valid(cell->indicator) && ident_valid(cell->unit))
        return 0;
    return err_set(err, ERR_CORRUPT, "frame of tick %" PRIu64 ": a cell without indicator or unit",
                   frame->offset);
}

static int apply_cells(struct kv *kv, const struct notifier_frame *frame, struct err *err)
{
    if (frame->everything)
        notifier_cells_clear(kv);
    for (size_t i = 0; i < frame->cell_count; i++) {
        int rc = check_cell(&frame->cells[i], frame, err);
        if (rc < 0)
            return rc;
        notifier_cell_put(kv, &frame->cells[i]);
    }
    return 0;
}

/* The last judging hour at or before that time on its civil day; 0: none yet that day. */
static int64_t judging_time(int64_t time_ms)
{
    int64_t start = day_start_ms(day_of_ms(time_ms)), found = 0;
    for (size_t i = 0; i < sizeof judging_hours / sizeof *judging_hours; i++)
        if (start + judging_hours[i] * hour_ms <= time_ms)
            found = start + judging_hours[i] * hour_ms;
    return found;
}

static int check_place(const struct notifier *n, const struct notifier_frame *frame,
                       struct err *err)
{
    if (frame->previous_offset != n->position.offset)
        return err_set(err, ERR_CORRUPT,
                       "frame of tick %" PRIu64 " follows tick %" PRIu64 ", the notifier holds "
                       "%" PRIu64 ": one of the two stores was restored from a backup; restore "
                       "both from the same one, or empty the notifier's to begin anew",
                       frame->offset, frame->previous_offset, n->position.offset);
    if (frame->time_ms < n->position.time_ms)
        return err_set(err, ERR_CORRUPT, "frame of tick %" PRIu64 ": its time goes back",
                       frame->offset);
    return 0;
}

int notifier_apply_frame(struct notifier *n, struct kv *kv, const struct notifier_frame *frame,
                         struct err *err)
{
    if (frame->offset <= n->position.offset)
        return 0;
    int rc = check_place(n, frame, err);
    for (size_t i = 0; i < frame->entry_count && rc == 0; i++)
        rc = apply_entry(n, kv, &frame->entries[i], err);
    if (rc == 0)
        rc = apply_cells(kv, frame, err);
    if (rc < 0)
        return rc;
    n->position.offset = frame->offset;
    n->position.time_ms = frame->time_ms;
    if (judging_time(frame->time_ms) > n->position.judged_ms) {
        rc = notifier_judge(n, kv, frame->time_ms, err);
        if (rc == 0)
            rc = notifier_tell_removed(n, kv, frame->time_ms, err);
        n->position.judged_ms = frame->time_ms;
    }
    save_position(n, kv);
    return rc;
}
