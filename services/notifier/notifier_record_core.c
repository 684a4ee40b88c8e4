#include "services/notifier/notifier_internal.h"

#include <stdio.h>
#include <string.h>

/* Encoding and decoding of what the tables hold; notifier_core.h draws them. */

const char *const notifier_table_names[NOTIFIER_TABLE_COUNT] = {
    "meta", "registry", "cells", "states", "outbox", "history", "ids",
};
const char *const notifier_channel_names[CHANNEL_COUNT] = {"maildir", "feed"};

int notifier_corrupt(struct err *err, const char *table)
{
    return err_set(err, ERR_CORRUPT,
                   "notifier: a record of table %s cannot be read; restore the store from a backup",
                   table);
}

static int other_version(struct err *err, const char *table, unsigned format)
{
    return err_set(err, ERR_VERSION,
                   "notifier: table %s holds format %u, this program knows %d: start the later "
                   "version again",
                   table, format, NOTIFIER_FORMAT);
}

/* ---- idents and slices ---- */

static void put_name(struct slice name, struct buf *out)
{
    buf_bytes(out, name.data, name.len);
    buf_u8(out, 0);
}

static void read_name(struct reader *r, struct ident *out)
{
    const uint8_t *end = r->bad ? NULL : memchr(r->at, 0, (size_t)(r->end - r->at));
    if (!end || !ident_set(out, slice_of(r->at, (size_t)(end - r->at)))) {
        r->bad = true;
        return;
    }
    r->at = end + 1;
}

static void put_ident(const struct ident *id, struct buf *out)
{
    buf_block(out, ident_slice(id));
}

/* Empty, or valid. */
static void read_ident(struct reader *r, struct ident *out)
{
    struct slice text = reader_block(r);
    *out = (struct ident){""};
    if (!r->bad && text.len > 0 && !ident_set(out, text))
        r->bad = true;
}

/* ---- cells ---- */

void notifier_cell_key(struct slice indicator, struct slice unit, day_t day, struct buf *out)
{
    buf_clear(out);
    put_name(indicator, out);
    put_name(unit, out);
    buf_i32_ordered(out, day);
}

void notifier_cell_put(struct kv *kv, const struct notifier_cell *cell)
{
    struct buf key = {0}, value = {0};
    notifier_cell_key(cell->indicator, cell->unit, cell->day, &key);
    if (cell->amount == 0 && cell->figures == 0 && cell->reported == 0 && cell->on_time == 0) {
        kv_del(kv, NOTIFIER_CELLS, buf_slice(&key));
    } else {
        buf_zigzag(&value, cell->amount);
        buf_zigzag(&value, cell->figures);
        buf_varint(&value, cell->reported);
        buf_varint(&value, cell->on_time);
        kv_put(kv, NOTIFIER_CELLS, buf_slice(&key), buf_slice(&value));
    }
    buf_fini(&key);
    buf_fini(&value);
}

void notifier_cells_clear(struct kv *kv)
{
    struct slice key;
    struct buf copy = {0};
    struct kv_cursor *c = kv_cursor_open(kv, NOTIFIER_CELLS);
    while (kv_cursor_move(c, KV_FIRST, &key, NULL)) {
        buf_clear(&copy);
        buf_bytes(&copy, key.data, key.len);
        kv_del(kv, NOTIFIER_CELLS, buf_slice(&copy));
    }
    kv_cursor_close(c);
    buf_fini(&copy);
}

/* ---- states ---- */

static void state_key(const struct notifier_state *s, struct buf *out)
{
    put_name(ident_slice(&s->plan), out);
    put_name(ident_slice(&s->target), out);
    put_name(ident_slice(&s->unit), out);
    buf_i32_ordered(out, s->unit_from);
}

static bool read_state_key(struct slice key, struct notifier_state *s)
{
    struct reader r = reader_of(key);
    read_name(&r, &s->plan);
    read_name(&r, &s->target);
    read_name(&r, &s->unit);
    s->unit_from = reader_i32_ordered(&r);
    return reader_done(&r);
}

