#include "common/base/parse.h"

#include <inttypes.h>
#include <stdio.h>

enum { SUGGESTION_BYTES = 32 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits of `90.000` and the like without their separators: groups of three after a first group
 * of one to three that does not begin with 0 (`0.500` is a fraction). */
static bool without_separators(const char *text, size_t len, char out[SUGGESTION_BYTES])
{
    size_t in_group = 0, groups = 0, used = 0;
    size_t start = len > 0 && text[0] == '-';
    if (start < len && text[start] == '0')
        return false;
    if (start == 1)
        out[used++] = '-';
    for (size_t i = start; i < len; i++) {
        bool separator = text[i] == '.' || text[i] == ',';
        if ((!separator && !is_digit(text[i])) || used + 1 >= SUGGESTION_BYTES)
            return false;
        if (!separator && ++in_group > 3)
            return false;
        if (separator && (groups++ == 0 ? in_group == 0 : in_group != 3))
            return false;
        if (separator)
            in_group = 0;
        else
            out[used++] = text[i];
    }
    out[used] = '\0';
    return groups > 0 && in_group == 3;
}

/* What stands at a column, in a form that is fit to be shown whatever the byte is. */
static void name_byte(char c, char out[8])
{
    if (c > ' ' && c < 0x7F)
        snprintf(out, 8, "'%c'", c);
    else
        snprintf(out, 8, c == ' ' ? "a blank" : "0x%02x", (unsigned)(unsigned char)c);
}

static int refuse_byte(struct slice text, size_t at, struct err *e)
{
    const char *bytes = text.data;
    char plain[SUGGESTION_BYTES], name[8];
    if (without_separators(bytes, text.len, plain))
        return err_set(e, ERR_INVALID,
                       "'%c' at column %zu is not a digit: if it separates thousands, write %s",
                       bytes[at], at + 1, plain);
    if (at == 0 && bytes[0] == '+')
        return err_set(e, ERR_INVALID, "'+' at column 1: write the number without it");
    name_byte(bytes[at], name);
    return err_set(e, ERR_INVALID, "%s at column %zu is not a digit: write a whole number", name,
                   at + 1);
}

/* Checks the form of a number whose digits begin at `start` and gives its magnitude, UINT64_MAX
 * with *overflow when it is larger than that. */
static int read_digits(struct slice text, size_t start, uint64_t *out, bool *overflow,
                       struct err *e)
{
    const char *bytes = text.data;
    uint64_t v = 0;
    *overflow = false;
    if (text.len == start)
        return err_set(e, ERR_INVALID,
                       start == 0 ? "empty: write a whole number"
                                  : "a '-' without digits: write a whole number");
    for (size_t i = start; i < text.len; i++) {
        if (!is_digit(bytes[i]))
            return refuse_byte(text, i, e);
        uint64_t digit = (uint64_t)(bytes[i] - '0');
        *overflow = *overflow || v > (UINT64_MAX - digit) / 10;
        v = *overflow ? UINT64_MAX : v * 10 + digit;
    }
    if (bytes[start] == '0' && text.len > start + 1)
        return err_set(e, ERR_INVALID, "leading zero at column %zu: write the number without it",
                       start + 1);
    if (bytes[start] == '0' && start == 1)
        return err_set(e, ERR_INVALID, "'-' before 0: write 0");
    *out = v;
    return 0;
}

int parse_i64(struct slice text, int64_t min, int64_t max, int64_t *out, struct err *e)
{
    bool negative = text.len > 0 && ((const char *)text.data)[0] == '-';
    uint64_t magnitude;
    bool overflow;
    int rc = read_digits(text, negative, &magnitude, &overflow, e);
    if (rc != 0)
        return rc;
    uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    overflow = overflow || magnitude > limit;
    int64_t v = overflow ? 0 : (int64_t)(negative ? 0 - magnitude : magnitude);
    if (overflow || v < min || v > max)
        return err_set(e, ERR_INVALID, "out of range: write a number from %" PRId64 " to %" PRId64,
                       min, max);
    *out = v;
    return 0;
}

int parse_u64(struct slice text, uint64_t min, uint64_t max, uint64_t *out, struct err *e)
{
    uint64_t v;
    bool overflow;
    int rc = read_digits(text, 0, &v, &overflow, e);
    if (rc != 0)
        return rc;
    if (overflow || v < min || v > max)
        return err_set(e, ERR_INVALID, "out of range: write a number from %" PRIu64 " to %" PRIu64,
                       min, max);
    *out = v;
    return 0;
}

static const struct {
    const char *name;
    unsigned shift;
} size_units[] = {{"", 0}, {"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};

static int find_size_unit(struct slice unit, unsigned *shift, struct err *e)
{
    for (size_t i = 0; i < sizeof size_units / sizeof *size_units; i++) {
        if (slice_equal(unit, slice_str(size_units[i].name))) {
            *shift = size_units[i].shift;
            return 0;
        }
    }
    return err_set(e, ERR_INVALID,
                   "unknown unit of size: write B, KiB, MiB, GiB or TiB right after the number, as "
                   "in 64MiB");
}

int parse_bytes_size(struct slice text, uint64_t min, uint64_t max, uint64_t *out, struct err *e)
{
    const char *bytes = text.data;
    size_t unit_bytes = 0;
    while (unit_bytes < text.len && ((bytes[text.len - 1 - unit_bytes] | 0x20) >= 'a') &&
           ((bytes[text.len - 1 - unit_bytes] | 0x20) <= 'z'))
        unit_bytes++;
    size_t digits = text.len - unit_bytes;
    uint64_t v;
    bool overflow;
    unsigned shift = 0;
    int rc = read_digits(slice_of(bytes, digits), 0, &v, &overflow, e);
    if (rc != 0)
        return rc;
    rc = find_size_unit(slice_of(bytes + digits, unit_bytes), &shift, e);
    if (rc != 0)
        return rc;
    overflow = overflow || v > UINT64_MAX >> shift;
    if (overflow || v << shift < min || v << shift > max)
        return err_set(e, ERR_INVALID,
                       "out of range: write a size from %" PRIu64 " to %" PRIu64 " bytes", min,
                       max);
    *out = v << shift;
    return 0;
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int parse_hex(struct slice text, uint8_t *out, size_t out_bytes, struct err *e)
{
    const char *digits = text.data;
    if (text.len / 2 != out_bytes || text.len % 2 != 0)
        return err_set(e, ERR_INVALID, "%zu characters: write exactly %zu hexadecimal digits",
                       text.len, 2 * out_bytes);
    for (size_t i = 0; i < text.len; i++) {
        char name[8];
        if (hex_value(digits[i]) >= 0)
            continue;
        name_byte(digits[i], name);
        return err_set(e, ERR_INVALID,
                       "%s at column %zu is not a hexadecimal digit: write 0-9 and a-f", name,
                       i + 1);
    }
    for (size_t i = 0; i < out_bytes; i++)
        out[i] = (uint8_t)(hex_value(digits[2 * i]) << 4 | hex_value(digits[2 * i + 1]));
    return 0;
}

void format_hex(const uint8_t *bytes, size_t count, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * count] = '\0';
}
