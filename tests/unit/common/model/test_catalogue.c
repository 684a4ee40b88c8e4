#include "common/model/catalogue.h"
#include "tests/support/history.h"
#include "tests/support/suite.h"

#include <inttypes.h>
#include <stdio.h>

/* A few years of a made-up Hải Phòng: province 31 with districts 311 and 312, island district 318.
 */
enum {
    D2020 = 18262,    /* 2020-01-01 */
    D2024 = 19723,    /* 2024-01-01 */
    D2025 = 20089,    /* 2025-01-01 */
    D2025_07 = 20270, /* 2025-07-01 */
};

static struct unit_span span(const char *code, day_t from, day_t to, uint8_t level,
                             const char *parent, bool begins)
{
    return (struct unit_span){.code = history_ident(code),
                              .from = from,
                              .to = to,
                              .name = "Phường",
                              .type = "Phường",
                              .level = level,
                              .parent = history_ident(parent),
                              .begins = begins};
}

static struct succession went(day_t on, const char *from, const char *to,
                              enum succession_people people)
{
    return (struct succession){on, history_ident(from), history_ident(to), people};
}

#define BUILD(spans, successions)                                                                  \
    build(spans, sizeof(spans) / sizeof *(spans), successions,                                     \
          sizeof(successions) / sizeof *(successions))

static struct catalogue *build(struct unit_span *spans, size_t span_count,
                               struct succession *successions, size_t succession_count)
{
    struct catalogue_spec spec = {spans, (uint32_t)span_count, successions,
                                  (uint32_t)succession_count};
    struct catalogue *c = NULL;
    struct err err = {0};
    int rc = catalogue_build(&spec, NULL, &c, &err);
    ck_assert_msg(rc == 0, "%s", err.text);
    return c;
}

static struct catalogue *build_spans(struct unit_span *spans, size_t count)
{
    return build(spans, count, NULL, 0);
}

static uint32_t on(const struct catalogue *c, const char *code, day_t day)
{
    return catalogue_unit_on(c, catalogue_code_find(c, slice_str(code)), day);
}

static uint32_t near(const struct catalogue *c, const char *code, day_t day)
{
    return catalogue_unit_near(c, catalogue_code_find(c, slice_str(code)), day);
}

START_TEST(move_keeps_the_unit_and_changes_its_ancestors)
{
    struct unit_span spans[] = {
        span("31", D2020, DAY_NEVER, 1, "", false),
        span("311", D2020, DAY_NEVER, 2, "31", false),
        span("312", D2020, DAY_NEVER, 2, "31", false),
        span("11587", D2020, D2025 - 1, 3, "312", false),
        span("11587", D2025, DAY_NEVER, 3, "311", false),
    };
    struct catalogue *c = build_spans(spans, 5);
    uint32_t unit = on(c, "11587", D2024);
    ck_assert_uint_eq(unit, on(c, "11587", D2025));
    ck_assert_uint_eq(catalogue_parent_on(c, unit, D2025 - 1), on(c, "312", D2024));
    ck_assert_uint_eq(catalogue_parent_on(c, unit, D2025), on(c, "311", D2024));
    ck_assert_int_eq(catalogue_next_change(c, unit, D2024), D2025);
    ck_assert_int_eq(catalogue_next_change(c, unit, D2025), DAY_NEVER);
    ck_assert(catalogue_is_leaf_on(c, on(c, "311", D2024), D2025 - 1));
    ck_assert(!catalogue_is_leaf_on(c, on(c, "311", D2024), D2025));
    ck_assert(!catalogue_in_scope(c, unit, D2025, on(c, "312", D2025)));
    ck_assert(catalogue_in_scope(c, unit, D2025 - 1, on(c, "312", D2025)));
    catalogue_destroy(c);
}
END_TEST

START_TEST(a_unit_that_was_taken_back_has_no_name_any_more)
{
    struct unit_span before[] = {
        span("31", D2020, DAY_NEVER, 1, "", false),
        span("311", D2024, D2025, 2, "31", false),
    };
    struct catalogue *first = build_spans(before, 2), *second = NULL;
    struct catalogue_spec spec = {before, 1, NULL, 0};
    ck_assert_int_eq(catalogue_build(&spec, first, &second, NULL), 0);
    ck_assert_str_eq(catalogue_name_near(first, slice_str("311"), D2020), before[1].name);
    ck_assert_str_eq(catalogue_name_near(first, slice_str("311"), D2025 + 1), before[1].name);
    ck_assert_ptr_null(catalogue_name_near(second, slice_str("311"), D2024));
    ck_assert_ptr_null(catalogue_name_near(second, slice_str("999"), D2024));
    catalogue_destroy(second);
    catalogue_destroy(first);
}
END_TEST

