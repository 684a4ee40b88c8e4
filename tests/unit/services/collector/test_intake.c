#include "services/collector/intake_core.h"

#include "tests/support/suite.h"
#include "tests/unit/services/collector/small_world.h"

#define NOW "2024-09-05T08:00:00+07:00"

static struct arena arena;
static struct registry *registry;

static void add_producer(const char *name, const char *scope)
{
    struct producer_change change = {.kind = PRODUCER_SET,
                                     .producer = {.name = world_ident(name),
                                                  .roles = ROLE_SUBMIT,
                                                  .source = world_ident("hkh"),
                                                  .scope_count = 1}};
    struct err err = {0};
    change.producer.scopes[0] = world_ident(scope);
    ck_assert_msg(registry_apply_producer(registry, &change, &err) == 0, "%s", err.text);
}

static void set_up(void)
{
    struct catalogue_spec spec;
    struct plan plan;
    struct err err = {0};
    arena_init(&arena, 1 << 16);
    registry = registry_create();
    world_catalogue(&arena, &spec);
    world_plan(&arena, &plan);
    ck_assert_msg(registry_apply_catalogue(registry, &spec, &err) == 0, "%s", err.text);
    ck_assert_msg(registry_apply_plan(registry, &plan, &err) == 0, "%s", err.text);
    add_producer("hong-bang", "303");
    add_producer("hai-phong", "31");
}

static void tear_down(void)
{
    registry_destroy(registry);
    arena_fini(&arena);
}

static struct intake intake_of(const char *producer, const char *now)
{
    return (struct intake){.registry = registry,
                           .producer = registry_producer_find(registry, slice_str(producer)),
                           .time_ms = world_ms(now),
                           .arena = &arena};
}

static const char *judge_as(const char *producer, const char *now, const struct world_row *row)
{
    struct intake in = intake_of(producer, now);
    struct batch b = world_batch(&arena, in.time_ms, row, 1);
    struct row_refusal *refused;
    uint32_t count = intake_judge_rows(&in, &b, &refused);
    return refusal_name(count == 0 ? REFUSAL_NONE : (enum refusal)refused[0].code);
}

static const char *judge_one(const char *now, const struct world_row *row)
{
    return judge_as("hong-bang", now, row);
}

struct row_case {
    const char *why;
    struct world_row row;
    const char *expected;
};

static const struct row_case cases[] = {
    {"an ordinary figure", {"11329", "classes", "2024-09-04", OP_SET, 5}, "none"},
    {"a unit nobody knows", {"99999", "classes", "2024-09-04", OP_SET, 5}, "unknown_unit"},
    {"an unknown unit before an unknown indicator",
     {"99999", "nothing", "2024-09-04", OP_SET, 5},
     "unknown_unit"},
    {"an indicator nobody knows",
     {"11329", "nothing", "2024-09-04", OP_SET, 5},
     "unknown_indicator"},
    {"a day that ends no month", {"11329", "members", "2024-08-30", OP_SET, 5}, "bad_period"},
    {"a day that does", {"11329", "members", "2024-08-31", OP_SET, 5}, "none"},
    {"the first day of the catalogue", {"11329", "classes", "2020-01-01", OP_SET, 5}, "none"},
    {"the day before", {"11329", "classes", "2019-12-31", OP_SET, 5}, "period_too_old"},
    {"today", {"11329", "classes", "2024-09-05", OP_SET, 5}, "none"},
    {"tomorrow", {"11329", "classes", "2024-09-06", OP_SET, 5}, "future_period"},
    {"a month that has begun", {"11329", "members", "2024-09-30", OP_SET, 5}, "none"},
    {"a month that has not", {"11329", "members", "2024-10-31", OP_SET, 5}, "future_period"},
    {"a unit that begins next year",
     {"11342", "classes", "2024-09-04", OP_SET, 5},
     "unit_not_in_force"},
    {"the neighbour's commune", {"11400", "classes", "2024-09-04", OP_SET, 5}, "out_of_scope"},
    {"the province above", {"31", "classes", "2024-09-04", OP_SET, 5}, "out_of_scope"},
    {"a district where communes report",
     {"303", "classes", "2024-09-04", OP_SET, 5},
     "not_reporter"},
    {"a commune where districts report",
     {"11329", "visits", "2024-09-04", OP_SET, 5},
     "not_reporter"},
    {"a district where districts report", {"303", "visits", "2024-09-04", OP_SET, 5}, "none"},
    {"an add where figures are set", {"11329", "classes", "2024-09-04", OP_ADD, 5}, "bad_op"},
    {"a set on a tally", {"11329", "calls", "2024-09-04", OP_SET, 5}, "bad_op"},
    {"an add on a tally", {"11329", "calls", "2024-09-04", OP_ADD, 5}, "none"},
    {"a set on a ratio, before all that a ratio has not",
     {"11400", "share", "2024-09-04", OP_SET, 5},
     "bad_op"},
    {"a clear on a ratio", {"11329", "share", "2024-09-04", OP_CLEAR, 0}, "bad_op"},
    {"the minimum", {"11329", "classes", "2024-09-04", OP_SET, 0}, "none"},
    {"below it", {"11329", "classes", "2024-09-04", OP_SET, -1}, "below_minimum"},
    {"the maximum", {"11329", "classes", "2024-09-04", OP_SET, 1000}, "none"},
    {"above it", {"11329", "classes", "2024-09-04", OP_SET, 1001}, "above_maximum"},
    {"a signed amount of a tally", {"11329", "calls", "2024-09-04", OP_ADD, -100}, "none"},
    {"below what a tally may add", {"11329", "calls", "2024-09-04", OP_ADD, -101}, "below_minimum"},
    {"a clear has no value to judge", {"11329", "classes", "2024-09-04", OP_CLEAR, 0}, "none"},
    {"a clear on a tally", {"11329", "calls", "2024-09-04", OP_CLEAR, 0}, "none"},
    {"the largest figure there is",
     {"303", "visits", "2024-09-04", OP_SET, OBSERVATION_VALUE_MAX},
     "none"},
    {"one more",
     {"303", "visits", "2024-09-04", OP_SET, OBSERVATION_VALUE_MAX + 1},
     "above_maximum"},
    {"the smallest less one",
     {"303", "visits", "2024-09-04", OP_SET, -OBSERVATION_VALUE_MAX - 1},
     "below_minimum"},
};

