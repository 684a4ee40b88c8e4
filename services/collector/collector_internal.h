/* What the collector's files share and nobody else sees: its records, the open group, and the way
 * back from an offset to an entry. */
#ifndef TONGHOP_COLLECTOR_COLLECTOR_INTERNAL_H
#define TONGHOP_COLLECTOR_COLLECTOR_INTERNAL_H

#include "services/collector/collector_core.h"
#include "services/collector/journal_store_core.h"

/* --- records: collector_record_core.c */

/* Where the journal stands, the open group included in next_offset, next_row and next_spool only.
 */
struct collector_state {
    uint64_t next_offset;
    uint64_t commit_number;
    uint8_t hash[HASH_BYTES]; /* of that commit */
    struct clock_mark clock;  /* likewise */
    uint64_t next_row;        /* rows of all batches so far */
    uint32_t next_spool;
    bool replay;
    uint8_t instance[16];
};

/* Where an entry stands: its offset, and its first byte within its commit. */
struct entry_place {
    uint64_t offset;
    uint32_t position;
};

struct spool_record {
    uint32_t ordinal;
    uint64_t last_number; /* 0: never heard of */
};

/* Each get: false when not there or the transaction has failed. A record that cannot be read fails
 * the transaction with ERR_CORRUPT. */
bool record_state_get(struct kv *kv, struct collector_state *out);
void record_state_put(struct kv *kv, const struct collector_state *state);
bool record_spool_get(struct kv *kv, uint32_t producer, const struct spool_id *spool,
                      struct spool_record *out);
void record_spool_put(struct kv *kv, uint32_t producer, const struct spool_id *spool,
                      const struct spool_record *record);
bool record_number_get(struct kv *kv, uint32_t spool, uint64_t number, struct entry_place *out);
void record_number_put(struct kv *kv, uint32_t spool, uint64_t number,
                       const struct entry_place *place);
/* Forgets the numbers whose entries lie below `offset`, but for the last one of each spool. */
void record_number_trim(struct kv *kv, uint64_t offset);
/* What was applied, whole: the registry does not hang on commits that may be trimmed. */
void record_registry_put(struct kv *kv, uint64_t offset, struct slice entry);
/* KV_FIRST or KV_NEXT on a cursor of that table; false at the end. The entry's bytes are borrowed
 * until the next write. */
bool record_registry_move(struct kv_cursor *cursor, enum kv_move move, uint64_t *offset,
                          struct slice *entry);
/* The transaction's sticky error as a return value. */
int record_result(const struct kv *kv, struct err *err);

/* --- the open group: collector_group_core.c */

/* Entries that have an offset and a time but no commit yet. Open while it has any. */
struct group {
    struct buf entries;
    size_t *starts; /* of each entry in `entries` */
    size_t count;
    size_t capacity;
    uint64_t first_offset;
    int64_t time_ms;
};

void group_fini(struct group *g);
void group_clear(struct group *g);
/* Makes ready for an entry at the present time: ticks that are due come before it. */
void group_open(struct collector *c, struct kv *kv);
/* Gives the entry its offset and the group's time, and adds it; where it will stand. */
struct entry_place group_add(struct collector *c, struct kv *kv, struct entry *e);
/* The bytes of the entry added last; borrowed until the next is. */
struct slice group_last(const struct group *g);
/* The group as a commit into kv, if there is any. */
void group_write(struct collector *c, struct kv *kv);
/* Each tick that is due, as a commit of its own. No group is open. */
void group_write_ticks(struct collector *c, struct kv *kv);
/* The first entry of a new journal. */
void group_write_genesis(struct collector *c, struct kv *kv);

/* --- finding entries again: collector_entry_core.c */

/* The entry at that place, sealed or in the open group, and no other is looked at; body borrowed
 * until the next write. ERR_NOT_FOUND when it was trimmed, or ERR_CORRUPT. */
int entry_find(struct collector *c, struct kv *kv, const struct entry_place *place,
               struct arena *arena, struct entry *out, struct err *err);

/* --- what is applied: collector_apply_core.c */

/* The registry as its records in kv make it; the caller destroys it. *last is the offset of the
 * last of them, 0 without any. */
int apply_restore(struct collector *c, struct kv *kv, struct registry **out, uint64_t *last,
                  struct err *err);

/* --- the collector: collector_core.c */

struct collector {
    const struct codec *codec;
    const struct fixed_key *fixed_keys;
    unsigned fixed_key_count;
    struct clock_core clock;
    struct registry *registry;
    struct collector_state state;
    struct group group;
    size_t round_bytes; /* of commits written since the last seal */
    struct buf commit;  /* being encoded; kept for its memory */
    struct arena scratch;

    /* To undo in memory what a failed commit undid in the store: an entry at or above the store's
     * next offset never happened. */
    uint64_t registry_offset; /* of the last entry that the registry has in it */
    uint64_t accept_offset;   /* of the last accepted jump, */
    struct clock_core clock_before_accept;
};

#endif