START_TEST(villages_and_organisations_neither_silence_a_commune_nor_are_leaves_beside_it)
{
    struct unit_span spans[] = {
        span("31", D2020, DAY_NEVER, 1, "", false),
        span("311", D2020, DAY_NEVER, 2, "31", false),
        span("318", D2020, DAY_NEVER, 2, "31", false),
        span("11587", D2020, DAY_NEVER, 3, "311", false),
        span("thon1", D2020, DAY_NEVER, 4, "11587", false),
        span("truong1", D2020, DAY_NEVER, 6, "11587", false),
        span("so-gd", D2020, DAY_NEVER, 5, "31", false),
        span("hoi-318", D2020, DAY_NEVER, 5, "318", false),
    };
    static const struct {
        const char *code;
        bool leaf;
        const char *reason;
    } rows[] = {
        {"31", false, "districts are below it"},
        {"311", false, "a commune is below it"},
        {"318", true, "an island with an office below it, but no commune"},
        {"11587", true, "a commune with a village and a school below it"},
        {"thon1", false, "a village, whose commune reports"},
        {"truong1", false, "a school, whose commune reports"},
        {"so-gd", false, "an agency, which no rule of levels named"},
    };
    struct catalogue *c = build_spans(spans, sizeof spans / sizeof *spans);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(catalogue_is_leaf_on(c, on(c, rows[i].code, D2024), D2024) == rows[i].leaf,
                      "%s: %s", rows[i].code, rows[i].reason);
    catalogue_destroy(c);
}
END_TEST

START_TEST(ancestors_are_listed_from_the_unit_to_the_root)
{
    struct unit_span spans[] = {span("31", D2020, DAY_NEVER, 1, "", false),
                                span("311", D2020, DAY_NEVER, 2, "31", false),
                                span("11587", D2024, D2025 - 1, 3, "311", false)};
    struct catalogue *c = build_spans(spans, 3);
    uint32_t up[CATALOGUE_DEPTH_MAX], unit = on(c, "11587", D2024);
    ck_assert_uint_eq(catalogue_ancestor_codes_on(c, unit, D2024, up), 3);
    ck_assert_str_eq(catalogue_code_text(c, up[0]), "11587");
    ck_assert_str_eq(catalogue_code_text(c, up[1]), "311");
    ck_assert_str_eq(catalogue_code_text(c, up[2]), "31");
    ck_assert_uint_eq(catalogue_ancestors_on(c, unit, D2024 - 1, up), 0);
    ck_assert_uint_eq(catalogue_ancestors_on(c, unit, D2025, up), 0);
    ck_assert_ptr_null(catalogue_span_on(c, unit, D2025));
    ck_assert_int_eq(catalogue_next_change(c, unit, D2024), DAY_NEVER); /* its own end is none */
    catalogue_destroy(c);
}
END_TEST

START_TEST(merge_of_n_to_one_gives_the_stock_to_the_heir)
{
    struct unit_span spans[] = {
        span("312", D2020, DAY_NEVER, 2, "", false), span("1", D2020, D2025 - 1, 3, "312", false),
        span("2", D2020, D2025 - 1, 3, "312", false), span("3", D2020, D2025 - 1, 3, "312", false),
        span("9", D2025, DAY_NEVER, 3, "312", false)};
    struct succession successions[] = {went(D2025, "1", "9", PEOPLE_ALL),
                                       went(D2025, "2", "9", PEOPLE_PART),
                                       went(D2025, "3", "9", PEOPLE_NONE)};
    struct catalogue *c = BUILD(spans, successions);
    uint32_t heir = on(c, "9", D2025), one = on(c, "1", D2024), two = on(c, "2", D2024);
    const uint32_t *list;
    ck_assert_uint_eq(catalogue_unit(c, one)->heir, heir);
    ck_assert_uint_eq(catalogue_unit(c, two)->heir, CATALOGUE_NONE);
    ck_assert_uint_eq(catalogue_heirs_of(c, heir, &list), 1);
    ck_assert_uint_eq(list[0], one);
    ck_assert(catalogue_in_scope(c, one, D2024, heir));
    ck_assert(catalogue_in_scope(c, two, D2024, heir));
    ck_assert_msg(!catalogue_in_scope(c, on(c, "3", D2024), D2024, heir), "land only is no scope");
    ck_assert(!catalogue_in_scope(c, heir, D2025, one));
    catalogue_destroy(c);
}
END_TEST

START_TEST(code_that_succeeds_itself_begins_a_new_unit)
{
    struct unit_span spans[] = {span("11341", D2020, D2025 - 1, 3, "", false),
                                span("11347", D2020, D2025 - 1, 3, "", false),
                                span("11341", D2025, DAY_NEVER, 3, "", true)};
    struct succession successions[] = {went(D2025, "11341", "11341", PEOPLE_ALL),
                                       went(D2025, "11347", "11341", PEOPLE_ALL)};
    struct catalogue *c = BUILD(spans, successions);
    uint32_t old_self = on(c, "11341", D2024), new_self = on(c, "11341", D2025);
    const uint32_t *list;
    ck_assert_uint_ne(old_self, new_self);
    ck_assert_uint_eq(catalogue_unit(c, old_self)->heir, new_self);
    ck_assert_int_eq(catalogue_unit(c, old_self)->to, D2025 - 1);
    ck_assert_uint_eq(catalogue_heirs_of(c, new_self, &list), 2);
    ck_assert(catalogue_in_scope(c, on(c, "11347", D2024), D2024, new_self));
    ck_assert(!catalogue_in_scope(c, on(c, "11347", D2024), D2024, old_self));
    catalogue_destroy(c);
}
END_TEST

START_TEST(unit_that_goes_on_takes_over_the_one_it_absorbs)
{
    struct unit_span spans[] = {span("1", D2020, D2025 - 1, 3, "", false),
                                span("2", D2020, DAY_NEVER, 3, "", false)};
    struct succession successions[] = {went(D2025, "1", "2", PEOPLE_ALL)};
    struct catalogue *c = BUILD(spans, successions);
    ck_assert_uint_eq(catalogue_unit(c, on(c, "1", D2024))->heir, on(c, "2", D2024));
    ck_assert(catalogue_in_scope(c, on(c, "1", D2024), D2024, on(c, "2", D2025)));
    catalogue_destroy(c);
}
END_TEST

