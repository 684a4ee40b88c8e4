#include "services/cli/csv_file.h"

#include "common/base/text.h"
#include "common/base/utf8.h"
#include "common/model/scan.h"

#include <csv.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum {
    CHUNK_BYTES = 1024, /* how far an unclosed quote may run before its length is looked at */
    NAMES_BYTES = 320,
    READ_BYTES = 64 * 1024,
};

enum { NO_COLUMN = -1, IGNORED_COLUMN = -2 };

struct csv_reader {
    struct csv_parser parser;
    const char *name;
    const struct csv_shape *shape;
    csv_file_row_fn *row_fn;
    void *arg;
    struct err *err;
    int rc; /* sticky */

    uint64_t row;  /* under way */
    uint64_t rows; /* handed out */
    bool after_cr; /* the row ended with \r: a \n right behind it ends nothing */
    bool blank;    /* nothing but empty fields so far */
    bool has_header;
    unsigned given;
    unsigned expected;
    int places[CSV_COLUMNS_MAX];  /* file column -> shape column, or IGNORED_COLUMN */
    struct buf text;              /* the row's fields, one after the other */
    size_t ends[CSV_COLUMNS_MAX]; /* in text */
};

/* Where a sentence says it is. */
struct place {
    const char *name;
    uint64_t row;
    const char *column; /* nullable */
    bool vietnamese;
};

__attribute__((format(printf, 4, 0))) static int
error_at(struct err *e, int code, const struct place *at, const char *format, va_list args)
{
    char text[ERR_TEXT_BYTES] = "", column[ERR_TEXT_BYTES] = "";
    vsnprintf(text, sizeof text, format, args);
    if (at->column)
        snprintf(column, sizeof column, at->vietnamese ? ", cột %s" : ", column %s", at->column);
    return err_set(e, code,
                   at->vietnamese ? "%s: dòng %" PRIu64 "%s: %s" : "%s: row %" PRIu64 "%s: %s",
                   at->name, at->row, column, text);
}

int csv_file_error(struct err *e, const char *name, uint64_t row, const char *column,
                   const char *format, ...)
{
    va_list args;
    struct place at = {.name = name, .row = row, .column = column};
    va_start(args, format);
    int rc = error_at(e, ERR_INVALID, &at, format, args);
    va_end(args);
    return rc;
}

int csv_file_count_error(struct err *e, const char *name, const struct csv_row *row)
{
    return csv_file_error(
        e, name, row->row, NULL,
        "has %u fields where the first row names %u columns: a separator too many or "
        "too few; a text with one in it goes in quotes",
        row->given, row->expected);
}

__attribute__((format(printf, 4, 5))) static void fail(struct csv_reader *r, int code,
                                                       const char *column, const char *format, ...)
{
    if (r->rc != 0)
        return;
    va_list args;
    struct place at = {r->name, r->row, column, r->shape->vietnamese};
    va_start(args, format);
    r->rc = error_at(r->err, code, &at, format, args);
    va_end(args);
}

static const char *say(const struct csv_reader *r, const char *vietnamese, const char *english)
    __attribute__((format_arg(2), format_arg(3)));
static const char *say(const struct csv_reader *r, const char *vietnamese, const char *english)
{
    return r->shape->vietnamese ? vietnamese : english;
}

/* U+0300 to U+036F, the combining marks. */
bool csv_file_is_decomposed(struct slice text)
{
    const uint8_t *at = text.data;
    for (size_t i = 0; i + 1 < text.len; i++)
        if (at[i] == 0xCC || (at[i] == 0xCD && at[i + 1] < 0xB0))
            return true;
    return false;
}

/* ---- the first row ---- */

static void join_columns(const struct csv_reader *r, char out[NAMES_BYTES])
{
    const struct csv_shape *shape = r->shape;
    const char *optional = say(r, " (không bắt buộc)", " (may be left out)");
    size_t len = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < shape->count && len < NAMES_BYTES; i++)
        len += (size_t)snprintf(out + len, NAMES_BYTES - len, "%s%s%s", i ? ", " : "",
                                shape->columns[i].name, shape->columns[i].required ? "" : optional);
}

