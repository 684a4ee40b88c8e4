#include "common/net/loop.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/net/net_internal.h"

#include <stdlib.h>
#include <time.h>

/* A socket or a descriptor. */
struct watch {
    struct net_socket *socket; /* NULL: fd */
    int fd;
    unsigned interest;
    loop_fn *ready;
    void *arg;
    bool dead; /* removed in this round; swept before the next */
};

struct timer {
    uint64_t id;
    int64_t due_ms;
    int64_t interval_ms; /* 0: once */
    loop_fn *fn;
    void *arg;
    bool dead;
};

struct after {
    loop_fn *fn;
    void *arg;
};

struct loop {
    struct watch *watches;
    size_t watch_count, watch_capacity;
    struct timer *timers;
    size_t timer_count, timer_capacity;
    struct after *afters;
    size_t after_count, after_capacity;
    struct net **nets;
    size_t net_count, net_capacity;
    zmq_pollitem_t *items;
    size_t item_capacity;
    uint64_t timer_last_id;
    bool stopping;
};

struct loop *loop_create(void)
{
    return alloc_zeroed(1, sizeof(struct loop));
}

void loop_destroy(struct loop *l)
{
    if (!l)
        return;
    free(l->watches);
    free(l->timers);
    free(l->afters);
    free(l->nets);
    free(l->items);
    free(l);
}

