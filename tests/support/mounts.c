#include "tests/support/mounts.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

/* Of ext4, xfs and others; no header of the system has it. */
enum { SHUTDOWN_WITHOUT_FLUSH = 2 };
#define FS_IOC_SHUTDOWN _IOR('X', 125, uint32_t)

bool mounts_begin(const char **why)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        *why = "needs root, and leave to mount";
        return false;
    }
    return true;
}

static void mount_tmpfs(const char *folder, unsigned long flags, unsigned long bytes)
{
    char options[64];
    snprintf(options, sizeof options, "size=%lu,mode=0700", bytes);
    ck_assert_msg(mount("tmpfs", folder, "tmpfs", flags, options) == 0, "mount tmpfs at %s: %m",
                  folder);
}

void mounts_tmpfs(const char *folder, unsigned long bytes)
{
    mount_tmpfs(folder, 0, bytes);
}

void mounts_tmpfs_grow(const char *folder, unsigned long bytes)
{
    mount_tmpfs(folder, MS_REMOUNT, bytes);
}

void mounts_make_image(const char *image, unsigned long bytes)
{
    char command[512];
    int fd = open(image, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_msg(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0, "cannot make %s: %m", image);
    close(fd);
    snprintf(command, sizeof command, "PATH=$PATH:/sbin:/usr/sbin mkfs.ext4 -q -F %s", image);
    ck_assert_msg(system(command) == 0, "failed: %s", command);
}

/* A free loop device bound to `image`, which the kernel frees with its last user; -1. */
static int open_loop(const char *image, char device[32])
{
    struct loop_config config = {.info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    int file = open(image, O_RDWR | O_CLOEXEC);
    int loop = -1;
    config.fd = (uint32_t)file;
    while (control >= 0 && file >= 0) {
        snprintf(device, 32, "/dev/loop%d", ioctl(control, LOOP_CTL_GET_FREE));
        loop = open(device, O_RDWR | O_CLOEXEC);
        if (loop < 0 || ioctl(loop, LOOP_CONFIGURE, &config) == 0)
            break;
        int taken = errno == EBUSY; /* somebody else was quicker */
        close(loop);
        loop = -1;
        if (!taken)
            break;
    }
    if (control >= 0)
        close(control);
    if (file >= 0)
        close(file);
    return loop;
}

bool mounts_image(const char *image, const char *folder, const char **why)
{
    char device[32];
    int loop = open_loop(image, device);
    if (loop < 0) {
        *why = "needs loop devices";
        return false;
    }
    int rc = mount(device, folder, "ext4", 0, NULL);
    close(loop);
    if (rc != 0 && errno == ENODEV)
        *why = "needs ext4";
    ck_assert_msg(rc == 0 || errno == ENODEV, "mount %s at %s: %m", image, folder);
    return rc == 0;
}

void mounts_cut(const char *folder)
{
    uint32_t how = SHUTDOWN_WITHOUT_FLUSH;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_msg(fd >= 0 && ioctl(fd, FS_IOC_SHUTDOWN, &how) == 0, "cannot cut %s off: %m",
                  folder);
    close(fd);
}

void mounts_end(const char *folder)
{
    ck_assert_msg(umount(folder) == 0, "umount %s: %m", folder);
}