START_TEST(each_row_gets_the_most_useful_refusal)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        ck_assert_msg(strcmp(judge_one(NOW, &cases[i].row), cases[i].expected) == 0,
                      "%s: expected %s, got %s", cases[i].why, cases[i].expected,
                      judge_one(NOW, &cases[i].row));
}
END_TEST

START_TEST(rows_of_one_batch_are_judged_as_if_alone)
{
    struct world_row rows[COUNT_OF(cases) * 3];
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        rows[i] = cases[i * 7 % COUNT_OF(cases)].row;
    struct intake in = intake_of("hong-bang", NOW);
    struct batch b = world_batch(&arena, in.time_ms, rows, COUNT_OF(rows));
    struct row_refusal *refused;
    uint32_t count = intake_judge_rows(&in, &b, &refused), at = 0;
    for (uint32_t i = 0; i < COUNT_OF(rows); i++) {
        bool listed = at < count && refused[at].row == i;
        const char *got = refusal_name(listed ? (enum refusal)refused[at++].code : REFUSAL_NONE);
        const struct row_case *one = &cases[i * 7 % COUNT_OF(cases)];
        ck_assert_msg(strcmp(got, one->expected) == 0, "row %u, %s: expected %s, got %s", i,
                      one->why, one->expected, got);
    }
    ck_assert_uint_eq(at, count);
}
END_TEST

START_TEST(a_unit_is_judged_by_the_tree_of_each_rows_day)
{
    static const char *const now = "2025-03-01T08:00:00+07:00";
    static const struct row_case days[] = {
        {"its last day", {"11341", "classes", "2024-12-31", OP_SET, 1}, "none"},
        {"the day after", {"11341", "classes", "2025-01-01", OP_SET, 1}, "unit_not_in_force"},
        {"its last day, again", {"11341", "classes", "2024-12-31", OP_SET, 1}, "none"},
        {"the other begins", {"11342", "classes", "2025-01-01", OP_SET, 1}, "none"},
        {"and was not before", {"11342", "classes", "2024-12-31", OP_SET, 1}, "unit_not_in_force"},
        {"a commune before it has a village",
         {"11329", "classes", "2025-01-31", OP_SET, 1},
         "none"},
        {"while it has one, which does not silence it",
         {"11329", "classes", "2025-02-28", OP_SET, 1},
         "none"},
        {"and after", {"11329", "classes", "2025-03-01", OP_SET, 1}, "none"},
        {"a district before it has a commune", {"318", "classes", "2025-01-31", OP_SET, 1}, "none"},
        {"while it has one", {"318", "classes", "2025-02-28", OP_SET, 1}, "not_reporter"},
        {"and after", {"318", "classes", "2025-03-01", OP_SET, 1}, "none"},
    };
    struct world_row rows[COUNT_OF(days)];
    for (size_t i = 0; i < COUNT_OF(days); i++) {
        rows[i] = days[i].row;
        const char *got = judge_as("hai-phong", now, &rows[i]);
        ck_assert_msg(strcmp(got, days[i].expected) == 0, "%s alone: got %s", days[i].why, got);
    }
    struct intake in = intake_of("hai-phong", now);
    struct batch b = world_batch(&arena, in.time_ms, rows, COUNT_OF(rows));
    struct row_refusal *refused;
    ck_assert_uint_eq(intake_judge_rows(&in, &b, &refused), 3);
    ck_assert_uint_eq(refused[0].row, 1);
    ck_assert_uint_eq(refused[1].row, 4);
    ck_assert_uint_eq(refused[2].row, 9);
}
END_TEST

