#include "services/cli/plan_file.h"

#include "common/config/schema.h"
#include "common/model/observation.h"
#include "common/model/registry.h"
#include "services/cli/csv_file.h"
#include "services/cli/plan_targets.h"
#include "services/cli/plan_units.h"
#include "services/cli/plan_yaml.h"

#include <stdio.h>

enum {
    TITLE_BYTES_MAX = 400,
    NAME_BYTES_MAX = 200,
    VERSION_MAX = 1000000,
    UNIT_FILES_MAX = 64,
    LEVEL_WORDS = PLAN_FILE_LEVELS + 1,
};

static const char *const kind_words[] = {"flow", "stock", "ratio", NULL};
static const char *const entry_words[] = {"set", "tally", NULL};
static const char *const period_words[] = {"day",  "week",        "month", "quarter",
                                           "half", "nine-months", "year",  NULL};
static const char *const calendar_words[] = {"civil", "administrative", NULL};
static const char *const reporter_words[] = {"leaf",    "country", "province", "district",
                                             "commune", "village", NULL};

/* ---- sources ---- */

struct source_yaml {
    const char *id;
    const char *name;
};

static const struct schema_row source_rows[] = {
    {.key = "id",
     .type = SCHEMA_IDENTIFIER,
     .required = true,
     .help = "letters, digits, dot, dash, underscore",
     SCHEMA_AT(struct source_yaml, id)},
    {.key = "name",
     .type = SCHEMA_STRING,
     .minimum = 1,
     .maximum = NAME_BYTES_MAX,
     .required = true,
     .help = "for people",
     SCHEMA_AT(struct source_yaml, name)},
};

static int take_source(const struct doc_node *item, void *field, struct err *e)
{
    struct source_yaml y = {0};
    int rc = schema_read(source_rows, sizeof source_rows / sizeof *source_rows, item, &y, e);
    if (rc != 0)
        return rc;
    struct source *s = gather_add(field, sizeof *s);
    plan_yaml_ident(&s->id, y.id);
    s->name = y.name;
    return 0;
}

/* ---- indicators ---- */

struct record_yaml {
    const char *from;
    const char *source;
};

static const struct schema_row record_rows[] = {
    {.key = "from",
     .type = SCHEMA_DATE,
     .required = true,
     .help = "first day on which this source counts",
     SCHEMA_AT(struct record_yaml, from)},
    {.key = "source",
     .type = SCHEMA_IDENTIFIER,
     .required = true,
     .help = "id of a source",
     SCHEMA_AT(struct record_yaml, source)},
};

static int take_record(const struct doc_node *item, void *field, struct err *e)
{
    struct record_yaml y = {0};
    day_t from = 0;
    int rc = schema_read(record_rows, sizeof record_rows / sizeof *record_rows, item, &y, e);
    if (rc == 0)
        rc = plan_yaml_day(item, "from", &from, e);
    if (rc != 0)
        return rc;
    struct source_of_record *r = gather_add(field, sizeof *r);
    r->from = from;
    plan_yaml_ident(&r->source, y.source);
    return 0;
}

struct indicator_yaml {
    const char *id;
    const char *name;
    size_t kind;
    size_t entry;
    const char *unit;
    int64_t minimum;
    int64_t maximum;
    size_t reports;       /* one word */
    uint32_t report_bits; /* a list of levels */
    size_t period;
    size_t calendar;
    struct gather records;
    const char *numerator;
    const char *denominator;
};

static int take_level(const struct doc_node *item, void *field, struct err *e)
{
    uint32_t *bits = field;
    size_t level;
    int rc = doc_choice(item, reporter_words + 1, LEVEL_WORDS - 1, &level, e);
    if (rc == 0)
        *bits |= 1u << level;
    return rc;
}

