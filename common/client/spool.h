/* The spool on disk: batches and their numbers, synced before anything is sent, so that a commune
 * whose line or machine is down goes on working and nothing is stated twice. Over common/store; one
 * process at a time. What to send and when is spool_core's matter.
 *
 * A batch keeps its ticket (1, 2, 3 … over the life of the directory) while its number may change
 * with a new stamp or a new spool. Lost directory: a new random id, numbers from 1.
 *
 * Tables (keys big-endian):
 *   STATE    "state"     format u8, spool id 16 bytes, next number u64, next ticket u64
 *   BATCHES  number u64  ticket u64, payload: what is not answered yet
 *   ANSWERS  ticket u64  answer as it came; only where answers are kept
 *   NOTES    text        whatever the owner keeps beside its batches */
#ifndef TONGHOP_CLIENT_SPOOL_H
#define TONGHOP_CLIENT_SPOOL_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/model/observation.h"

struct spool;

struct spool_stored {
    struct spool_id id;
    uint64_t first;       /* lowest number held; next_number when none is */
    uint64_t next_number; /* as spool_core_init wants them */
    uint64_t next_ticket;
};

/* Creates the directory (0700, its parent must exist) with a fresh random id when there is none.
 * ERR_AGAIN: another process has it open. Caller closes. */
int spool_open(struct spool **out, const char *directory, bool keep_answers, struct err *e);
void spool_close(struct spool *s); /* accepts NULL */
struct spool_stored spool_stored(const struct spool *s);
void spool_random_id(struct spool_id *out);

/* Stores `count` payloads under the next numbers and tickets, all or none, synced. *ticket
 * (nullable) is the first one's. ERR_FULL: nothing was stored; send what waits first. */
int spool_put(struct spool *s, const struct slice *payloads, size_t count, uint64_t *ticket,
              struct err *e);
/* As above, and a note in the same transaction: both are there or neither. */
int spool_put_with_note(struct spool *s, const struct slice *payloads, size_t count,
                        const char *note, struct slice value, struct err *e);
/* Appends the payload held under that number to *out. ERR_NOT_FOUND. */
int spool_get(struct spool *s, uint64_t number, uint64_t *ticket, struct buf *out, struct err *e);

/* The effects of spool_core, each one synced transaction. */
int spool_done(struct spool *s, uint64_t number, struct slice answer, struct err *e);
int spool_replace(struct spool *s, uint64_t number, uint64_t to, struct slice payload,
                  struct err *e);
int spool_reopen(struct spool *s, const struct spool_id *id, struct err *e);

/* Kept answers, by ticket, ascending. `visit` gets memory that lives until it returns. */
int spool_visit_answers(struct spool *s,
                        void (*visit)(void *arg, uint64_t ticket, struct slice answer), void *arg,
                        struct err *e);
/* Empties *out first. ERR_NOT_FOUND. */
int spool_note_get(struct spool *s, const char *note, struct buf *out, struct err *e);
int spool_note_put(struct spool *s, const char *note, struct slice value, struct err *e);

#endif
