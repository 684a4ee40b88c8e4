/* What is seen of a rehearsal while it runs: in a terminal a block that is drawn anew, the province
 * and its districts as bars against their shares; else one line a day. Goes to cli->err, as what
 * goes on does. */
#ifndef TONGHOP_CLI_REHEARSE_SCREEN_H
#define TONGHOP_CLI_REHEARSE_SCREEN_H

#include "services/cli/cli.h"
#include "services/cli/rehearse_core.h"

enum { REHEARSE_EVENTS_MAX = 4, REHEARSE_EVENT_BYTES = 512 };

struct rehearse_screen {
    struct cli *cli;
    const struct rehearse *story;
    bool is_terminal;
    unsigned lines; /* drawn last */
    char events[REHEARSE_EVENTS_MAX][REHEARSE_EVENT_BYTES];
    unsigned event_count;
};

/* Borrows both. Says what this is: what is real and what is made up. */
void rehearse_screen_begin(struct rehearse_screen *s, struct cli *cli, const struct rehearse *story,
                           const struct rehearse_options *options, const char *source);
/* The day whose figures are shown at that step: in the evening the day's own, before it the one
 * before. */
day_t rehearse_screen_day(const struct rehearse *story, unsigned step);
/* The answers of that day: the top unit's, then the groups'; NULL: the aggregator did not answer.
 */
void rehearse_screen_draw(struct rehearse_screen *s, unsigned step,
                          const struct wire_query_reply *answers);
/* A line that stays. */
void rehearse_screen_tell(struct rehearse_screen *s, const char *text);

#endif
