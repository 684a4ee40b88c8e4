/* A private directory for one test. One that passed leaves nothing behind; of one that did not, the
 * directory stays, its place and the ends of its logs are printed. A watcher process sees to that,
 * as a failed check ends the test's process on the spot. */
#ifndef TONGHOP_TESTS_TEMP_DIR_H
#define TONGHOP_TESTS_TEMP_DIR_H

enum { TEMP_DIR_BYTES = 64, TEMP_PATH_BYTES = 256 };

struct temp_dir {
    char path[TEMP_DIR_BYTES];
    int watcher_fd;
};

/* Below $TMPDIR, else /tmp; mode 0700. Short enough for the path of a socket in it. */
void temp_dir_open(struct temp_dir *d, const char *name);
/* The test's last line: all went well. Removes the directory. */
void temp_dir_close(struct temp_dir *d);
/* DIRECTORY/name; returns `out`. */
const char *temp_dir_file(const struct temp_dir *d, const char *name, char out[TEMP_PATH_BYTES]);
/* Writes a file of the directory, replacing it. */
void temp_dir_write(const struct temp_dir *d, const char *name, const char *text);

#endif
