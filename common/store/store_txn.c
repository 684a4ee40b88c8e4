/* Transactions and cursors: the kv of common/base/kv.h over LMDB. Get, put and cursor moves happen
 * millions of times a second, so none of them allocates. */
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/store/store_internal.h"
#include <stdlib.h>

enum { KEY_BYTES_MAX = 511 };

/* Where a cursor stands. LMDB's own answers to a step from an end differ from case to case; here
 * NEXT from before the first is the first, PREV from behind the last is the last. */
enum place { PLACE_UNSET, PLACE_BEFORE, PLACE_AT, PLACE_BEHIND };

struct store_cursor {
    struct kv_cursor base;
    struct store_cursor *next; /* of the same transaction */
    MDB_cursor *mdb;
    uint64_t writes; /* of the table when positioned */
    unsigned table;
    enum place place;
    bool open;
};

struct store_txn {
    struct kv kv;
    struct store *store;
    MDB_txn *mdb;
    struct store_cursor *cursors; /* open ones, and closed ones kept for the next cursor_open */
    bool write;
    uint64_t
        writes[STORE_TABLES_MAX]; /* puts and deletes so far: cursors positioned before are stale */
};

static struct store_txn *txn_of(struct kv *kv)
{
    return (struct store_txn *)kv; /* kv is its first member */
}

MDB_txn *store_txn_handle(struct kv *kv)
{
    return txn_of(kv)->mdb;
}

static MDB_val val_of(struct slice s)
{
    MDB_val v = {s.len, NULL};
    memcpy(&v.mv_data, &s.data, sizeof s.data); /* LMDB's type has no const; it does not write */
    return v;
}

static MDB_val key_val(const struct store_txn *t, unsigned table, struct slice key)
{
    require(table < t->store->table_count);
    require(key.len >= 1 && key.len <= KEY_BYTES_MAX);
    return val_of(key);
}

/* 1 or 0 for an LMDB result, or the error that from now on is the transaction's. */
static int settle(struct store_txn *t, int rc, const char *verb, unsigned table)
{
    if (rc == 0)
        return 1;
    if (rc == MDB_NOTFOUND)
        return 0;
    return store_error(t->store, &t->kv.err, rc, verb, t->store->table_names[table]);
}

static int txn_get(struct kv *kv, unsigned table, struct slice key, struct slice *value)
{
    struct store_txn *t = txn_of(kv);
    MDB_val k = key_val(t, table, key), v;
    int rc = mdb_get(t->mdb, t->store->tables[table], &k, &v);
    if (rc == 0)
        *value = slice_of(v.mv_data, v.mv_size);
    return settle(t, rc, "get from", table);
}

static int txn_put(struct kv *kv, unsigned table, struct slice key, struct slice value, bool append)
{
    struct store_txn *t = txn_of(kv);
    MDB_val k = key_val(t, table, key), v = val_of(value);
    require(t->write);
    t->writes[table]++;
    int rc = mdb_put(t->mdb, t->store->tables[table], &k, &v, append ? MDB_APPEND : 0);
    if (rc == MDB_KEYEXIST) /* the hint was wrong: not above every key */
        rc = mdb_put(t->mdb, t->store->tables[table], &k, &v, 0);
    return settle(t, rc, "put into", table);
}

static int txn_del(struct kv *kv, unsigned table, struct slice key)
{
    struct store_txn *t = txn_of(kv);
    MDB_val k = key_val(t, table, key);
    require(t->write);
    t->writes[table]++;
    return settle(t, mdb_del(t->mdb, t->store->tables[table], &k, NULL), "delete from", table);
}

static struct store_cursor *closed_cursor(struct store_txn *t, unsigned table)
{
    for (struct store_cursor *c = t->cursors; c != NULL; c = c->next)
        if (!c->open && c->table == table)
            return c;
    return NULL;
}

static int new_cursor(struct store_txn *t, unsigned table, struct store_cursor **out)
{
    MDB_cursor *mdb;
    int rc = mdb_cursor_open(t->mdb, t->store->tables[table], &mdb);
    if (rc != 0)
        return rc;
    struct store_cursor *c = alloc_zeroed(1, sizeof *c);
    *c = (struct store_cursor){.base.kv = &t->kv, .next = t->cursors, .mdb = mdb, .table = table};
    t->cursors = c;
    *out = c;
    return 0;
}

static int txn_cursor_open(struct kv *kv, unsigned table, struct kv_cursor **out)
{
    struct store_txn *t = txn_of(kv);
    require(table < t->store->table_count);
    struct store_cursor *c = closed_cursor(t, table);
    int rc = c != NULL ? 0 : new_cursor(t, table, &c);
    if (rc == 0) {
        c->open = true;
        c->place = PLACE_UNSET;
        *out = &c->base;
    }
    return settle(t, rc, "open a cursor on", table);
}

/* What LMDB is asked for, or -1 when there is nothing in that direction. */
static int operation(struct store_cursor *c, const struct store_txn *t, enum kv_move move)
{
    switch (move) {
    case KV_FIRST:
        return MDB_FIRST;
    case KV_LAST:
        return MDB_LAST;
    case KV_SEEK:
        return MDB_SET_RANGE;
    default:
        break;
    }
    require(c->place != PLACE_UNSET && c->writes == t->writes[c->table]);
    if (c->place == PLACE_AT)
        return move == KV_NEXT ? MDB_NEXT : MDB_PREV;
    if (c->place == PLACE_BEFORE)
        return move == KV_NEXT ? MDB_FIRST : -1;
    return move == KV_PREV ? MDB_LAST : -1;
}

