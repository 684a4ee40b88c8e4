/* Notifications as the notifier pushes them. */
#ifndef TONGHOP_CLI_ALERT_FEED_H
#define TONGHOP_CLI_ALERT_FEED_H

#include "common/wire/alert_wire.h"
#include "services/cli/cli.h"

struct alert_feed;

/* Subscribes to all that our key may see, in the background. ERR_INVALID (cli->misconfigured is
 * set) when the configuration names no notifier.feed. Caller closes; *out is NULL after an error.
 */
int alert_feed_open(struct alert_feed **out, struct cli *cli, struct err *e);
void alert_feed_close(struct alert_feed *f); /* accepts NULL */

/* Waits for the next message. 1: a notification, which lives until the next call; 0: another sign
 * of life (heads come every beat); ERR_AGAIN: nothing within timeout_ms; ERR_DENIED: our key is not
 * known there, or may not subscribe; ERR_NET. */
int alert_feed_next(struct alert_feed *f, int timeout_ms, struct wire_notification *out,
                    struct err *e);

#endif
