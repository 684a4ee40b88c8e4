/* What comes out of CSV as people save it, and the sentence for each way to get it wrong. */
#include "services/cli/csv_file.h"
#include "tests/support/suite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct csv_column columns[] = {
    {.name = "unit", .required = true},
    {.name = "value", .required = true},
    {.name = "op"},
    {.name = "note", .ignored = true},
};
static const struct csv_shape shape = {.columns = columns, .count = 4, .rows_max = 5};

static int write_row(void *arg, const struct csv_row *row, struct err *e)
{
    struct buf *out = arg;
    (void)e;
    buf_printf(out, "%" PRIu64 ":", row->row);
    for (unsigned i = 0; i < 3; i++)
        if (row->fields[i].data)
            buf_printf(out, "[%.*s]", (int)row->fields[i].len, (const char *)row->fields[i].data);
        else
            buf_printf(out, "-");
    if (row->given != row->expected)
        buf_printf(out, "(%u of %u)", row->given, row->expected);
    return 0;
}

static const struct {
    const char *reason;
    const char *csv;
    const char *rows;
} taken[] = {
    {"plain", "unit,value\n11341,5\n", "2:[11341][5]-"},
    {"no newline at the end", "unit,value\n11341,5", "2:[11341][5]-"},
    {"another order, an ignored column", "note,value,unit\nhello,5,a\n", "2:[a][5]-"},
    {"CRLF", "unit,value\r\na,1\r\nb,2\r\n", "2:[a][1]-3:[b][2]-"},
    {"CR alone", "unit,value\ra,1\rb,2\r", "2:[a][1]-3:[b][2]-"},
    {"a byte order mark", "\xEF\xBB\xBFunit,value\na,1\n", "2:[a][1]-"},
    {"semicolons", "unit;value;op\na;1;set\n", "2:[a][1][set]"},
    {"tabs", "unit\tvalue\na\t1\n", "2:[a][1]-"},
    {"quotes", "unit,value\n\"a,\"\"b\"\"\",1\n", "2:[a,\"b\"][1]-"},
    {"a line break in quotes is one row", "unit,value\n\"a\nb\",1\nc,2\n", "2:[a\nb][1]-3:[c][2]-"},
    {"blank rows count and say nothing", "unit,value\n\n,\na,1\n", "4:[a][1]-"},
    {"blank rows of CRLF files", "unit,value\r\n\r\na,1\r\n", "3:[a][1]-"},
    {"blanks belong to the field", "unit,value\n a ,1\n", "2:[ a ][1]-"},
    {"too few fields are the caller's", "unit,value\na\n", "2:[a]--(1 of 2)"},
    {"too many fields are the caller's", "unit,value\na,1,x\n", "2:[a][1]-(3 of 2)"},
    {"a header alone", "unit,value\n", ""},
};

START_TEST(what_people_save_is_read)
{
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        struct err e = {0};
        struct buf out = {0};
        buf_printf(&out, "%s", "");
        int rc = csv_file_read("f.csv", slice_str(taken[i].csv), &shape, write_row, &out, &e);
        ck_assert_msg(rc == 0, "%s: %s", taken[i].reason, e.text);
        ck_assert_msg(strcmp((char *)out.data, taken[i].rows) == 0, "%s: \"%s\" instead of \"%s\"",
                      taken[i].reason, (char *)out.data, taken[i].rows);
        buf_fini(&out);
    }
}
END_TEST

#define COLUMNS_SENTENCE                                                                           \
    "the first row names the columns: unit, value, op (may be left out), note (may be left out)"

