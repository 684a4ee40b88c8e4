#include "services/notifier/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(const struct maildir *m, const char *what, const char *name, struct err *e)
{
    int code = errno == ENOSPC || errno == EDQUOT ? ERR_FULL
               : errno == EACCES                  ? ERR_DENIED
                                                  : ERR_IO;
    return err_set(e, code, "%s/%s: cannot be %s: %m", m->path, name, what);
}

static int make(const struct maildir *m, int at_fd, const char *path, const char *name,
                struct err *e)
{
    if (mkdirat(at_fd, path, 0700) == 0 || errno == EEXIST)
        return 0;
    return failed(m, "made", name, e);
}

static int open_folder(const struct maildir *m, int root_fd, const char *name, int *out,
                       struct err *e)
{
    int rc = make(m, root_fd, name, name, e);
    if (rc != 0)
        return rc;
    *out = openat(root_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *out < 0 ? failed(m, "opened", name, e) : 0;
}

/* The three folders are synced with the one they stand in: a message in one that is gone after a
 * crash is gone, too. */
static int open_folders(struct maildir *m, int root_fd, struct err *e)
{
    int cur_fd = -1;
    int rc = open_folder(m, root_fd, "tmp", &m->tmp_fd, e);
    if (rc == 0)
        rc = open_folder(m, root_fd, "new", &m->new_fd, e);
    if (rc == 0)
        rc = open_folder(m, root_fd, "cur", &cur_fd, e);
    if (cur_fd >= 0)
        close(cur_fd);
    if (rc == 0 && fsync(root_fd) != 0)
        rc = failed(m, "synced", "", e);
    return rc;
}

int maildir_open(struct maildir *m, const char *path, struct err *e)
{
    *m = (struct maildir){path, -1, -1};
    int rc = make(m, AT_FDCWD, path, "", e);
    if (rc != 0)
        return rc;
    int root_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root_fd < 0)
        return failed(m, "opened", "", e);
    rc = open_folders(m, root_fd, e);
    close(root_fd);
    if (rc != 0)
        maildir_close(m);
    return rc;
}

void maildir_close(struct maildir *m)
{
    if (m->tmp_fd >= 0)
        close(m->tmp_fd);
    if (m->new_fd >= 0)
        close(m->new_fd);
    m->tmp_fd = m->new_fd = -1;
}

static int write_all(int fd, struct slice bytes)
{
    const char *at = bytes.data;
    for (size_t left = bytes.len; left > 0;) {
        ssize_t done = write(fd, at, left);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        at += done;
        left -= (size_t)done;
    }
    return 0;
}

int maildir_put(const struct maildir *m, const char *name, struct slice message, struct err *e)
{
    int fd = openat(m->tmp_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed(m, "made in tmp", name, e);
    int rc = write_all(fd, message) == 0 && fsync(fd) == 0 ? 0 : failed(m, "written", name, e);
    close(fd);
    if (rc == 0 && renameat(m->tmp_fd, name, m->new_fd, name) != 0)
        rc = failed(m, "moved into new", name, e);
    if (rc != 0)
        unlinkat(m->tmp_fd, name, 0);
    return rc;
}

int maildir_sync(const struct maildir *m, struct err *e)
{
    return fsync(m->new_fd) == 0 ? 0 : failed(m, "synced", "new", e);
}