static const struct schema_row reported_rows[] = {
    {.key = "id",
     .type = SCHEMA_IDENTIFIER,
     .required = true,
     .help = "what files and programs send",
     SCHEMA_AT(struct indicator_yaml, id)},
    {.key = "name",
     .type = SCHEMA_STRING,
     .minimum = 1,
     .maximum = NAME_BYTES_MAX,
     .required = true,
     .help = "for people",
     SCHEMA_AT(struct indicator_yaml, name)},
    {.key = "kind",
     .type = SCHEMA_CHOICE,
     .choices = kind_words,
     .required = true,
     .help = "flow, stock or ratio",
     SCHEMA_AT(struct indicator_yaml, kind)},
    {.key = "entry",
     .type = SCHEMA_CHOICE,
     .choices = entry_words,
     .standard = "set",
     .help = "set: a figure replaces the one before; tally: amounts are added",
     SCHEMA_AT(struct indicator_yaml, entry)},
    {.key = "unit",
     .type = SCHEMA_IDENTIFIER,
     .required = true,
     .help = "what one is: persons, families, vnd",
     SCHEMA_AT(struct indicator_yaml, unit)},
    {.key = "minimum",
     .type = SCHEMA_INTEGER,
     .minimum = -OBSERVATION_VALUE_MAX,
     .maximum = OBSERVATION_VALUE_MAX,
     .required = true,
     .help = "smallest figure allowed",
     SCHEMA_AT(struct indicator_yaml, minimum)},
    {.key = "maximum",
     .type = SCHEMA_INTEGER,
     .minimum = -OBSERVATION_VALUE_MAX,
     .maximum = OBSERVATION_VALUE_MAX,
     .required = true,
     .help = "largest figure allowed",
     SCHEMA_AT(struct indicator_yaml, maximum)},
    {.key = "period",
     .type = SCHEMA_CHOICE,
     .choices = period_words,
     .required = true,
     .help = "day, week, month, quarter, half, nine-months or year",
     SCHEMA_AT(struct indicator_yaml, period)},
    {.key = "calendar",
     .type = SCHEMA_CHOICE,
     .choices = calendar_words,
     .standard = "civil",
     .help = "civil or administrative",
     SCHEMA_AT(struct indicator_yaml, calendar)},
    {.key = "source_of_record",
     .type = SCHEMA_LIST,
     .minimum = 1,
     .maximum = INDICATOR_RECORDS_MAX,
     .required = true,
     .item = take_record,
     .help = "which source counts, from which day on",
     SCHEMA_AT(struct indicator_yaml, records)},
    /* last: one word or a list, see take_reported */
    {.key = "reports",
     .type = SCHEMA_CHOICE,
     .choices = reporter_words,
     .required = true,
     .help = "leaf, a level, or a list of levels",
     SCHEMA_AT(struct indicator_yaml, reports)},
};
enum { REPORTED_ROWS = sizeof reported_rows / sizeof *reported_rows };

static const struct schema_row reports_list_row = {.key = "reports",
                                                   .type = SCHEMA_LIST,
                                                   .minimum = 1,
                                                   .maximum = PLAN_FILE_LEVELS,
                                                   .required = true,
                                                   .item = take_level,
                                                   .help = "levels",
                                                   SCHEMA_AT(struct indicator_yaml, report_bits)};

static const struct schema_row ratio_rows[] = {
    {.key = "id",
     .type = SCHEMA_IDENTIFIER,
     .required = true,
     .help = "what queries name",
     SCHEMA_AT(struct indicator_yaml, id)},
    {.key = "name",
     .type = SCHEMA_STRING,
     .minimum = 1,
     .maximum = NAME_BYTES_MAX,
     .required = true,
     .help = "for people",
     SCHEMA_AT(struct indicator_yaml, name)},
    {.key = "kind",
     .type = SCHEMA_CHOICE,
     .choices = kind_words,
     .required = true,
     .help = "flow, stock or ratio",
     SCHEMA_AT(struct indicator_yaml, kind)},
    {.key = "numerator",
     .type = SCHEMA_IDENTIFIER,
     .required = true,
     .help = "id of an indicator",
     SCHEMA_AT(struct indicator_yaml, numerator)},
    {.key = "denominator",
     .type = SCHEMA_IDENTIFIER,
     .required = true,
     .help = "id of an indicator",
     SCHEMA_AT(struct indicator_yaml, denominator)},
};
enum { RATIO_ROWS = sizeof ratio_rows / sizeof *ratio_rows };

