#include "services/cli/plan_print.h"

#include "services/cli/cli_print.h"

#include <inttypes.h>

static const char *word(bool english, const char *vietnamese, const char *in_english)
{
    return english ? in_english : vietnamese;
}

/* 05/10/2024, or 2024-10-05. */
static const char *print_day(day_t day, bool english, char out[DAY_TEXT_BYTES])
{
    char iso[DAY_TEXT_BYTES];
    day_format(day, iso);
    if (english)
        snprintf(out, DAY_TEXT_BYTES, "%s", iso);
    else
        snprintf(out, DAY_TEXT_BYTES, "%.2s/%.2s/%.4s", iso + 8, iso + 5, iso);
    return out;
}

static bool is_ratio(const struct plan *p, const struct target *t)
{
    for (unsigned i = 0; i < p->indicator_count; i++)
        if (ident_equal(&p->indicators[i].id, &t->indicator))
            return p->indicators[i].kind == INDICATOR_RATIO;
    return false;
}

static const char *print_bound(int64_t value, bool ratio, bool english, char out[CLI_NUMBER_BYTES])
{
    struct wire_answer as_ratio = {.has_value = true, .value = value, .denominator = 1};
    if (value == 0)
        snprintf(out, CLI_NUMBER_BYTES, "-");
    else if (ratio)
        cli_value(&as_ratio, english, out);
    else
        cli_number(value, english, out);
    return out;
}

static void add_target(struct cli_table *table, const struct plan *p, const struct target *t,
                       bool english)
{
    char lower[CLI_NUMBER_BYTES], stretch[CLI_NUMBER_BYTES];
    char start[DAY_TEXT_BYTES], due[DAY_TEXT_BYTES];
    bool ratio = is_ratio(p, t);
    day_t suspended = 0;
    for (unsigned i = 0; i < t->suspended_count; i++)
        suspended += t->suspended[i].to - t->suspended[i].from + 1;
    cli_table_add(table, "%s", t->id.text);
    cli_table_add(table, "%s", t->title);
    cli_table_add(table, "%s", t->clause);
    cli_table_add(table, "%s", t->indicator.text);
    cli_table_add(table, "%s", t->unit.text);
    cli_table_add(table, "%s", print_bound(t->lower, ratio, english, lower));
    cli_table_add(table, "%s", print_bound(t->stretch, ratio, english, stretch));
    cli_table_add(table, "%s", print_day(t->start, english, start));
    cli_table_add(table, "%s", print_day(t->due, english, due));
    cli_table_add(table, "%u/1000", t->weekend_permille);
    cli_table_add(table, "%d", suspended);
}

static void print_list(const struct plan *p, bool english, FILE *out)
{
    static const char *const heads[][2] = {
        {"Mục tiêu", "target"},
        {"Nội dung", "title"},
        {"Điều khoản", "clause"},
        {"Chỉ tiêu", "indicator"},
        {"Đơn vị", "unit"},
        {"Tối thiểu", "lower"},
        {"Phấn đấu", "stretch"},
        {"Từ ngày", "start"},
        {"Đến ngày", "due"},
        {"Thứ bảy, Chủ nhật", "weekends"},
        {"Số ngày tạm dừng", "suspended"},
    };
    struct cli_table table;
    cli_table_init(&table, "lllllrrllrr");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        cli_table_add(&table, "%s", heads[i][english]);
    for (unsigned i = 0; i < p->target_count; i++)
        add_target(&table, p, &p->targets[i], english);
    cli_table_print(&table, out);
    cli_table_fini(&table);
}

/* ---- what falls to each ---- */

/* The shares below one unit that has a share. */
struct below {
    const struct catalogue *catalogue;
    const struct target *target;
    unsigned count;
    int64_t least;
    int64_t most;
};

static const struct target_share *share_of(const struct catalogue *c, const struct target *t,
                                           uint32_t unit)
{
    return target_share_find(t, slice_str(catalogue_code_text(c, catalogue_unit(c, unit)->code)));
}

