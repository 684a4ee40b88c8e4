#include "services/cli/cli_print.h"
#include "services/cli/cmd.h"
#include "services/cli/plan_file.h"
#include "services/cli/plan_print.h"

#include <inttypes.h>

/* ---- what was understood ---- */

static void print_head(const struct plan *p, FILE *out)
{
    char from[DAY_TEXT_BYTES], to[DAY_TEXT_BYTES];
    fprintf(out, "plan      %s, version %" PRIu32 "\ntitle     %s\ndocument  %s\n", p->id.text,
            p->version, p->title, p->document);
    fprintf(out, "root      %s\nperiod    %s to %s\n\n", p->root.text, day_format(p->from, from),
            day_format(p->to, to));
}

struct tally {
    const struct catalogue *catalogue;
    day_t on;
    unsigned levels[PLAN_FILE_LEVELS];
    unsigned leaves;
};

static void tally_unit(void *arg, uint32_t unit, unsigned depth)
{
    struct tally *t = arg;
    (void)depth;
    unsigned level = catalogue_span_on(t->catalogue, unit, t->on)->level;
    t->levels[level < PLAN_FILE_LEVELS ? level : PLAN_FILE_LEVELS - 1]++;
    t->leaves += catalogue_is_leaf_on(t->catalogue, unit, t->on);
}

static void add_tree_row(struct cli_table *table, const struct catalogue *c,
                         const struct ident *root, day_t on)
{
    struct tally t = {.catalogue = c, .on = on};
    char day[DAY_TEXT_BYTES];
    uint32_t unit = catalogue_unit_on(c, catalogue_code_find(c, ident_slice(root)), on);
    if (unit == CATALOGUE_NONE)
        return;
    catalogue_visit_on(c, unit, on, tally_unit, &t);
    cli_table_add(table, "%s", day_format(on, day));
    for (unsigned level = 1; level < PLAN_FILE_LEVELS; level++)
        cli_table_add(table, "%u", t.levels[level]);
    cli_table_add(table, "%u", t.leaves);
}

/* The tree below the root on the plan's first and last day, and whenever it changed between. */
static void print_units(const struct plan_file *p, FILE *out)
{
    struct catalogue *c = NULL;
    struct cli_table table;
    const day_t *days;
    if (catalogue_build(&p->catalogue, NULL, &c, NULL) != 0)
        return; /* plan_file_load has built it before */
    cli_table_init(&table, "lrrrrr");
    cli_table_add(&table, "units below the root on");
    for (unsigned level = 1; level < PLAN_FILE_LEVELS; level++)
        cli_table_add(&table, "%s", plan_file_levels[level]);
    cli_table_add(&table, "leaves");
    add_tree_row(&table, c, &p->plan.root, p->plan.from);
    for (uint32_t i = 0, count = catalogue_change_days(c, &days); i < count; i++)
        if (days[i] > p->plan.from && days[i] < p->plan.to)
            add_tree_row(&table, c, &p->plan.root, days[i]);
    add_tree_row(&table, c, &p->plan.root, p->plan.to);
    cli_table_print(&table, out);
    if (catalogue_unit_on(c, catalogue_code_find(c, ident_slice(&p->plan.root)), p->plan.to) ==
        CATALOGUE_NONE)
        fprintf(out, "%s ends before the plan does: later figures are summed under its successor\n",
                p->plan.root.text);
    fprintf(out, "%u spans of units, %u successions\n\n", p->catalogue.span_count,
            p->catalogue.succession_count);
    cli_table_fini(&table);
    catalogue_destroy(c);
}

static void format_reporters(const struct indicator *i, char *out, size_t bytes)
{
    size_t len = 0;
    snprintf(out, bytes, "%s", i->reporters == REPORTS_LEAF ? "leaf" : "");
    for (unsigned level = 0; level < PLAN_FILE_LEVELS && i->reporters != REPORTS_LEAF; level++)
        if (i->reporters & 1u << level && len < bytes)
            len += (size_t)snprintf(out + len, bytes - len, "%s%s", len ? "," : "",
                                    plan_file_levels[level]);
}