static int find_column(const struct csv_shape *shape, struct slice name)
{
    for (unsigned i = 0; i < shape->count; i++)
        if (slice_equal(name, slice_str(shape->columns[i].name)))
            return shape->columns[i].ignored ? IGNORED_COLUMN : (int)i;
    return NO_COLUMN;
}

static void unknown_column(struct csv_reader *r, unsigned at, struct slice name)
{
    const char *names[CSV_COLUMNS_MAX];
    char excerpt[SCAN_EXCERPT_BYTES], all[NAMES_BYTES];
    for (unsigned i = 0; i < r->shape->count; i++)
        names[i] = r->shape->columns[i].name;
    const char *nearest = text_nearest(name, names, r->shape->count);
    if (name.len == 0) {
        fail(r, ERR_INVALID, NULL,
             say(r, "cột thứ %u không có tên: đặt tên hoặc xóa cột đó",
                 "column %u has no name: name it or delete it"),
             at + 1);
    } else if (nearest) {
        fail(r, ERR_INVALID, NULL,
             say(r, "không có cột \"%s\": có phải là \"%s\"?",
                 "unknown column \"%s\": did you mean \"%s\"?"),
             scan_excerpt(name, excerpt), nearest);
    } else {
        join_columns(r, all);
        fail(r, ERR_INVALID, NULL,
             say(r, "không có cột \"%s\": dòng đầu ghi tên các cột: %s",
                 "unknown column \"%s\": the first row names the columns: %s"),
             scan_excerpt(name, excerpt), all);
    }
}

static struct slice field_at(const struct csv_reader *r, unsigned i)
{
    size_t from = i == 0 ? 0 : r->ends[i - 1];
    return slice_of(r->text.data + from, r->ends[i] - from);
}

static bool has_column(const struct csv_reader *r, unsigned end, int place)
{
    for (unsigned i = 0; i < end; i++)
        if (r->places[i] == place)
            return true;
    return false;
}

static void take_header(struct csv_reader *r)
{
    r->has_header = true;
    r->expected = r->given;
    for (unsigned i = 0; i < r->given; i++) {
        struct slice name = field_at(r, i);
        r->places[i] = find_column(r->shape, name);
        if (r->places[i] == NO_COLUMN)
            unknown_column(r, i, name);
        else if (r->places[i] >= 0 && has_column(r, i, r->places[i]))
            fail(r, ERR_INVALID, NULL,
                 say(r, "cột \"%.*s\" có hai lần: giữ lại một",
                     "column \"%.*s\" stands here twice: keep one"),
                 (int)name.len, (const char *)name.data);
    }
    for (unsigned i = 0; i < r->shape->count; i++)
        if (r->shape->columns[i].required && !has_column(r, r->given, (int)i)) {
            char all[NAMES_BYTES];
            join_columns(r, all);
            fail(r, ERR_INVALID, NULL,
                 say(r, "thiếu cột \"%s\": dòng đầu ghi tên các cột: %s",
                     "column \"%s\" is missing: the first row names the columns: %s"),
                 r->shape->columns[i].name, all);
        }
}

/* ---- rows ---- */

static const char *column_name(const struct csv_reader *r, unsigned at)
{
    return r->has_header && at < r->expected && r->places[at] >= 0
               ? r->shape->columns[r->places[at]].name
               : NULL;
}

static void check_text(struct csv_reader *r, struct slice field)
{
    const char *column = column_name(r, r->given);
    if (!utf8_valid(field))
        fail(r, ERR_INVALID, column,
             say(r, "không phải UTF-8 (byte 0x%02X): lưu lại tệp theo kiểu \"CSV UTF-8\"",
                 "not UTF-8 (byte 0x%02X): save the file again as \"CSV UTF-8\""),
             ((const uint8_t *)field.data)[utf8_first_bad(field)]);
    else if (!utf8_text(field))
        fail(r, ERR_INVALID, column,
             say(r, "có ký tự điều khiển: xóa ký tự đó",
                 "a control character in the text: remove it"));
    else if (csv_file_is_decomposed(field))
        fail(r, ERR_INVALID, column,
             say(r,
                 "chữ có dấu ở dạng tổ hợp (NFD, như một số máy lưu): chuyển tệp sang dạng dựng "
                 "sẵn (NFC)",
                 "letters in decomposed form (NFD, as some systems save them): convert the file to "
                 "NFC"));
}

