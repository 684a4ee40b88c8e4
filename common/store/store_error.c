#include "common/store/store_internal.h"
#include <errno.h>
#include <sys/statvfs.h>

struct translation {
    int rc;
    int code;
    const char *sentence;
};

static const struct translation translations[] = {
    {ENOSPC, ERR_FULL, "the disk is full: make room, then try again"},
    {EDQUOT, ERR_FULL, "the disk quota is used up: raise it or make room, then try again"},
    {MDB_TXN_FULL, ERR_LIMIT, "too many changes in one transaction: use smaller batches"},
    {MDB_BAD_VALSIZE, ERR_LIMIT, "the value is larger than LMDB can hold"},
    {ENOMEM, ERR_LIMIT,
     "no address space for the map: lower store.map_size, or lift the limit (ulimit -v)"},
    {MDB_READERS_FULL, ERR_AGAIN, "every place for readers is taken: end some of them"},
    {MDB_MAP_RESIZED, ERR_AGAIN,
     "another process enlarged the map: end the open transactions and begin again"},
    {MDB_CORRUPTED, ERR_CORRUPT,
     "data.mdb contradicts itself: restore it from a copy; it was left as it is"},
    {MDB_PAGE_NOTFOUND, ERR_CORRUPT,
     "data.mdb lacks a page: restore it from a copy; it was left as it is"},
    {MDB_INCOMPATIBLE, ERR_CORRUPT, "the table is not of the sort that this program makes"},
    {MDB_INVALID, ERR_CORRUPT, "data.mdb is not an LMDB file; it was left as it is"},
    {MDB_VERSION_MISMATCH, ERR_VERSION, "written by another version of LMDB; nothing was changed"},
    {MDB_PANIC, ERR_IO, "an earlier write failed halfway: restart this process"},
    {MDB_NOTFOUND, ERR_NOT_FOUND, "not there"},
    {ENOENT, ERR_NOT_FOUND, "no such file or directory"},
};

/* LMDB reports a write cut short as EIO, which is what a disk that fills up in the middle of one
 * looks like. */
static bool disk_is_full(const struct store *s)
{
    struct statvfs fs;
    return statvfs(s->directory, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < 64 * 1024;
}

static int map_full(const struct store *s, struct err *e)
{
    MDB_envinfo info;
    mdb_env_info(s->env, &info);
    return err_set(e, ERR_FULL, "map full at %zu MiB: raise store.map_size",
                   (info.me_mapsize + (1U << 20) - 1) >> 20);
}

static int translate(const struct store *s, struct err *e, int rc)
{
    if (rc == MDB_MAP_FULL)
        return map_full(s, e);
    if (rc == EIO && disk_is_full(s))
        rc = ENOSPC;
    for (size_t i = 0; i < sizeof translations / sizeof *translations; i++)
        if (translations[i].rc == rc)
            return err_set(e, translations[i].code, "%s", translations[i].sentence);
    return err_set(e, ERR_IO, "%s", mdb_strerror(rc));
}

int store_error(const struct store *s, struct err *e, int rc, const char *verb, const char *table)
{
    int code = translate(s, e, rc);
    err_wrap(e, "store %s: %s%s%s", s->directory, verb, table != NULL ? " table " : "",
             table != NULL ? table : "");
    return code;
}
