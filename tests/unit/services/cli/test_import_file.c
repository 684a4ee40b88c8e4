/* What an import makes of a CSV: rows, rows set aside with a reason that helps, and the same
 * batches every time. */
#include "services/cli/csv_file.h"
#include "services/cli/import_batches.h"
#include "tests/support/suite.h"

#include "common/wire/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HEADER "unit,indicator,period,value,op,reported_at\n"

static struct import_file read_file(const char *csv)
{
    struct import_file f;
    struct err e = {0};
    ck_assert_msg(import_file_read("f.csv", slice_str(csv), 1000, true, &f, &e) == 0, "%s", e.text);
    return f;
}

static const struct {
    const char *reason;
    const char *row;
    const char *sentence;
} refused[] = {
    {"thousands separated", "11341,a,2024-09-05,90.000,,",
     "value \"90.000\": no whole number; if the mark separates thousands, write 90000"},
    {"thousands separated the other way", "11341,a,2024-09-05,\"1,234,567\",,",
     "value \"1,234,567\": no whole number; if the mark separates thousands, write 1234567"},
    {"letters", "11341,a,2024-09-05,12 người,,",
     "value \"12 người\": no whole number; if the mark separates thousands, write 90000"},
    {"no value", "11341,a,2024-09-05,,,",
     "value \"\": empty: take the row out, or write 0 if it is zero"},
    {"a clear with a value", "11341,a,2024-09-05,5,clear,",
     "value \"5\": a clear has no value: leave it empty"},
    {"a blank behind the code", "11341 ,a,2024-09-05,5,,",
     "unit \"11341 \": a code is 1 to 32 of the characters 0-9 A-Z a-z . _ -: take it from the "
     "list "
     "of units or indicators"},
    {"a date the other way round", "11341,a,05/09/2024,5,,",
     "period \"05/09/2024\": write 2024-09-05, 2024-W36, 2024-09, 2024-Q3, 2024-H1, 2024-9M or "
     "2024, with hc: in front for the administrative calendar"},
    {"an unknown op", "11341,a,2024-09-05,5,plus,", "op \"plus\": write set, clear or add"},
    {"a time that is none", "11341,a,2024-09-05,5,,yesterday",
     "reported_at \"yesterday\": write 2024-09-05 or 2024-09-05T08:00:00+07:00"},
    {"a field too few", "11341,a,2024-09-05,5,", "5 fields where the first row names 6 columns"},
};

START_TEST(a_wrong_row_is_set_aside_and_the_rest_goes_on)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char csv[512];
        snprintf(csv, sizeof csv, HEADER "1,a,2024-09-05,1,,\n%s\n2,a,2024-09-05,2,,\n",
                 refused[i].row);
        struct import_file f = read_file(csv);
        ck_assert_msg(f.row_count == 2 && f.refusal_count == 1, "%s: %zu rows, %zu refused",
                      refused[i].reason, f.row_count, f.refusal_count);
        ck_assert_uint_eq(f.refusals[0].row, 3);
        ck_assert_msg(strcmp(f.refusals[0].reason, refused[i].sentence) == 0,
                      "%s: \"%s\" instead of \"%s\"", refused[i].reason, f.refusals[0].reason,
                      refused[i].sentence);
        import_file_fini(&f);
    }
}
END_TEST

START_TEST(rows_say_what_the_file_says)
{
    struct import_file f =
        read_file(HEADER "x,a,2024-09,-5,add,2024-09-05\ny,a,hc:2024-09,,clear,\n");
    ck_assert_uint_eq(f.row_count, 2);
    ck_assert_int_eq(f.rows[0].value, -5);
    ck_assert_int_eq(f.rows[0].op, OP_ADD);
    ck_assert_int_eq(f.rows[0].day, day_of(2024, 9, 30));
    ck_assert_int_eq(f.rows[0].reported_at_ms, day_start_ms(day_of(2024, 9, 5)));
    ck_assert_int_eq(f.rows[1].op, OP_CLEAR);
    ck_assert_int_eq(f.rows[1].day, day_of(2024, 9, 14));
    ck_assert_int_eq(f.rows[1].reported_at_ms, 1000);
    import_file_fini(&f);
}
END_TEST

