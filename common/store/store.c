#include "common/store/store.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/store/store_internal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

/* From linux/magic.h and the kernel's cifs and ceph sources, where magic.h lacks them. */
const char *store_network_filesystem(unsigned long type)
{
    switch (type & 0xffffffffUL) {
    case 0x6969:
        return "NFS";
    case 0x517b:
    case 0xff534d42UL:
    case 0xfe534d42UL:
        return "SMB";
    case 0x5346414fUL:
    case 0x6b414653UL:
        return "AFS";
    case 0x00c36400UL:
        return "Ceph";
    default:
        return NULL;
    }
}

static int check_filesystem(const struct store *s, struct err *e)
{
    struct statfs fs;
    if (statfs(s->directory, &fs) != 0)
        return store_error(s, e, errno, "look at the directory", NULL);
    const char *network = store_network_filesystem((unsigned long)fs.f_type);
    if (network == NULL)
        return 0;
    return err_set(
        e, ERR_INVALID,
        "store %s: lies on %s, where memory maps and locks are not kept between machines "
        "and data would be lost: name a directory on a local disk",
        s->directory, network);
}

static int make_directory(const struct store *s, struct err *e)
{
    if (s->read_only || mkdir(s->directory, 0700) == 0 || errno == EEXIST)
        return 0;
    return store_error(s, e, errno, "create the directory", NULL);
}

/* LMDB syncs its file but not the directory that names it: without this the first commit could
 * vanish with the whole file. */
static int sync_directory(const struct store *s, const char *suffix, struct err *e)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s%s", s->directory, suffix) >= sizeof path)
        return store_error(s, e, ENAMETOOLONG, "sync the directory", NULL);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && *suffix != '\0' && errno == EACCES)
        return 0; /* a parent that we may pass through but not read was there before us */
    if (fd < 0)
        return store_error(s, e, errno, "open the directory", NULL);
    int rc = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    return rc == 0 ? 0 : store_error(s, e, rc, "sync the directory", NULL);
}

static int sync_directories(const struct store *s, struct err *e)
{
    if (s->read_only)
        return 0;
    int code = sync_directory(s, "", e);
    return code != 0 ? code : sync_directory(s, "/..", e);
}

/* No WRITEMAP: a stray pointer would write into the file. NOTLS: several reads in one thread.
 * Read-ahead stays on, for the scans of a journal. */
static unsigned env_flags(const struct store_options *o)
{
    return MDB_NOTLS | (o->read_only ? MDB_RDONLY : 0U) |
           (o->scratch ? MDB_NOSYNC | MDB_NOMETASYNC : 0U);
}

static size_t whole_pages(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (bytes + page - 1) / page * page;
}

static int open_env(struct store *s, const struct store_options *o, struct err *e)
{
    int rc = mdb_env_create(&s->env);
    if (rc == 0)
        rc = mdb_env_set_mapsize(s->env, whole_pages(o->map_bytes));
    if (rc == 0)
        rc = mdb_env_set_maxdbs(s->env, o->table_count + 1);
    if (rc == 0)
        rc = mdb_env_open(s->env, s->directory, env_flags(o), 0600);
    return rc == 0 ? 0 : store_error(s, e, rc, "open data.mdb", NULL);
}

/* A file cut short (by a copy that did not finish) would stop the process with SIGBUS when a page
 * behind its end is read; a page of zeros is an error of LMDB. The file may also be shorter for the
 * good reason that its last pages are free and were never written, so this cannot refuse it. */
static int fill_up_file(const struct store *s, struct err *e)
{
    int fd;
    struct stat file;
    MDB_envinfo info;
    MDB_stat stat;
    mdb_env_info(s->env, &info);
    mdb_env_stat(s->env, &stat);
    off_t want = (off_t)(info.me_last_pgno + 1) * (off_t)stat.ms_psize;
    if (s->read_only || mdb_env_get_fd(s->env, &fd) != 0)
        return 0;
    if (fstat(fd, &file) != 0 || (file.st_size < want && ftruncate(fd, want) != 0))
        return store_error(s, e, errno, "extend data.mdb", NULL);
    return 0;
}

static struct store *allocate(const struct store_options *o)
{
    require(o->table_count <= STORE_TABLES_MAX && o->map_bytes > 0);
    struct store *s = alloc_zeroed(1, sizeof *s);
    s->directory = alloc_string(o->directory);
    s->table_names = o->tables;
    s->table_count = o->table_count;
    s->read_only = o->read_only;
    s->lock_fd = -1;
    return s;
}

int store_open(struct store **out, const struct store_options *options, struct err *e)
{
    struct store *s = allocate(options);
    int code = make_directory(s, e);
    if (code == 0)
        code = check_filesystem(s, e);
    if (code == 0 && !s->read_only)
        code = store_lock(s, e);
    if (code == 0)
        code = open_env(s, options, e);
    if (code == 0)
        code = fill_up_file(s, e);
    if (code == 0)
        code = store_check_readers(s, NULL, e);
    if (code == 0)
        code = store_open_tables(s, options, e);
    if (code == 0)
        code = sync_directories(s, e);
    if (code != 0) {
        store_close(s);
        return code;
    }
    *out = s;
    return 0;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    require(s->open_txns == 0);
    store_drop_idle_read(s);
    if (s->env != NULL)
        mdb_env_close(s->env);
    store_unlock(s);
    free(s->directory);
    free(s);
}

int store_check_readers(struct store *s, unsigned *cleared, struct err *e)
{
    int dead = 0;
    int rc = mdb_reader_check(s->env, &dead);
    if (rc != 0)
        return store_error(s, e, rc, "clear dead readers", NULL);
    if (cleared != NULL)
        *cleared = (unsigned)dead;
    return 0;
}

void store_fault(struct store *s, long countdown, int code)
{
    s->fault_countdown = countdown;
    s->fault_code = code;
}