START_TEST(rename_retype_and_change_of_level_keep_the_unit)
{
    struct unit_span spans[] = {span("311", D2020, D2025 - 1, 2, "", false),
                                span("311", D2025, DAY_NEVER, 3, "", false)};
    spans[1].name = "Thành phố Thủy Nguyên";
    struct catalogue *c = build_spans(spans, 2);
    ck_assert_uint_eq(catalogue_unit_count(c), 1);
    ck_assert_str_eq(catalogue_span_on(c, 0, D2025 - 1)->name, "Phường");
    ck_assert_str_eq(catalogue_span_on(c, 0, D2025)->name, "Thành phố Thủy Nguyên");
    ck_assert_uint_eq(catalogue_span_on(c, 0, D2025)->level, 3);
    ck_assert_int_eq(catalogue_next_change(c, 0, D2024), DAY_NEVER);
    catalogue_destroy(c);
}
END_TEST

START_TEST(gap_begins_a_new_unit_and_near_takes_the_one_before)
{
    struct unit_span spans[] = {span("1", D2020, D2024 - 1, 3, "", false),
                                span("1", D2025, DAY_NEVER, 3, "", false)};
    struct catalogue *c = build_spans(spans, 2);
    ck_assert_uint_eq(catalogue_unit_count(c), 2);
    ck_assert_uint_eq(on(c, "1", D2024), CATALOGUE_NONE);
    ck_assert_uint_eq(near(c, "1", D2024), on(c, "1", D2020));
    ck_assert_uint_eq(near(c, "1", D2020 - 1), on(c, "1", D2020));
    ck_assert_uint_eq(near(c, "1", DAY_NEVER), on(c, "1", D2025));
    ck_assert_uint_eq(near(c, "2", D2024), CATALOGUE_NONE);
    catalogue_destroy(c);
}
END_TEST

START_TEST(parent_that_begins_anew_changes_the_ancestors_of_an_uncut_span)
{
    struct unit_span spans[] = {span("31", D2020, D2025_07 - 1, 1, "", false),
                                span("31", D2025_07, DAY_NEVER, 1, "", true),
                                span("1", D2020, DAY_NEVER, 3, "31", false)};
    struct catalogue *c = build_spans(spans, 3);
    uint32_t unit = on(c, "1", D2024);
    ck_assert_uint_eq(catalogue_parent_on(c, unit, D2025), on(c, "31", D2024));
    ck_assert_uint_eq(catalogue_parent_on(c, unit, D2025_07), on(c, "31", D2025_07));
    ck_assert_int_eq(catalogue_next_change(c, unit, D2024), D2025_07);
    catalogue_destroy(c);
}
END_TEST

