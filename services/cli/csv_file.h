/* CSV as people save it, read strictly: the columns are found by the names in the first row, every
 * fault has a row and a column, nothing is guessed. A byte order mark, CRLF, and semicolons or tabs
 * instead of commas are taken as they come; what is not UTF-8 in composed form (NFC) is refused.
 * The grammar is libcsv's; limits on columns, fields and rows keep a hostile file from growing in
 * memory.
 *
 * Rows count as in a spreadsheet: the header is row 1, blank ones count. */
#ifndef TONGHOP_CLI_CSV_FILE_H
#define TONGHOP_CLI_CSV_FILE_H

#include "common/base/buf.h"
#include "common/base/err.h"

enum {
    CSV_COLUMNS_MAX = 64,
    CSV_FIELD_BYTES_MAX = 4096,
    CSV_FILE_BYTES_MAX = 256 << 20,
};

struct csv_column {
    const char *name;
    bool required;
    bool ignored; /* may stand in the file, for people; never handed out */
};

struct csv_shape {
    const struct csv_column *columns;
    unsigned count;
    uint64_t rows_max; /* without the header */
    bool vietnamese;   /* sentences for officers */
};

struct csv_row {
    uint64_t row; /* from 2 */
    const struct slice
        *fields;       /* by the shape's columns; data NULL where the file has no such one */
    unsigned given;    /* fields that the row has */
    unsigned expected; /* fields that the header has; the caller judges a difference */
};

/* Called for every row that is not blank, in order; what it gets lives until it returns. Not 0 ends
 * the reading and is returned. */
typedef int csv_file_row_fn(void *arg, const struct csv_row *row, struct err *e);

/* `name` stands in front of every sentence: "NAME: row 12, column value: …", "NAME: dòng 12, cột
 * …". ERR_INVALID, or ERR_LIMIT above a limit. A header alone is no fault here; no header is. */
int csv_file_read(const char *name, struct slice data, const struct csv_shape *shape,
                  csv_file_row_fn *row, void *arg, struct err *e);

/* The whole file, emptied first. ERR_NOT_FOUND, ERR_IO, ERR_LIMIT. "-" is standard input. */
int csv_file_load(const char *path, size_t bytes_max, struct buf *out, struct err *e);

/* Fills *e in the form above; column may be NULL. Returns ERR_INVALID. */
int csv_file_error(struct err *e, const char *name, uint64_t row, const char *column,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Of a row with another number of fields than the header. */
int csv_file_count_error(struct err *e, const char *name, const struct csv_row *row);

/* Is there a letter in decomposed form (NFD)? Every Vietnamese letter has a composed one. */
bool csv_file_is_decomposed(struct slice text);
/* Writes a field, in quotes where it needs them. */
void csv_file_put_field(struct buf *out, struct slice field);

#endif
