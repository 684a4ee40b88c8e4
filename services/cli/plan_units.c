#include "services/cli/plan_units.h"

#include "common/base/alloc.h"
#include "common/base/text.h"
#include "common/model/scan.h"
#include "services/cli/csv_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_BYTES_MAX = 200, DAY_ERROR_BYTES = 256 };

enum { CODE, FROM, TO, NAME, TYPE, LEVEL, PARENT, BEGINS, SPAN_COLUMNS };
static const struct csv_column span_columns[SPAN_COLUMNS] = {
    [CODE] = {.name = "code", .required = true},
    [FROM] = {.name = "from", .required = true},
    [TO] = {.name = "to", .required = true},
    [NAME] = {.name = "name", .required = true},
    [TYPE] = {.name = "type", .required = true},
    [LEVEL] = {.name = "level", .required = true},
    [PARENT] = {.name = "parent", .required = true},
    [BEGINS] = {.name = "begins", .required = true},
};
static const struct csv_shape span_shape = {
    .columns = span_columns, .count = SPAN_COLUMNS, .rows_max = CATALOGUE_SPANS_MAX};

enum { DATE, OLD_CODE, NEW_CODE, PEOPLE, RESOLUTION, BASIS, SUCCESSION_COLUMNS };
static const struct csv_column succession_columns[SUCCESSION_COLUMNS] = {
    [DATE] = {.name = "date", .required = true},
    [OLD_CODE] = {.name = "old_code", .required = true},
    [NEW_CODE] = {.name = "new_code", .required = true},
    [PEOPLE] = {.name = "people", .required = true},
    [RESOLUTION] = {.name = "resolution", .ignored = true},
    [BASIS] = {.name = "basis", .ignored = true},
};
static const struct csv_shape succession_shape = {.columns = succession_columns,
                                                  .count = SUCCESSION_COLUMNS,
                                                  .rows_max = CATALOGUE_SUCCESSIONS_MAX};

const char *const plan_file_levels[PLAN_FILE_LEVELS] = {"country", "province", "district",
                                                        "commune", "village"};

/* One row being read, for the checks of its fields. */
struct row_reader {
    const char *file;
    const struct csv_row *row;
    const struct csv_column *columns;
    struct err *err;
};

static int field_error(const struct row_reader *r, unsigned column, const char *text)
{
    return csv_file_error(r->err, r->file, r->row->row, r->columns[column].name, "%s", text);
}

static int take_code(const struct row_reader *r, unsigned column, bool may_be_empty,
                     struct ident *out)
{
    struct slice field = r->row->fields[column];
    *out = (struct ident){0};
    if ((may_be_empty && field.len == 0) || ident_set(out, field))
        return 0;
    char excerpt[SCAN_EXCERPT_BYTES];
    return csv_file_error(r->err, r->file, r->row->row, r->columns[column].name,
                          "\"%s\" is not 1 to %d of the characters 0-9 A-Z a-z . _ -",
                          scan_excerpt(field, excerpt), IDENT_BYTES_MAX);
}

static int take_day(const struct row_reader *r, unsigned column, bool may_be_empty, day_t *out)
{
    struct slice field = r->row->fields[column];
    struct err cause = {0};
    *out = DAY_NEVER;
    if ((may_be_empty && field.len == 0) || day_parse(field, out, &cause) == 0)
        return 0;
    return field_error(r, column, cause.text);
}

static int take_word(const struct row_reader *r, unsigned column, const char *const *words,
                     size_t count, size_t *out)
{
    struct slice field = r->row->fields[column];
    char excerpt[SCAN_EXCERPT_BYTES], all[96] = "";
    for (size_t i = 0; i < count; i++) {
        if (slice_equal(field, slice_str(words[i]))) {
            *out = i;
            return 0;
        }
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", words[i]);
    }
    const char *nearest = text_nearest(field, words, count);
    scan_excerpt(field, excerpt);
    if (nearest)
        return csv_file_error(r->err, r->file, r->row->row, r->columns[column].name,
                              "\"%s\": did you mean \"%s\"?", excerpt, nearest);
    return csv_file_error(r->err, r->file, r->row->row, r->columns[column].name,
                          "\"%s\": write one of %s", excerpt, all);
}

static int take_text(const struct row_reader *r, unsigned column, struct arena *arena,
                     const char **out)
{
    struct slice field = r->row->fields[column];
    if (field.len > NAME_BYTES_MAX)
        return field_error(r, column, "longer than 200 bytes: shorten it");
    *out = arena_string(arena, field.len ? field.data : "", field.len);
    return 0;
}

static int take_begins(const struct row_reader *r, bool *out)
{
    static const char *const words[] = {"new", "same"};
    size_t word = 0;
    int rc = take_word(r, BEGINS, words, 2, &word);
    *out = word == 0;
    return rc;
}