START_TEST(scope_reaches_through_two_mergers_and_the_districts_that_went)
{
    /* commune 9 of July 2025 came from 8, which came from 1 and 2 of two districts */
    struct unit_span spans[] = {
        span("31", D2020, DAY_NEVER, 1, "", false),
        span("311", D2020, D2025_07 - 1, 2, "31", false),
        span("312", D2020, D2025_07 - 1, 2, "31", false),
        span("1", D2020, D2025 - 1, 3, "311", false),
        span("2", D2020, D2025 - 1, 3, "312", false),
        span("1v", D2020, D2025 - 1, 4, "1", false),
        span("8", D2025, D2025_07 - 1, 3, "311", false),
        span("9", D2025_07, DAY_NEVER, 3, "31", false),
        span("5", D2020, DAY_NEVER, 3, "31", false),
    };
    struct succession successions[] = {went(D2025, "1", "8", PEOPLE_ALL),
                                       went(D2025, "2", "8", PEOPLE_PART),
                                       went(D2025_07, "8", "9", PEOPLE_ALL)};
    struct catalogue *c = BUILD(spans, successions);
    uint32_t scope = on(c, "9", D2025_07);
    struct {
        const char *code;
        day_t day;
        bool in;
        const char *reason;
    } rows[] = {
        {"9", D2025_07, true, "itself"},
        {"8", D2025, true, "what it came from"},
        {"1", D2024, true, "what that came from"},
        {"2", D2024, true, "part of its people came too"},
        {"1v", D2024, true, "in the subtree of what it came from"},
        {"1", D2025, false, "not in force then"},
        {"5", D2024, false, "a neighbour"},
        {"312", D2024, false, "above what it came from"},
        {"31", D2025_07, false, "above it"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(catalogue_in_scope(c, near(c, rows[i].code, rows[i].day), rows[i].day,
                                         scope) == rows[i].in,
                      "%s: %s", rows[i].code, rows[i].reason);
    catalogue_destroy(c);
}
END_TEST

struct line {
    char text[256];
    const struct catalogue *c;
};

static void note(void *arg, uint32_t unit, unsigned depth)
{
    struct line *l = arg;
    size_t len = strlen(l->text);
    snprintf(l->text + len, sizeof l->text - len, "%u:%s ", depth,
             catalogue_code_text(l->c, catalogue_unit(l->c, unit)->code));
}

static const char *visit(const struct catalogue *c, uint32_t root, day_t day, struct line *out)
{
    *out = (struct line){.c = c};
    catalogue_visit_on(c, root, day, note, out);
    return out->text;
}

START_TEST(visit_goes_parents_first_and_siblings_by_code)
{
    struct unit_span spans[] = {
        span("9", D2020, DAY_NEVER, 3, "31", false),   span("10", D2020, DAY_NEVER, 3, "31", false),
        span("31", D2020, DAY_NEVER, 1, "", false),    span("30", D2020, DAY_NEVER, 1, "", false),
        span("101", D2020, D2025 - 1, 4, "10", false), span("7", D2025, DAY_NEVER, 3, "31", false)};
    struct catalogue *c = build_spans(spans, 6);
    struct line l;
    ck_assert_str_eq(visit(c, CATALOGUE_NONE, D2024, &l), "0:30 0:31 1:10 2:101 1:9 ");
    ck_assert_str_eq(visit(c, CATALOGUE_NONE, D2025, &l), "0:30 0:31 1:10 1:7 1:9 ");
    ck_assert_str_eq(visit(c, on(c, "10", D2024), D2024, &l), "0:10 1:101 ");
    ck_assert_str_eq(visit(c, on(c, "7", D2025), D2024, &l), "");
    ck_assert_str_eq(visit(c, CATALOGUE_NONE, D2020 - 1, &l), "");
    catalogue_destroy(c);
}
END_TEST

START_TEST(codes_keep_their_ordinals_in_the_next_catalogue)
{
    struct unit_span first[] = {span("b", D2020, DAY_NEVER, 1, "", false),
                                span("a", D2020, DAY_NEVER, 1, "", false)};
    struct unit_span second[] = {span("c", D2020, DAY_NEVER, 1, "", false),
                                 span("a", D2020, DAY_NEVER, 1, "", false)};
    struct catalogue *c = build_spans(first, 2), *next = NULL;
    struct catalogue_spec spec = {second, 2, NULL, 0};
    ck_assert_int_eq(catalogue_build(&spec, c, &next, NULL), 0);
    ck_assert_uint_eq(catalogue_code_find(c, slice_str("b")), 0);
    ck_assert_uint_eq(catalogue_code_find(next, slice_str("b")), 0);
    ck_assert_uint_eq(catalogue_code_find(next, slice_str("a")), 1);
    ck_assert_uint_eq(catalogue_code_find(next, slice_str("c")), 2);
    ck_assert_uint_eq(near(next, "b", D2024), CATALOGUE_NONE);
    ck_assert_uint_eq(on(next, "b", D2024), CATALOGUE_NONE);
    ck_assert_uint_eq(catalogue_code_count(c), 2);
    catalogue_destroy(c);
    catalogue_destroy(next);
}
END_TEST

START_TEST(empty_catalogue_answers_nothing)
{
    struct catalogue *c = build_spans(NULL, 0);
    const day_t *days;
    struct line l;
    ck_assert_uint_eq(catalogue_unit_count(c), 0);
    ck_assert_uint_eq(catalogue_change_days(c, &days), 0);
    ck_assert_uint_eq(on(c, "31", D2024), CATALOGUE_NONE);
    ck_assert(!catalogue_in_scope(c, CATALOGUE_NONE, D2024, CATALOGUE_NONE));
    ck_assert_str_eq(visit(c, CATALOGUE_NONE, D2024, &l), "");
    catalogue_destroy(c);
    catalogue_destroy(NULL);
}
END_TEST

/* ---- what is refused, and in which words ---- */

struct refused {
    const char *sentence;
    struct unit_span spans[4];
    struct succession successions[3];
};

static struct unit_span nameless(void)
{
    struct unit_span s = span("1", D2020, DAY_NEVER, 3, "", false);
    s.name = "";
    return s;
}

static struct unit_span miscoded(void)
{
    struct unit_span s = span("1", D2020, DAY_NEVER, 3, "", false);
    memcpy(s.code.text, "Lạc Viên", sizeof "Lạc Viên");
    return s;
}

static struct unit_span misparented(void)
{
    struct unit_span s = span("1", D2020, DAY_NEVER, 3, "", false);
    memcpy(s.parent.text, "a b", sizeof "a b");
    return s;
}

static uint32_t count_spans(const struct refused *r)
{
    uint32_t count = 0;
    while (count < 4 && r->spans[count].name)
        count++;
    return count;
}

static uint32_t count_successions(const struct refused *r)
{
    uint32_t count = 0;
    while (count < 3 && r->successions[count].old_code.text[0] != '\0')
        count++;
    return count;
}

static void check_refused(struct refused *r)
{
    struct catalogue_spec spec = {r->spans, count_spans(r), r->successions, count_successions(r)};
    struct catalogue *c = NULL;
    struct err err = {0};
    int rc = catalogue_build(&spec, NULL, &c, &err);
    ck_assert_msg(rc == ERR_INVALID && err.code == rc, "%d for: %s", rc, r->sentence);
    ck_assert_ptr_null(c);
    ck_assert_str_eq(err.text, r->sentence);
}

START_TEST(faulty_spans_are_refused_by_row)
{
    struct unit_span root = span("31", D2020, DAY_NEVER, 1, "", false);
    struct refused rows[] = {
        {"span 2: the code is not 1 to 32 of the characters 0-9 A-Z a-z . _ -",
         {root, miscoded()},
         {{0}}},
        {"span 1: the parent's code of unit 1 is not 1 to 32 of the characters 0-9 A-Z a-z . _ -",
         {misparented()},
         {{0}}},
        {"span 1: unit 1 has no name", {nameless()}, {{0}}},
        {"span 1: unit 1 is of level 8: levels go from 0 to 7, so that no tree is deeper than 8",
         {span("1", D2020, DAY_NEVER, 8, "", false)},
         {{0}}},
        {"span 1: unit 1 begins on no day from 1900-01-01 to 2199-12-31: correct it",
         {span("1", DAY_FIRST - 1, DAY_NEVER, 3, "", false)},
         {{0}}},
        {"span 1: unit 1 begins on no day from 1900-01-01 to 2199-12-31: correct it",
         {span("1", DAY_NEVER, DAY_NEVER, 3, "", false)},
         {{0}}},
        {"span 1: unit 1 ends on no day from 1900-01-01 to 2199-12-31: correct it, or leave the "
         "end "
         "open",
         {span("1", D2020, DAY_LAST + 1, 3, "", false)},
         {{0}}},
        {"span 1: unit 1 ends on 2023-12-31, before it begins on 2024-01-01",
         {span("1", D2024, D2024 - 1, 3, "", false)},
         {{0}}},
        {"span 1: unit 1 from 2025-01-01 overlaps span 3 (2020-01-01 to 2025-01-01): end that one "
         "the "
         "day before",
         {span("1", D2025, DAY_NEVER, 3, "", false), root, span("1", D2020, D2025, 3, "", false)},
         {{0}}},
        {"span 2: unit 1 from 2025-01-01 overlaps span 1 (2020-01-01 to still): end that one the "
         "day "
         "before",
         {span("1", D2020, DAY_NEVER, 3, "", false), span("1", D2025, DAY_NEVER, 3, "", false)},
         {{0}}},
        {"span 1: parent 99 of unit 1 is no unit of this catalogue: add it, or correct the code",
         {span("1", D2020, DAY_NEVER, 3, "99", false)},
         {{0}}},
        {"span 1: parent 312 of unit 1 is not in force on 2020-01-01: give the parent a span of "
         "that "
         "day, or unit 1 another parent",
         {span("1", D2020, DAY_NEVER, 3, "312", false),
          span("312", D2024, DAY_NEVER, 2, "", false)},
         {{0}}},
        {"span 1: parent 312 of unit 1 is not in force on 2025-01-01: give the parent a span of "
         "that "
         "day, or unit 1 another parent",
         {span("1", D2020, DAY_NEVER, 3, "312", false),
          span("312", D2020, D2025 - 1, 2, "", false)},
         {{0}}},
        {"span 1: parent 312 of unit 1 is not in force on 2024-01-01: give the parent a span of "
         "that "
         "day, or unit 1 another parent",
         {span("1", D2020, DAY_NEVER, 3, "312", false), span("312", D2020, D2024 - 1, 2, "", false),
          span("312", D2025, DAY_NEVER, 2, "", false)},
         {{0}}},
        {"span 1: unit 1 is of level 3 and its parent 2 of level 3 (span 3): a parent's level must "
         "be "
         "smaller",
         {span("1", D2020, DAY_NEVER, 3, "2", false), span("2", D2020, D2024 - 1, 2, "", false),
          span("2", D2024, DAY_NEVER, 3, "", false)},
         {{0}}},
        {"span 1: unit 1 is of level 3 and its parent 1 of level 3 (span 1): a parent's level must "
         "be "
         "smaller",
         {span("1", D2020, DAY_NEVER, 3, "1", false)},
         {{0}}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_refused(&rows[i]);
}
END_TEST

START_TEST(faulty_successions_are_refused_by_row)
{
    struct unit_span one = span("1", D2020, D2025 - 1, 3, "", false);
    struct unit_span two = span("2", D2020, DAY_NEVER, 3, "", false);
    struct unit_span late = span("3", D2025_07, DAY_NEVER, 3, "", false);
    struct unit_span four = span("4", D2020, DAY_NEVER, 3, "", false);
    struct succession good = went(D2025, "1", "2", PEOPLE_ALL);
    struct refused rows[] = {
        {"succession 2: no unit with code 2 ends on 2024-12-31, the day before: correct the date, "
         "end "
         "its span there, or say that a unit begins after it",
         {one, two},
         {good, went(D2025, "2", "2", PEOPLE_ALL)}},
        {"succession 1: no unit with code 99 ends on 2024-12-31, the day before: correct the date, "
         "end its span there, or say that a unit begins after it",
         {one, two},
         {went(D2025, "99", "2", PEOPLE_NONE)}},
        {"succession 1: no unit with code 1 ends on 2025-06-30, the day before: correct the date, "
         "end "
         "its span there, or say that a unit begins after it",
         {one, two},
         {went(D2025_07, "1", "2", PEOPLE_ALL)}},
        {"succession 1: no unit with code 3 is in force on 2025-01-01 to take over from 1: correct "
         "the code or the date",
         {one, late},
         {went(D2025, "1", "3", PEOPLE_ALL)}},
        {"succession 1: no unit with code 98 is in force on 2025-01-01 to take over from 1: "
         "correct "
         "the code or the date",
         {one, two},
         {went(D2025, "1", "98", PEOPLE_PART)}},
        {"succession 2: all people of 1 went to another unit already in succession 1: only one "
         "unit "
         "can take them all",
         {one, four, two},
         {went(D2025, "1", "4", PEOPLE_ALL), good}},
        {"succession 2: what went from 1 to 2 is said already in succession 1: keep one of them",
         {one, two},
         {went(D2025, "1", "2", PEOPLE_PART), good}},
        {"succession 1: it is on no day from 1900-01-01 to 2199-12-31: correct it",
         {one, two},
         {went(DAY_NEVER, "1", "2", PEOPLE_ALL)}},
        {"succession 1: say whether all, part or none of the people went over",
         {one, two},
         {went(D2025, "1", "2", (enum succession_people)7)}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_refused(&rows[i]);
}
END_TEST

static struct unit_span *many_spans(uint32_t count, struct unit_span **memory)
{
    struct unit_span *spans = *memory = calloc(count, sizeof *spans);
    for (uint32_t i = 0; i < count; i++) {
        char code[16];
        snprintf(code, sizeof code, "%06u", i);
        spans[i] = span(code, D2020, DAY_NEVER, 3, "", false);
    }
    return spans;
}

static void check_limit(const struct catalogue_spec *spec, const char *sentence)
{
    struct catalogue *c = NULL;
    struct err err = {0};
    ck_assert_int_eq(catalogue_build(spec, NULL, &c, &err), ERR_LIMIT);
    ck_assert_str_eq(err.text, sentence);
}

START_TEST(catalogue_above_its_limits_is_refused)
{
    struct unit_span *memory;
    uint32_t most = CATALOGUE_IN_FORCE_MAX;
    struct catalogue_spec spec = {many_spans(most + 1, &memory), most + 1, NULL, 0};
    check_limit(&spec,
                "more than 32768 units are in force on 2020-01-01: cut the catalogue in two");
    spec.span_count = most;
    struct catalogue *c = build_spans(spec.spans, most);
    ck_assert_uint_eq(catalogue_unit_count(c), most);
    catalogue_destroy(c);
    spec.span_count = CATALOGUE_SPANS_MAX + 1;
    check_limit(&spec, "65537 spans: a catalogue holds at most 65536");
    spec.span_count = 0;
    spec.succession_count = CATALOGUE_SUCCESSIONS_MAX + 1;
    check_limit(&spec, "65537 successions: a catalogue holds at most 65536");
    free(memory);
}
END_TEST

START_TEST(endless_chain_of_successions_is_refused_not_followed)
{
    enum { LINKS = 3000 };
    struct unit_span *spans = calloc(LINKS, sizeof *spans);
    struct succession *successions = calloc(LINKS, sizeof *successions);
    for (int i = 0; i < LINKS; i++)
        spans[i] = span("1", D2020 + i, i + 1 < LINKS ? D2020 + i : DAY_NEVER, 3, "", true);
    for (int i = 0; i + 1 < LINKS; i++)
        successions[i] = went(D2020 + i + 1, "1", "1", PEOPLE_ALL);
    struct catalogue_spec spec = {spans, LINKS, successions, LINKS - 1};
    check_limit(&spec,
                "the successions up to unit 1 come to more than 4194304 pairs of a unit and one "
                "it came from: leave out the oldest");
    free(spans);
    free(successions);
}
END_TEST

/* ---- model check: random histories against a reading day by day ---- */

enum { HISTORIES = 100, NOBODY = -1 };

struct naive {
    struct history h;
    struct catalogue *c;
    uint64_t seed;
};

static const struct history_cell *cell(const struct naive *n, int code, int day)
{
    return &n->h.cells[code][day];
}

static bool borne_by(const struct naive *n, int code, unsigned unit, int day)
{
    return cell(n, code, day)->alive && cell(n, code, day)->unit == unit;
}

static int first_day(const struct naive *n, int code, unsigned unit)
{
    int day = 0;
    while (!borne_by(n, code, unit, day))
        day++;
    return day;
}

static int last_day(const struct naive *n, int code, unsigned unit)
{
    int day = HISTORY_DAYS - 1;
    while (!borne_by(n, code, unit, day))
        day--;
    return day;
}

static uint32_t real_code(const struct naive *n, int code)
{
    return catalogue_code_find(n->c, slice_str(history_code(code)));
}

static uint32_t real_on(const struct naive *n, int code, int day)
{
    return catalogue_unit_on(n->c, real_code(n, code), HISTORY_FIRST + day);
}

static uint32_t real_unit(const struct naive *n, int code, unsigned unit)
{
    return real_on(n, code, first_day(n, code, unit));
}

static void check_unit(const struct naive *n, int code, int day)
{
    uint32_t unit = real_on(n, code, day);
    if (!cell(n, code, day)->alive) {
        ck_assert_msg(unit == CATALOGUE_NONE, "seed %" PRIu64 " %s", n->seed, history_code(code));
        return;
    }
    const struct unit *u = catalogue_unit(n->c, unit);
    unsigned number = cell(n, code, day)->unit;
    int last = last_day(n, code, number);
    ck_assert_int_eq(u->from, HISTORY_FIRST + first_day(n, code, number));
    ck_assert_int_eq(u->to, last + 1 == HISTORY_DAYS ? DAY_NEVER : HISTORY_FIRST + last);
    ck_assert_uint_eq(catalogue_span_on(n->c, unit, HISTORY_FIRST + day)->level,
                      cell(n, code, day)->level);
}

static void check_near(const struct naive *n, int code, int day)
{
    int found = day;
    while (found >= 0 && !cell(n, code, found)->alive)
        found--;
    if (found < 0)
        for (found = 0; found < HISTORY_DAYS && !cell(n, code, found)->alive;)
            found++;
    uint32_t want = found == HISTORY_DAYS ? CATALOGUE_NONE : real_on(n, code, found);
    ck_assert_msg(catalogue_unit_near(n->c, real_code(n, code), HISTORY_FIRST + day) == want,
                  "seed %" PRIu64 " near %s day %d", n->seed, history_code(code), day);
}

/* The way up, as pairs of code and unit, so that two days can be compared. */
static unsigned way_up(const struct naive *n, int code, int day, int out[2 * CATALOGUE_DEPTH_MAX])
{
    unsigned count = 0;
    for (int at = code; at != NOBODY; at = cell(n, at, day)->parent) {
        out[count++] = at;
        out[count++] = (int)cell(n, at, day)->unit;
    }
    return count;
}

static void check_ancestors(const struct naive *n, int code, int day)
{
    int way[2 * CATALOGUE_DEPTH_MAX];
    uint32_t up[CATALOGUE_DEPTH_MAX];
    unsigned count = way_up(n, code, day, way) / 2;
    ck_assert_uint_eq(catalogue_ancestors_on(n->c, real_on(n, code, day), HISTORY_FIRST + day, up),
                      count);
    for (unsigned i = 0; i < count; i++)
        ck_assert_msg(up[i] == real_unit(n, way[2 * i], (unsigned)way[2 * i + 1]),
                      "seed %" PRIu64 " ancestor %u of %s day %d", n->seed, i, history_code(code),
                      day);
}

static void check_next_change(const struct naive *n, int code, int day)
{
    int now[2 * CATALOGUE_DEPTH_MAX], then[2 * CATALOGUE_DEPTH_MAX];
    unsigned count = way_up(n, code, day, now);
    day_t want = DAY_NEVER;
    for (int d = day + 1; d < HISTORY_DAYS && borne_by(n, code, (unsigned)now[1], d); d++) {
        if (way_up(n, code, d, then) == count && memcmp(now, then, count * sizeof *now) == 0)
            continue;
        want = HISTORY_FIRST + d;
        break;
    }
    day_t got = catalogue_next_change(n->c, real_on(n, code, day), HISTORY_FIRST + day);
    ck_assert_msg(got == want, "seed %" PRIu64 " next change of %s after day %d: %d, not %d",
                  n->seed, history_code(code), day, got - HISTORY_FIRST, want - HISTORY_FIRST);
}

static void check_leaf(const struct naive *n, int code, int day)
{
    bool leaf = cell(n, code, day)->level <= CATALOGUE_LEVEL_LEAF_MAX;
    for (int i = 0; i < HISTORY_CODES; i++)
        leaf = leaf && !(cell(n, i, day)->alive && cell(n, i, day)->parent == code &&
                         cell(n, i, day)->level <= CATALOGUE_LEVEL_LEAF_MAX);
    ck_assert_msg(catalogue_is_leaf_on(n->c, real_on(n, code, day), HISTORY_FIRST + day) == leaf,
                  "seed %" PRIu64 " leaf %s day %d", n->seed, history_code(code), day);
}

/* Units by [code][number]: what `code`, `unit` came from, itself included. */
typedef bool unit_set[HISTORY_CODES][HISTORY_DAYS + 1];

static int code_index(const struct ident *code)
{
    int i = 0;
    while (strcmp(history_code(i), code->text) != 0)
        i++;
    return i;
}

static void add_origins(const struct naive *n, int code, unsigned unit, unit_set set)
{
    if (set[code][unit])
        return;
    set[code][unit] = true;
    for (uint32_t i = 0; i < n->h.spec.succession_count; i++) {
        const struct succession *s = &n->h.successions[i];
        int day = s->on - HISTORY_FIRST;
        if (s->people == PEOPLE_NONE || code_index(&s->new_code) != code ||
            !borne_by(n, code, unit, day))
            continue;
        int old_code = code_index(&s->old_code);
        add_origins(n, old_code, cell(n, old_code, day - 1)->unit, set);
    }
}

static void check_scope(const struct naive *n, int scope, unsigned scope_unit)
{
    unit_set set = {{false}};
    add_origins(n, scope, scope_unit, set);
    uint32_t real_scope = real_unit(n, scope, scope_unit);
    for (int code = 0; code < HISTORY_CODES; code++)
        for (int day = 0; day < HISTORY_DAYS; day++) {
            bool in = false;
            int way[2 * CATALOGUE_DEPTH_MAX];
            unsigned count = cell(n, code, day)->alive ? way_up(n, code, day, way) : 0;
            for (unsigned i = 0; i < count; i += 2)
                in = in || set[way[i]][way[i + 1]];
            uint32_t unit = real_on(n, code, day);
            /* asserting costs a write to the parent process, and there are millions of these */
            if (catalogue_in_scope(n->c, unit, HISTORY_FIRST + day, real_scope) != in)
                ck_abort_msg("seed %" PRIu64 " %s day %d in scope %s", n->seed, history_code(code),
                             day, history_code(scope));
        }
}

static void check_heir(const struct naive *n, int code, unsigned unit)
{
    uint32_t want = CATALOGUE_NONE;
    int ended = last_day(n, code, unit) + 1;
    for (uint32_t i = 0; i < n->h.spec.succession_count; i++) {
        const struct succession *s = &n->h.successions[i];
        if (s->people == PEOPLE_ALL && code_index(&s->old_code) == code &&
            s->on == HISTORY_FIRST + ended)
            want = real_on(n, code_index(&s->new_code), ended);
    }
    uint32_t real = real_unit(n, code, unit), found = 0;
    ck_assert_uint_eq(catalogue_unit(n->c, real)->heir, want);
    if (want == CATALOGUE_NONE)
        return;
    const uint32_t *heirs;
    for (uint32_t i = catalogue_heirs_of(n->c, want, &heirs); i-- > 0;)
        found += heirs[i] == real;
    ck_assert_uint_eq(found, 1);
}

static void check_units_of(const struct naive *n, int code)
{
    unsigned last = 0;
    for (int day = 0; day < HISTORY_DAYS; day++) {
        if (!cell(n, code, day)->alive || cell(n, code, day)->unit == last)
            continue;
        last = cell(n, code, day)->unit;
        check_scope(n, code, last);
        check_heir(n, code, last);
    }
}

static void check_code_on(const struct naive *n, int code, int day)
{
    check_unit(n, code, day);
    check_near(n, code, day);
    if (!cell(n, code, day)->alive)
        return;
    check_ancestors(n, code, day);
    check_next_change(n, code, day);
    check_leaf(n, code, day);
}

/* Each must come after its parent, in order of code among siblings, and all who live must come. */
struct visited {
    const struct naive *n;
    int day;
    unsigned count;
    uint32_t way[CATALOGUE_DEPTH_MAX];
    unsigned depth;
};

static void check_visited(void *arg, uint32_t unit, unsigned depth)
{
    struct visited *v = arg;
    const struct catalogue *c = v->n->c;
    ck_assert_uint_le(depth, v->count == 0 ? 0 : v->depth + 1);
    uint32_t parent = catalogue_parent_on(c, unit, HISTORY_FIRST + v->day);
    ck_assert_uint_eq(parent, depth == 0 ? CATALOGUE_NONE : v->way[depth - 1]);
    if (v->count > 0 && depth <= v->depth) {
        const char *before = catalogue_code_text(c, catalogue_unit(c, v->way[depth])->code);
        const char *now = catalogue_code_text(c, catalogue_unit(c, unit)->code);
        ck_assert_str_lt(before, now);
    }
    v->way[depth] = unit;
    v->depth = depth;
    v->count++;
}

static void check_day(const struct naive *n, int day)
{
    unsigned living = 0;
    for (int code = 0; code < HISTORY_CODES; code++) {
        check_code_on(n, code, day);
        living += cell(n, code, day)->alive;
    }
    struct visited v = {.n = n, .day = day};
    catalogue_visit_on(n->c, CATALOGUE_NONE, HISTORY_FIRST + day, check_visited, &v);
    ck_assert_uint_eq(v.count, living);
}

static bool same_trees(const struct naive *n, int day)
{
    for (int code = 0; code < HISTORY_CODES; code++) {
        const struct history_cell *a = cell(n, code, day - 1), *b = cell(n, code, day);
        if (a->alive != b->alive)
            return false;
        if (a->alive && (a->unit != b->unit || a->parent != b->parent || a->level != b->level))
            return false;
    }
    return true;
}

static void check_change_days(const struct naive *n)
{
    const day_t *days;
    uint32_t count = catalogue_change_days(n->c, &days), at = 0;
    for (int day = 0; day < HISTORY_DAYS; day++) {
        bool listed = at < count && days[at] == HISTORY_FIRST + day;
        ck_assert_msg(listed || (day > 0 && same_trees(n, day)), "seed %" PRIu64 " day %d changes",
                      n->seed, day);
        at += listed;
    }
    ck_assert_uint_eq(at, count);
}

START_TEST(random_histories_read_as_day_by_day)
{
    const char *given = getenv("TONGHOP_SEED");
    uint64_t first = given ? strtoull(given, NULL, 10) : 1;
    struct naive *n = calloc(1, sizeof *n);
    for (uint64_t seed = first; seed < first + HISTORIES; seed++) {
        struct err err = {0};
        n->seed = seed;
        history_make(&n->h, seed);
        int rc = catalogue_build(&n->h.spec, NULL, &n->c, &err);
        ck_assert_msg(rc == 0, "seed %" PRIu64 ": %s", seed, err.text);
        for (int day = 0; day < HISTORY_DAYS; day++)
            check_day(n, day);
        for (int code = 0; code < HISTORY_CODES; code++)
            check_units_of(n, code);
        check_change_days(n);
        catalogue_destroy(n->c);
    }
    free(n);
}
END_TEST

SUITE_MAIN(
    "catalogue", move_keeps_the_unit_and_changes_its_ancestors,
    a_unit_that_was_taken_back_has_no_name_any_more,
    villages_and_organisations_neither_silence_a_commune_nor_are_leaves_beside_it,
    ancestors_are_listed_from_the_unit_to_the_root, merge_of_n_to_one_gives_the_stock_to_the_heir,
    code_that_succeeds_itself_begins_a_new_unit, unit_that_goes_on_takes_over_the_one_it_absorbs,
    rename_retype_and_change_of_level_keep_the_unit,
    gap_begins_a_new_unit_and_near_takes_the_one_before,
    parent_that_begins_anew_changes_the_ancestors_of_an_uncut_span,
    scope_reaches_through_two_mergers_and_the_districts_that_went,
    visit_goes_parents_first_and_siblings_by_code, codes_keep_their_ordinals_in_the_next_catalogue,
    empty_catalogue_answers_nothing, faulty_spans_are_refused_by_row,
    faulty_successions_are_refused_by_row, catalogue_above_its_limits_is_refused,
    endless_chain_of_successions_is_refused_not_followed, random_histories_read_as_day_by_day)
