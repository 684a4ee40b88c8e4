#include "services/collector/collector_internal.h"

#include <stdlib.h>

#include "common/base/alloc.h"

enum { SCRATCH_KEEP_BYTES = 1 << 20 };

/* No commit is written while an earlier tick is due. */
static bool is_tick_of(int64_t tick_ms, int64_t time_ms)
{
    return tick_ms <= time_ms && time_ms - tick_ms < CLOCK_TICK_MS;
}

/* Half a restored backup is noticed here and not by the first follower. */
static bool is_last_commit(const struct collector_state *state, const struct commit_head *last)
{
    return last->number == state->commit_number &&
           memcmp(last->hash, state->hash, HASH_BYTES) == 0 &&
           last->first_offset + last->entry_count == state->next_offset &&
           last->time_ms == state->clock.time_ms &&
           is_tick_of(state->clock.tick_ms, state->clock.time_ms);
}

/* 0, ERR_NOT_FOUND in an empty store, or what is wrong. */
static int load_state(struct kv *kv, struct collector_state *out, struct err *err)
{
    struct commit_head first, last;
    bool stands = record_state_get(kv, out);
    int rc = kv_failed(kv) ? record_result(kv, err) : journal_store_ends(kv, &first, &last, err);
    if (rc == ERR_NOT_FOUND && !stands)
        return err_set(err, ERR_NOT_FOUND, "the journal's store is empty");
    if (rc != 0 && rc != ERR_NOT_FOUND)
        return rc;
    if (!stands)
        return err_set(err, ERR_CORRUPT,
                       "the journal's store has commits but not where it stands: restore it from "
                       "a backup");
    if (rc == 0 && is_last_commit(out, &last))
        return 0;
    return err_set(err, ERR_CORRUPT,
                   "the journal's store: its last commit is not number %llu, as its state says: "
                   "restore the store from a backup",
                   (unsigned long long)out->commit_number);
}

static void start_clock(struct collector *c, const struct collector_options *options)
{
    clock_start(&c->clock, c->state.replay, &c->state.clock, &options->now);
}

static int begin_journal(struct collector *c, struct kv *kv,
                         const struct collector_options *options, struct err *err)
{
    if (!options->replay && options->now.wall_ms <= 0)
        return err_set(err, ERR_INVALID,
                       "this machine's clock stands before 1970: set it before the journal begins");
    c->state = (struct collector_state){.next_offset = 1, .replay = options->replay};
    memcpy(c->state.instance, options->instance, sizeof c->state.instance);
    start_clock(c, options);
    group_write_genesis(c, kv);
    c->round_bytes = 0;
    return record_result(kv, err);
}

static int go_on(struct collector *c, const struct collector_options *options, struct err *err)
{
    if (c->state.replay != options->replay)
        return err_set(err, ERR_INVALID,
                       "this journal was begun in %s mode, which is fixed: start the collector in "
                       "that mode, or give it an empty directory",
                       c->state.replay ? "replay" : "live");
    start_clock(c, options);
    return 0;
}

/* Leaves the registry that is there until the new one stands. */
static int replace_registry(struct collector *c, struct kv *kv, struct err *err)
{
    struct registry *next;
    uint64_t last;
    int rc = apply_restore(c, kv, &next, &last, err);
    if (rc != 0)
        return rc;
    registry_destroy(c->registry);
    c->registry = next;
    c->registry_offset = last;
    return 0;
}

static int open_on(struct collector *c, struct kv *kv, const struct collector_options *options,
                   struct err *err)
{
    int rc = load_state(kv, &c->state, err);
    if (rc == ERR_NOT_FOUND)
        rc = begin_journal(c, kv, options, err);
    else if (rc == 0)
        rc = go_on(c, options, err);
    return rc != 0 ? rc : replace_registry(c, kv, err);
}

int collector_open(struct collector **out, struct kv *kv, const struct codec *codec,
                   const struct collector_options *options, struct err *err)
{
    struct collector *c = alloc_zeroed(1, sizeof *c);
    c->codec = codec;
    c->fixed_keys = options->fixed_keys;
    c->fixed_key_count = options->fixed_key_count;
    arena_init(&c->scratch, SCRATCH_KEEP_BYTES);
    int rc = open_on(c, kv, options, err);
    if (rc != 0)
        collector_close(c);
    else
        *out = c;
    return rc;
}

void collector_close(struct collector *c)
{
    if (c == NULL)
        return;
    registry_destroy(c->registry);
    group_fini(&c->group);
    buf_fini(&c->commit);
    arena_fini(&c->scratch);
    free(c);
}

/* Time itself stays where it is: it never goes back, and no entry depends on it. Only a jump whose
 * acceptance was lost, and a replayed move, did not happen. */
static void reload_clock(struct collector *c)
{
    if (c->accept_offset >= c->state.next_offset)
        c->clock = c->clock_before_accept;
    if (c->state.replay)
        c->clock.time_ms = c->state.clock.time_ms;
    c->clock.tick_ms = c->state.clock.tick_ms;
}

int collector_reload(struct collector *c, struct kv *kv, struct err *err)
{
    group_clear(&c->group);
    c->round_bytes = 0;
    int rc = load_state(kv, &c->state, err);
    if (rc != 0)
        return rc;
    reload_clock(c);
    c->accept_offset = 0;
    return c->registry_offset >= c->state.next_offset ? replace_registry(c, kv, err) : 0;
}

struct clock_core *collector_clock(struct collector *c)
{
    return &c->clock;
}

struct identity collector_identify(const struct collector *c, const uint8_t key[KEY_BYTES])
{
    return registry_identify(c->registry, c->fixed_keys, c->fixed_key_count, key);
}

struct collector_head collector_head(const struct collector *c)
{
    struct collector_head head = {.offset = c->state.next_offset - 1 - c->group.count,
                                  .commit_number = c->state.commit_number,
                                  .time_ms = c->state.clock.time_ms,
                                  .replay = c->state.replay};
    memcpy(head.hash, c->state.hash, HASH_BYTES);
    return head;
}

int collector_trim(struct kv *kv, uint64_t offset, struct err *err)
{
    struct commit_head first, last;
    journal_store_trim(kv, offset);
    int rc = record_result(kv, err);
    if (rc == 0)
        rc = journal_store_ends(kv, &first, &last, err);
    if (rc != 0)
        return rc;
    record_number_trim(kv, first.first_offset);
    return record_result(kv, err);
}
