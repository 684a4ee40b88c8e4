#include "services/cli/import_file.h"

#include "common/base/alloc.h"
#include "common/model/scan.h"
#include "services/cli/csv_file.h"
#include "services/cli/figure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { REASON_BYTES = 640 };

enum { UNIT, INDICATOR, PERIOD, VALUE, OP, REPORTED_AT, NAME, NOTE, COLUMN_COUNT };
static const struct csv_column columns[COLUMN_COUNT] = {
    [UNIT] = {.name = "unit", .required = true},
    [INDICATOR] = {.name = "indicator", .required = true},
    [PERIOD] = {.name = "period", .required = true},
    [VALUE] = {.name = "value", .required = true},
    [OP] = {.name = "op"},
    [REPORTED_AT] = {.name = "reported_at"},
    [NAME] = {.name = "name", .ignored = true},
    [NOTE] = {.name = "note", .ignored = true},
};

struct reading {
    struct import_file *out;
    int64_t reported_at_ms;
    bool english;
};

static void add_refusal(struct import_file *f, const struct import_row *row, const char *reason)
{
    alloc_reserve((void **)&f->refusals, &f->refusal_capacity, f->refusal_count + 1,
                  sizeof *f->refusals);
    f->refusals[f->refusal_count++] =
        (struct import_refusal){row->row, row->text_from, row->text_bytes, alloc_string(reason)};
}

void import_file_refuse(struct import_file *f, const struct import_row *row, const char *format,
                        ...)
{
    char reason[REASON_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    add_refusal(f, row, reason);
}

static bool has_expected_period(const struct import_row *row, const struct import_expect *x)
{
    return !x->known || (x->period_kind == row->period_kind && x->calendar == row->calendar);
}

static void refuse_period(struct import_file *f, const struct import_row *row,
                          const struct import_expect *x, bool english)
{
    struct err e;
    struct figure_period given = {(enum period_kind)row->period_kind,
                                  (enum period_calendar)row->calendar,
                                  {row->day, row->day}};
    figure_other_period(&given, (enum period_kind)x->period_kind, (enum period_calendar)x->calendar,
                        english, &e);
    import_file_refuse(f, row, "%s", e.text);
}

void import_file_check_periods(struct import_file *f, const struct import_expect *expect,
                               bool english)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->row_count; i++) {
        const struct import_expect *x = &expect[f->rows[i].indicator];
        if (has_expected_period(&f->rows[i], x))
            f->rows[kept++] = f->rows[i];
        else
            refuse_period(f, &f->rows[i], x, english);
    }
    f->row_count = kept;
}

/* ---- fields; false after setting the row aside ---- */

static void refuse_field(const struct reading *r, const struct import_row *row, unsigned column,
                         struct slice field, const char *sentence)
{
    char excerpt[SCAN_EXCERPT_BYTES];
    import_file_refuse(r->out, row, r->english ? "%s \"%s\": %s" : "cột %s, \"%s\": %s",
                       columns[column].name, scan_excerpt(field, excerpt), sentence);
}

static bool take_code(const struct reading *r, const struct import_row *row, unsigned column,
                      struct slice field, struct dict *dict, uint32_t *out)
{
    struct ident code;
    struct err e;
    if (figure_take_code(field, r->english, &code, &e) == 0) {
        *out = dict_add(dict, field);
        return true;
    }
    refuse_field(r, row, column, field, e.text);
    return false;
}

static bool take_period(const struct reading *r, struct import_row *row, struct slice field)
{
    struct figure_period p;
    struct err e;
    if (figure_take_period(field, r->english, &p, &e) != 0) {
        refuse_field(r, row, PERIOD, field, e.text);
        return false;
    }
    row->day = p.days.last;
    row->period_kind = (uint8_t)p.kind;
    row->calendar = (uint8_t)p.calendar;
    return true;
}

static bool take_op(const struct reading *r, struct import_row *row, struct slice field)
{
    static const char *const words[OP_COUNT] = {"set", "clear", "add"};
    row->op = OP_SET;
    if (field.len == 0)
        return true;
    for (unsigned i = 0; i < OP_COUNT; i++) {
        if (slice_equal(field, slice_str(words[i]))) {
            row->op = (uint8_t)i;
            return true;
        }
    }
    refuse_field(r, row, OP, field,
                 r->english ? "write set, clear or add"
                            : "viết set (số liệu của kỳ), clear (thu hồi số liệu) hoặc add (cộng "
                              "thêm)");
    return false;
}

static bool take_value(const struct reading *r, struct import_row *row, struct slice field)
{
    struct err e;
    row->value = 0;
    if (row->op == OP_CLEAR && field.len == 0)
        return true;
    if (row->op == OP_CLEAR)
        err_set(&e, ERR_INVALID,
                r->english ? "a clear has no value: leave it empty"
                           : "thu hồi số liệu (clear) thì để trống cột này");
    else if (figure_take_value(field, r->english, &row->value, &e) == 0)
        return true;
    refuse_field(r, row, VALUE, field, e.text);
    return false;
}

