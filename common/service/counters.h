/* What a service counts: every limit, drop, retry and refusal. A counter is a plain uint64_t in
 * memory that its owner adds to (one loop, one thread, no atomics); the registry only knows how to
 * print them all. Names follow the Prometheus rules, so that the text can be served as metrics. */
#ifndef TONGHOP_SERVICE_COUNTERS_H
#define TONGHOP_SERVICE_COUNTERS_H

#include "common/base/buf.h"

struct counters;

struct counters *counters_create(void);
void counters_destroy(struct counters *c); /* accepts NULL */

/* Registers a counter (only grows; name ends in _total) or a gauge (goes up and down) and returns
 * its cell, which starts at 0 and lives as long as the registry. `reason` is the value of the
 * label, NULL for none: [0-9A-Za-z._-]. The same name and reason again gives the same cell; the
 * help text of a name is that of its first registration. Texts are borrowed: literals. */
uint64_t *counters_add(struct counters *c, const char *name, const char *reason, const char *help);
uint64_t *counters_gauge(struct counters *c, const char *name, const char *reason,
                         const char *help);

/* Appends all, ordered by first registration of the name:
 *   # HELP batches_refused_total Batches refused.
 *   # TYPE batches_refused_total counter
 *   batches_refused_total{reason="clock_ahead"} 3 */
void counters_render(const struct counters *c, struct buf *out);

#endif
