#include "services/aggregator/ledger_core.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "services/aggregator/ledger_internal.h"

enum { LEDGER_ARENA_KEEP = 1 << 20, REBUILD_MAP_MAX = 1 << 18, EXPECT_FAR = 16, EXPECT_NEAR = 8 };

static const char position_key[] = "position";

/* --- opening --- */

int ledger_corrupt(struct err *err, const char *table)
{
    return err_set(err, ERR_CORRUPT,
                   "ledger: a record of table %s cannot be read; restore the store "
                   "from a backup or let it be made again from the journal",
                   table);
}

static int load_position(struct ledger *l, struct kv *kv, struct err *err)
{
    struct slice value;
    if (!kv_get(kv, LEDGER_META, slice_str(position_key), &value))
        return 0;
    struct reader r = reader_of(value);
    l->position.offset = reader_u64(&r);
    l->position.commit_number = reader_u64(&r);
    struct slice hash = reader_bytes(&r, HASH_BYTES);
    l->position.time_ms = reader_i64_ordered(&r);
    l->position.next_row = reader_u64(&r);
    if (!reader_done(&r))
        return ledger_corrupt(err, "meta");
    memcpy(l->position.commit_hash, hash.data, HASH_BYTES);
    return 0;
}

static void save_position(const struct ledger *l, struct kv *kv)
{
    struct buf b = {0};
    buf_u64(&b, l->position.offset);
    buf_u64(&b, l->position.commit_number);
    buf_bytes(&b, l->position.commit_hash, HASH_BYTES);
    buf_i64_ordered(&b, l->position.time_ms);
    buf_u64(&b, l->position.next_row);
    kv_put(kv, LEDGER_META, slice_str(position_key), buf_slice(&b));
    buf_fini(&b);
}

int ledger_restore(struct registry *r, struct kv *kv, const struct codec *codec,
                   uint64_t up_to_offset, struct err *err)
{
    struct arena arena;
    arena_init(&arena, LEDGER_ARENA_KEEP);
    struct kv_cursor *c = kv_cursor_open(kv, LEDGER_REGISTRY);
    struct slice key, value;
    int rc = 0;
    for (bool more = kv_cursor_move(c, KV_FIRST, &key, &value); more && rc == 0;
         more = kv_cursor_move(c, KV_NEXT, &key, &value)) {
        struct reader k = reader_of(key);
        if (reader_u64(&k) > up_to_offset)
            break;
        const uint8_t *bytes = value.data;
        if (value.len < 1) {
            rc = ledger_corrupt(err, "registry");
            break;
        }
        rc = registry_apply_entry(r, codec, (enum entry_kind)bytes[0],
                                  slice_of(bytes + 1, value.len - 1), &arena, err);
        arena_reset(&arena);
    }
    kv_cursor_close(c);
    arena_fini(&arena);
    return rc;
}

static int load_last_tick(struct ledger *l, struct kv *kv, struct err *err)
{
    struct ledger_frame last = {0};
    int rc = ledger_frame_last(kv, &last, err);
    if (rc != 0 && rc != ERR_NOT_FOUND)
        return rc;
    l->position.tick_offset = last.offset;
    l->position.tick_time_ms = last.time_ms;
    l->changes.framed_whole = frame_holds_everything(kv, last.offset);
    return 0;
}

int ledger_open(struct ledger **out, struct kv *kv, const struct codec *codec, struct err *err)
{
    struct ledger *l = alloc_zeroed(1, sizeof *l);
    l->codec = codec;
    l->registry = registry_create();
    arena_init(&l->arena, LEDGER_ARENA_KEEP);
    int rc = load_position(l, kv, err);
    if (rc == 0)
        rc = ledger_restore(l->registry, kv, codec, l->position.offset, err);
    if (rc == 0)
        rc = load_last_tick(l, kv, err);
    if (rc == 0 && kv_failed(kv))
        rc = err_set(err, kv->err.code, "%s", kv->err.text);
    if (rc != 0) {
        ledger_close(l);
        return rc;
    }
    *out = l;
    return 0;
}

