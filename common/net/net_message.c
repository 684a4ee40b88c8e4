#include "common/net/net_internal.h"

#include "common/base/check.h"

#include <errno.h>

_Static_assert(sizeof(zmq_msg_t) <= sizeof(((struct net_message *)NULL)->parts[0].bytes),
               "struct net_message must have room for the library's messages");

static zmq_msg_t *message_part(struct net_message *m, unsigned i)
{
    return (zmq_msg_t *)(void *)m->parts[i].bytes;
}

/* One part into *part. 1 when more follow, 0 when it was the last, or a negative err_code. */
static int message_receive_part(void *zmq, zmq_msg_t *part)
{
    zmq_msg_init(part);
    while (zmq_msg_recv(part, zmq, ZMQ_DONTWAIT) < 0) {
        if (errno == EINTR)
            continue;
        int rc = errno == EAGAIN ? ERR_AGAIN : ERR_NET;
        zmq_msg_close(part);
        return rc;
    }
    return zmq_msg_more(part);
}

/* The key under which the sender was let in: set by the key handler, beyond the sender's reach. */
static void message_take_key(struct net_message *m, zmq_msg_t *part)
{
    const char *id = zmq_msg_gets(part, "User-Id");
    if (id && !m->has_key)
        m->has_key = key_parse_z85(slice_str(id), &m->key, NULL) == 0;
}

static int message_receive_route(void *zmq, struct net_message *m)
{
    zmq_msg_t part;
    int rc = message_receive_part(zmq, &part);
    if (rc < 0)
        return rc;
    require(zmq_msg_size(&part) <= NET_ROUTE_BYTES);
    m->route.len = (uint8_t)zmq_msg_size(&part);
    memcpy(m->route.bytes, zmq_msg_data(&part), m->route.len);
    zmq_msg_close(&part);
    return rc;
}

static int message_receive_rest(void *zmq, struct net_message *m)
{
    zmq_msg_t extra;
    // cppcheck-suppress uninitvar ; zmq_msg_init below makes it
    zmq_msg_t *part = m->parts_used < NET_FRAMES_MAX ? message_part(m, m->parts_used) : &extra;
    int rc = message_receive_part(zmq, part);
    if (rc < 0)
        return rc;
    message_take_key(m, part);
    if (part == &extra) {
        m->malformed = true;
        zmq_msg_close(&extra);
        return rc;
    }
    m->frames[m->parts_used++] = slice_of(zmq_msg_data(part), zmq_msg_size(part));
    m->frame_count = m->parts_used;
    return rc;
}

int net_parts_receive(struct net_socket *s, struct net_message *m)
{
    m->route.len = 0;
    m->has_key = false;
    m->malformed = false;
    m->frame_count = 0;
    m->parts_used = 0;
    int rc = 1;
    if (s->kind == NET_ROUTER || s->kind == NET_XPUB)
        rc = message_receive_route(s->zmq, m);
    /* libzmq hands over a message whole, so the rest of one that began is there already. */
    while (rc == 1)
        rc = message_receive_rest(s->zmq, m);
    if (rc < 0) {
        net_message_clear(m);
        return rc;
    }
    s->net->counters.messages_malformed += m->malformed;
    return 0;
}

int net_receive(struct net_socket *s, struct net_message *m)
{
    return s->kind == NET_XPUB ? net_feed_receive(s, m) : net_parts_receive(s, m);
}

void net_message_clear(struct net_message *m)
{
    for (unsigned i = 0; i < m->parts_used; i++)
        zmq_msg_close(message_part(m, i));
    m->parts_used = 0;
    m->frame_count = 0;
}

static int message_send_code(void)
{
    switch (errno) {
    case EAGAIN:
        return ERR_AGAIN;
    case EHOSTUNREACH:
        return ERR_NOT_FOUND;
    default:
        return ERR_NET;
    }
}

static int message_send_part(void *zmq, zmq_msg_t *part, bool more)
{
    int flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0);
    int rc;
    do
        rc = zmq_msg_send(part, zmq, flags);
    while (rc < 0 && errno == EINTR);
    return rc < 0 ? message_send_code() : 0;
}

static int message_send_route(void *zmq, const struct net_route *route)
{
    zmq_msg_t part;
    require(zmq_msg_init_size(&part, route->len) == 0);
    memcpy(zmq_msg_data(&part), route->bytes, route->len);
    int rc = message_send_part(zmq, &part, true);
    if (rc < 0)
        zmq_msg_close(&part);
    return rc;
}

/* All or nothing: whether there is room is asked at the first part only; when the peer goes away
 * later, libzmq takes back what it had queued. */
int net_parts_send(void *zmq, const struct net_route *route, zmq_msg_t *parts, unsigned count)
{
    int rc = route ? message_send_route(zmq, route) : 0;
    unsigned sent = 0;
    while (rc == 0 && sent < count) {
        rc = message_send_part(zmq, &parts[sent], sent + 1 < count);
        sent += rc == 0;
    }
    for (; sent < count; sent++)
        zmq_msg_close(&parts[sent]);
    return rc;
}

static int message_check_size(const struct net_socket *s, const struct slice *frames,
                              unsigned count, struct err *e)
{
    size_t limit = s->net->options.message_bytes_max;
    for (unsigned i = 0; i < count; i++)
        if (frames[i].len > limit)
            return err_set(e, ERR_LIMIT,
                           "send to %s: a frame of %zu bytes is above the limit of %zu",
                           s->endpoint, frames[i].len, limit);
    return 0;
}

static int message_send_error(const struct net_socket *s, int code, struct err *e)
{
    switch (code) {
    case ERR_AGAIN:
        return err_set(e, code,
                       "send on %s: the peer's queue is full or it is not connected: later",
                       s->endpoint);
    case ERR_NOT_FOUND:
        return err_set(e, code, "send on %s: the peer has gone", s->endpoint);
    default:
        return err_set(e, code, "send on %s: %s", s->endpoint, zmq_strerror(errno));
    }
}

static void message_fill_parts(zmq_msg_t *parts, const struct slice *frames, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        require(zmq_msg_init_size(&parts[i], frames[i].len) == 0);
        if (frames[i].len > 0)
            memcpy(zmq_msg_data(&parts[i]), frames[i].data, frames[i].len);
    }
}

int net_send(struct net_socket *s, const struct net_route *route, const struct slice *frames,
             unsigned count, struct err *e)
{
    require(count > 0 && count <= NET_FRAMES_MAX);
    require((s->kind == NET_ROUTER) == (route != NULL));
    require(s->kind != NET_SUB);
    if (s->kind == NET_XPUB)
        return net_publish(s, frames, count, NULL, NULL, e);
    zmq_msg_t parts[NET_FRAMES_MAX];
    int rc = message_check_size(s, frames, count, e);
    if (rc < 0)
        return rc;
    message_fill_parts(parts, frames, count);
    rc = net_parts_send(s->zmq, route, parts, count);
    return rc < 0 ? message_send_error(s, rc, e) : 0;
}

int net_publish(struct net_socket *s, const struct slice *frames, unsigned count,
                net_may_hear_fn *may_hear, void *arg, struct err *e)
{
    require(count > 0 && count <= NET_FRAMES_MAX);
    require(s->kind == NET_XPUB);
    zmq_msg_t parts[NET_FRAMES_MAX];
    int rc = message_check_size(s, frames, count, e);
    if (rc < 0)
        return rc;
    message_fill_parts(parts, frames, count);
    rc = net_feed_send(s, parts, count, may_hear, arg);
    return rc < 0 ? message_send_error(s, rc, e) : 0;
}