static bool row_known(const struct schema_row *rows, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].key, key) == 0)
            return true;
    return false;
}

/* A key of the other sort of indicator deserves a better sentence than "unknown". */
static int check_sort(const struct doc_node *item, bool ratio, struct err *e)
{
    const struct schema_row *mine = ratio ? ratio_rows : reported_rows;
    const struct schema_row *other = ratio ? reported_rows : ratio_rows;
    size_t mine_count = ratio ? RATIO_ROWS : REPORTED_ROWS;
    size_t other_count = ratio ? REPORTED_ROWS : RATIO_ROWS;
    for (size_t i = 0; i < item->count; i++) {
        const char *key = item->keys[i].text;
        if (row_known(mine, mine_count, key) || !row_known(other, other_count, key))
            continue;
        return doc_error(&item->keys[i], e,
                         ratio ? "%s: a ratio has none, it is computed from its numerator and "
                                 "denominator: take it out"
                               : "%s: only a ratio has one: take it out, or write `kind: ratio`",
                         key);
    }
    return 0;
}

static int read_indicator(const struct doc_node *item, struct indicator_yaml *y, struct err *e)
{
    const struct doc_node *kind = doc_find(item, "kind");
    const struct doc_node *reports = doc_find(item, "reports");
    bool ratio = kind && kind->kind == DOC_SCALAR && strcmp(kind->text, "ratio") == 0;
    int rc = doc_expect(item, DOC_MAP, e);
    if (rc == 0)
        rc = check_sort(item, ratio, e);
    if (rc != 0)
        return rc;
    if (ratio)
        return schema_read(ratio_rows, RATIO_ROWS, item, y, e);
    struct schema_row rows[REPORTED_ROWS];
    memcpy(rows, reported_rows, sizeof rows);
    if (reports && reports->kind == DOC_LIST)
        rows[REPORTED_ROWS - 1] = reports_list_row;
    return schema_read(rows, REPORTED_ROWS, item, y, e);
}

static uint32_t reporters_of(const struct indicator_yaml *y)
{
    if (y->report_bits != 0)
        return y->report_bits;
    return y->reports == 0 ? REPORTS_LEAF : 1u << (y->reports - 1);
}

static void make_indicator(const struct indicator_yaml *y, struct indicator *i)
{
    plan_yaml_ident(&i->id, y->id);
    i->name = y->name;
    i->kind = (enum indicator_kind)y->kind;
    if (i->kind == INDICATOR_RATIO) {
        plan_yaml_ident(&i->numerator, y->numerator);
        plan_yaml_ident(&i->denominator, y->denominator);
        return;
    }
    i->entry = (enum indicator_entry)y->entry;
    plan_yaml_ident(&i->measure, y->unit);
    i->minimum = y->minimum;
    i->maximum = y->maximum;
    i->reporters = reporters_of(y);
    i->period = (enum period_kind)y->period;
    i->calendar = (enum period_calendar)y->calendar;
    i->record_count = (unsigned)y->records.count;
    memcpy(i->records, y->records.items, y->records.count * sizeof *i->records);
}

static int take_indicator(const struct doc_node *item, void *field, struct err *e)
{
    struct indicator_yaml y = {0};
    int rc = read_indicator(item, &y, e);
    if (rc == 0)
        make_indicator(&y, gather_add(field, sizeof(struct indicator)));
    gather_fini(&y.records);
    return rc;
}

/* ---- the reporting calendar ---- */

struct duty_yaml {
    const char *indicator;
    const char *from;
    const char *to;
    int64_t due_days;
};

static const struct schema_row duty_rows[] = {
    {.key = "indicator",
     .type = SCHEMA_IDENTIFIER,
     .required = true,
     .help = "id of an indicator",
     SCHEMA_AT(struct duty_yaml, indicator)},
    {.key = "from",
     .type = SCHEMA_DATE,
     .required = true,
     .help = "periods that end on or after this day",
     SCHEMA_AT(struct duty_yaml, from)},
    {.key = "to",
     .type = SCHEMA_DATE,
     .required = true,
     .help = "periods that end on or before this day",
     SCHEMA_AT(struct duty_yaml, to)},
    {.key = "due_days",
     .type = SCHEMA_INTEGER,
     .minimum = 0,
     .maximum = DUTY_DUE_DAYS_MAX,
     .required = true,
     .help = "days after the period's last day",
     SCHEMA_AT(struct duty_yaml, due_days)},
};

