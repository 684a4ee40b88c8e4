#include "common/store/store_internal.h"
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

/* mdb_reader_list hands out lines of text, "pid thread txnid", and "-" for a place not in use: LMDB
 * has no other way to ask. */
static int note_reader(const char *line, void *arg)
{
    uint64_t *oldest = arg;
    size_t txnid;
    if (sscanf(line, "%*d %*x %zu", &txnid) == 1 && txnid < *oldest)
        *oldest = txnid;
    return 0;
}

static uint64_t oldest_reader(const struct store *s)
{
    uint64_t oldest = UINT64_MAX;
    mdb_reader_list(s->env, note_reader, &oldest);
    return oldest;
}

/* Table 0 of LMDB lists the free pages by the transaction that freed them: a count, then the pages.
 * What was freed since the oldest reader began cannot be used again yet. */
static int count_free_pages(MDB_txn *txn, uint64_t oldest, uint64_t *pages)
{
    MDB_cursor *c;
    MDB_val key, value;
    size_t txnid, count;
    int rc = mdb_cursor_open(txn, 0, &c);
    if (rc != 0)
        return rc;
    while ((rc = mdb_cursor_get(c, &key, &value, MDB_NEXT)) == 0) {
        memcpy(&txnid, key.mv_data, sizeof txnid);
        memcpy(&count, value.mv_data, sizeof count);
        *pages += txnid < oldest ? count : 0;
    }
    mdb_cursor_close(c);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int count_entries(const struct store *s, MDB_txn *txn, struct store_usage *out)
{
    MDB_stat stat;
    int rc = 0;
    for (unsigned i = 0; i < s->table_count && rc == 0; i++) {
        rc = mdb_stat(txn, s->tables[i], &stat);
        out->entries[i] = rc == 0 ? stat.ms_entries : 0;
    }
    return rc;
}

static int measure(const struct store *s, MDB_txn *txn, uint64_t oldest, struct store_usage *out)
{
    MDB_envinfo info;
    MDB_stat stat;
    mdb_env_info(s->env, &info);
    mdb_env_stat(s->env, &stat);
    uint64_t free_pages = 0;
    int rc = count_free_pages(txn, oldest, &free_pages);
    if (rc != 0)
        return rc;
    out->map_bytes = info.me_mapsize;
    out->used_bytes = (info.me_last_pgno + 1 - free_pages) * stat.ms_psize;
    out->oldest_reader_age = oldest < info.me_last_txnid ? info.me_last_txnid - oldest : 0;
    return count_entries(s, txn, out);
}

static int file_bytes(const struct store *s, uint64_t *bytes)
{
    int fd;
    struct stat file;
    if (mdb_env_get_fd(s->env, &fd) != 0 || fstat(fd, &file) != 0)
        return errno;
    *bytes = (uint64_t)file.st_size;
    return 0;
}

int store_usage(struct store *s, struct store_usage *out, struct err *e)
{
    uint64_t oldest = oldest_reader(s); /* before we begin to read ourselves */
    struct kv *kv;
    int code = store_begin(s, false, &kv, e);
    if (code != 0)
        return code;
    memset(out, 0, sizeof *out);
    int rc = measure(s, store_txn_handle(kv), oldest, out);
    if (rc == 0)
        rc = file_bytes(s, &out->disk_bytes);
    store_abort(&kv);
    return rc == 0 ? 0 : store_error(s, e, rc, "measure", NULL);
}
