/* The plans and units that ship, and the sentence for each way to get such files wrong. */
#include "services/cli/plan_file.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

#define HEAD                                                                                       \
    "plan: p\nversion: 1\ntitle: T\ndocument: D\nprovince: \"31\"\n"                               \
    "period: {from: 2024-09-05, to: 2024-10-05}\nunits: [u.csv]\n"
#define SOURCES "sources: [{id: s, name: S}]\n"
#define INDICATOR(id, rest)                                                                        \
    "  - {id: " id ", name: N, kind: stock, unit: persons, minimum: 0, maximum: 100, "             \
    "reports: leaf, period: day, source_of_record: [{from: 2024-09-04, source: s}]" rest "}\n"
#define ONE "indicators:\n" INDICATOR("a", "")
#define NONE_OWED "calendar: []\n"

static const struct {
    const char *reason;
    const char *yaml;
    const char *sentence;
} refused[] = {
    {"an unknown key", HEAD SOURCES ONE NONE_OWED "titel: x\n",
     "p.yaml:12:1: unknown key \"titel\": did you mean \"title\"?"},
    {"a missing key", SOURCES ONE NONE_OWED,
     "p.yaml:1:1: the option plan is missing: the plan's id"},
    {"a date that is none",
     "plan: p\nversion: 1\ntitle: T\ndocument: D\nprovince: \"31\"\n"
     "period: {from: 2024-09-31, to: 2024-10-05}\nunits: [u.csv]\n" SOURCES ONE NONE_OWED,
     "p.yaml:6:16: period.from: 2024-09-31 does not exist: 2024-09 has 30 days"},
    {"a period that ends before it begins",
     "plan: p\nversion: 1\ntitle: T\ndocument: D\nprovince: \"31\"\n"
     "period: {from: 2024-09-05, to: 2024-09-01}\nunits: [u.csv]\n" SOURCES ONE NONE_OWED,
     "p.yaml:6:32: to: 2024-09-01 is before 2024-09-05, the day it begins"},
    {"a number with dots",
     HEAD SOURCES "indicators:\n  - {id: a, name: N, kind: flow, unit: persons, minimum: 0, "
                  "maximum: 90.000, reports: leaf, period: day, "
                  "source_of_record: [{from: 2024-09-04, source: s}]}\n" NONE_OWED,
     "p.yaml:10:70: maximum: \"90.000\": "},
    {"an indicator twice",
     HEAD SOURCES "indicators:\n" INDICATOR("a", "") INDICATOR("a", "") NONE_OWED,
     "p.yaml:11:10: id: \"a\" is the id of indicators[0] already"},
    {"a source twice", HEAD "sources: [{id: s, name: S}, {id: s, name: S}]\n" ONE NONE_OWED,
     "p.yaml:8:34: id: \"s\" is the id of sources[0] already"},
    {"a source of record that is no source", HEAD "sources: [{id: other, name: S}]\n" ONE NONE_OWED,
     "p.yaml:10:150: source: \"s\" is no source of this plan: add it to sources"},
    {"an unknown kind", HEAD SOURCES "indicators: [{id: a, name: N, kind: stok}]\n" NONE_OWED,
     "p.yaml:9:"},
    {"a ratio of what is not there",
     HEAD SOURCES ONE "  - {id: r, name: R, kind: ratio, numerator: a, denominator: b}\n" NONE_OWED,
     "p.yaml:11:62: denominator: \"b\" is no indicator of this plan: add it to indicators"},
    {"a ratio with bounds",
     HEAD SOURCES ONE
     "  - {id: r, name: R, kind: ratio, numerator: a, denominator: a, minimum: 0}\n" NONE_OWED,
     "p.yaml:11:65: minimum: a ratio has none, it is computed from its numerator and denominator: "
     "take it out"},
    {"a count with a numerator",
     HEAD SOURCES "indicators:\n" INDICATOR("a", ", numerator: a") NONE_OWED,
     "p.yaml:10:155: numerator: only a ratio has one: take it out, or write `kind: ratio`"},
    {"a level that is none",
     HEAD SOURCES
     "indicators:\n  - {id: a, name: N, kind: flow, unit: persons, minimum: 0, maximum: 9, "
     "reports: [province, comune], period: day, "
     "source_of_record: [{from: 2024-09-04, source: s}]}\n" NONE_OWED,
     "p.yaml:10:93: unknown reports \"comune\": did you mean \"commune\"?"},
    {"a duty of an unknown indicator",
     HEAD SOURCES ONE
     "calendar:\n  - {indicator: b, from: 2024-09-05, to: 2024-10-05, due_days: 1}\n",
     "p.yaml:12:17: indicator: \"b\" is no indicator of this plan: add it to indicators"},
    {"duties that overlap",
     HEAD SOURCES ONE
     "calendar:\n  - {indicator: a, from: 2024-09-05, to: 2024-10-05, due_days: 1}\n"
     "  - {indicator: a, from: 2024-10-05, to: 2024-10-09, due_days: 1}\n",
     "p.yaml:13:5: calendar: overlaps duties[0] of \"a\": a report would be owed twice"},
    {"records out of order",
     HEAD SOURCES
     "indicators:\n  - {id: a, name: N, kind: stock, unit: persons, minimum: 0, maximum: 100, "
     "reports: leaf, period: day, source_of_record: [{from: 2024-09-04, source: s}, "
     "{from: 2024-09-03, source: s}]}\n" NONE_OWED,
     "p.yaml:10:161: from: 2024-09-03 is not after 2024-09-04, where the one before begins: put "
     "them in order of day"},
    {"a minimum above the maximum",
     HEAD SOURCES
     "indicators:\n  - {id: a, name: N, kind: stock, unit: persons, minimum: 101, maximum: 100, "
     "reports: leaf, period: day, source_of_record: [{from: 2024-09-04, source: s}]}\n" NONE_OWED,
     "p.yaml:10:73: maximum: 100 is below the minimum 101"},
};

