#include "common/service/service_notify.h"

#include "common/base/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A path may be a FIFO that nobody reads any more: that is an error, not a reason to wait. */
static int open_target(const char *target)
{
    int64_t fd;
    if (parse_i64(slice_str(target), 0, INT_MAX, &fd, NULL) == 0)
        return (int)fd;
    return open(target, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0644);
}

int service_notify_ready_fd(struct err *e)
{
    static const char line[] = "ready\n";
    const char *target = getenv("TONGHOP_READY_FD");
    if (!target)
        return 0;
    int rc = 0;
    int fd = open_target(target);
    if (fd < 0 || write(fd, line, sizeof line - 1) != (ssize_t)sizeof line - 1)
        rc = err_set(e, ERR_IO, "cannot write to TONGHOP_READY_FD=%s: %s", target, strerror(errno));
    if (fd >= 0)
        close(fd);
    unsetenv("TONGHOP_READY_FD");
    return rc;
}

/* By hand, since the protocol is one datagram: no library to link for it. A leading @ stands for
 * the zero byte of an abstract address. */
int service_notify_systemd(const char *state, struct err *e)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (!path)
        return 0;
    size_t bytes = strlen(path);
    if (bytes == 0 || bytes >= sizeof to.sun_path)
        return err_set(e, ERR_INVALID, "NOTIFY_SOCKET is not an address: %s", path);
    memcpy(to.sun_path, path, bytes);
    if (to.sun_path[0] == '@')
        to.sun_path[0] = '\0';
    socklen_t to_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int rc = 0;
    if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
                         (const struct sockaddr *)&to, to_bytes) < 0)
        rc = err_set(e, ERR_IO, "cannot tell NOTIFY_SOCKET=%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return rc;
}
