/* The log of a process: one line an event on stderr,
 *
 *   2024-09-05T08:00:00.123+07:00 level=info event=batch_refused producer=p1 reason="no \"scope\""
 *
 * Values are quoted and escaped when they need it, so that no input can forge a line or reach a
 * terminal raw. Time is that of Viet Nam (UTC+7, no summer time), as in the figures. Libraries
 * return errors and do not log; the layer that decides what to do about an error logs it, once. */
#ifndef TONGHOP_SERVICE_LOG_H
#define TONGHOP_SERVICE_LOG_H

#include <stdint.h>

struct err;

enum log_level {
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_INFO,
    LOG_LEVEL_WARN,
    LOG_LEVEL_ERROR,
};

enum {
    LOG_CONTEXT_BYTES = 256, /* fields said once for many lines */
    LOG_LINE_BYTES = 4096,   /* a longer line is cut and ends in cut=true */
};

/* A plain value: copy it to add context. {.fd = STDERR_FILENO, .level = LOG_LEVEL_INFO} is one. */
struct log {
    int fd;
    enum log_level level;    /* lines below it are not written */
    int64_t (*now_ms)(void); /* civil time, ms since 1970 UTC; NULL: the system's */
    char context[LOG_CONTEXT_BYTES];
};

enum log_kind {
    LOG_END, /* closes a list of fields */
    LOG_TEXT,
    LOG_INT,
    LOG_UINT,
};

struct log_field {
    const char *key; /* a literal */
    enum log_kind kind;
    union {
        const char *text; /* NULL prints as "" */
        int64_t integer;
        uint64_t natural;
    };
};

static inline struct log_field log_text(const char *key, const char *text)
{
    return (struct log_field){.key = key, .kind = LOG_TEXT, .text = text};
}

static inline struct log_field log_int(const char *key, int64_t value)
{
    return (struct log_field){.key = key, .kind = LOG_INT, .integer = value};
}

static inline struct log_field log_uint(const char *key, uint64_t value)
{
    return (struct log_field){.key = key, .kind = LOG_UINT, .natural = value};
}

/* The first field of every line. */
static inline struct log_field log_event(const char *event)
{
    return log_text("event", event);
}

struct log_field log_err(const struct err *e); /* error="the sentence"; borrows e */

/* Writes a line of the fields up to LOG_END. The macros close the list:
 *   log_info(log, log_event("batch_refused"), log_text("producer", p), log_uint("number", n)); */
void log_write(const struct log *log, enum log_level level, const struct log_field *fields);
#define LOG_FIELDS(...) ((const struct log_field[]){__VA_ARGS__, {.kind = LOG_END}})
#define log_debug(log, ...) log_write((log), LOG_LEVEL_DEBUG, LOG_FIELDS(__VA_ARGS__))
#define log_info(log, ...) log_write((log), LOG_LEVEL_INFO, LOG_FIELDS(__VA_ARGS__))
#define log_warn(log, ...) log_write((log), LOG_LEVEL_WARN, LOG_FIELDS(__VA_ARGS__))
#define log_error(log, ...) log_write((log), LOG_LEVEL_ERROR, LOG_FIELDS(__VA_ARGS__))

/* `parent` with more fields on each line; fields past LOG_CONTEXT_BYTES are left out whole.
 *   struct log peer_log = log_with(log, LOG_FIELDS(log_text("peer", name))); */
struct log log_with(const struct log *parent, const struct log_field *fields);

/* A complaint that may repeat: the first is logged, then it is logged again with repeated=N after
 * 10 s, 20 s, 40 s … at most an hour apart; when it is over, that is said with how often and how
 * long. One struct per thing to complain about, zeroed at first. */
struct log_complaint {
    uint64_t count; /* 0: nothing to complain about */
    int64_t first_ms;
    int64_t next_ms;
    int64_t interval_ms;
};

void log_complain_fields(const struct log *log, struct log_complaint *c,
                         const struct log_field *fields);
#define log_complain(log, complaint, ...)                                                          \
    log_complain_fields((log), (complaint), LOG_FIELDS(__VA_ARGS__))
/* Says that it is over ("over after N in S seconds") under `event`; nothing when there was no
 * complaint, so it may be called on every success. */
void log_complain_over(const struct log *log, struct log_complaint *c, const char *event);

#endif