void ledger_close(struct ledger *l)
{
    if (l == NULL)
        return;
    known_destroy(l->known);
    rollup_fini(&l->rollup);
    fold_fini(&l->fold);
    registry_destroy(l->registry);
    arena_fini(&l->arena);
    buf_fini(&l->versions);
    free(l->blocks);
    free(l->days);
    free(l->changes.keys);
    free(l);
}

struct ledger_position ledger_position(const struct ledger *l)
{
    return l->position;
}

const struct registry *ledger_registry(const struct ledger *l)
{
    return l->registry;
}

size_t ledger_pending(const struct ledger *l)
{
    return l->fold.dirty_count * sizeof *l->fold.cells + l->versions.len;
}

/* --- versions */

static void block_begin(struct ledger *l, const struct version_head *head)
{
    alloc_reserve((void **)&l->blocks, &l->block_capacity, l->block_count + 1, sizeof *l->blocks);
    l->blocks[l->block_count++] = (struct version_block){head->first_row, l->versions.len, 0};
    version_head_encode(head, &l->versions);
}

static void version_append(struct ledger *l, const struct entry *e, uint32_t row,
                           const struct version_row *version)
{
    uint64_t number = e->first_row + row;
    struct version_block *block = row == 0 ? NULL : &l->blocks[l->block_count - 1];
    if (block == NULL || l->versions.len - block->start >= VERSION_BLOCK_BYTES)
        block_begin(l, &(struct version_head){
                           .first_row = number,
                           .batch_row = row,
                           .offset = e->offset,
                           .commit = e->commit,
                           .time_ms = e->time_ms,
                           .reported_at_ms = e->reported_at_ms,
                           .producer = e->producer,
                           .delegate = e->delegate,
                           .spool = e->spool,
                           .number = e->number,
                       });
    version_row_encode(number, version, &l->versions);
    block = &l->blocks[l->block_count - 1];
    block->len = l->versions.len - block->start;
}

static void write_versions(struct ledger *l, struct kv *kv)
{
    struct buf key = {0};
    for (size_t i = 0; i < l->block_count; i++) {
        buf_clear(&key);
        buf_u64(&key, l->blocks[i].first_row);
        kv_append(kv, LEDGER_VERSIONS, buf_slice(&key),
                  slice_of(l->versions.data + l->blocks[i].start, l->blocks[i].len));
    }
    buf_fini(&key);
    buf_clear(&l->versions);
    l->block_count = 0;
}

/* --- statements */

static bool statement_replaces(const struct fold_cell *cell, const struct stamp *stamp)
{
    return !cell->exists || stamp_compare(stamp, &cell->fact.stamp) > 0;
}

static void apply_set_or_clear(struct fold_cell *cell, struct version_row *row,
                               const struct stamp *stamp, uint64_t version)
{
    row->won = statement_replaces(cell, stamp);
    if (!row->won)
        return;
    cell->fact.op = row->op;
    cell->fact.value = row->value;
    cell->fact.stamp = *stamp;
    cell->fact.holds = version;
}

static bool clear_covers(const struct fact *f, const struct stamp *stamp)
{
    return f->cleared && stamp_compare(stamp, &f->stamp) <= 0;
}

static void add_key_encode(struct fact_key key, const struct stamp *stamp,
                           uint8_t out[ADD_KEY_BYTES])
{
    fact_key_encode(key, out);
    stamp_encode(stamp, out + FACT_KEY_BYTES);
}

static void apply_add(struct kv *kv, struct fold_cell *cell, struct version_row *row,
                      const struct stamp *stamp)
{
    uint8_t key[ADD_KEY_BYTES];
    struct buf amount = {0};
    add_key_encode(cell->key, stamp, key);
    buf_zigzag(&amount, row->value);
    kv_put(kv, LEDGER_ADDS, slice_of(key, sizeof key), buf_slice(&amount));
    buf_fini(&amount);
    cell->fact.op = OP_ADD;
    row->won = !clear_covers(&cell->fact, stamp);
    if (!row->won)
        return;
    cell->fact.sum += row->value;
    cell->fact.adds++;
}

