/* The real programs as children of a test: started, waited for until they are ready, killed, ended.
 * Every wait is for an event and bounded; nothing sleeps. Programs are those in $TONGHOP_BIN. */
#ifndef TONGHOP_TESTS_PROCESS_H
#define TONGHOP_TESTS_PROCESS_H

#include "common/base/buf.h"
#include "tests/support/temp_dir.h"

#include <sys/types.h>

enum {
    PROCESS_PATIENCE_MS = 60000, /* only a failure takes so long */
    PROCESS_ARGUMENTS_MAX = 16,
    PROCESS_SIGNALLED = 1000, /* + the signal, instead of an exit code */
};

struct process {
    const char *program;          /* "tonghop-collector" */
    char config[TEMP_PATH_BYTES]; /* given with --config */
    char log[TEMP_PATH_BYTES];    /* what it writes to stderr, over all its starts */
    pid_t pid;                    /* 0: does not run */
    int ready_fd;
};

/* Does not wait for anything. */
void process_start(struct process *p);
/* Fails the test when the program ends instead. Once it was ready, does nothing. */
void process_await_ready(struct process *p);
void process_kill(struct process *p); /* SIGKILL, and waits until it is gone */
/* The same for one that may have ended by itself: its disk is gone. */
void process_end(struct process *p);
int process_wait(struct process *p); /* for its own end; its exit code or PROCESS_SIGNALLED + n */
int process_stop(struct process *p); /* SIGTERM and process_wait */

/* How often the log has `text`. */
unsigned process_log_count(const struct process *p, const char *text);
/* Until the log has `text` once more than `seen` times. */
void process_await_log(const struct process *p, const char *text, unsigned seen);
/* The value of the last `key=value` in the log's lines that have `line` in them; "" when none. */
void process_log_value(const struct process *p, const char *line, const char *key, char *out,
                       size_t bytes);

/* Runs a program to its end; returns its exit code, with what it wrote (terminated). Each may be
 * NULL. `arguments` ends with NULL. */
int process_run(const char *program, const char *const *arguments, struct buf *out,
                struct buf *err);

#endif
