/* What is applied rather than submitted, and what moves the clock. */
#include "services/collector/collector_internal.h"

#include "common/base/check.h"

static int check_operator(const struct collector *c, const uint8_t key[KEY_BYTES],
                          uint32_t *producer, struct err *err)
{
    struct identity who = collector_identify(c, key);
    *producer = who.producer;
    if (who.roles & ROLE_OPERATE)
        return 0;
    return err_set(err, ERR_DENIED,
                   who.revoked ? "this key was revoked: use another with the role operate"
                               : "this key has no role operate: use one that has");
}

static int apply_body(struct collector *c, struct registry *r, enum entry_kind kind,
                      struct slice body, struct err *err)
{
    int rc = registry_apply_entry(r, c->codec, kind, body, &c->scratch, err);
    arena_reset(&c->scratch);
    return rc;
}

static int restore_entry(struct collector *c, struct registry *r, uint64_t offset,
                         struct slice bytes, struct err *err)
{
    struct commit_head head = {.first_offset = offset};
    struct entry e;
    int rc = journal_entry_decode(&bytes, &head, 0, true, &c->scratch, &e, err);
    if (rc == 0)
        rc = apply_body(c, r, e.kind, e.body, err);
    if (rc != 0)
        err_wrap(err, "journal entry %llu cannot be applied again: restore the store from a backup",
                 (unsigned long long)offset);
    return rc;
}

static int restore_all(struct collector *c, struct kv *kv, struct registry *r, uint64_t *last,
                       struct err *err)
{
    struct kv_cursor *cursor = kv_cursor_open(kv, COLLECTOR_REGISTRY);
    struct slice entry;
    int rc = 0;
    *last = 0;
    for (bool more = record_registry_move(cursor, KV_FIRST, last, &entry); more && rc == 0;
         more = record_registry_move(cursor, KV_NEXT, last, &entry))
        rc = restore_entry(c, r, *last, entry, err);
    kv_cursor_close(cursor);
    return rc != 0 ? rc : record_result(kv, err);
}

int apply_restore(struct collector *c, struct kv *kv, struct registry **out, uint64_t *last,
                  struct err *err)
{
    struct registry *r = registry_create();
    int rc = restore_all(c, kv, r, last, err);
    if (rc == 0)
        *out = r;
    else
        registry_destroy(r);
    return rc;
}

/* On a registry made for it, as one that has taken a change cannot give it back. */
static int try_change(struct collector *c, struct kv *kv, const struct collector_change *change,
                      struct err *err)
{
    struct registry *r;
    uint64_t last;
    int rc = apply_restore(c, kv, &r, &last, err);
    if (rc != 0)
        return rc;
    rc = apply_body(c, r, change->kind, change->body, err);
    registry_destroy(r);
    return rc;
}

static void journal_change(struct collector *c, struct kv *kv,
                           const struct collector_change *change, uint32_t producer,
                           uint64_t *offset)
{
    struct entry e = {.kind = change->kind,
                      .body_bytes = (uint32_t)change->body.len,
                      .body = change->body,
                      .operator_producer = producer};
    memcpy(e.body_hash, change->hash, HASH_BYTES);
    group_open(c, kv);
    group_add(c, kv, &e);
    record_registry_put(kv, e.offset, group_last(&c->group));
    c->registry_offset = e.offset;
    *offset = e.offset;
}

/* What each change begins with: who wants it, and is the store to be written? */
static int begin_change(const struct collector *c, const struct kv *kv,
                        const uint8_t key[KEY_BYTES], uint32_t *producer, uint64_t *offset,
                        struct err *err)
{
    *offset = 0;
    int rc = check_operator(c, key, producer, err);
    return rc == 0 ? record_result(kv, err) : rc;
}

int collector_apply(struct collector *c, struct kv *kv, const uint8_t key[KEY_BYTES],
                    const struct collector_change *change, uint64_t *offset, struct err *err)
{
    uint32_t producer;
    int rc = begin_change(c, kv, key, &producer, offset, err);
    if (rc != 0)
        return rc;
    if (change->dry_run)
        return try_change(c, kv, change, err);
    rc = apply_body(c, c->registry, change->kind, change->body, err);
    if (rc != 0)
        return rc;
    journal_change(c, kv, change, producer, offset);
    return record_result(kv, err);
}

int collector_replay_tick(struct collector *c, struct kv *kv, const uint8_t key[KEY_BYTES],
                          int64_t time_ms, uint64_t *offset, struct err *err)
{
    uint32_t producer; /* a tick does not say who moved the time */
    int rc = begin_change(c, kv, key, &producer, offset, err);
    if (rc != 0)
        return rc;
    group_write(c, kv); /* what came before the move has the time before it */
    rc = clock_replay(&c->clock, time_ms, err);
    if (rc != 0)
        return rc;
    group_write_ticks(c, kv);
    *offset = c->state.next_offset - 1;
    return record_result(kv, err);
}

static void journal_accept(struct collector *c, struct kv *kv, uint32_t producer, uint64_t *offset)
{
    struct entry e = {.kind = ENTRY_CLOCK,
                      .operator_producer = producer,
                      .time_before_ms = c->clock_before_accept.time_ms};
    group_open(c, kv);
    group_add(c, kv, &e);
    c->accept_offset = e.offset;
    *offset = e.offset;
}

int collector_clock_accept(struct collector *c, struct kv *kv, const uint8_t key[KEY_BYTES],
                           int64_t time_ms, uint64_t *offset, struct err *err)
{
    uint32_t producer;
    int rc = begin_change(c, kv, key, &producer, offset, err);
    if (rc != 0)
        return rc;
    group_write(c, kv); /* what came before the jump has the time before it */
    group_write_ticks(c, kv);
    struct clock_core before = c->clock;
    rc = clock_accept(&c->clock, time_ms, err);
    if (rc != 0)
        return rc;
    c->clock_before_accept = before;
    journal_accept(c, kv, producer, offset);
    return record_result(kv, err);
}
