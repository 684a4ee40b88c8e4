/* A plan: what is counted, by whom, when it is owed. Plain values; plan_check says what is wrong
 * with them. Targets, recipients and routes join it with the notifier. */
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
};

/* Every fault that can be seen in the plan alone: ids, duplicates, ranges, ratios of ratios,
 * records out of order or of no source of the plan, duties of unknown indicators or that overlap,
 * dates. What an indicator or a duty names must be in the same plan; two plans that share an
 * indicator both carry it, and the one applied last defines it. ERR_INVALID, or ERR_LIMIT above a
 * limit; the sentence names the place, counted from 0
 * ("indicators[2].maximum"). */
int plan_check(const struct plan *p, struct err *err);

/* Does nothing differ that changes a sum or a coverage? Names, measures, bounds and titles do not.
 * Lists in another order count as a difference: it costs a summing up for nothing, no more. */
bool indicator_counts_alike(const struct indicator *a, const struct indicator *b);
bool plan_counts_alike(const struct plan *a, const struct plan *b);

/* The source whose figure counts for that date, or NULL before the first. */
const struct source_of_record *indicator_record_on(const struct indicator *i, day_t on);

/* A copy that owns all it points to; plan_destroy takes such copies, and NULL, only. */
struct plan *plan_copy(const struct plan *p);
void plan_destroy(struct plan *p);

#endif
