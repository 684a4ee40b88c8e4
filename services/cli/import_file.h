/* A CSV of figures, read row by row into values. A row that makes no sense is set aside with its
 * reason, the rest goes on; a file that makes no sense is refused whole. Columns: unit, indicator,
 * period, value, and if wanted op and reported_at; name and note may stand there for people. */
#ifndef TONGHOP_CLI_IMPORT_FILE_H
#define TONGHOP_CLI_IMPORT_FILE_H

#include "common/base/buf.h"
#include "common/base/dict.h"
#include "common/model/observation.h"
#include "common/model/period.h"

enum { IMPORT_ROWS_MAX = 1000000 };

struct import_row {
    uint64_t row;       /* in the file */
    uint32_t unit;      /* in `units` */
    uint32_t indicator; /* in `indicators` */
    day_t day;
    uint8_t op;
    uint8_t period_kind;
    uint8_t calendar;
    bool refused; /* by the collector */
    int64_t value;
    int64_t reported_at_ms;
    size_t text_from; /* its fields as CSV, in `text` */
    uint32_t text_bytes;
};

/* A row that is not sent, or that the collector refused. */
struct import_refusal {
    uint64_t row;
    size_t text_from;
    uint32_t text_bytes;
    char *reason;
};

struct import_file {
    struct import_row *rows;
    size_t row_count, row_capacity;
    struct import_refusal *refusals; /* in no order until import_file_write_refusals */
    size_t refusal_count, refusal_capacity;
    struct dict *units;
    struct dict *indicators;
    struct buf text;
};

/* `name` stands in sentences. Rows without reported_at get the one given. On failure *out owns
 * nothing. ERR_INVALID, ERR_LIMIT. */
int import_file_read(const char *name, struct slice csv, int64_t reported_at_ms, bool english,
                     struct import_file *out, struct err *e);
void import_file_fini(struct import_file *f);

/* Sets a row aside. */
void import_file_refuse(struct import_file *f, const struct import_row *row, const char *format,
                        ...) __attribute__((format(printf, 3, 4)));

/* Which periods an indicator is reported by. */
struct import_expect {
    bool known; /* false: nobody could be asked, or it is a ratio; the collector judges */
    uint8_t period_kind;
    uint8_t calendar;
};
/* Sets rows aside whose period is of another kind: "2024-09" for a daily figure would else pass as
 * that of 30 September. One expectation for each of f->indicators. */
void import_file_check_periods(struct import_file *f, const struct import_expect *expect,
                               bool english);
/* The rows set aside, in the order of the file, as a CSV that may be corrected and imported: the
 * reason stands in the column note. ERR_IO. */
int import_file_write_refusals(struct import_file *f, const char *path, bool english,
                               struct err *e);

#endif