static int take_level(const struct row_reader *r, uint8_t *out)
{
    size_t level = 0;
    int rc = take_word(r, LEVEL, plan_file_levels, PLAN_FILE_LEVELS, &level);
    *out = (uint8_t)level;
    return rc;
}

static int decode_span(const struct row_reader *r, struct arena *arena, struct unit_span *out)
{
    int rc = take_code(r, CODE, false, &out->code);
    if (rc == 0)
        rc = take_day(r, FROM, false, &out->from);
    if (rc == 0)
        rc = take_day(r, TO, true, &out->to);
    if (rc == 0)
        rc = take_text(r, NAME, arena, &out->name);
    if (rc == 0)
        rc = take_text(r, TYPE, arena, &out->type);
    if (rc == 0)
        rc = take_level(r, &out->level);
    if (rc == 0)
        rc = take_code(r, PARENT, true, &out->parent);
    return rc != 0 ? rc : take_begins(r, &out->begins);
}

static int take_span(void *arg, const struct csv_row *row, struct err *e)
{
    struct plan_units *u = arg;
    struct row_reader r = {u->file, row, span_columns, e};
    struct unit_span span;
    if (row->given != row->expected)
        return csv_file_count_error(e, u->file, row);
    int rc = decode_span(&r, &u->out->arena, &span);
    if (rc != 0)
        return rc;
    alloc_reserve((void **)&u->spans, &u->span_capacity, u->span_count + 1, sizeof span);
    alloc_reserve((void **)&u->span_origins, &u->span_origin_capacity, u->span_count + 1,
                  sizeof *u->span_origins);
    u->span_origins[u->span_count] = (struct plan_file_origin){u->file, row->row};
    u->spans[u->span_count++] = span;
    return 0;
}

static int take_succession(void *arg, const struct csv_row *row, struct err *e)
{
    static const char *const people[] = {"all", "part", "none"};
    struct plan_units *u = arg;
    struct row_reader r = {u->file, row, succession_columns, e};
    struct succession s;
    size_t word = 0;
    if (row->given != row->expected)
        return csv_file_count_error(e, u->file, row);
    int rc = take_day(&r, DATE, false, &s.on);
    if (rc == 0)
        rc = take_code(&r, OLD_CODE, false, &s.old_code);
    if (rc == 0)
        rc = take_code(&r, NEW_CODE, false, &s.new_code);
    if (rc == 0)
        rc = take_word(&r, PEOPLE, people, 3, &word);
    if (rc != 0)
        return rc;
    s.people = (enum succession_people)word;
    alloc_reserve((void **)&u->successions, &u->succession_capacity, u->succession_count + 1,
                  sizeof s);
    alloc_reserve((void **)&u->succession_origins, &u->succession_origin_capacity,
                  u->succession_count + 1, sizeof *u->succession_origins);
    u->succession_origins[u->succession_count] = (struct plan_file_origin){u->file, row->row};
    u->successions[u->succession_count++] = s;
    return 0;
}

void plan_units_fini(struct plan_units *u)
{
    free(u->spans);
    free(u->span_origins);
    free(u->successions);
    free(u->succession_origins);
}

static const char *keep_name(struct plan_units *u, const char *name)
{
    return arena_string(&u->out->arena, name, strlen(name));
}

int plan_units_read(struct plan_units *u, const char *name, struct slice csv, struct err *e)
{
    u->file = keep_name(u, name);
    return csv_file_read(u->file, csv, &span_shape, take_span, u, e);
}

int plan_units_read_successions(struct plan_units *u, const char *name, struct slice csv,
                                struct err *e)
{
    u->file = keep_name(u, name);
    return csv_file_read(u->file, csv, &succession_shape, take_succession, u, e);
}

/* ---- order: the same files in any order are the same catalogue ---- */

static int compare_spans(const void *a, const void *b, void *arg)
{
    const struct unit_span *spans = arg;
    const struct unit_span *x = &spans[*(const uint32_t *)a], *y = &spans[*(const uint32_t *)b];
    int by_code = strcmp(x->code.text, y->code.text);
    return by_code != 0 ? by_code : (x->from > y->from) - (x->from < y->from);
}

static int compare_successions(const void *a, const void *b, void *arg)
{
    const struct succession *all = arg;
    const struct succession *x = &all[*(const uint32_t *)a], *y = &all[*(const uint32_t *)b];
    if (x->on != y->on)
        return x->on < y->on ? -1 : 1;
    int by_new = strcmp(x->new_code.text, y->new_code.text);
    return by_new != 0 ? by_new : strcmp(x->old_code.text, y->old_code.text);
}