int64_t loop_now_ms(void)
{
    struct timespec now;
    require(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- what is watched ---- */

static size_t loop_find_net(const struct loop *l, const struct net *n)
{
    size_t i = 0;
    while (i < l->net_count && l->nets[i] != n)
        i++;
    return i;
}

void loop_add_net(struct loop *l, struct net *n)
{
    if (loop_find_net(l, n) < l->net_count)
        return;
    void *array = l->nets;
    alloc_reserve(&array, &l->net_capacity, l->net_count + 1, sizeof *l->nets);
    l->nets = array;
    l->nets[l->net_count++] = n;
}

void loop_remove_net(struct loop *l, struct net *n)
{
    size_t i = loop_find_net(l, n);
    if (i < l->net_count)
        l->nets[i] = l->nets[--l->net_count];
}

static void loop_add_watch(struct loop *l, struct watch watch)
{
    void *array = l->watches;
    alloc_reserve(&array, &l->watch_capacity, l->watch_count + 1, sizeof *l->watches);
    l->watches = array;
    l->watches[l->watch_count++] = watch;
}

static struct watch *loop_find_watch(struct loop *l, const struct net_socket *s, int fd)
{
    for (size_t i = 0; i < l->watch_count; i++) {
        struct watch *w = &l->watches[i];
        if (!w->dead && w->socket == s && w->fd == fd)
            return w;
    }
    return NULL;
}

static void loop_remove_watch(struct loop *l, const struct net_socket *s, int fd)
{
    struct watch *w = loop_find_watch(l, s, fd);
    if (w)
        w->dead = true;
}

void loop_add_socket(struct loop *l, struct net_socket *s, loop_fn *ready, void *arg)
{
    require(!loop_find_watch(l, s, -1));
    loop_add_net(l, s->net);
    loop_add_watch(
        l,
        (struct watch){.socket = s, .fd = -1, .interest = LOOP_READ, .ready = ready, .arg = arg});
}

void loop_remove_socket(struct loop *l, struct net_socket *s)
{
    loop_remove_watch(l, s, -1);
}

void loop_add_fd(struct loop *l, int fd, unsigned interest, loop_fn *ready, void *arg)
{
    require(fd >= 0 && !loop_find_watch(l, NULL, fd));
    loop_add_watch(l, (struct watch){.fd = fd, .interest = interest, .ready = ready, .arg = arg});
}

void loop_set_fd(struct loop *l, int fd, unsigned interest)
{
    struct watch *w = loop_find_watch(l, NULL, fd);
    require(w != NULL);
    w->interest = interest;
}

void loop_remove_fd(struct loop *l, int fd)
{
    loop_remove_watch(l, NULL, fd);
}

/* ---- timers ---- */

static uint64_t loop_timer(struct loop *l, int64_t delay_ms, int64_t interval_ms, loop_fn *fn,
                           void *arg)
{
    void *array = l->timers;
    alloc_reserve(&array, &l->timer_capacity, l->timer_count + 1, sizeof *l->timers);
    l->timers = array;
    l->timers[l->timer_count++] = (struct timer){.id = ++l->timer_last_id,
                                                 .due_ms = loop_now_ms() + delay_ms,
                                                 .interval_ms = interval_ms,
                                                 .fn = fn,
                                                 .arg = arg};
    return l->timer_last_id;
}

uint64_t loop_add_timer(struct loop *l, int64_t interval_ms, loop_fn *fn, void *arg)
{
    require(interval_ms >= 1);
    return loop_timer(l, interval_ms, interval_ms, fn, arg);
}

uint64_t loop_add_timer_once(struct loop *l, int64_t delay_ms, loop_fn *fn, void *arg)
{
    require(delay_ms >= 0);
    return loop_timer(l, delay_ms, 0, fn, arg);
}

void loop_cancel_timer(struct loop *l, uint64_t id)
{
    for (size_t i = 0; i < l->timer_count; i++)
        if (l->timers[i].id == id)
            l->timers[i].dead = true;
}

/* By index: fn may add timers, which moves the array. Those added now wait for the next round. */
static void loop_run_timers(struct loop *l)
{
    int64_t now = loop_now_ms();
    size_t count = l->timer_count;
    for (size_t i = 0; i < count; i++) {
        struct timer *t = &l->timers[i];
        if (t->dead || t->due_ms > now)
            continue;
        t->dead = t->interval_ms == 0;
        t->due_ms += t->interval_ms;
        if (t->due_ms <= now)
            t->due_ms = now + t->interval_ms;
        t->fn(t->arg);
    }
}

void loop_after(struct loop *l, loop_fn *fn, void *arg)
{
    void *array = l->afters;
    alloc_reserve(&array, &l->after_capacity, l->after_count + 1, sizeof *l->afters);
    l->afters = array;
    l->afters[l->after_count++] = (struct after){fn, arg};
}

/* ---- a round ---- */

static void loop_sweep(struct loop *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->watch_count; i++)
        if (!l->watches[i].dead)
            l->watches[kept++] = l->watches[i];
    l->watch_count = kept;
    kept = 0;
    for (size_t i = 0; i < l->timer_count; i++)
        if (!l->timers[i].dead)
            l->timers[kept++] = l->timers[i];
    l->timer_count = kept;
}

static zmq_pollitem_t loop_item(const struct watch *w)
{
    if (w->socket)
        return (zmq_pollitem_t){.socket = w->socket->zmq, .fd = -1, .events = ZMQ_POLLIN};
    short events = ZMQ_POLLERR;
    if (w->interest & LOOP_READ)
        events |= ZMQ_POLLIN;
    if (w->interest & LOOP_WRITE)
        events |= ZMQ_POLLOUT;
    return (zmq_pollitem_t){.fd = w->fd, .events = events};
}

/* The watches' items come first, in their order. */
static size_t loop_fill(struct loop *l)
{
    size_t count = l->watch_count;
    for (size_t i = 0; i < l->net_count; i++)
        count += net_poll_count(l->nets[i]);
    void *array = l->items;
    alloc_reserve(&array, &l->item_capacity, count, sizeof *l->items);
    l->items = array;
    for (size_t i = 0; i < l->watch_count; i++)
        l->items[i] = loop_item(&l->watches[i]);
    size_t at = l->watch_count;
    for (size_t i = 0; i < l->net_count; i++) {
        net_poll_fill(l->nets[i], l->items + at);
        at += net_poll_count(l->nets[i]);
    }
    return count;
}

static int64_t loop_wait_ms(const struct loop *l, int timeout_ms)
{
    int64_t deadline = INT64_MAX;
    for (size_t i = 0; i < l->timer_count; i++)
        if (l->timers[i].due_ms < deadline)
            deadline = l->timers[i].due_ms;
    for (size_t i = 0; i < l->net_count; i++)
        if (net_deadline_ms(l->nets[i]) < deadline)
            deadline = net_deadline_ms(l->nets[i]);
    if (deadline == INT64_MAX)
        return timeout_ms;
    int64_t wait = deadline - loop_now_ms();
    wait = wait < 0 ? 0 : wait;
    return timeout_ms >= 0 && timeout_ms < wait ? timeout_ms : wait;
}

/* Sockets, then descriptors. The watch is looked up anew each time: a handler may remove any. */
static void loop_run_ready(struct loop *l, size_t count, bool sockets)
{
    for (size_t i = 0; i < count; i++) {
        struct watch w = l->watches[i];
        if (!w.dead && l->items[i].revents != 0 && (w.socket != NULL) == sockets)
            w.ready(w.arg);
    }
}

int loop_round(struct loop *l, int timeout_ms, struct err *e)
{
    loop_sweep(l);
    size_t watches = l->watch_count;
    size_t items = loop_fill(l);
    int rc = net_poll(l->items, items, loop_wait_ms(l, timeout_ms), e);
    for (size_t i = 0; rc >= 0 && i < l->net_count; i++)
        rc = net_serve(l->nets[i], e);
    if (rc < 0)
        return rc;
    loop_run_ready(l, watches, true);
    loop_run_ready(l, watches, false);
    loop_run_timers(l);
    for (size_t i = 0; i < l->after_count; i++)
        l->afters[i].fn(l->afters[i].arg);
    return 0;
}

int loop_run(struct loop *l, struct err *e)
{
    int rc = 0;
    while (rc == 0 && !l->stopping)
        rc = loop_round(l, -1, e);
    l->stopping = false;
    return rc;
}

void loop_stop(struct loop *l)
{
    l->stopping = true;
}