START_TEST(the_civil_day_is_that_of_viet_nam)
{
    static const struct world_row row = {"11329", "classes", "2024-09-06", OP_SET, 5};
    ck_assert_str_eq(judge_one("2024-09-05T16:59:59Z", &row), "future_period");
    ck_assert_str_eq(judge_one("2024-09-05T17:00:00Z", &row), "none");
}
END_TEST

START_TEST(scope_is_the_producers)
{
    static const struct world_row row = {"11400", "classes", "2024-09-04", OP_SET, 5};
    struct row_refusal *refused;
    struct intake in = intake_of("hai-phong", NOW);
    struct batch b = world_batch(&arena, in.time_ms, &row, 1);
    ck_assert_uint_eq(intake_judge_rows(&in, &b, &refused), 0);
    ck_assert_str_eq(judge_one(NOW, &row), "out_of_scope");
}
END_TEST

START_TEST(every_row_is_a_set_when_there_are_no_ops)
{
    static const struct world_row rows[] = {{"11329", "classes", "2024-09-04", OP_CLEAR, 5},
                                            {"11329", "calls", "2024-09-04", OP_CLEAR, 5}};
    struct row_refusal *refused;
    struct intake in = intake_of("hong-bang", NOW);
    struct batch b = world_batch(&arena, in.time_ms, rows, 2);
    b.ops = NULL;
    ck_assert_uint_eq(intake_judge_rows(&in, &b, &refused), 1);
    ck_assert_uint_eq(refused[0].row, 1);
    ck_assert_str_eq(refusal_name((enum refusal)refused[0].code), "bad_op");
}
END_TEST

START_TEST(nothing_is_known_before_a_catalogue_and_a_plan)
{
    static const struct world_row row = {"11329", "classes", "2024-09-04", OP_SET, 5};
    struct registry *empty = registry_create();
    struct row_refusal *refused;
    struct intake in = {.registry = empty, .time_ms = world_ms(NOW), .arena = &arena};
    struct batch b = world_batch(&arena, in.time_ms, &row, 1);
    ck_assert_uint_eq(intake_judge_rows(&in, &b, &refused), 1);
    ck_assert_str_eq(refusal_name((enum refusal)refused[0].code), "unknown_unit");
    registry_destroy(empty);
}
END_TEST

/* Free text, used by a row or not, must not get into the journal. */
START_TEST(a_word_that_is_no_code_refuses_the_whole_batch)
{
    static const char long_word[] = "123456789012345678901234567890123";
    static const struct {
        const char *why;
        const char *unit, *indicator;
        enum refusal expected;
    } rows[] = {
        {"a code each", "11329", "classes", REFUSAL_NONE},
        {"codes that nobody knows", "X-1.2_y", "99", REFUSAL_NONE},
        {"a person", "NGUYEN VAN A, sinh 1950", "classes", REFUSAL_BAD_CODE},
        {"letters with marks", "Lạc Viên", "classes", REFUSAL_BAD_CODE},
        {"nothing", "", "classes", REFUSAL_BAD_CODE},
        {"33 bytes", long_word, "classes", REFUSAL_BAD_CODE},
        {"an indicator of free text", "11329", "số lớp", REFUSAL_BAD_CODE},
    };
    struct intake in = intake_of("hong-bang", NOW);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct world_row both[] = {{"11329", "classes", "2024-09-04", OP_SET, 1},
                                   {rows[i].unit, rows[i].indicator, "2024-09-04", OP_SET, 1}};
        struct batch b = world_batch(&arena, in.time_ms, both, 2);
        ck_assert_msg(intake_judge_batch(&in, &b) == rows[i].expected, "%s: got %s", rows[i].why,
                      refusal_name(intake_judge_batch(&in, &b)));
        b.row_count = 1;
        ck_assert_msg(intake_judge_batch(&in, &b) == rows[i].expected, "%s, unused: got %s",
                      rows[i].why, refusal_name(intake_judge_batch(&in, &b)));
    }
}
END_TEST