START_TEST(each_fault_of_a_plan_has_its_place)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct err e = {0};
        struct plan_file p;
        int rc = plan_file_parse("p.yaml", slice_str(refused[i].yaml), &p, &e);
        ck_assert_msg(rc < 0, "%s: was taken", refused[i].reason);
        size_t len = strlen(refused[i].sentence);
        ck_assert_msg(strncmp(e.text, refused[i].sentence, len) == 0, "%s:\n  %s\ninstead of\n  %s",
                      refused[i].reason, e.text, refused[i].sentence);
    }
}
END_TEST

START_TEST(ninety_point_nothing_is_refused_with_what_to_write)
{
    struct err e = {0};
    struct plan_file p;
    const char *yaml =
        HEAD SOURCES "indicators:\n  - {id: a, name: N, kind: flow, unit: persons, minimum: 0, "
                     "maximum: 90.000, reports: leaf, period: day, "
                     "source_of_record: [{from: 2024-09-04, source: s}]}\n" NONE_OWED;
    ck_assert_int_eq(plan_file_parse("p.yaml", slice_str(yaml), &p, &e), ERR_INVALID);
    ck_assert_msg(strstr(e.text, "90000") != NULL, "%s", e.text);
}
END_TEST

START_TEST(a_whole_plan_is_taken)
{
    struct err e = {0};
    struct plan_file p;
    const char *yaml = HEAD SOURCES "indicators:\n" INDICATOR("a", "") INDICATOR(
        "b", ", entry: set, calendar: civil") "  - {id: r, name: R, kind: ratio, numerator: a, "
                                              "denominator: b}\n"
                                              "calendar:\n  - {indicator: a, from: 2024-09-05, to: "
                                              "2024-10-05, due_days: 1}\n";
    ck_assert_msg(plan_file_parse("p.yaml", slice_str(yaml), &p, &e) == 0, "%s", e.text);
    ck_assert_uint_eq(p.plan.indicator_count, 3);
    ck_assert_uint_eq(p.plan.indicators[0].reporters, REPORTS_LEAF);
    ck_assert_uint_eq(p.plan.duties[0].due_days, 1);
    ck_assert_str_eq(p.plan.root.text, "31");
    plan_file_fini(&p);
}
END_TEST

#define UNITS "code,from,to,name,type,level,parent,begins\n"
#define ROOT "31,2020-01-01,,P,T,province,,new\n"
#define SUCCESSIONS "date,old_code,new_code,people,resolution,basis\n"

