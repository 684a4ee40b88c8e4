/* An ordered key-value store in memory behind the seam common/base/kv.h, for the simulator and the
 * model checks: begin costs nothing, abort undoes, copies share the records. It is stricter than a
 * real store, so that what the contract forbids fails here first: require() stops a write in a read
 * transaction, a cursor moved after a write to its table or after a move that found nothing, and a
 * cursor still open when its transaction ends.
 *
 * Any number of read transactions, or one write transaction; never both at once. */
#ifndef TONGHOP_TESTS_MEMKV_H
#define TONGHOP_TESTS_MEMKV_H

#include "common/base/buf.h"
#include "common/base/kv.h"

struct memkv;

struct memkv *memkv_create(unsigned tables); /* numbered 0 .. tables - 1 */
void memkv_destroy(struct memkv *m);         /* accepts NULL; drops what is open, as a crash does */
/* An independent store with the same content and no fault armed; no write transaction may be open.
 */
struct memkv *memkv_copy(const struct memkv *m);

/* The caller ends it with commit or abort. */
struct kv *memkv_begin(struct memkv *m, bool write);
/* Ends the transaction and sets *kv to NULL whatever comes out. A negative code means that the
 * store is as it was before begin: the sticky error of the transaction, or an armed fault. */
int memkv_commit(struct kv **kv, struct err *e);
void memkv_abort(struct kv **kv); /* accepts a pointer to NULL; sets *kv to NULL */
/* Drops every open transaction with its cursors, as the death of the process does; pointers to them
 * are dead. Armed faults stay. */
void memkv_crash(struct memkv *m);

/* Arms a fault that strikes once: the countdown-th commit of a write transaction from now (1: the
 * next) fails with `code`; 0 disarms. */
void memkv_fail_commit_after(struct memkv *m, long countdown, int code);
/* The same for the countdown-th put or delete: it puts the error into its transaction. */
void memkv_fail_put_after(struct memkv *m, long countdown, int code);

size_t memkv_count(const struct memkv *m, unsigned table); /* records, an open write seen */
/* Same tables, keys and values. Otherwise says where they part in `difference` (may be NULL): one
 * line a table, with the first key that differs, terminated. */
bool memkv_equal(const struct memkv *a, const struct memkv *b, struct buf *difference);

#endif
