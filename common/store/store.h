/* Durable stores: one LMDB environment in one directory, seen as the ordered transactions of
 * common/base/kv.h. This folder is the only one that includes lmdb.h: nothing above knows what a
 * map-full is. A store is used by one thread; one process at a time may open it for writing, others
 * may read. It refuses what would put data at risk (network file systems, a second writer, records
 * of another kind or format) and deletes nothing because it failed to open.
 *
 * Never open a directory twice in one process, and never use a store in a forked child: LMDB's
 * locks belong to the process. Containers that share a directory must share a PID namespace. */
#ifndef TONGHOP_STORE_STORE_H
#define TONGHOP_STORE_STORE_H

#include "common/base/kv.h"

enum { STORE_TABLES_MAX = 32 };

struct store;

struct store_options {
    const char *directory;     /* created with mode 0700 when missing; its parent must exist */
    size_t map_bytes;          /* address space, not disk: the most that the store may grow to */
    const char *const *tables; /* names, index = table number; borrowed until store_close */
    unsigned table_count;      /* at most STORE_TABLES_MAX */
    const char *kind;          /* "collector journal": a store of another kind is refused */
    unsigned format;           /* version of the records; a store of another version is refused */
    bool read_only;            /* beside a writer, for inspection; creates nothing */
    bool scratch;              /* no sync at commit: for what can be computed again, nothing else */
};

struct store_usage {
    uint64_t map_bytes;
    uint64_t used_bytes; /* pages in use or kept for a reader; warn at 70% of map_bytes */
    uint64_t disk_bytes; /* length of the file, which never shrinks */
    uint64_t entries[STORE_TABLES_MAX];
    uint64_t oldest_reader_age; /* transactions committed since the oldest open read began */
};

/* Errors: ERR_AGAIN when another process writes here, ERR_VERSION for another format, ERR_INVALID
 * for another kind, something that is not a store, or a network file system; ERR_NOT_FOUND when
 * read_only and there is none; ERR_CORRUPT; ERR_IO. The caller closes *out. */
int store_open(struct store **out, const struct store_options *options, struct err *e);
void store_close(struct store *s); /* accepts NULL; every transaction must have ended */

/* One write transaction at a time; reads see the state of their beginning and hold back the reuse
 * of pages, so keep them short. ERR_AGAIN when too many processes read. */
int store_begin(struct store *s, bool write, struct kv **out, struct err *e);
/* Ends the transaction and sets *kv to NULL, whether it succeeds or fails. The first error of the
 * transaction is the one returned, and then nothing of it is stored; after 0 it is on disk (unless
 * scratch). ERR_FULL may come here as well as at a put. Close every cursor before. */
int store_commit(struct kv **kv, struct err *e);
void store_abort(struct kv **kv); /* *kv may be NULL */

int store_usage(struct store *s, struct store_usage *out, struct err *e);
/* Frees the places of readers that were killed, which else pin old pages for ever: store_open does
 * it, then call it every minute. *cleared (nullable): how many there were. */
int store_check_readers(struct store *s, unsigned *cleared, struct err *e);

/* For tests: the countdown-th write commit from now fails with `code` before reaching the disk,
 * once. 0 takes it back. */
void store_fault(struct store *s, long countdown, int code);

/* Each record as a line "table key value", key and value in hexadecimal and an empty value as "-",
 * tables in the order given, records in key order. Works on any kv; returns its error code. `text`
 * is borrowed for the call. */
int store_dump(struct kv *kv, const char *const *tables, unsigned count,
               void (*line)(void *arg, const char *text), void *arg);

#endif
