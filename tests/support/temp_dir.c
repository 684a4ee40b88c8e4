#include "tests/support/temp_dir.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TAIL_BYTES = 3000, ROOT_BYTES_MAX = 36 };

static void print_tail(const char *directory, const char *name)
{
    char path[TEMP_PATH_BYTES + 256], text[TAIL_BYTES + 1];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *f = fopen(path, "r");
    if (!f)
        return;
    if (fseek(f, -TAIL_BYTES, SEEK_END) != 0)
        rewind(f);
    size_t len = fread(text, 1, TAIL_BYTES, f);
    fclose(f);
    fprintf(stderr, "--- the end of %s\n%.*s", path, (int)len, text);
}

static void print_logs(const char *directory)
{
    DIR *all = opendir(directory);
    fprintf(stderr, "--- kept for a look: %s\n", directory);
    for (struct dirent *one; all && (one = readdir(all));) {
        size_t len = strlen(one->d_name);
        if (len > 4 && strcmp(one->d_name + len - 4, ".log") == 0)
            print_tail(directory, one->d_name);
    }
    if (all)
        closedir(all);
}

/* In a session of its own: whoever ends the test's process group must not end the watcher. */
static void watch(int fd, const char *directory)
{
    char passed = 0;
    setsid();
    if (read(fd, &passed, 1) != 1)
        print_logs(directory);
    _exit(0);
}

/* Twice forked, so that nobody has to wait for it. */
static void start_watcher(struct temp_dir *d)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        close(fds[1]);
        if (fork() == 0)
            watch(fds[0], d->path);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    close(fds[0]);
    d->watcher_fd = fds[1];
}

void temp_dir_open(struct temp_dir *d, const char *name)
{
    const char *root = getenv("TMPDIR");
    if (!root || strlen(root) > ROOT_BYTES_MAX)
        root = "/tmp";
    snprintf(d->path, sizeof d->path, "%s/%s-XXXXXX", root, name);
    ck_assert_msg(mkdtemp(d->path) != NULL, "cannot make a directory %s", d->path);
    start_watcher(d);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void temp_dir_close(struct temp_dir *d)
{
    ck_assert_msg(nftw(d->path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0,
                  "cannot remove %s: %m", d->path);
    ck_assert_int_eq(write(d->watcher_fd, "+", 1), 1);
    close(d->watcher_fd);
}

const char *temp_dir_file(const struct temp_dir *d, const char *name, char out[TEMP_PATH_BYTES])
{
    int len = snprintf(out, TEMP_PATH_BYTES, "%s/%s", d->path, name);
    ck_assert_int_lt(len, TEMP_PATH_BYTES);
    return out;
}

void temp_dir_write(const struct temp_dir *d, const char *name, const char *text)
{
    char path[TEMP_PATH_BYTES];
    FILE *f = fopen(temp_dir_file(d, name, path), "w");
    ck_assert_msg(f != NULL, "cannot write %s", path);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}
