/* The commits, behind the one interface that the collector has to its journal: append, fetch, find
 * an entry, trim. Nobody else touches their table, so that a replicated log can take its place.
 * What the entries mean is not its matter. Every function takes a transaction; a failed one gives
 * its own error. */
#ifndef TONGHOP_COLLECTOR_JOURNAL_STORE_CORE_H
#define TONGHOP_COLLECTOR_JOURNAL_STORE_CORE_H

#include "common/base/kv.h"
#include "common/journal/journal.h"

/* The commit is the next one: its first offset is above all that are there. */
void journal_store_append(struct kv *kv, uint64_t first_offset, struct slice commit);

/* From where to where: the heads of the first commit that is kept and of the last one, which is
 * checked. ERR_NOT_FOUND when there is none, ERR_CORRUPT, ERR_VERSION. */
int journal_store_ends(struct kv *kv, struct commit_head *first, struct commit_head *last,
                       struct err *err);

/* Appends to `out` the commits from `from_offset` on, each behind its length (u32), at least one
 * and otherwise at most bytes_max; *count 0 when from_offset is the next one. ERR_CORRUPT:
 * previous_hash is not that of the commit before; ERR_NOT_FOUND: that offset was trimmed;
 * ERR_INVALID: no commit starts there, or it lies beyond the next one. */
int journal_store_fetch(struct kv *kv, uint64_t from_offset,
                        const uint8_t previous_hash[HASH_BYTES], size_t bytes_max, struct buf *out,
                        uint32_t *count, struct err *err);

/* The entry at an offset, its whole commit checked; body borrowed until the next write.
 * ERR_NOT_FOUND, or ERR_CORRUPT. */
int journal_store_entry(struct kv *kv, uint64_t offset, struct arena *arena, struct entry *out,
                        struct err *err);
/* The same without a check, where the place of its first byte in the commit is known: costs the one
 * entry, however many its commit has. */
int journal_store_peek(struct kv *kv, uint64_t offset, uint32_t position, struct arena *arena,
                       struct entry *out, struct err *err);

/* Removes the commits that lie wholly below `offset`; the last commit always stays. Of a long
 * journal, in several steps: a transaction holds every page that it frees. */
void journal_store_trim(struct kv *kv, uint64_t offset);

#endif