static void add_indicator(struct cli_table *table, const struct plan *p, const struct indicator *i)
{
    static const char *const kinds[] = {"flow", "stock", "ratio"};
    char reporters[64], from[DAY_TEXT_BYTES], low[CLI_NUMBER_BYTES], high[CLI_NUMBER_BYTES];
    cli_table_add(table, "%s", i->id.text);
    cli_table_add(table, "%s", kinds[i->kind]);
    if (i->kind == INDICATOR_RATIO) {
        cli_table_add(table, "%s / %s", i->numerator.text, i->denominator.text);
        for (unsigned k = 0; k < 4; k++)
            cli_table_add(table, "%s", "");
        return;
    }
    format_reporters(i, reporters, sizeof reporters);
    cli_table_add(table, "%s, %s", i->measure.text, reporters);
    cli_table_add(table, "%s%s", period_kind_name(i->period),
                  i->calendar == CALENDAR_ADMINISTRATIVE ? " (administrative)" : "");
    cli_table_add(table, "%s to %s", cli_number(i->minimum, true, low),
                  cli_number(i->maximum, true, high));
    cli_table_add(table, "%s from %s%s", i->records[0].source.text,
                  day_format(i->records[0].from, from), i->record_count > 1 ? " …" : "");
    unsigned owed = 0;
    for (unsigned k = 0; k < p->duty_count; k++)
        if (strcmp(p->duties[k].indicator.text, i->id.text) == 0)
            owed += period_count_ends(i->period, i->calendar, p->duties[k].from, p->duties[k].to);
    cli_table_add(table, "%u", owed);
}

static void print_plan(const struct plan_file *p, FILE *out)
{
    struct cli_table table;
    print_head(&p->plan, out);
    print_units(p, out);
    cli_table_init(&table, "llllllr");
    static const char *const heads[] = {"indicator", "kind",   "unit, reporters",  "period",
                                        "bounds",    "source", "reports owed each"};
    for (unsigned i = 0; i < 7; i++)
        cli_table_add(&table, "%s", heads[i]);
    for (unsigned i = 0; i < p->plan.indicator_count; i++)
        add_indicator(&table, &p->plan, &p->plan.indicators[i]);
    cli_table_print(&table, out);
    cli_table_fini(&table);
}

static int run_check(struct cli *cli, const struct cli_args *args)
{
    struct err e = {0};
    struct plan_file p;
    if (plan_file_load(args->words[0], &p, &e) != 0)
        return cli_fail(cli, &e);
    print_plan(&p, cli->out);
    plan_print_targets(&p, cli->english, cli->out);
    fprintf(cli->out, "\n%s: the plan is good. Put it in force: tonghop plan apply %s\n",
            args->words[0], args->words[0]);
    plan_file_fini(&p);
    return CLI_OK;
}

/* ---- applying ---- */

static int apply_units(struct cli *cli, struct request *link, const struct plan_file *p,
                       bool dry_run, struct err *e)
{
    uint64_t offset = 0;
    struct wire_apply a = {
        .kind = WIRE_APPLY_CATALOGUE, .dry_run = dry_run, .catalogue = p->catalogue};
    int rc = cli_apply(link, cli, &a, &offset, e);
    if (rc == 0 && dry_run)
        fprintf(cli->out, "units: would be accepted\n");
    else if (rc == 0)
        fprintf(cli->out, "units: applied, journal entry %" PRIu64 "\n", offset);
    return rc != 0 && e->code ? err_wrap(e, "units") : rc;
}