static void encode_record(const struct state_record *a, struct buf *out)
{
    buf_u8(out, (uint8_t)a->state);
    buf_zigzag(out, a->since);
    buf_varint(out, a->told);
    buf_varint(out, a->facts);
    buf_zigzag(out, a->evidence);
    for (unsigned i = 0; i < FACT_COUNT; i++)
        buf_zigzag(out, a->held[i]);
}

static void decode_record(struct reader *r, struct state_record *a)
{
    a->state = (enum alert_state)reader_u8(r);
    a->since = (day_t)reader_zigzag(r);
    a->told = (uint32_t)reader_varint(r);
    a->facts = (uint32_t)reader_varint(r);
    a->evidence = (int32_t)reader_zigzag(r);
    for (unsigned i = 0; i < FACT_COUNT; i++)
        a->held[i] = (day_t)reader_zigzag(r);
    r->bad = r->bad || a->state >= STATE_COUNT;
}

enum {
    PACE_FORECAST = 1,
    PACE_COVERED = 2,
    PACE_BEHIND = 4,
    PACE_CLEAR = 8,
    PACE_RISK = 16,
    PACE_SAFE = 32,
    PACE_FILLED = 64
};

static unsigned pace_flags(const struct pace *p)
{
    return (p->has_forecast ? PACE_FORECAST : 0u) | (p->covered ? PACE_COVERED : 0u) |
           (p->behind ? PACE_BEHIND : 0u) | (p->clear ? PACE_CLEAR : 0u) |
           (p->risk ? PACE_RISK : 0u) | (p->safe ? PACE_SAFE : 0u) | (p->filled ? PACE_FILLED : 0u);
}

static void encode_pace(const struct pace *p, struct buf *out)
{
    const int64_t numbers[] = {p->opening,        p->actual, p->level,        p->expected,
                               p->expected_today, p->rate,   p->rate_weekend, p->projected,
                               p->best,           p->needed};
    buf_u8(out, (uint8_t)pace_flags(p));
    buf_zigzag(out, p->judged);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        buf_zigzag(out, numbers[i]);
    buf_varint(out, p->owed);
    buf_varint(out, p->reported);
    buf_varint(out, p->reports);
    buf_varint(out, p->path_permille);
    buf_varint(out, p->weekdays_left);
}

static void decode_pace(struct reader *r, struct pace *p)
{
    int64_t *const numbers[] = {&p->opening,        &p->actual, &p->level,        &p->expected,
                                &p->expected_today, &p->rate,   &p->rate_weekend, &p->projected,
                                &p->best,           &p->needed};
    unsigned flags = reader_u8(r);
    p->judged = (day_t)reader_zigzag(r);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i] = reader_zigzag(r);
    p->owed = (uint32_t)reader_varint(r);
    p->reported = (uint32_t)reader_varint(r);
    p->reports = (unsigned)reader_varint(r);
    p->path_permille = (unsigned)reader_varint(r);
    p->weekdays_left = (unsigned)reader_varint(r);
    p->has_forecast = (flags & PACE_FORECAST) != 0;
    p->covered = (flags & PACE_COVERED) != 0;
    p->behind = (flags & PACE_BEHIND) != 0;
    p->clear = (flags & PACE_CLEAR) != 0;
    p->risk = (flags & PACE_RISK) != 0;
    p->safe = (flags & PACE_SAFE) != 0;
    p->filled = (flags & PACE_FILLED) != 0;
}

/* Whoever was never told takes one byte. */
static void encode_told(const struct notifier_told *t, struct buf *out)
{
    put_ident(&t->of, out);
    if (t->of.text[0] == '\0')
        return;
    buf_zigzag(out, t->behind_ms);
    buf_zigzag(out, t->judged);
    buf_zigzag(out, t->level);
    buf_zigzag(out, t->lower);
    buf_u64(out, t->terms);
    buf_zigzag(out, t->silent_ms);
    buf_zigzag(out, t->final_ms);
    buf_u8(out, (uint8_t)t->final);
    buf_u8(out, t->revised);
    buf_zigzag(out, t->final_level);
    buf_zigzag(out, t->final_lower);
    buf_u64(out, t->final_terms);
}