static int take_duty(const struct doc_node *item, void *field, struct err *e)
{
    struct duty_yaml y = {0};
    struct duty d = {0};
    int rc = schema_read(duty_rows, sizeof duty_rows / sizeof *duty_rows, item, &y, e);
    if (rc == 0)
        rc = plan_yaml_day(item, "from", &d.from, e);
    if (rc == 0)
        rc = plan_yaml_day(item, "to", &d.to, e);
    if (rc != 0)
        return rc;
    plan_yaml_ident(&d.indicator, y.indicator);
    d.due_days = (unsigned)y.due_days;
    *(struct duty *)gather_add(field, sizeof d) = d;
    return 0;
}

/* ---- the whole ---- */

struct plan_yaml {
    const char *plan;
    int64_t version;
    const char *title;
    const char *document;
    const char *province;
    const char *from;
    const char *to;
    struct schema_strings units;
    const char *successions;
    struct gather sources;
    struct gather indicators;
    struct gather duties;
    struct plan_targets targets;
};

static const struct schema_row plan_rows[] = {
    {.key = "plan",
     .type = SCHEMA_IDENTIFIER,
     .required = true,
     .help = "the plan's id",
     SCHEMA_AT(struct plan_yaml, plan)},
    {.key = "version",
     .type = SCHEMA_INTEGER,
     .minimum = 1,
     .maximum = VERSION_MAX,
     .required = true,
     .help = "1, and one more for each later text",
     SCHEMA_AT(struct plan_yaml, version)},
    {.key = "title",
     .type = SCHEMA_STRING,
     .minimum = 1,
     .maximum = TITLE_BYTES_MAX,
     .required = true,
     .help = "the name of the campaign",
     SCHEMA_AT(struct plan_yaml, title)},
    {.key = "document",
     .type = SCHEMA_STRING,
     .minimum = 1,
     .maximum = TITLE_BYTES_MAX,
     .required = true,
     .help = "number and issuer of the document",
     SCHEMA_AT(struct plan_yaml, document)},
    {.key = "province",
     .type = SCHEMA_IDENTIFIER,
     .required = true,
     .help = "code of the plan's root unit, in quotes",
     SCHEMA_AT(struct plan_yaml, province)},
    {.key = "period.from",
     .type = SCHEMA_DATE,
     .required = true,
     .help = "first day of the plan",
     SCHEMA_AT(struct plan_yaml, from)},
    {.key = "period.to",
     .type = SCHEMA_DATE,
     .required = true,
     .help = "last day of the plan",
     SCHEMA_AT(struct plan_yaml, to)},
    {.key = "units",
     .type = SCHEMA_LIST,
     .minimum = 1,
     .maximum = UNIT_FILES_MAX,
     .required = true,
     .item = schema_item_string,
     .help = "CSV files of units",
     SCHEMA_AT(struct plan_yaml, units)},
    {.key = "successions",
     .type = SCHEMA_STRING,
     .minimum = 1,
     .maximum = PLAN_PATH_BYTES_MAX,
     .help = "CSV file of who handed over to whom",
     SCHEMA_AT(struct plan_yaml, successions)},
    {.key = "sources",
     .type = SCHEMA_LIST,
     .minimum = 1,
     .maximum = PLAN_SOURCES_MAX,
     .required = true,
     .item = take_source,
     .help = "on whose behalf figures come",
     SCHEMA_AT(struct plan_yaml, sources)},
    {.key = "indicators",
     .type = SCHEMA_LIST,
     .minimum = 1,
     .maximum = PLAN_INDICATORS_MAX,
     .required = true,
     .item = take_indicator,
     .help = "what is counted",
     SCHEMA_AT(struct plan_yaml, indicators)},
    {.key = "calendar",
     .type = SCHEMA_LIST,
     .minimum = 0,
     .maximum = PLAN_DUTIES_MAX,
     .required = true,
     .item = take_duty,
     .help = "which reports are owed; [] for none",
     SCHEMA_AT(struct plan_yaml, duties)},
    {.key = "targets",
     .type = SCHEMA_LIST,
     .minimum = 0,
     .maximum = PLAN_TARGETS_MAX,
     .standard = "[]",
     .item = plan_targets_take,
     .help = "what is to be reached, where, by when",
     SCHEMA_AT(struct plan_yaml, targets)},
};

