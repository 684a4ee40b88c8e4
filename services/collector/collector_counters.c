#include "common/model/refusal.h"
#include "services/collector/collector_service.h"

static void register_batches(struct collector_counters *n, struct counters *c)
{
    static const char batches[] = "Batches answered, by the verdict on the whole.";
    static const char rows[] = "Rows refused, by code.";
    n->batches[0] = counters_add(c, "batches_total", "taken", batches);
    for (unsigned i = 1; i <= REFUSAL_EMPTY; i++)
        n->batches[i] = counters_add(c, "batches_total", refusal_name((enum refusal)i), batches);
    n->batches[REFUSAL_BAD_CODE] =
        counters_add(c, "batches_total", refusal_name(REFUSAL_BAD_CODE), batches);
    n->batches_repeated = counters_add(c, "batches_repeated_total", NULL,
                                       "Batches that came again and got their answer again.");
    n->rows_accepted = counters_add(c, "rows_accepted_total", NULL, "Rows accepted.");
    for (unsigned i = REFUSAL_BAD_CODE; i < COLLECTOR_ROW_REFUSALS; i++)
        n->rows_refused[i] =
            counters_add(c, "rows_refused_total", refusal_name((enum refusal)i), rows);
}

static void register_answers(struct collector_counters *n, struct counters *c)
{
    n->commits = counters_add(c, "commits_total", NULL, "Synced commits.");
    n->commits_failed = counters_add(c, "commits_failed_total", NULL,
                                     "Commits that failed; nothing of their round was kept.");
    n->answers_unavailable =
        counters_add(c, "answers_unavailable_total", NULL,
                     "Answers that became unavailable because their commit failed.");
    n->fetches_served = counters_add(c, "fetches_total", "served", "Pulls of the journal.");
    n->fetches_empty = counters_add(c, "fetches_total", "empty", "Pulls of the journal.");
    n->fetches_refused = counters_add(c, "fetches_total", "refused", "Pulls of the journal.");
}

static void add(uint64_t *cell, uint64_t count)
{
    if (cell)
        *cell += count;
}

void collector_counters_note(struct collector_service *s, const struct verdict *v)
{
    struct collector_tally *t = &s->tally;
    if (v->refusal < COLLECTOR_REFUSALS)
        t->batches[v->refusal]++;
    if (v->repeated) {
        t->batches_repeated++;
        return;
    }
    for (uint32_t i = 0; i < v->refused_count; i++)
        if (v->refused[i].code < COLLECTOR_ROW_REFUSALS)
            t->rows_refused[v->refused[i].code]++;
    if (v->refusal == REFUSAL_NONE)
        t->rows_accepted += v->row_count - v->refused_count;
}

void collector_counters_keep(struct collector_service *s)
{
    const struct collector_tally *t = &s->tally;
    for (unsigned i = 0; i < COLLECTOR_REFUSALS; i++)
        add(s->count.batches[i], t->batches[i]);
    for (unsigned i = 0; i < COLLECTOR_ROW_REFUSALS; i++)
        add(s->count.rows_refused[i], t->rows_refused[i]);
    *s->count.batches_repeated += t->batches_repeated;
    *s->count.rows_accepted += t->rows_accepted;
    collector_counters_drop(s);
}

void collector_counters_drop(struct collector_service *s)
{
    s->tally = (struct collector_tally){0};
}

void collector_counters_register(struct collector_service *s)
{
    struct counters *c = service_counters(s->service);
    register_batches(&s->count, c);
    register_answers(&s->count, c);
    s->count.clock_held = counters_gauge(c, "clock_held", NULL,
                                         "1 while a jump of the clock waits for an operate key.");
}
