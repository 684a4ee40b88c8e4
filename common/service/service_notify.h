/* Telling whoever started this process how it stands. Inside the harness only. */
#ifndef TONGHOP_SERVICE_SERVICE_NOTIFY_H
#define TONGHOP_SERVICE_SERVICE_NOTIFY_H

#include "common/base/err.h"

/* Writes "ready\n" to what TONGHOP_READY_FD names (a descriptor's number or a path), closes it and
 * forgets it. 0 also when it is not set. */
int service_notify_ready_fd(struct err *e);
/* One datagram ("READY=1") to systemd's NOTIFY_SOCKET. 0 also when it is not set. */
int service_notify_systemd(const char *state, struct err *e);

#endif
