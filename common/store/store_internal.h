/* What the files of this folder share. Not for others. */
#ifndef TONGHOP_STORE_STORE_INTERNAL_H
#define TONGHOP_STORE_STORE_INTERNAL_H

#include "common/store/store.h"
#include <lmdb.h>

struct store_txn;

struct store {
    MDB_env *env;
    MDB_dbi tables[STORE_TABLES_MAX];
    const char *const *table_names;
    unsigned table_count;
    char *directory;
    int lock_fd; /* -1 when read-only */
    bool read_only;
    bool writing;                /* a write transaction is open */
    unsigned open_txns;          /* of both kinds */
    struct store_txn *idle_read; /* ended, kept with its place in the reader table; may be NULL */
    long fault_countdown;        /* 0: none */
    int fault_code;
};

/* The translation from LMDB and errno codes, once, at the border. `verb` and the nullable `table`
 * say what was being done: "put into", "facts". Returns the err_code. */
int store_error(const struct store *s, struct err *e, int rc, const char *verb, const char *table);

/* Why a directory on a file system of this statfs type cannot hold a store; NULL when it can. */
const char *store_network_filesystem(unsigned long type);

/* Takes the lock that makes this process the only writer. */
int store_lock(struct store *s, struct err *e);
void store_unlock(struct store *s);

/* Opens the tables after checking (or, in a new store, writing) the record that says what this is.
 */
int store_open_tables(struct store *s, const struct store_options *options, struct err *e);

/* The LMDB transaction under a kv of store_begin. */
MDB_txn *store_txn_handle(struct kv *kv);

/* Ends the idle read transaction for good. */
void store_drop_idle_read(struct store *s);

#endif