static void decode_told(struct reader *r, struct notifier_told *t)
{
    read_ident(r, &t->of);
    if (t->of.text[0] == '\0')
        return;
    t->behind_ms = reader_zigzag(r);
    t->judged = (day_t)reader_zigzag(r);
    t->level = reader_zigzag(r);
    t->lower = reader_zigzag(r);
    t->terms = reader_u64(r);
    t->silent_ms = reader_zigzag(r);
    t->final_ms = reader_zigzag(r);
    t->final = (enum alert_state)reader_u8(r);
    t->revised = reader_u8(r) != 0;
    t->final_level = reader_zigzag(r);
    t->final_lower = reader_zigzag(r);
    t->final_terms = reader_u64(r);
    r->bad = r->bad || t->final >= STATE_COUNT;
}

void notifier_state_put(struct kv *kv, const struct notifier_state *s)
{
    struct buf key = {0}, value = {0};
    state_key(s, &key);
    buf_u8(&value, NOTIFIER_FORMAT);
    encode_record(&s->record, &value);
    buf_zigzag(&value, s->judged_on);
    buf_zigzag(&value, s->lower);
    buf_zigzag(&value, s->stretch);
    encode_pace(&s->pace, &value);
    for (unsigned i = 0; i < TEXT_ROLE_COUNT; i++)
        encode_told(&s->told[i], &value);
    buf_zigzag(&value, s->silent_from);
    buf_zigzag(&value, s->silent_to);
    kv_put(kv, NOTIFIER_STATES, buf_slice(&key), buf_slice(&value));
    buf_fini(&key);
    buf_fini(&value);
}

void notifier_state_del(struct kv *kv, const struct notifier_state *s)
{
    struct buf key = {0};
    state_key(s, &key);
    kv_del(kv, NOTIFIER_STATES, buf_slice(&key));
    buf_fini(&key);
}

static int decode_state(struct slice value, struct notifier_state *s, struct err *err)
{
    struct reader r = reader_of(value);
    unsigned format = reader_u8(&r);
    if (format > NOTIFIER_FORMAT)
        return other_version(err, "states", format);
    decode_record(&r, &s->record);
    s->judged_on = (day_t)reader_zigzag(&r);
    s->lower = reader_zigzag(&r);
    s->stretch = reader_zigzag(&r);
    decode_pace(&r, &s->pace);
    for (unsigned i = 0; i < TEXT_ROLE_COUNT; i++)
        decode_told(&r, &s->told[i]);
    s->silent_from = (day_t)reader_zigzag(&r);
    s->silent_to = (day_t)reader_zigzag(&r);
    return reader_done(&r) ? 0 : notifier_corrupt(err, "states");
}

int notifier_state_get(struct kv *kv, struct notifier_state *s, struct err *err)
{
    struct buf key = {0};
    struct slice value;
    state_key(s, &key);
    bool found = kv_get(kv, NOTIFIER_STATES, buf_slice(&key), &value);
    buf_fini(&key);
    if (!found)
        return 0;
    int rc = decode_state(value, s, err);
    return rc < 0 ? rc : 1;
}

int notifier_visit_states(struct kv *kv,
                          void (*visit)(void *arg, const struct notifier_state *state), void *arg,
                          struct err *err)
{
    struct slice key, value;
    int rc = 0;
    struct kv_cursor *c = kv_cursor_open(kv, NOTIFIER_STATES);
    for (bool more = kv_cursor_move(c, KV_FIRST, &key, &value); more && rc == 0;
         more = kv_cursor_move(c, KV_NEXT, &key, &value)) {
        struct notifier_state s = {0};
        rc = read_state_key(key, &s) ? decode_state(value, &s, err)
                                     : notifier_corrupt(err, "states");
        if (rc == 0)
            visit(arg, &s);
    }
    kv_cursor_close(c);
    return rc;
}