/* judged_later: a dry run of units that may not stand yet, so the root may be missing. */
static int apply_plan(struct cli *cli, struct request *link, const struct plan_file *p,
                      bool dry_run, bool judged_later, struct err *e)
{
    uint64_t offset = 0;
    struct wire_apply a = {.kind = WIRE_APPLY_PLAN, .dry_run = dry_run, .plan = p->plan};
    int rc = cli_apply(link, cli, &a, &offset, e);
    if (rc == ERR_NOT_FOUND && judged_later) {
        fprintf(cli->out,
                "plan %s version %" PRIu32 ": right in itself; the collector can judge it only "
                "once these units stand\n",
                p->plan.id.text, p->plan.version);
        return 0;
    }
    if (rc == 0 && dry_run)
        fprintf(cli->out, "plan %s version %" PRIu32 ": would be accepted\n", p->plan.id.text,
                p->plan.version);
    else if (rc == 0)
        fprintf(cli->out, "plan %s version %" PRIu32 ": applied, journal entry %" PRIu64 "\n",
                p->plan.id.text, p->plan.version, offset);
    return rc != 0 && e->code ? err_wrap(e, "plan") : rc;
}

/* A plan that will be refused is found before its units are put in force; only that they are not
 * there yet is no fault. */
static int check_plan(struct cli *cli, struct request *link, const struct plan_file *p,
                      struct err *e)
{
    struct wire_apply a = {.kind = WIRE_APPLY_PLAN, .dry_run = true, .plan = p->plan};
    int rc = cli_apply(link, cli, &a, NULL, e);
    if (rc == ERR_NOT_FOUND)
        return 0;
    return rc != 0 && e->code ? err_wrap(e, "plan") : rc;
}

static int run_apply(struct cli *cli, const struct cli_args *args)
{
    struct err e = {0};
    struct plan_file p;
    struct request *link = NULL;
    bool dry_run = cli_switch(args, "dry-run");
    int rc = plan_file_load(args->words[0], &p, &e);
    if (rc != 0)
        return cli_fail(cli, &e);
    rc = cli_connect(cli, CLI_COLLECTOR, &link, &e);
    bool with_units = !cli_switch(args, "skip-units");
    if (rc == 0)
        rc = check_plan(cli, link, &p, &e);
    if (rc == 0 && with_units)
        rc = apply_units(cli, link, &p, dry_run, &e);
    if (rc == 0)
        rc = apply_plan(cli, link, &p, dry_run, dry_run && with_units, &e);
    request_close(link);
    plan_file_fini(&p);
    return rc == 0 ? CLI_OK : cli_fail(cli, &e);
}

const struct cli_command cmd_plan_check = {
    .name = "plan check",
    .words = "FILE",
    .words_min = 1,
    .words_max = 1,
    .summary = "read a plan and its units, say what was understood or what is wrong",
    .help = "Reads the YAML file and the CSV files it names, and checks everything that can be\n"
            "checked without a service. A mistake is said with file, line and column (row, in a\n"
            "CSV). config/plans/README.md explains every key.\n\n"
            "  tonghop plan check config/plans/haiphong-2024.yaml\n",
    .run = run_check,
};

static const struct cli_option apply_options[] = {
    {"dry-run", NULL,
     "ask the collector whether it would accept, change nothing. The plan is\n"
     "judged against the units that stand"},
    {"skip-units", NULL, "leave the units that stand: they were applied before"},
};

const struct cli_command cmd_plan_apply = {
    .name = "plan apply",
    .words = "FILE",
    .words_min = 1,
    .words_max = 1,
    .summary = "check a plan, then put its units and itself in force",
    .help =
        "Checks as `plan check` does, then sends the units and the plan to the collector, which\n"
        "checks again and journals them; from then on they hold for all services. It takes an\n"
        "operate key.\n\n"
        "The units replace the catalogue that stands, whole: list the files of all provinces of\n"
        "the instance under `units`, or use --skip-units. The same units once more change nothing\n"
        "but cost a rebuild. A plan that was applied is changed by raising its version.\n\n"
        "  tonghop plan apply --dry-run config/plans/haiphong-2024.yaml\n"
        "  tonghop plan apply config/plans/haiphong-2024.yaml\n",
    .options = apply_options,
    .option_count = sizeof apply_options / sizeof *apply_options,
    .run = run_apply,
};
