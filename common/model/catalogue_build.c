/* From dated spans to units: every check of a catalogue, and the arrays its questions are answered
 * from. A row is named by its place in the spec, from 1, because that is what people can find. */
#include "common/base/alloc.h"
#include "common/model/catalogue.h"
#include "common/model/catalogue_impl.h"
#include "common/model/scan.h"

#include <stdlib.h>

struct build {
    const struct catalogue_spec *spec;
    struct catalogue *c;
    uint32_t *row_of_span; /* index into the spec */
    uint32_t *span_of_row;
    struct link *links;                  /* successions as units, by old unit, then row */
    struct catalogue_lists predecessors; /* of each unit: those it came from directly */
    struct err *err;
};

/* A succession whose codes have become units. */
struct link {
    uint32_t old_unit;
    uint32_t new_unit;
    enum succession_people people;
    uint32_t row;
};

/* "still" for a span without an end. */
static const char *day_text(day_t d, char out[DAY_TEXT_BYTES])
{
    return d == DAY_NEVER ? "still" : day_format(d, out);
}

static const char *code_of_unit(const struct catalogue *c, uint32_t unit)
{
    return dict_text(c->codes, c->units[unit].code);
}

/* ---- spans, each alone ---- */

static bool day_in_range(day_t d)
{
    return DAY_FIRST <= d && d <= DAY_LAST;
}

static int check_span_days(const struct unit_span *s, uint32_t row, struct err *err)
{
    char from[DAY_TEXT_BYTES], to[DAY_TEXT_BYTES];
    if (!day_in_range(s->from))
        return err_set(
            err, ERR_INVALID,
            "span %u: unit %s begins on no day from 1900-01-01 to 2199-12-31: correct it", row + 1,
            s->code.text);
    if (s->to != DAY_NEVER && !day_in_range(s->to))
        return err_set(err, ERR_INVALID,
                       "span %u: unit %s ends on no day from 1900-01-01 to 2199-12-31: correct it, "
                       "or leave the end open",
                       row + 1, s->code.text);
    if (s->to < s->from)
        return err_set(err, ERR_INVALID, "span %u: unit %s ends on %s, before it begins on %s",
                       row + 1, s->code.text, day_format(s->to, to), day_format(s->from, from));
    return 0;
}

static int check_span(const struct unit_span *s, uint32_t row, struct err *err)
{
    if (!ident_valid(ident_slice(&s->code)))
        return err_set(err, ERR_INVALID,
                       "span %u: the code is not 1 to %d of the characters 0-9 A-Z a-z . _ -",
                       row + 1, IDENT_BYTES_MAX);
    if (s->parent.text[0] != '\0' && !ident_valid(ident_slice(&s->parent)))
        return err_set(err, ERR_INVALID,
                       "span %u: the parent's code of unit %s is not 1 to %d of the characters "
                       "0-9 A-Z a-z . _ -",
                       row + 1, s->code.text, IDENT_BYTES_MAX);
    if (!s->name || s->name[0] == '\0')
        return err_set(err, ERR_INVALID, "span %u: unit %s has no name", row + 1, s->code.text);
    if (s->level > CATALOGUE_LEVEL_MAX)
        return err_set(
            err, ERR_INVALID,
            "span %u: unit %s is of level %u: levels go from 0 to %d, so that no tree is "
            "deeper than %d",
            row + 1, s->code.text, s->level, CATALOGUE_LEVEL_MAX, CATALOGUE_DEPTH_MAX);
    return check_span_days(s, row, err);
}

