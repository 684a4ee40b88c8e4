/* The states of targets as trees: bars against shares, what stands, coverage. */
#ifndef TONGHOP_CLI_STATUS_STATES_H
#define TONGHOP_CLI_STATUS_STATES_H

#include "services/cli/alert_view.h"

struct status_states {
    struct wire_alerts asked; /* states */
    struct ident unit;        /* from this one down; empty: from the top */
    uint32_t depth;           /* levels below the top, or that unit */
    struct wire_alerts_reply reply;
};

/* Of the options --target, --unit and --depth. ERR_INVALID names the option. */
int status_states_take(const struct cli *cli, const struct cli_args *args,
                       struct status_states *out, struct err *e);
int status_states_ask(struct request *link, const struct cli *cli, struct status_states *s,
                      struct arena *arena, struct err *e);
void status_states_print(const struct cli *cli, const struct status_states *s);
json_t *status_states_json(const struct status_states *s); /* an array */

/* Shows them again after each tick, until Ctrl-C; in a terminal in one place. Returns an enum
 * cli_exit. */
int status_states_watch(struct cli *cli, struct status_states *s);

#endif
