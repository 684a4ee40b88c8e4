/* Aligned tables, numbers and bars for people. Widths count characters, not bytes. */
#ifndef TONGHOP_CLI_CLI_PRINT_H
#define TONGHOP_CLI_CLI_PRINT_H

#include "common/wire/query_wire.h"

#include <stdio.h>

enum { CLI_TABLE_COLUMNS_MAX = 12, CLI_NUMBER_BYTES = 40 };

/* Cells go in row by row; the first row is the heading. */
struct cli_table {
    unsigned columns;
    bool right[CLI_TABLE_COLUMNS_MAX]; /* numbers stand at the right */
    char **cells;
    size_t count;
    size_t capacity;
};

/* `align` has a character a column: 'l' or 'r'. */
void cli_table_init(struct cli_table *t, const char *align);
void cli_table_fini(struct cli_table *t);
void cli_table_add(struct cli_table *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Drops rows behind the heading until only the last `rows` are left. */
void cli_table_keep_last(struct cli_table *t, size_t rows);
void cli_table_print(const struct cli_table *t, FILE *out);

/* 90.000 in Vietnamese, 90,000 in English; returns out. */
const char *cli_number(int64_t value, bool english, char out[CLI_NUMBER_BYTES]);
/* An answer's value: a number, 33,3% for a ratio, - when there is none. */
const char *cli_value(const struct wire_answer *a, bool english, char out[CLI_NUMBER_BYTES]);
/* "12/15 (80%)"; "-" when nothing is owed. */
const char *cli_coverage(const struct wire_answer *a, char out[CLI_NUMBER_BYTES]);
/* `width` blocks, filled up to part of whole. */
void cli_bar(struct buf *out, uint64_t part, uint64_t whole, unsigned width);

#endif