static int check_spec(const struct catalogue_spec *spec, struct err *err)
{
    if (spec->span_count > CATALOGUE_SPANS_MAX)
        return err_set(err, ERR_LIMIT, "%u spans: a catalogue holds at most %d", spec->span_count,
                       CATALOGUE_SPANS_MAX);
    if (spec->succession_count > CATALOGUE_SUCCESSIONS_MAX)
        return err_set(err, ERR_LIMIT, "%u successions: a catalogue holds at most %d",
                       spec->succession_count, CATALOGUE_SUCCESSIONS_MAX);
    for (uint32_t row = 0; row < spec->span_count; row++) {
        int rc = check_span(&spec->spans[row], row, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- spans in order, and the units they make ---- */

struct span_key {
    uint32_t code;
    day_t from;
    uint32_t row;
};

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_span_keys(const void *a, const void *b)
{
    const struct span_key *x = a, *y = b;
    int order = compare_numbers(x->code, y->code);
    if (order == 0)
        order = compare_numbers(x->from, y->from);
    return order != 0 ? order : compare_numbers(x->row, y->row);
}

static void copy_span(struct catalogue *c, uint32_t index, const struct unit_span *from)
{
    struct unit_span *to = &c->spans[index];
    const char *type = from->type ? from->type : "";
    *to = *from;
    to->name = arena_string(&c->text, from->name, strlen(from->name));
    to->type = arena_string(&c->text, type, strlen(type));
}

static void order_spans(struct build *b)
{
    struct catalogue *c = b->c;
    uint32_t count = b->spec->span_count;
    struct span_key *keys = alloc_zeroed(count + 1, sizeof *keys);
    for (uint32_t row = 0; row < count; row++)
        keys[row] = (struct span_key){dict_add(c->codes, ident_slice(&b->spec->spans[row].code)),
                                      b->spec->spans[row].from, row};
    qsort(keys, count, sizeof *keys, compare_span_keys);
    c->span_count = count;
    c->spans = alloc_zeroed(count + 1, sizeof *c->spans);
    b->row_of_span = alloc_zeroed(count + 1, sizeof *b->row_of_span);
    b->span_of_row = alloc_zeroed(count + 1, sizeof *b->span_of_row);
    for (uint32_t i = 0; i < count; i++) {
        copy_span(c, i, &b->spec->spans[keys[i].row]);
        b->row_of_span[i] = keys[i].row;
        b->span_of_row[keys[i].row] = i;
    }
    free(keys);
}

static int check_overlaps(const struct build *b)
{
    char from[DAY_TEXT_BYTES], to[DAY_TEXT_BYTES], begins[DAY_TEXT_BYTES];
    for (uint32_t i = 1; i < b->c->span_count; i++) {
        const struct unit_span *earlier = &b->c->spans[i - 1], *later = &b->c->spans[i];
        if (ident_equal(&earlier->code, &later->code) && later->from <= earlier->to)
            return err_set(b->err, ERR_INVALID,
                           "span %u: unit %s from %s overlaps span %u (%s to %s): end that one the "
                           "day before",
                           b->row_of_span[i] + 1, later->code.text, day_format(later->from, begins),
                           b->row_of_span[i - 1] + 1, day_format(earlier->from, from),
                           day_text(earlier->to, to));
    }
    return 0;
}

static bool begins_unit(const struct catalogue *c, uint32_t span)
{
    if (span == 0 || c->spans[span].begins ||
        !ident_equal(&c->spans[span - 1].code, &c->spans[span].code))
        return true;
    return c->spans[span - 1].to + 1 != c->spans[span].from; /* no overlap, so `to` has an end */
}

static void add_unit(struct catalogue *c, uint32_t span)
{
    uint32_t code = dict_find(c->codes, ident_slice(&c->spans[span].code));
    c->units[c->unit_count++] = (struct unit){
        .code = code, .from = c->spans[span].from, .span_first = span, .heir = CATALOGUE_NONE};
}

static void make_units(struct catalogue *c)
{
    c->units = alloc_zeroed(c->span_count + 1, sizeof *c->units);
    c->span_unit = alloc_zeroed(c->span_count + 1, sizeof *c->span_unit);
    for (uint32_t i = 0; i < c->span_count; i++) {
        if (begins_unit(c, i))
            add_unit(c, i);
        c->units[c->unit_count - 1].to = c->spans[i].to;
        c->units[c->unit_count - 1].span_count++;
        c->span_unit[i] = c->unit_count - 1;
    }
}

/* first[] holds, from index 1 on, how many belong to each; makes it where each list begins. */
static void sum_up(uint32_t *first, uint32_t lists)
{
    for (uint32_t i = 0; i < lists; i++)
        first[i + 1] += first[i];
}

static void index_units(struct catalogue *c)
{
    uint32_t codes = dict_count(c->codes);
    c->code_units = alloc_zeroed((size_t)codes + 1, sizeof *c->code_units);
    for (uint32_t i = 0; i < c->unit_count; i++)
        c->code_units[c->units[i].code + 1]++;
    sum_up(c->code_units, codes);
}

/* ---- parents ---- */

static uint32_t code_span_first(const struct catalogue *c, uint32_t code)
{
    return c->units[c->code_units[code]].span_first;
}

static uint32_t code_span_end(const struct catalogue *c, uint32_t code)
{
    const struct unit *last = &c->units[c->code_units[code + 1] - 1];
    return last->span_first + last->span_count;
}

/* The last span of the code that begins by that day; the code's first when none does. */
static uint32_t code_span_near(const struct catalogue *c, uint32_t code, day_t on)
{
    return catalogue_span_near(c, code_span_first(c, code), code_span_end(c, code), on);
}

static int refuse_parent_absent(const struct build *b, uint32_t row, day_t on)
{
    char text[DAY_TEXT_BYTES];
    const struct unit_span *s = &b->spec->spans[row];
    return err_set(b->err, ERR_INVALID,
                   "span %u: parent %s of unit %s is not in force on %s: give the parent a span of "
                   "that day, or unit %s another parent",
                   row + 1, s->parent.text, s->code.text, day_format(on, text), s->code.text);
}

static int refuse_parent_level(const struct build *b, uint32_t row, uint32_t parent_span)
{
    const struct unit_span *s = &b->spec->spans[row], *parent = &b->c->spans[parent_span];
    return err_set(b->err, ERR_INVALID,
                   "span %u: unit %s is of level %u and its parent %s of level %u (span %u): a "
                   "parent's level must be smaller",
                   row + 1, s->code.text, s->level, parent->code.text, parent->level,
                   b->row_of_span[parent_span] + 1);
}

/* The parent's code must be borne, at a smaller level, on every day of the span, though not
 * necessarily by one unit. As levels grow on the way down there can be no cycle. */
static int check_parent(const struct build *b, uint32_t row, uint32_t parent)
{
    const struct catalogue *c = b->c;
    const struct unit_span *s = &b->spec->spans[row];
    day_t on = s->from;
    uint32_t end = code_span_end(c, parent);
    for (uint32_t i = code_span_near(c, parent, on);; i++) {
        if (i == end || on < c->spans[i].from || c->spans[i].to < on)
            return refuse_parent_absent(b, row, on);
        if (c->spans[i].level >= s->level)
            return refuse_parent_level(b, row, i);
        if (c->spans[i].to >= s->to)
            return 0;
        on = c->spans[i].to + 1;
    }
}

static int find_parent(const struct build *b, uint32_t row, uint32_t *out)
{
    const struct catalogue *c = b->c;
    const struct unit_span *s = &b->spec->spans[row];
    *out = CATALOGUE_NONE;
    if (s->parent.text[0] == '\0')
        return 0;
    uint32_t parent = dict_find(c->codes, ident_slice(&s->parent));
    if (parent == DICT_NONE || c->code_units[parent] == c->code_units[parent + 1])
        return err_set(b->err, ERR_INVALID,
                       "span %u: parent %s of unit %s is no unit of this catalogue: add it, or "
                       "correct the code",
                       row + 1, s->parent.text, s->code.text);
    *out = parent;
    return check_parent(b, row, parent);
}

static int find_parents(const struct build *b)
{
    struct catalogue *c = b->c;
    c->span_parent = alloc_zeroed(c->span_count + 1, sizeof *c->span_parent);
    for (uint32_t row = 0; row < c->span_count; row++) {
        int rc = find_parent(b, row, &c->span_parent[b->span_of_row[row]]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void find_parent_ends(struct catalogue *c)
{
    c->span_parent_until = alloc_zeroed(c->span_count + 1, sizeof *c->span_parent_until);
    for (uint32_t i = c->span_count; i-- > 0;) {
        bool goes_on = i + 1 < c->span_count && c->span_unit[i + 1] == c->span_unit[i] &&
                       c->span_parent[i + 1] == c->span_parent[i];
        c->span_parent_until[i] = goes_on ? c->span_parent_until[i + 1] : c->spans[i].to;
    }
}

/* ---- days of change ---- */

struct step {
    day_t on;
    int by;
};

static int compare_steps(const void *a, const void *b)
{
    const struct step *x = a, *y = b;
    int order = compare_numbers(x->on, y->on);
    return order != 0 ? order : compare_numbers(x->by, y->by); /* ends before beginnings */
}

static uint32_t list_steps(const struct catalogue *c, struct step *steps)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < c->span_count; i++) {
        steps[count++] = (struct step){c->spans[i].from, 1};
        if (c->spans[i].to != DAY_NEVER)
            steps[count++] = (struct step){c->spans[i].to + 1, -1};
    }
    return count;
}

static int find_change_days(const struct build *b)
{
    struct catalogue *c = b->c;
    char text[DAY_TEXT_BYTES];
    struct step *steps = alloc_zeroed((size_t)c->span_count * 2 + 1, sizeof *steps);
    uint32_t count = list_steps(c, steps);
    qsort(steps, count, sizeof *steps, compare_steps);
    c->change_days = alloc_zeroed((size_t)count + 1, sizeof *c->change_days);
    int living = 0, rc = 0;
    for (uint32_t i = 0; i < count && rc == 0; i++) {
        if (i == 0 || steps[i].on != steps[i - 1].on)
            c->change_days[c->change_count++] = steps[i].on;
        living += steps[i].by;
        if (living > CATALOGUE_IN_FORCE_MAX)
            rc = err_set(b->err, ERR_LIMIT,
                         "more than %d units are in force on %s: cut the catalogue in two",
                         CATALOGUE_IN_FORCE_MAX, day_format(steps[i].on, text));
    }
    free(steps);
    return rc;
}

/* ---- children ---- */

struct child {
    uint32_t list; /* the parent's code, or the number of codes: a root */
    const char *code;
    day_t from;
    uint32_t span;
};

static int compare_children(const void *a, const void *b)
{
    const struct child *x = a, *y = b;
    int order = compare_numbers(x->list, y->list);
    if (order == 0)
        order = strcmp(x->code, y->code);
    return order != 0 ? order : compare_numbers(x->from, y->from);
}

static int compare_children_by_day(const void *a, const void *b)
{
    const struct child *x = a, *y = b;
    int order = compare_numbers(x->list, y->list);
    if (order == 0)
        order = compare_numbers(x->from, y->from);
    return order != 0 ? order : strcmp(x->code, y->code);
}

static struct child *list_children(const struct catalogue *c)
{
    struct child *children = alloc_zeroed(c->span_count + 1, sizeof *children);
    uint32_t roots = dict_count(c->codes);
    for (uint32_t i = 0; i < c->span_count; i++) {
        uint32_t parent = c->span_parent[i];
        children[i] = (struct child){parent == CATALOGUE_NONE ? roots : parent,
                                     c->spans[i].code.text, c->spans[i].from, i};
    }
    return children;
}

static void index_children(struct catalogue *c, struct child *children)
{
    uint32_t lists = dict_count(c->codes) + 1;
    qsort(children, c->span_count, sizeof *children, compare_children);
    c->children.items = alloc_zeroed(c->span_count + 1, sizeof *c->children.items);
    c->children.first = alloc_zeroed((size_t)lists + 1, sizeof *c->children.first);
    for (uint32_t i = 0; i < c->span_count; i++) {
        c->children.items[i] = children[i].span;
        c->children.first[children[i].list + 1]++;
    }
    sum_up(c->children.first, lists);
}

/* As levels grow on the way down, who has such a unit below it has one directly below it. */
static uint32_t keep_leaf_levels(const struct catalogue *c, struct child *children)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < c->span_count; i++)
        if (c->spans[children[i].span].level <= CATALOGUE_LEVEL_LEAF_MAX)
            children[kept++] = children[i];
    return kept;
}

/* Runs of days with somebody below, overlapping spans made one: what the leaf test searches. */
static void index_populated(struct catalogue *c, struct child *children, uint32_t child_count)
{
    uint32_t lists = dict_count(c->codes) + 1, count = 0;
    qsort(children, child_count, sizeof *children, compare_children_by_day);
    c->populated = alloc_zeroed((size_t)child_count + 1, sizeof *c->populated);
    c->populated_first = alloc_zeroed((size_t)lists + 1, sizeof *c->populated_first);
    for (uint32_t i = 0; i < child_count; i++) {
        struct day_run run = {children[i].from, c->spans[children[i].span].to};
        struct day_run *last = count > 0 ? &c->populated[count - 1] : NULL;
        bool same = i > 0 && children[i - 1].list == children[i].list;
        if (same && run.from <= last->to) {
            last->to = run.to > last->to ? run.to : last->to;
            continue;
        }
        c->populated[count++] = run;
        c->populated_first[children[i].list + 1]++;
    }
    sum_up(c->populated_first, lists);
}

static void make_children(struct catalogue *c)
{
    struct child *children = list_children(c);
    index_children(c, children);
    index_populated(c, children, keep_leaf_levels(c, children));
    free(children);
}

/* ---- successions ---- */

static int refuse_old_unit(const struct build *b, uint32_t row, day_t before)
{
    char text[DAY_TEXT_BYTES], code[SCAN_EXCERPT_BYTES];
    return err_set(b->err, ERR_INVALID,
                   "succession %u: no unit with code %s ends on %s, the day before: correct the "
                   "date, end its span there, or say that a unit begins after it",
                   row + 1, scan_excerpt(ident_slice(&b->spec->successions[row].old_code), code),
                   day_format(before, text));
}

static int resolve_succession(const struct build *b, uint32_t row, struct link *out)
{
    const struct catalogue *c = b->c;
    const struct succession *s = &b->spec->successions[row];
    char text[DAY_TEXT_BYTES], code[SCAN_EXCERPT_BYTES];
    if (!day_in_range(s->on))
        return err_set(b->err, ERR_INVALID,
                       "succession %u: it is on no day from 1900-01-01 to 2199-12-31: correct it",
                       row + 1);
    if (s->people != PEOPLE_ALL && s->people != PEOPLE_PART && s->people != PEOPLE_NONE)
        return err_set(b->err, ERR_INVALID,
                       "succession %u: say whether all, part or none of the people went over",
                       row + 1);
    uint32_t old_code = catalogue_code_find(c, ident_slice(&s->old_code));
    uint32_t new_code = catalogue_code_find(c, ident_slice(&s->new_code));
    uint32_t old_unit = catalogue_unit_on(c, old_code, s->on - 1);
    uint32_t new_unit = catalogue_unit_on(c, new_code, s->on);
    if (old_unit == CATALOGUE_NONE || c->units[old_unit].to != s->on - 1)
        return refuse_old_unit(b, row, s->on - 1);
    if (new_unit == CATALOGUE_NONE)
        return err_set(
            b->err, ERR_INVALID,
            "succession %u: no unit with code %s is in force on %s to take over from %s: "
            "correct the code or the date",
            row + 1, scan_excerpt(ident_slice(&s->new_code), code), day_format(s->on, text),
            s->old_code.text);
    *out = (struct link){old_unit, new_unit, s->people, row};
    return 0;
}

static int compare_links_by_old(const void *a, const void *b)
{
    const struct link *x = a, *y = b;
    int order = compare_numbers(x->old_unit, y->old_unit);
    if (order == 0)
        order = compare_numbers(x->new_unit, y->new_unit);
    return order != 0 ? order : compare_numbers(x->row, y->row);
}

static int compare_links_by_new(const void *a, const void *b)
{
    const struct link *x = a, *y = b;
    int order = compare_numbers(x->new_unit, y->new_unit);
    return order != 0 ? order : compare_numbers(x->old_unit, y->old_unit);
}

static int check_repeated(const struct build *b, const struct link *a, const struct link *again)
{
    if (a->old_unit != again->old_unit || a->new_unit != again->new_unit)
        return 0;
    return err_set(b->err, ERR_INVALID,
                   "succession %u: what went from %s to %s is said already in succession %u: keep "
                   "one of them",
                   again->row + 1, code_of_unit(b->c, again->old_unit),
                   code_of_unit(b->c, again->new_unit), a->row + 1);
}

/* Names the heir of one unit; `known` is the link that named one for the same unit before. */
static int name_heir(const struct build *b, const struct link *link, const struct link **known)
{
    struct unit *old = &b->c->units[link->old_unit];
    if (link->people != PEOPLE_ALL)
        return 0;
    if (old->heir != CATALOGUE_NONE) {
        uint32_t first = (*known)->row < link->row ? (*known)->row : link->row;
        uint32_t second = (*known)->row < link->row ? link->row : (*known)->row;
        return err_set(b->err, ERR_INVALID,
                       "succession %u: all people of %s went to another unit already in succession "
                       "%u: only one unit can take them all",
                       second + 1, code_of_unit(b->c, link->old_unit), first + 1);
    }
    old->heir = link->new_unit;
    *known = link;
    return 0;
}

static int name_heirs(const struct build *b)
{
    const struct link *known = NULL;
    for (uint32_t i = 0; i < b->spec->succession_count; i++) {
        int rc = i > 0 ? check_repeated(b, &b->links[i - 1], &b->links[i]) : 0;
        if (rc == 0)
            rc = name_heir(b, &b->links[i], &known);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void index_heirs(struct catalogue *c)
{
    c->heirs.items = alloc_zeroed(c->unit_count + 1, sizeof *c->heirs.items);
    c->heirs.first = alloc_zeroed((size_t)c->unit_count + 2, sizeof *c->heirs.first);
    /* Counted one place further on, so that filling moves each list's start to where it belongs. */
    for (uint32_t i = 0; i < c->unit_count; i++)
        if (c->units[i].heir != CATALOGUE_NONE)
            c->heirs.first[c->units[i].heir + 2]++;
    sum_up(c->heirs.first, c->unit_count + 1);
    for (uint32_t i = 0; i < c->unit_count; i++)
        if (c->units[i].heir != CATALOGUE_NONE)
            c->heirs.items[c->heirs.first[c->units[i].heir + 1]++] = i;
}

static void index_predecessors(struct build *b)
{
    struct catalogue_lists *lists = &b->predecessors;
    uint32_t count = 0;
    qsort(b->links, b->spec->succession_count, sizeof *b->links, compare_links_by_new);
    lists->items = alloc_zeroed((size_t)b->spec->succession_count + 1, sizeof *lists->items);
    lists->first = alloc_zeroed((size_t)b->c->unit_count + 1, sizeof *lists->first);
    for (uint32_t i = 0; i < b->spec->succession_count; i++) {
        if (b->links[i].people == PEOPLE_NONE)
            continue;
        lists->items[count++] = b->links[i].old_unit;
        lists->first[b->links[i].new_unit + 1]++;
    }
    sum_up(lists->first, b->c->unit_count);
}

/* ---- what a unit came from, however long ago ---- */

/* Units numbered by the day they ended. A predecessor always ended before its successor does. */
struct ended {
    day_t to;
    uint32_t unit;
};

static int compare_ended(const void *a, const void *b)
{
    const struct ended *x = a, *y = b;
    int order = compare_numbers(x->to, y->to);
    return order != 0 ? order : compare_numbers(x->unit, y->unit);
}

static int compare_units(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return compare_numbers(*x, *y);
}

/* While the lists are gathered, in the order of `ended`; they are put in order of unit afterwards.
 */
struct gathering {
    uint32_t *items;
    size_t count;
    size_t capacity;
    size_t *start;    /* of each unit's list */
    uint32_t *length; /* of each unit's list */
    uint32_t *mark;   /* unit + 1 for which this one was added last */
};

static void gather_one(struct gathering *g, uint32_t unit, uint32_t from)
{
    if (g->mark[from] == unit + 1)
        return;
    g->mark[from] = unit + 1;
    void *items = g->items;
    alloc_reserve(&items, &g->capacity, g->count + 1, sizeof *g->items);
    g->items = items;
    g->items[g->count++] = from;
}

static void gather_unit(struct gathering *g, const struct catalogue_lists *predecessors,
                        uint32_t unit)
{
    g->start[unit] = g->count;
    for (uint32_t i = predecessors->first[unit]; i < predecessors->first[unit + 1]; i++) {
        uint32_t from = predecessors->items[i];
        gather_one(g, unit, from);
        for (uint32_t k = 0; k < g->length[from]; k++)
            gather_one(g, unit, g->items[g->start[from] + k]);
    }
    g->length[unit] = (uint32_t)(g->count - g->start[unit]);
    if (g->length[unit] > 1)
        qsort(g->items + g->start[unit], g->length[unit], sizeof *g->items, compare_units);
}

static int gather_all(struct gathering *g, const struct build *b)
{
    const struct catalogue *c = b->c;
    struct ended *order = alloc_zeroed((size_t)c->unit_count + 1, sizeof *order);
    for (uint32_t i = 0; i < c->unit_count; i++)
        order[i] = (struct ended){c->units[i].to, i};
    qsort(order, c->unit_count, sizeof *order, compare_ended);
    int rc = 0;
    for (uint32_t i = 0; i < c->unit_count && rc == 0; i++) {
        gather_unit(g, &b->predecessors, order[i].unit);
        if (g->count > CATALOGUE_COVERED_MAX)
            rc = err_set(
                b->err, ERR_LIMIT,
                "the successions up to unit %s come to more than %d pairs of a unit and one "
                "it came from: leave out the oldest",
                code_of_unit(c, order[i].unit), CATALOGUE_COVERED_MAX);
    }
    free(order);
    return rc;
}

static void keep_gathered(const struct gathering *g, struct catalogue *c)
{
    uint32_t at = 0;
    c->covered.items = alloc_zeroed(g->count + 1, sizeof *c->covered.items);
    c->covered.first = alloc_zeroed((size_t)c->unit_count + 1, sizeof *c->covered.first);
    for (uint32_t i = 0; i < c->unit_count; i++) {
        for (uint32_t k = 0; k < g->length[i]; k++)
            c->covered.items[at++] = g->items[g->start[i] + k];
        c->covered.first[i + 1] = at;
    }
}

static int find_covered(const struct build *b)
{
    size_t units = (size_t)b->c->unit_count + 1;
    struct gathering g = {.start = alloc_zeroed(units, sizeof *g.start),
                          .length = alloc_zeroed(units, sizeof *g.length),
                          .mark = alloc_zeroed(units, sizeof *g.mark)};
    int rc = gather_all(&g, b);
    if (rc == 0)
        keep_gathered(&g, b->c);
    free(g.items);
    free(g.start);
    free(g.length);
    free(g.mark);
    return rc;
}

static int make_successions(struct build *b)
{
    uint32_t count = b->spec->succession_count;
    b->links = alloc_zeroed((size_t)count + 1, sizeof *b->links);
    for (uint32_t row = 0; row < count; row++) {
        int rc = resolve_succession(b, row, &b->links[row]);
        if (rc < 0)
            return rc;
    }
    qsort(b->links, count, sizeof *b->links, compare_links_by_old);
    int rc = name_heirs(b);
    if (rc < 0)
        return rc;
    index_heirs(b->c);
    index_predecessors(b);
    return find_covered(b);
}

static int build_all(struct build *b)
{
    order_spans(b);
    int rc = check_overlaps(b);
    if (rc < 0)
        return rc;
    make_units(b->c);
    index_units(b->c);
    rc = find_parents(b);
    if (rc < 0)
        return rc;
    find_parent_ends(b->c);
    rc = find_change_days(b);
    if (rc < 0)
        return rc;
    make_children(b->c);
    return make_successions(b);
}

int catalogue_build(const struct catalogue_spec *spec, const struct catalogue *before,
                    struct catalogue **out, struct err *err)
{
    int rc = check_spec(spec, err);
    if (rc < 0)
        return rc;
    struct build b = {.spec = spec, .c = alloc_zeroed(1, sizeof *b.c), .err = err};
    arena_init(&b.c->text, 0);
    b.c->codes = before ? dict_copy(before->codes) : dict_create();
    rc = build_all(&b);
    free(b.row_of_span);
    free(b.span_of_row);
    free(b.links);
    free(b.predecessors.items);
    free(b.predecessors.first);
    if (rc < 0)
        catalogue_destroy(b.c);
    else
        *out = b.c;
    return rc;
}
