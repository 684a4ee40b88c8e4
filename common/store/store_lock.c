/* LMDB lets many processes write in turn. Ours may not: each service keeps in memory what it read
 * from its store, so a second one would act on stale state. */
#include "common/store/store_internal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

/* 0 when the file does not say: its owner may be just starting. */
static long holder(int fd)
{
    char text[24] = {0};
    return pread(fd, text, sizeof text - 1, 0) > 0 ? strtol(text, NULL, 10) : 0;
}

static int refuse_second(const struct store *s, int fd, struct err *e)
{
    long pid = holder(fd);
    if (pid <= 0)
        return err_set(e, ERR_AGAIN, "store %s: already in use by another process", s->directory);
    return err_set(e, ERR_AGAIN, "store %s: already in use by process %ld: stop it first",
                   s->directory, pid);
}

/* The number is for people; the lock is what counts, so a failure to write it is no reason to stop.
 */
static void sign(int fd)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len)
        errno = 0;
}

int store_lock(struct store *s, struct err *e)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/lock.pid", s->directory) >= sizeof path)
        return store_error(s, e, ENAMETOOLONG, "lock", NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return store_error(s, e, errno, "open lock.pid", NULL);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int rc = errno;
        int code = rc == EWOULDBLOCK ? refuse_second(s, fd, e)
                                     : store_error(s, e, rc, "lock lock.pid", NULL);
        close(fd);
        return code;
    }
    sign(fd);
    s->lock_fd = fd;
    return 0;
}

/* The file stays: to unlink it would let one process lock the old file and another a new one. */
void store_unlock(struct store *s)
{
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    s->lock_fd = -1;
}
