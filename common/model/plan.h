/* A plan: what is counted, by whom, when it is owed, what is to be reached. Plain values;
 * plan_check says what is wrong with them. */
#ifndef TONGHOP_MODEL_PLAN_H
#define TONGHOP_MODEL_PLAN_H

#include "common/base/err.h"
#include "common/model/ident.h"
#include "common/model/period.h"

enum indicator_kind { INDICATOR_FLOW, INDICATOR_STOCK, INDICATOR_RATIO };
enum indicator_entry { ENTRY_SET, ENTRY_TALLY };

enum {
    PLAN_INDICATORS_MAX = 1024,
    PLAN_SOURCES_MAX = 256,
    PLAN_DUTIES_MAX = 4096,
    PLAN_TARGETS_MAX = 256,
    TARGET_SUSPENDED_MAX = 8,
    TARGET_SHARES_MAX = 16384,
    TARGET_WEEKEND_MAX = 10000,
    RATIO_WHOLE = 1000000, /* bounds of a ratio are in parts per million */
    DUTY_DUE_DAYS_MAX = 366,
    INDICATOR_RECORDS_MAX = 16,
    REPORTS_LEAF = 1u << 31, /* reporter rule: catalogue_is_leaf_on; else a set of 1 << level */
};

/* From `from` (a period's last day) on, this source's figures are the ones that count. */
struct source_of_record {
    day_t from;
    struct ident source;
};

struct indicator {
    struct ident id;
    const char *name; /* Vietnamese, UTF-8 */
    enum indicator_kind kind;
    enum indicator_entry entry;
    struct ident measure; /* persons, families, dong */
    int64_t minimum;
    int64_t maximum;
    uint32_t reporters; /* REPORTS_LEAF, or bits 1 << level */
    enum period_kind period;
    enum period_calendar calendar;
    struct source_of_record records[INDICATOR_RECORDS_MAX]; /* by day, ascending */
    unsigned record_count;
    struct ident numerator; /* of a ratio */
    struct ident denominator;
};

struct source {
    struct ident id;
    const char *name;
};

/* The reporting calendar: for each period of the indicator that ends in from..to, every reporter
 * owes a report, due at the end of the civil day `due_days` after the period's last day. */
struct duty {
    struct ident indicator;
    day_t from;
    day_t to; /* has an end, as the plan has: never DAY_NEVER */
    unsigned due_days;
};

struct day_range {
    day_t from;
    day_t to; /* included */
};

/* What one unit below the scope has to bring. */
struct target_share {
    struct ident unit; /* code of the unit that bears it on the target's due day */
    int64_t lower;
    int64_t stretch; /* 0 where the target has none */
};

/* What is to be reached, where, by when. Counts are in the indicator's measure, bounds of a ratio
 * in parts per million. */
struct target {
    struct ident id;
    const char *title;  /* Vietnamese, UTF-8 */
    const char *clause; /* of the plan's document; "" for none */
    struct ident indicator;
    struct ident unit; /* code of the scope's top, as of the due day */
    int64_t lower;     /* reached means at least this */
    int64_t stretch;   /* 0: none */
    day_t start;       /* the first day that counts towards it; the path begins with it */
    day_t due;         /* the last */
    /* What a Saturday or a Sunday weighs on the expected path; a weekday weighs 1000. */
    unsigned weekend_permille;
    struct day_range suspended[TARGET_SUSPENDED_MAX]; /* ascending; such days weigh nothing */
    unsigned suspended_count;
    struct target_share
        *shares; /* by code, ascending; none of a ratio, which holds for each unit */
    unsigned share_count;
};

struct plan {
    struct ident id;
    uint32_t version; /* 1, 2, 3 …; a later one replaces the earlier */
    const char *title;
    const char *document; /* the paper it carries out */
    struct ident root;    /* unit code at the top of the plan's tree */
    day_t from;
    day_t to;
    struct source *sources;
    unsigned source_count;
    struct indicator *indicators;
    unsigned indicator_count;
    struct duty *duties;
    unsigned duty_count;
    struct target *targets;
    unsigned target_count;
    bool is_rehearsal; /* its figures are made up: every message says so */
};

/* Every fault that can be seen in the plan alone: ids, duplicates, ranges, ratios of ratios,
 * records out of order or of no source of the plan, duties of unknown indicators or that overlap,
 * dates, bounds of targets. Whether shares add up hangs on the tree: plan_tree.h. What an indicator
 * or a duty names must be in the same plan; two plans that share an indicator both carry it, and
 * the one applied last defines it. ERR_INVALID, or ERR_LIMIT above a limit; the sentence names the
 * place, counted from 0
 * ("indicators[2].maximum"). */
int plan_check(const struct plan *p, struct err *err);

/* Does nothing differ that changes a sum or a coverage? Names, measures, bounds, titles and targets
 * do not.
 * Lists in another order count as a difference: it costs a summing up for nothing, no more. */
bool indicator_counts_alike(const struct indicator *a, const struct indicator *b);
bool plan_counts_alike(const struct plan *a, const struct plan *b);

/* The source whose figure counts for that date, or NULL before the first. */
const struct source_of_record *indicator_record_on(const struct indicator *i, day_t on);

/* The share of the unit with that code, or NULL. */
const struct target_share *target_share_find(const struct target *t, struct slice unit);

/* A copy that owns all it points to; plan_destroy takes such copies, and NULL, only. */
struct plan *plan_copy(const struct plan *p);
void plan_destroy(struct plan *p);

#endif
