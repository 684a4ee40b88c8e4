/* What the notifier makes of a rehearsal: notifications as they are pushed, states of the target as
 * they stand. Where the configuration names no notifier, there is nothing of either. */
#ifndef TONGHOP_CLI_REHEARSE_ALERTS_H
#define TONGHOP_CLI_REHEARSE_ALERTS_H

#include "services/cli/alert_feed.h"
#include "services/cli/rehearse_screen.h"

struct rehearse_alerts {
    struct cli *cli;
    struct alert_feed *feed; /* NULL: no notifier */
    struct request *link;
    struct wire_alerts asked; /* states of the rehearsal's target */
    struct wire_alerts_reply states;
    struct arena arena;
};

/* Subscribes in the background. Call rehearse_alerts_close also after an error. */
int rehearse_alerts_open(struct rehearse_alerts *a, struct cli *cli, const struct ident *plan,
                         const struct ident *target, struct err *e);
void rehearse_alerts_close(struct rehearse_alerts *a); /* accepts a zeroed one */

/* Shows what was pushed until now. ERR_DENIED; silence is no error. */
int rehearse_alerts_take(struct rehearse_alerts *a, struct rehearse_screen *screen, struct err *e);
/* The states once a tick at or after that entry is judged and what it led to is delivered; waits
 * wait_ms at most (ERR_AGAIN). *out, of which `out->states` has none without a notifier, lives
 * until the next call. */
int rehearse_alerts_ask(struct rehearse_alerts *a, uint64_t not_before, uint32_t wait_ms,
                        const struct wire_alerts_reply **out, struct err *e);
/* How many notifications were sent, by the state that they tell of. */
int rehearse_alerts_count(struct rehearse_alerts *a, unsigned counts[WIRE_ALERT_STATES],
                          struct err *e);

#endif