static void take_field(void *data, size_t len, void *arg)
{
    struct csv_reader *r = arg;
    struct slice field = slice_of(data, len);
    if (r->rc != 0)
        return;
    r->after_cr = false;
    if (r->given == CSV_COLUMNS_MAX) {
        fail(r, ERR_LIMIT, NULL,
             say(r, "có hơn %d cột: có đúng tệp không?",
                 "more than %d columns: is this the right file?"),
             CSV_COLUMNS_MAX);
        return;
    }
    if (len > CSV_FIELD_BYTES_MAX) {
        fail(r, ERR_LIMIT, column_name(r, r->given),
             say(r, "một ô dài hơn %d byte: dấu ngoặc kép chưa đóng?",
                 "a field of more than %d bytes: a quote that is not closed?"),
             CSV_FIELD_BYTES_MAX);
        return;
    }
    check_text(r, field);
    if (len > 0)
        buf_bytes(&r->text, data, len);
    r->ends[r->given++] = r->text.len;
    r->blank = r->blank && len == 0;
}

static void hand_out(struct csv_reader *r)
{
    struct slice fields[CSV_COLUMNS_MAX] = {{NULL, 0}};
    if (++r->rows > r->shape->rows_max) {
        fail(r, ERR_LIMIT, NULL,
             say(r, "có hơn %" PRIu64 " dòng: chia nhỏ tệp",
                 "more than %" PRIu64 " rows: split the file"),
             r->shape->rows_max);
        return;
    }
    for (unsigned i = 0; i < r->given && i < r->expected; i++)
        if (r->places[i] >= 0)
            fields[r->places[i]] = field_at(r, i);
    struct csv_row row = {r->row, fields, r->given, r->expected};
    r->rc = r->row_fn(r->arg, &row, r->err);
}

static void end_row(int how, void *arg)
{
    struct csv_reader *r = arg;
    if (r->rc != 0)
        return;
    if (how == '\n' && r->after_cr && r->given == 0) {
        r->after_cr = false;
        return;
    }
    r->after_cr = how == '\r';
    if (!r->blank && !r->has_header)
        take_header(r);
    else if (!r->blank)
        hand_out(r);
    r->row++;
    r->given = 0;
    r->blank = true;
    buf_clear(&r->text);
}

/* ---- the file ---- */

/* Of , ; and tab the one that stands most often in the first line. */
static unsigned char find_separator(struct slice data)
{
    static const unsigned char candidates[] = {',', ';', '\t'};
    size_t counts[sizeof candidates] = {0};
    const uint8_t *at = data.data;
    for (size_t i = 0; i < data.len && at[i] != '\n' && at[i] != '\r'; i++)
        for (size_t k = 0; k < sizeof candidates; k++)
            counts[k] += at[i] == candidates[k];
    size_t best = 0;
    for (size_t k = 1; k < sizeof candidates; k++)
        if (counts[k] > counts[best])
            best = k;
    return candidates[best];
}

static int is_no_space(unsigned char c)
{
    (void)c;
    return 0; /* blanks around a field are part of it, and the field's own check refuses them */
}