START_TEST(a_month_for_a_daily_figure_is_set_aside)
{
    struct import_file f = read_file(HEADER "x,a,2024-09,5,,\nx,a,2024-09-05,5,,\n");
    struct import_expect daily = {true, PERIOD_DAY, CALENDAR_CIVIL};
    import_file_check_periods(&f, &daily, true);
    ck_assert_uint_eq(f.row_count, 1);
    ck_assert_uint_eq(f.rows[0].row, 3);
    ck_assert_str_eq(
        f.refusals[0].reason,
        "period 2024-09: this indicator is reported by another kind of period, written "
        "like 2024-09-30");
    import_file_fini(&f);
}
END_TEST

START_TEST(refused_rows_can_be_corrected_and_imported)
{
    char path[] = "/tmp/tonghop-refused-XXXXXX";
    struct err e = {0};
    struct buf again = {0};
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    struct import_file f = read_file(HEADER "x,a,2024-09-05,90.000,,\n\"a;b\",a,2024,1,,\n");
    ck_assert_msg(import_file_write_refusals(&f, path, true, &e) == 0, "%s", e.text);
    import_file_fini(&f);
    ck_assert_msg(csv_file_load(path, 65536, &again, &e) == 0, "%s", e.text);
    buf_u8(&again, '\0');
    f = read_file((const char *)again.data);
    ck_assert_uint_eq(f.refusal_count, 2);
    ck_assert_msg(strncmp(f.refusals[0].reason, "value \"90.000\"", 14) == 0, "%s",
                  f.refusals[0].reason);
    import_file_fini(&f);
    buf_fini(&again);
    remove(path);
}
END_TEST

START_TEST(a_file_without_rows_is_refused)
{
    struct import_file f;
    struct err e = {0};
    ck_assert_int_eq(import_file_read("f.csv", slice_str(HEADER), 0, true, &f, &e), ERR_INVALID);
    ck_assert_str_eq(e.text, "f.csv: no row below the first: nothing to import");
}
END_TEST

static void many_rows(struct buf *csv, unsigned count)
{
    buf_printf(csv, HEADER);
    for (unsigned i = 0; i < count; i++)
        buf_printf(csv, "u%u,a,2024-09-05,%u,,%s\n", i % 300, i,
                   i % 3 == 0   ? "2024-09-07"
                   : i % 3 == 1 ? "2024-09-06"
                                : "");
}

START_TEST(the_same_file_is_cut_into_the_same_batches)
{
    struct buf csv = {0}, one = {0}, other = {0};
    many_rows(&csv, 20000);
    struct import_file f = read_file((const char *)csv.data), g = read_file((const char *)csv.data);
    struct import_batches a, b;
    import_batches_cut(&f, &a);
    import_batches_cut(&g, &b);
    ck_assert_uint_eq(a.count, b.count);
    ck_assert_uint_eq(a.count, 6); /* three times of 6,667 rows, at most 4,096 a batch */
    size_t rows = 0;
    for (size_t t = 0; t < a.count; t++) {
        struct arena arena;
        struct batch batch;
        struct err e = {0};
        buf_clear(&one);
        buf_clear(&other);
        import_batches_pack(&f, &a, t, &one);
        import_batches_pack(&g, &b, t, &other);
        ck_assert(slice_equal(buf_slice(&one), buf_slice(&other)));
        arena_init(&arena, 0);
        ck_assert_msg(wire_unpack_batch(buf_slice(&one), &arena, &batch, &e) == 0, "%s", e.text);
        ck_assert_uint_le(batch.row_count, IMPORT_BATCH_ROWS);
        rows += batch.row_count;
        arena_fini(&arena);
    }
    ck_assert_uint_eq(rows, 20000);
    import_batches_fini(&a);
    import_batches_fini(&b);
    import_file_fini(&f);
    import_file_fini(&g);
    buf_fini(&one);
    buf_fini(&other);
    buf_fini(&csv);
}
END_TEST

SUITE_MAIN("cli/import_file", a_wrong_row_is_set_aside_and_the_rest_goes_on,
           rows_say_what_the_file_says, a_month_for_a_daily_figure_is_set_aside,
           refused_rows_can_be_corrected_and_imported, a_file_without_rows_is_refused,
           the_same_file_is_cut_into_the_same_batches)
