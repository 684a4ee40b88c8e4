/* The bytes of the journal: entries in commits, each commit chained by a keyless hash to the one
 * before. docs/storage.md draws them. Pure apart from the hash function (libsodium's BLAKE2b): used
 * by the collector that writes them, by whoever follows, and by the verifier. */
#ifndef TONGHOP_JOURNAL_JOURNAL_H
#define TONGHOP_JOURNAL_JOURNAL_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/model/entry.h"

enum {
    JOURNAL_FORMAT = 1,
    JOURNAL_COMMIT_BYTES_MAX = 64 << 20,
    JOURNAL_COMMIT_HEAD_BYTES = 1 + 8 + 8 + 4 + 8 + 2 * HASH_BYTES, /* then the first entry */
};

struct commit_head {
    uint64_t number;                   /* 1, 2, 3 … */
    uint64_t first_offset;             /* of its first entry */
    uint32_t entry_count;              /* never 0 */
    int64_t time_ms;                   /* journal time; never less than the commit's before */
    uint8_t previous_hash[HASH_BYTES]; /* zeros for commit 1 */
    uint8_t hash[HASH_BYTES];
};

void journal_hash(struct slice body, uint8_t out[HASH_BYTES]); /* BLAKE2b-256 */

/* Appends one entry's bytes to a commit under construction. body_hash and offset are the caller's.
 */
void journal_entry_encode(struct buf *out, const struct entry *e);

/* Wraps `entries` (encoded, entry_count of them) into a commit: fills head->hash, writes all to
 * out. */
void journal_commit_encode(struct buf *out, struct commit_head *head, struct slice entries);

/* Reads a commit's head and gives its entries' bytes. Checks format, sizes, that every body is
 * there whole (only a batch that was refused whole has none), and that head->hash is the hash of
 * what is there; ERR_CORRUPT with the offset otherwise, ERR_VERSION for a newer format. */
int journal_commit_decode(struct slice commit, struct commit_head *head, struct slice *entries,
                          struct err *err);
/* The head alone, unchecked: for finding things in one's own store. */
int journal_commit_peek(struct slice commit, struct commit_head *head, struct err *err);

/* Takes the next entry from *entries (advances it). `offset` and `time_ms` are set from the commit
 * by the caller passing head and index. Refusals go to the arena, body stays borrowed; that it is
 * there whole is checked always. It is hashed and compared with the entry's body_hash when
 * check_body. */
int journal_entry_decode(struct slice *entries, const struct commit_head *head, uint32_t index,
                         bool check_body, struct arena *arena, struct entry *out, struct err *err);

/* One entry of a commit in one's own store, by the place of its first byte in the commit: nothing
 * is hashed, and no other entry is looked at. ERR_CORRUPT when the commit does not hold that offset
 * or no entry begins there. */
int journal_entry_peek(struct slice commit, uint64_t offset, uint32_t position, struct arena *arena,
                       struct entry *out, struct err *err);

#endif
