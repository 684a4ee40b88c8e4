/* What is seen of a rehearsal while it runs: in a terminal a block that is drawn anew, the province
 * and its districts as bars against their shares, and over it, scrolling away, what was told; else
 * one line a day, and the block once a week. Goes to cli->err, as what goes on does. */
#ifndef TONGHOP_CLI_REHEARSE_SCREEN_H
#define TONGHOP_CLI_REHEARSE_SCREEN_H

#include "common/wire/alert_wire.h"
#include "services/cli/cli.h"
#include "services/cli/rehearse_core.h"

struct rehearse_screen {
    struct cli *cli;
    const struct rehearse *story;
    unsigned width;  /* of the terminal, in characters; 0: none, or one too low for the block */
    unsigned lines;  /* drawn last */
    struct buf told; /* in a terminal: not shown yet */
};

/* Borrows all. Says what this is: what is real and what is made up. */
void rehearse_screen_begin(struct rehearse_screen *s, struct cli *cli, const struct rehearse *story,
                           const struct rehearse_options *options, const char *source);
/* Shows what was told last. */
void rehearse_screen_end(struct rehearse_screen *s);
/* The day whose figures are shown at that step: in the evening the day's own, before it the one
 * before. */
day_t rehearse_screen_day(const struct rehearse *story, unsigned step);
/* The answers of that day: the top unit's, then the groups'; NULL: the aggregator did not answer.
 * States of the target; those of other units are passed over, and there may be none. */
void rehearse_screen_draw(struct rehearse_screen *s, unsigned step,
                          const struct wire_query_reply *answers,
                          const struct wire_alerts_reply *states);
/* A line that stays. */
void rehearse_screen_tell(struct rehearse_screen *s, const char *text);

#endif