static uint32_t *sorted_order(size_t count, int (*compare)(const void *, const void *, void *),
                              void *items)
{
    uint32_t *order = alloc_zeroed(count + 1, sizeof *order);
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    qsort_r(order, count, sizeof *order, compare, items);
    return order;
}

static void move_spans(struct plan_units *u)
{
    struct plan_file *out = u->out;
    uint32_t *order = sorted_order(u->span_count, compare_spans, u->spans);
    out->catalogue.spans = arena_alloc(&out->arena, (u->span_count + 1) * sizeof *u->spans);
    out->span_origins = arena_alloc(&out->arena, (u->span_count + 1) * sizeof *u->span_origins);
    for (size_t i = 0; i < u->span_count; i++) {
        out->catalogue.spans[i] = u->spans[order[i]];
        out->span_origins[i] = u->span_origins[order[i]];
    }
    out->catalogue.span_count = (uint32_t)u->span_count;
    free(order);
}

static bool has_code(const struct catalogue_spec *c, const struct ident *code)
{
    size_t low = 0, high = c->span_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(c->spans[middle].code.text, code->text);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* One file of successions serves many provinces: rows of which neither side is in the units' files
 * are others' business. One side alone is a mistake. */
static int is_ours(const struct plan_units *u, uint32_t i, bool *out, struct err *e)
{
    const struct succession *s = &u->successions[i];
    const struct plan_file_origin *at = &u->succession_origins[i];
    bool old_known = has_code(&u->out->catalogue, &s->old_code);
    bool new_known = has_code(&u->out->catalogue, &s->new_code);
    *out = old_known && new_known;
    if (old_known == new_known)
        return 0;
    return csv_file_error(e, at->file, at->row, old_known ? "new_code" : "old_code",
                          "no unit has the code %s: add it to the units, or take the row out",
                          old_known ? s->new_code.text : s->old_code.text);
}

static int move_successions(struct plan_units *u, struct err *e)
{
    struct plan_file *out = u->out;
    size_t room = u->succession_count + 1;
    uint32_t *order = sorted_order(u->succession_count, compare_successions, u->successions);
    out->catalogue.successions = arena_alloc(&out->arena, room * sizeof *u->successions);
    out->succession_origins = arena_alloc(&out->arena, room * sizeof *u->succession_origins);
    int rc = 0;
    for (size_t i = 0; i < u->succession_count && rc == 0; i++) {
        bool ours = false;
        rc = is_ours(u, order[i], &ours, e);
        if (rc != 0 || !ours)
            continue;
        uint32_t at = out->catalogue.succession_count++;
        out->catalogue.successions[at] = u->successions[order[i]];
        out->succession_origins[at] = u->succession_origins[order[i]];
    }
    free(order);
    return rc;
}

/* ---- the catalogue's sentences name spans by number: people know rows ---- */

static const struct plan_file_origin *find_origin(const struct plan_file *p, const char *at,
                                                  size_t *used)
{
    unsigned number;
    int n = 0;
    if (sscanf(at, "span %u%n", &number, &n) == 1 && number - 1 < p->catalogue.span_count) {
        *used = (size_t)n;
        return &p->span_origins[number - 1];
    }
    if (sscanf(at, "succession %u%n", &number, &n) == 1 &&
        number - 1 < p->catalogue.succession_count) {
        *used = (size_t)n;
        return &p->succession_origins[number - 1];
    }
    return NULL;
}

static void name_rows(const struct plan_file *p, int code, struct err *e)
{
    struct buf text = {0};
    if (!e)
        return;
    for (const char *at = e->text; *at;) {
        size_t used = 0;
        const struct plan_file_origin *o = find_origin(p, at, &used);
        if (o && at == e->text)
            buf_printf(&text, "%s: row %" PRIu64, o->file, o->row);
        else if (o)
            buf_printf(&text, "row %" PRIu64, o->row);
        else
            buf_u8(&text, (uint8_t)*at);
        at += o ? used : 1;
    }
    err_set(e, code, "%.*s", (int)text.len, (const char *)text.data);
    buf_fini(&text);
}

int plan_units_finish(struct plan_units *u, struct err *e)
{
    struct catalogue *built = NULL;
    if (u->span_count > CATALOGUE_SPANS_MAX)
        return err_set(e, ERR_LIMIT, "%zu rows of units: a catalogue holds at most %d",
                       u->span_count, CATALOGUE_SPANS_MAX);
    move_spans(u);
    int rc = move_successions(u, e);
    if (rc != 0)
        return rc;
    rc = catalogue_build(&u->out->catalogue, NULL, &built, e);
    if (rc != 0)
        name_rows(u->out, rc, e);
    catalogue_destroy(built);
    return rc;
}
