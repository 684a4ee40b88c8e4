/* What a store says of itself, so that no program takes another's records for its own.
 *
 *   table "store", key "self": u8 1 (form of this record) | "tonghop\0" | block kind | u32 format
 *
 * A new form of the records is a new store_options.format and, in the same change, a migration in
 * one transaction here, tested from tests/golden/. There is only format 1 so far, hence none. */
#include "common/base/buf.h"
#include "common/base/check.h"
#include "common/store/store_internal.h"

static const char meta_table[] = "store";
static const char meta_key[] = "self";
static const char magic[8] = "tonghop";
enum { META_FORM = 1 };

static MDB_val val_of(const void *data, size_t len)
{
    MDB_val v = {len, NULL};
    memcpy(&v.mv_data, &data, sizeof data); /* LMDB's type has no const; it does not write */
    return v;
}

static int write_meta(struct store *s, MDB_txn *txn, MDB_dbi meta, const struct store_options *o,
                      struct err *e)
{
    struct buf record;
    buf_init(&record);
    buf_u8(&record, META_FORM);
    buf_bytes(&record, magic, sizeof magic);
    buf_block(&record, slice_str(o->kind));
    buf_u32(&record, o->format);
    MDB_val key = val_of(meta_key, sizeof meta_key - 1);
    MDB_val value = val_of(record.data, record.len);
    int rc = mdb_put(txn, meta, &key, &value, 0);
    buf_fini(&record);
    return rc == 0 ? 0 : store_error(s, e, rc, "write to", meta_table);
}

static int check_format(const struct store *s, unsigned found, const struct store_options *o,
                        struct err *e)
{
    if (found == o->format)
        return 0;
    if (found > o->format)
        return err_set(e, ERR_VERSION,
                       "store %s: a newer program wrote it (%s format %u, this program knows %u): "
                       "run that program; nothing was changed",
                       s->directory, o->kind, found, o->format);
    return err_set(e, ERR_VERSION,
                   "store %s: an older program wrote it (%s format %u, this program wants %u) and "
                   "there is no migration: run the older program; nothing was changed",
                   s->directory, o->kind, found, o->format);
}

static int check_meta(const struct store *s, MDB_val value, const struct store_options *o,
                      struct err *e)
{
    struct reader r = reader_of(slice_of(value.mv_data, value.mv_size));
    uint8_t form = reader_u8(&r);
    struct slice found_magic = reader_bytes(&r, sizeof magic);
    if (r.bad || !slice_equal(found_magic, slice_of(magic, sizeof magic)))
        return err_set(e, ERR_CORRUPT, "store %s: its meta record is not ours; nothing was changed",
                       s->directory);
    if (form > META_FORM)
        return err_set(
            e, ERR_VERSION,
            "store %s: a newer program wrote it (meta record form %u, this program knows "
            "%u): run that program; nothing was changed",
            s->directory, form, META_FORM);
    struct slice kind = reader_block(&r);
    unsigned format = reader_u32(&r);
    if (!reader_done(&r))
        return err_set(e, ERR_CORRUPT,
                       "store %s: its meta record is malformed; nothing was changed", s->directory);
    if (!slice_equal(kind, slice_str(o->kind)))
        return err_set(
            e, ERR_INVALID,
            "store %s: a store of kind \"%.*s\", not \"%s\": name another directory; nothing "
            "was changed",
            s->directory, (int)kind.len, (const char *)kind.data, o->kind);
    return check_format(s, format, o, e);
}

/* Refuses to move in with strangers: an environment that has tables but no meta record. */
static int check_empty(struct store *s, MDB_txn *txn, struct err *e)
{
    MDB_dbi names;
    MDB_stat stat;
    int rc = mdb_dbi_open(txn, NULL, 0, &names);
    if (rc == 0)
        rc = mdb_stat(txn, names, &stat);
    if (rc != 0)
        return store_error(s, e, rc, "read the names of tables", NULL);
    if (stat.ms_entries > 0)
        return err_set(e, ERR_INVALID,
                       "store %s: an LMDB environment that is not a store of this system: name "
                       "another directory; nothing was changed",
                       s->directory);
    return 0;
}

static int settle_meta(struct store *s, MDB_txn *txn, const struct store_options *o, struct err *e)
{
    MDB_dbi meta;
    MDB_val key = val_of(meta_key, sizeof meta_key - 1), value;
    int rc = mdb_dbi_open(txn, meta_table, 0, &meta);
    if (rc == 0)
        rc = mdb_get(txn, meta, &key, &value);
    if (rc == 0)
        return check_meta(s, value, o, e);
    if (rc != MDB_NOTFOUND)
        return store_error(s, e, rc, "read", meta_table);
    rc = check_empty(s, txn, e);
    if (rc != 0)
        return rc;
    if (s->read_only)
        return err_set(e, ERR_NOT_FOUND, "store %s: nothing was stored here yet", s->directory);
    rc = mdb_dbi_open(txn, meta_table, MDB_CREATE, &meta);
    return rc != 0 ? store_error(s, e, rc, "create", meta_table) : write_meta(s, txn, meta, o, e);
}

static int open_each(struct store *s, MDB_txn *txn, struct err *e)
{
    for (unsigned i = 0; i < s->table_count; i++) {
        const char *name = s->table_names[i];
        require(strcmp(name, meta_table) != 0);
        int rc = mdb_dbi_open(txn, name, s->read_only ? 0 : MDB_CREATE, &s->tables[i]);
        if (rc != 0)
            return store_error(s, e, rc, "open", name);
    }
    return 0;
}

int store_open_tables(struct store *s, const struct store_options *options, struct err *e)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(s->env, NULL, s->read_only ? MDB_RDONLY : 0, &txn);
    if (rc == MDB_MAP_RESIZED) { /* an inspector with a smaller map than the writer's */
        mdb_env_set_mapsize(s->env, 0);
        rc = mdb_txn_begin(s->env, NULL, s->read_only ? MDB_RDONLY : 0, &txn);
    }
    if (rc != 0)
        return store_error(s, e, rc, "begin", NULL);
    int code = settle_meta(s, txn, options, e);
    if (code == 0)
        code = open_each(s, txn, e);
    if (code != 0) {
        mdb_txn_abort(txn);
        return code;
    }
    rc = mdb_txn_commit(txn); /* also of a read: it keeps the handles of the tables */
    return rc == 0 ? 0 : store_error(s, e, rc, "commit", NULL);
}
