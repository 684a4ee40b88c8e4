/* The one poll loop of a service: sockets, plain descriptors, timers, and the admission of keys for
 * the nets given to it. Single-threaded; a handler may add or remove anything, itself included.
 *
 * A round: wait; keys and links; every ready socket, then every ready descriptor; timers that are
 * due; then the loop_after functions (where a service commits the group that the handlers gathered,
 * then sends). Handlers are level-triggered: take a bounded number of messages and return, and what
 * is left brings the next round at once, without waiting. */
#ifndef TONGHOP_NET_LOOP_H
#define TONGHOP_NET_LOOP_H

#include "common/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct net;
struct net_socket;

typedef void loop_fn(void *arg);

enum loop_interest {
    LOOP_READ = 1,
    LOOP_WRITE = 2,
};

struct loop *loop_create(void);
void loop_destroy(struct loop *l); /* accepts NULL; closes nothing that was added */

/* Milliseconds on the monotonic clock: for intervals, never for civil time. */
int64_t loop_now_ms(void);

/* The net's keys are admitted and its lost links remade by this loop. Remove before net_destroy.
 * loop_add_socket does it for the socket's own net. */
void loop_add_net(struct loop *l, struct net *n);
void loop_remove_net(struct loop *l, struct net *n);

/* ready(arg) in every round in which a message can be received. Remove before net_close. */
void loop_add_socket(struct loop *l, struct net_socket *s, loop_fn *ready, void *arg);
void loop_remove_socket(struct loop *l, struct net_socket *s);

/* ready(arg) in every round in which fd can be read or written as `interest` (LOOP_READ |
 * LOOP_WRITE) says, or was closed by the other side. Remove before close. */
void loop_add_fd(struct loop *l, int fd, unsigned interest, loop_fn *ready, void *arg);
void loop_set_fd(struct loop *l, int fd, unsigned interest); /* 0: only hang-ups */
void loop_remove_fd(struct loop *l, int fd);

/* Every interval_ms (at least 1), first after one interval. Late rounds do not pile up: one call
 * stands for all that were missed. Returns an id above 0, never used again. */
uint64_t loop_add_timer(struct loop *l, int64_t interval_ms, loop_fn *fn, void *arg);
uint64_t loop_add_timer_once(struct loop *l, int64_t delay_ms, loop_fn *fn, void *arg);
void loop_cancel_timer(struct loop *l, uint64_t id); /* accepts 0 and ids that are gone */

/* fn(arg) once after each round, in the order of adding, for good. */
void loop_after(struct loop *l, loop_fn *fn, void *arg);

/* Until loop_stop; the round in which it is called is finished, loop_after included. ERR_NET when
 * a key handler or the poll itself died: the process must end (nobody could be refused any more).
 */
int loop_run(struct loop *l, struct err *e);
/* One round that waits at most timeout_ms (0: not at all, negative: no limit). */
int loop_round(struct loop *l, int timeout_ms, struct err *e);
void loop_stop(struct loop *l);

#endif