static const struct {
    const char *reason;
    const char *csv;
    const char *sentence;
} refused[] = {
    {"nothing", "", "f.csv: empty: " COLUMNS_SENTENCE},
    {"only blank rows", "\n\n,,\n", "f.csv: empty: " COLUMNS_SENTENCE},
    {"a byte order mark alone", "\xEF\xBB\xBF", "f.csv: empty: " COLUMNS_SENTENCE},
    {"no header", "11341,5\n", "f.csv: row 1: unknown column \"11341\": " COLUMNS_SENTENCE},
    {"a misspelt column", "unit,valeu\n",
     "f.csv: row 1: unknown column \"valeu\": did you mean \"value\"?"},
    {"a column without a name", "unit,value,\n",
     "f.csv: row 1: column 3 has no name: name it or delete it"},
    {"a column twice", "unit,value,unit\n",
     "f.csv: row 1: column \"unit\" stands here twice: keep one"},
    {"a column missing", "unit,op\n",
     "f.csv: row 1: column \"value\" is missing: " COLUMNS_SENTENCE},
    {"broken UTF-8", "unit,value\nx\xE1,1\n",
     "f.csv: row 2, column unit: not UTF-8 (byte 0xE1): save the file again as \"CSV UTF-8\""},
    {"a NUL", NULL, "f.csv: row 2, column unit: a control character in the text: remove it"},
    {"decomposed letters", "unit,value\nma\xCC\x83,1\n",
     "f.csv: row 2, column unit: letters in decomposed form (NFD, as some systems save them): "
     "convert the file to NFC"},
    {"junk behind a quote", "unit,value\n\"a\"b,1\n",
     "f.csv: row 2: a quote in the middle of a field: a field with quotes in it goes in quotes, "
     "and each of them is doubled"},
    {"a quote that is not closed", "unit,value\n\"a,1\n",
     "f.csv: row 2: a quote is not closed before the end of the file"},
    {"more rows than allowed", "unit,value\na,1\na,1\na,1\na,1\na,1\na,1\n",
     "f.csv: row 7: more than 5 rows: split the file"},
    {"an Excel workbook", "PK\3\4rest",
     "f.csv: an Excel workbook, not CSV: save it as \"CSV UTF-8\" and take that file"},
};

START_TEST(each_fault_has_its_sentence)
{
    static const char nul[] = "unit,value\na\0b,1\n";
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct err e = {0};
        struct buf out = {0};
        struct slice csv =
            refused[i].csv ? slice_str(refused[i].csv) : slice_of(nul, sizeof nul - 1);
        int rc = csv_file_read("f.csv", csv, &shape, write_row, &out, &e);
        ck_assert_msg(rc < 0, "%s: was taken", refused[i].reason);
        ck_assert_msg(strcmp(e.text, refused[i].sentence) == 0, "%s: \"%s\" instead of \"%s\"",
                      refused[i].reason, e.text, refused[i].sentence);
        buf_fini(&out);
    }
}
END_TEST

static int read_repeated(const char *part, size_t count, struct err *e)
{
    struct buf csv = {0}, out = {0};
    for (size_t i = 0; i < count; i++)
        buf_bytes(&csv, part, strlen(part));
    int rc = csv_file_read("f.csv", buf_slice(&csv), &shape, write_row, &out, e);
    buf_fini(&csv);
    buf_fini(&out);
    return rc;
}

START_TEST(hostile_sizes_end_at_their_limit)
{
    struct err e = {0};
    ck_assert_int_eq(read_repeated("x,", 1000000, &e), ERR_LIMIT);
    ck_assert_str_eq(e.text, "f.csv: row 1: more than 64 columns: is this the right file?");
    ck_assert_int_eq(read_repeated("xxxxxxxxxxxxxxxx", 1000000, &e), ERR_LIMIT);
    ck_assert_str_eq(e.text,
                     "f.csv: row 1: a field of more than 4096 bytes: a quote that is not closed?");
    ck_assert_int_eq(read_repeated("\"x\n", 1000001, &e), ERR_INVALID);
}
END_TEST

START_TEST(written_fields_are_quoted_where_they_must)
{
    struct buf out = {0};
    csv_file_put_field(&out, slice_str("plain"));
    buf_u8(&out, ',');
    csv_file_put_field(&out, slice_str("a,\"b\""));
    ck_assert(slice_equal(buf_slice(&out), slice_str("plain,\"a,\"\"b\"\"\"")));
    buf_fini(&out);
}
END_TEST

SUITE_MAIN("cli/csv_file", what_people_save_is_read, each_fault_has_its_sentence,
           hostile_sizes_end_at_their_limit, written_fields_are_quoted_where_they_must)