static void take_below(void *arg, uint32_t unit, unsigned depth)
{
    struct below *b = arg;
    const struct target_share *share = depth == 1 ? share_of(b->catalogue, b->target, unit) : NULL;
    if (!share)
        return;
    if (b->count++ == 0 || share->lower < b->least)
        b->least = share->lower;
    if (b->count == 1 || share->lower > b->most)
        b->most = share->lower;
}

struct shares {
    struct cli_table table;
    const struct catalogue *catalogue;
    const struct target *target;
    bool english;
};

static void add_share(void *arg, uint32_t unit, unsigned depth)
{
    struct shares *s = arg;
    struct below below = {.catalogue = s->catalogue, .target = s->target};
    char lower[CLI_NUMBER_BYTES], stretch[CLI_NUMBER_BYTES];
    const struct target_share *share = depth == 1 ? share_of(s->catalogue, s->target, unit) : NULL;
    if (!share)
        return;
    catalogue_visit_on(s->catalogue, unit, s->target->due, take_below, &below);
    cli_table_add(&s->table, "%s", share->unit.text);
    cli_table_add(&s->table, "%s", catalogue_span_on(s->catalogue, unit, s->target->due)->name);
    cli_table_add(&s->table, "%s", cli_number(share->lower, s->english, lower));
    cli_table_add(&s->table, "%s", print_bound(share->stretch, false, s->english, stretch));
    cli_table_add(&s->table, "%u", below.count);
    if (below.count == 0)
        cli_table_add(&s->table, "-");
    else if (below.least == below.most)
        cli_table_add(&s->table, "%s", cli_number(below.least, s->english, lower));
    else
        cli_table_add(&s->table, "%s - %s", cli_number(below.least, s->english, lower),
                      cli_number(below.most, s->english, stretch));
}

static void add_sum(struct shares *s)
{
    char lower[CLI_NUMBER_BYTES], stretch[CLI_NUMBER_BYTES];
    const struct target *t = s->target;
    cli_table_add(&s->table, "%s", "");
    cli_table_add(&s->table, "%s", word(s->english, "Cộng", "total"));
    cli_table_add(&s->table, "%s", cli_number(t->lower, s->english, lower));
    cli_table_add(&s->table, "%s", print_bound(t->stretch, false, s->english, stretch));
    cli_table_add(&s->table, "%s", "");
    cli_table_add(&s->table, "%s", "");
}

static void print_shares(const struct catalogue *c, const struct target *t, bool english, FILE *out)
{
    static const char *const heads[][2] = {
        {"Mã", "code"},          {"Đơn vị", "unit"},    {"Tối thiểu", "lower"},
        {"Phấn đấu", "stretch"}, {"Cấp dưới", "below"}, {"Mỗi đơn vị cấp dưới", "each of them"},
    };
    struct shares s = {.catalogue = c, .target = t, .english = english};
    char due[DAY_TEXT_BYTES];
    fprintf(out, "\n%s %s (%s %s)\n", word(english, "Phân bổ", "allotment of"), t->id.text,
            word(english, "đơn vị có hiệu lực ngày", "units in force on"),
            print_day(t->due, english, due));
    cli_table_init(&s.table, "llrrrr");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        cli_table_add(&s.table, "%s", heads[i][english]);
    uint32_t code = catalogue_code_find(c, ident_slice(&t->unit));
    catalogue_visit_on(c, catalogue_unit_on(c, code, t->due), t->due, add_share, &s);
    add_sum(&s);
    cli_table_print(&s.table, out);
    cli_table_fini(&s.table);
}

void plan_print_targets(const struct plan_file *p, bool english, FILE *out)
{
    struct catalogue *c = NULL;
    if (p->plan.target_count == 0 || catalogue_build(&p->catalogue, NULL, &c, NULL) != 0)
        return; /* plan_file_load has built it before */
    fputc('\n', out);
    print_list(&p->plan, english, out);
    for (unsigned i = 0; i < p->plan.target_count; i++)
        if (p->plan.targets[i].share_count > 0)
            print_shares(c, &p->plan.targets[i], english, out);
    catalogue_destroy(c);
}