static void plan_yaml_fini(struct plan_yaml *y)
{
    schema_strings_fini(&y->units);
    gather_fini(&y->sources);
    gather_fini(&y->indicators);
    gather_fini(&y->duties);
    plan_targets_fini(&y->targets);
}

/* What the model calls a part of the plan, and the file. */
static const struct {
    const char *model;
    const char *file;
} part_names[] = {
    {"id", "plan"},           {"root", "province"},
    {"from", "period.from"},  {"to", "period.to"},
    {"duties", "calendar"},   {"measure", "unit"},
    {"reporters", "reports"}, {"records", "source_of_record"},
};
enum { TOP_ONLY_NAMES = 4 }; /* the first ones */

static const struct doc_node *find_part(const struct doc_node *map, const char *name, bool top)
{
    for (size_t i = top ? 0 : TOP_ONLY_NAMES; i < sizeof part_names / sizeof *part_names; i++)
        if (strcmp(part_names[i].model, name) == 0)
            return schema_find(map, part_names[i].file);
    return doc_find(map, name);
}

/* "indicators[2].maximum: …" of the model, at the line it stands on. */
static int place_error(const struct doc_node *root, int code, struct err *e)
{
    const struct doc_node *at = root;
    char name[32];
    if (!e)
        return code;
    const char *rest = e->text;
    for (int used = 0; sscanf(rest, "%31[a-z_]%n", name, &used) == 1;) {
        const struct doc_node *part = find_part(at, name, at == root);
        unsigned index;
        if (!part)
            break;
        at = part;
        rest += used;
        if (sscanf(rest, "[%u]%n", &index, &used) == 1 && index < at->count) {
            at = &at->items[index];
            rest += used;
        }
        if (*rest != '.')
            break;
        rest++;
    }
    char text[ERR_TEXT_BYTES];
    rest += strspn(rest, ": ");
    snprintf(text, sizeof text, "%s%s%s", at->name ? at->name : "", at->name ? ": " : "", rest);
    doc_error(at, e, "%s", text);
    e->code = code;
    return code;
}

static int make_plan(struct plan_yaml *y, struct plan_file *out, struct err *e)
{
    struct plan *p = &out->plan;
    const struct doc_node *root = doc_root(out->doc);
    plan_yaml_ident(&p->id, y->plan);
    plan_yaml_ident(&p->root, y->province);
    p->version = (uint32_t)y->version;
    p->title = y->title;
    p->document = y->document;
    p->sources = gather_move(&y->sources, sizeof *p->sources, &out->arena);
    p->source_count = (unsigned)y->sources.count;
    p->indicators = gather_move(&y->indicators, sizeof *p->indicators, &out->arena);
    p->indicator_count = (unsigned)y->indicators.count;
    p->duties = gather_move(&y->duties, sizeof *p->duties, &out->arena);
    p->duty_count = (unsigned)y->duties.count;
    int rc = plan_yaml_day(root, "period.from", &p->from, e);
    if (rc == 0)
        rc = plan_yaml_day(root, "period.to", &p->to, e);
    if (rc == 0)
        rc = plan_targets_make(&y->targets, out, e);
    if (rc != 0)
        return rc;
    rc = plan_check(p, e);
    return rc == 0 ? 0 : place_error(root, rc, e);
}

