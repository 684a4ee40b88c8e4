/* A maildir: a folder with tmp/, new/ and cur/, a message a file. A message is written into tmp/,
 * synced, and renamed into new/: whoever reads sees it whole or not at all. Under the same name it
 * replaces itself, so that a second delivery after a crash adds nothing; one that a reader moved
 * into cur/ meanwhile comes once more, under the same Message-ID. */
#ifndef TONGHOP_NOTIFIER_MAILDIR_H
#define TONGHOP_NOTIFIER_MAILDIR_H

#include "common/base/err.h"
#include "common/base/slice.h"

struct maildir {
    const char *path; /* borrowed */
    int tmp_fd;       /* folders; -1: not open */
    int new_fd;
};

/* Makes what is not there, with mode 0700; the folder's parent must exist. ERR_IO, ERR_DENIED. */
int maildir_open(struct maildir *m, const char *path, struct err *e);
void maildir_close(struct maildir *m); /* also twice */
/* Synced, but its name only after maildir_sync. `name` has no slash. ERR_IO, ERR_FULL. */
int maildir_put(const struct maildir *m, const char *name, struct slice message, struct err *e);
int maildir_sync(const struct maildir *m, struct err *e);

#endif
