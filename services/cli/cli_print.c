#include "services/cli/cli_print.h"

#include "common/base/alloc.h"
#include "common/base/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

enum { CELL_BYTES = 1024, PPM_A_TENTH = 1000 };

void cli_table_init(struct cli_table *t, const char *align)
{
    *t = (struct cli_table){.columns = (unsigned)strlen(align)};
    require(t->columns > 0 && t->columns <= CLI_TABLE_COLUMNS_MAX);
    for (unsigned i = 0; i < t->columns; i++)
        t->right[i] = align[i] == 'r';
}

void cli_table_fini(struct cli_table *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->cells[i]);
    free(t->cells);
    *t = (struct cli_table){0};
}

void cli_table_add(struct cli_table *t, const char *format, ...)
{
    char text[CELL_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    alloc_reserve((void **)&t->cells, &t->capacity, t->count + 1, sizeof *t->cells);
    t->cells[t->count++] = alloc_string(text);
}

void cli_table_keep_last(struct cli_table *t, size_t rows)
{
    size_t held = t->count / t->columns; /* with the heading */
    if (held <= 1 || held - 1 <= rows)
        return;
    size_t dropped = (held - 1 - rows) * t->columns;
    for (size_t i = 0; i < dropped; i++)
        free(t->cells[t->columns + i]);
    t->count -= dropped;
    memmove(&t->cells[t->columns], &t->cells[t->columns + dropped],
            (t->count - t->columns) * sizeof *t->cells);
}

static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

void cli_table_print(const struct cli_table *t, FILE *out)
{
    size_t widths[CLI_TABLE_COLUMNS_MAX] = {0};
    for (size_t i = 0; i < t->count; i++)
        if (width_of(t->cells[i]) > widths[i % t->columns])
            widths[i % t->columns] = width_of(t->cells[i]);
    for (size_t i = 0; i < t->count; i++) {
        unsigned column = (unsigned)(i % t->columns);
        int pad = (int)(widths[column] - width_of(t->cells[i]));
        bool last = column + 1 == t->columns;
        if (t->right[column])
            fprintf(out, "%*s%s", pad, "", t->cells[i]);
        else
            fprintf(out, "%s%*s", t->cells[i], last ? 0 : pad, "");
        fputs(last ? "\n" : "  ", out);
    }
}

const char *cli_number(int64_t value, bool english, char out[CLI_NUMBER_BYTES])
{
    char digits[24];
    int count =
        snprintf(digits, sizeof digits, "%" PRIu64, value < 0 ? -(uint64_t)value : (uint64_t)value);
    char *at = out;
    if (value < 0)
        *at++ = '-';
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            *at++ = english ? ',' : '.';
        *at++ = digits[i];
    }
    *at = '\0';
    return out;
}

const char *cli_value(const struct wire_answer *a, bool english, char out[CLI_NUMBER_BYTES])
{
    if (!a->has_value) {
        snprintf(out, CLI_NUMBER_BYTES, "-");
        return out;
    }
    if (a->denominator == 0)
        return cli_number(a->value, english, out);
    uint64_t ppm = a->value < 0 ? -(uint64_t)a->value : (uint64_t)a->value;
    uint64_t tenths = (ppm + PPM_A_TENTH / 2) / PPM_A_TENTH;
    snprintf(out, CLI_NUMBER_BYTES, "%s%" PRIu64 "%c%" PRIu64 "%%", a->value < 0 ? "-" : "",
             tenths / 10, english ? '.' : ',', tenths % 10);
    return out;
}

const char *cli_coverage(const struct wire_answer *a, char out[CLI_NUMBER_BYTES])
{
    if (a->owed == 0)
        snprintf(out, CLI_NUMBER_BYTES, "-");
    else
        snprintf(out, CLI_NUMBER_BYTES, "%" PRIu32 "/%" PRIu32 " (%" PRIu64 "%%)", a->reported,
                 a->owed, (uint64_t)a->reported * 100 / a->owed);
    return out;
}

void cli_bar(struct buf *out, uint64_t part, uint64_t whole, unsigned width)
{
    uint64_t filled = whole == 0 ? 0 : part >= whole ? width : part * width / whole;
    for (unsigned i = 0; i < width; i++)
        buf_printf(out, "%s", i < filled ? "█" : "░");
}
