/* Targets in a plan file, and how they are shared out: exact sums, ties by code, what was decided
 * first, and the sentence for each way to get it wrong. */
#include "common/base/alloc.h"
#include "common/model/plan_tree.h"
#include "services/cli/plan_allot.h"
#include "services/cli/plan_print.h"
#include "tests/support/random_world.h"
#include "tests/support/suite.h"
#include "tests/support/temp_dir.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- dividing ---- */

START_TEST(the_largest_remainder_gets_what_is_left_and_the_first_of_equal_ones)
{
    static const struct {
        int64_t total;
        uint64_t weights[4];
        int64_t shares[4];
        const char *reason;
    } rows[] = {
        {10, {1, 1, 1, 1}, {3, 3, 2, 2}, "equal remainders: the first ones"},
        {3, {1, 1, 1, 1}, {1, 1, 1, 0}, "less than one each"},
        {0, {1, 2, 3, 4}, {0, 0, 0, 0}, "nothing"},
        {100, {1, 2, 3, 4}, {10, 20, 30, 40}, "no remainder"},
        {10, {3, 3, 3, 0}, {4, 3, 3, 0}, "a weight of nothing brings nothing"},
        {7, {500, 300, 200, 0}, {4, 2, 1, 0}, "3.5, 2.1, 1.4: the half gets it"},
        {0, {0, 0, 0, 0}, {0, 0, 0, 0}, "nothing over nothing"},
        {100000000000000,
         {10000000000, 10000000000, 1, 0},
         {49999999997500, 49999999997500, 5000, 0},
         "more than 64 bits on the way"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t shares[4];
        ck_assert_msg(plan_allot_divide(rows[i].total, rows[i].weights, 4, shares), "%s",
                      rows[i].reason);
        for (unsigned k = 0; k < 4; k++)
            ck_assert_msg(shares[k] == rows[i].shares[k],
                          "%s: share %u is %" PRId64 ", not %" PRId64, rows[i].reason, k, shares[k],
                          rows[i].shares[k]);
    }
    int64_t shares[2];
    ck_assert(!plan_allot_divide(1, (uint64_t[]){0, 0}, 2, shares));
}
END_TEST

START_TEST(sums_are_exact_and_no_share_is_a_whole_one_away_from_its_part)
{
    enum { COUNT = 40 };
    struct random dice = {2024};
    for (unsigned round = 0; round < 20000; round++) {
        uint64_t weights[COUNT], whole = 0;
        int64_t shares[COUNT], total = random_below(&dice, 200000), sum = 0;
        size_t count = 1 + random_below(&dice, COUNT);
        for (size_t i = 0; i < count; i++)
            whole += weights[i] = random_below(&dice, 300000) + (i == 0);
        ck_assert(plan_allot_divide(total, weights, count, shares));
        for (size_t i = 0; i < count; i++) {
            int64_t away = shares[i] * (int64_t)whole - total * (int64_t)weights[i];
            ck_assert_msg(away < (int64_t)whole && -away < (int64_t)whole,
                          "round %u: share %zu is %" PRId64, round, i, shares[i]);
            sum += shares[i];
        }
        ck_assert_msg(sum == total, "round %u: %" PRId64 ", not %" PRId64, round, sum, total);
    }
}
END_TEST

/* ---- plan files ---- */

#define HEAD                                                                                       \
    "plan: p\nversion: 1\ntitle: T\ndocument: D\nprovince: \"31\"\n"                               \
    "period: {from: 2024-09-05, to: 2024-10-05}\nunits: [u.csv]\n"                                 \
    "sources: [{id: s, name: S}]\nindicators:\n"                                                   \
    "  - {id: a, name: N, kind: stock, unit: persons, minimum: 0, maximum: 100, reports: leaf, "   \
    "period: day, source_of_record: [{from: 2024-09-04, source: s}]}\n"                            \
    "  - {id: b, name: N, kind: stock, unit: persons, minimum: 0, maximum: 100, reports: leaf, "   \
    "period: day, source_of_record: [{from: 2024-09-04, source: s}]}\n"                            \
    "  - {id: r, name: R, kind: ratio, numerator: a, denominator: b}\n"                            \
    "calendar: []\ntargets:\n"
/* From line 15 on; what is in it begins at column 6. */
#define TARGET(bounds, rest)                                                                       \
    "  - {id: T, title: X, indicator: a, " bounds ", start: 2024-09-05, due: 2024-10-05" rest "}"  \
    "\n"
#define RATIO(bounds)                                                                              \
    "  - {id: T, title: X, indicator: r, " bounds ", start: 2024-09-05, due: 2024-10-05}\n"
#define BY_PEOPLE "districts: {by: population, file: people.csv, year: 2019}"

static const char units[] = "code,from,to,name,type,level,parent,begins\n"
                            "31,2020-01-01,,Thành phố,T,province,,new\n"
                            "303,2020-01-01,,Quận Một,Q,district,31,new\n"
                            "304,2020-01-01,,Quận Hai,Q,district,31,new\n"
                            "305,2020-01-01,2024-09-30,Quận Cũ,Q,district,31,new\n"
                            "318,2020-01-01,,Đảo,H,district,31,new\n"
                            "10001,2020-01-01,,Phường A,P,commune,303,new\n"
                            "10002,2020-01-01,,Phường B,P,commune,303,new\n"
                            "10003,2020-01-01,,Phường C,P,commune,303,new\n"
                            "10004,2020-01-01,,Xã D,X,commune,304,new\n"
                            "00001,2020-01-01,,Xóm E,X,village,10004,new\n";

static const char people[] = "code,year,population\n31,2019,1000\n303,2019,600\n304,2019,390\n"
                             "318,2019,10\n303,2020,1\n304,2020,1\n";

struct folder {
    struct temp_dir dir;
    char plan[TEMP_PATH_BYTES];
};

static void open_folder(struct folder *f, const char *yaml)
{
    temp_dir_open(&f->dir, "targets");
    temp_dir_write(&f->dir, "u.csv", units);
    temp_dir_write(&f->dir, "people.csv", people);
    temp_dir_write(&f->dir, "p.yaml", yaml);
    temp_dir_file(&f->dir, "p.yaml", f->plan);
}

struct expected {
    const char *unit;
    int64_t lower;
    int64_t stretch;
};

/* ends with a NULL unit */
static void expect_shares(const char *reason, const char *yaml, const struct expected *wanted)
{
    struct folder f;
    struct plan_file p;
    struct err e = {0};
    open_folder(&f, yaml);
    ck_assert_msg(plan_file_load(f.plan, &p, &e) == 0, "%s: %s", reason, e.text);
    const struct target *t = &p.plan.targets[0];
    unsigned count = 0;
    for (; wanted[count].unit; count++) {
        const struct target_share *share = target_share_find(t, slice_str(wanted[count].unit));
        ck_assert_msg(share != NULL, "%s: %s has no share", reason, wanted[count].unit);
        ck_assert_msg(share->lower == wanted[count].lower &&
                          share->stretch == wanted[count].stretch,
                      "%s: %s: %" PRId64 " to %" PRId64, reason, wanted[count].unit, share->lower,
                      share->stretch);
    }
    ck_assert_msg(t->share_count == count, "%s: %u shares", reason, t->share_count);
    plan_file_fini(&p);
    temp_dir_close(&f.dir);
}

START_TEST(a_target_is_shared_out_level_by_level)
{
    static const struct {
        const char *reason;
        const char *yaml;
        struct expected shares[8];
    } rows[] = {
        {"by population, and equally below",
         HEAD TARGET("lower: 100, stretch: 110", ", allot: {" BY_PEOPLE ", communes: equally}"),
         {{"303", 60, 66},
          {"304", 39, 43},
          {"318", 1, 1},
          {"10001", 20, 22},
          {"10002", 20, 22},
          {"10003", 20, 22},
          {"10004", 39, 43}}},
        {"ties go to the lower code",
         HEAD TARGET("lower: 11", ", allot: {districts: equally, communes: equally}"),
         {{"303", 4, 0},
          {"304", 4, 0},
          {"318", 3, 0},
          {"10001", 2, 0},
          {"10002", 1, 0},
          {"10003", 1, 0},
          {"10004", 4, 0}}},
        {"to districts alone",
         HEAD TARGET("lower: 100", ", allot: {" BY_PEOPLE "}"),
         {{"303", 60, 0}, {"304", 39, 0}, {"318", 1, 0}}},
        {"of a district, to its communes",
         HEAD TARGET("unit: \"303\", lower: 7", ", allot: {communes: equally}"),
         {{"10001", 3, 0}, {"10002", 2, 0}, {"10003", 2, 0}}},
        {"what was decided stands, the others share the rest",
         HEAD TARGET("lower: 100, stretch: 110",
                     ", allot: {" BY_PEOPLE ", communes: equally, overrides: ["
                     "{unit: \"318\", lower: 10, stretch: 11}, "
                     "{unit: \"10002\", lower: 0, stretch: 5}]}"),
         {{"303", 55, 60},
          {"304", 35, 39},
          {"318", 10, 11},
          {"10001", 28, 28},
          {"10002", 0, 5},
          {"10003", 27, 27},
          {"10004", 35, 39}}},
        {"without a population, but decided",
         HEAD TARGET("lower: 100", ", allot: {districts: {by: population, file: people.csv, "
                                   "year: 2020}, overrides: [{unit: \"318\", lower: 2}]}"),
         {{"303", 49, 0}, {"304", 49, 0}, {"318", 2, 0}}},
        {"close bounds: rounding turns no stretch bound below the lower one",
         HEAD TARGET("lower: 42, stretch: 43", ", allot: {" BY_PEOPLE "}"),
         {{"303", 25, 26}, {"304", 16, 16}, {"318", 1, 1}}},
        {"not shared out", HEAD TARGET("lower: 100", ""), {{NULL, 0, 0}}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_shares(rows[i].reason, rows[i].yaml, rows[i].shares);
}
END_TEST

START_TEST(each_fault_of_a_target_has_its_place)
{
    static const struct {
        const char *reason;
        const char *yaml;
        const char *sentence;
    } rows[] = {
        {"a number with dots", HEAD TARGET("lower: 90.000", ""),
         "p.yaml:15:44: lower: \"90.000\": "},
        {"a count in percent", HEAD TARGET("lower: 30%", ""), "p.yaml:15:44: lower: \"30%\": "},
        {"a ratio without percent", HEAD RATIO("lower: 30"),
         "p.yaml:15:44: lower: \"30\" is no part of a whole: of a ratio write percent, 30% or "
         "97.5%"},
        {"more than all", HEAD RATIO("lower: 101%"), "p.yaml:15:44: lower: \"101%\" is no part"},
        {"a comma", HEAD RATIO("lower: \"97,5%\""), "p.yaml:15:44: lower: \"97,5%\" is no part"},
        {"a ratio shared out",
         HEAD "  - {id: T, title: X, indicator: r, lower: 30%, start: 2024-09-05, due: 2024-10-05, "
              "allot: {districts: equally}}\n",
         "p.yaml:15:92: allot: \"r\" is a ratio"},
        {"an unknown indicator",
         HEAD "  - {id: T, title: X, indicator: c, lower: 3, start: 2024-09-05, due: 2024-10-05}\n",
         "p.yaml:15:34: indicator: \"c\" is no indicator of this plan"},
        {"an unknown key", HEAD TARGET("lower: 3", ", stretsh: 4"),
         "p.yaml:15:83: unknown key \"stretsh\": did you mean \"stretch\"?"},
        {"an unknown rule", HEAD TARGET("lower: 3", ", allot: {districts: equaly}"),
         "p.yaml:15:102: unknown districts \"equaly\""},
        {"a rule that lacks its file",
         HEAD TARGET("lower: 3", ", allot: {districts: {by: population, year: 2019}}"),
         "p.yaml:15:5: the option allot.districts.file is missing"},
        {"an allotment of nothing",
         HEAD TARGET("lower: 3", ", allot: {overrides: [{unit: \"303\", lower: 1}]}"),
         "p.yaml:15:90: allot: says nothing of districts or communes"},
        {"due before it starts",
         HEAD "  - {id: T, title: X, indicator: a, lower: 3, start: 2024-09-05, due: 2024-09-01}\n",
         "p.yaml:15:71: due: 2024-09-01 is before 2024-09-05, the day it starts"},
        {"a day that is none",
         HEAD "  - {id: T, title: X, indicator: a, lower: 3, start: 2024-09-31, due: 2024-10-05}\n",
         "p.yaml:15:54: start: 2024-09-31 does not exist"},
        {"stretch below lower", HEAD TARGET("lower: 3, stretch: 2", ""),
         "p.yaml:15:56: stretch: 2 is not between the lower bound 3"},
        {"days suspended outside it",
         HEAD TARGET("lower: 3", ", suspended: [{from: 2024-10-05, to: 2024-10-06}]"),
         "p.yaml:15:95: suspended: 2024-10-05 to 2024-10-06 is not within"},
        {"a unit decided twice",
         HEAD TARGET("lower: 3", ", allot: {districts: equally, overrides: [{unit: \"303\", lower: "
                                 "1}, {unit: \"303\", lower: 1}]}"),
         "p.yaml:15:155: unit: \"303\" stands in the table twice"},
        {"a unit decided that is none",
         HEAD TARGET("lower: 3",
                     ", allot: {districts: equally, overrides: [{unit: \"399\", lower: 1}]}"),
         "p.yaml:15:123: overrides: no unit below 31 that is shared out to bears the code 399 on "
         "2024-10-05"},
        {"a unit decided that has ended by then",
         HEAD TARGET("lower: 3",
                     ", allot: {districts: equally, overrides: [{unit: \"305\", lower: 1}]}"),
         "p.yaml:15:123: overrides: no unit below 31"},
        {"more decided than there is",
         HEAD TARGET("lower: 3",
                     ", allot: {districts: equally, overrides: [{unit: \"303\", lower: 4}]}"),
         "p.yaml:15:90: allot.overrides: the lower bounds fixed below 31 come to 4, more than the "
         "3"},
        {"less decided than there is, and nobody left",
         HEAD TARGET("unit: \"304\", lower: 3",
                     ", allot: {communes: equally, overrides: [{unit: \"10004\", lower: 2}]}"),
         "p.yaml:15:103: allot: 1 of the 3 of 304 are left over"},
        {"a district without a population",
         HEAD TARGET("lower: 3",
                     ", allot: {districts: {by: population, file: people.csv, year: 2020}}"),
         "p.yaml:15:102: people.csv has no population of unit 318 (Đảo) for 2020: add the row, or "
         "give the unit its share under overrides"},
        {"a file that is not there",
         HEAD TARGET("lower: 3",
                     ", allot: {districts: {by: population, file: none.csv, year: 2019}}"),
         "p.yaml:15:102: "},
        {"nobody below", HEAD TARGET("unit: \"318\", lower: 3", ", allot: {communes: equally}"),
         "p.yaml:15:103: allot: no district or commune stands below 318 on 2024-10-05"},
        {"a scope that has ended by then",
         HEAD TARGET("unit: \"305\", lower: 3", ", allot: {communes: equally}"),
         "p.yaml:15:103: allot: no unit bears the code 305 on 2024-10-05"},
        {"a scope that is no unit", HEAD TARGET("unit: \"399\", lower: 3", ""),
         "p.yaml:15:43: unit: \"399\" is no unit of the catalogue"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct folder f;
        struct plan_file p;
        struct err e = {0};
        open_folder(&f, rows[i].yaml);
        int rc = plan_file_load(f.plan, &p, &e);
        ck_assert_msg(rc < 0, "%s: was taken", rows[i].reason);
        const char *said = strstr(e.text, "/p.yaml:");
        said = said ? said + 1 : e.text;
        ck_assert_msg(strncmp(said, rows[i].sentence, strlen(rows[i].sentence)) == 0,
                      "%s:\n  %s\ninstead of\n  %s", rows[i].reason, e.text, rows[i].sentence);
        temp_dir_close(&f.dir);
    }
}
END_TEST

START_TEST(a_fault_of_the_populations_has_its_row)
{
    struct folder f;
    struct plan_file p;
    struct err e = {0};
    open_folder(&f, HEAD TARGET("lower: 3", ", allot: {" BY_PEOPLE "}"));
    temp_dir_write(&f.dir, "people.csv", "code,year,population\n303,2019,96.111\n");
    ck_assert_int_lt(plan_file_load(f.plan, &p, &e), 0);
    ck_assert_msg(strstr(e.text, "/people.csv: row 2, column population: ") != NULL, "%s", e.text);
    temp_dir_write(&f.dir, "people.csv", "code,year,population\n303,2019,9\n303,2019,9\n");
    ck_assert_int_lt(plan_file_load(f.plan, &p, &e), 0);
    ck_assert_msg(strstr(e.text, "/people.csv: row 3, column code: 303 has a population of 2019 "
                                 "already") != NULL,
                  "%s", e.text);
    temp_dir_close(&f.dir);
}
END_TEST

START_TEST(percent_becomes_millionths)
{
    static const struct {
        const char *yaml;
        int64_t lower;
    } rows[] = {{HEAD RATIO("lower: 30%"), 300000},
                {HEAD RATIO("lower: 100%"), 1000000},
                {HEAD RATIO("lower: 97.5%"), 975000},
                {HEAD RATIO("lower: 0.0001%"), 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plan_file p;
        struct err e = {0};
        ck_assert_msg(plan_file_parse("p.yaml", slice_str(rows[i].yaml), &p, &e) == 0, "%s",
                      e.text);
        ck_assert_int_eq(p.plan.targets[0].lower, rows[i].lower);
        ck_assert_str_eq(p.plan.targets[0].clause, "");
        ck_assert_str_eq(p.plan.targets[0].unit.text, "31");
        ck_assert_uint_eq(p.plan.targets[0].weekend_permille, 1000);
        plan_file_fini(&p);
    }
}
END_TEST

/* ---- what ships ---- */

static void load_hai_phong(struct plan_file *p)
{
    char path[1024];
    struct err e = {0};
    const char *source = getenv("TONGHOP_SOURCE");
    ck_assert_msg(source != NULL, "TONGHOP_SOURCE is not set: run through ctest");
    snprintf(path, sizeof path, "%s/config/plans/haiphong-2024.yaml", source);
    ck_assert_msg(plan_file_load(path, p, &e) == 0, "%s", e.text);
}

START_TEST(targets_are_shown_as_people_write_numbers_and_days)
{
    static const char *const wanted[][2] = {
        {"III.3        cdht.dangky    31         90.000   100.000  05/09/2024  05/10/2024",
         "III.3        cdht.dangky    31    90,000  100,000  2024-09-05  2024-10-05"},
        {"hoivien.tyle   31          30,0%", "hoivien.tyle   31     30.0%"},
        {"Huyện Thuỷ Nguyên      14.810    16.456        37            400 - 401",
         "Huyện Thuỷ Nguyên   14,810   16,456     37     400 - 401"},
        {"Cộng                   90.000   100.000", "total               90,000  100,000"},
    };
    struct plan_file p;
    load_hai_phong(&p);
    for (unsigned english = 0; english < 2; english++) {
        char *text = NULL;
        size_t bytes = 0;
        FILE *out = open_memstream(&text, &bytes);
        plan_print_targets(&p, english == 1, out);
        fclose(out);
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
            ck_assert_msg(strstr(text, wanted[i][english]) != NULL, "no \"%s\" in\n%s",
                          wanted[i][english], text);
        free(text);
    }
    plan_file_fini(&p);
}
END_TEST

START_TEST(hai_phong_shares_ninety_thousand_over_15_districts_and_218_leaves)
{
    /* By another program, of the 2019 census, largest remainder. */
    static const struct expected districts[] = {
        {"303", 4264, 4738}, {"304", 7334, 8149}, {"305", 9750, 10834}, {"306", 5898, 6554},
        {"307", 5238, 5819}, {"308", 2175, 2417}, {"309", 2676, 2974},  {"311", 14810, 16456},
        {"312", 8684, 9648}, {"313", 6509, 7232}, {"314", 6230, 6922},  {"315", 6868, 7631},
        {"316", 8112, 9013}, {"317", 1424, 1582}, {"318", 28, 31}};
    struct err e = {0};
    struct plan_file p;
    struct catalogue *c = NULL;
    int64_t leaves = 0, lower = 0;
    load_hai_phong(&p);
    ck_assert_uint_eq(p.plan.target_count, 4);
    const struct target *t = &p.plan.targets[0];
    ck_assert_uint_eq(t->share_count, 15 + 217);
    for (size_t i = 0; i < sizeof districts / sizeof *districts; i++) {
        const struct target_share *share = target_share_find(t, slice_str(districts[i].unit));
        ck_assert_msg(share && share->lower == districts[i].lower &&
                          share->stretch == districts[i].stretch,
                      "%s: %" PRId64, districts[i].unit, share ? share->lower : -1);
    }
    ck_assert_int_eq(catalogue_build(&p.catalogue, NULL, &c, NULL), 0);
    ck_assert_msg(plan_tree_check(&p.plan, c, &e) == 0, "%s", e.text);
    for (unsigned i = 0; i < t->share_count; i++) {
        uint32_t code = catalogue_code_find(c, ident_slice(&t->shares[i].unit));
        if (!catalogue_is_leaf_on(c, catalogue_unit_on(c, code, t->due), t->due))
            continue;
        leaves++;
        lower += t->shares[i].lower;
    }
    ck_assert_int_eq(leaves, 218);
    ck_assert_int_eq(lower, 90000);
    for (unsigned i = 1; i < 4; i++)
        ck_assert_uint_eq(p.plan.targets[i].share_count, 0);
    ck_assert_int_eq(p.plan.targets[1].lower, 300000);
    catalogue_destroy(c);
    plan_file_fini(&p);
}
END_TEST

SUITE_MAIN("cli/plan_targets", the_largest_remainder_gets_what_is_left_and_the_first_of_equal_ones,
           sums_are_exact_and_no_share_is_a_whole_one_away_from_its_part,
           a_target_is_shared_out_level_by_level, each_fault_of_a_target_has_its_place,
           a_fault_of_the_populations_has_its_row, percent_becomes_millionths,
           targets_are_shown_as_people_write_numbers_and_days,
           hai_phong_shares_ninety_thousand_over_15_districts_and_218_leaves)
