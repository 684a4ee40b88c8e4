/* File systems of a test's own, for disks that fill up or lose their power. They live in a mount
 * namespace of the test's process and are gone when it ends. Needs root. */
#ifndef TONGHOP_TESTS_MOUNTS_H
#define TONGHOP_TESTS_MOUNTS_H

#include <stdbool.h>

/* False when this is not permitted here; then *why says so, in a word or two. */
bool mounts_begin(const char **why);

/* An empty tmpfs of so many bytes at an existing folder; or the same one with more room. */
void mounts_tmpfs(const char *folder, unsigned long bytes);
void mounts_tmpfs_grow(const char *folder, unsigned long bytes);

/* Makes `image` with an ext4 file system in it. */
void mounts_make_image(const char *image, unsigned long bytes);
/* False, with *why: loop devices or ext4 are not to be had. Mounting replays the file system's own
 * journal, as after a power cut. */
bool mounts_image(const char *image, const char *folder, const char **why);
/* From now on the file system takes and gives nothing; what was not synced is lost. */
void mounts_cut(const char *folder);
void mounts_end(const char *folder); /* umount; nobody may use it any more */

#endif