static int txn_cursor_move(struct kv_cursor *base, enum kv_move move, struct slice *key,
                           struct slice *value)
{
    struct store_cursor *c = (struct store_cursor *)base;
    struct store_txn *t = txn_of(base->kv);
    int op = operation(c, t, move);
    if (op < 0)
        return 0;
    MDB_val k = {0, NULL}, v;
    if (move == KV_SEEK)
        k = val_of(*key); /* may be longer than a stored key can be */
    int rc = mdb_cursor_get(c->mdb, &k, &v, (MDB_cursor_op)op);
    c->writes = t->writes[c->table];
    if (rc != 0) {
        c->place = move == KV_LAST || move == KV_PREV ? PLACE_BEFORE : PLACE_BEHIND;
        return settle(t, rc, "read", c->table);
    }
    c->place = PLACE_AT;
    *key = slice_of(k.mv_data, k.mv_size);
    *value = slice_of(v.mv_data, v.mv_size);
    return 1;
}

static void txn_cursor_close(struct kv_cursor *base)
{
    struct store_cursor *c = (struct store_cursor *)base;
    require(c->open);
    c->open = false;
}

static const struct kv_ops txn_ops = {
    .get = txn_get,
    .put = txn_put,
    .del = txn_del,
    .cursor_open = txn_cursor_open,
    .cursor_move = txn_cursor_move,
    .cursor_close = txn_cursor_close,
};

/* A dead reader may hold the place we need, and another process may have grown the file past our
 * map: both can be put right, once. */
static int begin_again(struct store *s, int rc)
{
    if (rc == MDB_READERS_FULL)
        return mdb_reader_check(s->env, NULL);
    if (rc == MDB_MAP_RESIZED && s->open_txns == 0) {
        store_drop_idle_read(s);
        return mdb_env_set_mapsize(s->env, 0);
    }
    return rc;
}

static int begin_mdb(struct store *s, struct store_txn *t)
{
    if (t->mdb != NULL)
        return mdb_txn_renew(t->mdb);
    return mdb_txn_begin(s->env, NULL, t->write ? 0 : MDB_RDONLY, &t->mdb);
}

static struct store_txn *make_txn(struct store *s, bool write)
{
    if (!write && s->idle_read != NULL) {
        struct store_txn *t = s->idle_read;
        s->idle_read = NULL;
        return t;
    }
    struct store_txn *t = alloc_zeroed(1, sizeof *t);
    t->kv.ops = &txn_ops;
    t->store = s;
    t->write = write;
    return t;
}

int store_begin(struct store *s, bool write, struct kv **out, struct err *e)
{
    require(!write || (!s->read_only && !s->writing)); /* a second would wait for itself for ever */
    struct store_txn *t = make_txn(s, write);
    int rc = begin_mdb(s, t);
    if (rc != 0 && begin_again(s, rc) == 0)
        rc = begin_mdb(s, t);
    if (rc != 0) {
        if (t->mdb != NULL)
            mdb_txn_abort(t->mdb);
        free(t);
        return store_error(s, e, rc, "begin", NULL);
    }
    s->open_txns++;
    s->writing = s->writing || write;
    *out = &t->kv;
    return 0;
}

static void close_cursors(struct store_txn *t)
{
    while (t->cursors != NULL) {
        struct store_cursor *c = t->cursors;
        require(!c->open);
        t->cursors = c->next;
        mdb_cursor_close(c->mdb);
        free(c);
    }
}

/* Leaves the LMDB transaction for the caller to end, and gives back what it is in. */
static struct store_txn *take(struct kv **kv)
{
    struct store_txn *t = txn_of(*kv);
    *kv = NULL;
    close_cursors(t);
    t->store->open_txns--;
    t->store->writing = t->store->writing && !t->write;
    return t;
}

static void discard(struct store_txn *t)
{
    if (t->write || t->store->idle_read != NULL) {
        mdb_txn_abort(t->mdb);
        free(t);
        return;
    }
    mdb_txn_reset(t->mdb);
    t->kv.err = (struct err){0};
    t->store->idle_read = t;
}

void store_drop_idle_read(struct store *s)
{
    if (s->idle_read == NULL)
        return;
    mdb_txn_abort(s->idle_read->mdb);
    free(s->idle_read);
    s->idle_read = NULL;
}

static bool fault_is_due(struct store *s)
{
    return s->fault_countdown > 0 && --s->fault_countdown == 0;
}

int store_commit(struct kv **kv, struct err *e)
{
    struct store_txn *t = take(kv);
    struct store *s = t->store;
    int code = t->kv.err.code;
    if (code != 0)
        err_set(e, code, "%s", t->kv.err.text);
    else if (t->write && fault_is_due(s))
        code = err_set(e, s->fault_code, "store %s: commit: fault asked for", s->directory);
    if (code != 0 || !t->write) {
        discard(t);
        return code;
    }
    int rc = mdb_txn_commit(t->mdb);
    free(t);
    return rc == 0 ? 0 : store_error(s, e, rc, "commit", NULL);
}

void store_abort(struct kv **kv)
{
    if (*kv != NULL)
        discard(take(kv));
}
