/* A whole rehearsal on the real services: everybody is killed in the middle of it, and it still
 * ends as the seed says. */
#include "services/cli/rehearse_core.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "services/cli/cli.h"
#include "services/cli/plan_file.h"
#include "tests/support/office.h"
#include "tests/support/suite.h"

#define SEED "7"

/* What the seed says. */
struct expected {
    struct plan_file plan;
    struct catalogue *catalogue;
    struct rehearse *story;
};

static void plan_path(char out[1024])
{
    const char *source = getenv("TONGHOP_SOURCE");
    ck_assert_msg(source != NULL, "TONGHOP_SOURCE is not set: run through ctest");
    snprintf(out, 1024, "%s/config/plans/haiphong-2024.yaml", source);
}

static void expect(struct expected *x)
{
    char path[1024];
    struct err e = {0};
    struct rehearse_options options = {strtoull(SEED, NULL, 10), REHEARSE_INSIDE};
    plan_path(path);
    ck_assert_msg(plan_file_load(path, &x->plan, &e) == 0, "%s", e.text);
    ck_assert_int_eq(catalogue_build(&x->plan.catalogue, NULL, &x->catalogue, &e), 0);
    ck_assert_int_eq(rehearse_create(&x->story, &options, &x->plan.plan, x->catalogue, &e), 0);
}

static void forget(struct expected *x)
{
    rehearse_destroy(x->story);
    catalogue_destroy(x->catalogue);
    plan_file_fini(&x->plan);
}

static const char *command(const char *more, char out[1200])
{
    char path[1024];
    plan_path(path);
    snprintf(out, 1200, "rehearse --fast --lang en --plan %s --directory play %s", path, more);
    return out;
}

static int64_t total_of(const struct rehearse *r, unsigned group)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < r->leaf_count; i++)
        if (r->leaves[i].group == group)
            sum += r->leaves[i].total;
    return sum;
}

static int64_t ask(struct office *o, const char *unit)
{
    office_must(o, CLI_OK, "query %s cdht.dangky 2024-10-05 --json", unit);
    ck_assert_str_eq(office_json_text(o, "source"), "dientap");
    return office_json_int(o, "value");
}

/* By questions of our own, against what the seed says. */
static void check_totals(struct office *o)
{
    struct expected x;
    expect(&x);
    ck_assert_int_eq(ask(o, "31"), x.story->total);
    ck_assert_int_eq(office_json_int(o, "owed"), 218);
    ck_assert_int_eq(office_json_int(o, "reported"), 218);
    for (unsigned i = 0; i < x.story->group_count; i++) {
        int64_t found = ask(o, x.story->groups[i].unit.code.text), want = total_of(x.story, i);
        ck_assert_msg(found == want, "%s: %" PRId64 " instead of %" PRId64,
                      x.story->groups[i].unit.name, found, want);
    }
    forget(&x);
}

/* The same command once more has nothing left to do but to tell how it ended. */
static void check_told_again(struct office *o)
{
    char line[1200];
    office_must(o, CLI_OK, "%s", command("--seed " SEED " --json", line));
    ck_assert_int_eq(office_json_int(o, "total"), office_json_int(o, "sent"));
    ck_assert(office_json_is(o, "agrees"));
    ck_assert(office_json_is(o, "as_wanted"));
    ck_assert(office_json_is(o, "generated"));
    ck_assert_str_eq(office_json_text(o, "trespass"), "out_of_scope");
    ck_assert_str_eq(office_json_text(o, "source"), "dientap");
    ck_assert_int_eq(office_json_int(o, "producers"), 218);
    office_must(o, CLI_REFUSED, "%s", command("--seed 8", line));
    office_said(o, "play holds another rehearsal (--seed " SEED " --outcome inside");
}

START_TEST(a_month_ends_as_the_seed_says_whoever_is_killed_in_it)
{
    struct office o;
    struct office_child c;
    char line[1200];
    office_open(&o, "rehearse");
    office_start(&o);
    command("--seed " SEED, line);
    office_spawn(&o, &c, line);
    office_await(&c,
                 "REHEARSAL. Units, targets and populations are real; the counts are generated");
    ck_assert_int_eq(office_end(&c, SIGKILL), PROCESS_SIGNALLED + SIGKILL);
    office_spawn(&o, &c, line);
    office_await(&c, "2024-09-06 24:00");
    process_kill(&o.collector);
    office_start(&o);
    office_await(&c, "no power after the typhoon");
    ck_assert_int_eq(office_end(&c, SIGKILL), PROCESS_SIGNALLED + SIGKILL);
    office_spawn(&o, &c, line);
    office_await(&c, "2024-09-16 24:00");
    process_kill(&o.aggregator);
    office_start(&o);
    office_await(&c, "REFUSED (out_of_scope)");
    ck_assert_int_eq(office_end(&c, SIGTERM), CLI_UNREACHABLE);
    office_spawn(&o, &c, line);
    office_await(&c, "2024-09-30 24:00");
    process_kill(&o.collector);
    office_start(&o);
    office_await(&c, "2024-10-06 24:00");
    ck_assert_int_eq(office_end(&c, 0), CLI_OK);
    check_totals(&o);
    check_told_again(&o);
    office_must(&o, CLI_OK, "verify aggregator.yaml");
    office_close(&o);
}
END_TEST

START_TEST(real_figures_and_a_rehearsal_do_not_mix)
{
    struct office o;
    char line[1200], path[1024];
    plan_path(path);
    office_open(&o, "mix");
    office_start(&o);
    office_must(&o, CLI_OK, "clock tick 2024-09-04T08:00:00+07:00");
    office_must(&o, CLI_OK, "plan apply %s", path);
    office_must(&o, CLI_REFUSED, "%s", command("", line));
    office_said(&o, "where it stands for real figures, rehearse with a new journal");
    office_must(&o, CLI_OK, "clock tick 2024-09-05T08:00:00+07:00");
    office_must(&o, CLI_REFUSED, "%s --directory other", command("", line));
    office_said(&o, "other holds no rehearsal that could be gone on with");
    office_close(&o);
}
END_TEST

START_TEST(words_that_make_no_sense_are_told)
{
    struct office o;
    office_open(&o, "words");
    office_start(&o);
    office_must(&o, CLI_USAGE, "rehearse --outcome above");
    office_said(&o, "--outcome above: write inside, just-short or far-short");
    office_must(&o, CLI_USAGE, "rehearse --fast --speed 1s");
    office_must(&o, CLI_USAGE, "rehearse --seed many");
    office_must(&o, CLI_REFUSED, "rehearse --plan nowhere.yaml");
    office_close(&o);
}
END_TEST

SUITE_MAIN("rehearsals on real services", a_month_ends_as_the_seed_says_whoever_is_killed_in_it,
           real_figures_and_a_rehearsal_do_not_mix, words_that_make_no_sense_are_told)