START_TEST(rows_that_name_no_code_are_listed)
{
    static const struct world_row rows[] = {{"11329", "classes", "2024-09-04", OP_SET, 1},
                                            {"Lạc Viên", "classes", "2024-09-04", OP_SET, 1},
                                            {"99999", "classes", "2024-09-04", OP_SET, 1},
                                            {"11329", "số lớp", "2024-09-04", OP_SET, 1},
                                            {"Lạc Viên", "số lớp", "2024-09-04", OP_SET, 1},
                                            {"11329", "classes", "2024-09-05", OP_SET, 1}};
    struct row_refusal *refused;
    struct intake in = intake_of("hong-bang", NOW);
    struct batch b = world_batch(&arena, in.time_ms, rows, COUNT_OF(rows));
    ck_assert_uint_eq(intake_bad_codes(&in, &b, &refused), 3);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(refused[i].row, i == 0 ? 1 : i + 2);
        ck_assert_uint_eq(refused[i].code, REFUSAL_BAD_CODE);
    }
    b.row_count = 1;
    ck_assert_uint_eq(intake_bad_codes(&in, &b, &refused), 0);
}
END_TEST

START_TEST(a_role_widens_nobodys_scope)
{
    static const struct world_row row = {"11400", "classes", "2024-09-04", OP_SET, 5};
    struct producer_change change = {
        .kind = PRODUCER_SET,
        .producer = {.name = world_ident("hong-bang"),
                     .roles = ROLE_SUBMIT | ROLE_OPERATE | ROLE_SERVICE,
                     .source = world_ident("hkh"),
                     .scope_count = 1}};
    change.producer.scopes[0] = world_ident("303");
    ck_assert_int_eq(registry_apply_producer(registry, &change, NULL), 0);
    ck_assert_str_eq(judge_one(NOW, &row), "out_of_scope");
}
END_TEST

START_TEST(a_whole_batch_may_be_empty_or_ahead)
{
    static const struct {
        const char *why;
        uint32_t rows;
        int64_t ahead_ms;
        enum refusal expected;
    } rows[] = {
        {"one row, stamped now", 1, 0, REFUSAL_NONE},
        {"no row", 0, 0, REFUSAL_EMPTY},
        {"five minutes ahead", 1, INTAKE_AHEAD_MS, REFUSAL_NONE},
        {"a millisecond more", 1, INTAKE_AHEAD_MS + 1, REFUSAL_CLOCK_AHEAD},
        {"the end of all days", 1, INT64_MAX / 2, REFUSAL_CLOCK_AHEAD},
        {"long ago", 1, INT64_MIN / 2, REFUSAL_NONE},
    };
    struct intake in = intake_of("hong-bang", NOW);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct batch b = {.row_count = rows[i].rows,
                          .reported_at_ms = in.time_ms + rows[i].ahead_ms};
        ck_assert_msg(intake_judge_batch(&in, &b) == rows[i].expected, "%s: got %s", rows[i].why,
                      refusal_name(intake_judge_batch(&in, &b)));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("intake");
    TCase *all = tcase_create("intake");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, each_row_gets_the_most_useful_refusal);
    tcase_add_test(all, rows_of_one_batch_are_judged_as_if_alone);
    tcase_add_test(all, a_unit_is_judged_by_the_tree_of_each_rows_day);
    tcase_add_test(all, the_civil_day_is_that_of_viet_nam);
    tcase_add_test(all, scope_is_the_producers);
    tcase_add_test(all, every_row_is_a_set_when_there_are_no_ops);
    tcase_add_test(all, nothing_is_known_before_a_catalogue_and_a_plan);
    tcase_add_test(all, a_role_widens_nobodys_scope);
    tcase_add_test(all, a_word_that_is_no_code_refuses_the_whole_batch);
    tcase_add_test(all, rows_that_name_no_code_are_listed);
    tcase_add_test(all, a_whole_batch_may_be_empty_or_ahead);
    suite_add_tcase(suite, all);
    return suite_run(suite);
}
