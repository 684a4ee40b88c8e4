/* The work of the benchmark: 217 communes in 15 districts of one province, 10 daily indicators
 * (half flows, half stocks), 60 days, filled day by day and then corrected over and over; 5% of the
 * rows are dated back. Deterministic, and it knows what the totals must be. */
#ifndef TONGHOP_TESTS_BENCH_WORK_H
#define TONGHOP_TESTS_BENCH_WORK_H

#include "common/model/catalogue.h"
#include "common/model/observation.h"
#include "common/model/plan.h"

enum {
    WORK_DISTRICTS = 15,
    WORK_COMMUNES = 217,
    WORK_INDICATORS = 10,
    WORK_DAYS = 60,
    WORK_CELLS = WORK_COMMUNES * WORK_INDICATORS * WORK_DAYS,
};

struct work {
    day_t first_day;
    uint64_t random; /* state of the generator */
    uint64_t row;    /* rows made so far */
    int64_t figures[WORK_COMMUNES][WORK_INDICATORS][WORK_DAYS];
    bool reported[WORK_COMMUNES][WORK_INDICATORS][WORK_DAYS];
};

void work_init(struct work *w, day_t first_day);
const struct catalogue_spec *work_catalogue(const struct work *w); /* static */
const struct plan *work_plan(const struct work *w);                /* static */
/* Fills `batch` (whose arrays hold `rows` rows and every dictionary entry) with the next rows. */
void work_next(struct work *w, struct batch *batch, uint32_t rows, int64_t reported_at_ms);
struct batch *work_batch(uint32_t rows_max); /* room for work_next; lives as long as the process */
const char *work_indicator(unsigned i);
/* What the province's total must be on the last day: flows summed, stocks carried. */
int64_t work_total(const struct work *w, unsigned indicator);

#endif