/* Sums the adds after the fact's clear. */
static void sum_adds(struct kv *kv, struct fact_key cell, struct fact *fact)
{
    uint8_t from[ADD_KEY_BYTES];
    struct slice key, value;
    add_key_encode(cell, &fact->stamp, from);
    fact->sum = 0;
    fact->adds = 0;
    struct kv_cursor *c = kv_cursor_open(kv, LEDGER_ADDS);
    for (bool more = kv_cursor_seek(c, slice_of(from, sizeof from), &key, &value);
         more && key.len == ADD_KEY_BYTES && memcmp(key.data, from, FACT_KEY_BYTES) == 0;
         more = kv_cursor_move(c, KV_NEXT, &key, &value)) {
        struct reader r = reader_of(value);
        fact->sum += reader_zigzag(&r);
        fact->adds++;
    }
    kv_cursor_close(c);
}

static void apply_tally_clear(struct kv *kv, struct fold_cell *cell, struct version_row *row,
                              const struct stamp *stamp, uint64_t version)
{
    cell->fact.op = OP_ADD;
    row->won = !clear_covers(&cell->fact, stamp);
    if (!row->won)
        return;
    cell->fact.cleared = true;
    cell->fact.stamp = *stamp;
    cell->fact.holds = version;
    sum_adds(kv, cell->key, &cell->fact);
}

static void apply_statement(struct ledger *l, struct kv *kv, struct fold_cell *cell, bool tally,
                            struct version_row *row, const struct stamp *stamp, uint64_t version,
                            day_t today)
{
    row->previous = cell->exists ? cell->fact.newest : VERSION_NONE;
    if (!tally)
        apply_set_or_clear(cell, row, stamp, version);
    else if (row->op == OP_CLEAR)
        apply_tally_clear(kv, cell, row, stamp, version);
    else
        apply_add(kv, cell, row, stamp);
    if (row->op != OP_CLEAR && cell->fact.first_day == DAY_NEVER)
        cell->fact.first_day = today;
    cell->fact.newest = version;
    cell->exists = true;
    if (!cell->dirty) {
        cell->dirty = true;
        l->fold.dirty_count++;
    }
}

/* --- a batch */

/* Ordinals of a batch's dictionaries; entries that only refused rows use may be unknown. */
struct batch_ordinals {
    uint32_t *codes;
    uint32_t *indicators;
    bool *tally;
    uint32_t source;
};

static void batch_resolve(struct ledger *l, const struct entry *e, const struct batch *b,
                          struct batch_ordinals *out)
{
    out->codes = arena_alloc(&l->arena, (b->unit_count + 1) * sizeof *out->codes);
    out->indicators = arena_alloc(&l->arena, (b->indicator_count + 1) * sizeof *out->indicators);
    out->tally = arena_alloc(&l->arena, (b->indicator_count + 1) * sizeof *out->tally);
    for (uint32_t i = 0; i < b->unit_count; i++)
        out->codes[i] = catalogue_code_find(registry_catalogue(l->registry), b->units[i]);
    for (uint32_t i = 0; i < b->indicator_count; i++) {
        out->indicators[i] = registry_indicator_find(l->registry, b->indicators[i]);
        out->tally[i] = out->indicators[i] != REGISTRY_NONE &&
                        registry_indicator(l->registry, out->indicators[i])->entry == ENTRY_TALLY;
    }
    const struct producer *p = registry_producer(l->registry, e->producer);
    out->source =
        p == NULL ? REGISTRY_NONE : registry_source_find(l->registry, ident_slice(&p->source));
}

static struct fact_key row_key(const struct batch *b, const struct batch_ordinals *ord,
                               uint32_t row)
{
    return (struct fact_key){ord->indicators[b->indicator_refs[row]], ord->codes[b->unit_refs[row]],
                             b->days[row], ord->source};
}

static void expect_rows(const struct ledger *l, const struct batch *b,
                        const struct batch_ordinals *ord, uint32_t row)
{
    if (row + EXPECT_FAR < b->row_count)
        fold_expect(&l->fold, row_key(b, ord, row + EXPECT_FAR), false);
    if (row + EXPECT_NEAR < b->row_count)
        fold_expect(&l->fold, row_key(b, ord, row + EXPECT_NEAR), true);
}