/* ---- history ---- */

static void encode_decision(const struct notifier_decision *d, struct buf *out)
{
    buf_u8(out, NOTIFIER_FORMAT);
    buf_u8(out, (uint8_t)d->reason);
    buf_u8(out, (uint8_t)d->from);
    buf_u8(out, (uint8_t)d->to);
    buf_u8(out, (uint8_t)d->tell);
    buf_zigzag(out, d->tick_ms);
    put_ident(&d->plan, out);
    put_ident(&d->target, out);
    put_ident(&d->unit, out);
    put_ident(&d->inhibitor, out);
    buf_block(out, d->id);
    buf_block(out, d->recipient);
    buf_block(out, d->recipient_name);
    buf_block(out, d->subject);
    buf_block(out, d->body);
    buf_block(out, d->corrects);
}

static int decode_decision(struct slice key, struct slice value, struct notifier_decision *d,
                           struct err *err)
{
    struct reader k = reader_of(key), r = reader_of(value);
    d->number = reader_u64(&k);
    unsigned format = reader_u8(&r);
    if (format > NOTIFIER_FORMAT)
        return other_version(err, "history", format);
    d->reason = (enum notifier_reason)reader_u8(&r);
    d->from = (enum alert_state)reader_u8(&r);
    d->to = (enum alert_state)reader_u8(&r);
    d->tell = (enum state_tell)reader_u8(&r);
    d->tick_ms = reader_zigzag(&r);
    read_ident(&r, &d->plan);
    read_ident(&r, &d->target);
    read_ident(&r, &d->unit);
    read_ident(&r, &d->inhibitor);
    d->id = reader_block(&r);
    d->recipient = reader_block(&r);
    d->recipient_name = reader_block(&r);
    d->subject = reader_block(&r);
    d->body = reader_block(&r);
    d->corrects = reader_block(&r);
    return reader_done(&k) && reader_done(&r) ? 0 : notifier_corrupt(err, "history");
}

void notifier_decision_put(struct kv *kv, const struct notifier_decision *d)
{
    struct buf key = {0}, value = {0};
    buf_u64(&key, d->number);
    encode_decision(d, &value);
    kv_append(kv, NOTIFIER_HISTORY, buf_slice(&key), buf_slice(&value));
    if (d->reason == REASON_TOLD) {
        kv_put(kv, NOTIFIER_IDS, d->id, buf_slice(&key));
        for (uint8_t channel = 0; channel < CHANNEL_COUNT; channel++) {
            buf_u8(&key, channel);
            kv_put(kv, NOTIFIER_OUTBOX, buf_slice(&key), slice_of("", 0));
            key.len--;
        }
    }
    buf_fini(&key);
    buf_fini(&value);
}

int notifier_visit_history(struct kv *kv, uint64_t after,
                           bool (*visit)(void *arg, const struct notifier_decision *d), void *arg,
                           struct err *err)
{
    struct buf from = {0};
    struct slice key, value;
    int rc = 0;
    buf_u64(&from, after == UINT64_MAX ? after : after + 1);
    struct kv_cursor *c = kv_cursor_open(kv, NOTIFIER_HISTORY);
    for (bool more = kv_cursor_seek(c, buf_slice(&from), &key, &value); more;
         more = kv_cursor_move(c, KV_NEXT, &key, &value)) {
        struct notifier_decision d;
        rc = decode_decision(key, value, &d, err);
        if (rc < 0 || !visit(arg, &d))
            break;
    }
    kv_cursor_close(c);
    buf_fini(&from);
    return rc;
}