static void parse(struct csv_reader *r, struct slice data)
{
    const uint8_t *at = data.data;
    for (size_t done = 0; done < data.len && r->rc == 0;) {
        size_t n = data.len - done < CHUNK_BYTES ? data.len - done : CHUNK_BYTES;
        if (csv_parse(&r->parser, at + done, n, take_field, end_row, r) != n)
            fail(r, ERR_INVALID, NULL,
                 say(r,
                     "dấu ngoặc kép ở giữa ô: ô có dấu ngoặc kép phải đặt trong ngoặc kép, mỗi dấu "
                     "bên "
                     "trong viết hai lần",
                     "a quote in the middle of a field: a field with quotes in it goes in quotes, "
                     "and "
                     "each of them is doubled"));
        if (r->parser.entry_pos > CSV_FIELD_BYTES_MAX)
            fail(r, ERR_LIMIT, NULL,
                 say(r, "một ô dài hơn %d byte: dấu ngoặc kép chưa đóng?",
                     "a field of more than %d bytes: a quote that is not closed?"),
                 CSV_FIELD_BYTES_MAX);
        done += n;
    }
    if (r->rc == 0 && csv_fini(&r->parser, take_field, end_row, r) != 0)
        fail(r, ERR_INVALID, NULL,
             say(r, "dấu ngoặc kép chưa đóng khi hết tệp",
                 "a quote is not closed before the end of the file"));
    if (r->rc == 0 && !r->has_header) {
        char all[NAMES_BYTES];
        join_columns(r, all);
        r->rc = err_set(r->err, ERR_INVALID,
                        say(r, "%s: tệp trống: dòng đầu ghi tên các cột: %s",
                            "%s: empty: the first row names the columns: %s"),
                        r->name, all);
    }
}

static bool looks_like_workbook(struct slice data)
{
    return data.len >= 4 && memcmp(data.data, "PK\3\4", 4) == 0;
}

int csv_file_read(const char *name, struct slice data, const struct csv_shape *shape,
                  csv_file_row_fn *row, void *arg, struct err *e)
{
    static const uint8_t mark[3] = {0xEF, 0xBB, 0xBF};
    if (looks_like_workbook(data))
        return err_set(
            e, ERR_INVALID,
            shape->vietnamese
                ? "%s: đây là sổ tính Excel, không phải CSV: lưu theo kiểu \"CSV UTF-8\" rồi dùng "
                  "tệp đó"
                : "%s: an Excel workbook, not CSV: save it as \"CSV UTF-8\" and take that file",
            name);
    if (data.len >= sizeof mark && memcmp(data.data, mark, sizeof mark) == 0)
        data = slice_of((const uint8_t *)data.data + sizeof mark, data.len - sizeof mark);
    struct csv_reader r = {
        .name = name, .shape = shape, .row_fn = row, .arg = arg, .err = e, .row = 1, .blank = true};
    csv_init(&r.parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL);
    csv_set_delim(&r.parser, find_separator(data));
    csv_set_space_func(&r.parser, is_no_space);
    parse(&r, data);
    csv_free(&r.parser);
    buf_fini(&r.text);
    return r.rc;
}

static int read_all(int fd, const char *path, size_t bytes_max, struct buf *out, struct err *e)
{
    for (;;) {
        uint8_t chunk[READ_BYTES];
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got == 0)
            return 0;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(e, ERR_IO, "%s: cannot be read: %m", path);
        if (out->len + (size_t)got > bytes_max)
            return err_set(e, ERR_LIMIT, "%s: larger than %zu bytes: split the file", path,
                           bytes_max);
        buf_bytes(out, chunk, (size_t)got);
    }
}

int csv_file_load(const char *path, size_t bytes_max, struct buf *out, struct err *e)
{
    buf_clear(out);
    if (strcmp(path, "-") == 0)
        return read_all(STDIN_FILENO, "standard input", bytes_max, out, e);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: cannot be opened: %m",
                       path);
    int rc = read_all(fd, path, bytes_max, out, e);
    close(fd);
    return rc;
}

void csv_file_put_field(struct buf *out, struct slice field)
{
    const uint8_t *at = field.data;
    bool quote = false;
    for (size_t i = 0; i < field.len; i++)
        quote |= at[i] == '"' || at[i] == ',' || at[i] == ';' || at[i] < ' ';
    if (quote)
        buf_u8(out, '"');
    for (size_t i = 0; i < field.len; i++) {
        if (at[i] == '"')
            buf_u8(out, '"');
        buf_u8(out, at[i]);
    }
    if (quote)
        buf_u8(out, '"');
}