static bool take_time(const struct reading *r, struct import_row *row, struct slice field)
{
    struct err e;
    row->reported_at_ms = r->reported_at_ms;
    if (field.len == 0 || figure_take_time(field, r->english, &row->reported_at_ms, &e) == 0)
        return true;
    refuse_field(r, row, REPORTED_AT, field, e.text);
    return false;
}

/* ---- rows ---- */

static void keep_text(struct import_file *f, const struct csv_row *row, struct import_row *out)
{
    out->text_from = f->text.len;
    for (unsigned i = UNIT; i <= REPORTED_AT; i++) {
        if (i > 0)
            buf_u8(&f->text, ',');
        if (row->fields[i].len > 0)
            csv_file_put_field(&f->text, row->fields[i]);
    }
    out->text_bytes = (uint32_t)(f->text.len - out->text_from);
}

static bool decode(const struct reading *r, const struct csv_row *row, struct import_row *out)
{
    struct import_file *f = r->out;
    return take_code(r, out, UNIT, row->fields[UNIT], f->units, &out->unit) &&
           take_code(r, out, INDICATOR, row->fields[INDICATOR], f->indicators, &out->indicator) &&
           take_period(r, out, row->fields[PERIOD]) && take_op(r, out, row->fields[OP]) &&
           take_value(r, out, row->fields[VALUE]) && take_time(r, out, row->fields[REPORTED_AT]);
}

static int take_row(void *arg, const struct csv_row *row, struct err *e)
{
    const struct reading *r = arg;
    struct import_file *f = r->out;
    struct import_row one = {.row = row->row};
    (void)e;
    keep_text(f, row, &one);
    if (row->given != row->expected) {
        import_file_refuse(f, &one,
                           r->english ? "%u fields where the first row names %u columns"
                                      : "dòng này có %u ô, dòng đầu có %u cột",
                           row->given, row->expected);
        return 0;
    }
    if (!decode(r, row, &one))
        return 0;
    alloc_reserve((void **)&f->rows, &f->row_capacity, f->row_count + 1, sizeof *f->rows);
    f->rows[f->row_count++] = one;
    return 0;
}

int import_file_read(const char *name, struct slice csv, int64_t reported_at_ms, bool english,
                     struct import_file *out, struct err *e)
{
    *out = (struct import_file){.units = dict_create(), .indicators = dict_create()};
    struct reading r = {out, reported_at_ms, english};
    struct csv_shape shape = {columns, COLUMN_COUNT, IMPORT_ROWS_MAX, !english};
    int rc = csv_file_read(name, csv, &shape, take_row, &r, e);
    if (rc == 0 && out->row_count + out->refusal_count == 0)
        rc = err_set(e, ERR_INVALID,
                     english ? "%s: no row below the first: nothing to import"
                             : "%s: dưới dòng đầu không có dòng số liệu nào: không có gì để nhập",
                     name);
    if (rc != 0)
        import_file_fini(out);
    return rc;
}

void import_file_fini(struct import_file *f)
{
    for (size_t i = 0; i < f->refusal_count; i++)
        free(f->refusals[i].reason);
    free(f->refusals);
    free(f->rows);
    dict_destroy(f->units);
    dict_destroy(f->indicators);
    buf_fini(&f->text);
    *f = (struct import_file){0};
}

static int compare_refusals(const void *a, const void *b)
{
    const struct import_refusal *x = a, *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

int import_file_write_refusals(struct import_file *f, const char *path, bool english, struct err *e)
{
    struct buf out = {0};
    qsort(f->refusals, f->refusal_count, sizeof *f->refusals, compare_refusals);
    buf_printf(&out, "unit,indicator,period,value,op,reported_at,note\n");
    for (size_t i = 0; i < f->refusal_count; i++) {
        const struct import_refusal *r = &f->refusals[i];
        char note[REASON_BYTES + 32];
        buf_bytes(&out, f->text.data + r->text_from, r->text_bytes);
        buf_u8(&out, ',');
        snprintf(note, sizeof note, english ? "row %" PRIu64 ": %s" : "dòng %" PRIu64 ": %s",
                 r->row, r->reason);
        csv_file_put_field(&out, slice_str(note));
        buf_u8(&out, '\n');
    }
    FILE *file = fopen(path, "w");
    bool written = file && fwrite(out.data, 1, out.len, file) == out.len;
    if (file && fclose(file) != 0)
        written = false;
    buf_fini(&out);
    return written ? 0 : err_set(e, ERR_IO, "%s: cannot be written: %m", path);
}
