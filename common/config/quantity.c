#include "common/config/quantity.h"

#include "common/base/parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

static const struct {
    const char *names; /* for the sentence */
    struct unit units[6];
} tables[] = {
    [QUANTITY_INTEGER] = {"", {{"", 1}}},
    [QUANTITY_SIZE] = {"B, KiB, MiB, GiB or TiB, as in 64MiB",
                       {{"B", 1},
                        {"KiB", 1LL << 10},
                        {"MiB", 1LL << 20},
                        {"GiB", 1LL << 30},
                        {"TiB", 1LL << 40}}},
    [QUANTITY_DURATION] =
        {"ms, s, min, h or d, as in 250ms",
         {{"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}}},
};

static int find_factor(enum quantity_kind kind, const char *name, int64_t *factor, struct err *e)
{
    for (const struct unit *u = tables[kind].units; u->name; u++) {
        if (strcmp(u->name, name) == 0) {
            *factor = u->factor;
            return 0;
        }
    }
    return err_set(e, ERR_INVALID, "%s: write the number and right after it %s",
                   *name ? "unknown unit" : "no unit", tables[kind].names);
}

static int refuse_range(enum quantity_kind kind, int64_t minimum, int64_t maximum, struct err *e)
{
    char from[QUANTITY_TEXT_BYTES], to[QUANTITY_TEXT_BYTES];
    return err_set(e, ERR_INVALID, "out of range: write from %s to %s",
                   quantity_format(kind, minimum, from), quantity_format(kind, maximum, to));
}

int quantity_parse(enum quantity_kind kind, const char *text, int64_t minimum, int64_t maximum,
                   int64_t *out, struct err *e)
{
    if (kind == QUANTITY_INTEGER)
        return parse_i64(slice_str(text), minimum, maximum, out, e);
    size_t digits = strlen(text);
    while (digits > 0 && ((text[digits - 1] | 0x20) >= 'a' && (text[digits - 1] | 0x20) <= 'z'))
        digits--;
    int64_t number = 0, factor = 1;
    int rc = parse_i64(slice_of(text, digits), INT64_MIN, INT64_MAX, &number, e);
    if (rc == 0)
        rc = find_factor(kind, text + digits, &factor, e);
    if (rc != 0)
        return rc;
    if (__builtin_mul_overflow(number, factor, &number) || number < minimum || number > maximum)
        return refuse_range(kind, minimum, maximum, e);
    *out = number;
    return 0;
}

const char *quantity_format(enum quantity_kind kind, int64_t value, char out[QUANTITY_TEXT_BYTES])
{
    const struct unit *best = tables[kind].units;
    for (const struct unit *u = best; u->name; u++)
        if (value != 0 && value % u->factor == 0)
            best = u;
    snprintf(out, QUANTITY_TEXT_BYTES, "%" PRId64 "%s", value / best->factor, best->name);
    return out;
}