static const struct {
    const char *reason;
    const char *units;
    const char *successions;
    const char *sentence;
} refused_units[] = {
    {"no header", "31,2020-01-01,,P,T,province,,new\n", "",
     "u.csv: row 1: unknown column \"31\": the first row names the columns: code, from, to, name, "
     "type, level, parent, begins"},
    {"a bad code", UNITS "3 1,2020-01-01,,P,T,province,,new\n", "",
     "u.csv: row 2, column code: \"3 1\" is not 1 to 32 of the characters 0-9 A-Z a-z . _ -"},
    {"a date the wrong way round", UNITS "31,01/01/2020,,P,T,province,,new\n", "",
     "u.csv: row 2, column from: "},
    {"a misspelt level", UNITS "31,2020-01-01,,P,T,provinc,,new\n", "",
     "u.csv: row 2, column level: \"provinc\": did you mean \"province\"?"},
    {"begins neither new nor same", UNITS "31,2020-01-01,,P,T,province,,maybe\n", "",
     "u.csv: row 2, column begins: \"maybe\": write one of new, same"},
    {"a field too many", UNITS "31,2020-01-01,,P,T,province,,new,x\n", "",
     "u.csv: row 2: has 9 fields where the first row names 8 columns: a separator too many or too "
     "few; a text with one in it goes in quotes"},
    {"decomposed letters", UNITS "31,2020-01-01,,Ha\xCC\x89i,T,province,,new\n", "",
     "u.csv: row 2, column name: letters in decomposed form (NFD, as some systems save them): "
     "convert the file to NFC"},
    {"spans of a code that overlap", UNITS ROOT "31,2021-01-01,,P,T,province,,same\n", "",
     "u.csv: row 3: unit 31 from 2021-01-01 overlaps row 2 ("},
    {"a parent that is no unit", UNITS ROOT "311,2020-01-01,,Q,T,district,99,new\n", "",
     "u.csv: row 3: parent 99 of unit 311 is no unit of this catalogue: add it, or "},
    {"a parent of the same level: a cycle would be one of these",
     UNITS ROOT "311,2020-01-01,,Q,T,district,312,new\n312,2020-01-01,,Q,T,district,311,new\n", "",
     "u.csv: row 3: unit 311 is of level 2 and its parent 312 of level 2 (row 4): a "},
    {"an end before the beginning", UNITS "31,2020-01-01,2019-01-01,P,T,province,,new\n", "",
     "u.csv: row 2: unit 31 ends on 2019-01-01, before it begins on 2020-01-01"},
    {"a succession of one side only", UNITS ROOT, SUCCESSIONS "2021-01-01,31,32,all,,\n",
     "s.csv: row 2, column new_code: no unit has the code 32: add it to the units, or take the row "
     "out"},
    {"a succession on a day when nothing ends",
     UNITS ROOT "311,2020-01-01,,Q,T,district,31,new\n312,2020-01-01,,Q,T,district,31,new\n",
     SUCCESSIONS "2021-01-01,311,312,all,,\n",
     "s.csv: row 2: no unit with code 311 ends on 2020-12-31, the day before: "},
    {"people neither all, part nor none", UNITS ROOT, SUCCESSIONS "2021-01-01,31,31,majority,,\n",
     "s.csv: row 2, column people: \"majority\": write one of all, part, none"},
};

START_TEST(each_fault_of_the_units_has_its_row)
{
    for (size_t i = 0; i < sizeof refused_units / sizeof *refused_units; i++) {
        struct err e = {0};
        struct plan_file p;
        int rc = plan_file_parse_units("u.csv", slice_str(refused_units[i].units), "s.csv",
                                       slice_str(refused_units[i].successions), &p, &e);
        ck_assert_msg(rc < 0, "%s: was taken", refused_units[i].reason);
        size_t len = strlen(refused_units[i].sentence);
        ck_assert_msg(strncmp(e.text, refused_units[i].sentence, len) == 0,
                      "%s:\n  %s\ninstead of\n  %s", refused_units[i].reason, e.text,
                      refused_units[i].sentence);
    }
}
END_TEST

/* ---- what ships ---- */

struct count {
    const struct catalogue *catalogue;
    day_t on;
    unsigned levels[8];
    unsigned leaves;
};

