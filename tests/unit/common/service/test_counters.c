/* The registry: cells that stay where they are, text that a metrics reader takes. */
#include "common/service/counters.h"
#include "tests/support/suite.h"

#include <stdio.h>

static const char *rendered(const struct counters *c, struct buf *out)
{
    buf_clear(out);
    counters_render(c, out);
    buf_u8(out, 0);
    return (const char *)out->data;
}

START_TEST(counters_are_printed_under_their_names)
{
    struct counters *c = counters_create();
    struct buf out = {0};
    uint64_t *late = counters_add(c, "batches_refused_total", "clock_ahead", "Batches refused.");
    uint64_t *links = counters_gauge(c, "links", NULL, "Links that are up.");
    /* registered apart from the first of its name, printed with it */
    uint64_t *again = counters_add(c, "batches_refused_total", "number_reused", "Not this help.");
    *late += 3;
    *links = UINT64_MAX;
    (*again)++;
    ck_assert_str_eq(rendered(c, &out), "# HELP batches_refused_total Batches refused.\n"
                                        "# TYPE batches_refused_total counter\n"
                                        "batches_refused_total{reason=\"clock_ahead\"} 3\n"
                                        "batches_refused_total{reason=\"number_reused\"} 1\n"
                                        "# HELP links Links that are up.\n"
                                        "# TYPE links gauge\n"
                                        "links 18446744073709551615\n");
    buf_fini(&out);
    counters_destroy(c);
}
END_TEST

START_TEST(the_same_name_and_reason_is_the_same_cell)
{
    struct counters *c = counters_create();
    uint64_t *one = counters_add(c, "a_total", "x", "A.");
    ck_assert_ptr_eq(counters_add(c, "a_total", "x", "A."), one);
    ck_assert_ptr_ne(counters_add(c, "a_total", NULL, "A."), one);
    ck_assert_ptr_ne(counters_add(c, "a_total", "y", "A."), one);
    counters_destroy(c);
}
END_TEST

START_TEST(cells_stay_where_they_are_as_the_registry_grows)
{
    struct counters *c = counters_create();
    static char names[500][24];
    uint64_t *first = counters_add(c, "first_total", NULL, "The first.");
    *first = 42;
    for (int i = 0; i < 500; i++) {
        snprintf(names[i], sizeof names[i], "n%d_total", i);
        *counters_add(c, names[i], NULL, "Another.") = (uint64_t)i;
    }
    ck_assert_uint_eq(*counters_add(c, "first_total", NULL, "The first."), 42);
    ck_assert_ptr_eq(counters_add(c, "first_total", NULL, "The first."), first);
    ck_assert_uint_eq(*counters_add(c, "n499_total", NULL, "Another."), 499);
    counters_destroy(c);
}
END_TEST

START_TEST(an_empty_registry_prints_nothing)
{
    struct counters *c = counters_create();
    struct buf out = {0};
    ck_assert_str_eq(rendered(c, &out), "");
    buf_fini(&out);
    counters_destroy(c);
    counters_destroy(NULL);
}
END_TEST

SUITE_MAIN("service/counters", counters_are_printed_under_their_names,
           the_same_name_and_reason_is_the_same_cell,
           cells_stay_where_they_are_as_the_registry_grows, an_empty_registry_prints_nothing)
