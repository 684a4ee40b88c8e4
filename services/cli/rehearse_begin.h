/* What stands before a rehearsal's first report: the plan as it is rehearsed, which names the
 * source of every count as generated, in force in a replay journal of its own; and the producers,
 * known to the collector. Each step is done at most once, whatever was killed between. */
#ifndef TONGHOP_CLI_REHEARSE_BEGIN_H
#define TONGHOP_CLI_REHEARSE_BEGIN_H

#include "services/cli/plan_file.h"
#include "services/cli/rehearse_producers.h"

/* The source that everything generated is reported under. */
extern const char rehearse_source[];

/* Turns the plan into the one that is rehearsed: that source in place of the others for this
 * indicator, the title and a mark saying what it is. Units, targets, shares and calendar stay. The
 * new texts live in the file's arena. */
void rehearse_begin_mark(struct plan_file *p, const struct ident *indicator);

/* The operator's side of the collector. */
struct rehearse_operator {
    struct cli *cli;
    struct request *link;
    int patience_ms; /* a collector may be killed and started meanwhile */
};

/* As cli_apply, asked again until there is an answer. */
int rehearse_begin_apply(const struct rehearse_operator *o, const struct wire_apply *apply,
                         uint64_t *offset, struct err *e);
/* ERR_INVALID when the journal is no replay journal. */
int rehearse_begin_health(const struct rehearse_operator *o, int64_t *time_ms, uint64_t *head,
                          struct err *e);
int rehearse_begin_tick(const struct rehearse_operator *o, int64_t time_ms, uint64_t *offset,
                        struct err *e);
int rehearse_begin_plan(const struct rehearse_operator *o, const struct plan_file *p,
                        const struct rehearse *story, struct err *e);
int rehearse_begin_register(const struct rehearse_operator *o, const struct rehearse *story,
                            const struct rehearse_producers *producers, struct err *e);

#endif