static int apply_row(struct ledger *l, struct kv *kv, const struct entry *e, const struct batch *b,
                     const struct batch_ordinals *ord, uint32_t row, struct err *err)
{
    struct fact_key key = row_key(b, ord, row);
    if (key.indicator == REGISTRY_NONE || key.code == CATALOGUE_NONE || key.source == REGISTRY_NONE)
        return err_set(
            err, ERR_CORRUPT,
            "journal entry %llu, row %u: accepted, but its unit, indicator or source is not "
            "in the registry",
            (unsigned long long)e->offset, row);
    struct fold_cell *cell = fold_cell(&l->fold, kv, key);
    if (cell == NULL)
        return ledger_corrupt(err, "facts");
    enum op op = b->ops == NULL ? OP_SET : (enum op)b->ops[row];
    struct version_row version = {.op = op, .value = op == OP_CLEAR ? 0 : b->values[row]};
    struct stamp stamp = {e->reported_at_ms, e->producer, e->spool, e->number, row};
    apply_statement(l, kv, cell, ord->tally[b->indicator_refs[row]], &version, &stamp,
                    e->first_row + row, day_of_ms(e->time_ms));
    version_append(l, e, row, &version);
    return 0;
}

static int apply_rows(struct ledger *l, struct kv *kv, const struct entry *e, const struct batch *b,
                      struct err *err)
{
    struct batch_ordinals ord;
    batch_resolve(l, e, b, &ord);
    uint32_t refused = 0;
    for (uint32_t row = 0; row < b->row_count; row++) {
        if (refused < e->refused_count && e->refused[refused].row == row) {
            version_append(l, e, row, &(struct version_row){.refused = true});
            refused++;
            continue;
        }
        expect_rows(l, b, &ord, row);
        int rc = apply_row(l, kv, e, b, &ord, row, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int apply_batch(struct ledger *l, struct kv *kv, const struct entry *e, struct err *err)
{
    struct batch batch;
    int rc = 0;
    if (e->first_row != l->position.next_row)
        return err_set(err, ERR_CORRUPT, "journal entry %llu: starts at row %llu, expected %llu",
                       (unsigned long long)e->offset, (unsigned long long)e->first_row,
                       (unsigned long long)l->position.next_row);
    if (e->refusal == REFUSAL_NONE) {
        rc = l->codec->unpack_batch(e->body, &l->arena, &batch, err);
        if (rc == 0 && batch.row_count != e->row_count)
            rc = err_set(err, ERR_CORRUPT, "journal entry %llu: %u rows, its head says %u",
                         (unsigned long long)e->offset, batch.row_count, e->row_count);
        if (rc == 0)
            rc = apply_rows(l, kv, e, &batch, err);
    }
    if (rc == 0)
        l->position.next_row += e->row_count;
    arena_reset(&l->arena);
    return rc;
}

/* --- the registry */

static void keep_registry_entry(struct kv *kv, const struct entry *e)
{
    struct buf key = {0}, value = {0};
    buf_u64(&key, e->offset);
    buf_u8(&value, (uint8_t)e->kind);
    buf_bytes(&value, e->body.data, e->body.len);
    kv_append(kv, LEDGER_REGISTRY, buf_slice(&key), buf_slice(&value));
    buf_fini(&key);
    buf_fini(&value);
}

/* Is this the catalogue that stands already, applied once more? */
static bool catalogue_stands(struct kv *kv, struct slice body)
{
    struct slice key, value;
    struct kv_cursor *c = kv_cursor_open(kv, LEDGER_REGISTRY);
    bool found = kv_cursor_move(c, KV_LAST, &key, &value);
    while (found && *(const uint8_t *)value.data != ENTRY_CATALOGUE)
        found = kv_cursor_move(c, KV_PREV, &key, &value);
    bool same =
        found && slice_equal(body, slice_of((const uint8_t *)value.data + 1, value.len - 1));
    kv_cursor_close(c);
    return same;
}

/* Can the entry change any cell? A new name, bound or title, or a list of units applied once more,
 * must not cost a summing up of all there is. */
static bool changes_cells(struct ledger *l, struct kv *kv, const struct entry *e)
{
    struct plan plan;
    if (e->kind == ENTRY_CATALOGUE)
        return !catalogue_stands(kv, e->body);
    return e->kind == ENTRY_PLAN && (l->codec->unpack_plan(e->body, &l->arena, &plan, NULL) != 0 ||
                                     !registry_counts_alike(l->registry, &plan));
}

static int apply_registry(struct ledger *l, struct kv *kv, const struct entry *e, struct err *err)
{
    bool figures = changes_cells(l, kv, e);
    if (figures)
        ledger_flush_cells(l, kv); /* as the tree and the sources were */
    int rc = registry_apply_entry(l->registry, l->codec, e->kind, e->body, &l->arena, err);
    arena_reset(&l->arena);
    if (rc != 0)
        return err_wrap(err, "journal entry %llu", (unsigned long long)e->offset);
    keep_registry_entry(kv, e);
    if (e->kind != ENTRY_PRODUCER) {
        ledger_clear_cells(kv, LEDGER_UNFRAMED);
        l->changes.framed_whole = true;
    }
    if (figures)
        ledger_rebuild(l, kv);
    return 0;
}

static void apply_tick(struct ledger *l, struct kv *kv, const struct entry *e)
{
    ledger_flush_cells(l, kv);
    frame_make(l->registry, kv, e, l->position.tick_offset, l->changes.framed_whole);
    l->changes.framed_whole = false;
    l->position.tick_offset = e->offset;
    l->position.tick_time_ms = e->time_ms;
}

int ledger_apply(struct ledger *l, struct kv *kv, const struct entry *e, struct err *err)
{
    if (e->offset != l->position.offset + 1)
        return err_set(err, ERR_INVALID, "ledger: entry %llu given, %llu is next",
                       (unsigned long long)e->offset, (unsigned long long)l->position.offset + 1);
    if (e->time_ms < l->position.time_ms || (e->kind == ENTRY_GENESIS && e->offset != 1))
        return err_set(err, ERR_CORRUPT, "journal entry %llu: out of its time or place",
                       (unsigned long long)e->offset);
    int rc = 0;
    if (e->kind == ENTRY_BATCH)
        rc = apply_batch(l, kv, e, err);
    else if (e->kind == ENTRY_CATALOGUE || e->kind == ENTRY_PLAN || e->kind == ENTRY_PRODUCER)
        rc = apply_registry(l, kv, e, err);
    else if (e->kind == ENTRY_TICK)
        apply_tick(l, kv, e);
    if (rc != 0)
        return rc;
    l->position.offset = e->offset;
    l->position.time_ms = e->time_ms;
    return 0;
}

void ledger_end_commit(struct ledger *l, uint64_t number, const uint8_t hash[HASH_BYTES])
{
    l->position.commit_number = number;
    memcpy(l->position.commit_hash, hash, HASH_BYTES);
    day_t today = day_of_ms(l->position.time_ms);
    if (l->day_count == 0 || l->days[l->day_count - 1].day != today) {
        alloc_reserve((void **)&l->days, &l->day_capacity, l->day_count + 1, sizeof *l->days);
        l->days[l->day_count++].day = today;
    }
    l->days[l->day_count - 1].offset = l->position.offset;
}

/* --- flushing */

static void flush_cell(struct ledger *l, struct kv *kv, struct fold_cell *cell, struct buf *scratch)
{
    struct fact_key k = cell->key;
    struct rollup_figure new, old = {cell->stored_value, cell->stored_first_day};
    bool counts = fact_figure(&cell->fact, &new.value);
    new.first_day = cell->fact.first_day;
    if (k.source == registry_record_on(l->registry, k.indicator, k.day))
        rollup_change(&l->rollup, k.indicator, k.code, k.day, cell->stored_counts ? &old : NULL,
                      counts ? &new : NULL);
    uint8_t key[FACT_KEY_BYTES];
    fact_key_encode(k, key);
    buf_clear(scratch);
    fact_encode(&cell->fact, scratch);
    kv_put(kv, LEDGER_FACTS, slice_of(key, sizeof key), buf_slice(scratch));
    cell->stored_counts = counts;
    cell->stored_value = new.value;
    cell->stored_first_day = new.first_day;
    cell->dirty = false;
}

void ledger_flush_cells(struct ledger *l, struct kv *kv)
{
    struct stored_figures figures;
    struct buf scratch = {0};
    struct fold_order *dirty;
    size_t n = fold_dirty_sorted(&l->fold, &dirty);
    stored_figures_open(&figures, l->registry, kv);
    l->rollup.registry = l->registry;
    l->rollup.figures = &figures.base;
    for (size_t i = 0; i < n; i++)
        flush_cell(l, kv, &l->fold.cells[fold_order_cell(dirty[i])], &scratch);
    stored_figures_close(&figures);
    l->fold.dirty_count = 0;
    rollup_write(&l->rollup, kv, &l->changes);
    free(dirty);
    buf_fini(&scratch);
    fold_trim(&l->fold);
}

void ledger_clear_cells(struct kv *kv, unsigned table)
{
    struct slice key;
    uint8_t copy[CELL_KEY_BYTES];
    struct kv_cursor *c = kv_cursor_open(kv, table);
    while (kv_cursor_move(c, KV_FIRST, &key, NULL) && key.len == sizeof copy) {
        memcpy(copy, key.data, sizeof copy);
        kv_del(kv, table, slice_of(copy, sizeof copy));
    }
    kv_cursor_close(c);
}

/* Cells made anew from the facts. Facts are not written here, so one cursor walks them while
 * another looks around. */
void ledger_rebuild(struct ledger *l, struct kv *kv)
{
    struct stored_figures figures;
    struct slice key, value;
    struct fact fact;
    ledger_clear_cells(kv, LEDGER_CELLS);
    stored_figures_open(&figures, l->registry, kv);
    l->rollup.registry = l->registry;
    l->rollup.figures = &figures.base;
    struct kv_cursor *c = kv_cursor_open(kv, LEDGER_FACTS);
    for (bool more = kv_cursor_move(c, KV_FIRST, &key, &value); more;
         more = kv_cursor_move(c, KV_NEXT, &key, &value)) {
        struct fact_key k = fact_key_decode(key);
        struct rollup_figure figure;
        if (!fact_decode(value, &fact) || !fact_figure(&fact, &figure.value) ||
            k.source != registry_record_on(l->registry, k.indicator, k.day))
            continue;
        figure.first_day = fact.first_day;
        rollup_add(&l->rollup, k.indicator, k.code, k.day, &figure);
        if (l->rollup.map.count >= REBUILD_MAP_MAX)
            rollup_write(&l->rollup, kv, NULL);
    }
    kv_cursor_close(c);
    stored_figures_close(&figures);
    rollup_write(&l->rollup, kv, NULL);
    l->rebuilt = true;
}

static void write_days(struct ledger *l, struct kv *kv)
{
    struct buf key = {0}, value = {0};
    for (size_t i = 0; i < l->day_count; i++) {
        buf_clear(&key);
        buf_clear(&value);
        buf_i32_ordered(&key, l->days[i].day);
        buf_u64(&value, l->days[i].offset);
        kv_put(kv, LEDGER_DAYS, buf_slice(&key), buf_slice(&value));
    }
    l->day_count = 0;
    buf_fini(&key);
    buf_fini(&value);
}

static int changed_compare(const void *a, const void *b)
{
    const struct ledger_cell_key *x = a, *y = b;
    return cell_key_compare(*x, *y);
}

/* Each once: a tick between two checkpoints has flushed some of them before. */
static void sort_changed(struct rollup_changes *c)
{
    size_t kept = 0;
    if (c->count > 1)
        qsort(c->keys, c->count, sizeof *c->keys, changed_compare);
    for (size_t i = 0; i < c->count; i++)
        if (kept == 0 || cell_key_compare(c->keys[kept - 1], c->keys[i]) != 0)
            c->keys[kept++] = c->keys[i];
    c->count = kept;
}

void ledger_flush(struct ledger *l, struct kv *kv, struct ledger_changes *changes)
{
    ledger_flush_cells(l, kv);
    write_versions(l, kv);
    write_days(l, kv);
    save_position(l, kv);
    if (changes != NULL) {
        sort_changed(&l->changes);
        *changes = (struct ledger_changes){l->rebuilt, l->changes.keys, l->changes.count};
    }
    l->rebuilt = false;
    l->changes.count = 0;
}
