#include "services/notifier/mail_core.h"

#include <string.h>

/* An encoded word has at most 75 characters: 12 around it ("=?UTF-8?B?" and "?="), 60 of base64,
 * which are 45 bytes. */
enum { WORD_BYTES = 45, BASE64_GROUP = 3 };

static void put(struct buf *out, const char *text)
{
    buf_bytes(out, text, strlen(text));
}

static void put_base64(const uint8_t *bytes, size_t len, struct buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += BASE64_GROUP) {
        size_t left = len - i;
        uint32_t v = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                     (left > 2 ? bytes[i + 2] : 0);
        char four[4] = {digits[v >> 18], digits[v >> 12 & 63], left > 1 ? digits[v >> 6 & 63] : '=',
                        left > 2 ? digits[v & 63] : '='};
        buf_bytes(out, four, sizeof four);
    }
}

static bool continues_character(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

/* No word ends inside a character: each is decoded alone. */
static size_t word_length(const uint8_t *bytes, size_t len)
{
    if (len <= WORD_BYTES)
        return len;
    size_t end = WORD_BYTES;
    while (end > 1 && continues_character(bytes[end]))
        end--;
    return end;
}

/* Always encoded, so that nothing in a name or a subject can begin a header of its own; each word
 * on a line of its own, as a line with one has at most 76 characters. */
static void put_words(struct slice text, struct buf *out)
{
    const uint8_t *bytes = text.data;
    for (size_t at = 0; at < text.len;) {
        size_t take = word_length(bytes + at, text.len - at);
        put(out, "\n =?UTF-8?B?");
        put_base64(bytes + at, take, out);
        put(out, "?=");
        at += take;
    }
}

static void put_address(const char *header, const char *name, const char *address, struct buf *out)
{
    buf_printf(out, "%s:", header);
    if (name[0] == '\0') {
        buf_printf(out, " %s\n", address);
        return;
    }
    put_words(slice_str(name), out);
    buf_printf(out, "\n <%s>\n", address);
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* One to one into what a message id may hold: ids have neither '+' nor '~' of their own, and dots
 * may only stand between two other characters. */
static void put_message_id(struct slice id, const char *domain, struct buf *out)
{
    const char *text = id.data;
    put(out, "<");
    for (size_t i = 0; i < id.len; i++) {
        char c = text[i];
        bool inside =
            i > 0 && i + 1 < id.len && is_alphanumeric(text[i - 1]) && is_alphanumeric(text[i + 1]);
        if (c == ':')
            c = '~';
        else if (c == '.' && !inside)
            c = '+';
        buf_bytes(out, &c, 1);
    }
    buf_printf(out, "@%s>", domain);
}

static void put_date(int64_t time_ms, struct buf *out)
{
    static const char *const weekdays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    day_t d = day_of_ms(time_ms);
    int year, month, day;
    day_split(d, &year, &month, &day);
    int second = (int)((time_ms - day_start_ms(d)) / 1000);
    buf_printf(out, "Date: %s, %d %s %d %02d:%02d:%02d +0700\n", weekdays[day_weekday(d) - 1], day,
               months[month - 1], year, second / 3600, second / 60 % 60, second % 60);
}

/* ---- the body, wrapped ---- */

static size_t columns(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += !continues_character((uint8_t)text[i]);
    return count;
}

static void wrap_line(const char *text, size_t len, struct buf *out)
{
    size_t column = 0;
    for (size_t at = 0; at < len;) {
        const char *blank = memchr(text + at, ' ', len - at);
        size_t end = blank ? (size_t)(blank - text) : len;
        size_t width = columns(text + at, end - at);
        if (at > 0 && column + 1 + width > MAIL_LINE_COLUMNS) {
            put(out, "\n");
            column = 0;
        } else if (at > 0) {
            put(out, " ");
            column++;
        }
        buf_bytes(out, text + at, end - at);
        column += width;
        at = blank ? end + 1 : len;
    }
    put(out, "\n");
}

static void put_body(struct slice body, struct buf *out)
{
    const char *text = body.data;
    for (size_t at = 0; at < body.len;) {
        const char *end = memchr(text + at, '\n', body.len - at);
        size_t len = end ? (size_t)(end - text) - at : body.len - at;
        wrap_line(text + at, len, out);
        at += len + 1;
    }
}

void mail_format(const struct mail *m, struct buf *out)
{
    put_date(m->time_ms, out);
    put_address("From", m->from_name, m->from_address, out);
    put_address("To", m->to_name, m->to_address, out);
    put(out, "Message-ID:\n ");
    put_message_id(m->id, m->domain, out);
    if (m->corrects.len > 0) {
        put(out, "\nIn-Reply-To:\n ");
        put_message_id(m->corrects, m->domain, out);
        put(out, "\nReferences:\n ");
        put_message_id(m->corrects, m->domain, out);
    }
    put(out, "\nSubject:");
    put_words(m->subject, out);
    put(out, "\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
             "Content-Transfer-Encoding: 8bit\nAuto-Submitted: auto-generated\n\n");
    put_body(m->body, out);
}
