#include "common/service/log.h"

#include "common/base/err.h"
#include "common/base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    COMPLAINT_INTERVAL_MS = 10 * 1000, /* first repetition; doubled each time */
    COMPLAINT_INTERVAL_MS_MAX = 3600 * 1000,
    VIET_NAM_MS = 7 * 3600 * 1000,
    STAMP_BYTES = 32,
};

/* --- text being put together. A field fits whole or not at all. */

struct line {
    char *data;
    size_t len;
    size_t capacity; /* without the terminator */
    bool cut;
};

static void put(struct line *l, const char *bytes, size_t count)
{
    if (l->cut || count > l->capacity - l->len) {
        l->cut = true;
        return;
    }
    memcpy(l->data + l->len, bytes, count);
    l->len += count;
    l->data[l->len] = '\0';
}

static void put_text(struct line *l, const char *text)
{
    put(l, text, strlen(text));
}

/* Quotes keep a value one word; = would make two fields of one. */
static bool needs_quotes(const char *text)
{
    if (*text == '\0')
        return true;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p <= ' ' || *p == '"' || *p == '\\' || *p == '=' || *p >= 0x7F)
            return true;
    return false;
}

static void put_escaped(struct line *l, unsigned char byte)
{
    char hex[8];
    switch (byte) {
    case '"':
    case '\\':
        hex[0] = '\\';
        hex[1] = (char)byte;
        put(l, hex, 2);
        break;
    case '\n':
        put_text(l, "\\n");
        break;
    case '\t':
        put_text(l, "\\t");
        break;
    default:
        put(l, hex, (size_t)snprintf(hex, sizeof hex, "\\x%02x", byte));
    }
}

/* Vietnamese stays readable: bytes of valid UTF-8 go as they are, of anything else as \xNN. C1
 * controls are valid UTF-8 and yet reach terminals, so such a text counts as not valid. */
static void put_value(struct line *l, const char *text)
{
    if (!needs_quotes(text)) {
        put_text(l, text);
        return;
    }
    bool readable = utf8_text(slice_str(text));
    put(l, "\"", 1);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        bool plain = *p >= ' ' && *p < 0x7F && *p != '"' && *p != '\\';
        if (plain || (*p >= 0x80 && readable))
            put(l, (const char *)p, 1);
        else
            put_escaped(l, *p);
    }
    put(l, "\"", 1);
}

static void put_field(struct line *l, const struct log_field *f)
{
    char number[24];
    size_t start = l->len;
    put(l, " ", 1);
    put_text(l, f->key);
    put(l, "=", 1);
    if (f->kind == LOG_INT)
        put(l, number, (size_t)snprintf(number, sizeof number, "%" PRId64, f->integer));
    else if (f->kind == LOG_UINT)
        put(l, number, (size_t)snprintf(number, sizeof number, "%" PRIu64, f->natural));
    else
        put_value(l, f->text ? f->text : "");
    if (l->cut)
        l->data[l->len = start] = '\0';
}

static void put_fields(struct line *l, const struct log_field *fields)
{
    for (; fields->kind != LOG_END; fields++)
        put_field(l, fields);
}

/* --- lines */

static int64_t now_ms(const struct log *log)
{
    if (log->now_ms)
        return log->now_ms();
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void put_stamp(struct line *l, int64_t at_ms)
{
    int64_t civil_ms = at_ms + VIET_NAM_MS;
    time_t seconds = (time_t)(civil_ms / 1000);
    char text[STAMP_BYTES], stamp[2 * STAMP_BYTES];
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(stamp, sizeof stamp, "%s.%03d+07:00", text, (int)(civil_ms % 1000));
    put_text(l, stamp);
}

/* One write a line, so that lines of several processes on one descriptor do not mix. What cannot
 * be logged has nowhere else to go. */
static void write_line(int fd, const char *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t done = write(fd, data, bytes);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        data += done;
        bytes -= (size_t)done;
    }
}

/* `repeated` above 0 is said behind the fields. */
static void write_fields(const struct log *log, enum log_level level, int64_t at_ms,
                         const struct log_field *fields, uint64_t repeated)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    static const char cut[] = " cut=true";
    char data[LOG_LINE_BYTES + sizeof cut + 1];
    struct line l = {.data = data, .capacity = LOG_LINE_BYTES};
    const struct log_field count = log_uint("repeated", repeated);
    if (level < log->level)
        return;
    put_stamp(&l, at_ms);
    put_text(&l, " level=");
    put_text(&l, names[level]);
    if (fields->kind != LOG_END)
        put_field(&l, fields++); /* the event, in front of the context */
    put_text(&l, log->context);
    put_fields(&l, fields);
    if (repeated > 0)
        put_field(&l, &count);
    bool was_cut = l.cut;
    l.cut = false;
    l.capacity = sizeof data - 1;
    put_text(&l, was_cut ? cut : "");
    put(&l, "\n", 1);
    write_line(log->fd, data, l.len);
}

void log_write(const struct log *log, enum log_level level, const struct log_field *fields)
{
    write_fields(log, level, now_ms(log), fields, 0);
}

struct log_field log_err(const struct err *e)
{
    return log_text("error", e->text);
}

struct log log_with(const struct log *parent, const struct log_field *fields)
{
    struct log log = *parent;
    struct line l = {
        .data = log.context, .len = strlen(log.context), .capacity = sizeof log.context - 1};
    put_fields(&l, fields);
    return log;
}

/* --- complaints */

static void begin_complaint(struct log_complaint *c, int64_t now)
{
    c->first_ms = now;
    c->interval_ms = COMPLAINT_INTERVAL_MS;
    c->next_ms = now + c->interval_ms;
}

static void put_off_complaint(struct log_complaint *c, int64_t now)
{
    c->interval_ms *= 2;
    if (c->interval_ms > COMPLAINT_INTERVAL_MS_MAX)
        c->interval_ms = COMPLAINT_INTERVAL_MS_MAX;
    c->next_ms = now + c->interval_ms;
}

void log_complain_fields(const struct log *log, struct log_complaint *c,
                         const struct log_field *fields)
{
    int64_t now = now_ms(log);
    if (c->count++ == 0) {
        begin_complaint(c, now);
        write_fields(log, LOG_LEVEL_WARN, now, fields, 0);
    } else if (now >= c->next_ms) {
        put_off_complaint(c, now);
        write_fields(log, LOG_LEVEL_WARN, now, fields, c->count);
    }
}

void log_complain_over(const struct log *log, struct log_complaint *c, const char *event)
{
    if (c->count == 0)
        return;
    char text[80];
    int64_t seconds = (now_ms(log) - c->first_ms) / 1000;
    snprintf(text, sizeof text, "over after %" PRIu64 " in %" PRId64 " seconds", c->count, seconds);
    log_info(log, log_event(event), log_text("message", text));
    *c = (struct log_complaint){0};
}
