/* A provincial office that has nothing but the programs: a fresh directory in which keys are made,
 * configurations written and services started with the command `tonghop`, as the README tells. The
 * test's working directory is that directory. Replay mode, 2024-09-05, eight in the morning, with
 * the plan of Hải Phòng once office_begin_campaign has run. One command at a time: what the last
 * one said is in the office. */
#ifndef TONGHOP_TESTS_OFFICE_H
#define TONGHOP_TESTS_OFFICE_H

#include "tests/support/process.h"

#include <jansson.h>
#include <stdbool.h>

enum { OFFICE_KEY_BYTES = 64, OFFICE_PATIENCE_MS = 30000 };

struct office {
    struct temp_dir dir;
    struct process collector;
    struct process aggregator;
    struct process notifier;
    bool has_notifier;
    char keys[6][OFFICE_KEY_BYTES]; /* public, as printed */
    /* the last command */
    char line[512];
    int code;
    struct buf out;
    struct buf err;
    json_t *json;
};

/* Keys of the services, the operator, and the officers xa and quan (keys/xa.key …); their
 * configurations; tonghop.yaml speaks as the operator. Starts nothing. */
void office_open(struct office *o, const char *name);
/* Before it is started: one more service, whose messages go to mail/. */
void office_add_notifier(struct office *o);
void office_close(struct office *o); /* the test's last line */
void office_start(struct office *o); /* what does not run, and waits until all are ready */

/* The clock, the plan, and two producers of the source khuyenhoc: xa.11311 for that commune, q.303
 * for its district. Both services know them when it returns. */
void office_begin_campaign(struct office *o);

/* Runs `tonghop` with the words of the line (blanks between them, none inside). */
void office_run(struct office *o, const char *line, ...) __attribute__((format(printf, 2, 3)));
/* The same; fails the test unless it ends with that code. */
void office_must(struct office *o, int code, const char *line, ...)
    __attribute__((format(printf, 3, 4)));

/* What the last command printed; each fails the test with all of it. */
void office_printed(struct office *o, const char *text); /* on stdout, somewhere */
void office_said(struct office *o, const char *text);    /* on stderr */
/* stdout as JSON, and members of it; borrowed until the next command. */
const json_t *office_json(struct office *o);
int64_t office_json_int(struct office *o, const char *member);
const char *office_json_text(struct office *o, const char *member);
bool office_json_is(struct office *o, const char *member); /* a boolean */
unsigned office_last_entry(const struct office *o); /* "journal entry N": the last one named */

/* Writes a file that was last changed at that time ("2024-09-05 07:00:00" in Viet Nam); `bytes` 0:
 * a text. */
void office_write(struct office *o, const char *name, const char *text, size_t bytes,
                  const char *changed);
/* The file's text; the caller frees. */
char *office_read(struct office *o, const char *name);

/* A command in the background, whose stderr is awaited up to a text. */
struct office_child {
    pid_t pid;
    int err_fd;
    struct buf err;
};
void office_spawn(struct office *o, struct office_child *c, const char *line);
void office_await(struct office_child *c, const char *text);
/* Takes what it says for so long; false: it has ended before. */
bool office_listen(struct office_child *c, int for_ms);
/* Sends the signal and returns the exit code, or PROCESS_SIGNALLED + n; 0: no signal. */
int office_end(struct office_child *c, int signal);

#endif
