/* The producers of a rehearsal: each has a folder of its own with a key pair and a spool, is
 * registered with that key, and sends what the story says by the same client as everybody else.
 * What it stated stands in its spool as well, written together with the batch, so that in the end
 * the sum of what the producers hold can be laid beside what the aggregator answers. Killed and
 * started again on the same directory it goes on where it was. */
#ifndef TONGHOP_CLI_REHEARSE_PRODUCERS_H
#define TONGHOP_CLI_REHEARSE_PRODUCERS_H

#include "services/cli/cli.h"
#include "services/cli/rehearse_core.h"

struct rehearse_producers;

struct rehearse_producers_options {
    struct cli *cli;              /* its net must stand */
    const struct rehearse *story; /* borrowed, like cli */
    const char *directory;        /* exists */
    const char *endpoint;         /* of the collector; borrowed */
    struct net_key server_key;
    int patience_ms; /* without any answer; a collector may be killed and started meanwhile */
};

/* Makes the folders and keys that are not there yet. Caller closes. */
int rehearse_producers_open(struct rehearse_producers **out,
                            const struct rehearse_producers_options *options, struct err *e);
void rehearse_producers_close(struct rehearse_producers *p); /* accepts NULL */

/* "xa.11311", "huyen.318". */
const char *rehearse_producer_name(const struct rehearse *story, unsigned leaf,
                                   char out[IDENT_BYTES_MAX + 1]);
const struct net_key *rehearse_producer_key(const struct rehearse_producers *p, unsigned leaf);
/* Was its key there before: may it be registered already? */
bool rehearse_producer_is_old(const struct rehearse_producers *p, unsigned leaf);

/* Opens spools and begins to connect: once all are registered. */
int rehearse_producers_connect(struct rehearse_producers *p, struct err *e);
/* ERR_INVALID when one has already stated what comes after that step: its journal was another. */
int rehearse_producers_check(const struct rehearse_producers *p, unsigned step, struct err *e);
/* Puts the step's reports on disk, those that are not there from an earlier run, sends, and waits
 * until every one is acknowledged. ERR_INVALID when one is refused that should not be; ERR_AGAIN:
 * stopped; ERR_NET. */
int rehearse_producers_step(struct rehearse_producers *p, unsigned step, struct err *e);
/* Keeps the links alive for so long, or until stopped. */
int rehearse_producers_wait(struct rehearse_producers *p, int64_t until_ms, struct err *e);

/* The highest journal entry that an answer of this run named; 0: none. */
uint64_t rehearse_producers_offset(const struct rehearse_producers *p);

/* From the spools, not from the story: the figure each holds as its last up to that day, added up
 * by group (room for the story's groups; may be NULL) and altogether. */
int rehearse_producers_sum(struct rehearse_producers *p, day_t day, int64_t *groups, int64_t *total,
                           struct err *e);
/* What the collector said to the trespass: REFUSAL_NONE while it was not sent or, worse, accepted.
 * ERR_NOT_FOUND: no answer to it yet. */
int rehearse_producers_trespass(struct rehearse_producers *p, enum refusal *out, struct err *e);

#endif