static int decision_get(struct kv *kv, struct slice number, struct notifier_decision *out,
                        struct err *err)
{
    struct slice value;
    if (!kv_get(kv, NOTIFIER_HISTORY, number, &value))
        return notifier_corrupt(err, "history");
    int rc = decode_decision(number, value, out, err);
    return rc < 0 ? rc : 1;
}

/* The id without the name of a channel at its end. */
static struct slice without_channel(struct slice id)
{
    for (unsigned i = 0; i < CHANNEL_COUNT; i++) {
        size_t len = strlen(notifier_channel_names[i]);
        const char *text = id.data;
        if (id.len > len + 1 && text[id.len - len - 1] == '/' &&
            memcmp(text + id.len - len, notifier_channel_names[i], len) == 0)
            return slice_of(text, id.len - len - 1);
    }
    return id;
}

int notifier_find(struct kv *kv, struct slice id, struct notifier_decision *out, struct err *err)
{
    struct slice value;
    uint8_t number[sizeof(uint64_t)];
    id = without_channel(id);
    if (id.len == 0 || id.len >= NOTIFIER_ID_BYTES || !kv_get(kv, NOTIFIER_IDS, id, &value))
        return 0;
    if (value.len != sizeof number)
        return notifier_corrupt(err, "ids");
    memcpy(number, value.data, sizeof number);
    return decision_get(kv, slice_of(number, sizeof number), out, err);
}

/* ---- outbox ---- */

static void outbox_key(uint64_t number, unsigned channel, struct buf *out)
{
    buf_u64(out, number);
    buf_u8(out, (uint8_t)channel);
}

static void add_channel(struct slice id, enum notifier_channel channel, char out[NOTIFIER_ID_BYTES])
{
    out[0] = '\0';
    if (id.len > 0)
        snprintf(out, NOTIFIER_ID_BYTES, "%.*s/%s", (int)id.len, (const char *)id.data,
                 notifier_channel_names[channel]);
}

static int waiting_after(struct kv *kv, struct slice after, struct buf *found)
{
    struct slice key;
    struct kv_cursor *c = kv_cursor_open(kv, NOTIFIER_OUTBOX);
    bool more = kv_cursor_seek(c, after, &key, NULL);
    if (more && slice_equal(key, after))
        more = kv_cursor_move(c, KV_NEXT, &key, NULL);
    buf_clear(found);
    if (more)
        buf_bytes(found, key.data, key.len);
    kv_cursor_close(c);
    return more;
}

int notifier_outbox_next(struct kv *kv, uint64_t after_number, enum notifier_channel after_channel,
                         struct notification *out, struct err *err)
{
    struct buf after = {0}, found = {0};
    outbox_key(after_number, after_number == 0 ? 0 : after_channel, &after);
    int rc = waiting_after(kv, buf_slice(&after), &found);
    if (rc > 0) {
        struct reader r = reader_of(buf_slice(&found));
        out->number = reader_u64(&r);
        out->channel = (enum notifier_channel)reader_u8(&r);
        rc = reader_done(&r) && out->channel < CHANNEL_COUNT
                 ? decision_get(kv, slice_of(found.data, sizeof(uint64_t)), &out->decision, err)
                 : notifier_corrupt(err, "outbox");
    }
    if (rc > 0) {
        add_channel(out->decision.id, out->channel, out->id);
        add_channel(out->decision.corrects, out->channel, out->corrects);
    }
    buf_fini(&after);
    buf_fini(&found);
    return rc;
}

bool notifier_is_waiting(struct kv *kv, uint64_t number, enum notifier_channel channel)
{
    struct buf key = {0};
    outbox_key(number, channel, &key);
    bool waiting = kv_get(kv, NOTIFIER_OUTBOX, buf_slice(&key), NULL);
    buf_fini(&key);
    return waiting;
}

void notifier_outbox_delivered(struct kv *kv, uint64_t number, enum notifier_channel channel)
{
    struct buf key = {0};
    outbox_key(number, channel, &key);
    kv_del(kv, NOTIFIER_OUTBOX, buf_slice(&key));
    buf_fini(&key);
}