/* `doc` is taken. */
static int take_plan(struct doc *doc, struct plan_yaml *y, struct plan_file *out, struct err *e)
{
    *out = (struct plan_file){.doc = doc};
    arena_init(&out->arena, 0);
    int rc = schema_load(plan_rows, sizeof plan_rows / sizeof *plan_rows, doc, y, e);
    return rc != 0 ? rc : make_plan(y, out, e);
}

int plan_file_parse(const char *name, struct slice yaml, struct plan_file *out, struct err *e)
{
    struct doc *doc;
    struct plan_yaml y = {0};
    int rc = doc_parse(name, yaml.data, yaml.len, &doc, e);
    if (rc != 0)
        return rc;
    rc = take_plan(doc, &y, out, e);
    plan_yaml_fini(&y);
    if (rc != 0)
        plan_file_fini(out);
    return rc;
}

void plan_file_fini(struct plan_file *p)
{
    doc_destroy(p->doc);
    arena_fini(&p->arena);
    *p = (struct plan_file){0};
}

int plan_file_parse_units(const char *name, struct slice units, const char *successions_name,
                          struct slice successions, struct plan_file *out, struct err *e)
{
    *out = (struct plan_file){0};
    arena_init(&out->arena, 0);
    struct plan_units u = {.out = out};
    int rc = plan_units_read(&u, name, units, e);
    if (rc == 0 && successions.len > 0)
        rc = plan_units_read_successions(&u, successions_name, successions, e);
    if (rc == 0)
        rc = plan_units_finish(&u, e);
    plan_units_fini(&u);
    if (rc != 0)
        plan_file_fini(out);
    return rc;
}

/* ---- the files it names ---- */

typedef int read_units_fn(struct plan_units *u, const char *name, struct slice csv, struct err *e);

static int read_units_file(struct plan_units *u, const char *plan_path, const char *path,
                           const struct doc_node *at, read_units_fn *read, struct err *e)
{
    char joined[2 * PLAN_PATH_BYTES_MAX];
    struct buf data = {0};
    struct err cause = {0};
    plan_yaml_join(plan_path, path, joined);
    int rc = csv_file_load(joined, CSV_FILE_BYTES_MAX, &data, &cause);
    if (rc != 0) {
        doc_error(at, e, "%s", cause.text);
        if (e)
            e->code = rc;
    } else {
        rc = read(u, joined, buf_slice(&data), e);
    }
    buf_fini(&data);
    return rc;
}

static int read_units(struct plan_file *out, const char *path, const struct plan_yaml *y,
                      struct err *e)
{
    struct plan_units u = {.out = out};
    const struct doc_node *root = doc_root(out->doc);
    const struct doc_node *units = doc_find(root, "units");
    int rc = 0;
    for (size_t i = 0; i < y->units.count && rc == 0; i++)
        rc = read_units_file(&u, path, y->units.items[i], &units->items[i], plan_units_read, e);
    if (rc == 0 && y->successions)
        rc = read_units_file(&u, path, y->successions, doc_find(root, "successions"),
                             plan_units_read_successions, e);
    if (rc == 0)
        rc = plan_units_finish(&u, e);
    plan_units_fini(&u);
    return rc;
}

/* As the collector of an empty instance would. */
static int check_together(const struct plan_file *p, struct err *e)
{
    struct registry *r = registry_create();
    int rc = registry_apply_catalogue(r, &p->catalogue, e);
    if (rc == 0) {
        rc = registry_apply_plan(r, &p->plan, e);
        if (rc != 0)
            place_error(doc_root(p->doc), rc, e);
    }
    registry_destroy(r);
    return rc;
}

int plan_file_load(const char *path, struct plan_file *out, struct err *e)
{
    struct doc *doc;
    struct plan_yaml y = {0};
    int rc = doc_load(path, PLAN_FILE_BYTES_MAX, &doc, e);
    if (rc != 0)
        return rc;
    rc = take_plan(doc, &y, out, e);
    if (rc == 0)
        rc = read_units(out, path, &y, e);
    if (rc == 0)
        rc = plan_targets_allot(&y.targets, path, out, e);
    if (rc == 0)
        rc = check_together(out, e);
    plan_yaml_fini(&y);
    if (rc != 0)
        plan_file_fini(out);
    return rc;
}