static void count_unit(void *arg, uint32_t unit, unsigned depth)
{
    struct count *c = arg;
    (void)depth;
    c->levels[catalogue_span_on(c->catalogue, unit, c->on)->level]++;
    c->leaves += catalogue_is_leaf_on(c->catalogue, unit, c->on);
}

static void expect_units(const struct plan_file *p, const char *root, const char *day,
                         unsigned districts, unsigned communes, unsigned leaves)
{
    struct catalogue *c = NULL;
    struct err e = {0};
    struct count got = {0};
    ck_assert_msg(catalogue_build(&p->catalogue, NULL, &c, &e) == 0, "%s", e.text);
    ck_assert_int_eq(day_parse(slice_str(day), &got.on, NULL), 0);
    got.catalogue = c;
    uint32_t unit = catalogue_unit_on(c, catalogue_code_find(c, slice_str(root)), got.on);
    ck_assert_msg(unit != CATALOGUE_NONE, "%s is not in force on %s", root, day);
    catalogue_visit_on(c, unit, got.on, count_unit, &got);
    ck_assert_msg(got.levels[2] == districts && got.levels[3] == communes && got.leaves == leaves,
                  "%s on %s: %u districts, %u communes, %u leaves; wanted %u, %u, %u", root, day,
                  got.levels[2], got.levels[3], got.leaves, districts, communes, leaves);
    catalogue_destroy(c);
}

static void load_shipped(const char *name, struct plan_file *p)
{
    char path[1024];
    struct err e = {0};
    const char *source = getenv("TONGHOP_SOURCE");
    ck_assert_msg(source != NULL, "TONGHOP_SOURCE is not set: run through ctest");
    snprintf(path, sizeof path, "%s/config/plans/%s", source, name);
    ck_assert_msg(plan_file_load(path, p, &e) == 0, "%s", e.text);
}

START_TEST(the_plan_of_hai_phong_loads_with_its_units)
{
    struct plan_file p;
    load_shipped("haiphong-2024.yaml", &p);
    ck_assert_uint_eq(p.plan.indicator_count, 10);
    ck_assert_uint_eq(p.plan.duty_count, 6);
    expect_units(&p, "31", "2024-09-05", 15, 217, 218);
    expect_units(&p, "31", "2025-03-01", 15, 167, 168);
    expect_units(&p, "31", "2025-07-01", 0, 114, 114);
    plan_file_fini(&p);
}
END_TEST

START_TEST(the_plan_of_soc_trang_loads_across_the_end_of_the_districts)
{
    struct plan_file p;
    load_shipped("soctrang-2025.yaml", &p);
    ck_assert_uint_eq(p.plan.duty_count, 0);
    expect_units(&p, "94", "2024-09-05", 11, 108, 108);
    expect_units(&p, "94", "2025-03-01", 11, 108, 108);
    expect_units(&p, "92", "2025-07-01", 0, 103, 103);
    plan_file_fini(&p);
}
END_TEST

START_TEST(a_units_file_that_is_not_there_is_said_at_the_line_that_names_it)
{
    char directory[] = "/tmp/tonghop-plan-XXXXXX", path[64], wanted[160];
    struct err e = {0};
    struct plan_file p;
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/p.yaml", directory);
    FILE *f = fopen(path, "w");
    fputs(HEAD SOURCES ONE NONE_OWED, f);
    fclose(f);
    ck_assert_int_eq(plan_file_load(path, &p, &e), ERR_NOT_FOUND);
    snprintf(wanted, sizeof wanted, "%s:7:9: %s/u.csv: cannot be opened: No such file or directory",
             path, directory);
    ck_assert_str_eq(e.text, wanted);
    remove(path);
    remove(directory);
}
END_TEST

SUITE_MAIN("cli/plan_file", each_fault_of_a_plan_has_its_place,
           ninety_point_nothing_is_refused_with_what_to_write, a_whole_plan_is_taken,
           each_fault_of_the_units_has_its_row, the_plan_of_hai_phong_loads_with_its_units,
           the_plan_of_soc_trang_loads_across_the_end_of_the_districts,
           a_units_file_that_is_not_there_is_said_at_the_line_that_names_it)
